"""Aging: what is open on a day, by currency and by days past due.

The buckets are those of an aged receivables report by due date: not yet due, 1-30, 31-60, 61-90 and more than 90 days.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

from arrears.ledger.days import day_text
from arrears.ledger.document_facts import PAYABLE_STATES, Account, Facts, bill_state_name_at
from arrears.ledger.money import major_number
from arrears.ledger.organisation import Organisation
from arrears.ledger.policy import Policy

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
    if owed <= 0 or (document.states and bill_state_name_at(document, day) not in PAYABLE_STATES):
        return 0
    return owed


class Overdue(NamedTuple):
    """An overdue document: what it owes (minor units) and for how many days it has been late.

    They sort as they are shown: by due date, then id.
    """

    due: int
    id: str
    owed: int
    days: int
    document: Facts


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


def currency_order(currencies: Iterable[str], default: str) -> list[str]:
    """The default currency first, then alphabetically."""
    return sorted(currencies, key=lambda currency: (currency != default, currency))


class Row(NamedTuple):
    """A counterparty's row in one currency. documents: of how many it is.

    place: what rows are sorted by: default currency, then alphabetically; inside by most days overdue, amount, name.
    write: makes the row as it is answered.
    """

    place: tuple[bool, str, int, int, str, str]
    documents: int
    write: Callable[[], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Report:
    """An overdue report as it is answered, its rows in order."""

    totals: dict[str, Any]
    aging: list[dict[str, Any]]
    rows: list[Row]


def oldest_of(ordered: Sequence[Overdue]) -> Overdue:
    """Of documents in order: earliest due date, then larger outstanding."""
    first = ordered[0]
    if len(ordered) == 1 or first.due < ordered[1].due:
        return first
    return min((late for late in ordered if late.due == first.due), key=lambda late: (-late.owed, late.id))


def summary(late: Overdue, id_name: str) -> dict[str, Any]:
    """A document in a row, as it is answered."""
    document = late.document
    return {
        id_name: late.id,
        "invoiceNumber": document.number,
        "totalAmount": major_number(document.total, document.currency),
        "outstanding": major_number(late.owed, document.currency),
        "dueDate": day_text(late.due),
        "daysOverdue": late.days,
    }


type Accounts = Iterable[tuple[Account, list[Facts]]]

type WriteRow = Callable[[Account, list[Facts], str, int, Policy], dict[str, Any]]
"""Makes the row, as it is answered, of a counterparty, its documents and a currency on a day."""


def overdue_report(
    accounts: Accounts, day: int, organisation: Organisation, counts: tuple[str, str], write: WriteRow
) -> Report:
    """Totals, aging and rows of a book on `day`. counts: what totals call the number of parties and of documents."""
    aging = Aging()
    rows = overdue_rows(accounts, aging, day, organisation, write)
    currencies = currency_order(aging.amounts, organisation.currency)
    parties, documents = counts
    totals = {
        parties: len({row.place[-1] for row in rows}),
        documents: sum([row.documents for row in rows]),
        "overdueByCurrency": aging.overdue_body(currencies),
    }
    return Report(totals, aging.body(currencies), rows)


def overdue_rows(accounts: Accounts, aging: Aging, day: int, organisation: Organisation, write: WriteRow) -> list[Row]:
    """The rows of all counterparties with something overdue, in order; the aging takes in everything open on the way.

    Rows know their place and no more until they are written, as most of a large book's are on other pages.
    """
    default, policy = organisation.currency, organisation.policy
    rows = []
    for account, documents in accounts:
        overdue: dict[str, list[int]] = {}
        for document in documents:
            owed = owed_at(document, day)
            if owed:
                currency = document.currency
                days = 0 if document.due is None else day - document.due
                aging.add(currency, owed, days)
                if days > 0:
                    sums = overdue.setdefault(currency, [0, 0, 0])
                    sums[0] += 1
                    sums[1] += owed
                    sums[2] = max(sums[2], days)
        for currency, (count, owed, days) in overdue.items():
            place = (currency != default, currency, -days, -owed, account.name, account.id)
            rows.append(Row(place, count, partial(write, account, documents, currency, day, policy)))
    rows.sort(key=attrgetter("place"))
    return rows


def overdue_of(documents: Iterable[Facts], currency: str, day: int) -> list[Overdue]:
    """The overdue documents of one currency, in order."""
    late = [
        Overdue(document.due, document.id, owed, day - document.due, document)
        for document in documents
        if document.due is not None and document.due < day and document.currency == currency
        if (owed := owed_at(document, day))
    ]
    late.sort()
    return late
