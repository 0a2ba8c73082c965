"""Processes the complete days of an organisation: escalations day by day, and a snapshot of every month.

Escalations are recorded as soon as a day is over, months are closed when late postings have had their days. A run may
start late, run twice or beside another one, and be killed at any point: everything is written once, and the next run
continues from it. All days since the last run are processed with one reading of each side of the book.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from arrears.close.due_organisations import closable_through
from arrears.close.escalation_writer import EscalationWriter, OutOfTime
from arrears.ledger.dated_document import Account, DatedDocument, listed_closed_from
from arrears.ledger.days import NEVER, day_before_month, month_ends, month_of, year_before
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.rendering.overdue import customer_body
from arrears.reports.aging import currency_order, overdue_report
from arrears.reports.escalations import TierHistory
from arrears.reports.month_close import CurrencyMonth, MonthlyBook, from_stored, to_stored
from arrears.reports.receivables import customer_row
from arrears.storage.history.snapshots import Snapshot
from arrears.storage.history.table import Moved, Overtaken, Run

if TYPE_CHECKING:
    from arrears.storage.events import EventSender
    from arrears.storage.history.store import HistoryStore
    from arrears.storage.ledger.reader import LedgerStore
    from arrears.storage.ledger.recorder import Recorder

type View = list[tuple[Account, list[DatedDocument]]]


@dataclass(frozen=True, slots=True)
class Closed:
    """What a run has done. through: the last day worked through, None when there was nothing to begin with.

    months, payables_months: those closed. entered: how many rows entered each tier, historical ones apart.
    """

    through: int | None
    months: Sequence[str] = ()
    escalations: int = 0
    entered: Mapping[str, int] = field(default_factory=dict)
    sent: int = 0
    payables_months: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Task:
    """What a run has to do.

    last: the day through which escalations are recorded. closable: the day by which a month must have ended to be
    closed. recorded_at: the moment that everything it writes has.
    """

    organisation: Organisation
    run: Run
    last: int
    closable: int
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

        through: the last day to work through; months that end by it are closed without waiting for late postings.
        Raises OutOfTime when it has to stop before; run it again to go on.
        """
        while True:
            try:
                closed = self._close(organisation, now, through)
            except Overtaken:
                continue  # another run has done these days; what is left is found from where it has come to
            return replace(closed, sent=self._send(organisation))

    def _close(self, organisation: Organisation, now: datetime, through: int) -> Closed:
        today = organisation.today(now)
        last = min(today - 1, through)
        run = self._history.run(organisation.id)
        closable = last if through < NEVER else closable_through(organisation, today)
        task = _Task(organisation, run, last, closable, _moment(now))
        receivables, payables = self._receivables(task), self._payables(task)
        closed = {Side.RECEIVABLE: receivables.closed, Side.PAYABLE: payables.closed}
        begun = {side: day for side, day in closed.items() if day is not None}
        after = Run(receivables.through, run.version, begun)
        if after != run:
            self._finish(organisation, after)
            self._close_documents(organisation, today, now)
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
            view = list(self._ledger.accounts_since(task.organisation, Side.RECEIVABLE, 0))
            first = _first_day(view)
            if first > task.last:
                return _Done(None)
            through = closed = first - 1
            ends = month_ends(first, task.closable)
        else:
            ends = month_ends(closed + 1, task.closable)
            if through >= task.last and not ends:
                return _Done(closed, through=through)
            since = min(through, year_before(ends[0])) if ends else through
            view = list(self._ledger.accounts_since(task.organisation, Side.RECEIVABLE, since))
        last = max(through, task.last)
        rows = EscalationWriter(
            self._history, task.organisation, task.run, through, last, task.recorded_at, self._out_of_time
        )
        if through < last:
            self._escalate(task.organisation, view, rows)
        months = self._close_months(task, Side.RECEIVABLE, MonthlyBook(view), ends) if ends else ()
        return _Done(ends[-1] if ends else closed, months, last, rows)

    def _payables(self, task: _Task) -> _Done:
        """Closes the months of bills. Those of receivables are out of memory by then."""
        closed = task.run.closed.get(Side.PAYABLE)
        if closed is None:
            view = list(self._ledger.accounts_since(task.organisation, Side.PAYABLE, 0))
            first = _first_day(view)
            if first > task.last:
                return _Done(None)
            closed, ends = first - 1, month_ends(first, task.closable)
        else:
            ends = month_ends(closed + 1, task.closable)
            since = day_before_month(ends[0]) if ends else NEVER
            view = list(self._ledger.accounts_since(task.organisation, Side.PAYABLE, since)) if ends else []
        if not ends:
            return _Done(closed)
        return _Done(ends[-1], self._close_months(task, Side.PAYABLE, MonthlyBook(view), ends))

    def _escalate(self, organisation: Organisation, view: View, rows: EscalationWriter) -> None:
        left = self._history.rows(organisation.id)
        for account, documents in view:
            for currency in sorted({document.currency for document in documents}):
                rows.work(TierHistory(account, documents, currency), left.pop((account.id, currency), None))
        for (customer, currency), state in left.items():
            # A recorded row whose documents are all closed, moved or gone.
            rows.work(TierHistory(Account(customer, customer, "", ""), (), currency), state)
        rows.flush()

    # Months

    def _close_months(self, task: _Task, side: Side, book: MonthlyBook, ends: Sequence[int]) -> list[str]:
        organisation, closed = task.organisation, []
        previous = self._figures_of(organisation, side, day_before_month(ends[0]))
        for end in ends:
            if self._out_of_time():
                raise OutOfTime
            if self._history.snapshot(organisation.id, month_of(end), side) is None:
                figures = _in_order(organisation, book.month(end, previous))
                self._keep(task, side, end, figures, book)
                closed.append(month_of(end))
            previous = self._figures_of(organisation, side, end)
        return closed

    def _keep(self, task: _Task, side: Side, end: int, figures: Mapping[str, CurrencyMonth], book: MonthlyBook) -> None:
        """Keeps a month's figures; of receivables also every customer's row as it is published on the last day."""
        organisation, policy = task.organisation, task.organisation.policy
        rows = None
        if side is Side.RECEIVABLE:
            report = overdue_report(book.as_of(end), end, organisation)
            rows = [customer_body(customer_row(reference, end, policy)) for reference in report.rows]
        snapshot = Snapshot(end, policy.version, task.recorded_at, to_stored(figures))
        self._history.keep_snapshot(organisation.id, task.run, side, snapshot, rows)

    def _figures_of(self, organisation: Organisation, side: Side, end: int) -> dict[str, CurrencyMonth]:
        """The figures of the month that ends on a day, if it is closed."""
        kept = self._history.snapshot(organisation.id, month_of(end), side) if end > 0 else None
        return {} if kept is None else from_stored(kept.figures)

    def month_now(
        self, organisation: Organisation, snapshot: Snapshot, side: Side = Side.RECEIVABLE
    ) -> dict[str, CurrencyMonth]:
        """A closed month's figures as they would be by what is known today."""
        before = day_before_month(snapshot.end)
        view = self._ledger.accounts_since(organisation, side, before)
        return _in_order(
            organisation, MonthlyBook(view).month(snapshot.end, self._figures_of(organisation, side, before))
        )

    # The end of a run

    def _finish(self, organisation: Organisation, run: Run) -> None:
        try:
            self._history.advance(organisation.id, run)
        except Moved:
            return  # another run has come as far, or the next one will find out how far this one came
        if run.through is not None:
            self._history.forget_cleared(self._history.rows(organisation.id), run.through)

    def _close_documents(self, organisation: Organisation, today: int, now: datetime) -> None:
        """Moves what has closed by the passing of days out of the open set, and takes in due effects."""
        for side, kind in ((Side.RECEIVABLE, "invoice"), (Side.PAYABLE, "bill")):
            standing = self._ledger.accounts(organisation, side, today, today)
            every = (document for _, documents in standing for document in documents)
            closed = [document.id for document in every if listed_closed_from(document) <= today]
            self._recorder.close_documents(organisation, kind, closed, now)
        self._recorder.apply_due_effects(organisation, today)

    def _send(self, organisation: Organisation) -> int:
        """Sends what waits in the outbox. A record is sent again when the note that it was is lost."""
        if self._sender is None:
            return 0
        waiting = {one.record["id"]: one for one in self._history.unsent(organisation.id)}
        sent = 0
        for ids in self._sender.send(organisation.id, [one.record for one in waiting.values()]):
            self._history.sent(waiting[id_] for id_ in ids)
            sent += len(ids)
        return sent


def _first_day(view: View) -> int:
    """The issue day of the first document that ever existed; NEVER if there is none."""
    every = (document for _, documents in view for document in documents)
    return min((one.issued for one in every if one.issued < one.voided), default=NEVER)


def _in_order(organisation: Organisation, figures: Mapping[str, CurrencyMonth]) -> dict[str, CurrencyMonth]:
    return {currency: figures[currency] for currency in currency_order(figures, organisation.currency)}


def _moment(now: datetime) -> str:
    return now.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
