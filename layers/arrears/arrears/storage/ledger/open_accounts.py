"""Reads the open accounts of a side: all of them, some, or a page of their rows in the order in which they are shown.

While it is read, an account may move in the index, as its earliest invoice is paid. Nobody is answered twice. Who moves
from what is still to be read to what was read already is missed by an answer that takes several requests, as a customer
is who becomes overdue between two of a client's pages. Whoever reads the table as of a moment misses nobody.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from arrears.ledger.customers import AccountLocation
from arrears.ledger.dated_document import Account, DatedDocument
from arrears.ledger.figures import Cells
from arrears.ledger.ledger_side import Side
from arrears.ledger.open_book import OpenRow
from arrears.ledger.organisation import Organisation
from arrears.storage.dynamodb import Item, Key, get_items, query
from arrears.storage.ledger import codec, keys
from arrears.storage.ledger.month_figures import book_cells

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

type Found = Iterator[tuple[Account, list[DatedDocument]]]
type Rows = Iterable[tuple[str, list[Any]]]
"""Sort key and unpacked array of items of the index, in order."""

_MORE = 100
"""Rows read beyond a page: those that share the due day of its last row have to be sorted with it."""


class Beginning(NamedTuple):
    """The first items of a shard, and the sort key of the last one; None if there are no more."""

    items: list[Item]
    end: str | None


class OpenAccounts:
    """Reads one ledger table for one organisation and side."""

    def __init__(self, client: "DynamoDBClient", table: str, organisation: Organisation, side: Side) -> None:
        self._client = client
        self._table = table
        self.organisation = organisation
        self._side = side

    def of_shard(self, shard: int) -> Found:
        """Every account of a shard with its open documents, each once, in no particular order."""
        return self.grouped(shard, self._pages(shard))

    def some(self, locations: Sequence[AccountLocation]) -> Found:
        """Those of some accounts that have open documents or money on account; each is read by its key."""
        letters = "c" if self._side is Side.RECEIVABLE else "sn"
        wanted = {
            keys.account_key(self.organisation.id, letter + location.id): location
            for location in locations
            for letter in letters
        }
        for key, item in get_items(self._client, self._table, list(wanted)).items():
            yield from self._stored(wanted[key], item)

    def _stored(self, location: AccountLocation, item: Item) -> Found:
        """An account as its item has it; documents that it does not hold are listed by themselves."""
        if item["ipk"]["S"] != self._partition(location.shard):
            return
        packed = json.loads(item["p"]["S"])
        if codec.is_older_form(packed):
            yield codec.unpack_account(location.id, packed), list(self._listed(location))
            return
        account, documents, summed = codec.unpack_open_account(location.id, packed)
        yield account, documents if summed is None else list(self._listed(location))

    def _listed(self, location: AccountLocation) -> Iterator[DatedDocument]:
        for sort_key, packed in codec.unpacked_rows(self._pages(location.shard, prefix=f"{location.id}#")):
            _, document = keys.read_open_sort_key(sort_key)
            yield DatedDocument(document, *packed)

    def due_before(self, shard: int, day: int) -> Iterator[Sequence[DatedDocument]]:
        """The open documents of a shard that are due before a day, each once, a few at a time, in no particular order.

        Accounts, and documents that are not due, are not made into anything: that is most of what reading them takes.
        """
        return self._each(
            shard,
            codec.unpacked_rows(self._pages(shard)),
            lambda _, packed: codec.held_due_before(packed, day),
            lambda _, documents: [one for one in documents if one.due is not None and one.due < day],
        )

    def _grouped(self, shard: int, rows: Rows) -> Found:
        """Accounts with their documents."""

        def held(id: str, packed: list[Any]) -> tuple[Account, list[DatedDocument]]:
            account, documents, _ = codec.unpack_open_account(id, packed)
            return account, documents

        return self._each(shard, rows, held, lambda account, documents: (account, documents))

    def _each[T](
        self,
        shard: int,
        rows: Rows,
        held: Callable[[str, list[Any]], T],
        apart: Callable[[Account, list[DatedDocument]], T],
    ) -> Iterator[T]:
        """Something of every account: those that hold their documents as they come, then all others.

        Their documents follow. An account of an older book stands right before its documents.
        """
        seen: set[str] = set()
        large: dict[str, Account] = {}
        listed: Rows = ()
        rows = iter(rows)
        for sort_key, packed in rows:
            if not keys.is_row(sort_key):
                listed = chain([(sort_key, packed)], rows)
                break
            id_ = keys.account_of_row(sort_key)
            if id_ not in seen and not keys.is_further_row(sort_key):
                seen.add(id_)
                if codec.is_large(packed):
                    large[id_] = codec.account_in(id_, packed)
                else:
                    yield held(id_, packed)
        for account, documents in self._listed_apart(shard, listed, seen, large):
            yield apart(account, documents)

    def _listed_apart(self, shard: int, listed: Rows, seen: set[str], large: dict[str, Account]) -> Found:
        """What comes after the rows of accounts: documents of large accounts, and accounts of older books.

        seen: the accounts whose rows were read. large: those of them whose documents are still to come.
        """
        for id_, own in groupby(listed, key=lambda row: keys.read_open_sort_key(row[0])[0]):
            if id_ in large:
                yield large.pop(id_), list(_documents(own))
            elif id_ not in seen:
                yield from self._of_older_form(AccountLocation(id_, shard), list(own))
        if large:
            yield from self.some([AccountLocation(id_, shard) for id_ in large])

    def _of_older_form(self, location: AccountLocation, own: list[tuple[str, list[Any]]]) -> Found:
        """An account of an older book with its documents, or one that has many by now and was not seen with them."""
        (_, document), packed = keys.read_open_sort_key(own[0][0]), own[0][1]
        if document:
            yield from self.some([location])
        else:
            yield codec.unpack_account(location.id, packed), list(_documents(own[1:]))

    def keys_ahead(self) -> Iterator[Key]:
        """The keys of the accounts that something dated ahead will change."""
        for shard in range(self.organisation.shards):
            request = self._range(shard, *keys.AHEAD_BETWEEN)
            for page in query(self._client, **{**request, "ProjectionExpression": "pk, sk"}):
                for item in page:
                    yield item["pk"]["S"], item["sk"]["S"]

    def between(self, shard: int, first: str, last: str, limit: int) -> Iterator[list[Item]]:
        """What a shard lists from one sort key to another. limit: how many items the first request reads at most.

        What is asked for beyond them is the rest of a due day: further requests read little, then more and more.
        """
        request = self._range(shard, first, last)
        more = max(3 * _MORE, 1)
        while True:
            page: Any = self._client.query(**request, Limit=limit)
            yield page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"], limit, more = page["LastEvaluatedKey"], more, more * 3

    def beginning(self, shard: int, limit: int) -> Beginning:
        """The first items of a shard."""
        values = {":partition": {"S": self._partition(shard)}}
        page: Any = self._client.query(**self._listing("ipk = :partition", values), Limit=limit)
        items = page["Items"]
        return Beginning(items, items[-1]["isk"]["S"] if "LastEvaluatedKey" in page else None)

    def grouped(self, shard: int, pages: Iterable[list[Item]]) -> Found:
        """The accounts of a shard with their documents, each once. pages: all that the shard lists."""
        return self._grouped(shard, codec.unpacked_rows(pages))

    def cells(self) -> Cells:
        """What the accounts add up to that nothing dated ahead will change."""
        return book_cells(self._client, self._table, self.organisation, self._side)

    def _partition(self, shard: int) -> str:
        return keys.open_partition(self.organisation.id, shard, self._side)

    def _pages(self, shard: int, prefix: str = "") -> Iterator[list[Item]]:
        condition, values = "ipk = :partition", {":partition": {"S": self._partition(shard)}}
        if prefix:
            condition, values[":prefix"] = f"{condition} AND begins_with(isk, :prefix)", {"S": prefix}
        return query(self._client, **self._listing(condition, values))

    def _range(self, shard: int, first: str, last: str) -> dict[str, Any]:
        """A query of a shard from one sort key to another."""
        values = {":partition": {"S": self._partition(shard)}, ":first": {"S": first}, ":last": {"S": last}}
        return self._listing("ipk = :partition AND isk BETWEEN :first AND :last", values)

    def _listing(self, condition: str, values: dict[str, Any]) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "IndexName": keys.INDEX,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ProjectionExpression": "isk, p",
        }


class StoredOpenBook:
    """The open accounts in the order of their rows: see arrears.ledger.open_book.OpenBook.

    page: how many rows are wanted. What `whole` has read of a book that does not end there is not read again.
    """

    def __init__(self, accounts: OpenAccounts, page: int) -> None:
        self._accounts = accounts
        self._shards = range(accounts.organisation.shards)
        self._limit = page + _MORE
        self._begun: dict[int, Beginning] = {}
        self._shard_of: dict[str, int] = {}
        self._ahead: set[str] = set()

    def whole(self) -> Found | None:
        """All accounts with their documents, if the first page of every shard has all of them."""
        self._begun = {shard: self._accounts.beginning(shard, self._limit) for shard in self._shards}
        if any(begun.end is not None for begun in self._begun.values()):
            return None
        return chain.from_iterable(self._accounts.grouped(shard, [begun.items]) for shard, begun in self._begun.items())

    def cells(self) -> Cells:
        """What the accounts add up to that nothing dated ahead will change."""
        return self._accounts.cells()

    def ahead(self) -> Found:
        """The accounts that something dated ahead will change, with their documents."""
        large = []
        for shard in self._shards:
            for sort_key, packed in self._between(shard, *keys.AHEAD_BETWEEN):
                id_ = keys.account_of_row(sort_key)
                self._ahead.add(id_)
                account, documents, summed = codec.unpack_open_account(id_, packed)
                if summed is None:
                    yield account, documents
                else:
                    large.append(AccountLocation(id_, shard))
        if large:
            yield from self._accounts.some(large)

    def rows(self, currency: str, first: int, last: int) -> Iterator[OpenRow]:
        """The rows of all other accounts in a currency by their due days."""
        bounds, seen = keys.rows_between(currency, first, last), set(self._ahead)
        for sort_key, packed, shard in merge(*(self._of_shard(shard, *bounds) for shard in self._shards)):
            id_ = keys.account_of_row(sort_key)
            if id_ in seen:
                continue  # it has moved since it was read
            seen.add(id_)
            account, documents, summed = codec.unpack_open_account(id_, packed)
            if summed is not None:
                self._shard_of[id_] = shard
            yield OpenRow(keys.due_of_row(sort_key), account, documents, summed)

    def documents(self, account: Account) -> list[DatedDocument] | None:
        """The open documents of an account whose row was read without them; None if it has them."""
        if account.id not in self._shard_of:
            return None
        found = self._accounts.some([AccountLocation(account.id, self._shard_of[account.id])])
        return [document for _, documents in found for document in documents]

    def _of_shard(self, shard: int, first: str, last: str) -> Iterator[tuple[str, list[Any], int]]:
        for sort_key, packed in self._between(shard, first, last):
            yield sort_key, packed, shard

    def _between(self, shard: int, first: str, last: str) -> Iterator[tuple[str, list[Any]]]:
        """What a shard lists from one sort key to another: first of what has been read already."""
        begun, limit = self._begun.get(shard), self._limit
        if begun is not None:
            read = [item for item in begun.items if first <= item["isk"]["S"] <= last]
            yield from codec.unpacked_rows([read])
            if begun.end is None or last <= begun.end:
                return
            first, limit = max(first, keys.right_after(begun.end)), max(_MORE, 1) if read else limit
        yield from codec.unpacked_rows(self._accounts.between(shard, first, last, limit))


def _documents(rows: Rows) -> Iterator[DatedDocument]:
    for sort_key, packed in rows:
        yield DatedDocument(keys.read_open_sort_key(sort_key)[1], *packed)
