"""Escalation records, the tier of each row, and the outbox of records that are to be sent.

Each row's machine has an item with its tier and a version, so that its records are written exactly once whoever runs,
and a record waits in the outbox, put there with it, until it is known to be sent.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from arrears.storage.history.table import HistoryTable, Item, Run, table_key
from arrears.storage.ledger.codec import compact

MOST_ACTIONS = 99
"""What rows may write in one transaction: DynamoDB takes 100 actions, and one is the condition on the run."""
CUSTOMER_INDEX = "customer"
_MOST_PAGES = 8

_NINES = str.maketrans("0123456789", "9876543210")

type RowKey = tuple[str, str]
"""Customer id and currency."""


class RowState(NamedTuple):
    """A row's recorded tier at the end of day `through`, and the version of that."""

    tier: str | None
    through: int
    version: int


class RowWrite(NamedTuple):
    """What a row comes to: its tier at the end of day `through`, and the records on the way. version: as read."""

    key: RowKey
    version: int
    tier: str | None
    through: int
    records: Sequence[dict[str, Any]]

    def actions(self) -> int:
        """Items that it writes: the row, its records, and those to be sent once more in the outbox."""
        return 1 + sum(record_actions(record) for record in self.records)


class EscalationStore(HistoryTable):
    """Reads and writes the rows, escalations and outbox of one history table."""

    def rows(self, organisation: str) -> dict[RowKey, RowState]:
        """The recorded state of every row that has one."""
        return {
            (item["sk"]["S"][:36], item["sk"]["S"][37:]): _row_state(item)
            for page in self._pages(f"{organisation}#tier")
            for item in page
        }

    def row(self, organisation: str, key: RowKey) -> RowState | None:
        """The recorded state of one row."""
        item = self._get(f"{organisation}#tier", "#".join(key))
        return None if item is None else _row_state(item)

    def record(self, organisation: str, run: Run, rows: Sequence[RowWrite], recorded_at: str) -> None:
        """Writes rows' escalation records with their new states and puts what is to be sent in the outbox; all or none.

        Raises Moved when a row was written since it was read, Overtaken when another run has finished since `run`.
        """
        writes: list[Any] = [self._still(organisation, run)]
        for row in rows:
            attributes = {"through": {"N": str(row.through)}}
            if row.tier is not None:
                attributes["tier"] = {"S": row.tier}
            writes.append(self._versioned((f"{organisation}#tier", "#".join(row.key)), row.version, attributes))
            for told in row.records:
                record = {"id": escalation_id(organisation, told), **told, "recordedAt": recorded_at}
                writes += self._put_record(organisation, record)
        self._write(writes)

    def _put_record(self, organisation: str, record: dict[str, Any]) -> list[Any]:
        body = {"S": compact(record)}
        attributes = {"b": body, "c": {"S": _customer_partition(organisation, record["customerId"])}}
        if record["to"] is not None:
            attributes["t"] = {"S": record["to"]}
        location = (f"{organisation}#escalation", f"{_newest_first(record['recordedAt'])}#{record['id']}")
        puts = [self._put(location, attributes)]
        if not record["historical"]:
            puts.append(self._put((f"{organisation}#outbox", record["id"]), {"b": body}))
        return puts

    def forget_cleared(self, organisation: str, rows: dict[RowKey, RowState], through: int) -> None:
        """Lets go of cleared rows that the whole run has passed: they start anew like any other."""
        for key, state in rows.items():
            if state.tier is None and state.through <= through:
                delete = {
                    "TableName": self._table,
                    "Key": table_key(f"{organisation}#tier", "#".join(key)),
                    "ConditionExpression": "v = :v",
                    "ExpressionAttributeValues": {":v": {"N": str(state.version)}},
                }
                try:
                    self._client.delete_item(**delete)  # type: ignore[arg-type]
                except self._client.exceptions.ConditionalCheckFailedException:
                    continue

    def unsent(self, organisation: str) -> Iterator[dict[str, Any]]:
        """The records in the outbox."""
        for page in self._pages(f"{organisation}#outbox"):
            for item in page:
                yield json.loads(item["b"]["S"])

    def sent(self, organisation: str, ids: Iterable[str]) -> None:
        """Takes records out of the outbox."""
        for id_ in ids:
            self._client.delete_item(TableName=self._table, Key=table_key(f"{organisation}#outbox", id_))

    def escalations(
        self,
        organisation: str,
        limit: int,
        since: str = "",
        tier: str | None = None,
        customer: str | None = None,
        after: str | None = None,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Records newest first and then by id, from `since` (recordedAt) on, and where to go on.

        There may be fewer than `limit`, or none, with more to come: of what a tier leaves out, so much is read at most.
        """
        name, partition = ("pk", f"{organisation}#escalation")
        request: dict[str, Any] = {"ExpressionAttributeValues": {}}
        if customer is not None:
            name, partition = ("c", _customer_partition(organisation, customer))
            request["IndexName"] = CUSTOMER_INDEX
        request["KeyConditionExpression"] = f"{name} = :partition AND sk <= :since"
        oldest = {"S": _newest_first(since) + "~"}
        request["ExpressionAttributeValues"] |= {":partition": {"S": partition}, ":since": oldest}
        if tier is None:
            request["Limit"] = limit + 1  # one more tells whether there are more
        else:
            request["FilterExpression"] = "t = :tier"
            request["ExpressionAttributeValues"][":tier"] = {"S": tier}
        found: list[Item] = []
        for _ in range(_MOST_PAGES):
            if after is not None:
                start = table_key(f"{organisation}#escalation", after)
                request["ExclusiveStartKey"] = start if customer is None else {**start, "c": {"S": partition}}
            answer: Any = self._client.query(TableName=self._table, **request)
            found += answer["Items"]
            after = answer["LastEvaluatedKey"]["sk"]["S"] if "LastEvaluatedKey" in answer else None
            if after is None or len(found) > limit:
                break
        if len(found) > limit:
            after = found[limit - 1]["sk"]["S"]
        return _records(found[:limit]), after


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
    """A moment as text that sorts the other way round: each digit by what it lacks to nine."""
    return moment.translate(_NINES)


def _row_state(item: Item) -> RowState:
    tier = item["tier"]["S"] if "tier" in item else None
    return RowState(tier, int(item["through"]["N"]), int(item["v"]["N"]))


def _records(items: Iterable[Item]) -> list[dict[str, Any]]:
    return [json.loads(item["b"]["S"]) for item in items]
