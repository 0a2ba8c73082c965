"""Changes of records, from the items before and after a transaction."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from arrears.ledger.accounts import CounterpartyRecord
from arrears.ledger.documents import Document, Parts
from arrears.ledger.on_account_records import OnAccountRecord
from arrears.storage.dynamodb import Item, Key
from arrears.storage.ledger import keys
from arrears.storage.ledger.entities import read_counterparty_record, read_document, read_on_account
from arrears.storage.ledger.rendered_records import (
    Lines,
    Record,
    head_record,
    on_account_record,
    part_records,
    party_record,
    record_of,
    state_fields,
)

RECORD_PARTS = frozenset({keys.DOCUMENT, keys.COUNTERPARTY, keys.ON_ACCOUNT})
"""Sort keys of the items that hold records. All others are worked out of these, or go with them (lines)."""


class RecordChange(NamedTuple):
    """A record that was created, changed or deleted.

    id: the caller's. party: the key of its account (letter and UUID), None while its document has none. before, after:
    the record as an export has it, a bill with all states that it went through before its latest one, as
    `earlier_states`; None where there was none.
    """

    type: str
    id: str
    party: str | None
    before: Record | None
    after: Record | None


class Beside(NamedTuple):
    """What records need of other items. lines: of an invoice, before and after. reference: of a counterparty."""

    lines: tuple[Item | None, Item | None] = (None, None)
    reference: str = ""


_NOTHING_BESIDE = Beside()


def record_changes(
    organisation: str, key: Key, before: Item | None, after: Item | None, beside: Beside = _NOTHING_BESIDE
) -> Iterator[RecordChange]:
    """The records that differ between two states of a document, a counterparty's record or money on account.

    Every other item, and work that no record asked for (a document that time has closed), has none.
    Raises ValueError for the key of another organisation.
    """
    if not key[0].startswith(f"{organisation}#"):
        raise ValueError(key[0])
    if key[1] == keys.DOCUMENT:
        yield from _document_changes(key, before, after, beside)
    elif key[1] == keys.COUNTERPARTY:
        yield from _counterparty_changes(keys.account_in(key), before, after, beside.reference)
    elif key[1] == keys.ON_ACCOUNT:
        yield from _money_changes(key, before, after)


def merged(changes: Iterable[RecordChange]) -> list[RecordChange]:
    """The changes of one transaction: a record that left one document or party for another is one change."""
    found: dict[tuple[str, str], RecordChange] = {}
    for change in changes:
        name = change.type, change.id
        other = found.pop(name, None)
        found[name] = change if other is None else _moved(other, change)
    return [change for change in found.values() if change.before != change.after]


def _moved(one: RecordChange, other: RecordChange) -> RecordChange:
    left, come = (one, other) if one.after is None else (other, one)
    return come._replace(before=left.before)


def _document_changes(key: Key, before: Item | None, after: Item | None, beside: Beside) -> Iterator[RecordChange]:
    kind, id_ = keys.document_kind(key), keys.document_id(key)
    old, new = (Document(kind, id_, "") if item is None else read_document(kind, id_, item) for item in (before, after))
    party = new.account or old.account
    records = [_head(document, _lines(item)) for document, item in zip((old, new), beside.lines, strict=True)]
    if records[0] != records[1]:
        yield RecordChange(kind, new.reference or old.reference, party, *records)
    for name in _differing(old.parts, new.parts):
        part_kind, _, part_id = name.partition(":")
        yield RecordChange(part_kind, part_id, party, _part(old, name), _part(new, name))


def _head(document: Document, lines: Lines) -> Record | None:
    record = head_record(document, lines)
    if record is not None and len(document.states) > 1:
        record["earlier_states"] = [state_fields(entry) for entry in document.states[:-1]]
    return record


def _lines(item: Item | None) -> Lines:
    lines: Lines = [] if item is None else json.loads(item["b"]["S"])
    return lines


def _part(document: Document, name: str) -> Record | None:
    part = document.parts.get(name)
    return None if part is None else next(part_records(document, [(name, part)]))


def _counterparty_changes(
    account: str, before: Item | None, after: Item | None, reference: str
) -> Iterator[RecordChange]:
    old, new = (CounterpartyRecord() if item is None else read_counterparty_record(item) for item in (before, after))
    if old.record != new.record:
        own = [party_record(account[0], reference, one) for one in (old, new)]
        yield RecordChange("customer" if account[0] == "c" else "supplier", reference, account, *own)
    for kind, parts, new_parts in (("reminder", old.reminders, new.reminders), ("promise", old.promises, new.promises)):
        for id_ in _differing(parts, new_parts):
            contacts = [
                None if (part := one.get(id_)) is None else record_of(kind, id_, part) for one in (parts, new_parts)
            ]
            yield RecordChange(kind, id_, account, *contacts)


def _differing(old: Parts, new: Parts) -> list[str]:
    return [key for key in {**old, **new} if old.get(key) != new.get(key)]


def _money_changes(key: Key, before: Item | None, after: Item | None) -> Iterator[RecordChange]:
    kind, id_ = keys.on_account_id(key)
    old, new = (
        OnAccountRecord(kind, id_, "") if item is None else read_on_account(kind, id_, item) for item in (before, after)
    )
    if old.part != new.part or (old.part is not None and old.account != new.account):
        records: list[Any] = [on_account_record(old), on_account_record(new)]
        yield RecordChange(kind, new.reference or old.reference, new.account or old.account, *records)
