"""The change log: an entry for every transaction that changes the ledger, written with it, in the order of moments.

A versioned item carries the moment of its last change as its version. A transaction has a later moment than everything
that it read, whatever the clocks of two writers say: so the order of moments is the order of changes of every item.
"""

import base64
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from arrears.storage.client import write_fast
from arrears.storage.deletion import delete_items
from arrears.storage.dynamodb import Item, Key, query
from arrears.storage.ledger import keys
from arrears.storage.ledger.change_entries import Entry, pack_entry, unpack_entry
from arrears.storage.ledger.keys import ChangeSortKey
from arrears.storage.transactions import PATIENT_WAITS, Failure, failure_of, transact

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
        item = _part_item(organisation, ChangeSortKey(entry.moment, nonce, number), part)
        actions.append({"Put": {"TableName": table, "Item": item}})
    return actions


def _part_item(organisation: str, place: ChangeSortKey, part: bytes) -> Item:
    pk, sk = keys.change_key(organisation, place)
    return {"pk": {"S": pk}, "sk": {"S": sk}, "z": _binary(part)}


class StoredEntry(NamedTuple):
    """An entry as it is stored. nonce: tells it from others of its moment. rewrites: how often it was rewritten."""

    entry: Entry
    nonce: str
    parts: int
    rewrites: int


def _binary(part: bytes) -> Item:
    return {"B": base64.b64encode(part).decode()}


def _part(item: Item) -> bytes:
    """Clients leave it in the form of the wire or not: see read_fast."""
    value = item["z"]["B"]
    return base64.b64decode(value) if isinstance(value, str) else bytes(value)


def _rewrites(item: Item) -> int:
    return int(item["e"]["N"]) if "e" in item else 0


class ChangeLog:
    """The change log of one organisation. Entries never change, but for what is erased from them."""

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
        for name, parts in self._in_parts(first, last, newest_first):
            if seen is not None:
                if name in seen:
                    continue
                seen.add(name)
            stored = self._read(parts)
            if stored is not None:
                yield stored.entry

    def keys(self, first: int, last: int) -> set[ChangeSortKey]:
        """What names the parts of the entries from a moment to another, both included."""
        pages = self._pages(first, last, newest_first=False, ProjectionExpression="sk")
        return {keys.read_change_sort_key(item["sk"]["S"]) for page in pages for item in page}

    def stored(self, first: int = 0) -> Iterator[StoredEntry]:
        """The entries from a moment on, oldest first, as they can be rewritten."""
        for _, parts in self._in_parts(first, None, newest_first=False):
            stored = self._read(parts)
            if stored is not None:
                yield stored

    def rewrite(self, stored: StoredEntry, change: Callable[[Entry], Entry]) -> bool:
        """Puts what `change` makes of an entry in its place; whether there was anything to change.

        It is made anew when somebody else rewrites the entry at the same moment. One that is gone stays gone.
        """
        present: StoredEntry | None = stored
        while present is not None:
            changed = change(present.entry)
            if changed is present.entry:
                return False
            try:
                transact(self._client, self._replacement(present, changed), PATIENT_WAITS)
            except ClientError as error:
                if failure_of(error) is not Failure.CONFLICT:
                    raise
            else:
                return True
            present = self._again(present.entry.moment, present.nonce)
        return False

    def delete_before(self, moment: int, out_of_time: Callable[[], bool] = lambda: False) -> tuple[int, bool]:
        """Deletes the entries before a moment, oldest first; how many items, and whether there was time for all."""
        deleted = 0
        for page in self._pages(0, moment - 1, newest_first=False, ProjectionExpression="pk, sk"):
            if out_of_time():
                return deleted, False
            first: list[Key] = []
            others: list[Key] = []
            for item in page:
                key = item["pk"]["S"], item["sk"]["S"]
                (others if keys.read_change_sort_key(key[1]).part else first).append(key)
            deleted += delete_items(self._client, self._table, first)
            deleted += delete_items(self._client, self._table, others)
        return deleted, True

    def _replacement(self, stored: StoredEntry, changed: Entry) -> list[Any]:
        """An entry that has become smaller keeps its parts, empty: who reads them one by one misses none."""
        write_fast(self._client)
        packed = pack_entry(self._organisation, changed)
        packed += [b""] * (stored.parts - len(packed))
        actions = []
        for number, part in enumerate(packed):
            item = _part_item(self._organisation, ChangeSortKey(changed.moment, stored.nonce, number), part)
            put: dict[str, Any] = {"TableName": self._table, "Item": {**item, "e": {"N": str(stored.rewrites + 1)}}}
            if number < stored.parts:
                put["ConditionExpression"] = "attribute_exists(pk) AND attribute_not_exists(e)"
                if stored.rewrites:
                    put["ConditionExpression"] = "e = :e"
                    put["ExpressionAttributeValues"] = {":e": {"N": str(stored.rewrites)}}
            actions.append({"Put": put})
        return actions

    def _in_parts(self, first: int, last: int | None, newest_first: bool) -> Iterator[tuple[str, list[Item]]]:
        items = (item for page in self._pages(first, last, newest_first) for item in page)
        return ((name, list(parts)) for name, parts in groupby(items, key=_entry_name))

    def _read(self, parts: list[Item]) -> StoredEntry | None:
        """An entry from its parts; None if it is gone. They are read again if it was rewritten between two of them.

        Of an old entry that is being removed, the first part goes first: without it the entry is gone.
        """
        in_order = sorted(parts, key=lambda item: item["sk"]["S"])
        place = keys.read_change_sort_key(in_order[0]["sk"]["S"])
        if place.part:
            return None
        rewrites = {_rewrites(part) for part in in_order}
        if len(rewrites) > 1:
            return self._again(place.moment, place.nonce)
        entry = unpack_entry(self._organisation, place.moment, b"".join(map(_part, in_order)))
        return StoredEntry(entry._replace(name=place.nonce), place.nonce, len(in_order), rewrites.pop())

    def _again(self, moment: int, nonce: str) -> StoredEntry | None:
        for _, parts in self._in_parts(moment, moment, newest_first=False):
            if keys.read_change_sort_key(parts[0]["sk"]["S"]).nonce == nonce:
                return self._read(parts)
        return None

    def _pages(self, first: int, last: int | None, newest_first: bool, **more: Any) -> Iterable[list[Item]]:
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
            **more,
        )


def _entry_name(item: Item) -> str:
    """What the parts of an entry have in common."""
    place = keys.read_change_sort_key(item["sk"]["S"])
    return f"{place.moment}#{place.nonce}"
