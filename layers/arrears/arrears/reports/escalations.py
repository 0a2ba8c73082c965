"""Escalations: the dunning tier of a row (a customer in one currency), followed from day to day.

A move up is recorded once for every tier it passes, a move down or a clearing once, each on the day of the move. Only
days on which something changes are examined: a day in a document, a threshold reached, a promise due.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from arrears.ledger.dated_document import Account, DatedDocument, closed_from
from arrears.ledger.days import NEVER
from arrears.ledger.on_account import unapplied_at
from arrears.ledger.policy import Policy
from arrears.reports.aging import Overdue, owed_at
from arrears.reports.reasons import Reason, Restated
from arrears.reports.receivables import judge, promise_broken
from arrears.reports.tiers import TIERS, tier_of, tier_thresholds

type Tier = str | None
"""A dunning tier; None for a row with nothing overdue."""


class Spell(NamedTuple):
    """A document overdue with the same amount from `start` up to, not including, `end`."""

    start: int
    end: int
    due: int
    owed: int


def spells(document: DatedDocument) -> Iterator[Spell]:
    """The spells in which a document is overdue, by day."""
    due = document.due
    if due is None or document.issued == NEVER:
        return
    days = {document.issued, due + 1, document.voided, *(step[0] for step in document.applied)}
    ordered = [*sorted(day for day in days if due < day < NEVER), NEVER]
    for start, end in pairwise(ordered):
        owed = owed_at(document, start)
        if owed:
            yield Spell(start, end, due, owed)


class Escalation(NamedTuple):
    """One move from a tier to another, as it is recorded. total_overdue: minor units at the end of `crossed_on`.

    historical: it was crossed before the organisation's first day, and is no news.
    """

    customer_id: str
    currency: str
    before: Tier
    after: Tier
    crossed_on: int
    historical: bool
    days_overdue: int
    total_overdue: int
    reasons: list[Reason]
    policy_version: int


class TierHistory:
    """The tier of a customer's documents in one currency, followed from day to day."""

    def __init__(self, account: Account, documents: Iterable[DatedDocument], currency: str) -> None:
        self.account = account
        self.currency = currency
        self._documents = [document for document in documents if document.currency == currency]
        self._spans = [
            (document.due, closed_from(document), document) for document in self._documents if document.due is not None
        ]

    def tier_changes(self, policy: Policy, first: int, last: int) -> Iterator[tuple[int, Tier]]:
        """The tier at the end of `first`, and every later day up to `last` on which it is another."""
        watched = _promise_days(self.account, self._documents, self.currency)
        tier: Tier = None
        started = False
        for start, end, due, owed in _stretches(self._documents):
            for day in _judged(max(start, first), min(end, last + 1), due, policy, watched):
                raised = bool(watched) and promise_broken(self.account, self._documents, self.currency, day)
                reached = None if due is None else tier_of(day - due, owed, self.currency, raised, policy)
                if reached != tier or not started:
                    yield day, reached
                    tier, started = reached, True

    def escalations(self, move: "Move", policy: Policy, created_on: int) -> list[Escalation]:
        """A move as escalations: one for each tier that it passes.

        created_on: the organisation's first day; what was crossed before it is historical.
        """
        late = self._late(move.day)
        unapplied = unapplied_at(self.account, self._documents, move.day).get(self.currency, 0)
        judged = (
            judge(self.account, self._documents, self.currency, late, unapplied, move.day, policy) if late else None
        )
        why = judged.reasons if judged is not None else []
        restated: list[Reason] = [Restated(policy.version)] if move.restated else []
        return [
            Escalation(
                self.account.id,
                self.currency,
                before,
                after,
                move.day,
                move.day < created_on,
                late[0].days if late else 0,
                judged.total_overdue if judged is not None else 0,
                restated + why,
                policy.version,
            )
            for before, after in path(move.before, move.after)
        ]

    def _late(self, day: int) -> list[Overdue]:
        """What is overdue on a day, in order."""
        return sorted(
            Overdue(due, document.id, owed, day - due, document)
            for due, closed_from, document in self._spans
            if due < day < closed_from and (owed := owed_at(document, day))
        )


def _stretches(documents: Iterable[DatedDocument]) -> Iterator[tuple[int, int, int | None, int]]:
    """All time in stretches of the same earliest due day and overdue amount: (start, end, due, owed)."""
    events: dict[int, list[tuple[int, Spell]]] = {}
    for number, spell in enumerate(spell for document in documents for spell in spells(document)):
        events.setdefault(spell.start, []).append((number, spell))
        events.setdefault(spell.end, []).append((number, spell))
    events.setdefault(NEVER, [])
    dues: list[tuple[int, int]] = []
    open_spells: set[int] = set()
    owed, since = 0, 0
    for day in sorted(events):
        yield since, day, dues[0][0] if open_spells else None, owed
        for number, spell in events[day]:
            if spell.start == day:
                heapq.heappush(dues, (spell.due, number))
                open_spells.add(number)
                owed += spell.owed
            else:
                open_spells.discard(number)
                owed -= spell.owed
        while dues and dues[0][1] not in open_spells:
            heapq.heappop(dues)
        since = day


def _judged(start: int, end: int, due: int | None, policy: Policy, watched: Sequence[int]) -> list[int]:
    """The days of a stretch on which its tier can be another than the day before."""
    if start >= end:
        return []
    days = {start, *(day for day in watched if start < day < end)}
    if due is not None:
        reached = (due + policy.grace_days + threshold for threshold in tier_thresholds(policy))
        days.update(day for day in reached if start < day < end)
    return sorted(days)


def _promise_days(account: Account, documents: Iterable[DatedDocument], currency: str) -> list[int]:
    """The days on which a promise of the row can be broken or kept; none for a row without promises."""
    promises = [promise for promise in account.promises if promise.currency == currency]
    if not promises:
        return []
    days = {day for promise in promises for day in (promise.made, promise.promised + 1)}
    for document in documents:
        days.update((document.issued, document.voided, *(step[0] for step in document.applied)))
    return sorted(days)


def path(before: Tier, after: Tier) -> list[tuple[Tier, Tier]]:
    """The moves from one tier to another: up through every tier between, down or clear in one."""
    if before == after:
        return []
    rank = -1 if before is None else TIERS.index(before)
    goal = -1 if after is None else TIERS.index(after)
    if goal < rank:
        return [(before, after)]
    steps = [before, *TIERS[rank + 1 : goal + 1]]
    return list(pairwise(steps))


class Move(NamedTuple):
    """A row's move from one tier to another on one day; restated: it corrects days already worked through."""

    day: int
    before: Tier
    after: Tier
    restated: bool


def moves(recorded: Tier, worked: int, changes: Iterable[tuple[int, Tier]]) -> Iterator[Move]:
    """The moves of a row recorded at `recorded` at the end of day `worked`, which `changes` start from.

    Where the tier at the end of that day is another by what is known now, the first day after it corrects it.
    """
    known: list[tuple[int, Tier]] = list(changes)
    if not known:
        return
    (_, reached_before), later = known[0], known[1:]
    tier = recorded
    if reached_before != recorded:
        first = worked + 1
        tier = later[0][1] if later and later[0][0] == first else reached_before
        later = [change for change in later if change[0] > first]
        if tier != recorded:
            yield Move(first, recorded, tier, restated=True)
    for day, reached in later:
        yield Move(day, tier, reached, restated=False)
        tier = reached
