"""Month close: what was overdue at the end of a month, and what changed since the end of the month before.

It is the same for receivables and payables. The roll-forward adds up to the minor unit: opening + restated + newly
overdue - collected - credited - no longer overdue = closing. DSO and CEI are those of credit management (Credit
Research Foundation): days sales outstanding is closing receivables over gross sales times days; the collection
effectiveness index is what was collected over what could have been.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from arrears.ledger.dated_document import Account, DatedDocument, closed_from, exists_at
from arrears.ledger.days import day_before_month, year_before
from arrears.ledger.on_account import closed_by_state_at, money_changes
from arrears.reports.aging import bucket_of, owed_at
from arrears.reports.control_account import Control, ControlMovements


@dataclass(slots=True)
class CurrencyMonth:
    """One currency's month, in minor units.

    opening: the previous snapshot's closing. opening_outstanding: what was open a month before as known at this close
    (in months closed by earlier versions: as the previous snapshot had it). amounts and counts: the buckets at close.
    rolled and bucket_opening: per bucket but the last, what it held a month before and how much of that is in
    an older bucket at close. customers: or suppliers. control: None in months closed by earlier versions.
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
    control: Control | None = None

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
        return (self.control is None or self.control.is_empty()) and not any(
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
STORED_CONTROL_FIELDS = (
    *("opening", "restated", "invoiced", "received", "credited", "voided", "refunded", "closed_by_state"),
    *("closing", "unapplied"),
)
"""The names and order in which a snapshot keeps a month's figures. A stored book has them: they never change."""


def to_stored(months: Mapping[str, CurrencyMonth]) -> dict[str, dict[str, Any]]:
    """Figures per currency as plain values, for a snapshot."""
    return {currency: _stored(month) for currency, month in months.items()}


def _stored(month: CurrencyMonth) -> dict[str, Any]:
    control = month.control
    kept = {} if control is None else {"control": {name: getattr(control, name) for name in STORED_CONTROL_FIELDS}}
    return {name: getattr(month, name) for name in STORED_FIELDS} | kept


def from_stored(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, CurrencyMonth]:
    """The figures per currency that a snapshot keeps."""
    return {currency: _from_stored(**own) for currency, own in figures.items()}


def _from_stored(control: Mapping[str, int] | None = None, **figures: Any) -> CurrencyMonth:
    return CurrencyMonth(**figures, control=None if control is None else Control(**control))


class DatedAccount:
    """An account with its documents in hand, and the days between which each can matter."""

    def __init__(self, account: Account, documents: Iterable[DatedDocument]) -> None:
        self.account = account
        self.documents = [(document.issued, closed_from(document), document) for document in documents]

    def may_owe(self, day: int) -> bool:
        """Whether it may have something open on a day."""
        return any(issued <= day < closed for issued, closed, _ in self.documents)

    def as_of(self, day: int) -> tuple[Account, list[DatedDocument]]:
        """It with the documents that a report of `day` takes: issued by then, closed for a year at most.

        What a promise was kept with is older than that at times, so an account with promises keeps all of them. The
        money beside a document that is left out goes to the account.
        """
        year, account = year_before(day), self.account
        taken, money = [], list(account.money)
        for issued, closed, document in self.documents:
            if account.promises or (closed > year and issued <= day):
                taken.append(document)
            else:
                money += money_changes(document)
        return (account if len(money) == len(account.money) else account._replace(money=money)), taken


class MonthFigures:
    """The figures of some months of a book while its accounts are added, one after another.

    ends: the last days of the months, in order. They are whole if it was given every document that was not closed yet
    when the first of them began, and every account with money.
    """

    def __init__(self, ends: Sequence[int]) -> None:
        self._ends = list(ends)
        self._befores = [day_before_month(end) for end in ends]
        self._months: list[dict[str, CurrencyMonth]] = [{} for _ in ends]
        self._movements = ControlMovements()

    def add(self, dated: DatedAccount) -> None:
        """Adds an account."""
        self._movements.add_account(dated.account)
        late = set()
        for issued, closed, document in dated.documents:
            self._movements.add_document(document, money_changes(document))
            # The months that end on its issue or later, and that began before it was closed.
            for number in range(bisect_left(self._ends, issued), bisect_left(self._befores, closed)):
                own = self._months[number].setdefault(document.currency, CurrencyMonth())
                if _add(own, document, self._befores[number], self._ends[number]):
                    late.add((number, document.currency))
        for number, currency in late:
            self._months[number][currency].customers += 1

    def month(self, end: int, previous: Mapping[str, CurrencyMonth]) -> dict[str, CurrencyMonth]:
        """The figures of the month that ends on `end`, after the snapshot of the month before."""
        number = self._ends.index(end)
        before = self._befores[number]
        figures = {currency: replace(own) for currency, own in self._months[number].items()}
        for currency, last in previous.items():
            own = figures.setdefault(currency, CurrencyMonth())
            own.opening = last.closing
            own.restated -= last.closing
        for currency in self._movements.currencies():
            figures.setdefault(currency, CurrencyMonth())
        for currency, own in figures.items():
            own.control = self._control(currency, own, previous.get(currency), before, end)
        return {currency: own for currency, own in figures.items() if not own.is_empty()}

    def _control(
        self, currency: str, month: CurrencyMonth, previous: CurrencyMonth | None, before: int, end: int
    ) -> Control:
        """The roll-forward of the control account; it opens at zero after a month that has none."""
        control = self._movements.month(currency, before, end)
        control.closing = month.outstanding - control.unapplied
        control.opening = 0 if previous is None or previous.control is None else previous.control.closing
        balance_before = month.opening_outstanding - self._movements.unapplied_at(currency, before)
        control.restated = balance_before - control.opening
        return control


def _add(month: CurrencyMonth, document: DatedDocument, before: int, end: int) -> bool:
    """Adds a document's month; whether it is overdue at close."""
    opened, closed = owed_at(document, before), owed_at(document, end)
    was, now = _bucket(document, before), _bucket(document, end)
    month.opening_outstanding += opened
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
            if document.states:
                paid += closed_by_state_at(document, day) - closed_by_state_at(document, day - 1)
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
    days |= {entered for entered, _, _ in document.states}
    yield from sorted(day for day in days if before < day <= end)


def _overdue(document: DatedDocument, day: int) -> int:
    return owed_at(document, day) if document.due is not None and day > document.due else 0
