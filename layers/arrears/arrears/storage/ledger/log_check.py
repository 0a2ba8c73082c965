"""Checks the change log against the ledger: every change of every versioned item has its entry.

The version of an item is the moment of its last change. The entry of that moment has what was stored before, with the
version that it had then, and so on: a chain back to the first moment that can be asked for. Wherever it is broken, a
past moment would be answered wrongly. All of the log and of the ledger is read; what is kept of both is compressed, and
compared a part of the items at a time. Run it while nothing else writes.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import batched
from typing import TYPE_CHECKING, NamedTuple

from arrears.ledger.organisation import Organisation
from arrears.storage.dynamodb import Item, Key, get_items
from arrears.storage.ledger import keys
from arrears.storage.ledger.change_log import ChangeLog
from arrears.storage.ledger.compressed import Compressed
from arrears.storage.ledger.export import LedgerExport

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_VERSIONED = frozenset({keys.DOCUMENT, keys.ACCOUNT, keys.COUNTERPARTY, keys.ON_ACCOUNT})
"""Sort keys of items with a version."""
_BATCH = 100


class _Change(NamedTuple):
    """That an item was changed at a moment. before: the version that it had; 0 where there was none."""

    key: Key
    moment: int
    before: int


class Gap(NamedTuple):
    """Where the chain of an item's changes is broken. version: it had this one, and no entry is of that moment.

    before: the moment of the latest change that was found before it; None where there is none.
    """

    key: Key
    version: int
    before: int | None


def gaps(client: "DynamoDBClient", table: str, organisation: Organisation) -> Iterator[Gap]:
    """Every gap since the organisation's first moment that can be asked for; none if no past is kept yet."""
    first = organisation.known_from
    if first is None:
        return
    changes: Compressed[_Change] = Compressed()
    for entry in ChangeLog(client, table, organisation.id).entries(first):
        for key, item in entry.before.items():
            if key[1] in _VERSIONED:
                changes.add(key[0], _Change(key, entry.moment, _version(item)))
    versions: Compressed[tuple[Key, int]] = Compressed()
    for batch in batched(LedgerExport(client, table).versioned(organisation), _BATCH, strict=False):
        for key, item in get_items(client, table, batch).items():
            versions.add(key[0], (key, _version(item)))
    for some_changes, some_versions in zip(changes.parts(), versions.parts(), strict=True):
        of_items: defaultdict[Key, list[_Change]] = defaultdict(list)
        for change in some_changes:
            of_items[change.key].append(change)
        stored = dict(some_versions)
        unlisted = [key for key in of_items if key not in stored]
        stored |= {key: _version(item) for key, item in get_items(client, table, unlisted).items()}
        for key in sorted(of_items.keys() | stored.keys()):
            yield from _gaps_of(key, stored.get(key, 0), of_items.get(key, ()), first)


def _gaps_of(key: Key, version: int, changes: Sequence[_Change], first: int) -> Iterator[Gap]:
    for _, moment, before in sorted(changes, reverse=True):
        if moment != version:
            yield Gap(key, version, moment)
        version = before
    if version >= first and version:
        yield Gap(key, version, None)


def _version(item: Item | None) -> int:
    return 0 if item is None else int(item["v"]["N"])
