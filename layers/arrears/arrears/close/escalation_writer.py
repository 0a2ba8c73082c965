"""Writes the escalations of one run: each row's tier is followed to the end of the last day."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from arrears.ledger.organisation import Organisation
from arrears.rendering.history import escalation_bodies
from arrears.reports.escalations import TierHistory, moves
from arrears.storage.history.escalations import MOST_ACTIONS, RowKey, RowState, RowWrite, record_actions
from arrears.storage.history.table import Moved

if TYPE_CHECKING:
    from arrears.storage.history.store import HistoryStore
    from arrears.storage.history.table import Run


class OutOfTime(Exception):
    """There is no time left; what was done so far is written."""


class EscalationWriter:
    """Works rows from the end of day `worked` to the end of day `last`; many small rows go into one transaction.

    written: records so far. entered: how many of them are a tier entered, by tier; historical ones do not count.
    """

    def __init__(
        self,
        history: "HistoryStore",
        organisation: Organisation,
        run: "Run",
        worked: int,
        last: int,
        recorded_at: str,
        out_of_time: Callable[[], bool],
    ) -> None:
        self.written = 0
        self.entered: Counter[str] = Counter()
        self._history = history
        self._organisation = organisation
        self._run = run
        self._worked = worked
        self._last = last
        self._recorded_at = recorded_at
        self._out_of_time = out_of_time
        self._waiting: list[tuple[TierHistory, RowWrite]] = []
        self._actions = 0

    def work(self, row: TierHistory, state: RowState | None) -> None:
        """Follows a row from its recorded state on. Raises OutOfTime; what was worked by then is written."""
        if self._out_of_time():
            self.flush()
            raise OutOfTime
        write = next(self._writes(row, state), None)
        if write is None:
            return
        if write.through < self._last:
            self._work_alone(row, state)
            return
        if self._actions + write.actions() > MOST_ACTIONS:
            self.flush()
        self._waiting.append((row, write))
        self._actions += write.actions()

    def flush(self) -> None:
        """Writes the rows that wait. One that another run has written meanwhile goes on from where it has come to."""
        waiting, self._waiting, self._actions = self._waiting, [], 0
        if not waiting:
            return
        try:
            self._write([write for _, write in waiting])
        except Moved:
            for row, write in waiting:
                self._work_alone(row, self._history.row(self._organisation.id, write.key))

    def _work_alone(self, row: TierHistory, state: RowState | None) -> None:
        """Writes a row in as many transactions as it takes."""
        while True:
            try:
                for write in self._writes(row, state):
                    self._write([write])
                    if self._out_of_time():
                        raise OutOfTime
            except Moved:
                state = self._history.row(self._organisation.id, _key(row))
            else:
                return

    def _write(self, writes: list[RowWrite]) -> None:
        self._history.record(self._organisation.id, self._run, writes, self._recorded_at)
        for write in writes:
            self.written += len(write.records)
            self.entered.update(one["to"] for one in write.records if one["to"] and not one["historical"])

    def _writes(self, row: TierHistory, state: RowState | None) -> Iterator[RowWrite]:
        """A row's moves in as few writes as they fit into; only the last one comes to the end of the last day."""
        previous = state or RowState(None, self._worked, 0)
        begun = max(previous.through, self._worked)
        if begun >= self._last:
            return
        policy, created_on = self._organisation.policy, self._organisation.created_on
        changes = row.tier_changes(policy, begun, self._last)
        version, tier, through = previous.version, previous.tier, begun
        batch: list[list[dict[str, object]]] = []
        actions = 1
        for move in moves(previous.tier, begun, changes):
            records = escalation_bodies(row.escalations(move, policy, created_on))
            needed = sum(record_actions(record) for record in records)
            if actions + needed > MOST_ACTIONS:
                yield RowWrite(_key(row), version, tier, through, list(chain.from_iterable(batch)), previous.partition)
                version, batch, actions = version + 1, [], 1
            batch.append(records)
            actions += needed
            tier, through = move.after, move.day
        if batch:
            yield RowWrite(_key(row), version, tier, self._last, list(chain.from_iterable(batch)), previous.partition)


def _key(row: TierHistory) -> RowKey:
    return row.account.id, row.currency
