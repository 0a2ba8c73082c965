"""Escalation records, the tier of each row, and the outbox of records that are to be sent.

Each row has an item with its tier and a version, so that its records are written once, whoever runs. Each record is
written together with an entry in the outbox, which stays until the record is known to be sent.
"""

import heapq
import json
import random
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import batched
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from arrears.storage.history.table import HistoryTable, Item, Moved, Run, Spread, table_key
from arrears.storage.ledger.codec import compact
from arrears.storage.transactions import PATIENT_WAITS

MOST_ACTIONS = 99
"""What rows may write in one transaction: DynamoDB takes 100 actions, and one is the condition on the run."""
CUSTOMER_INDEX = "customer"
_MOST_DELETIONS = 25
"""In one BatchWriteItem."""
_MOST_PAGES = 16
"""Of what a tier leaves out."""
_LEAST_PAGE = 10

_NINES = str.maketrans("0123456789", "9876543210")

type RowKey = tuple[str, str]
"""Customer id and currency."""


class RowState(NamedTuple):
    """A row's recorded tier at the end of day `through`, the version of that, and the partition that has it, if any."""

    tier: str | None
    through: int
    version: int
    partition: str | None = None


class RowWrite(NamedTuple):
    """What a row comes to: its tier at the end of day `through`, and the records up to then.

    version, partition: as read, or zero and None.
    """

    key: RowKey
    version: int
    tier: str | None
    through: int
    records: Sequence[dict[str, Any]]
    partition: str | None = None

    def actions(self) -> int:
        """Items that it writes: the row, its records, and those to be sent once more in the outbox."""
        return 1 + sum(record_actions(record) for record in self.records)


class Waiting(NamedTuple):
    """A record in the outbox, and the partition that has it."""

    partition: str
    record: dict[str, Any]


class EscalationStore(HistoryTable):
    """Reads and writes the rows, escalations and outbox of one history table."""

    def rows(self, organisation: str) -> Iterator[tuple[RowKey, RowState]]:
        """The recorded state of every row that has one."""
        for partition in _rows(organisation).partitions():
            for page in self._pages(partition):
                for item in page:
                    customer, _, currency = item["sk"]["S"].partition("#")
                    yield (customer, sys.intern(currency)), _row_state(item)

    def row(self, organisation: str, key: RowKey) -> RowState | None:
        """The recorded state of one row."""
        rows = _rows(organisation)
        for partition in (rows.partition(key[0]), rows.whole):
            item = self._get(partition, "#".join(key))
            if item is not None:
                return _row_state(item)
        return None

    def record(self, organisation: str, run: Run, rows: Sequence[RowWrite], recorded_at: str) -> None:
        """Writes rows' escalation records with their new states and puts what is to be sent in the outbox; all or none.

        Raises Moved when a row was written since it was read, Overtaken when another run has finished since `run`.
        """
        writes: list[Any] = [self._still(organisation, run)]
        for row in rows:
            attributes = {"through": {"N": str(row.through)}}
            if row.tier is not None:
                attributes["tier"] = {"S": row.tier}
            partition = row.partition or _rows(organisation).partition(row.key[0])
            writes.append(self._versioned((partition, "#".join(row.key)), row.version, attributes))
            for unsaved in row.records:
                record = {"id": escalation_id(organisation, unsaved), **unsaved, "recordedAt": recorded_at}
                writes += self._put_record(organisation, record)
        self._write(writes)

    def _put_record(self, organisation: str, record: dict[str, Any]) -> list[Any]:
        body = {"S": compact(record)}
        attributes = {"b": body, "c": {"S": _customer_partition(organisation, record["customerId"])}}
        if record["to"] is not None:
            attributes["t"] = {"S": record["to"]}
        partition = _escalations(organisation).partition(record["id"])
        location = (partition, f"{_newest_first(record['recordedAt'])}#{record['id']}")
        puts = [self._put(location, attributes)]
        if not record["historical"]:
            puts.append(self._put((_outbox(organisation).partition(record["id"]), record["id"]), {"b": body}))
        return puts

    def forget_cleared(self, organisation: str, through: int) -> None:
        """Lets go of cleared rows that the whole run has passed: they start anew like any other."""
        cleared = (
            self._deletion(state.partition, key, state.version)
            for key, state in self.rows(organisation)
            if state.tier is None and state.through <= through and state.partition is not None
        )
        for some in batched(cleared, MOST_ACTIONS, strict=False):
            try:
                self._write([{"Delete": delete} for delete in some])
            except Moved:
                self._delete_one_by_one(some)

    def _deletion(self, partition: str, key: RowKey, version: int) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": table_key(partition, "#".join(key)),
            "ConditionExpression": "v = :v",
            "ExpressionAttributeValues": {":v": {"N": str(version)}},
        }

    def _delete_one_by_one(self, deletions: Iterable[dict[str, Any]]) -> None:
        """Deletes what nobody has written meanwhile."""
        for delete in deletions:
            try:
                self._client.delete_item(**delete)
            except self._client.exceptions.ConditionalCheckFailedException:
                continue

    def unsent(self, organisation: str) -> Iterator[Waiting]:
        """What is in the outbox."""
        for partition in _outbox(organisation).partitions():
            for page in self._pages(partition):
                yield from (Waiting(partition, json.loads(item["b"]["S"])) for item in page)

    def sent(self, sent: Iterable[Waiting]) -> None:
        """Takes records out of the outbox. What a busy table does not let go of stays, and is sent again."""
        keys = (table_key(one.partition, one.record["id"]) for one in sent)
        for some in batched(keys, _MOST_DELETIONS, strict=False):
            left: Any = {self._table: [{"DeleteRequest": {"Key": key}} for key in some]}
            for wait in (*PATIENT_WAITS, None):
                left = self._client.batch_write_item(RequestItems=left)["UnprocessedItems"]
                if not left or wait is None:
                    break
                time.sleep(random.uniform(wait / 2, wait))  # noqa: S311

    def escalations(
        self,
        organisation: str,
        limit: int,
        since: str = "",
        tier: str | None = None,
        customer: str | None = None,
        after: str | None = None,
        known_at: str | None = None,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Records newest first and then by id, from `since` to `known_at` (recordedAt), and where to go on.

        There may be fewer than `limit`, or none, with more to come: of what a tier leaves out, so much is read at most.
        """
        request: dict[str, Any] = {"ExpressionAttributeValues": {":since": {"S": _newest_first(since) + "~"}}}
        name, partitions = "pk", _escalations(organisation).partitions()
        if customer is not None:
            name, partitions = "c", [_customer_partition(organisation, customer)]
            request["IndexName"] = CUSTOMER_INDEX
        request["KeyConditionExpression"] = f"{name} = :partition AND sk <= :since"
        first = None if known_at is None else _newest_first(known_at)
        if after is not None:
            first = after + "!"  # the first that can follow it
        if first is not None:
            if first > request["ExpressionAttributeValues"][":since"]["S"]:
                return [], None
            request["KeyConditionExpression"] = f"{name} = :partition AND sk BETWEEN :first AND :since"
            request["ExpressionAttributeValues"][":first"] = {"S": first}
        budget = None
        if tier is None:
            # Short pages, as every partition has a part of the answer; one record more shows whether there are more.
            request["Limit"] = limit + 1 if customer else max(_LEAST_PAGE, (limit + 1) // 4)
        else:
            request["FilterExpression"] = "t = :tier"
            request["ExpressionAttributeValues"][":tier"] = {"S": tier}
            budget = _Budget(_MOST_PAGES)
        return _first(limit, [self._in_order(request, partition, budget) for partition in partitions])

    def _in_order(self, request: Item, partition: str, budget: "_Budget | None") -> "Iterator[Step]":
        """A partition's records, each page of them followed by how far it was read. Raises Spent."""
        values = {**request["ExpressionAttributeValues"], ":partition": {"S": partition}}
        own = {**request, "TableName": self._table, "ExpressionAttributeValues": values}
        while True:
            if budget is not None:
                budget.spend()
            answer: Any = self._client.query(**own)
            yield from ((item["sk"]["S"], item) for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            own["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
            yield own["ExclusiveStartKey"]["sk"]["S"], None


type Step = tuple[str, Item | None]
"""A sort key that was come to, and its record unless it was left out."""


class Spent(Exception):
    """As much was read as one request may read."""


class _Budget:
    """Pages that may still be read."""

    def __init__(self, pages: int) -> None:
        self._pages = pages

    def spend(self) -> None:
        if not self._pages:
            raise Spent
        self._pages -= 1


def _first(limit: int, partitions: Sequence[Iterator[Step]]) -> tuple[list[dict[str, Any]], str | None]:
    """The first records of several partitions in order, and where to go on.

    A partition is read on only when all before its next page has been seen: where the budget ends, nothing is skipped.
    """
    found: list[Item] = []
    position: str | None = None
    try:
        for sort_key, item in heapq.merge(*partitions, key=itemgetter(0)):
            if item is not None:
                if len(found) == limit:
                    return _records(found), position
                found.append(item)
            position = sort_key
    except Spent:
        return _records(found), position
    return _records(found), None


def _rows(organisation: str) -> Spread:
    return Spread(f"{organisation}#tier")


def _escalations(organisation: str) -> Spread:
    return Spread(f"{organisation}#escalation")


def _outbox(organisation: str) -> Spread:
    return Spread(f"{organisation}#outbox")


def record_actions(record: dict[str, Any]) -> int:
    """Items that an escalation record writes."""
    return 1 if record["historical"] else 2


def _customer_partition(organisation: str, customer: str) -> str:
    return f"{organisation}#{customer}"


def escalation_id(organisation: str, record: dict[str, Any]) -> str:
    """A record's id: the same whoever works it out, so that consumers know a repeated event."""
    parts = (record["customerId"], record["currency"], record["crossedOn"], record["from"], record["to"])
    return str(uuid5(UUID(organisation), "escalation:" + ":".join(str(part) for part in parts)))


def _newest_first(moment: str) -> str:
    """A moment as text that sorts in reverse: each digit by what it lacks to nine."""
    return moment.translate(_NINES)


def _row_state(item: Item) -> RowState:
    tier = sys.intern(item["tier"]["S"]) if "tier" in item else None
    return RowState(tier, int(item["through"]["N"]), int(item["v"]["N"]), sys.intern(item["pk"]["S"]))


def _records(items: Iterable[Item]) -> list[dict[str, Any]]:
    return [json.loads(item["b"]["S"]) for item in items]
