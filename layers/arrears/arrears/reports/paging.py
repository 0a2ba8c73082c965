"""What pages of all reports have in common: where they begin, and what a large account adds up to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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


def rows_after[Row: Reference](rows: Iterable[Row], page: PageRequest) -> list[Row]:
    """The rows of a page, and the one after it: it shows that there is one."""
    after = None if page.after is None else tuple(page.after)
    return list(islice((row for row in rows if after is None or row.sort_key > after), page.limit + 1))


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


def with_documents[Row: Reference](book: OpenBook, rows: Sequence[Row]) -> list[Row]:
    """The rows, those of large accounts with their documents."""
    found = book.documents([row.account for row in rows])
    return [row._replace(documents=found[row.account.id]) if row.account.id in found else row for row in rows]
