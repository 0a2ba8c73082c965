"""Aging: what is open on a day, by currency and by days past due.

The buckets are those of an aged receivables report by due date: not yet due, 1-30, 31-60, 61-90 and more than 90 days.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

from arrears.ledger.dated_document import PAYABLE_STATES, Account, DatedDocument, bill_state_name_at
from arrears.ledger.figures import NO_DUE, OPEN, OUTSTANDING, UNAPPLIED, WITH_MONEY, Cells
from arrears.ledger.on_account import unapplied_at
from arrears.ledger.organisation import Organisation
from arrears.ledger.policy import Policy

BUCKETS = ("current", "d1To30", "d31To60", "d61To90", "d90Plus")


def bucket_of(days_overdue: int) -> int:
    """The index in BUCKETS of so many days overdue: due today is current, 30 days are still 1-30."""
    if days_overdue <= 0:
        return 0
    return (days_overdue + 29) // 30 if days_overdue <= 90 else 4


def owed_at(document: DatedDocument, day: int) -> int:
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
    document: DatedDocument


class CurrencyAging(NamedTuple):
    """What is open in one currency, by bucket: amounts in minor units, and counts of documents.

    unapplied: the money on account in it; unapplied_count: of how many counterparties.
    """

    currency: str
    amounts: Sequence[int]
    counts: Sequence[int]
    unapplied: int = 0
    unapplied_count: int = 0

    @property
    def overdue_amount(self) -> int:
        """What is past due, in minor units."""
        return sum(self.amounts[1:])

    @property
    def overdue_count(self) -> int:
        """How many documents are past due."""
        return sum(self.counts[1:])

    @property
    def net(self) -> int:
        """What is open, less money on account: this ties to the control account."""
        return sum(self.amounts) - self.unapplied


class Unapplied(NamedTuple):
    """Money on account in one currency (minor units), and of how many counterparties it is."""

    currency: str
    amount: int
    party_count: int


@dataclass(slots=True)
class Aging:
    """Buckets per currency while documents are added up: amounts in minor units, and counts; money on account too."""

    amounts: dict[str, list[int]] = field(default_factory=dict)
    counts: dict[str, list[int]] = field(default_factory=dict)
    unapplied: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, currency: str, owed: int, days: int) -> None:
        """Adds one open document."""
        if currency not in self.amounts:
            self.amounts[currency], self.counts[currency] = [0] * 5, [0] * 5
        bucket = bucket_of(days)
        self.amounts[currency][bucket] += owed
        self.counts[currency][bucket] += 1

    def add_many(self, currency: str, bucket: int, amount: int, count: int) -> None:
        """Adds what many open documents in a bucket owe, or how many they are."""
        if currency not in self.amounts:
            self.amounts[currency], self.counts[currency] = [0] * 5, [0] * 5
        self.amounts[currency][bucket] += amount
        self.counts[currency][bucket] += count

    def add_cells(self, cells: Cells, day: int) -> None:
        """Adds what steady accounts have open and on account: see arrears.ledger.figures."""
        for (_, kind, currency, due), amount in cells.items():
            if kind == OUTSTANDING:
                self.add_many(currency, 0 if due == NO_DUE else bucket_of(day - due), amount, 0)
            elif kind == OPEN:
                self.add_many(currency, 0 if due == NO_DUE else bucket_of(day - due), 0, amount)
            elif kind == UNAPPLIED:
                self.add_unapplied_of(currency, amount, 0)
            elif kind == WITH_MONEY:
                self.add_unapplied_of(currency, 0, amount)

    def add_unapplied_of(self, currency: str, amount: int, count: int) -> None:
        """Adds the money on account of many counterparties, or how many they are."""
        total, known = self.unapplied.get(currency, (0, 0))
        self.unapplied[currency] = total + amount, known + count

    def add_unapplied(self, sums: dict[str, int]) -> None:
        """Adds one counterparty's money on account."""
        for currency, amount in sums.items():
            self.add_unapplied_of(currency, amount, 1)

    def by_currency(self, default: str) -> list[CurrencyAging]:
        """The sums of currencies with an open document, the default currency first, then alphabetically."""
        return [
            CurrencyAging(
                currency, self.amounts[currency], self.counts[currency], *self.unapplied.get(currency, (0, 0))
            )
            for currency in currency_order(self.amounts, default)
        ]

    def unapplied_by_currency(self, default: str) -> list[Unapplied]:
        """The money on account of every currency in which somebody has some."""
        return [Unapplied(currency, *self.unapplied[currency]) for currency in currency_order(self.unapplied, default)]


def currency_order(currencies: Iterable[str], default: str) -> list[str]:
    """The default currency first, then alphabetically."""
    return sorted(currencies, key=lambda currency: (currency != default, currency))


type SortKey = tuple[bool, str, int, int, str, str]
"""Default currency first, then alphabetically; inside a currency by most days overdue, amount, name and id."""


class RowReference(NamedTuple):
    """A counterparty with something overdue in one currency, of which no more is worked out than its position.

    documents: all of the account's. overdue_count: how many of them are overdue in the currency. unapplied: its money
    on account in the currency, in minor units.
    """

    sort_key: SortKey
    account: Account
    documents: list[DatedDocument]
    currency: str
    overdue_count: int
    unapplied: int

    @property
    def days(self) -> int:
        """The most days overdue of its documents."""
        return -self.sort_key[2]

    @property
    def owed(self) -> int:
        """What is overdue, in minor units."""
        return -self.sort_key[3]


@dataclass(frozen=True, slots=True)
class Report:
    """An overdue report as of a day: what is open and on account by currency, and references to its rows, in order.

    A large book's answer shows a page of its rows, and a row costs more than everything else in the report: so a row is
    worked out from its reference when it is shown, by the function of its ledger side. party_count, overdue_count: of
    counterparties with something overdue, and of overdue documents. rows: all, or those around the page asked for.
    """

    day: int
    policy: Policy
    aging: list[CurrencyAging]
    unapplied: list[Unapplied]
    party_count: int
    overdue_count: int
    rows: list[RowReference]


type Accounts = Iterable[tuple[Account, list[DatedDocument]]]


def overdue_report(accounts: Accounts, day: int, organisation: Organisation) -> Report:
    """The report of a book on `day`; the aging has everything open, the rows what is overdue."""
    default = organisation.currency
    aging = Aging()
    rows = overdue_rows(accounts, day, default, aging)
    return Report(
        day,
        organisation.policy,
        aging.by_currency(default),
        aging.unapplied_by_currency(default),
        len({row.account.id for row in rows}),
        sum([row.overdue_count for row in rows]),
        rows,
    )


def overdue_rows(accounts: Accounts, day: int, default: str, aging: Aging) -> list[RowReference]:
    """References to the rows of accounts, in order; what is open and on account is added to the aging."""
    rows = []
    for account, documents in accounts:
        overdue: dict[str, list[int]] = {}
        on_account = bool(account.money)
        for document in documents:
            owed = owed_at(document, day)
            if not owed or document.allocated:
                on_account = on_account or bool(document.applied)
            if owed:
                currency = document.currency
                days = 0 if document.due is None else day - document.due
                aging.add(currency, owed, days)
                if days > 0:
                    sums = overdue.setdefault(currency, [0, 0, 0])
                    sums[0] += 1
                    sums[1] += owed
                    sums[2] = max(sums[2], days)
        unapplied = unapplied_at(account, documents, day) if on_account else {}
        aging.add_unapplied(unapplied)
        for currency, (count, owed, days) in overdue.items():
            sort_key = row_sort_key(account, currency, days, owed, default)
            rows.append(RowReference(sort_key, account, documents, currency, count, unapplied.get(currency, 0)))
    rows.sort(key=attrgetter("sort_key"))
    return rows


def row_sort_key(account: Account, currency: str, days: int, owed: int, default: str) -> SortKey:
    """Where a row stands among the others; days: the most that one of its documents is overdue."""
    return currency != default, currency, -days, -owed, account.name, account.id


def oldest_of(ordered: Sequence[Overdue]) -> Overdue:
    """Of documents in order: earliest due date, then larger outstanding."""
    first = ordered[0]
    if len(ordered) == 1 or first.due < ordered[1].due:
        return first
    return min((late for late in ordered if late.due == first.due), key=lambda late: (-late.owed, late.id))


def overdue_of(documents: Iterable[DatedDocument], currency: str, day: int) -> list[Overdue]:
    """The overdue documents of one currency, in order."""
    late = [
        Overdue(document.due, document.id, owed, day - document.due, document)
        for document in documents
        if document.due is not None and document.due < day and document.currency == currency
        if (owed := owed_at(document, day))
    ]
    late.sort()
    return late
