"""What open accounts add up to: the totals of answers that show only a page of a book.

Each account adds its cells to the book's; a transaction that changes an account adds the difference. Only accounts
whose debt is steady are in the sums: nothing dated ahead will change what they owe or have on account, so their cells
are right for the day they were written on and every later one. All others are read whole by every answer.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from arrears.ledger.dated_document import (
    LAST,
    DatedDocument,
    MoneyChange,
    awaits_approval_at,
    is_open_at,
    outstanding_at,
)
from arrears.ledger.days import NEVER, month_of
from arrears.ledger.on_account import allocated_at, beside_at

OPEN, OUTSTANDING = "c", "o"
"""Open documents, and what they owe in minor units; by currency and due day."""
AWAITING, AWAITED = "w", "x"
"""Bills that wait for approval, and their totals; by currency."""
BESIDE = "b"
"""Money on account that stands on documents; only inside an account, where it is part of UNAPPLIED."""
UNAPPLIED, WITH_MONEY = "u", "v"
"""Money on account, and the counterparties that have any; by currency."""
PARTIES = "p"
"""Counterparties with something open, by the earliest due day of all they owe; PAST for what is overdue already."""
MONEY_ONLY = "m"
"""Counterparties with money on account and nothing open."""

NO_CURRENCY = "---"
NO_DUE = NEVER
"""The due day of cells that have none."""
PAST = 0
NO_MONTH = "0000-00"


class Cell(NamedTuple):
    """One figure. month: the issue month (YYYY-MM) of the documents it comes from, by which cells are stored."""

    month: str
    kind: str
    currency: str
    due: int = NO_DUE


type Cells = dict[Cell, int]


def last_change(document: DatedDocument) -> int:
    """The latest day on which anything about what a document owes changes, by all facts known."""
    days = [document.issued, *(change[0] for change in document.applied), *(state[0] for state in document.states)]
    return max(days) if document.voided == NEVER else max(*days, document.voided)


def document_cells(document: DatedDocument) -> Iterator[tuple[Cell, int]]:
    """What an open document whose facts have all come true adds up to."""
    currency, month = document.currency, month_of(document.issued)
    if is_open_at(document, LAST):
        due = NO_DUE if document.due is None else document.due
        yield Cell(month, OPEN, currency, due), 1
        yield Cell(month, OUTSTANDING, currency, due), outstanding_at(document, LAST)
    elif awaits_approval_at(document, LAST):
        yield Cell(month, AWAITING, currency), 1
        yield Cell(month, AWAITED, currency), document.total
    if document.applied:
        beside = beside_at(document, LAST) - allocated_at(document, LAST)
        if beside:
            yield Cell(month, BESIDE, currency), beside


def add_cells(cells: Cells, more: Iterable[tuple[Cell, int]], sign: int = 1) -> None:
    """Adds cells (1) or takes them away (-1); nothing stays of those that come to zero."""
    for cell, amount in more:
        total = cells.get(cell, 0) + sign * amount
        if total:
            cells[cell] = total
        else:
            cells.pop(cell, None)


def without_months(cells: Cells) -> Cells:
    """Cells added up over months: in which month a cell is stored means nothing."""
    sums: Cells = {}
    add_cells(sums, ((cell._replace(month=NO_MONTH), amount) for cell, amount in cells.items()))
    return sums


def account_cells(documents: Mapping[Cell, int], money: Iterable[MoneyChange], today: int) -> Cells:
    """What an account adds to the sums of its book. documents: the cells of its open documents."""
    cells: Cells = {}
    unapplied: dict[str, int] = {}
    for change in money:
        unapplied[change.currency] = unapplied.get(change.currency, 0) + change.amount
    earliest: tuple[int, str] | None = None
    for cell, amount in documents.items():
        if cell.kind == BESIDE:
            unapplied[cell.currency] = unapplied.get(cell.currency, 0) + amount
            continue
        cells[cell] = amount
        if cell.kind == OPEN and (earliest is None or (cell.due, cell.month) < earliest):
            earliest = cell.due, cell.month
    for currency, amount in unapplied.items():
        if amount:
            cells[Cell(NO_MONTH, UNAPPLIED, currency)] = amount
            cells[Cell(NO_MONTH, WITH_MONEY, currency)] = 1
    if earliest is not None:
        due, month = earliest
        cells[Cell(month, PARTIES, NO_CURRENCY, due if due >= today else PAST)] = 1
    elif any(unapplied.values()):
        cells[Cell(NO_MONTH, MONEY_ONLY, NO_CURRENCY)] = 1
    return cells


def positions(cells: Iterable[Cell]) -> dict[str, int]:
    """The currencies in which an account has a row, in order, and by which due day each row stands among the others.

    That is the earliest of what it owes in the currency; NO_DUE for money on account and bills that wait for approval.
    """
    found: dict[str, int] = {}
    for cell in cells:
        if cell.kind in (OPEN, UNAPPLIED, AWAITING):
            found[cell.currency] = min(cell.due, found.get(cell.currency, NO_DUE))
    return dict(sorted(found.items()))
