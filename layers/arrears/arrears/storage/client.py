"""The DynamoDB client, and which of its failures mean "busy"."""

from typing import TYPE_CHECKING, cast

from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError
from botocore.session import get_session

from arrears.ledger.problems import THROTTLED, UNAVAILABLE, Refusal
from arrears.storage.transactions import THROTTLES, error_codes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

RETRY_AFTER = {"Retry-After": "1"}

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


def as_refusal(error: Exception) -> Refusal | None:
    """What the caller is told of a failure of the table that survived the client's retries; None: not such a one."""
    if isinstance(error, ClientError):
        codes = set(error_codes(error)) - {"None"}
        if codes and codes <= THROTTLES:
            return Refusal(THROTTLED, "The ledger takes no more requests right now; try again.", headers=RETRY_AFTER)
        if codes and codes <= THROTTLES | _CONFLICTS:
            return Refusal(UNAVAILABLE, "The ledger is busy with this book; try again.", headers=RETRY_AFTER)
    elif isinstance(error, HTTPClientError | ConnectionError):
        return Refusal(UNAVAILABLE, "The ledger did not answer in time; try again.", headers=RETRY_AFTER)
    return None
