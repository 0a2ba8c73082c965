"""The schedule over a stored book, with what it calls in AWS in hand: killed, overtaken, seen by a consumer."""

import json
import os
from collections.abc import Callable
from datetime import date, datetime, timedelta
from threading import RLock
from typing import Any

from arrears.close.run import Closing
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.rendering.history import month_body
from arrears.reports.month_close import from_stored
from arrears.storage.events import EventSender
from arrears.storage.history.store import HistoryStore
from arrears.storage.ledger.reader import LedgerStore
from arrears.storage.ledger.recorder import Recorder
from oracle import Book
from support.books import arrivals, noon
from support.dynamodb import current

EVERYTHING = 10_000
RECORDING = timedelta(minutes=5)
"""More time than recording takes: changes have the moments at which they are written, from that of the request on."""
MOST_ACTIONS = 100


class Killed(BaseException):
    """The worker is gone."""


class Stored:
    """A book in tables, and the schedule over it. sent: what the bus has taken, in order."""

    def __init__(self, client: Any, organisation: Organisation) -> None:
        self.client, self.organisation = client, organisation
        self.ledger = LedgerStore(client, os.environ["LEDGER_TABLE"])
        self.recorder = Recorder(client, os.environ["LEDGER_TABLE"])
        self.history = HistoryStore(client, os.environ["HISTORY_TABLE"])
        self.sent: list[dict[str, Any]] = []
        self.bus: Any = Bus(self.sent)

    def closing(self, out_of_time: Callable[[], bool] = lambda: False) -> Closing:
        return Closing(self.ledger, self.history, self.recorder, EventSender("bus", self.bus), out_of_time)

    def close(self, moment: datetime) -> None:
        """Runs a little after a moment: what tests record at the moment itself is known by then."""
        self.closing().close(self.organisation, moment + RECORDING)

    def record_all(self, book: Book) -> None:
        for when, records in arrivals(book):
            self.recorder.record(self.organisation, records, when)

    def play(self, book: Book, days: list[date]) -> None:
        """Records what has arrived before each run's day, then runs."""
        waiting = list(arrivals(book))
        for day in days:
            moment = noon(day, self.organisation.timezone)
            while waiting and waiting[0][0] < moment - timedelta(hours=12):
                when, records = waiting.pop(0)
                self.recorder.record(self.organisation, records, when)
            self.close(moment)

    def months(self, side: Side = Side.RECEIVABLE) -> dict[str, Any]:
        snapshots = self.history.snapshots(self.organisation.id, 1_200, side)
        bodies = [month_body(s.end, s.policy_version, from_stored(s.figures), side) for s in snapshots]
        return {"months": bodies}

    def records(self) -> list[dict[str, Any]]:
        found, more = self.history.escalations(self.organisation.id, EVERYTHING)
        assert more is None
        return found

    def seen(self) -> dict[str, dict[str, Any]]:
        """What a consumer has that drops repeated ids; a repeated one says the same."""
        seen: dict[str, dict[str, Any]] = {}
        for record in self.sent:
            assert seen.setdefault(record["id"], record) == record
        return seen

    def state(self) -> dict[str, Any]:
        """Everything that a run leaves behind, but for when it ran."""
        snapshots = self.history.snapshots(self.organisation.id, 1_200)
        return {
            "run": self.history.run(self.organisation.id)._replace(version=0),
            "months": self.months(),
            "payables": self.months(Side.PAYABLE),
            "rows": [
                self.history.snapshot_rows(self.organisation.id, month["month"], snapshot)
                for month, snapshot in zip(self.months()["months"], snapshots, strict=True)
            ],
            "escalations": sorted((timeless(record) for record in self.records()), key=lambda record: record["id"]),
            "seen": {id_: timeless(record) for id_, record in self.seen().items()},
            "outbox": [waiting.record for waiting in self.history.unsent(self.organisation.id)],
        }


def timeless(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "recordedAt"}


class Bus:
    """An EventBridge client as far as it is called: it accepts entries, and can be set to refuse some first."""

    def __init__(self, taken: list[dict[str, Any]]) -> None:
        self.taken = taken
        self.refusing = 0

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert 0 < len(Entries) <= 10
        outcomes: list[dict[str, Any]] = []
        for entry in Entries:
            assert entry["Source"], entry["DetailType"]
            if self.refusing:
                self.refusing -= 1
                outcomes.append({"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"})
                continue
            detail = json.loads(entry["Detail"])
            assert detail.pop("organisationId")
            self.taken.append(detail)
            outcomes.append({"EventId": str(len(self.taken))})
        return {"FailedEntryCount": outcomes.count({}), "Entries": outcomes}


class Calls:
    """Every call of some clients, one at a time, and what happens before or after the n-th one."""

    def __init__(self, *clients: Any) -> None:
        self.count = 0
        self.names: list[str] = []
        self.before: dict[int, Callable[[], None]] = {}
        self.after: dict[int, Callable[[], None]] = {}
        self._lock = RLock()
        self._made = [(client, self._wrap(client)) for client in clients]

    def _wrap(self, client: Any) -> str:
        name = "put_events" if isinstance(client, Bus) else "_make_api_call"
        make = getattr(client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                self.count += 1
                mine = self.count
                self.names.append(args[0] if args else "PutEvents")
                if args and args[0] == "TransactWriteItems":
                    assert len(args[1]["TransactItems"]) <= MOST_ACTIONS
                self.before.pop(mine, lambda: None)()
                answer = make(*args, **kwargs)
                self.after.pop(mine, lambda: None)()
                return answer

        setattr(client, name, call)
        return name

    def release(self) -> None:
        for client, name in self._made:
            delattr(client, name)


def kill() -> None:
    raise Killed


class Tables:
    """The tables as they are now, to be restored."""

    def __init__(self) -> None:
        self.restore = current().save()
