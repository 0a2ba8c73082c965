"""What looks wrong about a record that was taken. A warning never stops anything: it is a code with its inputs."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache, lru_cache
from typing import Any

from arrears.ledger.dated_document import LAST, applied_at
from arrears.ledger.days import day_text
from arrears.ledger.documents import Document
from arrears.ledger.money import major_number
from arrears.ledger.records import Record, ReminderRecord

type RecordWarning = dict[str, Any]

FIRST_USUAL_DAY = date(1970, 1, 1).toordinal()
"""What is dated before it is often a missing date that another system wrote as a number."""
USUAL_YEARS_AHEAD = 10


def far_dates(record: Record, today: int) -> Iterator[RecordWarning]:
    """The days of a record that are long ago or far ahead."""
    last = _last_usual_day(today)
    for name in _days_of(type(record)):
        value = getattr(record, name)
        if value is not None and not FIRST_USUAL_DAY <= value <= last:
            yield {"code": "date_far_away", "field": name, "date": day_text(value)}
    if isinstance(record, ReminderRecord):
        sent_on = date.fromisoformat(record.sent_at[:10])
        if not FIRST_USUAL_DAY <= sent_on.toordinal() <= last:
            yield {"code": "date_far_away", "field": "sent_at", "date": sent_on.isoformat()}


@cache
def _days_of(model: type[Record]) -> list[str]:
    """The fields of a type of record that are days."""
    return [name for name in model.model_fields if name.endswith("_on")]


@lru_cache(maxsize=16)
def _last_usual_day(today: int) -> int:
    day = date.fromordinal(today)
    return date(day.year + USUAL_YEARS_AHEAD, day.month, min(day.day, 28)).toordinal() + max(0, day.day - 28)


def over_applied(document: Document) -> Iterator[RecordWarning]:
    """More is applied to the document than its total, by all that is known, future days included."""
    applied = applied_at(document.dated, LAST)
    if document.head is not None and applied > document.dated.total:
        currency = document.dated.currency
        yield {
            "code": "over_applied",
            f"{document.kind}_id": document.reference,
            "currency": currency,
            "total": major_number(document.dated.total, currency),
            "applied": major_number(applied, currency),
        }


def possible_duplicate(document: Document, others: int) -> Iterator[RecordWarning]:
    """Other documents say the same of the same party."""
    if others:
        head = document.head or {}
        yield {
            "code": "possible_duplicate",
            "number": head["number"],
            "currency": head["currency"],
            "total": major_number(document.dated.total, head["currency"]),
            "issued_on": day_text(head["issued_on"]) if "issued_on" in head else None,
        }


def unknown_invoices(ids: Sequence[str]) -> Iterator[RecordWarning]:
    """A reminder is about invoices that are not known."""
    if ids:
        yield {"code": "unknown_invoices", "invoice_ids": list(ids)}
