"""Processes the complete days of an organisation: escalations day by day, and a snapshot of every month.

Escalations are recorded as soon as a day is over, months are closed when late postings have had their days. A run may
start late, run twice or beside another one, and be killed at any point: everything is written once, and the next run
continues from it. All days since the last run are processed with one reading of each side of the book.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING

from arrears.close.due_organisations import closable_through
from arrears.close.escalation_writer import EscalationWriter, OutOfTime
from arrears.close.months import Months
from arrears.ledger.dated_document import Account, DatedDocument, history_reaches, listed_closed_from
from arrears.ledger.days import NEVER, day_before_month, month_ends, year_before
from arrears.ledger.known_at import instant_text, moment_of
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.reports.escalations import TierHistory
from arrears.reports.month_close import DatedAccount
from arrears.storage.history.table import Moved, Overtaken, Run

if TYPE_CHECKING:
    from arrears.storage.events import EventSender
    from arrears.storage.history.escalations import RowKey, RowState, Waiting
    from arrears.storage.history.store import HistoryStore
    from arrears.storage.ledger.keys import ChangeSortKey
    from arrears.storage.ledger.reader import LedgerStore
    from arrears.storage.ledger.recorder import Recorder

_TOGETHER = 2_000
"""Accounts that are worked through at a time."""
_SETTLED_MICROSECONDS = 1_000_000
"""The index shows by then what was written; a month is not closed from one that may be behind."""
_SENT_TOGETHER = 50
"""Escalations that are sent before they are taken out of the outbox."""


@dataclass(frozen=True, slots=True)
class Closed:
    """What a run has done. through: the last day worked through, None when there was nothing to begin with.

    months, payables_months: those closed. entered: how many rows entered each tier, historical ones apart.
    finished: whether the time was enough to send all escalations; the others wait in the outbox.
    """

    through: int | None
    months: Sequence[str] = ()
    escalations: int = 0
    entered: Mapping[str, int] = field(default_factory=dict)
    sent: int = 0
    payables_months: Sequence[str] = ()
    finished: bool = True


@dataclass(frozen=True, slots=True)
class _Task:
    """What a run has to do.

    ledger: as it was known when the run began; so nobody is missed or seen twice who is changed while it is read.
    today: the day on which it runs. last: the day through which escalations are recorded. closable: the day by which a
    month must have ended to be closed. known_at, recorded_at: the moment as of which it reads, in microseconds and as
    text; everything that it records has it.
    """

    organisation: Organisation
    ledger: "LedgerStore"
    run: Run
    today: int
    last: int
    closable: int
    known_at: int
    recorded_at: str


@dataclass(slots=True)
class _Done:
    """What was done of a side. closed: the day through which its months are closed, None when it has not begun."""

    closed: int | None
    months: Sequence[str] = ()
    through: int | None = None
    rows: EscalationWriter | None = None


class Closing:
    """Works through the days of organisations, with the stores it is handed.

    sender: None sends nothing, the outbox keeps it. out_of_time: asked between steps.
    """

    def __init__(
        self,
        ledger: "LedgerStore",
        history: "HistoryStore",
        recorder: "Recorder",
        sender: "EventSender | None",
        out_of_time: Callable[[], bool] = lambda: False,
    ) -> None:
        self._ledger = ledger
        self._history = history
        self._recorder = recorder
        self._sender = sender
        self._out_of_time = out_of_time

    def close(self, organisation: Organisation, now: datetime, through: int = NEVER) -> Closed:
        """Works through every complete day of the organisation, and closes the months that have had their days.

        now: the moment as of which the book is read, and that snapshots and escalations have. organisation: with the
        policy of that moment.
        through: the last day to work through; months that end by it are closed without waiting for late postings.
        Raises OutOfTime when it has to stop before; run it again to go on.
        """
        began = time.monotonic()
        while True:
            try:
                closed = self._close(organisation, now, through, lambda: now + _elapsed(began))
            except Overtaken:
                continue  # another run has done these days; what is left is found from where it has come to
            sent, finished = self._send(organisation)
            return replace(closed, sent=sent, finished=finished)

    def _close(self, organisation: Organisation, now: datetime, through: int, clock: Callable[[], datetime]) -> Closed:
        today = organisation.today(now)
        last = min(today - 1, through)
        run = self._history.run(organisation.id)
        closable = last if through < NEVER else closable_through(organisation, today)
        known_at = moment_of(now)
        ledger = self._ledger.known_at(organisation.id, known_at)
        task = _Task(organisation, ledger, run, today, last, closable, known_at, instant_text(now))
        receivables, payables = self._receivables(task), self._payables(task)
        closed = {Side.RECEIVABLE: receivables.closed, Side.PAYABLE: payables.closed}
        begun = {side: day for side, day in closed.items() if day is not None}
        after = Run(receivables.through, run.version, begun)
        if after != run:
            self._finish(organisation, after)
        if after != run or (begun and receivables.through is None):
            # A book of bills alone has no escalations: on most days nothing of its run changes.
            self._close_documents(organisation, today, clock)
        rows = receivables.rows
        return Closed(
            after.through,
            receivables.months,
            rows.written if rows else 0,
            rows.entered if rows else {},
            payables_months=payables.months,
        )

    def _receivables(self, task: _Task) -> _Done:
        """Records the escalations of the days, and closes the months of invoices."""
        through, closed = task.run.through, task.run.closed.get(Side.RECEIVABLE)
        if through is None or closed is None:
            first = self._first_day(task, Side.RECEIVABLE)
            if first > task.last:
                return _Done(None)
            through = closed = first - 1
        ends, last = month_ends(closed + 1, task.closable), max(through, task.last)
        if through == last and not ends:
            return _Done(closed, through=through)
        since = _since(task, through, ends)
        rows = EscalationWriter(
            self._history, task.organisation, task.run, through, last, task.recorded_at, self._out_of_time
        )
        months = self._work(task, Side.RECEIVABLE, since, ends, rows if through < last else None)
        return _Done(ends[-1] if ends else closed, months, last, rows)

    def _payables(self, task: _Task) -> _Done:
        """Closes the months of bills."""
        closed = task.run.closed.get(Side.PAYABLE)
        if closed is None:
            first = self._first_day(task, Side.PAYABLE)
            if first > task.last:
                return _Done(None)
            closed = first - 1
        ends = month_ends(closed + 1, task.closable)
        if not ends:
            return _Done(closed)
        return _Done(ends[-1], self._work(task, Side.PAYABLE, day_before_month(ends[0]), ends, None))

    def _first_day(self, task: _Task, side: Side) -> int:
        """The issue day of the first document that ever existed; NEVER if there is none."""
        view = task.ledger.accounts_since(task.organisation, side, 0)
        every = (document for _, documents in view for document in documents)
        return min((one.issued for one in every if one.issued < one.voided), default=NEVER)

    def _work(
        self, task: _Task, side: Side, since: int, ends: Sequence[int], rows: EscalationWriter | None
    ) -> Sequence[str]:
        """Follows the rows of a side, if any, and closes months.

        A change of before the run's moment may be written while it reads. Months that may lack it are read again.
        """
        if not ends:
            self._read(task, side, since, ends, rows)
            return ()
        while True:
            written = self._written(task)
            if any(moment > task.known_at - _SETTLED_MICROSECONDS for moment, _, _ in written):
                time.sleep(_SETTLED_MICROSECONDS / 1_000_000)
            months = self._read(task, side, since, ends, rows)
            if self._written(task) == written:
                return months.close(self._out_of_time)
            rows = None

    def _read(self, task: _Task, side: Side, since: int, ends: Sequence[int], rows: EscalationWriter | None) -> Months:
        """Reads a side of the book once, some accounts at a time: follows their rows, if any, and adds months up."""
        organisation = task.organisation
        months = Months(task.ledger, self._history, organisation, task.run, side, ends, task.recorded_at, task.today)
        left = {} if rows is None else dict(self._history.rows(organisation.id))
        for some in batched(task.ledger.accounts_since(organisation, side, since), _TOGETHER, strict=False):
            if rows is not None:
                _follow(rows, _histories(some), left)
            if self._out_of_time():
                raise OutOfTime
            months.add([DatedAccount(account, documents) for account, documents in some])
        if rows is not None:
            # Recorded rows whose documents are all closed, moved or gone.
            gone = [TierHistory(Account(customer, customer, "", ""), (), currency) for customer, currency in left]
            _follow(rows, gone, left)
        return months

    def _written(self, task: _Task) -> "set[ChangeSortKey]":
        return self._ledger.written_up_to(task.organisation.id, task.known_at)

    # The end of a run

    def _finish(self, organisation: Organisation, run: Run) -> None:
        try:
            self._history.advance(organisation.id, run)
        except Moved:
            return  # another run has come as far, or the next one will find out how far this one came
        if run.through is not None:
            self._history.forget_cleared(organisation.id, run.through)

    def _close_documents(self, organisation: Organisation, today: int, clock: Callable[[], datetime]) -> None:
        """Moves what has closed by the passing of days out of the open set, and takes in what has come true.

        That is written after what the run has read, with the moments at which it is.
        """
        for side, kind in ((Side.RECEIVABLE, "invoice"), (Side.PAYABLE, "bill")):
            standing = self._ledger.accounts(organisation, side, today, today)
            every = (document for _, documents in standing for document in documents)
            closed = [document.id for document in every if listed_closed_from(document) <= today]
            self._recorder.close_documents(organisation, kind, closed, clock())
        self._recorder.list_steady(organisation, clock())
        self._recorder.apply_due_effects(organisation, today, lambda: moment_of(clock()))

    def _send(self, organisation: Organisation) -> tuple[int, bool]:
        """Sends what waits in the outbox, and whether the time was enough for all of it.

        A record is sent again when the note that it was is lost.
        """
        sent = 0
        if self._sender is None:
            return sent, True
        for some in batched(self._history.unsent(organisation.id), _SENT_TOGETHER, strict=False):
            if self._out_of_time():
                return sent, False
            sent += self._send_some(organisation, self._sender, {one.record["id"]: one for one in some})
        return sent, True

    def _send_some(self, organisation: Organisation, sender: "EventSender", waiting: "dict[str, Waiting]") -> int:
        taken: list[Waiting] = []
        try:
            for ids in sender.send(organisation.id, [one.record for one in waiting.values()]):
                taken += [waiting[id_] for id_ in ids]
        except Exception:
            self._history.sent(taken)
            raise
        self._history.sent(taken)
        return len(taken)


def _histories(accounts: Sequence[tuple[Account, list[DatedDocument]]]) -> Iterator[TierHistory]:
    for account, documents in accounts:
        for currency in sorted({document.currency for document in documents}):
            yield TierHistory(account, documents, currency)


def _follow(rows: EscalationWriter, histories: Iterable[TierHistory], left: "dict[RowKey, RowState]") -> None:
    """Follows rows from their recorded states on, which are taken out of `left`."""
    for history in histories:
        rows.work(history, left.pop((history.account.id, history.currency), None))
    rows.flush()


def _since(task: _Task, through: int, ends: Sequence[int]) -> int:
    """The day after which what has closed is read: payment behaviour takes a year where histories do not have it."""
    if not ends:
        return through
    reached = history_reaches(ends[0], task.today)
    return min(through, day_before_month(ends[0]) if reached else year_before(ends[0]))


def _elapsed(began: float) -> timedelta:
    """The time since a reading of the monotonic clock; never none, as what a run writes is not known when it begins."""
    return timedelta(seconds=time.monotonic() - began, microseconds=1)
