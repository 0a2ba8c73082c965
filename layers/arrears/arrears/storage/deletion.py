"""Deleting items by their keys, many at a time."""

import random
import time
from collections.abc import Iterable
from itertools import batched
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

BATCH = 25
"""Items that one request deletes at most."""
_LONGEST_WAIT_SECONDS = 5.0


def delete_items(client: "DynamoDBClient", table: str, keys: Iterable[tuple[str, str]]) -> int:
    """Deletes the items of these keys, whether they are there or not; how many keys there were.

    They go in their order, a batch at a time: what comes later in another batch is still there should this stop.
    """
    count = 0
    for batch in batched(keys, BATCH, strict=False):
        left: list[Any] = [
            {"DeleteRequest": {"Key": {"pk": {"S": pk}, "sk": {"S": sk}}}} for pk, sk in dict.fromkeys(batch)
        ]
        count += len(left)
        tries = 0
        while left:
            left = list(client.batch_write_item(RequestItems={table: left})["UnprocessedItems"].get(table, []))
            if left:
                tries += 1
                time.sleep(random.uniform(0, min(_LONGEST_WAIT_SECONDS, 0.05 * 2**tries)))  # noqa: S311
    return count
