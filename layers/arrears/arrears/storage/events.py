"""Escalations on an EventBridge bus."""

import json
from collections.abc import Iterator, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient

SOURCE = "arrears"
DETAIL_TYPE = "Escalation recorded"
_BATCH = 10
"""Entries that one PutEvents takes."""


class EventSender:
    """Sends to one bus."""

    def __init__(self, bus: str, client: "EventBridgeClient | None" = None) -> None:
        self._client: EventBridgeClient = client or boto3.client("events")
        self._bus = bus

    def send(self, organisation: str, records: Sequence[dict[str, Any]]) -> Iterator[str]:
        """Sends escalation records, and gives the ids of those that the bus has taken, a batch at a time."""
        for batch in batched(records, _BATCH, strict=False):
            answer = self._client.put_events(
                Entries=[
                    {
                        "EventBusName": self._bus,
                        "Source": SOURCE,
                        "DetailType": DETAIL_TYPE,
                        "Detail": json.dumps({"organisationId": organisation, **record}),
                    }
                    for record in batch
                ]
            )
            for record, entry in zip(batch, answer["Entries"], strict=True):
                if "EventId" in entry:
                    yield record["id"]
