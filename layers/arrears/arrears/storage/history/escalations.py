"""What was known when: month-end snapshots, escalation records, and how far the schedule has come, on DynamoDB.

Each row's machine has an item with its tier and a version, so that its records are written exactly once whoever runs,
and a record waits in the outbox, put there with it, until it is known to be sent. Whatever a run records is written on
the condition that the days are still worked through only as far as they were when it began: a slow run that another one
has overtaken writes nothing more.
"""

import json
import random
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID, uuid5

from botocore.exceptions import ClientError

from arrears.storage.dynamodb import get_items, query
from arrears.storage.ledger.codec import compact

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ROWS_PART_BYTES = 350_000
"""An item holds 400 KB at most."""
MOST_ACTIONS = 99
"""What rows may write in one transaction: DynamoDB takes 100 actions, and one is the condition on the run."""
CUSTOMER_INDEX = "customer"
_MOST_PAGES = 8
_UNMET, _CONFLICT = "ConditionalCheckFailed", "TransactionConflict"
_CONFLICT_WAIT_SECONDS = 0.1
_LEVEL = 6
"""Of compression: a higher one takes three times as long for a few percent."""

_NINES = str.maketrans("0123456789", "9876543210")

type Item = dict[str, Any]
type RowKey = tuple[str, str]
"""Customer id and currency."""


class Run(NamedTuple):
    """How far an organisation's days are worked through (None: not begun), and the version of that."""

    through: int | None
    version: int


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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A closed month. end: its last day. figures: plain ones per currency, in the order they are answered."""

    end: int
    policy_version: int
    recorded_at: str
    figures: dict[str, dict[str, Any]]
    rows_part: str
    rows_parts: int


class Moved(Exception):
    """Somebody else has moved this on."""


class Overtaken(Exception):
    """Another run has finished the days that this one works through."""


class HistoryStore:
    """Reads and writes one history table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    # How far the days are worked through

    def run(self, organisation: str) -> Run:
        """How far the organisation's days are worked through."""
        item = self._get(f"{organisation}#run", "-")
        return Run(None, 0) if item is None else Run(int(item["through"]["N"]), int(item["v"]["N"]))

    def runs(self, organisations: Iterable[str]) -> dict[str, int]:
        """The last day worked through of each of these organisations that has begun."""
        wanted = [(f"{organisation}#run", "-") for organisation in organisations]
        found = get_items(self._client, self._table, wanted)
        return {pk.removesuffix("#run"): int(item["through"]["N"]) for (pk, _), item in found.items()}

    def advance(self, organisation: str, run: Run, through: int) -> None:
        """Notes that days are worked through up to `through`. Raises Moved when another run has noted so first."""
        attributes = {"through": {"N": str(through)}}
        self._write([self._versioned((f"{organisation}#run", "-"), run.version, attributes)])

    # Escalations

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
        place = (f"{organisation}#escalation", f"{_newest_first(record['recordedAt'])}#{record['id']}")
        puts = [self._put(place, attributes)]
        if not record["historical"]:
            puts.append(self._put((f"{organisation}#outbox", record["id"]), {"b": body}))
        return puts

    def forget_cleared(self, organisation: str, rows: dict[RowKey, RowState], through: int) -> None:
        """Lets go of cleared rows that the whole run has passed: they start anew like any other."""
        for key, state in rows.items():
            if state.tier is None and state.through <= through:
                delete = {
                    "TableName": self._table,
                    "Key": _key(f"{organisation}#tier", "#".join(key)),
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
            self._client.delete_item(TableName=self._table, Key=_key(f"{organisation}#outbox", id_))

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
                start = _key(f"{organisation}#escalation", after)
                request["ExclusiveStartKey"] = start if customer is None else {**start, "c": {"S": partition}}
            answer: Any = self._client.query(TableName=self._table, **request)
            found += answer["Items"]
            after = answer["LastEvaluatedKey"]["sk"]["S"] if "LastEvaluatedKey" in answer else None
            if after is None or len(found) > limit:
                break
        if len(found) > limit:
            after = found[limit - 1]["sk"]["S"]
        return _records(found[:limit]), after

    # Snapshots

    def snapshot(self, organisation: str, month: str) -> Snapshot | None:
        """The snapshot of a month (YYYY-MM), if it was closed."""
        item = self._get(f"{organisation}#snapshot", month)
        return None if item is None else _snapshot(item)

    def snapshots(self, organisation: str, months: int) -> list[Snapshot]:
        """The latest snapshots, oldest first."""
        found: list[Item] = []
        for page in self._pages(f"{organisation}#snapshot", ScanIndexForward=False, Limit=months):
            found += page
            if len(found) >= months:
                break
        return [_snapshot(item) for item in reversed(found[:months])]

    def keep_snapshot(
        self,
        organisation: str,
        month: str,
        end: int,
        policy_version: int,
        recorded_at: str,
        figures: dict[str, dict[str, Any]],
        rows: Sequence[dict[str, Any]],
    ) -> bool:
        """Keeps a month's snapshot for good; False when the month has one already, which stays as it is."""
        packed = zlib.compress(compact(rows).encode(), level=_LEVEL)
        part = sha256(packed).hexdigest()[:16]
        parts = [packed[start : start + ROWS_PART_BYTES] for start in range(0, len(packed), ROWS_PART_BYTES)]
        for number, piece in enumerate(parts):
            place = _key(f"{organisation}#rows#{month}", f"{part}#{number:04d}")
            self._client.put_item(TableName=self._table, Item={**place, "z": {"B": piece}})
        head = {
            **_key(f"{organisation}#snapshot", month),
            "end": {"N": str(end)},
            "policy": {"N": str(policy_version)},
            "at": {"S": recorded_at},
            "b": {"S": compact(figures)},
            "part": {"S": part},
            "parts": {"N": str(len(parts))},
        }
        try:
            self._client.put_item(TableName=self._table, Item=head, ConditionExpression="attribute_not_exists(pk)")
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def snapshot_rows(self, organisation: str, month: str, snapshot: Snapshot) -> list[dict[str, Any]]:
        """The rows of a snapshot as they stood."""
        keys = (f"{snapshot.rows_part}#{number:04d}" for number in range(snapshot.rows_parts))
        pieces = (self._get(f"{organisation}#rows#{month}", key) for key in keys)
        packed = b"".join(piece["z"]["B"] for piece in pieces if piece is not None)
        rows: list[dict[str, Any]] = json.loads(zlib.decompress(packed))
        return rows

    def _get(self, pk: str, sk: str) -> Item | None:
        answer = self._client.get_item(TableName=self._table, Key=_key(pk, sk), ConsistentRead=True)
        return answer.get("Item")

    def _pages(self, pk: str, **options: Any) -> Iterator[list[Item]]:
        return query(
            self._client,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
            **options,
        )

    def _still(self, organisation: str, run: Run) -> Any:
        """The condition that no run has finished since `run` was read."""
        check: dict[str, Any] = {"TableName": self._table, "Key": _key(f"{organisation}#run", "-")}
        if run.version:
            check["ConditionExpression"] = "v = :v"
            check["ExpressionAttributeValues"] = {":v": {"N": str(run.version)}}
        else:
            check["ConditionExpression"] = "attribute_not_exists(pk)"
        return {"ConditionCheck": check}

    def _put(self, key: tuple[str, str], attributes: Item) -> Any:
        return {"Put": {"TableName": self._table, "Item": {**_key(*key), **attributes}}}

    def _versioned(self, key: tuple[str, str], version: int, attributes: Item) -> Any:
        put = self._put(key, {**attributes, "v": {"N": str(version + 1)}})
        if version:
            put["Put"]["ConditionExpression"] = "v = :v"
            put["Put"]["ExpressionAttributeValues"] = {":v": {"N": str(version)}}
        else:
            put["Put"]["ConditionExpression"] = "attribute_not_exists(pk)"
        return put

    def _write(self, writes: list[Any]) -> None:
        try:
            self._client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            codes = [reason.get("Code") for reason in error.response.get("CancellationReasons", ())]
            if codes and codes[0] == _UNMET and "ConditionCheck" in writes[0]:
                raise Overtaken from error
            if _CONFLICT in codes:
                time.sleep(random.uniform(0, _CONFLICT_WAIT_SECONDS))  # noqa: S311
            if _UNMET in codes or _CONFLICT in codes:
                raise Moved from error
            raise


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


def _key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _row_state(item: Item) -> RowState:
    tier = item["tier"]["S"] if "tier" in item else None
    return RowState(tier, int(item["through"]["N"]), int(item["v"]["N"]))


def _records(items: Iterable[Item]) -> list[dict[str, Any]]:
    return [json.loads(item["b"]["S"]) for item in items]


def _snapshot(item: Item) -> Snapshot:
    return Snapshot(
        int(item["end"]["N"]),
        int(item["policy"]["N"]),
        item["at"]["S"],
        json.loads(item["b"]["S"]),
        item["part"]["S"],
        int(item["parts"]["N"]),
    )
