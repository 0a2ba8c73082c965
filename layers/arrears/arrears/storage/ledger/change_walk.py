"""A walk through the change log, from the newest entry to the oldest, with the items before and after each.

An entry has what was stored before it. What was stored after it is what was stored before the next later change of the
same item, or what is stored. A versioned item's version is the moment of its last change, so the way there leads from
what is stored back through the changes of this item alone. Once the walk has met an item, what was before is what is
after the next.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import batched
from typing import TYPE_CHECKING, NamedTuple

from arrears.storage.dynamodb import Item, Key, get_items
from arrears.storage.ledger import keys
from arrears.storage.ledger.change_entries import Entry
from arrears.storage.ledger.change_log import ChangeLog
from arrears.storage.ledger.codec import document_reference
from arrears.storage.ledger.record_changes import RECORD_PARTS, Beside, RecordChange, merged, record_changes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_AT_ONCE = 20
"""Entries whose items are read together."""
_KEPT_ITEMS = 4_000
"""Items of which the walk remembers what was stored before the last entry that it met them in."""
_KEPT_ENTRIES = 40


class ItemChange(NamedTuple):
    """An item that holds records, before and after a transaction."""

    key: Key
    before: Item | None
    after: Item | None
    beside: Beside


class Step(NamedTuple):
    """An entry with the items that hold records, before and after it."""

    entry: Entry
    items: Sequence[ItemChange]

    def changes(self, organisation: str) -> list[RecordChange]:
        """The records that it changed; none where it was work that no record asked for."""
        return merged(change for item in self.items for change in record_changes(organisation, *item))


class _Image(NamedTuple):
    """An item at some moment, and of an invoice its lines."""

    item: Item | None
    lines: Item | None = None


class ChangeWalk:
    """Walks through the change log of one organisation. What it holds is bounded, however long the log is."""

    def __init__(self, client: "DynamoDBClient", table: str, organisation: str) -> None:
        self._client = client
        self._table = table
        self._organisation = organisation
        self._log = ChangeLog(client, table, organisation)
        self._after: OrderedDict[Key, _Image] = OrderedDict()
        """What was stored after all older entries, of the items that the walk has met last."""
        self._entries: OrderedDict[int, list[Entry]] = OrderedDict()
        self._references: dict[Key, str] = {}

    def newest_first(
        self, first: int = 0, last: int | None = None, wanted: Callable[[Entry], bool] = lambda _: True
    ) -> Iterator[Step]:
        """The entries from the moment `last` (None: the present) back to `first`, both included.

        Of one moment they come in the order of their names, the greatest first. wanted: of which the items are read;
        all others come without any.
        """
        for some in batched(self._log.entries(first, last, newest_first=True), _AT_ONCE, strict=False):
            self._meet([entry for entry in some if wanted(entry)])
            for entry in some:
                if wanted(entry):
                    yield self._step(entry)
                else:
                    self._pass_over(entry)
                    yield Step(entry, ())
            while len(self._after) > _KEPT_ITEMS:
                self._after.popitem(last=False)

    def _step(self, entry: Entry) -> Step:
        items = []
        for key in _record_keys(entry):
            after = self._after[key]
            before = _before(entry, key, after)
            beside = Beside((before.lines, after.lines), self._references.get(key, ""))
            items.append(ItemChange(key, before.item, after.item, beside))
            self._after[key] = before
            self._after.move_to_end(key)
        return Step(entry, items)

    def _pass_over(self, entry: Entry) -> None:
        for key in _record_keys(entry):
            if key in self._after:
                self._after[key] = _before(entry, key, self._after[key])

    def _meet(self, entries: Iterable[Entry]) -> None:
        """Finds what was stored after these entries, of all items that the walk has not met yet."""
        newest: dict[Key, int] = {}
        for entry in entries:
            for key in _record_keys(entry):
                if key not in self._after:
                    newest.setdefault(key, entry.moment)
        wanted = [further for key in newest for further in (key, *_keys_beside(key))]
        found = get_items(self._client, self._table, wanted)
        for key, moment in newest.items():
            for beside in _keys_beside(key):
                if key[1] == keys.COUNTERPARTY and beside in found:
                    self._references[key] = document_reference(found[beside])
            lines = found.get(_lines_key(key)) if key[1] == keys.DOCUMENT else None
            self._after[key] = self._back_to(key, _Image(found.get(key), lines), moment)

    def _back_to(self, key: Key, image: _Image, moment: int) -> _Image:
        """What was stored right after a moment at which an item was changed, from what is stored."""
        while image.item is not None and (version := int(image.item["v"]["N"])) > moment:
            entry = next((entry for entry in self._entries_at(version) if key in entry.before), None)
            if entry is None:
                break
            image = _before(entry, key, image)
        return image

    def _entries_at(self, moment: int) -> list[Entry]:
        if moment not in self._entries:
            self._entries[moment] = list(self._log.entries(moment, moment))
            if len(self._entries) > _KEPT_ENTRIES:
                self._entries.popitem(last=False)
        return self._entries[moment]


def _record_keys(entry: Entry) -> Iterator[Key]:
    return (key for key in entry.before if key[1] in RECORD_PARTS)


def _keys_beside(key: Key) -> Iterator[Key]:
    """An invoice has its lines in an item of their own, a counterparty its reference."""
    if key[1] == keys.DOCUMENT:
        yield _lines_key(key)
    elif key[1] == keys.COUNTERPARTY:
        yield key[0], keys.ACCOUNT


def _lines_key(document: Key) -> Key:
    return document[0], keys.LINES


def _before(entry: Entry, key: Key, after: _Image) -> _Image:
    """What was stored before an entry, from what was stored after it."""
    return _Image(entry.before[key], entry.before.get(_lines_key(key), after.lines))
