"""What another policy would change: each overdue row under the policy that is stored, and under a proposed one.

The book is read once, and each row is judged by both policies as the overdue report judges it. Only tier or urgency,
and the action, are compared: the reasons of every row name a policy version, so they always differ. A policy's default
payment terms work when a document is recorded, and its days before a close at the close: they change no row.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from arrears.ledger.policy import Policy
from arrears.reports.aging import Report, RowReference
from arrears.reports.reasons import Reason


class Row(Protocol):
    """A row that is worked out."""

    @property
    def action(self) -> str:
        """What to do next."""

    @property
    def reasons(self) -> list[Reason]:
        """Why."""


class Judged(NamedTuple):
    """What a policy makes of a row: its tier or urgency, what to do next, and why."""

    level: str
    action: str
    reasons: Sequence[Reason]


class Difference(NamedTuple):
    """A row whose tier, urgency or action would be another. before: by the stored policy; after: by the proposed."""

    reference: RowReference
    before: Judged
    after: Judged


@dataclass(frozen=True, slots=True)
class LevelTotal:
    """How many rows have a tier or urgency, and what they owe overdue (minor units of their currency)."""

    count: int = 0
    amount: int = 0


@dataclass(slots=True)
class CurrencyLevels:
    """The rows of one currency by tier or urgency; what no row has is left out."""

    currency: str
    before: dict[str, LevelTotal] = field(default_factory=dict)
    after: dict[str, LevelTotal] = field(default_factory=dict)

    def add(self, owed: int, before: str, after: str) -> None:
        """Adds a row that owes so much, by its two levels."""
        for totals, level in ((self.before, before), (self.after, after)):
            total = totals.get(level, LevelTotal())
            totals[level] = LevelTotal(total.count + 1, total.amount + owed)


@dataclass(frozen=True, slots=True)
class PolicyPreview:
    """What a proposed policy would change on a day. currencies and differences: in the order of the report's rows."""

    day: int
    policy: Policy
    proposed: Policy
    row_count: int
    currencies: list[CurrencyLevels]
    differences: list[Difference]


def preview_policy[OneRow: Row](
    report: Report,
    rows: Iterable[RowReference],
    proposed: Policy,
    work_out: Callable[[RowReference, int, Policy], OneRow],
    level_of: Callable[[OneRow], str],
) -> PolicyPreview:
    """Compares the rows of an overdue report under its own policy and under `proposed`.

    rows: all of the report's, with accounts that are complete enough to be judged. work_out: works out a row of the
    ledger side; level_of: its tier or urgency.
    """

    def judged(reference: RowReference, policy: Policy) -> Judged:
        row = work_out(reference, report.day, policy)
        return Judged(level_of(row), row.action, row.reasons)

    currencies: dict[str, CurrencyLevels] = {}
    differences = []
    for reference in rows:
        before, after = judged(reference, report.policy), judged(reference, proposed)
        levels = currencies.setdefault(reference.currency, CurrencyLevels(reference.currency))
        levels.add(reference.owed, before.level, after.level)
        if (before.level, before.action) != (after.level, after.action):
            differences.append(Difference(reference, before, after))
    return PolicyPreview(report.day, report.policy, proposed, len(report.rows), list(currencies.values()), differences)
