"""The counters table: when keys were used, and counts of guesses and requests. Nothing in it is worth restoring.

It is a table of its own so that functions that only read have no right to write to the access table.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from arrears.storage.access.items import Item, ItemKey, key_attributes, plain_item
from arrears.storage.access.passwords import digest

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_SHORT_DIGEST = 32
_DAY_BEFORE = "attribute_not_exists(last_used_on) OR last_used_on < :today"
_BELOW = "attribute_not_exists(counted) OR counted < :limit"


def last_use_partition(organisation_id: str) -> str:
    """When the organisation's API keys were last used."""
    return f"USE#{organisation_id}"


def last_use_key(organisation_id: str, key_id: str) -> ItemKey:
    """When one API key was last used."""
    return ItemKey(last_use_partition(organisation_id), key_id)


def requests_key(holder: str, window: int) -> ItemKey:
    """Requests of one API key or user in one window of time."""
    return ItemKey(f"REQUESTS#{holder}", str(window))


def guesses_key(kind: str, of: str, window: int) -> ItemKey:
    """Passwords tried in one window of time. kind: of a user, with an integrator key, from an address."""
    return ItemKey(f"GUESSES#{kind}#{digest(of)[:_SHORT_DIGEST]}", str(window))


def known_address_key(user_id: str, address: str) -> ItemKey:
    """That a user has proven the password from an address. Addresses are stored as digests."""
    return ItemKey(f"KNOWN#{user_id}", digest(address)[:_SHORT_DIGEST])


class Counters:
    """Reads and writes one counters table. Items with a time to live are deleted some time after it."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def add(self, key: ItemKey, number: int, until_epoch: int) -> int:
        """Adds to a counter, for all processes; returns what it holds then."""
        return self._add(key, number, until_epoch, {})

    def add_below(self, key: ItemKey, limit: int, until_epoch: int) -> int | None:
        """Adds one to a counter that is below the limit; None where it has reached it. Atomic among all processes."""
        condition = {"ConditionExpression": _BELOW}
        try:
            return self._add(key, 1, until_epoch, condition, {":limit": {"N": str(limit)}})
        except self._client.exceptions.ConditionalCheckFailedException:
            return None

    def _add(self, key: ItemKey, number: int, until_epoch: int, condition: Any, values: Item | None = None) -> int:
        answer = self._client.update_item(
            TableName=self._table,
            Key=key_attributes(key),
            UpdateExpression="SET expires_at_epoch = :until ADD counted :number",
            ExpressionAttributeValues={
                ":until": {"N": str(until_epoch)},
                ":number": {"N": str(number)},
                **(values or {}),
            },
            ReturnValues="UPDATED_NEW",
            **condition,
        )
        return int(answer["Attributes"]["counted"]["N"])

    def note_day(self, key: ItemKey, today: str) -> None:
        """Notes a day of use unless that day or a later one is noted."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=key_attributes(key),
                UpdateExpression="SET last_used_on = :today",
                ConditionExpression=_DAY_BEFORE,
                ExpressionAttributeValues={":today": {"S": today}},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return  # Another process has noted it already.

    def days_of_use(self, organisation_id: str) -> dict[str, str]:
        """The last day of use (YYYY-MM-DD) by API key id, of the organisation's keys for which one is noted."""
        return {item["sk"]: item["last_used_on"] for item in self._query(last_use_partition(organisation_id))}

    def forget(self, organisation_id: str) -> int:
        """Deletes when the keys of an organisation were last used; how many keys that were. The rest ends by itself."""
        from arrears.storage.deletion import delete_items

        partition = last_use_partition(organisation_id)
        return delete_items(self._client, self._table, [(partition, item["sk"]) for item in self._query(partition)])

    def _query(self, partition: str) -> Iterator[Item]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
        )
        for page in pages:
            for attributes in page["Items"]:
                yield plain_item(attributes)

    def expiry(self, key: ItemKey) -> int:
        """When an item's time to live is over, as an epoch; 0 if there is no such item."""
        found = self._client.get_item(TableName=self._table, Key=key_attributes(key)).get("Item")
        return 0 if found is None else int(found["expires_at_epoch"]["N"])

    def keep_until(self, key: ItemKey, until_epoch: int) -> None:
        """Writes an item that is there until then."""
        self._client.update_item(
            TableName=self._table,
            Key=key_attributes(key),
            UpdateExpression="SET expires_at_epoch = :until",
            ExpressionAttributeValues={":until": {"N": str(until_epoch)}},
        )
