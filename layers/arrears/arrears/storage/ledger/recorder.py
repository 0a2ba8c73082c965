"""Writes records to the ledger, in as few transactions as they fit into, and returns a result for each."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any

from arrears.ledger.deletions import RecordingWithDeletions, named_by
from arrears.ledger.errors import UNAVAILABLE, ArrearsError
from arrears.ledger.known_at import moment_of
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.ledger.origin import OPERATOR, SCHEDULE, Origin
from arrears.ledger.recording import Named, Recording
from arrears.ledger.records import Deletion, Record, Rejection, read_record
from arrears.ledger.result import Result
from arrears.storage.dynamodb import Key
from arrears.storage.ledger import keys
from arrears.storage.ledger.change_entries import Entry
from arrears.storage.ledger.change_log import present_moment
from arrears.storage.ledger.month_figures import draw_slot
from arrears.storage.ledger.month_folding import MonthFolding
from arrears.storage.ledger.open_accounts import OpenAccounts
from arrears.storage.ledger.unit_of_work import Conflict, Crowded, StoredUnitOfWork
from arrears.storage.transactions import BRIEF_WAITS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

MOST_CHANGES = 80
"""Items in one transaction before it is sent: DynamoDB takes 100, and one more record may change about fifteen."""
READ_AHEAD = 250
"""Records whose items are read at once: half a batch, as the longer they were read before, the more others change."""
_TRIES = 12
_LONGEST_WAIT_SECONDS = 1.5


class Session:
    """What is written at the request of somebody. now: when it began; its changes have the moments from then on.

    kept: as of the unit of work.
    """

    def __init__(
        self,
        organisation: Organisation,
        now: datetime,
        origin: Origin,
        kept: Callable[[Entry], Entry] | None = None,
    ) -> None:
        self.organisation = organisation
        self.today = organisation.today(now)
        self.origin = origin
        self.kept = kept
        self._began, self._at = moment_of(now), time.monotonic()

    def moment(self) -> int:
        """The present in microseconds since 1970."""
        return self._began + int((time.monotonic() - self._at) * 1_000_000)


class Recorder:
    """Writes to one ledger table.

    draw_slot: draws the slot of months that this adds to; another is drawn where it meets somebody else.
    waits: seconds, at most, before a throttled transaction is sent again.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        draw_slot: Callable[[], int] = draw_slot,
        waits: Sequence[float] = BRIEF_WAITS,
    ) -> None:
        self._client = client
        self._table = table
        self._draw_slot, self._slot = draw_slot, draw_slot()
        self._waits = waits

    def record(
        self, organisation: Organisation, records: Sequence[Any], now: datetime, origin: Origin = OPERATOR
    ) -> list[Result]:
        """Applies records in their order, and says what became of each. origin: who sent them.

        One bad record never stops the others. What is answered is durable. Should this stop half-way, sending the
        same records again completes them: those already in are `unchanged`.
        Raises ArrearsError (unavailable) when others keep changing the same accounts.
        """
        results: list[Result] = []
        session = Session(organisation, now, origin)
        for batch in batched(records, READ_AHEAD, strict=False):
            read = [read_record(raw) for raw in batch]
            steps = [partial(_apply, record=record, raw=raw) for record, raw in zip(read, batch, strict=True)]
            named = [_key_of(organisation, named) for record in read for named in named_by(organisation, record)]
            results += self._run(session, steps, named)
        return results

    def close_documents(self, organisation: Organisation, kind: str, ids: Iterable[str], now: datetime) -> int:
        """Moves invoices or bills that time has closed out of the open set; how many it moved."""
        moved, session = 0, Session(organisation, now, SCHEDULE)
        for batch in batched(ids, READ_AHEAD, strict=False):
            steps = [partial(Recording.close_document, kind=kind, id=id_) for id_ in batch]
            named = [keys.document_key(organisation.id, kind, id_) for id_ in batch]
            moved += sum(self._run(session, steps, named))
        return moved

    def list_steady(self, organisation: Organisation, now: datetime) -> int:
        """Lists accounts where their rows are shown that nothing dated ahead will change any more; how many it moved.

        Until then every answer reads them whole.
        """
        moved, session = 0, Session(organisation, now, SCHEDULE)
        for side in Side:
            ahead = OpenAccounts(self._client, self._table, organisation, side).keys_ahead()
            for batch in batched(ahead, READ_AHEAD, strict=False):
                steps = [partial(_list_if_steady, key=keys.account_in(key)) for key in batch]
                moved += sum(self._run(session, steps, batch))
        return moved

    def apply_due_effects(
        self, organisation: Organisation, today: int, clock: Callable[[], int] = present_moment
    ) -> int:
        """Adds what was to count from a day that has come to its month's figures for good; how many items it was in.

        It also brings the slots of every month together. Readers see no difference: they add everything up anyway.
        What somebody else has changed meanwhile stays for the next time.
        """
        sides = (MonthFolding(self._client, self._table, organisation, side, today, clock) for side in Side)
        return sum(folding.run() for folding in sides)

    def _run[Outcome](
        self,
        session: "Session",
        steps: Sequence[Callable[[RecordingWithDeletions], Outcome]],
        named: Sequence[Key],
    ) -> list[Outcome]:
        """Takes steps in their order until all are written. Steps not written yet are taken again on a new reading."""
        outcomes: list[Outcome] = []
        tries, most = 0, MOST_CHANGES
        while len(outcomes) < len(steps):
            try:
                for written in self._transactions(session, steps[len(outcomes) :], named, most):
                    outcomes += written
                    tries = 0
                    if written and most < MOST_CHANGES:
                        most = MOST_CHANGES
                        break
            except Crowded:
                if not most:
                    raise
                most = 0
            except Conflict as conflict:
                if conflict.in_months:
                    self._slot = self._draw_slot()
                tries += 1
                _wait(tries)
        return outcomes

    def _transactions[Outcome](
        self,
        session: "Session",
        steps: Sequence[Callable[[RecordingWithDeletions], Outcome]],
        named: Sequence[Key],
        most: int,
    ) -> Iterator[list[Outcome]]:
        """The outcomes of each transaction, once it is written. What is not yielded when it raises is not written."""
        organisation, today = session.organisation, session.today
        settings = self._slot, self._waits, session.origin, session.moment, session.kept
        work = StoredUnitOfWork(self._client, self._table, organisation, today, *settings)
        work.prefetch(named)
        recording = RecordingWithDeletions(organisation, work, today)
        outcomes = []
        for step in steps:
            outcomes.append(step(recording))
            if recording.unfinished:
                yield from self._go_on(recording, work, outcomes)
                outcomes = outcomes[-1:]
            if work.changes() > most:
                work.flush()
                yield outcomes
                outcomes = []
        work.flush()
        yield outcomes

    def _go_on[Outcome](
        self, recording: Recording, work: StoredUnitOfWork, outcomes: list[Outcome]
    ) -> Iterator[list[Outcome]]:
        """Finishes a step that takes more than one transaction; what came before it is written with its first.

        Should it stop half-way, the same step taken again finds what is left to do.
        """
        with work.one_change():
            work.flush()
            yield outcomes[:-1]
            while recording.unfinished:
                recording.go_on()
                work.flush()


def _apply(recording: RecordingWithDeletions, record: Record | Deletion | Rejection, raw: Any) -> Result:
    return recording.apply(record, raw)


def _list_if_steady(recording: Recording, key: str) -> bool:
    account = recording.work.account(key, "")
    if not account.is_steady(recording.today):
        return False
    recording.work.touch(account)
    return True


def _wait(tries: int) -> None:
    if tries > _TRIES:
        raise ArrearsError(UNAVAILABLE, "Others keep changing the same accounts; send the batch again.", retry_after=1)
    time.sleep(random.uniform(0, min(_LONGEST_WAIT_SECONDS, 0.02 * 2**tries)))  # noqa: S311


KEYS_OF_NAMED: dict[str, Callable[[str, Named], Key]] = {
    "account": lambda organisation, named: keys.account_key(organisation, named.id),
    "account_number": lambda organisation, named: keys.number_key(organisation, named.id),
    "counterparty_record": lambda organisation, named: keys.account_key(organisation, named.id, keys.COUNTERPARTY),
    "document": lambda organisation, named: keys.document_key(organisation, named.kind, named.id),
    "on_account": lambda organisation, named: keys.on_account_key(organisation, named.kind, named.id),
    "pointer": lambda organisation, named: keys.pointer_key(organisation, named.kind, named.id),
}
"""The item of each thing that a record may name."""


def _key_of(organisation: Organisation, named: Named) -> Key:
    return KEYS_OF_NAMED[named.what](organisation.id, named)
