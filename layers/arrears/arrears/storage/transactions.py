"""Transactions that DynamoDB cancels: because of a conflict, because the table is busy, or because of a fault.

botocore retries a throttled request, but not a throttled transaction: that one arrives as cancelled, with throttling
among its reasons. It is retried here.
"""

import random
import time
from collections.abc import Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

THROTTLES = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingError",
        "ThrottlingException",
    }
)
"""Codes of an error, and of a cancelled transaction's reason, that ask for patience."""
UNMET = "ConditionalCheckFailed"
_CONFLICTS = frozenset(
    {UNMET, "TransactionConflict", "TransactionConflictException", "TransactionInProgressException"},
)

BRIEF_WAITS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds, at most, before a throttled transaction is sent again while a caller waits for the answer."""
PATIENT_WAITS = (*BRIEF_WAITS, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0)
"""The same for work that nobody waits for: on-demand tables take tens of seconds to split a busy partition."""
IMPORT_WAITS = PATIENT_WAITS[:8]
"""The same for imports, which also wait between tries of a batch: all of it fits into what a run has spare."""


class Failure(Enum):
    """Why a transaction was not carried out. CONFLICT: what it was based on has changed, or is changing."""

    CONFLICT = auto()
    THROTTLE = auto()
    FAULT = auto()


def error_codes(error: ClientError) -> list[str]:
    """The codes of a failure: of a cancelled transaction those of its actions, in order ("None": no objection)."""
    if not _is_cancelled(error):
        return [_code(error)]
    reasons: Sequence[Any] = error.response.get("CancellationReasons", ())
    return [reason.get("Code", "None") for reason in reasons]


def failure_of(error: ClientError) -> Failure:
    """What a failed transaction comes down to. A conflict outweighs throttling: what is sent again would be refused."""
    codes = {code for code in error_codes(error) if code != "None"}
    if codes & _CONFLICTS:
        return Failure.CONFLICT
    return Failure.THROTTLE if codes and codes <= THROTTLES else Failure.FAULT


def transact(client: "DynamoDBClient", actions: Sequence[Any], waits: Sequence[float] = BRIEF_WAITS) -> None:
    """Writes all actions or none; one that is throttled is sent again after each of these waits.

    Raises ClientError for any other failure, and when the throttling outlasts the waits.
    """
    for wait in waits:
        try:
            client.transact_write_items(TransactItems=actions)
        except ClientError as error:
            # What is not a cancelled transaction, botocore has sent again already.
            if not _is_cancelled(error) or failure_of(error) is not Failure.THROTTLE:
                raise
            time.sleep(random.uniform(wait / 2, wait))  # noqa: S311
        else:
            return
    client.transact_write_items(TransactItems=actions)


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _is_cancelled(error: ClientError) -> bool:
    return _code(error) == "TransactionCanceledException"
