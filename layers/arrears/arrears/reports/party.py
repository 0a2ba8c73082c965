"""A party as of a day: its balances, open documents and money on account."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from arrears.ledger.dated_document import (
    Account,
    DatedDocument,
    Settled,
    applied_at,
    disputed_amount_at,
)
from arrears.ledger.ledger_side import Side
from arrears.ledger.money import to_minor
from arrears.ledger.on_account import unapplied_at
from arrears.ledger.organisation import Organisation
from arrears.ledger.parties import Party
from arrears.reports.aging import RowReference, bucket_of, currency_order, overdue_report, owed_at
from arrears.reports.money_items import MoneyItem, money_items
from arrears.reports.payment_behaviour import settled_in_year


class Balance(NamedTuple):
    """What a party owes, or is owed, in one currency: minor units, what is open by bucket.

    row: the reference of its row in the overdue report; None when nothing is overdue.
    """

    currency: str
    buckets: list[int]
    unapplied: int
    credit_limit: int | None
    row: RowReference | None

    @property
    def outstanding(self) -> int:
        """What is open."""
        return sum(self.buckets)

    @property
    def net(self) -> int:
        """What is open less what is on account."""
        return self.outstanding - self.unapplied


type OpenSortKey = tuple[bool, str, int, int, str]
"""Default currency first, then alphabetically; inside a currency by most days overdue, amount and id."""


class OpenDocument(NamedTuple):
    """An open document: what it owes in minor units, and its days overdue, 0 without a due date."""

    sort_key: OpenSortKey
    document: DatedDocument
    owed: int
    days: int

    def applied(self, day: int) -> int:
        """What is applied to it by the end of the day."""
        return applied_at(self.document, day)

    def disputed(self, day: int) -> int:
        """How much of what it owes is disputed on the day."""
        return disputed_amount_at(self.document, day) if self.document.disputes else 0


@dataclass(frozen=True, slots=True)
class PartyReport:
    """What a party's page is made of, as of a day.

    account, documents: as a reader has them for that day. open_documents: in the order in which they are shown.
    settled: what was settled within a year, added up; None when nothing was.
    """

    day: int
    party: Party
    account: Account
    documents: Sequence[DatedDocument]
    balances: list[Balance]
    open_documents: list[OpenDocument]
    on_account: list[MoneyItem]
    settled: Settled | None


def party_report(
    party: Party, account: Account, documents: list[DatedDocument], day: int, organisation: Organisation
) -> PartyReport:
    """The report of a party on `day`. account, documents: as a reader has them for that day."""
    default = organisation.currency
    return PartyReport(
        day,
        party,
        account,
        documents,
        _balances(party, account, documents, day, organisation),
        _open_documents(documents, day, default),
        money_items(account, documents, day),
        settled_in_year(account, documents, day),
    )


def _balances(
    party: Party, account: Account, documents: list[DatedDocument], day: int, organisation: Organisation
) -> list[Balance]:
    report = overdue_report([(account, documents)], day, organisation)
    rows = {row.currency: row for row in report.rows}
    buckets = {entry.currency: list(entry.amounts) for entry in report.aging}
    unapplied = unapplied_at(account, documents, day)
    limits = _credit_limits(party) if party.side is Side.RECEIVABLE else {}
    currencies = currency_order(buckets.keys() | unapplied.keys() | limits.keys(), organisation.currency)
    return [
        Balance(one, buckets.get(one, [0] * 5), unapplied.get(one, 0), limits.get(one), rows.get(one))
        for one in currencies
    ]


def _credit_limits(party: Party) -> dict[str, int]:
    """The limits that the customer's record names, in minor units by currency."""
    limits = party.content.get("credit_limit") or {}
    return {currency: to_minor(Decimal(amount), currency) or 0 for currency, amount in limits.items()}


def _open_documents(documents: Sequence[DatedDocument], day: int, default: str) -> list[OpenDocument]:
    found = []
    for document in documents:
        owed = owed_at(document, day)
        if owed:
            days = 0 if document.due is None else day - document.due
            sort_key = (document.currency != default, document.currency, -days, -owed, document.id)
            found.append(OpenDocument(sort_key, document, owed, days))
    return sorted(found, key=lambda one: one.sort_key)


def bucket_index(document: OpenDocument) -> int:
    """The index of its bucket in BUCKETS."""
    return bucket_of(document.days)
