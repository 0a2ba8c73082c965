"""Writers of one organisation at the same time: records per second, and transactions that cancel each other.

Time is simulated, everything else is the product: each writer is a recorder in a thread of its own, and only the one
whose moment comes next runs. A request takes as long as the constants below say. The items of a transaction are held
from its arrival until it is done; another that wants one of them meanwhile is cancelled, as DynamoDB cancels it.

Run: python -m bench.writers [records of each writer] [customers]
"""

import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from botocore.exceptions import ClientError
from botocore.hooks import HierarchicalEmitter

from arrears.imports.import_run import patiently
from arrears.ledger import exact_json
from arrears.ledger.organisation import Organisation
from arrears.storage.ledger.reader import LedgerStore
from arrears.storage.ledger.recorder import Recorder
from bench import here
from bench.book import LEDGER, organisation_of
from bench.table import Tables
from bench.writes import BATCH, Mixed, Record, batches
from support.dynamodb import Failure

READ_SECONDS = 0.010
"""Of a request that reads a hundred items."""
TRANSACTION_SECONDS, SECONDS_PER_ACTION = 0.010, 0.0002
"""Of a transaction: 30 ms with a hundred actions."""
PROCESSOR_SECONDS_PER_ACTION = 0.0002
"""Of the writer, before it sends them: about 2,000 records a second, as a function with 1 GB does."""
WRITERS = 8


class Clock:
    """Simulated time of several threads, of which one runs at a time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._queue: list[tuple[float, int, Event]] = []
        self._waits = 0

    def wait(self, seconds: float) -> None:
        """Lets the others run until so much time has gone by."""
        resumed = self._add(seconds)
        self._resume_next()
        resumed.wait()

    def run(self, works: list[Callable[[], None]]) -> None:
        """Runs them side by side from now on, until all are done. Raises what the first that failed raised."""
        errors: list[BaseException] = []
        threads = []
        for work in works:
            thread = Thread(target=self._run, args=(work, self._add(0), errors))
            thread.start()
            threads.append(thread)
        self._resume_next()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def _run(self, work: Callable[[], None], resumed: Event, errors: list[BaseException]) -> None:
        resumed.wait()
        try:
            work()
        except BaseException as error:
            errors.append(error)
        self._resume_next()

    def _add(self, seconds: float) -> Event:
        self._waits += 1
        resumed = Event()
        heappush(self._queue, (self.now + seconds, self._waits, resumed))
        return resumed

    def _resume_next(self) -> None:
        if self._queue:
            self.now, _, resumed = heappop(self._queue)
            resumed.set()


class Client:
    """The part of a client that a recorder uses, to a table that takes simulated time.

    sent, cancelled: transactions, and those of them that met another's items or were based on what had changed.
    """

    def __init__(self, table: Tables, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._held: set[tuple[str, str]] = set()
        self.sent = self.cancelled = 0
        self.meta = SimpleNamespace(events=HierarchicalEmitter())

    def batch_get_item(self, **request: Any) -> Any:
        """Reads items."""
        return self._read("BatchGetItem", request)

    def query(self, **request: Any) -> Any:
        """Reads a page."""
        return self._read("Query", request)

    def _read(self, operation: str, request: Any) -> Any:
        self._clock.wait(READ_SECONDS)
        return self._table.perform(operation, request)

    def transact_write_items(self, **request: Any) -> Any:
        """Applies a transaction, or raises ClientError."""
        changes = [next(iter(action.values())) for action in request["TransactItems"]]
        self._clock.wait(PROCESSOR_SECONDS_PER_ACTION * len(changes))
        self.sent += 1
        places = [_place(change.get("Key") or change["Item"]) for change in changes]
        codes = ["TransactionConflict" if place in self._held else "None" for place in places]
        if any(code != "None" for code in codes):
            self._clock.wait(TRANSACTION_SECONDS)
            raise self._cancelled(codes)
        self._held.update(places)
        self._clock.wait(TRANSACTION_SECONDS + SECONDS_PER_ACTION * len(changes))
        self._held.difference_update(places)
        try:
            return self._apply(request)
        except Failure as failed:
            raise self._cancelled([reason["Code"] for reason in failed.more["CancellationReasons"]]) from failed

    def _apply(self, request: Any) -> Any:
        return self._table.perform("TransactWriteItems", request)

    def _cancelled(self, codes: list[str]) -> ClientError:
        self.cancelled += 1
        reasons = [{"Code": code} for code in codes]
        answer: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
        return ClientError(answer, "TransactWriteItems")


def _place(key: Any) -> tuple[str, str]:
    return key["pk"]["S"], key["sk"]["S"]


@dataclass(frozen=True, slots=True)
class Throughput:
    """What some writers came to. conflicts: cancelled transactions, of all that were sent."""

    records_per_second: float
    conflicts: float


def measure(writers: int, records: int, customers: int) -> Throughput:
    """So many writers at once, each with so many records in batches of 500; none may be lost."""
    random.seed(writers)
    here.set_environment()
    table, clock = Tables(), Clock()
    organisation, _ = organisation_of(table)
    client = Client(table, clock)
    made = [[_as_sent(batch) for batch in batches(Mixed(n, customers), BATCH, records)] for n in range(writers)]
    with patch.object(time, "sleep", clock.wait):
        clock.run([partial(_write, client, clock, organisation, own) for own in made])
    seconds = clock.now
    _check(client, organisation, [record for own in made for batch in own for record in batch])
    return Throughput(writers * records / seconds, client.cancelled / client.sent)


def _as_sent(batch: list[Record]) -> list[Record]:
    """With exact numbers, as a request's body has them."""
    sent: list[Record] = exact_json.loads(json.dumps(batch))
    return sent


def _write(client: Any, clock: Clock, organisation: Organisation, batches: list[list[Record]]) -> None:
    recorder = Recorder(client, LEDGER)
    for batch in batches:
        write = partial(recorder.record, organisation, now=here.now())
        results = {result.result for result in patiently(write, lambda *_: None, clock.wait)(batch)}
        if not results <= {"created", "unchanged"}:
            raise AssertionError(results)


def _check(client: Any, organisation: Organisation, records: list[Record]) -> None:
    """Every invoice is in the figures of its month once."""
    sums = LedgerStore(client, LEDGER).collection(organisation, organisation.today(here.now()))
    counted = sum(count for count, _ in sums.values())
    invoices = sum(record["type"] == "invoice" for record in records)
    if counted != invoices:
        raise AssertionError((counted, invoices))


def main(records: int = 6_000, customers: int = 200_000) -> None:
    """Prints what one writer and eight come to."""
    alone, together = (measure(writers, records, customers) for writers in (1, WRITERS))
    print(
        f"one writer: {alone.records_per_second:,.0f} records a second; {WRITERS}: {together.records_per_second:,.0f}, "
        f"ratio {together.records_per_second / alone.records_per_second:.2f}, "
        f"{together.conflicts:.1%} of transactions cancelled"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
