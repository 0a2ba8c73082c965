"""Reading and writing the access table."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from arrears.ledger.errors import UNAVAILABLE, ArrearsError
from arrears.ledger.organisation import Organisation
from arrears.storage.access.items import (
    Item,
    ItemKey,
    key_attributes,
    organisation_key,
    plain_item,
    read_organisation,
)

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_dynamodb.client import DynamoDBClient

READ_ATTEMPTS = 4


class AccessTable:
    """One access table. Reads are consistent: a key counts from the moment that it is made."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self._name = name

    def get(self, key: ItemKey) -> Item | None:
        """One item; None if there is none."""
        return self.read([key]).get(key)

    def read(self, keys: Sequence[ItemKey]) -> dict[ItemKey, Item]:
        """The items that exist, in one request. Raises an `unavailable` refusal where the table is busy."""
        left: Sequence[Any] = [key_attributes(key) for key in keys]
        found: dict[ItemKey, Item] = {}
        for _ in range(READ_ATTEMPTS):
            answer = self._client.batch_get_item(RequestItems={self._name: {"Keys": left, "ConsistentRead": True}})
            for attributes in answer["Responses"].get(self._name, []):
                item = plain_item(attributes)
                found[ItemKey(item["pk"], item["sk"])] = item
            unread = answer.get("UnprocessedKeys") or {}
            left = unread[self._name]["Keys"] if self._name in unread else ()
            if not left:
                return found
        raise ArrearsError(UNAVAILABLE, "The ledger is busy; try again.", retry_after=1)

    def query(self, partition: str, prefix: str = "") -> Iterator[Item]:
        """The items of a partition whose sort key begins with the prefix, in order."""
        values: Item = {":pk": {"S": partition}}
        condition = "pk = :pk"
        if prefix:
            condition, values[":prefix"] = "pk = :pk AND begins_with(sk, :prefix)", {"S": prefix}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ConsistentRead=True,
        )
        for page in pages:
            for attributes in page["Items"]:
                yield plain_item(attributes)

    def organisation(self, organisation_id: str) -> Organisation:
        """The organisation as it is now. Raises ValueError if there is none."""
        item = self.get(organisation_key(organisation_id.lower()))
        if item is None:
            raise ValueError(f"there is no organisation {organisation_id}")
        return read_organisation(item)

    def delete(self, keys: Iterable[ItemKey]) -> int:
        """Deletes items, whether they are there or not; how many keys there were."""
        from arrears.storage.deletion import delete_items

        return delete_items(self._client, self._name, keys)

    def transact(self, actions: Sequence[Item], unmet: str) -> None:
        """Writes all or nothing. Raises ValueError with the message `unmet` when a condition does not hold."""
        requests: list[Any] = [
            {kind: {"TableName": self._name, **details} for kind, details in action.items()} for action in actions
        ]
        try:
            self._client.transact_write_items(TransactItems=requests)
        except self._client.exceptions.TransactionCanceledException as error:
            if _is_condition(error):
                raise ValueError(unmet) from error
            raise


def _is_condition(error: "ClientError") -> bool:
    reasons: list[Item] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
    return any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons)
