"""The months of a ledger side that one run closes, added up while its accounts are read once."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from arrears.close.escalation_writer import OutOfTime
from arrears.close.sorted_rows import SortedRows
from arrears.ledger.dated_document import Account, DatedDocument
from arrears.ledger.days import day_before_month, month_of
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.rendering.overdue import customer_body
from arrears.reports.aging import SortKey, currency_order, overdue_report, with_accounts
from arrears.reports.month_close import CurrencyMonth, DatedAccount, MonthFigures, from_stored, to_stored
from arrears.reports.receivables import customer_row
from arrears.storage.history.snapshots import Snapshot
from arrears.storage.ledger.codec import compact

if TYPE_CHECKING:
    from arrears.storage.history.store import HistoryStore
    from arrears.storage.history.table import Run
    from arrears.storage.ledger.reader import LedgerStore

type AccountOf = tuple[Account, list[DatedDocument]]


class Months:
    """Months that are to be closed. ends: their last days, in order; those that are closed already stay as they are.

    recorded_at: the moment that their snapshots have. today: the day of the run.
    """

    def __init__(
        self,
        ledger: "LedgerStore",
        history: "HistoryStore",
        organisation: Organisation,
        run: "Run",
        side: Side,
        ends: Sequence[int],
        recorded_at: str,
        today: int,
    ) -> None:
        self._ledger = ledger
        self._history = history
        self._organisation = organisation
        self._run = run
        self._side = side
        self._recorded_at = recorded_at
        self._today = today
        self._ends = [end for end in ends if self._history.snapshot(organisation.id, month_of(end), side) is None]
        self._figures = MonthFigures(self._ends)
        self._rows = {end: SortedRows() for end in self._ends} if side is Side.RECEIVABLE else {}

    def add(self, accounts: Sequence[DatedAccount]) -> None:
        """Adds some accounts; of customers also their rows as they are published on the last days."""
        if not self._ends:
            return
        for account in accounts:
            self._figures.add(account)
        for end, rows in self._rows.items():
            rows.add(self._rows_of(accounts, end))

    def _rows_of(self, accounts: Sequence[DatedAccount], end: int) -> Iterator[tuple[SortKey, str]]:
        owing = (account.as_of(end) for account in accounts if account.may_owe(end))
        report = overdue_report(owing, end, self._organisation)
        complete = partial(self._ledger.complete, self._organisation, self._side, day=end, today=self._today)
        for reference in with_accounts(report.rows, complete):
            yield reference.sort_key, compact(customer_body(customer_row(reference, end, report.policy)))

    def close(self, out_of_time: Callable[[], bool]) -> tuple[str, ...]:
        """Closes the months, each after the one before it; those that were closed. Raises OutOfTime between two."""
        closed = []
        for end in self._ends:
            if out_of_time():
                raise OutOfTime
            previous = figures_of(self._history, self._organisation, self._side, day_before_month(end))
            figures = in_order(self._organisation, self._figures.month(end, previous))
            snapshot = Snapshot(end, self._organisation.policy.version, self._recorded_at, to_stored(figures))
            self._history.keep_snapshot(self._organisation.id, self._run, self._side, snapshot, self._rows.get(end))
            closed.append(month_of(end))
        return tuple(closed)


def figures_of(history: "HistoryStore", organisation: Organisation, side: Side, end: int) -> dict[str, CurrencyMonth]:
    """The figures of the month that ends on a day, if it is closed."""
    kept = history.snapshot(organisation.id, month_of(end), side) if end > 0 else None
    return {} if kept is None else from_stored(kept.figures)


def in_order(organisation: Organisation, figures: Mapping[str, CurrencyMonth]) -> dict[str, CurrencyMonth]:
    """Figures in the order in which currencies are answered."""
    return {currency: figures[currency] for currency in currency_order(figures, organisation.currency)}


def month_as_known(
    ledger: "LedgerStore",
    history: "HistoryStore",
    organisation: Organisation,
    snapshot: Snapshot,
    side: Side,
    around: Callable[[Iterable[AccountOf]], Iterable[AccountOf]] = iter,
) -> dict[str, CurrencyMonth]:
    """A closed month's figures as they would be by what a ledger knows. around: the accounts as they are read."""
    before, figures = day_before_month(snapshot.end), MonthFigures([snapshot.end])
    for account, documents in around(ledger.accounts_since(organisation, side, before)):
        figures.add(DatedAccount(account, documents))
    previous = figures_of(history, organisation, side, before)
    return in_order(organisation, figures.month(snapshot.end, previous))
