"""Reads any table: items by key, and pages of a query."""

import random
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from arrears.ledger.errors import THROTTLED, ArrearsError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

BATCH = 100
"""Keys in one request: as many as DynamoDB takes."""
_TRIES = 6

type Item = dict[str, Any]
type Key = tuple[str, str]
"""Partition and sort key of an item."""


def get_items(client: "DynamoDBClient", table: str, wanted: Sequence[Key], consistent: bool = True) -> dict[Key, Item]:
    """The items of these keys that exist, a hundred a request. consistent: False may miss the last second's writes.

    That is all that an index shows, too, and costs half as much.

    Raises ArrearsError (throttled) when a request reads nothing at all, time after time.
    """
    found: dict[Key, Item] = {}
    left: list[Any] = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in dict.fromkeys(wanted)]
    in_vain = 0
    while left:
        answer = client.batch_get_item(RequestItems={table: {"Keys": left[:BATCH], "ConsistentRead": consistent}})
        for item in answer["Responses"].get(table, []):
            found[item["pk"]["S"], item["sk"]["S"]] = item
        unprocessed: Any = answer.get("UnprocessedKeys") or {}
        unread = unprocessed[table]["Keys"] if table in unprocessed else []
        in_vain = in_vain + 1 if len(unread) == len(left[:BATCH]) else 0
        left = [*unread, *left[BATCH:]]
        if in_vain:
            _wait(in_vain)
    return found


def _wait(tries: int) -> None:
    if tries > _TRIES:
        raise ArrearsError(THROTTLED, "The ledger takes no more requests right now; try again.", retry_after=1)
    time.sleep(random.uniform(0, 0.02 * 2**tries))  # noqa: S311


def query(client: "DynamoDBClient", **request: Any) -> Iterator[list[Item]]:
    """The pages of a query."""
    while True:
        answer = client.query(**request)
        yield answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
