"""The DynamoDB client, shortcuts around its parser and serialiser, and which of its errors mean "busy"."""

from typing import TYPE_CHECKING, Any, cast

import orjson
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError
from botocore.session import get_session

from arrears.ledger.errors import THROTTLED, UNAVAILABLE, ArrearsError
from arrears.storage.transactions import THROTTLES, error_codes

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from mypy_boto3_dynamodb.client import DynamoDBClient

RETRY_AFTER_SECONDS = 1

_CONFLICTS = frozenset(
    {
        "InternalServerError",
        "ReplicatedWriteConflictException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


def connect() -> "DynamoDBClient":
    """A client by the usual AWS settings. Its time-outs leave room for a retry within one request.

    From botocore itself: boto3 would bring S3 transfers and resource objects, a fifth of a cold start.
    """
    client = get_session().create_client(
        "dynamodb",
        config=Config(
            connect_timeout=2,
            read_timeout=5,
            retries={"mode": "standard", "total_max_attempts": 4},
            tcp_keepalive=True,
            # DynamoDB checks what it is sent; checking it here first took a third of the time that recording takes.
            parameter_validation=False,
        ),
    )
    return cast("DynamoDBClient", client)


_KEPT = {"Query": "Items", "BatchGetItem": "Responses"}
"""Where the answers of an operation have their items."""


def read_fast(client: "DynamoDBClient") -> None:
    """Leaves items in responses as they are on the wire, which for text is what botocore would make of them."""
    for operation in _KEPT:
        event = f"before-parse.dynamodb.{operation}"
        client.meta.events.register(event, _keep_items, unique_id=f"arrears.keep-items.{operation}")


def _keep_items(
    operation_model: "OperationModel", response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    if response_dict["status_code"] != 200:
        return
    kept = _KEPT[operation_model.name]
    body = orjson.loads(response_dict["body"])
    if kept in body:
        customized_response_dict[kept] = body.pop(kept)
    response_dict["body"] = orjson.dumps(body)


def write_fast(client: "DynamoDBClient") -> None:
    """Lets the client's transactions go out as they are handed in: they are made in the form of the wire already."""
    operation = "dynamodb.TransactWriteItems"
    events = client.meta.events
    events.register_last(f"before-parameter-build.{operation}", _set_apart, unique_id="arrears.set-apart")
    events.register(f"before-call.{operation}", _put_back, unique_id="arrears.put-back")


def _set_apart(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["arrears.actions"] = params["TransactItems"]
    params["TransactItems"] = [{}]


def _put_back(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    body = orjson.loads(params["body"])
    body["TransactItems"] = context["arrears.actions"]
    params["body"] = orjson.dumps(body)


def as_error(error: Exception) -> ArrearsError | None:
    """The caller's error for a failure of the table that outlasted the client's retries; None for other exceptions."""
    if isinstance(error, ClientError):
        codes = set(error_codes(error)) - {"None"}
        if codes and codes <= THROTTLES:
            return ArrearsError(
                THROTTLED, "The ledger takes no more requests right now; try again.", retry_after=RETRY_AFTER_SECONDS
            )
        if codes and codes <= THROTTLES | _CONFLICTS:
            return ArrearsError(
                UNAVAILABLE, "The ledger is busy with this book; try again.", retry_after=RETRY_AFTER_SECONDS
            )
    elif isinstance(error, HTTPClientError | ConnectionError):
        return ArrearsError(
            UNAVAILABLE, "The ledger did not answer in time; try again.", retry_after=RETRY_AFTER_SECONDS
        )
    return None
