"""How documents and accounts have changed between two moments, item by item, from the change log.

The log is read once, in order, and kept compressed by item. What was stored after a change is what was stored before
the next one of the same item; after the last one, what the table holds at the later moment.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from arrears.ledger.dated_document import DatedDocument, MoneyChange
from arrears.ledger.ledger_side import Side
from arrears.ledger.origin import Origin
from arrears.storage.dynamodb import Item, Key, get_items
from arrears.storage.ledger import codec, keys
from arrears.storage.ledger.change_entries import Entry
from arrears.storage.ledger.change_log import ChangeLog
from arrears.storage.ledger.compressed import Compressed
from arrears.storage.ledger.entities import read_on_account, stored_standing
from arrears.storage.ledger.past_table import PastTable
from arrears.storage.ledger.record_changes import Beside, record_changes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

type Images = Mapping[str, Item | None]
"""The items of a partition by sort key; None where there is none."""


class Named(NamedTuple):
    """A record, by its type and the caller's id."""

    type: str
    id: str


class ChangeEntry(NamedTuple):
    """An entry of the log. number: entries are counted in their order. moment: microseconds since 1970."""

    number: int
    moment: int
    origin: Origin


class DocumentState(NamedTuple):
    """A document at a moment. account: letter and UUID, None while it has none. closed: its account has its money."""

    dated: DatedDocument
    account: str | None
    closed: bool


class DocumentChange(NamedTuple):
    """A document before and after an entry. records: asked for those of it that were changed."""

    entry: ChangeEntry
    before: DocumentState | None
    after: DocumentState | None
    records: Callable[[], list[Named]]


class AccountChange(NamedTuple):
    """An account (letter and UUID) and all changes of its money, before and after an entry; none while not known."""

    entry: ChangeEntry
    account: str
    before: Sequence[MoneyChange]
    after: Sequence[MoneyChange]


class PartyRecords(NamedTuple):
    """Records of a party itself, its money on account among them, that an entry has changed."""

    entry: ChangeEntry
    account: str
    records: Sequence[Named]


type Change = DocumentChange | AccountChange | PartyRecords


class _Group(NamedTuple):
    """What an entry has changed of one partition: the items before it."""

    number: int
    partition: str
    before: Images


class ItemHistories:
    """Reads the changes of one side of an organisation's ledger after one moment up to another."""

    def __init__(
        self, client: "DynamoDBClient", table: str, organisation: str, side: Side, moments: tuple[int, int]
    ) -> None:
        self._table = table
        self._organisation = organisation
        self._letters = {"i", "c", "P", "K"} if side is Side.RECEIVABLE else {"b", "s", "n", "P", "K"}
        self._log = ChangeLog(client, table, organisation)
        self._after, self._upto = moments
        self._later = cast("DynamoDBClient", PastTable(client, table, organisation, self._upto))
        self._entries: list[ChangeEntry] = []

    def changes(self, around: Callable[[Iterable[Entry]], Iterable[Entry]]) -> Iterator[Change]:
        """Every change, those of one item the newest first. around: the entries as they are read, to bound the time."""
        groups: Compressed[_Group] = Compressed()
        for number, entry in enumerate(around(self._log.entries(self._after + 1, self._upto))):
            self._entries.append(ChangeEntry(number, entry.moment, entry.origin))
            for partition, before in self._partitions(entry).items():
                groups.add(partition, _Group(number, partition, before))
        for part in groups.parts():
            yield from self._of_part(part)

    def _partitions(self, entry: Entry) -> dict[str, dict[str, Item | None]]:
        found: dict[str, dict[str, Item | None]] = {}
        for (partition, sort_key), item in entry.before.items():
            if sort_key in _SORT_KEYS and self._letter(partition) in self._letters:
                found.setdefault(partition, {})[sort_key] = item
        return found

    def _letter(self, partition: str) -> str:
        return partition[len(self._organisation) + 1]

    def _of_part(self, part: Iterable[_Group]) -> Iterator[Change]:
        by_partition: dict[str, list[_Group]] = {}
        for group in part:
            by_partition.setdefault(group.partition, []).append(group)
        wanted = [(partition, sort_key) for partition in by_partition for sort_key in self._sort_keys(partition)]
        stored = get_items(self._later, self._table, wanted)
        for partition, groups in by_partition.items():
            after: Images = {sort_key: stored.get((partition, sort_key)) for sort_key in self._sort_keys(partition)}
            for group in reversed(groups):
                before = {**after, **group.before}
                yield from self._change(self._entries[group.number], partition, before, after)
                after = before

    def _sort_keys(self, partition: str) -> Sequence[str]:
        letter = self._letter(partition)
        if letter in keys.DOCUMENT_KINDS:
            return (keys.DOCUMENT,)
        return (keys.ON_ACCOUNT,) if letter in "PK" else (keys.ACCOUNT, keys.MONEY, keys.COUNTERPARTY)

    def _change(self, entry: ChangeEntry, partition: str, before: Images, after: Images) -> Iterator[Change]:
        letter = self._letter(partition)
        if letter in keys.DOCUMENT_KINDS:
            yield self._of_document(entry, partition, before[keys.DOCUMENT], after[keys.DOCUMENT])
        elif letter in "PK":
            yield from self._of_money(entry, partition, before[keys.ON_ACCOUNT], after[keys.ON_ACCOUNT])
        else:
            yield from self._of_account(entry, partition, before, after)

    def _of_document(
        self, entry: ChangeEntry, partition: str, before: Item | None, after: Item | None
    ) -> DocumentChange:
        id_ = keys.document_id((partition, keys.DOCUMENT))
        states = _document_state(id_, before), _document_state(id_, after)
        return DocumentChange(entry, *states, lambda: self._records((partition, keys.DOCUMENT), before, after))

    def _of_money(
        self, entry: ChangeEntry, partition: str, before: Item | None, after: Item | None
    ) -> Iterator[PartyRecords]:
        key = partition, keys.ON_ACCOUNT
        states = [read_on_account(*keys.on_account_id(key), item) for item in (before, after) if item is not None]
        records = self._records(key, before, after)
        for account in {state.account for state in states if records and state.account is not None}:
            yield PartyRecords(entry, account, records)

    def _of_account(self, entry: ChangeEntry, partition: str, before: Images, after: Images) -> Iterator[Change]:
        account, own = keys.account_in((partition, keys.ACCOUNT)), after[keys.ACCOUNT] or before[keys.ACCOUNT]
        reference = "" if own is None else codec.document_reference(own)
        key = partition, keys.COUNTERPARTY
        yield AccountChange(entry, account, _money(before), _money(after))
        records = self._records(key, before[key[1]], after[key[1]], reference)
        if records:
            yield PartyRecords(entry, account, records)

    def _records(self, key: Key, before: Item | None, after: Item | None, reference: str = "") -> list[Named]:
        if before == after:
            return []
        found = record_changes(self._organisation, key, before, after, Beside(reference=reference))
        return [Named(change.type, change.id) for change in found]


_SORT_KEYS = frozenset({keys.DOCUMENT, keys.ACCOUNT, keys.MONEY, keys.COUNTERPARTY, keys.ON_ACCOUNT})


def _document_state(id: str, item: Item | None) -> DocumentState | None:
    if item is None:
        return None
    standing = stored_standing(item)
    dated = DatedDocument(id, *json.loads(item["p"]["S"]))
    return DocumentState(dated, standing.account, standing.closed_from is not None)


def _money(images: Images) -> Sequence[MoneyChange]:
    account = images[keys.ACCOUNT]
    if account is None or not codec.is_known(account):
        return ()
    return codec.money_of(account, images[keys.MONEY]) or ()
