"""Documents, accounts and counterparty records as items, and back: what a unit of work reads and writes.

Attribute names in stored items never change. The tables here map each to the field it is today.
"""

import json
from typing import Any, NamedTuple

from arrears.ledger.accounts import AccountState, CounterpartyRecord, MoneyKey, NameEntry
from arrears.ledger.dated_document import Account, closed_from, with_recent_history
from arrears.ledger.documents import Document, Part, Parts, Source, StateEntry
from arrears.ledger.figures import NO_DUE, Cells, positions
from arrears.ledger.on_account import shown_money
from arrears.ledger.on_account_records import OnAccountRecord
from arrears.storage.dynamodb import Item, Key
from arrears.storage.ledger import codec, keys

INLINE_HISTORY_BYTES = 600
"""A longer history has an item of its own, so that what changes without it does not pay for it."""
INLINE_HISTORY_DAYS = 12
"""So many days never take that much."""

INLINE_MONEY_CHANGES = 8
"""More changes of money on account have an item of their own."""

type Entity = Document | AccountState | CounterpartyRecord | OnAccountRecord

DOCUMENT_ATTRIBUTES = {
    "reference": "reference",
    "head": "head",
    "updated_at": "updated_at",
    "lines": "lines",
    "parts": "parts",
    "states": "states",
    "recorded_on": "recorded_on",
    "filled_due": "filled_due",
    "account": "account",
    "shard": "shard",
    "at_rest": "closed",
    "sources": "sources",
    "deleted_at": "deleted_at",
}
"""By stored name, in stored order, the attributes of a document that its item keeps."""
ACCOUNT_ATTRIBUTES = {
    "reference": "reference",
    "shard": "shard",
    "name": "name",
    "names": "names",
    "named": "named",
    "open": "open",
    "documents": "documents",
    "rest": "last_closed_on",
    "rested": "closed_by_day",
    "floor": "history_start",
    "on_account": "on_account",
    "latest": "latest_documents",
    "limits": "credit_limits",
    "counted": "counted_on",
}
"""The same of an account. Reminders, promises and a short history are in what the index projects, too."""
SPARSE_ATTRIBUTES = frozenset({"sources", "deleted_at", "on_account", "latest", "limits", "counted"})
"""Stored only where there are any: most items have none."""


def _attributes(stored: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """What is stored, under the names of attributes; those that an older item lacks keep their defaults."""
    return {name: stored[stored_name] for stored_name, name in names.items() if stored_name in stored}


def _stored(entity: Document | AccountState, names: dict[str, str]) -> dict[str, Any]:
    """The attributes under their stored names."""
    return {
        stored_name: value
        for stored_name, name in names.items()
        if (value := getattr(entity, name)) or stored_name not in SPARSE_ATTRIBUTES
    }


# Documents


def read_document(kind: str, id: str, item: Item) -> Document:
    """A stored invoice or bill, with its dated document, closed or open as it was when written."""
    stored = json.loads(item["b"]["S"])
    attributes = _attributes(stored, DOCUMENT_ATTRIBUTES)
    attributes["parts"] = _parts(attributes["parts"])
    attributes["sources"] = {key: Source(*source) for key, source in attributes.get("sources", {}).items()}
    attributes["states"] = [StateEntry(*entry) for entry in attributes["states"]]
    document = Document(kind, id, **attributes)
    document.refresh(0)
    document.closed = attributes["closed"]
    return document


def document_item(organisation: str, document: Document, held: bool) -> Item:
    """A document's attributes beside its key and version. held: its account holds it while it is open."""
    dated, closed = document.dated, closed_from(document.dated)
    stored = _stored(document, DOCUMENT_ATTRIBUTES)
    own: Item = {"p": {"S": codec.pack_document(dated)}, "b": {"S": codec.compact(stored)}}
    if document.account is None:
        partition = keys.closed_partition(organisation, 0, document.side)
        return _listed(partition, keys.closed_sort_key(0, keys.NO_ACCOUNT, document.id)) | own
    if document.closed:
        partition = keys.closed_partition(organisation, document.shard, document.side)
        of_account: Item = {
            "apk": {"S": keys.account_partition(organisation, document.account)},
            "ask": {"S": keys.account_sort_key(closed, document.id)},
        }
        return _listed(partition, keys.closed_sort_key(closed, document.account[1:], document.id)) | own | of_account
    if held:
        return own
    partition = keys.open_partition(organisation, document.shard, document.side)
    return _listed(partition, keys.open_sort_key(document.account[1:], dated.due, document.id)) | own


def _listed(partition: str, sort_key: str) -> Item:
    """The attributes by which the index lists an item."""
    return {"ipk": {"S": partition}, "isk": {"S": sort_key}}


class StoredStanding(NamedTuple):
    """The position of a stored document in the index. closed_from: None while it is open."""

    account: str | None
    closed_from: int | None


def stored_standing(document: Item) -> StoredStanding:
    """The account and the closing day that a document's item was written with."""
    stored = json.loads(document["b"]["S"])
    closed = keys.read_closed_sort_key(document["isk"]["S"]).closed_from if stored["at_rest"] else None
    return StoredStanding(stored["account"], closed)


def standing_of(document: Document) -> StoredStanding:
    """The same of a document that was just written."""
    return StoredStanding(document.account, closed_from(document.dated) if document.closed else None)


# Accounts


def read_account(key: str, item: Item, history: str | None, money: str | None) -> AccountState:
    """A stored counterparty. history, money: what the items beside it hold, if they are long.

    One that was stored before accounts held their open documents has none of them.
    """
    packed = json.loads(item["p"]["S"])
    if codec.is_older_form(packed):
        packed = [packed, []]
    shown, documents, summed = codec.unpack_open_account(key[1:], packed)
    stored = json.loads(item["b"]["S"])
    attributes = _attributes(stored, ACCOUNT_ATTRIBUTES)
    attributes["names"] = [NameEntry(*entry) for entry in attributes["names"]]
    attributes["closed_by_day"] = {int(day): count for day, count in attributes["closed_by_day"].items()}
    return AccountState(
        key,
        reminders=list(shown.reminders),
        promises=list(shown.promises),
        reminders_truncated=shown.reminders_truncated,
        history={settled.day: settled for settled in codec.history_in(stored, history)},
        money={MoneyKey(*change[:4]): list(change[4:]) for change in codec.money_in(stored, money)},
        opened={document.id: document for document in documents},
        summed=summed or {},
        large=summed is not None,
        whole=codec.is_whole(packed),
        **attributes,
    )


class StoredRows(NamedTuple):
    """Where an account is listed among the open ones.

    older: it is stored as it was before accounts held their open documents. cells: what it adds to the sums of its
    book; None: nothing, as it is of an older form or something is dated ahead. further: the currencies beside the
    first in which it has a row.
    """

    older: bool = False
    cells: Cells | None = None
    further: frozenset[str] = frozenset()


NOT_LISTED = StoredRows()


def stored_rows(account: AccountState, item: Item | None) -> StoredRows:
    """The same of an account as it was read, before anything of it is changed."""
    if item is None:
        return NOT_LISTED
    if codec.is_older_form(json.loads(item["p"]["S"])):
        return StoredRows(older=True)
    if item["isk"]["S"].startswith(keys.AHEAD):
        return NOT_LISTED
    return _rows(account)


def rows_of(account: AccountState, today: int) -> StoredRows:
    """Where an account is to be listed from today on."""
    account.counted_on = today
    return _rows(account) if account.is_steady(today) else NOT_LISTED


def _rows(account: AccountState) -> StoredRows:
    cells = account.cells()
    return StoredRows(False, cells, frozenset(list(positions(cells))[1:]))


def kept_apart(key: Key, account: Item) -> list[Key]:
    """The items beside a stored account's own: of its history and of its changes of money on account, if long."""
    stored = json.loads(account["b"]["S"])
    history = [keys.history_key_beside(key)] if stored["history"] is None else []
    return history if stored.get("money", ()) is not None else [*history, keys.money_key_beside(key)]


def held_documents(organisation: str, key: Key, account: Item) -> list[Key]:
    """The keys of the open documents that a stored account holds; none of a large one, whose documents are listed."""
    packed = json.loads(account["p"]["S"])
    if codec.is_older_form(packed) or codec.is_large(packed):
        return []
    kind = "invoice" if keys.account_in(key).startswith("c") else "bill"
    return [keys.document_key(organisation, kind, document[0]) for document in packed[1]]


def has_on_account(account: Item) -> bool:
    """Whether a stored account has payments or credits on account."""
    return bool(json.loads(account["b"]["S"]).get("on_account"))


def account_item(organisation: str, account: AccountState, rows: StoredRows, today: int) -> Item:
    """An account's attributes beside its key and version."""
    money_ends_on = account.money_ends_on()
    if account.open or money_ends_on > today:
        partition = keys.open_partition(organisation, account.shard, account.side)
        sort_key = keys.ahead_sort_key(account.id) if rows.cells is None else _first_row(account, rows.cells)
    else:
        partition = keys.closed_partition(organisation, account.shard, account.side)
        sort_key = keys.closed_sort_key(max(account.last_closed_on, money_ends_on), account.id)
    shown = account.account()
    stored = _stored(account, ACCOUNT_ATTRIBUTES)
    stored["history"] = None if packed_long_history(account) else shown.history
    if account.money:
        stored["money"] = None if has_much_money(account) else codec.packed_money(account.money_changes())
    packed = _pack_account(account, shown_money(with_recent_history(shown, today), today))
    return {**_listed(partition, sort_key), "p": {"S": packed}, "b": {"S": codec.compact(stored)}}


def _first_row(account: AccountState, cells: Cells) -> str:
    for currency, due in positions(cells).items():
        return keys.row_sort_key(currency, due, account.id)
    return keys.row_sort_key(None, NO_DUE, account.id)


def further_row_item(organisation: str, account: AccountState, currency: str, rows: StoredRows, item: Item) -> Item:
    """The attributes of an account's row in a further currency, beside its key; item: the account's own."""
    partition = keys.open_partition(organisation, account.shard, account.side)
    due = positions(rows.cells or ())[currency]
    return {**_listed(partition, keys.row_sort_key(currency, due, account.id, further=True)), "p": item["p"]}


def _pack_account(account: AccountState, shown: Account) -> str:
    """What readers see of an account, its open documents with their ids, and of a large one the sums of the others."""
    in_order = sorted(account.opened.values(), key=lambda one: (NO_DUE if one.due is None else one.due, one.id))
    documents = [[document.id, *codec.packed_document(document)] for document in in_order]
    packed: list[Any] = [codec.packed_account(shown, account.key[0]), documents]
    if account.whole:
        packed.append(None)
    elif account.large:
        packed.append([[*cell, amount] for cell, amount in sorted(account.summed.items())])
    return codec.compact(packed)


def has_much_money(account: AccountState) -> bool:
    """Whether its changes of money on account need an item of their own."""
    return len(account.money) > INLINE_MONEY_CHANGES


def packed_much_money(account: AccountState) -> str | None:
    """Its changes of money on account, packed, when there are many."""
    return codec.compact(codec.packed_money(account.money_changes())) if has_much_money(account) else None


def may_have_long_history(account: AccountState) -> bool:
    """Whether its history may need an item of its own; cheaper than packing it."""
    return len(account.history) > INLINE_HISTORY_DAYS


def packed_long_history(account: AccountState) -> str | None:
    """An account's packed history when that is long."""
    if not may_have_long_history(account):
        return None
    packed = codec.compact([account.history[day] for day in sorted(account.history)])
    return packed if len(packed) > INLINE_HISTORY_BYTES else None


# Money on account


def read_on_account(kind: str, id: str, item: Item) -> OnAccountRecord:
    """A stored payment or credit on account."""
    reference, part, account, allocations, outdated = json.loads(item["b"]["S"])
    return OnAccountRecord(kind, id, reference, None if part is None else Part(*part), account, allocations, outdated)


def on_account_item(organisation: str, money: OnAccountRecord) -> Item:
    """Its attributes beside its key and version; it is listed with its account while it is on account."""
    stored = [money.reference, money.part, money.account, money.allocations, money.outdated]
    attributes: Item = {"b": {"S": codec.compact(stored)}}
    if money.part is None or money.account is None:
        return attributes
    listed: Item = {
        "apk": {"S": keys.account_partition(organisation, money.account)},
        "ask": {"S": keys.on_account_sort_key(money.day, money.code)},
    }
    return {**attributes, **listed}


# Counterparty records


def read_counterparty_record(item: Item) -> CounterpartyRecord:
    """What the records of a counterparty itself say, as stored."""
    stored = json.loads(item["b"]["S"])
    return CounterpartyRecord(
        None if stored["record"] is None else Part(*stored["record"]),
        _parts(stored["reminders"]),
        _parts(stored["promises"]),
        stored.get("deleted_at"),
    )


def _parts(stored: dict[str, list[Any]]) -> Parts:
    return Parts((key, Part(*part)) for key, part in stored.items())


def counterparty_item(counterparty: CounterpartyRecord) -> Item:
    """A counterparty record's attributes beside its key and version."""
    stored: dict[str, Any] = {
        "record": counterparty.record,
        "reminders": counterparty.reminders,
        "promises": counterparty.promises,
    }
    if counterparty.deleted_at is not None:
        stored["deleted_at"] = counterparty.deleted_at
    return {"b": {"S": codec.compact(stored)}}
