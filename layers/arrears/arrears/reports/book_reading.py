"""Reads overdue reports and aged lists: a page of a large book where that is enough, all of it otherwise.

All of it is read for past days, for books that are still of an older form, and where no page is asked for.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

from arrears.ledger.dated_document import Account, DatedDocument
from arrears.ledger.ledger_side import Side
from arrears.ledger.open_book import OpenBook
from arrears.ledger.organisation import Organisation
from arrears.reports.aged_list import AgedList, PartyReference, aged_parties
from arrears.reports.aged_page import aged_page
from arrears.reports.aging import Report, overdue_report
from arrears.reports.overdue_page import overdue_page
from arrears.reports.paging import PageRequest

type Found = Iterator[tuple[Account, list[DatedDocument]]]


class Ledger(Protocol):
    """What reports are read from."""

    def accounts(self, organisation: Organisation, side: Side, day: int, today: int) -> Found:
        """Every account with what may count on a day."""

    def open_book(self, organisation: Organisation, side: Side, page: int) -> OpenBook:
        """What is open today or later, to be read a page of rows at a time."""


class BookReading:
    """Reads the book of a side for a day. around: what stops reading that takes too long, if anything does."""

    def __init__(
        self,
        ledger: Ledger,
        organisation: Organisation,
        side: Side,
        day: int,
        today: int,
        around: Callable[[Found], Found] = lambda accounts: accounts,
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

    def overdue(self, page: PageRequest | None) -> Report:
        """The overdue report. page: the rows that are wanted in the default order; None: all of them."""
        found = self._page_of(page)
        if isinstance(found, tuple):
            return overdue_page(found[0], self._day, self._organisation, found[1])
        return overdue_report(found, self._day, self._organisation)

    def aged(self, page: PageRequest | None) -> AgedList[PartyReference]:
        """The aged list by counterparty; page: as above."""
        found = self._page_of(page)
        if isinstance(found, tuple):
            return aged_page(found[0], self._day, self._organisation, found[1])
        return aged_parties(found, self._day, self._organisation)

    def _page_of(self, page: PageRequest | None) -> tuple[OpenBook, PageRequest] | Found:
        """The book to read a page of; all accounts where they all have to be read, or a first page has them all."""
        if page is None or self._day < self._today or not self._organisation.paged:
            return self.accounts()
        book = self._ledger.open_book(self._organisation, self._side, page.limit)
        whole = book.whole() if page.after is None else None
        return (book, page) if whole is None else whole
