"""Month close: what was overdue at the end of a month, and what changed since the end of the month before.

The roll-forward adds up to the minor unit: opening + restated + newly overdue - collected - credited - no longer
overdue = closing. DSO and CEI are those of credit management (Credit Research Foundation): days sales outstanding is
closing receivables over gross sales times days; the collection effectiveness index is what was collected over what
could have been.
"""

import calendar
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from arrears.ledger.dated_document import Account, DatedDocument, closed_from, exists_at
from arrears.ledger.days import year_before
from arrears.reports.aging import bucket_of, owed_at


def month_end(day: int) -> int:
    """The last day of a day's month."""
    then = date.fromordinal(day)
    return then.replace(day=calendar.monthrange(then.year, then.month)[1]).toordinal()


def month_ends(first: int, last: int) -> list[int]:
    """The month ends from `first` to `last`, both included."""
    ends = []
    end = month_end(first)
    while end <= last:
        ends.append(end)
        end = month_end(end + 1)
    return ends


@dataclass(slots=True)
class CurrencyMonth:
    """One currency's month, in minor units.

    opening and opening_outstanding are the previous snapshot's closings. amounts and counts: the buckets at close.
    rolled and bucket_opening: per bucket but the last, what it held a month before and how much of that is in
    an older bucket at close.
    """

    opening: int = 0
    opening_outstanding: int = 0
    restated: int = 0
    newly_overdue: int = 0
    collected: int = 0
    credited: int = 0
    no_longer_overdue: int = 0
    issued: int = 0
    customers: int = 0
    amounts: list[int] = field(default_factory=lambda: [0] * 5)
    counts: list[int] = field(default_factory=lambda: [0] * 5)
    bucket_opening: list[int] = field(default_factory=lambda: [0] * 4)
    rolled: list[int] = field(default_factory=lambda: [0] * 4)

    @property
    def closing(self) -> int:
        """What is overdue at close."""
        return sum(self.amounts[1:])

    @property
    def outstanding(self) -> int:
        """What is open at close, not yet due included."""
        return sum(self.amounts)

    def is_empty(self) -> bool:
        """Whether every figure is zero."""
        return not any(
            (
                *(self.opening, self.opening_outstanding, self.restated, self.newly_overdue, self.issued),
                *(self.outstanding, *self.counts, self.collected, self.credited, self.no_longer_overdue),
            )
        )

    def roll_rates(self) -> list[float | None]:
        """Per bucket but the last, the share of its opening that is in an older one at close."""
        return [_share(rolled, opening) for rolled, opening in zip(self.rolled, self.bucket_opening, strict=True)]

    def days_sales_outstanding(self, end: int) -> float | None:
        """DSO of the month that ends on `end`, in days."""
        return _share(self.outstanding * date.fromordinal(end).day, self.issued)

    def collection_effectiveness(self) -> float | None:
        """CEI, in percent."""
        due = self.opening_outstanding + self.issued
        return _share((due - self.outstanding) * 100, due - self.amounts[0])


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


STORED_FIELDS = (
    *("opening", "opening_outstanding", "restated", "newly_overdue", "collected", "credited", "no_longer_overdue"),
    *("issued", "customers", "amounts", "counts", "bucket_opening", "rolled"),
)
"""The names and order in which a snapshot keeps a month's figures. A stored book has them: they never change."""


def to_stored(months: Mapping[str, CurrencyMonth]) -> dict[str, dict[str, Any]]:
    """Figures per currency as plain values, for a snapshot."""
    return {currency: {name: getattr(month, name) for name in STORED_FIELDS} for currency, month in months.items()}


def from_stored(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, CurrencyMonth]:
    """The figures per currency that a snapshot keeps."""
    return {currency: CurrencyMonth(**own) for currency, own in figures.items()}


class MonthlyBook:
    """The accounts of a book with their documents, and the days between which each document can matter."""

    def __init__(self, accounts: Iterable[tuple[Account, Sequence[DatedDocument]]]) -> None:
        self._accounts = [
            (account, [(document.issued, closed_from(document), document) for document in documents])
            for account, documents in accounts
        ]

    def as_of(self, day: int) -> Iterator[tuple[Account, list[DatedDocument]]]:
        """The accounts with the documents that a report of `day` takes: issued by then, closed for a year at most.

        What a promise was kept with is older than that at times, so an account with promises keeps all of them.
        """
        year = year_before(day)
        for account, documents in self._accounts:
            if account.promises:
                yield account, [document for _, _, document in documents]
            else:
                yield account, [one for issued, closed, one in documents if closed > year and issued <= day]

    def month(self, end: int, previous: dict[str, CurrencyMonth]) -> dict[str, CurrencyMonth]:
        """The figures of the month that ends on `end`, after the snapshot of the month before."""
        before = date.fromordinal(end).replace(day=1).toordinal() - 1
        figures: dict[str, CurrencyMonth] = {}
        for currency, last in previous.items():
            opening = CurrencyMonth(opening=last.closing, opening_outstanding=last.outstanding)
            opening.restated = -last.closing
            figures[currency] = opening
        for _, documents in self._accounts:
            late = set()
            for issued, closed, document in documents:
                if issued <= end and closed > before:
                    own = figures.setdefault(document.currency, CurrencyMonth())
                    if _add(own, document, before, end):
                        late.add(document.currency)
            for currency in late:
                figures[currency].customers += 1
        return {currency: own for currency, own in figures.items() if not own.is_empty()}


def _add(month: CurrencyMonth, document: DatedDocument, before: int, end: int) -> bool:
    """Adds a document's month; whether it is overdue at close."""
    opened, closed = owed_at(document, before), owed_at(document, end)
    was, now = _bucket(document, before), _bucket(document, end)
    if was:
        month.restated += opened
    if opened and was < 4:
        month.bucket_opening[was] += opened
        if closed and now > was:
            month.rolled[was] += min(opened, closed)
    if closed:
        month.amounts[now] += closed
        month.counts[now] += 1
    if before < document.issued and exists_at(document, end):
        month.issued += document.total
    _add_flows(month, document, before, end)
    return bool(closed and now)


def _bucket(document: DatedDocument, day: int) -> int:
    return 0 if document.due is None or not owed_at(document, day) else bucket_of(day - document.due)


def _add_flows(month: CurrencyMonth, document: DatedDocument, before: int, end: int) -> None:
    """Follows the document's overdue amount over the days of the month on which it can change."""
    if document.due is None or document.due >= end:
        return
    previous = _overdue(document, before)
    for day in _change_days(document, before, end):
        overdue = _overdue(document, day)
        if not previous:
            month.newly_overdue += overdue
        else:
            paid = sum(step[1] for step in document.applied if step[0] == day)
            credited = sum(step[2] for step in document.applied if step[0] == day)
            collected = min(paid, previous)
            credited = min(credited, previous - collected)
            month.collected += collected
            month.credited += credited
            month.no_longer_overdue += previous - collected - credited - overdue
        previous = overdue


def _change_days(document: DatedDocument, before: int, end: int) -> Iterator[int]:
    due = document.due or 0
    days = {document.issued, due + 1, document.voided, *(step[0] for step in document.applied)}
    yield from sorted(day for day in days if before < day <= end)


def _overdue(document: DatedDocument, day: int) -> int:
    return owed_at(document, day) if document.due is not None and day > document.due else 0
