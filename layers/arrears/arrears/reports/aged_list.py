"""Aged lists: everything open on a day, what is not due yet included, and the money on account beside it.

A list has a row per counterparty and currency, or one per open document. As in the overdue reports, a row is worked out
from its reference when it is shown. Amounts are minor units.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from arrears.ledger.dated_document import (
    Account,
    DatedDocument,
    awaits_approval_at,
    bill_state_name_at,
    disputed_amount_at,
    disputed_at,
)
from arrears.ledger.figures import AWAITED, AWAITING, MONEY_ONLY, OPEN, PARTIES, Cells
from arrears.ledger.on_account import unapplied_at
from arrears.ledger.organisation import Organisation
from arrears.ledger.policy import Policy
from arrears.reports.aging import (
    BUCKETS,
    Accounts,
    Aging,
    CurrencyAging,
    SortKey,
    Unapplied,
    bucket_of,
    currency_order,
    owed_at,
)


@dataclass(frozen=True, slots=True)
class Counted:
    """An amount, and of how many it is the sum."""

    amount: int
    count: int

    def plus(self, amount: int) -> "Counted":
        """With one more."""
        return Counted(self.amount + amount, self.count + 1)


NOTHING = Counted(0, 0)

type CurrencySums = dict[str, Counted]


class PartyReference(NamedTuple):
    """A counterparty with something open or on account in one currency. documents: all of the account's in hand."""

    sort_key: SortKey
    account: Account
    documents: list[DatedDocument]
    currency: str
    unapplied: int


type DocumentSortKey = tuple[bool, str, int, int, str]
"""Default currency first, then alphabetically; inside a currency by most days overdue, outstanding and id."""


class DocumentReference(NamedTuple):
    """An open document, and what is outstanding of it."""

    sort_key: DocumentSortKey
    account: Account
    document: DatedDocument
    owed: int


@dataclass(frozen=True, slots=True)
class AgedList[Reference]:
    """An aged list as of a day: the balances of the whole book by currency, and references to its rows, in order.

    aging: an entry for every currency with something open or on account. unapplied: where there is any. awaiting: the
    bills that wait for approval, which are neither open nor part of a net, by currency in the same order.
    party_count: counterparties with something open or on account.
    """

    day: int
    policy: Policy
    aging: list[CurrencyAging]
    unapplied: list[Unapplied]
    awaiting: CurrencySums
    party_count: int
    document_count: int
    rows: list[Reference]


type _Open = tuple[DatedDocument, int, int]
"""An open document, what it owes and its days overdue: a plain tuple, as every open document of every list has one."""


class BookSums:
    """The sums of a book while its accounts are read."""

    def __init__(self, day: int, organisation: Organisation) -> None:
        self._day = day
        self._organisation = organisation
        self._aging = Aging()
        self._awaiting: CurrencySums = {}
        self._party_count = 0
        self._document_count = 0

    def add(self, account: Account, documents: Iterable[DatedDocument]) -> tuple[list[_Open], dict[str, int]]:
        """Adds an account. Returns its open documents, and its money on account by currency."""
        day, found = self._day, []
        beside = []
        for document in documents:
            owed = owed_at(document, day)
            if owed:
                days = 0 if document.due is None else day - document.due
                self._aging.add(document.currency, owed, days)
                found.append((document, owed, days))
            elif document.states and awaits_approval_at(document, day):
                counted = self._awaiting.get(document.currency, NOTHING)
                self._awaiting[document.currency] = counted.plus(document.total)
            # What is applied to an open document is taken up by its total; only what was allocated was on account.
            if document.applied and (not owed or document.allocated):
                beside.append(document)
        unapplied = unapplied_at(account, beside, day) if beside or account.money else {}
        self._aging.add_unapplied(unapplied)
        self._document_count += len(found)
        self._party_count += bool(found or unapplied)
        return found, unapplied

    def add_cells(self, cells: Cells) -> None:
        """Adds what steady accounts add up to: see arrears.ledger.figures."""
        self._aging.add_cells(cells, self._day)
        for (_, kind, currency, _), amount in cells.items():
            if kind == OPEN:
                self._document_count += amount
            elif kind in (PARTIES, MONEY_ONLY):
                self._party_count += amount
            elif kind in (AWAITING, AWAITED):
                counted = self._awaiting.get(currency, NOTHING)
                more = (0, amount) if kind == AWAITING else (amount, 0)
                self._awaiting[currency] = Counted(counted.amount + more[0], counted.count + more[1])

    def list_of[Reference](self, rows: list[Reference]) -> AgedList[Reference]:
        """The list of what was added, with its rows in order."""
        default = self._organisation.currency
        unapplied = self._aging.unapplied_by_currency(default)
        aging = {currency: CurrencyAging(currency, [0] * 5, [0] * 5, *sums) for currency, *sums in unapplied}
        aging |= {entry.currency: entry for entry in self._aging.by_currency(default)}
        return AgedList(
            self._day,
            self._organisation.policy,
            [aging[currency] for currency in currency_order(aging, default)],
            unapplied,
            {currency: self._awaiting[currency] for currency in currency_order(self._awaiting, default)},
            self._party_count,
            self._document_count,
            rows,
        )


def aged_parties(accounts: Accounts, day: int, organisation: Organisation) -> AgedList[PartyReference]:
    """The list by counterparty: a row for each currency in which one has something open or on account."""
    book = BookSums(day, organisation)
    rows = party_rows(book, accounts, organisation.currency)
    rows.sort(key=attrgetter("sort_key"))
    return book.list_of(rows)


def party_rows(book: BookSums, accounts: Accounts, default: str) -> list[PartyReference]:
    """References to the rows of accounts, in no order; what is open and on account is added to the book."""
    rows = []
    for account, documents in accounts:
        found, unapplied = book.add(account, documents)
        sums = {currency: [0, 0] for currency in unapplied}
        for document, owed, days in found:
            entry = sums.setdefault(document.currency, [0, 0])
            entry[0] += owed
            entry[1] = max(entry[1], days)
        for currency, (owed, days) in sums.items():
            sort_key = party_sort_key(account, currency, days, owed, default)
            rows.append(PartyReference(sort_key, account, documents, currency, unapplied.get(currency, 0)))
    return rows


def party_sort_key(account: Account, currency: str, days: int, owed: int, default: str) -> SortKey:
    """Where a counterparty's row stands; days: the most that one of its documents is overdue, 0 if none is."""
    return currency != default, currency, -days, -owed, account.name, account.party_id or ""


def aged_documents(accounts: Accounts, day: int, organisation: Organisation) -> AgedList[DocumentReference]:
    """The list by document: a row for each open one."""
    book, default = BookSums(day, organisation), organisation.currency
    rows = []
    for account, documents in accounts:
        found, _ = book.add(account, documents)
        for document, owed, days in found:
            sort_key = (document.currency != default, document.currency, -days, -owed, document.id)
            rows.append(DocumentReference(sort_key, account, document, owed))
    rows.sort(key=attrgetter("sort_key"))
    return book.list_of(rows)


class PartyBalance(NamedTuple):
    """What a counterparty has open and on account in one currency.

    buckets: outstanding amounts, in the order of BUCKETS. days_overdue: the most of any document, 0 if none is overdue.
    """

    account: Account
    currency: str
    buckets: list[int]
    unapplied: int
    days_overdue: int

    @property
    def outstanding(self) -> int:
        """What is open, due or not."""
        return sum(self.buckets)

    @property
    def overdue(self) -> int:
        """What is past due."""
        return sum(self.buckets[1:])

    @property
    def net(self) -> int:
        """What is open less what is on account; negative where more is on account."""
        return self.outstanding - self.unapplied


def party_balance(reference: PartyReference, day: int) -> PartyBalance:
    """The balance of a counterparty and a currency on the day of its list."""
    _, account, documents, currency, unapplied = reference
    buckets, most = [0] * len(BUCKETS), 0
    for document in documents:
        owed = owed_at(document, day) if document.currency == currency else 0
        if owed:
            days = 0 if document.due is None else day - document.due
            buckets[bucket_of(days)] += owed
            most = max(most, days)
    return PartyBalance(account, currency, buckets, unapplied, most)


def awaiting_of(reference: PartyReference, day: int) -> Counted:
    """The supplier's bills in the row's currency that wait for approval: their totals, whatever is applied to them."""
    totals = [
        document.total
        for document in reference.documents
        if document.currency == reference.currency and awaits_approval_at(document, day)
    ]
    return Counted(sum(totals), len(totals))


class AgedDocument(NamedTuple):
    """An open document. days_overdue: since its due date, negative before it, 0 without one.

    disputed: whether a dispute holds any of it. state: that of a bill, None for an invoice.
    """

    account: Account
    document: DatedDocument
    owed: int
    days_overdue: int
    disputed: bool
    disputed_amount: int
    state: str | None

    @property
    def bucket(self) -> str:
        """The name of its bucket."""
        return BUCKETS[bucket_of(self.days_overdue)]


def aged_document(reference: DocumentReference, day: int) -> AgedDocument:
    """The row of a document on the day of its list."""
    _, account, document, owed = reference
    return AgedDocument(
        account,
        document,
        owed,
        0 if document.due is None else day - document.due,
        disputed_at(document, day),
        disputed_amount_at(document, day),
        bill_state_name_at(document, day) if document.states else None,
    )
