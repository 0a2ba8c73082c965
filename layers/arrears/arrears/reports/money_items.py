"""Money on account piece by piece: which payment, credit or document each amount is of."""

from collections.abc import Iterable
from typing import NamedTuple

from arrears.ledger.dated_document import Account, DatedDocument, MoneyChange
from arrears.ledger.on_account import beside_at, counts_at

EXCESS, WITHOUT_DOCUMENT = "excess", "without_document"
DOCUMENT_LETTERS = ("i", "b")


class MoneyItem(NamedTuple):
    """One amount on account, in minor units; negative where more was moved or refunded than there was.

    source: "P" (payment) or "K" (credit) and its outward id; "i" or "b" and that of the document which has more applied
    than its total, or does not count on the day. dated_on: the day of a payment or credit, None for a document's.
    """

    source: str
    currency: str
    amount: int
    dated_on: int | None

    @property
    def id(self) -> str:
        """The outward id of the payment, credit or document."""
        return self.source[1:]

    @property
    def of_document(self) -> bool:
        """Whether it stands beside a document, not on a payment or credit of its own."""
        return self.source.startswith(DOCUMENT_LETTERS)


def money_items(account: Account, documents: Iterable[DatedDocument], day: int) -> list[MoneyItem]:
    """What a party has on account at the end of a day, nothing that is zero. documents: all of the account's in hand.

    Payments and credits first, by day; then what stands beside documents. Added up they are `unapplied_at`.
    """
    sums: dict[tuple[str, str], int] = {}
    dates: dict[str, int] = {}
    for stored in account.money:
        change = MoneyChange(*stored)
        if change.day <= day:
            _add(sums, change.source, change.currency, change.amount)
            dates[change.source] = change.dated_on
    for document in documents:
        if document.applied:
            source = ("b" if document.states else "i") + document.id
            _add(sums, source, document.currency, beside_at(document, day))
            for allocated_on, amount, dated_on, of in document.allocated:
                if allocated_on <= day:
                    _add(sums, of, document.currency, -amount)
                    dates[of] = dated_on
    found = [
        MoneyItem(source, currency, amount, None if source.startswith(DOCUMENT_LETTERS) else dates[source])
        for (source, currency), amount in sums.items()
        if amount
    ]
    return sorted(found, key=lambda item: (item.of_document, item.dated_on or 0, item.source, item.currency))


def _add(sums: dict[tuple[str, str], int], source: str, currency: str, amount: int) -> None:
    sums[source, currency] = sums.get((source, currency), 0) + amount


def kind_of(document: DatedDocument, day: int) -> str:
    """What an amount beside a document is: too much of one that counts, or all of one that does not."""
    return EXCESS if counts_at(document, day) else WITHOUT_DOCUMENT
