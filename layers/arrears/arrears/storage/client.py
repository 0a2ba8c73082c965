"""The DynamoDB client, and which of its failures mean "busy"."""

from typing import TYPE_CHECKING, cast

from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError
from botocore.session import get_session

from arrears.ledger.errors import THROTTLED, UNAVAILABLE, ArrearsError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

RETRY_AFTER_SECONDS = 1

_THROTTLES = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingError",
        "ThrottlingException",
        "ProvisionedThroughputExceeded",
    }
)
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


def as_error(error: Exception) -> ArrearsError | None:
    """What the caller is told of a failure of the table that survived the client's retries; None: not such a one."""
    if isinstance(error, ClientError):
        codes = _codes(error)
        if codes and codes <= _THROTTLES:
            return ArrearsError(
                THROTTLED, "The ledger takes no more requests right now; try again.", retry_after=RETRY_AFTER_SECONDS
            )
        if codes and codes <= _THROTTLES | _CONFLICTS:
            return ArrearsError(
                UNAVAILABLE, "The ledger is busy with this book; try again.", retry_after=RETRY_AFTER_SECONDS
            )
    elif isinstance(error, HTTPClientError | ConnectionError):
        return ArrearsError(
            UNAVAILABLE, "The ledger did not answer in time; try again.", retry_after=RETRY_AFTER_SECONDS
        )
    return None


def _codes(error: ClientError) -> set[str]:
    code = error.response.get("Error", {}).get("Code", "")
    if code != "TransactionCanceledException":
        return {code}
    reasons = error.response.get("CancellationReasons", [])
    return {reason["Code"] for reason in reasons if reason.get("Code", "None") != "None"}
