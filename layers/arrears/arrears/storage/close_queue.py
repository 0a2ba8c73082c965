"""The queue of organisations whose days are to be processed."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient


class CloseQueue:
    """Puts organisations into one queue."""

    def __init__(self, url: str, client: "SQSClient | None" = None) -> None:
        self._client: SQSClient = client or boto3.client("sqs")
        self._url = url

    def put(self, organisations: Iterable[str]) -> int:
        """Queues one message per organisation id, and says how many.

        One by one: a batch can be refused in part, and a thousand messages take seconds in both cases.
        """
        queued = 0
        for organisation in organisations:
            body = json.dumps({"organisationId": organisation})
            self._client.send_message(QueueUrl=self._url, MessageBody=body)
            queued += 1
        return queued
