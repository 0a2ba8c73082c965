"""Escalations on an EventBridge bus."""

import json
import random
import time
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


_WAIT_SECONDS = (0.1, 0.5, 2.0)
"""Before an entry that the bus did not take is sent again."""


class NotSent(Exception):
    """The bus keeps refusing an entry; what waits in the outbox stays there."""


class EventSender:
    """Sends to one bus."""

    def __init__(self, bus: str, client: "EventBridgeClient | None" = None) -> None:
        self._client: EventBridgeClient = client or boto3.client("events")
        self._bus = bus

    def send(self, organisation: str, records: Sequence[dict[str, Any]]) -> Iterator[list[str]]:
        """Sends escalation records, and yields the ids of those that the bus has accepted, after each request.

        Raises NotSent when the bus refuses one time after time.
        """
        for batch in batched(records, _BATCH, strict=False):
            yield from self._send(organisation, list(batch))

    def _send(self, organisation: str, left: list[dict[str, Any]]) -> Iterator[list[str]]:
        for wait in (*_WAIT_SECONDS, None):
            answer = self._client.put_events(Entries=[self._entry(organisation, record) for record in left])
            outcomes = list(zip(left, answer["Entries"], strict=True))
            taken = [record["id"] for record, entry in outcomes if "EventId" in entry]
            if taken:
                yield taken
            refused = [(record, entry) for record, entry in outcomes if "EventId" not in entry]
            if not refused:
                return
            if wait is None:
                raise NotSent(f"the bus refused {len(refused)} events: {refused[0][1].get('ErrorCode')}")
            left = [record for record, _ in refused]
            time.sleep(random.uniform(wait / 2, wait))  # noqa: S311

    def _entry(self, organisation: str, record: dict[str, Any]) -> Any:
        return {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            "Detail": json.dumps({"organisationId": organisation, **record}),
        }
