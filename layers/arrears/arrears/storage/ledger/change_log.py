"""The change log: an entry for every transaction that changes the ledger, written with it, in the order of moments.

A versioned item carries the moment of its last change as its version. A transaction has a later moment than everything
that it read, whatever the clocks of two writers say: so the order of moments is the order of changes of every item.
"""

import base64
import secrets
import time
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

from arrears.storage.dynamodb import Item, query
from arrears.storage.ledger import keys
from arrears.storage.ledger.change_entries import Entry, pack_entry, unpack_entry
from arrears.storage.ledger.keys import ChangeSortKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


def present_moment() -> int:
    """The present in microseconds since 1970, by the system's clock."""
    return time.time_ns() // 1_000


def entry_actions(table: str, organisation: str, entry: Entry) -> list[Any]:
    """What a transaction does to keep an entry, in the form of the wire: see write_fast."""
    nonce = secrets.token_urlsafe(3)
    actions = []
    for number, part in enumerate(pack_entry(organisation, entry)):
        pk, sk = keys.change_key(organisation, ChangeSortKey(entry.moment, nonce, number))
        actions.append({"Put": {"TableName": table, "Item": {"pk": {"S": pk}, "sk": {"S": sk}, "z": _binary(part)}}})
    return actions


def _binary(part: bytes) -> Item:
    return {"B": base64.b64encode(part).decode()}


def _part(item: Item) -> bytes:
    """Clients leave it in the form of the wire or not: see read_fast."""
    value = item["z"]["B"]
    return base64.b64decode(value) if isinstance(value, str) else bytes(value)


class ChangeLog:
    """Reads the change log of one organisation."""

    def __init__(self, client: "DynamoDBClient", table: str, organisation: str) -> None:
        self._client = client
        self._table = table
        self._organisation = organisation

    def entries(
        self, first: int = 0, last: int | None = None, newest_first: bool = False, seen: set[str] | None = None
    ) -> Iterator[Entry]:
        """The entries from a moment to another, both included, as they are now.

        seen: entries that are passed over, by what names them; those that are read are added.
        """
        items = (item for page in self._pages(first, last, newest_first) for item in page)
        for name, parts in groupby(items, key=_entry_name):
            found = list(parts)
            if seen is not None:
                if name in seen:
                    continue
                seen.add(name)
            yield self._read(found)

    def keys(self, first: int, last: int) -> set[ChangeSortKey]:
        """What names the parts of the entries from a moment to another, both included."""
        pages = self._pages(first, last, newest_first=False)
        return {keys.read_change_sort_key(item["sk"]["S"]) for page in pages for item in page}

    def _read(self, parts: list[Item]) -> Entry:
        in_order = sorted(parts, key=lambda item: item["sk"]["S"])
        moment = keys.read_change_sort_key(in_order[0]["sk"]["S"]).moment
        return unpack_entry(self._organisation, moment, b"".join(map(_part, in_order)))

    def _pages(self, first: int, last: int | None, newest_first: bool) -> Iterable[list[Item]]:
        return query(
            self._client,
            TableName=self._table,
            KeyConditionExpression="pk = :log AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":log": {"S": keys.changes_partition(self._organisation)},
                ":first": {"S": keys.changes_from(first)},
                ":last": {"S": keys.AFTER_CHANGES if last is None else keys.changes_from(last + 1)},
            },
            ScanIndexForward=not newest_first,
            ConsistentRead=True,
        )


def _entry_name(item: Item) -> str:
    """What the parts of an entry have in common."""
    place = keys.read_change_sort_key(item["sk"]["S"])
    return f"{place.moment}#{place.nonce}"
