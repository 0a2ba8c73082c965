"""DynamoDB in this process, as far as Arrears asks it anything, with the units that a request would be charged.

It answers at the HTTP layer of a client, so all of botocore takes part and no emulator's speed does. What it takes
itself is counted apart, to be taken off.
"""

import io
import json
import re
import time
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from math import ceil
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse

PAGE_BYTES = 1 << 20
READ_UNIT_BYTES = 4_096
WRITE_UNIT_BYTES = 1_024

type Item = dict[str, dict[str, str]]
type Key = tuple[str, str]

INDEXES = {"state": ("ipk", "isk"), "account": ("apk", "ask")}
"""Of each index its partition and sort key; both project `p` as well."""

_EQUALS = re.compile(r"(\w+) = (:\w+)")
_RANGE = re.compile(r"(begins_with)\(\w+, (:\w+)\)|\w+ (>=|>|<=|<) (:\w+)|\w+ (BETWEEN) (:\w+) AND (:\w+)")


class Partition:
    """The rows of one partition key, in order: each as it goes over the wire, with its size in bytes."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[bytes, int]] = {}
        self._order: list[str] | None = []

    def put(self, place: str, row: tuple[bytes, int]) -> None:
        """Adds or replaces a row."""
        if place not in self.rows:
            self._insert(place)
        self.rows[place] = row

    def _insert(self, place: str) -> None:
        if self._order is not None and len(self._order) < 1_000:
            insort(self._order, place)
        else:
            self._order = None

    def drop(self, place: str) -> None:
        """Takes a row out."""
        if self.rows.pop(place, None) is not None:
            self._order = None

    @property
    def order(self) -> list[str]:
        """The places in order."""
        if self._order is None:
            self._order = sorted(self.rows)
        return self._order


class Table:
    """Tables of one account. keep_documents: False keeps of documents only what the index shows."""

    def __init__(self, keep_documents: bool = True) -> None:
        self.keep_documents = keep_documents
        self.items: dict[tuple[str, str], dict[str, Item]] = {}
        self.indexes: dict[str, dict[str, Partition]] = {name: {} for name in INDEXES}
        self.transcript: list[tuple[str, bytes, bytes]] = []
        self.recording = False
        self.requests: Counter[str] = Counter()
        self.read_units = 0.0
        self.write_units = 0.0
        self.spent = 0.0

    def attach(self, client: Any) -> None:
        """Answers this client's requests."""
        client.meta.events.register_first("before-send.dynamodb", self.send)

    def send(self, request: AWSRequest, event_name: str, **_: Any) -> AWSResponse:
        """The HTTP answer to a request as it leaves botocore."""
        started = time.process_time()
        body = request.body.encode() if isinstance(request.body, str) else request.body
        operation = event_name.rpartition(".")[2]
        status, answer = self.answer(operation, body)
        self.spent += time.process_time() - started
        return wire(answer, status)

    def answer(self, operation: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to an operation."""
        status, answer = self.perform(operation, json.loads(body))
        if self.recording:
            self.transcript.append((operation, body, answer))
        return status, answer

    def perform(self, operation: str, request: Any) -> tuple[int, bytes]:
        """Carries an operation out: status and body of the answer."""
        self.requests[operation] += 1
        answered: tuple[int, bytes] = getattr(self, f"_{operation}")(request)
        return answered

    def reset(self) -> None:
        """Counts from zero."""
        self.requests.clear()
        self.read_units = self.write_units = self.spent = 0.0

    # Reading

    def _GetItem(self, asked: Any) -> tuple[int, bytes]:  # noqa: N802
        item = self._item(asked["TableName"], _key(asked["Key"]))
        self._charge_read(_size(item), asked)
        return 200, json.dumps({"Item": item} if item else {}).encode()

    def _BatchGetItem(self, asked: Any) -> tuple[int, bytes]:  # noqa: N802
        responses: dict[str, list[Item]] = {}
        for table, wanted in asked["RequestItems"].items():
            found = [self._item(table, _key(key)) for key in wanted["Keys"]]
            for item in found:
                self._charge_read(_size(item), wanted)
            responses[table] = [item for item in found if item]
        return 200, json.dumps({"Responses": responses, "UnprocessedKeys": {}}).encode()

    def _item(self, table: str, key: Key) -> Item | None:
        return self.items.get((table, key[0]), {}).get(key[1])

    def _charge_read(self, size: int, asked: Any) -> None:
        units = max(1, ceil(size / READ_UNIT_BYTES))
        self.read_units += units if asked.get("ConsistentRead") else units / 2

    def _Query(self, asked: Any) -> tuple[int, bytes]:  # noqa: N802
        condition, values = asked["KeyConditionExpression"], asked["ExpressionAttributeValues"]
        partition_condition, _, rest = condition.partition(" AND ")
        equals = _EQUALS.fullmatch(partition_condition)
        if equals is None:
            raise ValueError(condition)
        partition = self._partition(asked, values[equals[2]]["S"])
        first, last = _range(partition.order, rest, values)
        places = partition.order[first:last]
        if not asked.get("ScanIndexForward", True):
            places.reverse()
        return 200, self._page(asked, partition, places, values[equals[2]]["S"])

    def _partition(self, asked: Any, key: str) -> Partition:
        if "IndexName" in asked:
            return self.indexes[asked["IndexName"]].get(key, Partition())
        partition = Partition()
        for place, item in self.items.get((asked["TableName"], key), {}).items():
            partition.put(place, (json.dumps(item).encode(), _size(item)))
        return partition

    def _page(self, asked: Any, partition: Partition, places: list[str], key: str) -> bytes:
        names = INDEXES.get(asked.get("IndexName"), ("pk", "sk"))
        start = asked.get("ExclusiveStartKey")
        place = places.index(start[names[1]]["S"]) + 1 if start else 0
        most = asked.get("Limit", len(places))
        rows, size = [], 0
        while place < len(places) and size < PAGE_BYTES and len(rows) < most:
            row, bytes_ = partition.rows[places[place]]
            rows.append(row)
            size += bytes_
            place += 1
        self._charge_read(size, asked)
        more = b""
        if place < len(places):
            more = (
                b',"LastEvaluatedKey":'
                + json.dumps({names[0]: {"S": key}, names[1]: {"S": places[place - 1]}}).encode()
            )
        return b'{"Count":%d,"ScannedCount":%d,"Items":[%b]%b}' % (len(rows), len(rows), b",".join(rows), more)

    # Writing

    def _PutItem(self, asked: Any) -> tuple[int, bytes]:  # noqa: N802
        self._write("Put", asked, 1)
        return 200, b"{}"

    def _UpdateItem(self, asked: Any) -> tuple[int, bytes]:  # noqa: N802
        self._write("Update", asked, 1)
        return 200, b"{}"

    def _TransactWriteItems(self, asked: Any) -> tuple[int, bytes]:  # noqa: N802
        actions = [next(iter(action.items())) for action in asked["TransactItems"]]
        reasons = ["None" if self._holds(change) else "ConditionalCheckFailed" for _, change in actions]
        if any(reason != "None" for reason in reasons):
            return 400, _cancelled(reasons)
        for kind, change in actions:
            self._write(kind, change, 2)
        return 200, b"{}"

    def _holds(self, change: Any) -> bool:
        """Whether the condition does, where it is on the version, a pointer, or on being there at all."""
        condition = change.get("ConditionExpression")
        stood = self._item(change["TableName"], _key(change.get("Key") or change["Item"]))
        if condition == "attribute_not_exists(pk)":
            return stood is None
        equals = _EQUALS.fullmatch(condition) if condition else None
        if equals is None:
            return True
        return stood is not None and stood.get(equals[1]) == change["ExpressionAttributeValues"][equals[2]]

    def _write(self, kind: str, change: Any, factor: int) -> None:
        table, key = change["TableName"], _key(change.get("Key") or change["Item"])
        stood = self._item(table, key)
        after = {"Put": lambda: change["Item"], "Delete": lambda: None}.get(kind, lambda: _updated(stood, change))()
        self.write_units += factor * max(_write_units(stood), _write_units(after))
        for index in INDEXES:
            self._index(index, stood, after)
        kept = self.items.setdefault((table, key[0]), {})
        if after is None:
            kept.pop(key[1], None)
        elif self.keep_documents or key[1] != "d":
            kept[key[1]] = after

    def _index(self, index: str, stood: Item | None, after: Item | None) -> None:
        partition, sort_key = INDEXES[index]
        old, new = _projected(stood, index), _projected(after, index)
        if old == new:
            return
        if old and new and (old[partition], old[sort_key]) == (new[partition], new[sort_key]):
            self.write_units += max(_write_units(old), _write_units(new))
        else:
            self.write_units += _write_units(old) + _write_units(new)
        partitions = self.indexes[index]
        if old:
            partitions[old[partition]["S"]].drop(old[sort_key]["S"])
        if new:
            row = json.dumps({sort_key: new[sort_key], "p": new["p"]}, separators=(",", ":")).encode()
            partitions.setdefault(new[partition]["S"], Partition()).put(new[sort_key]["S"], (row, _size(new)))


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Any:
        """The whole body at once."""
        yield self.read()


def wire(body: bytes, status: int = 200) -> AWSResponse:
    """An HTTP answer as botocore takes it."""
    return AWSResponse("", status, {"content-type": "application/x-amz-json-1.0"}, _Raw(body))


def _key(item: Item) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def _range(order: list[str], rest: str, values: Any) -> tuple[int, int]:
    """From where to where a condition on the sort key holds."""
    if not rest:
        return 0, len(order)
    found = _RANGE.fullmatch(rest)
    if found is None:
        raise ValueError(rest)
    prefix, start, comparison, bound, between, low, high = found.groups()
    if prefix:
        text = values[start]["S"]
        return bisect_left(order, text), bisect_left(order, text + "\U0010ffff")
    if between:
        return bisect_left(order, values[low]["S"]), bisect_right(order, values[high]["S"])
    text = values[bound]["S"]
    place = (bisect_left if comparison in (">=", "<") else bisect_right)(order, text)
    return (place, len(order)) if comparison.startswith(">") else (0, place)


def _updated(stood: Item | None, change: Any) -> Item:
    """What an update leaves that only adds numbers or sets attributes."""
    after = dict(stood or change["Key"])
    names, values = change.get("ExpressionAttributeNames", {}), change["ExpressionAttributeValues"]
    verb, _, terms = change["UpdateExpression"].partition(" ")
    for term in terms.split(", "):
        name, _, value = term.replace(" = ", " ").partition(" ")
        name = names.get(name, name)
        if verb == "ADD":
            after[name] = {"N": str(int(after.get(name, {"N": "0"})["N"]) + int(values[value]["N"]))}
        else:
            after[name] = values[value]
    return after


def _projected(item: Item | None, index: str) -> Item | None:
    keys = INDEXES[index]
    if item is None or keys[0] not in item or "p" not in item:
        return None
    return {name: item[name] for name in ("pk", "sk", *keys, "p")}


def _size(item: Item | None) -> int:
    """Bytes: names, texts, and numbers at about half a byte a digit."""
    if item is None:
        return 0
    total = 0
    for name, value in item.items():
        kind, told = next(iter(value.items()))
        total += len(name) + (len(told) // 2 + 2 if kind == "N" else len(str(told).encode()))
    return total


def _write_units(item: Item | None) -> int:
    return ceil(_size(item) / WRITE_UNIT_BYTES)


def _cancelled(reasons: list[str]) -> bytes:
    told = {"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "message": "cancelled"}
    return json.dumps({**told, "CancellationReasons": [{"Code": reason} for reason in reasons]}).encode()
