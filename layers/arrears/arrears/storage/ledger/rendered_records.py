"""Records from what is stored of them, in the form in which they can be recorded again."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from arrears.ledger.accounts import CounterpartyRecord
from arrears.ledger.days import day_text
from arrears.ledger.documents import Document, Part, StateEntry
from arrears.ledger.on_account_records import OnAccountRecord

type Record = dict[str, Any]
type Lines = Sequence[Sequence[str | None]]
"""Lines of an invoice, each with the values of LINE_FIELDS."""

LINE_FIELDS = ("id", "name", "quantity", "unit_price", "amount", "tax_amount")
_PARTY_TYPES = {"c": "customer", "s": "supplier"}


def head_record(document: Document, lines: Lines) -> Record | None:
    """An invoice's or bill's own record, with its latest state; None while it has none."""
    if document.head is None:
        return None
    record = record_of(document.kind, document.reference, Part(document.head, document.updated_at))
    if document.dated.due is not None:
        record["due_on"] = day_text(document.dated.due)
    if document.kind == "bill":
        issued, inferred = document.issued_on()
        record |= {"issued_on": day_text(issued)} | ({"issued_on_inferred": True} if inferred else {})
    if document.lines is not None:
        record["lines"] = [_line(line) for line in lines]
    return record


def _line(line: Sequence[str | None]) -> Record:
    return {name: value for name, value in zip(LINE_FIELDS, line, strict=True) if value is not None}


def state_fields(entry: StateEntry) -> Record:
    """A state as its record had it; null clears what the bill's latest record says."""
    return {
        "state": entry.state,
        "state_on": None if entry.state_on is None else day_text(entry.state_on),
        "scheduled_payment_on": None if entry.scheduled_payment_on is None else day_text(entry.scheduled_payment_on),
        **({} if entry.updated_at is None else {"updated_at": entry.updated_at}),
    }


def party_record(letter: str, reference: str, own: CounterpartyRecord) -> Record | None:
    """A customer's ("c") or supplier's own record, if there is one."""
    return None if own.record is None else record_of(_PARTY_TYPES[letter], reference, own.record)


def contact_records(own: CounterpartyRecord) -> Iterator[Record]:
    """The reminders and promises of a counterparty."""
    for kind, parts in (("reminder", own.reminders), ("promise", own.promises)):
        for id_, part in parts.items():
            yield record_of(kind, id_, part)


def part_records(document: Document, parts: Iterable[tuple[str, Part]]) -> Iterator[Record]:
    """What is on a document, of some keys and parts."""
    for key, part in parts:
        kind, _, id_ = key.partition(":")
        yield {**record_of(kind, id_, part), f"{document.kind}_id": document.reference}


def on_account_record(money: OnAccountRecord) -> Record | None:
    """A payment or credit on account; None where it stands on a document or was deleted."""
    return None if money.part is None else record_of(money.kind, money.reference, money.part)


def record_of(kind: str, id: str, part: Part) -> Record:
    """A record from its stored content: days become dates again."""
    record = {"type": kind, "id": id}
    for name, value in part.content.items():
        is_day = name.endswith("_on") and not isinstance(value, bool)
        record[name] = day_text(value) if is_day else value
    return record if part.updated_at is None else {**record, "updated_at": part.updated_at}
