"""The open accounts of a ledger side as reports ask for them when they show a page: sums, and rows in order."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from arrears.ledger.dated_document import Account, DatedDocument
from arrears.ledger.figures import Cells


class OpenRow(NamedTuple):
    """An account where its row in a currency stands among the others.

    due: the earliest due day of what it owes in the currency, NO_DUE if there is none. documents: its open ones.
    summed: the cells of the documents of a large account, which are not here; else None.
    """

    due: int
    account: Account
    documents: list[DatedDocument]
    summed: Cells | None


class OpenBook(Protocol):
    """What is open or on account from today on."""

    def whole(self) -> Iterator[tuple[Account, list[DatedDocument]]] | None:
        """All accounts with their documents, if the first page read has all of them; else None."""

    def cells(self) -> Cells:
        """What the accounts add up to, without those that something dated ahead will change."""

    def ahead(self) -> Iterator[tuple[Account, list[DatedDocument]]]:
        """The accounts that something dated ahead will change, with their documents."""

    def rows(self, currency: str, first: int, last: int) -> Iterator[OpenRow]:
        """The rows of all other accounts in a currency by their due days, from `first` to `last`."""

    def documents(self, account: Account) -> list[DatedDocument] | None:
        """The open documents of an account whose row was read without them; None if it has them."""
