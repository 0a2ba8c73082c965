"""Month close: what was overdue at a month's end, and how it came about since the month before.

The roll-forward adds up to the minor unit: opening + restated + newly overdue - collected - credited - no longer
overdue = closing. DSO and CEI are those of credit management (Credit Research Foundation): days sales outstanding is
closing receivables over gross sales times days; the collection effectiveness index is what was collected over what
could have been.
"""

import calendar
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from arrears.ledger.days import day_text, month_of, year_before
from arrears.ledger.document_facts import Account, Facts, closed_from, exists_at
from arrears.ledger.money import major_number
from arrears.reports.aging import BUCKETS, bucket_of, owed_at


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
class Figures:
    """One currency's month, in minor units.

    opening and opening_outstanding are the previous snapshot's closings. amounts and counts: the buckets at close.
    rolled and bucket_opening: per bucket but the last, what it held a month before and how much of that stands in
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

    def says_something(self) -> bool:
        """Whether any figure is not zero."""
        return any((self.opening, self.opening_outstanding, self.restated, self.newly_overdue, self.issued)) or any(
            (self.outstanding, *self.counts, self.collected, self.credited, self.no_longer_overdue)
        )


class Book:
    """The accounts of a book with their documents, and the days between which each document can matter."""

    def __init__(self, accounts: Iterable[tuple[Account, Sequence[Facts]]]) -> None:
        self._accounts = [
            (account, [(document.issued, closed_from(document), document) for document in documents])
            for account, documents in accounts
        ]

    def standing(self, day: int) -> Iterator[tuple[Account, list[Facts]]]:
        """The accounts with the documents that a report of `day` is made of: there by then, at rest for a year at most.

        What a promise was kept with is older than that at times, so an account with promises keeps all of them.
        """
        year = year_before(day)
        for account, documents in self._accounts:
            if account.promises:
                yield account, [document for _, _, document in documents]
            else:
                yield account, [one for issued, rest, one in documents if rest > year and issued <= day]

    def month(self, end: int, previous: dict[str, Figures]) -> dict[str, Figures]:
        """The figures of the month that ends on `end`, after the snapshot of the month before."""
        before = date.fromordinal(end).replace(day=1).toordinal() - 1
        figures: dict[str, Figures] = {}
        for currency, closed in previous.items():
            opening = Figures(opening=closed.closing, opening_outstanding=closed.outstanding)
            opening.restated = -closed.closing
            figures[currency] = opening
        for _, documents in self._accounts:
            late = set()
            for issued, rest, document in documents:
                if issued <= end and rest > before:
                    own = figures.setdefault(document.currency, Figures())
                    if _add(own, document, before, end):
                        late.add(document.currency)
            for currency in late:
                figures[currency].customers += 1
        return {currency: own for currency, own in figures.items() if own.says_something()}


def _add(figures: Figures, document: Facts, before: int, end: int) -> bool:
    """Adds a document's month; whether it is overdue at close."""
    opened, closed = owed_at(document, before), owed_at(document, end)
    was, now = _bucket(document, before), _bucket(document, end)
    if was:
        figures.restated += opened
    if opened and was < 4:
        figures.bucket_opening[was] += opened
        if closed and now > was:
            figures.rolled[was] += min(opened, closed)
    if closed:
        figures.amounts[now] += closed
        figures.counts[now] += 1
    if before < document.issued and exists_at(document, end):
        figures.issued += document.total
    _add_flows(figures, document, before, end)
    return bool(closed and now)


def _bucket(document: Facts, day: int) -> int:
    return 0 if document.due is None or not owed_at(document, day) else bucket_of(day - document.due)


def _add_flows(figures: Figures, document: Facts, before: int, end: int) -> None:
    """Follows the document's overdue amount over the days of the month on which it can change."""
    if document.due is None or document.due >= end:
        return
    standing = _overdue(document, before)
    for day in _change_days(document, before, end):
        overdue = _overdue(document, day)
        if not standing:
            figures.newly_overdue += overdue
        else:
            paid = sum(step[1] for step in document.applied if step[0] == day)
            credited = sum(step[2] for step in document.applied if step[0] == day)
            collected = min(paid, standing)
            credited = min(credited, standing - collected)
            figures.collected += collected
            figures.credited += credited
            figures.no_longer_overdue += standing - collected - credited - overdue
        standing = overdue


def _change_days(document: Facts, before: int, end: int) -> Iterator[int]:
    due = document.due or 0
    days = {document.issued, due + 1, document.voided, *(step[0] for step in document.applied)}
    yield from sorted(day for day in days if before < day <= end)


def _overdue(document: Facts, day: int) -> int:
    return owed_at(document, day) if document.due is not None and day > document.due else 0


def currency_body(currency: str, figures: Figures, end: int) -> dict[str, Any]:
    """One currency of one month as it is answered."""

    def major(minor: int) -> int | float | str:
        return major_number(minor, currency)

    return {
        "currency": currency,
        "openingOverdue": major(figures.opening),
        "restated": major(figures.restated),
        "newlyOverdue": major(figures.newly_overdue),
        "collected": major(figures.collected),
        "credited": major(figures.credited),
        "noLongerOverdue": major(figures.no_longer_overdue),
        "closingOverdue": major(figures.closing),
        "customerCount": figures.customers,
        "invoiceCount": sum(figures.counts[1:]),
        "buckets": {
            bucket: {"amount": major(amount), "count": count}
            for bucket, amount, count in zip(BUCKETS, figures.amounts, figures.counts, strict=True)
        },
        "rollRates": {
            bucket: _share(rolled, opening)
            for bucket, rolled, opening in zip(BUCKETS, figures.rolled, figures.bucket_opening, strict=False)
        },
        "dso": _share(figures.outstanding * date.fromordinal(end).day, figures.issued),
        "cei": _cei(figures),
    }


def _cei(figures: Figures) -> float | None:
    due = figures.opening_outstanding + figures.issued
    return _share((due - figures.outstanding) * 100, due - figures.amounts[0])


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def month_body(end: int, policy_version: int, currencies: Sequence[tuple[str, Figures]]) -> dict[str, Any]:
    """One month as it is answered, its currencies in the order given."""
    return {
        "month": month_of(end),
        "asOf": day_text(end),
        "policyVersion": policy_version,
        "currencies": [currency_body(currency, figures, end) for currency, figures in currencies],
    }
