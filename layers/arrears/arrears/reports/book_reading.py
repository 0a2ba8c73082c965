"""Reads a book for a report: to show a page of a large one where that is enough, all of it otherwise.

All of it is read for past days, for books that are still of an older form, and where no page is asked for.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from arrears.ledger.dated_document import Account, DatedDocument
from arrears.ledger.ledger_side import Side
from arrears.ledger.open_book import OpenBook, OpenRow
from arrears.ledger.organisation import Organisation
from arrears.reports.page_request import PageRequest

type Found = Iterator[tuple[Account, list[DatedDocument]]]
type OfPage[Report] = Callable[[OpenBook, int, Organisation, PageRequest], Report]
type OfAll[Report] = Callable[[Found, int, Organisation], Report]


class Ledger(Protocol):
    """What reports are read from."""

    def accounts(self, organisation: Organisation, side: Side, day: int, today: int) -> Found:
        """Every account with what may count on a day."""

    def complete(
        self,
        organisation: Organisation,
        side: Side,
        accounts: Iterable[Account],
        day: int,
        today: int,
        behaviour: bool = True,
    ) -> dict[str, Account]:
        """Those of some accounts that lack something for rows of a day, complete, by id."""

    def open_book(self, organisation: Organisation, side: Side, page: int) -> OpenBook:
        """What is open today or later, to be read a page of rows at a time."""


class Around(Protocol):
    """What stops reading that takes too long."""

    def __call__[T](self, items: Iterable[T], /) -> Iterator[T]:
        """The items as they are read."""


def _without_limit[T](items: Iterable[T]) -> Iterator[T]:
    return iter(items)


class _InTime:
    """A book that is not read for too long."""

    def __init__(self, book: OpenBook, around: Around) -> None:
        self._around = around
        self._book = book
        self.cells, self.whole, self.documents = book.cells, book.whole, book.documents

    def ahead(self) -> Found:
        """The accounts that something dated ahead will change."""
        return self._around(self._book.ahead())

    def rows(self, currency: str, first: int, last: int) -> Iterator[OpenRow]:
        """The rows of all others."""
        return self._around(self._book.rows(currency, first, last))


class BookReading:
    """Reads the book of a side for a day. around: what stops reading that takes too long, if anything does."""

    def __init__(
        self,
        ledger: Ledger,
        organisation: Organisation,
        side: Side,
        day: int,
        today: int,
        around: Around = _without_limit,
    ) -> None:
        self._ledger = ledger
        self._organisation = organisation
        self._side = side
        self._day = day
        self._today = today
        self._around = around

    def accounts(self) -> Found:
        """Every account with what may count on the day."""
        return self._around(self._ledger.accounts(self._organisation, self._side, self._day, self._today))

    def complete(self, accounts: Iterable[Account]) -> dict[str, Account]:
        """Those of some accounts that lack something that their rows are worked out from, complete, by id."""
        return self._ledger.complete(self._organisation, self._side, accounts, self._day, self._today)

    def judgeable(self, accounts: Iterable[Account]) -> dict[str, Account]:
        """The same as far as tier, urgency and action take it: without the history that payment behaviour takes."""
        return self._ledger.complete(self._organisation, self._side, accounts, self._day, self._today, behaviour=False)

    def report[Report](self, page: PageRequest | None, of_page: OfPage[Report], of_all: OfAll[Report]) -> Report:
        """A report by the function that makes it of a page of the book, or by the one that makes it of all accounts.

        page: the rows that are wanted in the default order; None: all of them.
        """
        if page is None or self._day < self._today or not self._organisation.paged:
            return of_all(self.accounts(), self._day, self._organisation)
        book = _InTime(self._ledger.open_book(self._organisation, self._side, page.limit), self._around)
        whole = book.whole() if page.after is None else None
        if whole is None:
            return of_page(book, self._day, self._organisation, page)
        return of_all(whole, self._day, self._organisation)
