"""What stands between a client and the tables: it counts what is asked, and fails on demand.

It works on requests as they leave botocore, so that the client's own retries and tokens take part as in AWS.
"""

import json
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from support.dynamodb import MOST_KEYS, current, failure, response, stop_answering

type Item = dict[str, dict[str, Any]]
type Fault = Callable[["Gate", str, AWSRequest], AWSResponse]


class Killed(BaseException):
    """The process ended before it sent a request."""


class Gate:
    """On one client of the DynamoDB that is served: what it asked for, and which of its requests fail.

    calls: operation and body of each request.
    """

    def __init__(self, client: Any) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.faults: dict[int, Fault] = {}
        self.most_keys = MOST_KEYS
        self.hidden: set[str] = set()
        self.hidden_for = 0
        self._dynamodb = current()
        self._lock = Lock()
        stop_answering(client)
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

    @property
    def units(self) -> Counter[str]:
        """Write units of tables and of indexes, and how many transactions were made."""
        return self._dynamodb.units

    def answer(self, operation: str, request: AWSRequest) -> AWSResponse:
        """The answer of a table that is there and well."""
        if operation == "Scan":
            return failure("ValidationException", "nothing here reads a whole table")
        body = json.loads(request.body)
        answered = self._dynamodb.answer(operation, request)
        if operation == "BatchGetItem":
            return self._partly(answered, body)
        if operation == "Query" and "IndexName" in body and self.hidden_for:
            self.hidden_for -= 1
            return self._lagging(answered)
        return answered

    def _partly(self, answered: AWSResponse, body: Any) -> AWSResponse:
        """A batch of which not all could be read: so it is under load, and beyond 16 MB."""
        if answered.status_code != 200:
            return answered
        answer = json.loads(answered.content)
        for table, asked in body["RequestItems"].items():
            left = asked["Keys"][self.most_keys :]
            if left:
                read = [item for item in answer["Responses"][table] if _key(item) not in map(_key, left)]
                answer["Responses"][table] = read
                answer["UnprocessedKeys"] = {table: {**asked, "Keys": left}}
        return response(200, answer)

    def _lagging(self, answered: AWSResponse) -> AWSResponse:
        """An index that does not show some documents yet."""
        answer = json.loads(answered.content)
        answer["Items"] = [item for item in answer["Items"] if not any(id_ in json.dumps(item) for id_ in self.hidden)]
        return response(200, answer)


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


def cancelled(request: AWSRequest, reason: str, action: int = -1) -> AWSResponse:
    """A transaction that DynamoDB did not carry out for the sake of one action; the last, unless it is said which."""
    reasons = [{"Code": "None"} for _ in json.loads(request.body)["TransactItems"]]
    reasons[action]["Code"] = reason
    return failure("TransactionCanceledException", "Transaction cancelled", CancellationReasons=reasons)


_FAULTS = (kill, reset, lose_answer, throttle, throttle_action, break_down, conflict)
FAULTS = {fault.__name__: fault for fault in _FAULTS}


def _key(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]
