"""Invoice collection: what was invoiced in each month, by payment status."""

from collections.abc import Mapping
from dataclasses import dataclass

from arrears.ledger.days import month_of
from arrears.reports.months import months_between, window_start

type CollectionFigures = Mapping[tuple[str, str, str], tuple[int, int]]
"""(month YYYY-MM, payment status, currency) to (number of invoices, gross total in minor units)."""


@dataclass(frozen=True, slots=True)
class MonthCollection:
    """Invoices of a month in one payment status and currency, minor units; both None for a month without invoices."""

    month: str
    status: str | None
    currency: str | None
    count: int
    amount: int


def invoice_collection(
    figures: CollectionFigures, today: int, currency: str | None = None, months: int | None = None
) -> list[MonthCollection]:
    """By month, status and currency. Months without invoices, from the first with any on, are there with zeros.

    currency: only these invoices, and then no months without any. months: the current one and the months - 1 before.
    """
    current = month_of(today)
    start = window_start(current, months)
    rows = [
        MonthCollection(month, status, code, count, amount)
        for (month, status, code), (count, amount) in figures.items()
        if count and start <= month <= current and currency in (None, code)
    ]
    if currency is None:
        rows += [MonthCollection(month, None, None, 0, 0) for month in _empty_months(figures, start, current)]
    return sorted(rows, key=lambda row: (row.month, row.status or "", row.currency or ""))


def _empty_months(figures: CollectionFigures, start: str, current: str) -> list[str]:
    months = {month for (month, _, _), (count, _) in figures.items() if count and month <= current}
    if not months:
        return []
    return [month for month in months_between(max(min(months), start), current) if month not in months]
