"""Which rows of an overdue report are asked for, in which order, and what they add up to.

Filters and orders need no more of a row than its reference, except for the action, which has to be worked out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple, Protocol

from arrears.ledger.policy import Policy
from arrears.reports.aging import Complete, Report, RowReference, SortKey, Unapplied, with_accounts


class Row(Protocol):
    """A row that is worked out."""

    @property
    def action(self) -> str:
        """What to do next."""


type LevelOf = Callable[[RowReference, int, Policy], str]
"""The tier or urgency of a row on a day."""
type WorkOut = Callable[[RowReference, int, Policy], Row]
"""The function that works out a row of its ledger side."""


class RowFilter(NamedTuple):
    """What a row has to have; None: anything. party: the counterparty's UUID. level: its tier or urgency."""

    party: str | None = None
    currency: str | None = None
    level: str | None = None
    action: str | None = None


def select_rows(
    report: Report, wanted: RowFilter, level_of: LevelOf, work_out: WorkOut, judgeable: Complete
) -> list[RowReference]:
    """The rows of a report that pass, in its order. What is cheaper to find out is looked at first.

    judgeable: completes accounts as far as tier, urgency and action take it.
    """
    party, currency, level, action = wanted
    day, policy, rows = report.day, report.policy, report.rows
    if party is not None:
        rows = [row for row in rows if row.account.party_id == party]
    if currency is not None:
        rows = [row for row in rows if row.currency == currency]
    if level is not None or action is not None:
        rows = list(with_accounts(rows, judgeable))
    if level is not None:
        rows = [row for row in rows if level_of(row, day, policy) == level]
    if action is not None:
        rows = [row for row in rows if work_out(row, day, policy).action == action]
    return rows


def _by_amount(row: RowReference) -> SortKey:
    other_currency, currency, days, owed, name, id_ = row.sort_key
    return other_currency, currency, owed, days, name, id_


AGE, AMOUNT = "age", "amount"
ORDERS: dict[str, Callable[[RowReference], SortKey]] = {AGE: attrgetter("sort_key"), AMOUNT: _by_amount}
"""Orders inside a currency: the longest overdue first, as a report has its rows; the largest amount first."""


@dataclass(frozen=True, slots=True)
class CurrencyTotal:
    """What is overdue in one currency (minor units), and in how many documents."""

    currency: str
    amount: int
    count: int


class Totals(NamedTuple):
    """What rows add up to; currencies in the order of the rows. unapplied: the money on account beside the rows."""

    party_count: int
    overdue_count: int
    by_currency: list[CurrencyTotal]
    unapplied: list[Unapplied]


def totals_of(rows: Iterable[RowReference]) -> Totals:
    """The totals of some rows of a report."""
    parties = set()
    sums: dict[str, list[int]] = {}
    unapplied: dict[str, list[int]] = {}
    for row in rows:
        parties.add(row.account.id)
        entry = sums.setdefault(row.currency, [0, 0])
        entry[0] += row.owed
        entry[1] += row.overdue_count
        if row.unapplied:
            beside = unapplied.setdefault(row.currency, [0, 0])
            beside[0] += row.unapplied
            beside[1] += 1
    by_currency = [CurrencyTotal(currency, amount, count) for currency, (amount, count) in sums.items()]
    return Totals(
        len(parties),
        sum(total.count for total in by_currency),
        by_currency,
        [Unapplied(currency, amount, count) for currency, (amount, count) in unapplied.items()],
    )
