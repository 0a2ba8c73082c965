"""A page of an overdue report: totals from the sums of the book, and no more accounts read than the page shows.

Rows stand in the order of their earliest due days on every day from today on, so a page is found by reading from where
the page before ended. Rows of one due day are sorted when they are read.
"""

import heapq
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter

from arrears.ledger.figures import OPEN, OUTSTANDING, PARTIES, Cells
from arrears.ledger.open_book import OpenBook, OpenRow
from arrears.ledger.organisation import Organisation
from arrears.reports.aging import (
    Aging,
    Report,
    RowReference,
    SortKey,
    currency_order,
    overdue_of,
    overdue_report,
    overdue_rows,
    row_sort_key,
)
from arrears.reports.book_reading import BookReading
from arrears.reports.page_request import PageRequest
from arrears.reports.paging import (
    first_due_days,
    rows_after,
    sum_until,
    unapplied_of_large,
    with_documents,
)


def read_overdue(reading: BookReading, page: PageRequest | None) -> Report:
    """The overdue report. page: the rows that are wanted in the default order; None: all of them."""
    return reading.report(page, overdue_page, overdue_report)


def overdue_page(book: OpenBook, day: int, organisation: Organisation, page: PageRequest) -> Report:
    """The report of a book on `day`, today or later, with the rows of a page and the one after it, if there is one."""
    default, aging = organisation.currency, Aging()
    ahead = overdue_rows(book.ahead(), day, default, aging)
    cells = book.cells()
    aging.add_cells(cells, day)
    currencies = {cell.currency for cell in cells if cell.kind == OPEN and cell.due < day}
    steady = _steady_rows(book, currency_order(currencies, default), day, default, page.after)

    def resolve(row: RowReference) -> RowReference | None:
        return with_documents(book, row, lambda one: bool(overdue_of(one.documents, one.currency, day)))

    rows = rows_after(heapq.merge(steady, ahead, key=attrgetter("sort_key")), page, resolve)
    return Report(
        day,
        organisation.policy,
        aging.by_currency(default),
        aging.unapplied_by_currency(default),
        len({row.account.id for row in ahead}) + _count_until(cells, PARTIES, day),
        sum(row.overdue_count for row in ahead) + _count_until(cells, OPEN, day),
        rows,
    )


def _count_until(cells: Cells, wanted: str, day: int) -> int:
    return sum(amount for (_, kind, _, due), amount in cells.items() if kind == wanted and due < day)


def _steady_rows(
    book: OpenBook, currencies: Iterable[str], day: int, default: str, after: SortKey | None
) -> Iterator[RowReference]:
    """References to rows from the due day of the cursor on, in order."""
    for currency, first in first_due_days(currencies, day, default, after):
        for _, rows in groupby(book.rows(currency, first, day - 1), key=attrgetter("due")):
            group = [reference for row in rows for reference in _references(row, currency, day, default)]
            yield from sorted(group, key=attrgetter("sort_key"))


def _references(row: OpenRow, currency: str, day: int, default: str) -> list[RowReference]:
    """The row of a steady account in a currency, in which it is overdue since the day after `row.due`."""
    if row.summed is not None:
        return [_of_large(row, row.summed, currency, day, default)]
    found = overdue_rows([(row.account, row.documents)], day, default, Aging())
    return [reference for reference in found if reference.currency == currency]


def _of_large(row: OpenRow, summed: Cells, currency: str, day: int, default: str) -> RowReference:
    """Its documents are read when the row is shown."""
    owed, count = sum_until(summed, OUTSTANDING, currency, day), sum_until(summed, OPEN, currency, day)
    unapplied = unapplied_of_large(row, summed, day).get(currency, 0)
    sort_key = row_sort_key(row.account, currency, day - row.due, owed, default)
    return RowReference(sort_key, row.account, [], currency, count, unapplied)
