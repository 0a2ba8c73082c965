"""A page of an aged list by counterparty: totals from the sums of the book, and few more accounts read than it shows.

Overdue rows stand in the order of their earliest due days, as in an overdue report. All that is not overdue comes after
them by amount: a page with such rows reads everything of its currency that is not overdue.
"""

import heapq
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter

from arrears.ledger.figures import NO_DUE, OPEN, OUTSTANDING, UNAPPLIED, Cells
from arrears.ledger.open_book import OpenBook, OpenRow
from arrears.ledger.organisation import Organisation
from arrears.reports.aged_list import AgedList, BookSums, PartyReference, aged_parties, party_rows, party_sort_key
from arrears.reports.aging import SortKey, currency_order, owed_at
from arrears.reports.book_reading import BookReading
from arrears.reports.page_request import PageRequest
from arrears.reports.paging import (
    first_due_days,
    rows_after,
    sum_until,
    unapplied_of_large,
    with_documents,
)


def read_aged(reading: BookReading, page: PageRequest | None) -> AgedList[PartyReference]:
    """The aged list by counterparty. page: the rows that are wanted in the default order; None: all of them."""
    return reading.report(page, aged_page, aged_parties)


def aged_page(book: OpenBook, day: int, organisation: Organisation, page: PageRequest) -> AgedList[PartyReference]:
    """The list of a book on `day`, today or later, with the rows of a page and the one after it, if there is one."""
    default, sums = organisation.currency, BookSums(day, organisation)
    ahead = sorted(party_rows(sums, book.ahead(), default), key=attrgetter("sort_key"))
    cells = book.cells()
    sums.add_cells(cells)
    currencies = currency_order({cell.currency for cell in cells if cell.kind in (OPEN, UNAPPLIED)}, default)
    steady = _steady_rows(book, currencies, day, organisation, page.after)

    def shows(row: PartyReference) -> bool:
        return bool(row.unapplied) or any(owed_at(one, day) for one in row.documents if one.currency == row.currency)

    def resolve(row: PartyReference) -> PartyReference | None:
        return with_documents(book, row, shows)

    return sums.list_of(rows_after(heapq.merge(steady, ahead, key=attrgetter("sort_key")), page, resolve))


def _steady_rows(
    book: OpenBook, currencies: Iterable[str], day: int, organisation: Organisation, after: SortKey | None
) -> Iterator[PartyReference]:
    """References to rows from the due day of the cursor on, in order: days overdue, 0 for all that is not overdue."""
    for currency, first in first_due_days(currencies, day, organisation.currency, after):
        for _, rows in groupby(book.rows(currency, first, NO_DUE), key=lambda row: max(0, day - row.due)):
            group = [reference for row in rows for reference in _references(row, currency, day, organisation)]
            yield from sorted(group, key=attrgetter("sort_key"))


def _references(row: OpenRow, currency: str, day: int, organisation: Organisation) -> list[PartyReference]:
    """The row of a steady account in a currency, if it has one: bills that wait for approval are in none."""
    default = organisation.currency
    if row.summed is not None:
        return _of_large(row, row.summed, currency, day, default)
    found = party_rows(BookSums(day, organisation), [(row.account, row.documents)], default)
    return [reference for reference in found if reference.currency == currency]


def _of_large(row: OpenRow, summed: Cells, currency: str, day: int, default: str) -> list[PartyReference]:
    """Its documents are read when the row is shown."""
    open_count = sum_until(summed, OPEN, currency, NO_DUE + 1)
    unapplied = unapplied_of_large(row, summed, day).get(currency, 0)
    if not open_count and not unapplied:
        return []
    owed = sum_until(summed, OUTSTANDING, currency, NO_DUE + 1)
    sort_key = party_sort_key(row.account, currency, max(0, day - row.due), owed, default)
    return [PartyReference(sort_key, row.account, [], currency, unapplied)]
