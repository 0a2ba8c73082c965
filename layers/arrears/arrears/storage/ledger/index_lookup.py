"""Looks up in the indexes which documents an account has.

An index may be moments behind the table, and a book may be older than the index `account`. So the list only says where
to look: the unit of work reads the documents themselves, and asks again until it has as many as the account counts.
"""

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from arrears.ledger.accounts import AccountState
from arrears.ledger.organisation import Organisation
from arrears.storage.dynamodb import Key, query
from arrears.storage.ledger import keys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_LAG_SECONDS = 0.1
"""How long to wait for an account's index to catch up before reading all closed documents, which costs far more."""
_WAIT_SECONDS = (0.05, 0.2, 0.5, 1.0, 2.0)


class IndexLookup:
    """Looks documents up in the indexes of one ledger table, for one organisation."""

    def __init__(self, client: "DynamoDBClient", table: str, organisation: Organisation) -> None:
        self._client = client
        self._table = table
        self._organisation = organisation

    def documents(self, account: AccountState) -> Iterator[list[str]]:
        """Ids of all its documents, as often as somebody asks: from its own index, then from all that is closed."""
        for wait in (_LAG_SECONDS, 0):
            yield [*self._open(account), *self._closed(account, 0)]
            time.sleep(wait)
        for wait in _WAIT_SECONDS:
            yield [*self._open(account), *self._closed_among_all(account, 0)]
            time.sleep(wait)

    def closed_since(self, account: AccountState, since: int) -> Iterator[list[str]]:
        """Ids of its documents that are closed from a day or later; see documents."""
        for wait in (_LAG_SECONDS, 0):
            yield list(self._closed(account, since))
            time.sleep(wait)
        for wait in _WAIT_SECONDS:
            yield list(self._closed_among_all(account, since))
            time.sleep(wait)

    def _closed(self, account: AccountState, since: int) -> Iterator[str]:
        partition = keys.account_partition(self._organisation.id, account.key)
        for sort_key in self._sort_keys(keys.ACCOUNT_INDEX, "apk", "ask", partition, since):
            _, document = keys.read_account_sort_key(sort_key)
            yield document

    def _closed_among_all(self, account: AccountState, since: int) -> Iterator[str]:
        """From the closed documents of every account of its shard: for books older than the index of its own."""
        partition = keys.closed_partition(self._organisation.id, account.shard, account.side)
        for sort_key in self._sort_keys(keys.INDEX, "ipk", "isk", partition, since):
            closed = keys.read_closed_sort_key(sort_key)
            if closed.document and closed.account == account.id:
                yield closed.document

    def opened(self, account: AccountState) -> Iterator[list[str]]:
        """Ids of its open documents that are listed by themselves, as often as somebody asks."""
        for wait in (_LAG_SECONDS, *_WAIT_SECONDS, 0):
            yield list(self._listed_open(account))
            time.sleep(wait)

    def _open(self, account: AccountState) -> Iterable[str]:
        return self._listed_open(account) if account.large else list(account.opened)

    def _listed_open(self, account: AccountState) -> Iterator[str]:
        partition = keys.open_partition(self._organisation.id, account.shard, account.side)
        condition = "ipk = :partition AND begins_with(isk, :account)"
        values = {":partition": {"S": partition}, ":account": {"S": account.id}}
        for sort_key in self._listed(keys.INDEX, "isk", condition, values):
            _, document = keys.read_open_sort_key(sort_key)
            if document:
                yield document

    def _sort_keys(self, index: str, partition_name: str, name: str, partition: str, since: int) -> Iterator[str]:
        condition = f"{partition_name} = :partition AND {name} BETWEEN :since AND :end"
        bounds = {":since": {"S": keys.closed_since(since)}, ":end": {"S": keys.AFTER_CLOSED}}
        values = {":partition": {"S": partition}, **bounds}
        return self._listed(index, name, condition, values)

    def _listed(self, index: str, name: str, condition: str, values: dict[str, Any]) -> Iterator[str]:
        pages: Iterable[list[Any]] = query(
            self._client,
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ProjectionExpression=name,
        )
        for page in pages:
            for item in page:
                yield item[name]["S"]


def on_account_keys(client: "DynamoDBClient", table: str, organisation: str, account: str) -> Iterator[Key]:
    """The keys of a party's payments and credits on account, by day. account: its key, a letter and UUID."""
    pages = query(
        client,
        TableName=table,
        IndexName=keys.ACCOUNT_INDEX,
        KeyConditionExpression="apk = :account AND ask BETWEEN :start AND :end",
        ExpressionAttributeValues={
            ":account": {"S": keys.account_partition(organisation, account)},
            ":start": {"S": keys.on_account_sort_key(0, "")},
            ":end": {"S": keys.AFTER_ON_ACCOUNT},
        },
        ProjectionExpression="pk, sk",
    )
    for page in pages:
        for item in page:
            yield item["pk"]["S"], item["sk"]["S"]
