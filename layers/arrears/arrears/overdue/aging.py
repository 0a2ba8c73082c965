"""Aging: what is open on a day, by currency and by days past due.

The buckets are those of an aged receivables report by due date: not yet due, 1-30, 31-60, 61-90 and more than 90 days.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from arrears.ledger.days import day_text
from arrears.ledger.facts import PAYABLE_STATES, Account, Facts, bill_state_at
from arrears.ledger.money import major_number

BUCKETS = ("current", "d1To30", "d31To60", "d61To90", "d90Plus")


def bucket_of(days_overdue: int) -> int:
    """The place in BUCKETS of so many days overdue: due today is current, 30 days are still 1-30."""
    if days_overdue <= 0:
        return 0
    return min((days_overdue + 29) // 30, 4)


def owed_at(document: Facts, day: int) -> int:
    """What an open document owes at the end of `day`, in minor units; 0 when it is not open."""
    if document.issued > day or document.voided <= day:
        return 0
    owed = document.total
    for step in document.applied:
        if step[0] <= day:
            owed -= step[1] + step[2]
    if owed <= 0 or (document.states and bill_state_at(document, day).state not in PAYABLE_STATES):
        return 0
    return owed


class Overdue(NamedTuple):
    """An overdue document: what it owes (minor units) and for how many days it has been late."""

    document: Facts
    owed: int
    days: int


@dataclass(slots=True)
class Aging:
    """Buckets per currency: amounts in minor units, and counts."""

    amounts: dict[str, list[int]] = field(default_factory=dict)
    counts: dict[str, list[int]] = field(default_factory=dict)

    def add(self, currency: str, owed: int, days: int) -> None:
        """Adds one open document."""
        if currency not in self.amounts:
            self.amounts[currency], self.counts[currency] = [0] * 5, [0] * 5
        place = bucket_of(days)
        self.amounts[currency][place] += owed
        self.counts[currency][place] += 1

    def overdue(self, currency: str) -> tuple[int, int]:
        """Amount and count past due of a currency."""
        return sum(self.amounts[currency][1:]), sum(self.counts[currency][1:])

    def body(self, currencies: Iterable[str]) -> list[dict[str, Any]]:
        """The buckets as they are answered, one entry per currency."""
        return [
            {
                "currency": currency,
                "buckets": {
                    bucket: {"amount": major_number(amount, currency), "count": count}
                    for bucket, amount, count in zip(
                        BUCKETS, self.amounts[currency], self.counts[currency], strict=True
                    )
                },
            }
            for currency in currencies
        ]

    def overdue_body(self, currencies: Iterable[str]) -> list[dict[str, Any]]:
        """What is overdue per currency, where anything is, as it is answered."""
        sums = ((currency, *self.overdue(currency)) for currency in currencies)
        return [
            {"currency": currency, "amount": major_number(amount, currency), "count": count}
            for currency, amount, count in sums
            if count
        ]


def overdue_by_currency(aging: Aging, documents: Iterable[Facts], day: int) -> dict[str, list[Overdue]]:
    """Adds a counterparty's open documents to the aging, and gives its overdue ones per currency."""
    overdue: dict[str, list[Overdue]] = {}
    for document in documents:
        owed = owed_at(document, day)
        if owed:
            days = 0 if document.due is None else day - document.due
            aging.add(document.currency, owed, days)
            if days > 0:
                overdue.setdefault(document.currency, []).append(Overdue(document, owed, days))
    return overdue


def currency_order(currencies: Iterable[str], default: str) -> list[str]:
    """The default currency first, then alphabetically."""
    return sorted(currencies, key=lambda currency: (currency != default, currency))


class Row(NamedTuple):
    """A counterparty's row in one currency: what rows are sorted by, and the row as it is answered."""

    currency: str
    days: int
    owed: int
    name: str
    account: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """An overdue report as it is answered, its rows in order."""

    totals: dict[str, Any]
    aging: list[dict[str, Any]]
    rows: list[Row]


def row_place(row: Row, default: str) -> tuple[bool, str, int, int, str, str]:
    """What rows are sorted by: default currency, then alphabetically; inside by most days overdue, amount, name."""
    return row.currency != default, row.currency, -row.days, -row.owed, row.name, row.account


def sort_rows(rows: list[Row], default: str) -> None:
    """Puts rows in order."""
    rows.sort(key=lambda row: row_place(row, default))


def due_order(overdue: Iterable[Overdue]) -> list[Overdue]:
    """By due date, then id."""
    return sorted(overdue, key=lambda late: (-late.days, late.document.id))


def oldest_of(overdue: Iterable[Overdue]) -> Overdue:
    """Earliest due date, then larger outstanding."""
    return min(overdue, key=lambda late: (-late.days, -late.owed, late.document.id))


def summary(late: Overdue, id_name: str) -> dict[str, Any]:
    """A document in a row, as it is answered."""
    document = late.document
    return {
        id_name: document.id,
        "invoiceNumber": document.number,
        "totalAmount": major_number(document.total, document.currency),
        "outstanding": major_number(late.owed, document.currency),
        "dueDate": None if document.due is None else day_text(document.due),
        "daysOverdue": late.days,
    }


type Accounts = Iterable[tuple[Account, list[Facts]]]


def overdue_accounts(
    accounts: Accounts, aging: Aging, day: int
) -> Iterator[tuple[Account, list[Facts], dict[str, list[Overdue]]]]:
    """The counterparties with something overdue; the aging takes in everything open on the way."""
    for account, documents in accounts:
        overdue = overdue_by_currency(aging, documents, day)
        if overdue:
            yield account, documents, overdue
