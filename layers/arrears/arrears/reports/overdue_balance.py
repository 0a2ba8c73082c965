"""Overdue balance: what is overdue, by the month it was due in."""

from dataclasses import dataclass, field

from arrears.ledger.days import month_of
from arrears.reports.aging import Accounts, owed_at
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
    amount: int = 0
    due: list[tuple[int, str]] = field(default_factory=list)


def overdue_balance(
    accounts: Accounts, today: int, currency: str | None = None, months: int | None = None
) -> list[MonthBalance]:
    """By month, then currency. months: only those due in the current month and the months - 1 before it."""
    start = window_start(month_of(today), months)
    sums: dict[tuple[str, str], _Sum] = {}
    for _, documents in accounts:
        for invoice in documents:
            if invoice.due is None or invoice.due >= today or currency not in (None, invoice.currency):
                continue
            owed = owed_at(invoice, today)
            month = month_of(invoice.due)
            if owed and month >= start:
                found = sums.setdefault((month, invoice.currency), _Sum())
                found.amount += owed
                found.due.append((invoice.due, invoice.id))
    return [
        MonthBalance(month, code, found.amount, [invoice for _, invoice in sorted(found.due)])
        for (month, code), found in sorted(sums.items())
    ]
