"""Overdue balance: what is overdue, by the month it was due in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from arrears.ledger.dated_document import DatedDocument
from arrears.ledger.days import month_of
from arrears.reports.aging import owed_at
from arrears.reports.months import window_start


@dataclass(frozen=True, slots=True)
class MonthBalance:
    """What is overdue of the invoices due in a month (YYYY-MM), in minor units of one currency.

    invoice_ids: by due day, then id.
    """

    month: str
    currency: str
    amount: int
    invoice_ids: list[str]


@dataclass(slots=True)
class _Sum:
    """What is overdue since one due day, in one currency."""

    amount: int = 0
    invoice_ids: list[str] = field(default_factory=list)


def overdue_balance(
    invoices: Iterable[DatedDocument], today: int, currency: str | None = None, months: int | None = None
) -> list[MonthBalance]:
    """By month, then currency. months: only those due in the current month and the months - 1 before it."""
    start = window_start(month_of(today), months)
    found: dict[tuple[str, str], MonthBalance] = {}
    for due, code, overdue in _by_due_day(invoices, today):
        month = month_of(due)
        if month >= start and currency in (None, code):
            row = found.get((month, code)) or MonthBalance(month, code, 0, [])
            row.invoice_ids.extend(sorted(overdue.invoice_ids))
            found[month, code] = replace(row, amount=row.amount + overdue.amount)
    return [row for _, row in sorted(found.items())]


def page_of(rows: Sequence[MonthBalance], number: int, size: int) -> list[MonthBalance]:
    """The rows that have invoices on a page (1 is the first) of so many invoices, with the ids of these only.

    Amounts stay those of all of the row's invoices.
    """
    first = (number - 1) * size
    before, found = 0, []
    for row in rows:
        ids = row.invoice_ids[max(first - before, 0) : max(first + size - before, 0)]
        if ids:
            found.append(replace(row, invoice_ids=ids))
        before += len(row.invoice_ids)
    return found


def _by_due_day(invoices: Iterable[DatedDocument], today: int) -> list[tuple[int, str, _Sum]]:
    """By due day, then currency. All that is done for an invoice is done here: the rest is for a day or a month."""
    sums: dict[tuple[int, str], _Sum] = {}
    for invoice in invoices:
        due = invoice.due
        if due is not None and due < today and (owed := owed_at(invoice, today)):
            key = due, invoice.currency
            of_day = sums.get(key)
            if of_day is None:
                of_day = sums[key] = _Sum()
            of_day.amount += owed
            of_day.invoice_ids.append(invoice.id)
    return [(due, code, sums[due, code]) for due, code in sorted(sums)]
