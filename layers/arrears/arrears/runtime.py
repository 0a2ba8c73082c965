"""The composition root: builds clients and stores from the environment, once per cold start, and the handlers."""

import gc
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, cast

from arrears.ledger.known_at import moment_of
from arrears.storage.access.authentication import REQUESTS_PER_SECOND, Authentication
from arrears.storage.access.counters import Counters
from arrears.storage.access.table import AccessTable
from arrears.storage.client import as_error, connect, write_fast
from arrears.storage.ledger.reader import LedgerStore
from arrears.storage.transactions import BRIEF_WAITS, IMPORT_WAITS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from arrears.api.http import Endpoint
    from arrears.close.explanation import Around, MonthExplanation
    from arrears.close.log_retention import LogRetention
    from arrears.close.run import Closing
    from arrears.ledger.organisation import Organisation
    from arrears.ledger.origin import Origin
    from arrears.ledger.result import Result
    from arrears.ledger.time_limit import TimeLimit
    from arrears.storage.access.api_keys import ApiKeys
    from arrears.storage.access.audit import Audit
    from arrears.storage.access.organisations import Organisations
    from arrears.storage.access.users import Users
    from arrears.storage.close_queue import CloseQueue
    from arrears.storage.customer_erasure import CustomerErasure
    from arrears.storage.history.store import HistoryStore
    from arrears.storage.import_bucket import ImportBucket
    from arrears.storage.import_slots import ImportSlots
    from arrears.storage.ledger.change_log import ChangeLog
    from arrears.storage.ledger.change_reader import ChangeReader
    from arrears.storage.ledger.export import LedgerExport
    from arrears.storage.ledger.import_undo import ImportUndo
    from arrears.storage.ledger.parties import PartyStore
    from arrears.storage.ledger.reconcile import Reconciliation
    from arrears.storage.ledger.recorder import Recorder
    from arrears.storage.ledger.upgrade import LedgerUpgrade
    from arrears.storage.organisation_deletion import OrganisationDeletion


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment names: tables, the event bus and the queue of the schedule, where a function has them.

    requests_per_key: a second, of one API key or user; empty: the usual number. change_log_days: for how long changes
    are kept; 0 or empty: for ever.
    """

    access_table: str
    ledger_table: str = ""
    history_table: str = ""
    event_bus: str = ""
    close_queue_url: str = ""
    import_queue_url: str = ""
    counters_table: str = ""
    requests_per_key: str = ""
    import_bucket: str = ""
    change_log_days: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Reads it. Raises LookupError where it lacks what every function needs."""
        if not environment.get("ACCESS_TABLE"):
            raise LookupError("the environment lacks ACCESS_TABLE")
        return cls(**{part.name: environment.get(part.name.upper(), "") for part in fields(cls)})


@dataclass(frozen=True, slots=True)
class Services:
    """What the endpoints and the command work with. clock: the present as an aware moment.

    actor: who the audit says did it; asked when there is something to record.
    """

    client: "DynamoDBClient"
    settings: Settings
    authentication: Authentication
    ledger: LedgerStore
    clock: Callable[[], datetime]
    actor: Callable[[], str] | None = None

    def organisations(self) -> "Organisations":
        """The organisations and their policies."""
        from arrears.storage.access.organisations import Organisations

        write_fast(self.client)
        return Organisations(self._access_table(), self.audit(), self.clock, self.settings.ledger_table)

    def reading(
        self, organisation: "Organisation", known_at: datetime | None = None, limit: "TimeLimit | None" = None
    ) -> "Reading":
        """The organisation's book as it is, or as it was known at a moment since `known_from`.

        limit: how long reading what has changed since the moment may take.
        """
        table = self.settings.ledger_table
        if known_at is None:
            return Reading(organisation, self.ledger, self.client, table, self.clock())
        from arrears.storage.access.items import with_settings
        from arrears.storage.ledger.past_table import PastTable

        around = iter if limit is None else limit.around
        past = PastTable(self.client, table, organisation.id, moment_of(known_at), around)
        settings = past.settings()
        then = organisation if settings is None else with_settings(organisation, settings)
        client = cast("DynamoDBClient", past)
        return Reading(then, LedgerStore(client, table), client, table, known_at)

    def api_keys(self) -> "ApiKeys":
        """The API keys, for the command."""
        from arrears.storage.access.api_keys import ApiKeys

        return ApiKeys(
            self._access_table(), self.audit(), self.clock, Counters(self.client, self.settings.counters_table)
        )

    def users(self) -> "Users":
        """The users of customers' accounts, for the command."""
        from arrears.storage.access.users import Users

        return Users(self._access_table(), self.audit(), self.clock)

    def audit(self) -> "Audit":
        """Every administrative act."""
        from arrears.storage.access.audit import Audit, system

        return Audit(self._access_table(), self.clock, self.actor or system)

    def _access_table(self) -> AccessTable:
        return AccessTable(self.client, self.settings.access_table)

    def find_organisation(self, id: str) -> "Organisation | None":
        """The organisation of that id, if there is one."""
        try:
            return self.organisations().get(id)
        except ValueError:
            return None

    def recorder(self, waits: tuple[float, ...] = BRIEF_WAITS) -> "Recorder":
        """What writes the ledger: always the same one, as it keeps out of the way of other writers that it has met."""
        return _recorder(self.client, self.settings.ledger_table, waits)

    def upgrade(self) -> "LedgerUpgrade":
        """What stores older books in the present form, for the command."""
        from arrears.storage.ledger.upgrade import LedgerUpgrade

        return LedgerUpgrade(self.client, self.settings.ledger_table)

    def operator(self) -> "Origin":
        """Who works with the command, as the audit names them."""
        from arrears.ledger.origin import Origin

        return Origin("operator", self.audit().actor())

    def writing(
        self, organisation: "Organisation", origin: "Origin | None" = None
    ) -> "Callable[[Sequence[dict[str, Any]]], Sequence[Result]]":
        """What writes records into one organisation's ledger, for imports: it has patience with a throttled table.

        origin: whose changes they are; None: those of who works with the command. It raises ArrearsError where the
        ledger stays busy.
        """
        recorder = self.recorder(IMPORT_WAITS)

        def write(records: Sequence[dict[str, Any]]) -> "Sequence[Result]":
            try:
                return recorder.record(organisation, records, self.clock(), origin or self.operator())
            except Exception as error:
                known = as_error(error)
                if known is None:
                    raise
                raise known from error

        return write

    def export(self) -> "LedgerExport":
        """The whole ledger, for the command."""
        from arrears.storage.ledger.export import LedgerExport

        return LedgerExport(self.client, self.settings.ledger_table)

    def changes(self) -> "ChangeReader":
        """What has changed in the ledger, by whom and when."""
        from arrears.storage.ledger.change_reader import ChangeReader

        return ChangeReader(self.client, self.settings.ledger_table)

    def import_undo(self) -> "ImportUndo":
        """What undoes imports, for the command."""
        from arrears.storage.ledger.import_undo import ImportUndo

        return ImportUndo(self.client, self.settings.ledger_table, waits=IMPORT_WAITS)

    def reconciliation(self) -> "Reconciliation":
        """What checks sums against the documents, for the command."""
        from arrears.storage.ledger.reconcile import Reconciliation

        return Reconciliation(self.client, self.settings.ledger_table, self.operator)

    def customer_erasure(self) -> "CustomerErasure":
        """What erases one customer, for the command."""
        from arrears.storage.customer_erasure import CustomerErasure
        from arrears.storage.history.erasure import HistoryErasure
        from arrears.storage.ledger.erasure import LedgerErasure

        ledger = LedgerErasure(self.client, self.settings.ledger_table)
        history = HistoryErasure(self.client, self.settings.history_table)
        return CustomerErasure(ledger, history, self._access_table(), self.audit())

    def organisation_deletion(self) -> "OrganisationDeletion":
        """What deletes a whole organisation, for the command."""
        from arrears.storage.history.deletion import HistoryDeletion
        from arrears.storage.import_folder import ImportFolders
        from arrears.storage.ledger.deletion import LedgerDeletion
        from arrears.storage.organisation_deletion import OrganisationDeletion

        return OrganisationDeletion(
            LedgerDeletion(self.client, self.settings.ledger_table),
            HistoryDeletion(self.client, self.settings.history_table),
            self._access_table(),
            Counters(self.client, self.settings.counters_table),
            ImportFolders(self.settings.import_bucket),
            self.audit(),
            self.clock,
        )

    def history(self) -> "HistoryStore":
        """Snapshots and escalations."""
        from arrears.storage.history.store import HistoryStore

        return HistoryStore(self.client, self.settings.history_table)

    def close_queue(self) -> "CloseQueue":
        """The organisations to work through."""
        from arrears.storage.close_queue import CloseQueue

        return CloseQueue(self.settings.close_queue_url)

    def import_bucket(self) -> "ImportBucket":
        """Files dropped into a bucket, and the queue of those to import."""
        from arrears.storage.import_bucket import ImportBucket

        return ImportBucket(self.settings.import_queue_url)

    def import_slots(self) -> "ImportSlots":
        """How many dropped files of one organisation are imported at once."""
        from arrears.storage.import_slots import ImportSlots

        return ImportSlots(self.client, self.settings.ledger_table, self.clock)

    def month_explanation(self, around: "Around" = iter) -> "MonthExplanation":
        """What explains closed months. around: bounds the time that reading takes (TimeLimit.around)."""
        from arrears.close.explanation import MonthExplanation

        return MonthExplanation(self.client, self.settings.ledger_table, self.ledger, self.history(), around)

    def closing(self, out_of_time: Callable[[], bool] = lambda: False) -> "Closing":
        """What works through the days; escalations are sent where there is a bus."""
        from arrears.close.run import Closing
        from arrears.storage.events import EventSender

        sender = EventSender(self.settings.event_bus) if self.settings.event_bus else None
        return Closing(self.ledger, self.history(), self.recorder(), sender, out_of_time)

    def log_retention(self, out_of_time: Callable[[], bool] = lambda: False) -> "LogRetention":
        """What removes old entries of the change log."""
        from arrears.close.log_retention import LogRetention

        days = int(self.settings.change_log_days or 0)
        return LogRetention(self.organisations(), self.change_log, days, out_of_time)

    def change_log(self, organisation_id: str) -> "ChangeLog":
        """The change log of an organisation."""
        from arrears.storage.ledger.change_log import ChangeLog

        return ChangeLog(self.client, self.settings.ledger_table, organisation_id)


@dataclass(frozen=True, slots=True)
class Reading:
    """The book of an organisation as of the present, or as known at a past moment. now: that moment.

    organisation: with the policy of that moment.
    """

    organisation: "Organisation"
    ledger: LedgerStore
    client: "DynamoDBClient"
    table: str
    now: datetime

    @property
    def today(self) -> int:
        """The calendar day of the moment in the organisation's zone."""
        return self.organisation.today(self.now)

    def parties(self, limit: "TimeLimit | None" = None) -> "PartyStore":
        """Single customers and suppliers, for their pages and statements. limit: how long reading may take."""
        from arrears.storage.ledger.parties import PartyStore

        return PartyStore(self.client, self.table, self.ledger, limit)


@lru_cache(maxsize=2)
def _recorder(client: "DynamoDBClient", table: str, waits: tuple[float, ...]) -> "Recorder":
    """Made where it is used: what reads must not pay for importing it."""
    from arrears.storage.ledger.recorder import Recorder

    return Recorder(client, table, waits=waits)


def now() -> datetime:
    """The present moment, aware."""
    return datetime.now(UTC)


def build(settings: Settings, actor: Callable[[], str] | None = None) -> Services:
    """Services over a new client. actor: who the audit says did it, the system if None."""
    client = connect()
    authentication = Authentication(
        AccessTable(client, settings.access_table),
        Counters(client, settings.counters_table),
        now,
        int(settings.requests_per_key or REQUESTS_PER_SECOND),
    )
    return Services(client, settings, authentication, LedgerStore(client, settings.ledger_table), now, actor)


@cache
def services() -> Services:
    """The services of this process, by its environment."""
    return build(Settings.from_environment(os.environ))


def queue_handler(work: Callable[[str, Any], None], failure: str) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The Lambda handler of an SQS queue: it answers which messages have to come again.

    work: takes a message's body and the Lambda context. failure: what the log says of a message that `work` raises for.
    """
    from aws_lambda_powertools import Logger

    logger = Logger(service="arrears")

    def answer(event: dict[str, Any], context: Any) -> dict[str, Any]:
        failed = []
        for message in event["Records"]:
            try:
                work(message["body"], context)
            except Exception:
                logger.exception(failure, message_id=message["messageId"])
                failed.append({"itemIdentifier": message["messageId"]})
        return {"batchItemFailures": failed}

    return answer


def lambda_handler(endpoint: "Endpoint") -> Callable[[dict[str, Any], object], dict[str, Any]]:
    """The Lambda handler of an endpoint: it knows which failures of storage mean "busy".

    In Lambda everything is connected while the function starts, which has more processor than its requests get.
    """
    if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
        services()

    def answer(event: dict[str, Any], context: object) -> dict[str, Any]:
        # A large book is hundreds of thousands of objects, none of them in a cycle. Looking for cycles among them while
        # they are being made took a tenth of the answer's time (python -m bench warm).
        gc.disable()
        try:
            return endpoint.answer(event, context, as_error)
        finally:
            gc.enable()

    return answer
