"""DynamoDB in this process, as far as Arrears asks it anything, as strict as AWS, with the units it would charge.

It answers requests as they leave botocore, so that a client's own retries, tokens and parsing take part. What it
cannot do raises NotImplementedError: it never guesses. tests/storage/test_dynamodb.py holds it to an independent
implementation, operation by operation.
"""

import io
import json
from base64 import b64decode
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from threading import RLock
from typing import Any, NamedTuple

from botocore import handlers
from botocore.awsrequest import AWSRequest, AWSResponse

from support.expressions import check, project, range_of, update, updated

KILOBYTE = 1_024
PAGE_BYTES = 1_024 * KILOBYTE
READ_UNIT_BYTES = 4 * KILOBYTE
MOST_ACTIONS = 100
MOST_KEYS = 100
MOST_WRITES = 25
MOST_BATCH_BYTES = 16 * 1_024 * KILOBYTE
MOST_TRANSACTION_BYTES = 4 * 1_024 * KILOBYTE
MOST_ITEM_BYTES = 400 * KILOBYTE
MOST_EXPRESSION_BYTES = 4_096
MOST_KEY_BYTES = {"HASH": 2_048, "RANGE": 1_024}

type Item = dict[str, dict[str, Any]]
"""An item as it goes over the wire. It is never changed, only replaced, so that a saved state can share it."""
type Key = tuple[str, str]


class Failure(Exception):
    """An error that DynamoDB answers with."""

    def __init__(self, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.code, self.more = code, more


class Names(NamedTuple):
    """The attributes of a key: of the partition and of the order in it."""

    partition: str
    order: str


@dataclass(slots=True)
class Index:
    """What an index shows: items by partition, in the order of its sort key and then of the table's key."""

    names: Names
    shown: frozenset[str] | None
    """Projected attributes; None: all."""
    partitions: defaultdict[str, dict[tuple[str, str, str], Item]] = field(default_factory=lambda: defaultdict(dict))
    ordered: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)

    def projected(self, item: Item | None) -> Item | None:
        """What it shows of an item; None where the item has no key of it."""
        if item is None or not item.keys() >= {*self.names}:
            return None
        return item if self.shown is None else {name: item[name] for name in self.shown if name in item}

    def change(self, key: Key, before: Item | None, after: Item | None) -> int:
        """Shows what has become of an item; what that takes in write units."""
        old, new = self.projected(before), self.projected(after)
        if old == new:
            return 0
        both = self.show(key, old, new)
        return max(write_units(old), write_units(new)) if both else write_units(old) + write_units(new)

    def show(self, key: Key, old: Item | None, new: Item | None) -> bool:
        """Shows one projection in place of another; whether both are there, in the same position."""
        positions = [None if item is None else self._position(key, item) for item in (old, new)]
        if positions[0] is not None and positions[0] != positions[1]:
            partition, position = positions[0]
            shown = self.partitions[partition]
            del shown[position]
            self.ordered.pop(partition, None)
            if not shown:
                del self.partitions[partition]
        if positions[1] is not None and new is not None:
            partition, position = positions[1]
            shown = self.partitions[partition]
            if position not in shown:
                self.ordered.pop(partition, None)
            shown[position] = new
        return old is not None and positions[0] == positions[1]

    def _position(self, key: Key, item: Item) -> tuple[str, tuple[str, str, str]]:
        return item[self.names.partition]["S"], (item[self.names.order]["S"], *key)

    def copy(self) -> "Index":
        """Another that shows the same."""
        partitions = {name: dict(positions) for name, positions in self.partitions.items()}
        return Index(self.names, self.shown, defaultdict(dict, partitions))

    def order(self, partition: str) -> list[tuple[str, str, str]]:
        """The positions of a partition in order."""
        if partition not in self.ordered:
            self.ordered[partition] = sorted(self.partitions.get(partition, ()))
        return self.ordered[partition]


@dataclass(slots=True)
class Table:
    """A table: its items in an index over its own key, and the indexes beside it."""

    name: str
    own: Index
    indexes: dict[str, Index]

    def key(self, item: Item) -> Key:
        """The key of an item, or an item that is only a key."""
        names = self.own.names
        try:
            return item[names.partition]["S"], item[names.order]["S"]
        except KeyError:
            raise Failure("ValidationException", "The provided key element does not match the schema") from None

    def get(self, key: Key) -> Item | None:
        """The item of a key."""
        return self.own.partitions.get(key[0], {}).get((key[1], *key))

    def put(self, key: Key, after: Item | None) -> tuple[int, int]:
        """Puts or (None) takes away an item; write units of the table and of its indexes."""
        before = self.get(key)
        self.own.show(key, before, after)
        indexed = sum(index.change(key, before, after) for index in self.indexes.values())
        return max(1, write_units(before), write_units(after)), indexed

    def copy(self) -> "Table":
        """Another with the same items."""
        return Table(self.name, self.own.copy(), {name: index.copy() for name, index in self.indexes.items()})

    def items(self) -> Iterator[Item]:
        """Every item."""
        for partition in self.own.partitions.values():
            yield from partition.values()


class DynamoDB:
    """Tables of one account. page_bytes: how much of a query or scan one answer has.

    units: write units of tables and of indexes, and how many transactions were made. read_units: those of reads.
    """

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.page_bytes = PAGE_BYTES
        self.units: Counter[str] = Counter()
        self.read_units = 0.0
        self._tokens: dict[str, Any] = {}
        self._lock = RLock()

    def send(self, request: AWSRequest, event_name: str, **_: Any) -> AWSResponse:
        """The HTTP answer to a request as it leaves botocore."""
        return self.answer(event_name.rpartition(".")[2], request)

    def answer(self, operation: str, request: AWSRequest) -> AWSResponse:
        """The HTTP answer to an operation."""
        body = json.loads(request.body)
        try:
            with self._lock:
                return response(200, self._perform(operation, body))
        except Failure as failed:
            return failure(failed.code, str(failed), **failed.more)

    def _perform(self, operation: str, body: Any) -> Any:
        done: Callable[[Any], Any] | None = getattr(self, f"_{operation}", None)
        if done is None:
            raise NotImplementedError(operation)
        return done(body)

    def save(self) -> Callable[[], None]:
        """Remembers what is in the tables; what it returns puts it back, as often as it is called."""
        kept = {name: table.copy() for name, table in self.tables.items()}

        def restore() -> None:
            self.tables = {name: table.copy() for name, table in kept.items()}
            self._tokens.clear()

        return restore

    # Tables

    def _CreateTable(self, asked: Any) -> Any:  # noqa: N802
        if asked["TableName"] in self.tables:
            raise Failure("ResourceInUseException", f"Table already exists: {asked['TableName']}")
        if any(attribute["AttributeType"] != "S" for attribute in asked["AttributeDefinitions"]):
            raise NotImplementedError("keys that are no text")
        indexes = {
            index["IndexName"]: Index(_names(index), _shown(asked, index))
            for index in asked.get("GlobalSecondaryIndexes", ())
        }
        self.tables[asked["TableName"]] = Table(asked["TableName"], Index(_names(asked), None), indexes)
        return {"TableDescription": {"TableName": asked["TableName"], "TableStatus": "ACTIVE"}}

    def _DeleteTable(self, asked: Any) -> Any:  # noqa: N802
        self._table(asked)
        del self.tables[asked["TableName"]]
        return {"TableDescription": {"TableName": asked["TableName"], "TableStatus": "DELETING"}}

    def _ListTables(self, _: Any) -> Any:  # noqa: N802
        return {"TableNames": sorted(self.tables)}

    def _table(self, asked: Any) -> Table:
        return self._named(asked["TableName"])

    def _named(self, name: str) -> Table:
        try:
            return self.tables[name]
        except KeyError:
            raise Failure("ResourceNotFoundException", "Requested resource not found") from None

    # Reading

    def _GetItem(self, asked: Any) -> Any:  # noqa: N802
        table = self._table(asked)
        item = table.get(table.key(asked["Key"]))
        self._charge_read(item_size(item), asked)
        return {"Item": project(item, asked)} if item else {}

    def _BatchGetItem(self, asked: Any) -> Any:  # noqa: N802
        every = [(name, key) for name, wanted in asked["RequestItems"].items() for key in wanted["Keys"]]
        _refuse_batch([(name, *self._named(name).key(key)) for name, key in every], MOST_KEYS)
        responses: dict[str, list[Item]] = {}
        left: dict[str, Any] = {}
        size = 0
        for name, wanted in asked["RequestItems"].items():
            table = self._named(name)
            responses[name] = []
            for position, key in enumerate(wanted["Keys"]):
                if size > MOST_BATCH_BYTES:
                    left[name] = {**wanted, "Keys": wanted["Keys"][position:]}
                    break
                item = table.get(table.key(key))
                size += item_size(item)
                self._charge_read(item_size(item), wanted)
                if item is not None:
                    responses[name].append(project(item, wanted))
        return {"Responses": responses, "UnprocessedKeys": left}

    def _charge_read(self, size: int, asked: Any) -> None:
        units = max(1, ceil(size / READ_UNIT_BYTES))
        self.read_units += units if asked.get("ConsistentRead") else units / 2

    def _Query(self, asked: Any) -> Any:  # noqa: N802
        table = self._table(asked)
        index = table.own
        if "IndexName" in asked:
            if asked.get("ConsistentRead"):
                raise Failure("ValidationException", "Consistent reads are not supported on global secondary indexes")
            try:
                index = table.indexes[asked["IndexName"]]
            except KeyError:
                raise Failure("ValidationException", "The table does not have the specified index") from None
        partition, low, high = range_of(asked, index.names)
        order = index.order(partition)
        first = bisect_left(order, (low.text,)) if low.included else bisect_right(order, (low.text, _LAST))
        last = bisect_right(order, (high.text, _LAST)) if high.included else bisect_left(order, (high.text,))
        positions = order[first:last]
        if not asked.get("ScanIndexForward", True):
            positions.reverse()
        start = asked.get("ExclusiveStartKey")
        if start is not None:
            positions = _after(positions, (start[index.names.order]["S"], *table.key(start)), asked)
        shown = index.partitions.get(partition, {})
        return self._page(asked, table, index, map(shown.__getitem__, positions), len(positions))

    def _Scan(self, asked: Any) -> Any:  # noqa: N802
        table = self._table(asked)
        if "IndexName" in asked or "Segment" in asked:
            raise NotImplementedError("scans of an index or by segments")
        every = sorted(table.items(), key=table.key)
        start = asked.get("ExclusiveStartKey")
        if start is not None:
            every = [item for item in every if table.key(item) > table.key(start)]
        return self._page(asked, table, table.own, every, len(every))

    def _page(self, asked: Any, table: Table, index: Index, every: Iterable[Item], count: int) -> Any:
        """A page ends with the item by which it is full, and says so even if that was the last one of so many."""
        size, rows, most = 0, [], asked.get("Limit", count + 1)
        for item in every:
            rows.append(item)
            size += item_size(item)
            if size >= self.page_bytes or len(rows) >= most:
                break
        self._charge_read(size, asked)
        _refuse_filter_on_keys(asked, index.names)
        found = [item for item in rows if check(asked, item, "FilterExpression")]
        answered: dict[str, Any] = {"Count": len(found), "ScannedCount": len(rows)}
        if asked.get("Select") != "COUNT":
            answered["Items"] = [project(item, asked) for item in found]
        if rows and (len(rows) < count or size >= self.page_bytes or len(rows) >= most):
            names = {*index.names, *table.own.names}
            answered["LastEvaluatedKey"] = {name: rows[-1][name] for name in names}
        return answered

    # Writing

    def _PutItem(self, asked: Any) -> Any:  # noqa: N802
        return self._write_one("Put", asked)

    def _UpdateItem(self, asked: Any) -> Any:  # noqa: N802
        return self._write_one("Update", asked)

    def _DeleteItem(self, asked: Any) -> Any:  # noqa: N802
        return self._write_one("Delete", asked)

    def _write_one(self, kind: str, asked: Any) -> Any:
        table = self._table(asked)
        key = table.key(asked.get("Key") or asked["Item"])
        before = table.get(key)
        if not check(asked, before or {}, "ConditionExpression"):
            raise Failure("ConditionalCheckFailedException", "The conditional request failed")
        after = _changed(kind, asked, before)
        self._refuse_items(table, [] if after is None else [after])
        self._put(table, key, after, 1)
        shown = asked.get("ReturnValues", "NONE")
        if shown == "NONE":
            return {}
        answers = {
            "ALL_OLD": before,
            "ALL_NEW": after,
            "UPDATED_NEW": {name: after[name] for name in updated(asked) if name in after} if after else None,
        }
        return {"Attributes": answers[shown]} if answers[shown] else {}

    def _put(self, table: Table, key: Key, after: Item | None, factor: int) -> None:
        own, indexed = table.put(key, after)
        self.units["table"] += factor * own
        self.units["index"] += indexed

    def _BatchWriteItem(self, asked: Any) -> Any:  # noqa: N802
        writes = [
            (self._named(name), next(iter(write.values())))
            for name, several in asked["RequestItems"].items()
            for write in several
        ]
        keys = [table.key(change.get("Key") or change["Item"]) for table, change in writes]
        _refuse_batch([(table.name, *key) for (table, _), key in zip(writes, keys, strict=True)], MOST_WRITES)
        for table, change in writes:
            self._refuse_items(table, [change["Item"]] if "Item" in change else [])
        for (table, change), key in zip(writes, keys, strict=True):
            self._put(table, key, change.get("Item"), 1)
        return {"UnprocessedItems": {}}

    def _TransactWriteItems(self, asked: Any) -> Any:  # noqa: N802
        token = asked.pop("ClientRequestToken", None)
        if token is not None and token in self._tokens:
            if self._tokens[token] == asked:
                return {}
            raise Failure("IdempotentParameterMismatchException", "The token was used for another request")
        self._transact([next(iter(action.items())) for action in asked["TransactItems"]])
        self._tokens[token] = asked
        self.units["transactions"] += 1
        return {}

    def _transact(self, actions: list[tuple[str, Any]]) -> None:
        """All changes of a transaction, or none."""
        if not 0 < len(actions) <= MOST_ACTIONS:
            raise Failure("ValidationException", f"{len(actions)} actions in one transaction")
        tables = [self._table(change) for _, change in actions]
        keys = [
            table.key(change.get("Key") or change["Item"]) for table, (_, change) in zip(tables, actions, strict=True)
        ]
        self._refuse_transaction(tables, keys, [change for _, change in actions])
        stored = [table.get(key) for table, key in zip(tables, keys, strict=True)]
        met = [
            check(change, before or {}, "ConditionExpression")
            for before, (_, change) in zip(stored, actions, strict=True)
        ]
        if not all(met):
            codes = ["None" if one else "ConditionalCheckFailed" for one in met]
            raise _cancelled(codes)
        after = [_changed(kind, change, before) for before, (kind, change) in zip(stored, actions, strict=True)]
        if any(item_size(item) > MOST_ITEM_BYTES for item in after):
            raise _cancelled(["ValidationError" if item_size(item) > MOST_ITEM_BYTES else "None" for item in after])
        for table, key, (kind, _), item in zip(tables, keys, actions, after, strict=True):
            if kind == "ConditionCheck":
                self.units["table"] += 2 * max(1, write_units(item))
            else:
                self._put(table, key, item, 2)

    # What DynamoDB refuses

    def _refuse_transaction(self, tables: list[Table], keys: list[Key], changes: list[Any]) -> None:
        positions = [(table.name, *key) for table, key in zip(tables, keys, strict=True)]
        if len(set(positions)) < len(positions):
            raise Failure("ValidationException", "two actions on one item in one transaction")
        items = [change["Item"] for change in changes if "Item" in change]
        if sum(map(item_size, items)) > MOST_TRANSACTION_BYTES:
            raise Failure("ValidationException", "more than 4 MB in one transaction")
        if any(len(change.get("UpdateExpression", "")) > MOST_EXPRESSION_BYTES for change in changes):
            raise Failure("ValidationException", "an expression of more than 4 KB")
        if any(not name for change in changes for name in change.get("ExpressionAttributeNames", {}).values()):
            raise Failure("ValidationException", "an empty attribute name")
        for table, change in zip(tables, changes, strict=True):
            self._refuse_items(table, [change["Item"]] if "Item" in change else [])

    def _refuse_items(self, table: Table, items: list[Item]) -> None:
        for item in items:
            if item_size(item) > MOST_ITEM_BYTES:
                raise Failure("ValidationException", f"an item of {item_size(item)} bytes")
            for index in (table.own, *table.indexes.values()):
                for name, most in zip(index.names, MOST_KEY_BYTES.values(), strict=True):
                    _refuse_key(name, item, most)


def _refuse_key(name: str, item: Item, most: int) -> None:
    if name in item:
        text = item[name].get("S")
        if not isinstance(text, str) or not 0 < len(text.encode()) <= most:
            raise Failure("ValidationException", f"{name} is no text of 1 to {most} bytes")


def _refuse_batch(positions: list[tuple[str, ...]], most: int) -> None:
    if not 0 < len(positions) <= most:
        raise Failure("ValidationException", f"{len(positions)} items in one batch")
    if len(set(positions)) < len(positions):
        raise Failure("ValidationException", "an item twice in one batch")


def _refuse_filter_on_keys(asked: Any, names: Names) -> None:
    named = asked.get("FilterExpression", "").replace("(", " ").replace(",", " ").split()
    if any(name in named for name in names):
        raise Failure("ValidationException", "a filter on a key")


def _names(described: Any) -> Names:
    kinds = {key["KeyType"]: key["AttributeName"] for key in described["KeySchema"]}
    return Names(kinds["HASH"], kinds["RANGE"])


def _shown(table: Any, index: Any) -> frozenset[str] | None:
    projection = index["Projection"]
    if projection["ProjectionType"] == "ALL":
        return None
    return frozenset({*_names(table), *_names(index), *projection.get("NonKeyAttributes", ())})


_LAST = "\U0010ffff" * 3


def _after(
    positions: list[tuple[str, str, str]], start: tuple[str, str, str], asked: Any
) -> list[tuple[str, str, str]]:
    forward = asked.get("ScanIndexForward", True)
    return [position for position in positions if (position > start if forward else position < start)]


def _changed(kind: str, change: Any, before: Item | None) -> Item | None:
    """What a change makes of an item."""
    match kind:
        case "Put":
            item: Item = change["Item"]
            return item
        case "Update":
            return update(change, before)
        case "Delete":
            return None
        case "ConditionCheck":
            return before
    raise NotImplementedError(kind)


def _cancelled(codes: list[str]) -> Failure:
    reasons = [{"Code": code} if code == "None" else {"Code": code, "Message": "not met"} for code in codes]
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{', '.join(codes)}]"
    return Failure("TransactionCanceledException", message, CancellationReasons=reasons)


# Sizes


def item_size(item: Item | None) -> int:
    """An item's bytes: names, texts, and numbers at about half a byte a digit."""
    size = 0
    for name, value in (item or {}).items():
        text = value.get("S")
        # Nearly all values are short texts in ASCII, and every write and read is charged by their sizes.
        size += len(name) if name.isascii() else len(name.encode())
        size += len(text) if text is not None and text.isascii() else _value_size(value)
    return size


def _value_size(value: dict[str, Any]) -> int:
    [(kind, content)] = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return len(content) // 2 + 2
        case "B":
            return len(b64decode(content))
        case "L":
            return 3 + sum(1 + _value_size(entry) for entry in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_size(entry) for name, entry in content.items())
        case "BOOL" | "NULL":
            return 1
    raise NotImplementedError(kind)


def write_units(item: Item | None) -> int:
    """Write units of an item by its size; 0 for none."""
    return ceil(item_size(item) / KILOBYTE)


# The wire


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        """The whole body at once."""
        yield self.read()


def wire(status: int, body: bytes) -> AWSResponse:
    """An HTTP answer as botocore takes it."""
    return AWSResponse("", status, {"content-type": "application/x-amz-json-1.0"}, _Raw(body))


def response(status: int, body: Any) -> AWSResponse:
    """An answer of DynamoDB's form."""
    return wire(status, json.dumps(body, separators=(",", ":")).encode())


def failure(code: str, message: str, status: int = 400, **more: Any) -> AWSResponse:
    """An error of DynamoDB's form."""
    return response(status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message, **more})


_serving: list[DynamoDB] = []


def current() -> DynamoDB:
    """What the clients of this process speak to."""
    return _serving[-1]


def _answer(request: AWSRequest, event_name: str, **more: Any) -> AWSResponse | None:
    return _serving[-1].send(request, event_name, **more) if _serving else None


# Every client that is made from here on asks here first, and AWS (or what else stands in for it) where nothing serves.
handlers.BUILTIN_HANDLERS.append(("before-send.dynamodb", _answer))


@contextmanager
def serving() -> Iterator[DynamoDB]:
    """A DynamoDB without tables that all clients of this process speak to."""
    _serving.append(DynamoDB())
    try:
        yield _serving[-1]
    finally:
        _serving.pop()


def stop_answering(client: Any) -> None:
    """Lets a client's requests past, for something else to answer them: all handlers of a request are called."""
    client.meta.events.unregister("before-send.dynamodb", _answer)
