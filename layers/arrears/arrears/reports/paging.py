"""What pages of all reports have in common: where they begin, and what a large account adds up to."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Protocol, Self

from arrears.ledger.dated_document import Account, DatedDocument
from arrears.ledger.days import FIRST_DAY
from arrears.ledger.figures import BESIDE, Cell, Cells
from arrears.ledger.on_account import unapplied_at
from arrears.ledger.open_book import OpenBook, OpenRow
from arrears.reports.aging import SortKey
from arrears.reports.page_request import PageRequest


class Reference(Protocol):
    """A reference to a row."""

    @property
    def sort_key(self) -> SortKey:
        """Where it stands."""

    @property
    def account(self) -> Account:
        """Whose row it is."""

    def _replace(self, *, documents: list[DatedDocument]) -> Self: ...


def first_due_days(
    currencies: Iterable[str], day: int, default: str, after: SortKey | None
) -> Iterator[tuple[str, int]]:
    """The currencies from that of the cursor on, each with the due day from which its rows are read.

    Days overdue are counted up to `day`; rows that are not overdue are cut off by none.
    """
    for currency in currencies:
        if after is None:
            yield currency, FIRST_DAY
            continue
        after_other, after_currency, days_negated, *_ = after
        if (currency != default, currency) >= (after_other, after_currency):
            yield currency, day + days_negated if currency == after_currency else FIRST_DAY


def rows_after[Row: Reference](
    rows: Iterable[Row], page: PageRequest, resolve: Callable[[Row], Row | None]
) -> list[Row]:
    """The rows of a page, and the one after it: it shows that there is one.

    resolve: completes a row that is shown; None if it has nothing to show any more.
    """
    after = None if page.after is None else tuple(page.after)
    found = (resolve(row) for row in rows if after is None or row.sort_key > after)
    return list(islice((row for row in found if row is not None), page.limit + 1))


def sum_until(cells: Mapping[Cell, int], wanted: str, currency: str, day: int) -> int:
    """What the cells of a kind and currency add up to that are due before a day."""
    return sum(
        amount for (_, kind, of, due), amount in cells.items() if due < day and kind == wanted and of == currency
    )


def unapplied_of_large(row: OpenRow, summed: Cells, day: int) -> dict[str, int]:
    """A large account's money on account by currency, what stands on its documents included."""
    unapplied = unapplied_at(row.account, (), day)
    for (_, kind, currency, _), amount in summed.items():
        if kind == BESIDE:
            unapplied[currency] = unapplied.get(currency, 0) + amount
    return {currency: amount for currency, amount in unapplied.items() if amount}


def with_documents[Row: Reference](book: OpenBook, row: Row, shows: Callable[[Row], bool]) -> Row | None:
    """The row; that of a large account with its documents, or None if these show nothing any more.

    They are read later than the row: others may have changed them since.
    """
    documents = book.documents(row.account)
    if documents is None:
        return row
    row = row._replace(documents=documents)
    return row if shows(row) else None
