"""Limits how many dropped files of one organisation are imported at once, so that others have room too.

A slot is an item in the ledger table. It is held until the import ends, at most until a time at which no run can still
be alive: so a killed run does not keep it. Slots are about fairness, not correctness: what is imported twice is written
once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

SLOTS = 3
"""Of one organisation; the template lets more files than twice as many run at once."""
HELD_SECONDS = 960
"""A minute more than a run may take."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot that is held. owner: distinguishes this holder from a later one."""

    partition: str
    name: str
    owner: str


class ImportSlots:
    """The slots of every organisation, in one table."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def take(self, organisation: str) -> Slot | None:
        """A free slot of the organisation, held from now on; None while all are held."""
        now = int(self._clock().timestamp())
        for number in range(SLOTS):
            slot = Slot(import_slots_partition(organisation), f"slot#{number}", uuid4().hex)
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item={
                        "pk": {"S": slot.partition},
                        "sk": {"S": slot.name},
                        "owner": {"S": slot.owner},
                        "until": {"N": str(now + HELD_SECONDS)},
                    },
                    ConditionExpression="attribute_not_exists(pk) OR #until <= :now",
                    ExpressionAttributeNames={"#until": "until"},
                    ExpressionAttributeValues={":now": {"N": str(now)}},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                continue
            return slot
        return None

    def release(self, slot: Slot) -> None:
        """Frees a slot, unless it was held for too long and is somebody else's by now."""
        try:
            self._client.delete_item(
                TableName=self._table,
                Key={"pk": {"S": slot.partition}, "sk": {"S": slot.name}},
                ConditionExpression="#owner = :owner",
                ExpressionAttributeNames={"#owner": "owner"},
                ExpressionAttributeValues={":owner": {"S": slot.owner}},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return


def import_slots_partition(organisation: str) -> str:
    """Where the slots of an organisation are."""
    return f"{organisation}#import"
