"""The queue of organisations to work through."""

import json
from collections.abc import Iterable
from itertools import batched
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

_BATCH = 10
"""Messages that one SendMessageBatch takes."""


class CloseQueue:
    """Puts organisations into one queue."""

    def __init__(self, url: str, client: "SQSClient | None" = None) -> None:
        self._client: SQSClient = client or boto3.client("sqs")
        self._url = url

    def put(self, organisations: Iterable[str]) -> int:
        """Queues one message per organisation id, and says how many. Raises when the queue refuses one."""
        queued = 0
        for batch in batched(organisations, _BATCH, strict=False):
            entries = [
                {"Id": str(place), "MessageBody": json.dumps({"organisationId": organisation})}
                for place, organisation in enumerate(batch)
            ]
            answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]
            if answer.get("Failed"):
                raise RuntimeError(f"the queue refused {len(answer['Failed'])} messages")
            queued += len(batch)
        return queued
