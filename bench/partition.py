"""What an import of a million rows does to the partitions that an organisation writes to, in simulated time.

DynamoDB takes 1,000 write units a second of a partition, of a table or of an index, and cancels what comes beyond. Each
partition key is taken to be one partition. It may lend up to five minutes of unused units, and split a busy partition
by sort key after some minutes; both are left out, so this is the worst that AWS does. Units are those that are measured
when the records are written; latencies are those of bench.writers. The writers are imports, with all their patience.

Run: python -m bench.partition [rows]
"""

import csv
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from itertools import batched, islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

from botocore.exceptions import ClientError

from arrears.imports.import_run import patiently
from arrears.ledger.organisation import Organisation
from bench import here
from bench.book import organisation_of
from bench.bulk_import import generate
from bench.table import Tables
from bench.writers import BATCH, TRANSACTION_SECONDS, Client, Clock, Record
from support.dynamodb import Index, Item, Key, Table, write_units

ROWS = 1_000_000
type Partition = tuple[str, str]
"""Of the table or an index: its name, and the partition key."""
UNITS_PER_SECOND = 1_000
LENT_SECONDS = 1.0
"""Of units that were not used."""


class Metered(Tables):
    """Tables that count write units by partition: of the table, and of each index."""

    def __init__(self) -> None:
        super().__init__()
        self.by_partition: Counter[Partition] = Counter()

    def _put(self, table: Table, key: Key, after: Item | None, factor: int) -> None:
        before = table.get(key)
        self.by_partition["table", key[0]] += factor * max(1, write_units(before), write_units(after))
        for name, index in table.indexes.items():
            for partition, units in _indexed(index, before, after):
                self.by_partition[name, partition] += units
        super()._put(table, key, after, factor)


def _indexed(index: Index, before: Item | None, after: Item | None) -> Iterator[tuple[str, int]]:
    """Write units of an index by partition: what moves within it is deleted and put."""
    old, new = index.projected(before), index.projected(after)
    if old == new:
        return
    names = index.names
    if old is not None and new is not None and all(old[name] == new[name] for name in names):
        yield new[names.partition]["S"], max(write_units(old), write_units(new))
        return
    for item in (old, new):
        if item is not None:
            yield item[names.partition]["S"], write_units(item)


class Limited(Client):
    """A client whose transactions are cancelled where a partition has no units left.

    throttled: transactions that were. units: what was written, by what the partitions are for.
    """

    def __init__(self, table: Metered, clock: Clock, units_per_second: float) -> None:
        super().__init__(table, clock)
        self._metered = table
        self._rate, self._most = units_per_second, units_per_second * LENT_SECONDS
        self._free: dict[Partition, tuple[float, float]] = {}
        self.throttled = 0
        self.units: Counter[str] = Counter()

    def transact_write_items(self, **request: Any) -> Any:
        """Applies a transaction, or raises ClientError."""
        changes = [next(iter(action.values())) for action in request["TransactItems"]]
        if any(self._left(partition) <= 0 for partition in set(_partitions(changes))):
            self.throttled += 1
            self._clock.wait(TRANSACTION_SECONDS)
            reasons = [{"Code": "ThrottlingError"}]
            answer: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise ClientError(answer, "TransactWriteItems")
        return super().transact_write_items(**request)

    def _apply(self, request: Any) -> Any:
        self._metered.by_partition.clear()
        answer = super()._apply(request)
        for partition, units in self._metered.by_partition.items():
            self._free[partition] = (self._left(partition) - units, self._clock.now)
            self.units[_purpose(partition)] += units
        return answer

    def _left(self, partition: Partition) -> float:
        """Below zero where one transaction took more than there was."""
        free, since = self._free.get(partition, (self._most, 0.0))
        return min(self._most, free + (self._clock.now - since) * self._rate)


def _partitions(changes: list[Any]) -> Iterator[Partition]:
    """The partitions that changes name. What leaves one of an index is no reason to wait: its account stays in it."""
    for change in changes:
        item = change.get("Item", {})
        yield "table", (item or change["Key"])["pk"]["S"]
        for name, attribute in (("state", "ipk"), ("account", "apk")):
            if attribute in item:
                yield name, item[attribute]["S"]


def _purpose(partition: Partition) -> str:
    """What a partition is for, without the ids in its key."""
    index, key = partition
    _, *parts = key.split("#")
    if index == "state":
        return f"index state, shard {parts[0]}, {'open' if parts[-1] == 'o' else 'closed'}"
    if index == "account":
        return "index account, all customers"
    return "table, months" if parts == ["m"] else "table, all documents, customers and pointers"


@dataclass(frozen=True, slots=True)
class Import:
    """What importing some records at once came to. units: a record, by what the partitions are for."""

    records_per_second: float
    throttled: float
    units: dict[str, float]


def measure(records: list[Record], writers: int, shards: int, units_per_second: float = UNITS_PER_SECOND) -> Import:
    """Imports records in batches of 500, so many batches at a time."""
    random.seed(writers)
    here.set_environment()
    table, clock = Metered(), Clock()
    organisation, _ = organisation_of(table)
    first = Limited(table, clock, units_per_second)
    # A process has one client and one recorder; what the copies hold and take of the partitions is common to all.
    clients = [copy(first) for _ in range(writers)]
    work = partial(_work, clock, replace(organisation, shards=shards), batched(records, BATCH, strict=False))
    with patch.object(time, "sleep", clock.wait):
        clock.run([partial(work, client) for client in clients])
    units = {purpose: count / len(records) for purpose, count in sorted(first.units.items())}
    throttled = sum(client.throttled for client in clients)
    return Import(len(records) / clock.now, throttled / (throttled + sum(client.sent for client in clients)), units)


def _work(clock: Clock, organisation: Organisation, batches: Iterator[Any], client: Limited) -> None:
    """Takes the next batch until there is none left."""
    write = patiently(here.services(client).writing(organisation), lambda *_: None, clock.wait)
    for batch in batches:
        rejected = [result for result in write(batch) if result.result == "rejected"]
        if rejected:
            raise AssertionError(rejected[0])


def imported(rows: int) -> list[Record]:
    """The records of the first rows of a generated file of a million, of 50,000 customers."""
    with tempfile.NamedTemporaryFile() as file:
        generate(Path(file.name), ROWS)
        with Path(file.name).open(newline="") as stream:
            return [record for row in islice(csv.DictReader(stream), rows) for record in _records(row)]


def _records(row: dict[str, str]) -> Iterator[Record]:
    """As the mapping of bench.bulk_import makes them."""
    invoice = {"customer_id": row["customer"], "number": row["invoice"], "currency": "EUR", "total": row["amount"]}
    days = {"issued_on": row["issued"], "due_on": row["due"]}
    yield {"type": "invoice", "id": row["invoice"], **invoice, **days}
    if row["paid"]:
        paid = {"amount": row["paid"], "paid_on": row["paid_on"]}
        yield {"type": "payment", "id": f"{row['invoice']}/paid", "invoice_id": row["invoice"], **paid}


def main(rows: int = 10_000) -> None:
    """Prints what writing the rows takes of each partition, and how long a million of them take."""
    records = imported(rows)
    per_row = len(records) / rows
    print(f"{len(records):,} records of {rows:,} rows")
    for shards in (1, 4):
        free = measure(records, 1, shards, float("inf"))
        for purpose, units in free.units.items():
            print(f"{shards} shards: {units:.2f} write units a record: {purpose}")
        for writers in (1, 4, 8):
            free, limited = (measure(records, writers, shards, rate) for rate in (float("inf"), UNITS_PER_SECOND))
            hours = [ROWS * per_row / one.records_per_second / 3_600 for one in (free, limited)]
            print(
                f"{shards} shards, {writers} batches at a time: {free.records_per_second:,.0f} records a second "
                f"without limits ({hours[0]:.2f} h for a million rows), {limited.records_per_second:,.0f} with "
                f"({hours[1]:.2f} h), {limited.throttled:.0%} of transactions throttled"
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
