"""What stands between a client and moto: as strict as DynamoDB where moto is not, counting, and failing on demand.

It works on requests as they leave botocore, so that the client's own retries and tokens take part as in AWS.
"""

import json
from collections import Counter
from collections.abc import Callable
from math import ceil
from threading import Lock
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

KILOBYTE = 1_024
MOST_ACTIONS = 100
MOST_KEYS = 100
MOST_WRITES = 25
MOST_TRANSACTION_BYTES = 4 * 1_024 * KILOBYTE
MOST_ITEM_BYTES = 400 * KILOBYTE
MOST_EXPRESSION_BYTES = 4_096
MOST_KEY_BYTES = {"pk": 2_048, "sk": 1_024, "ipk": 2_048, "isk": 1_024, "apk": 2_048, "ask": 1_024}
INDEX_KEYS = {"state": ("ipk", "isk"), "account": ("apk", "ask")}
"""Of each index of the ledger its partition and sort key; both project `p` as well."""

type Item = dict[str, dict[str, Any]]
type Fault = Callable[["Gate", str, AWSRequest], AWSResponse]


class Killed(BaseException):
    """The process ended before it sent a request."""


class Gate:
    """On one client: what it asked for, what that cost, and which of its requests fail.

    calls: operation and body of each request. items: the tables as its writes left them, by (pk, sk).
    units: write units of the table, of its index, and how many requests wrote.
    """

    def __init__(self, client: Any) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.items: dict[tuple[str, str], Item] = {}
        self.units: Counter[str] = Counter()
        self.faults: dict[int, Fault] = {}
        self.most_keys = MOST_KEYS
        self.hidden: set[str] = set()
        self.hidden_for = 0
        self._tokens: dict[str, Any] = {}
        self._lock = Lock()
        # All handlers of this event are called, whichever answers: moto's own would do everything a second time.
        client.meta.events.unregister("before-send", botocore_stubber)
        client.meta.events.register("before-send.dynamodb", self._send)

    def operations(self) -> list[str]:
        """The operations that were asked for since the last time."""
        asked = [operation for operation, _ in self.calls]
        self.calls.clear()
        return asked

    def _send(self, request: AWSRequest, event_name: str, **_: Any) -> AWSResponse:
        operation = event_name.rpartition(".")[2]
        with self._lock:
            self.calls.append((operation, json.loads(request.body)))
            fault = self.faults.pop(len(self.calls), None)
            return self.answer(operation, request) if fault is None else fault(self, operation, request)

    def answer(self, operation: str, request: AWSRequest) -> AWSResponse:
        """The answer of a table that is there and well."""
        body = json.loads(request.body)
        why = refused(operation, body)
        if why is not None:
            return failure("ValidationException", why)
        if operation == "TransactWriteItems":
            return self._transact(request, body)
        answered = stubbed(operation, request)
        if operation == "BatchGetItem":
            return self._partly(answered, body)
        if operation == "Query" and "IndexName" in body and self.hidden_for:
            self.hidden_for -= 1
            return self._lagging(answered)
        return answered

    def _transact(self, request: AWSRequest, body: Any) -> AWSResponse:
        token = body.pop("ClientRequestToken")
        if token in self._tokens:
            if self._tokens[token] == body:
                return response(200, {})
            return failure("IdempotentParameterMismatchException", "The token was used for another request")
        answered = stubbed("TransactWriteItems", request)
        if answered.status_code == 200:
            self._tokens[token] = body
            self.units["transactions"] += 1
            for action in body["TransactItems"]:
                self._note(action)
        return answered

    def _partly(self, answered: AWSResponse, body: Any) -> AWSResponse:
        """A batch of which not all could be read: so it is under load, and beyond 16 MB."""
        told = json.loads(answered.content)
        for table, asked in body["RequestItems"].items():
            left = asked["Keys"][self.most_keys :]
            if left:
                read = [item for item in told["Responses"][table] if _key(item) not in map(_key, left)]
                told["Responses"][table] = read
                told["UnprocessedKeys"] = {table: {**asked, "Keys": left}}
        return response(200, told)

    def _lagging(self, answered: AWSResponse) -> AWSResponse:
        """An index that does not show some documents yet."""
        told = json.loads(answered.content)
        told["Items"] = [item for item in told["Items"] if not any(id_ in json.dumps(item) for id_ in self.hidden)]
        return response(200, told)

    def _note(self, action: Any) -> None:
        kind, change = next(iter(action.items()))
        place = _key(change["Key"] if kind != "Put" else change["Item"])
        stood = self.items.get(place)
        if kind == "Delete":
            after = None
        elif kind == "Put":
            after = change["Item"]
        else:
            after = _added(stood or dict(change["Key"]), change)
        self.units["table"] += 2 * max(_units(stood), _units(after))
        for keys in INDEX_KEYS.values():
            self.units["index"] += _index_units(stood, after, keys)
        if after is None:
            self.items.pop(place, None)
        else:
            self.items[place] = after


def stubbed(operation: str, request: AWSRequest) -> AWSResponse:
    """moto's answer."""
    return botocore_stubber(event_name=f"before-send.dynamodb.{operation}", request=request)


def response(status: int, body: Any) -> AWSResponse:
    """An answer of DynamoDB's form."""
    headers = {"content-type": "application/x-amz-json-1.0"}
    return AWSResponse("", status, headers, MockRawResponse(json.dumps(body).encode()))


def failure(code: str, message: str, status: int = 400, **more: Any) -> AWSResponse:
    """An error of DynamoDB's form."""
    return response(status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message, **more})


# What fails


def kill(gate: Gate, operation: str, request: AWSRequest) -> AWSResponse:
    """Nothing is sent any more."""
    raise Killed


def reset(gate: Gate, operation: str, request: AWSRequest) -> AWSResponse:
    """The connection is lost before anything arrives."""
    raise ConnectionClosedError(endpoint_url="table")


def lose_answer(gate: Gate, operation: str, request: AWSRequest) -> AWSResponse:
    """The request arrives and is applied; its answer never comes back."""
    gate.answer(operation, request)
    raise ReadTimeoutError(endpoint_url="table")


def throttle(gate: Gate, operation: str, request: AWSRequest) -> AWSResponse:
    """Too much at once."""
    return failure("ProvisionedThroughputExceededException", "Slow down")


def break_down(gate: Gate, operation: str, request: AWSRequest) -> AWSResponse:
    """A fault inside DynamoDB."""
    return failure("InternalServerError", "Internal server error", 500)


def conflict(gate: Gate, operation: str, request: AWSRequest) -> AWSResponse:
    """Another transaction is at work on one of the items; what only reads is not concerned."""
    if operation != "TransactWriteItems":
        return gate.answer(operation, request)
    return cancelled(request, "TransactionConflict")


def throttle_action(gate: Gate, operation: str, request: AWSRequest) -> AWSResponse:
    """Too much at once for one item of a transaction, which arrives as a cancelled one; what only reads goes on."""
    return (
        cancelled(request, "ThrottlingError") if operation == "TransactWriteItems" else gate.answer(operation, request)
    )


def cancelled(request: AWSRequest, reason: str) -> AWSResponse:
    """A transaction that DynamoDB did not carry out for the sake of its last action."""
    count = len(json.loads(request.body)["TransactItems"])
    reasons = [*[{"Code": "None"}] * (count - 1), {"Code": reason}]
    return failure("TransactionCanceledException", "Transaction cancelled", CancellationReasons=reasons)


_FAULTS = (kill, reset, lose_answer, throttle, throttle_action, break_down, conflict)
FAULTS = {fault.__name__: fault for fault in _FAULTS}


# What DynamoDB refuses, and moto does not


def refused(operation: str, body: Any) -> str | None:
    """Why DynamoDB would not take a request; None when it would."""
    if operation == "Scan":
        return "nothing here reads a whole table"
    if operation == "BatchGetItem":
        return _refused_batch([key for asked in body["RequestItems"].values() for key in asked["Keys"]], MOST_KEYS)
    if operation == "BatchWriteItem":
        writes = [write for asked in body["RequestItems"].values() for write in asked]
        changed = [next(iter(write.values())) for write in writes]
        places = [change.get("Key") or change["Item"] for change in changed]
        return _refused_batch(places, MOST_WRITES) or _refused_items([c["Item"] for c in changed if "Item" in c])
    if operation == "PutItem":
        return _refused_items([body["Item"]])
    if operation == "TransactWriteItems":
        return _refused_transaction(body["TransactItems"])
    if operation == "Query":
        return _refused_query(body)
    return None


def _refused_batch(places: list[Item], most: int) -> str | None:
    if not 0 < len(places) <= most:
        return f"{len(places)} items in one batch"
    return "an item twice in one batch" if len(set(map(_key, places))) < len(places) else None


def _refused_transaction(actions: list[Any]) -> str | None:
    if not 0 < len(actions) <= MOST_ACTIONS:
        return f"{len(actions)} actions in one transaction"
    changes = [next(iter(action.values())) for action in actions]
    places = [(change["TableName"], *_key(change.get("Key") or change["Item"])) for change in changes]
    if len(set(places)) < len(places):
        return "two actions on one item in one transaction"
    items = [change["Item"] for change in changes if "Item" in change]
    if sum(map(_size, items)) > MOST_TRANSACTION_BYTES:
        return "more than 4 MB in one transaction"
    if any(len(change.get("UpdateExpression", "")) > MOST_EXPRESSION_BYTES for change in changes):
        return "an expression of more than 4 KB"
    empty = any(not name for change in changes for name in change.get("ExpressionAttributeNames", {}).values())
    return "an empty attribute name" if empty else _refused_items(items)


def _refused_items(items: list[Item]) -> str | None:
    for item in items:
        if _size(item) > MOST_ITEM_BYTES:
            return f"an item of {_size(item)} bytes"
        for name in MOST_KEY_BYTES.keys() & item.keys():
            text = item[name].get("S")
            if not isinstance(text, str) or not 0 < len(text.encode()) <= MOST_KEY_BYTES[name]:
                return f"{name} is no text of 1 to {MOST_KEY_BYTES[name]} bytes"
    return None


def _refused_query(body: Any) -> str | None:
    if body.get("ConsistentRead") and "IndexName" in body:
        return "consistent reads of an index"
    named = body.get("FilterExpression", "").replace("(", " ").replace(",", " ").split()
    keys = INDEX_KEYS.get(body.get("IndexName"), ("pk", "sk"))
    return "a filter on a key" if any(key in named for key in keys) else None


# What it costs


def _key(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _size(item: Item) -> int:
    """An item's bytes: names, texts, and numbers at about half a byte a digit."""
    total = 0
    for name, value in item.items():
        kind, told = next(iter(value.items()))
        total += len(name.encode()) + (len(told) // 2 + 2 if kind == "N" else len(str(told).encode()))
    return total


def _units(item: Item | None) -> int:
    return ceil(_size(item) / KILOBYTE) if item else 0


def _index_units(stood: Item | None, after: Item | None, keys: tuple[str, str]) -> int:
    partition, sort_key = keys
    old, new = (
        {name: item[name] for name in (*keys, "p") if name in item} if item and partition in item else None
        for item in (stood, after)
    )
    if old == new:
        return 0
    if old and new and (old[partition], old[sort_key]) == (new[partition], new[sort_key]):
        return max(_units(old), _units(new))
    return _units(old) + _units(new)


def _added(stood: Item, change: Any) -> Item:
    """What an update that only adds leaves."""
    after = dict(stood)
    for placeholder, name in change["ExpressionAttributeNames"].items():
        moved = int(change["ExpressionAttributeValues"][placeholder.replace("#", ":")]["N"])
        after[name] = {"N": str(int(after.get(name, {"N": "0"})["N"]) + moved)}
    return after
