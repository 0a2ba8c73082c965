"""Processes the complete days of an organisation: escalations day by day, and a snapshot at the end of every month.

A run may start late, run twice or beside another one, and be killed at any point: everything is written once, and the
next run continues from it. All days since the last run are processed with one reading of the book.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from arrears.close.escalation_writer import EscalationWriter, OutOfTime
from arrears.ledger.dated_document import Account, DatedDocument, listed_closed_from
from arrears.ledger.days import NEVER, month_of, year_before
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.rendering.overdue import customer_body
from arrears.reports.aging import currency_order, overdue_report
from arrears.reports.escalations import TierHistory
from arrears.reports.month_close import CurrencyMonth, MonthlyBook, from_stored, month_ends, to_stored
from arrears.reports.receivables import customer_row
from arrears.storage.history.table import Moved, Overtaken

if TYPE_CHECKING:
    from arrears.storage.events import EventSender
    from arrears.storage.history.snapshots import Snapshot
    from arrears.storage.history.store import HistoryStore
    from arrears.storage.history.table import Run
    from arrears.storage.ledger.reader import LedgerStore
    from arrears.storage.ledger.recorder import Recorder

type View = list[tuple[Account, list[DatedDocument]]]


@dataclass(frozen=True, slots=True)
class Closed:
    """What a run has done. through: the last day worked through, None when there was nothing to begin with.

    entered: how many rows entered each tier, historical ones apart.
    """

    through: int | None
    months: Sequence[str] = ()
    escalations: int = 0
    entered: Mapping[str, int] = field(default_factory=dict)
    sent: int = 0


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
        """Works through every complete day of the organisation, up to `through` at most.

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
        if run.through is not None and run.through >= last:
            return Closed(run.through)
        view, worked = self._read(organisation, run, last)
        if worked is None:
            return Closed(None)
        recorded_at = _moment(now)
        rows = EscalationWriter(self._history, organisation, run, worked, last, recorded_at, self._out_of_time)
        self._escalate(organisation, view, rows)
        months = self._close_months(organisation, view, run, worked, last, recorded_at)
        self._finish(organisation, run, last)
        self._close_documents(organisation, today, now)
        return Closed(last, months, rows.written, rows.entered)

    def _read(self, organisation: Organisation, run: "Run", last: int) -> tuple[View, int | None]:
        """The book for the days to work through, and the last day worked through before them.

        On the first run that is the day before the first document's; None when there is no document by `last`.
        """
        if run.through is None:
            view = list(self._ledger.accounts_since(organisation, Side.RECEIVABLE, 0))
            every = (document for _, documents in view for document in documents)
            first = min((one.issued for one in every if one.issued < one.voided), default=NEVER)
            return view, first - 1 if first <= last else None
        ends = month_ends(run.through + 1, last)
        since = min(run.through, year_before(ends[0])) if ends else run.through
        return list(self._ledger.accounts_since(organisation, Side.RECEIVABLE, since)), run.through

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

    def _close_months(
        self, organisation: Organisation, view: View, run: "Run", worked: int, last: int, recorded_at: str
    ) -> list[str]:
        ends = month_ends(worked + 1, last)
        if not ends:
            return []
        book = MonthlyBook(view)
        closed = []
        previous = self._figures(organisation, ends[0])
        for end in ends:
            if self._out_of_time():
                raise OutOfTime
            kept = self._history.snapshot(organisation.id, month_of(end))
            if kept is None:
                figures = book.month(end, previous)
                previous = {currency: figures[currency] for currency in currency_order(figures, organisation.currency)}
                self._keep(organisation, run, end, previous, book, recorded_at)
                closed.append(month_of(end))
            previous = self._figures_of(organisation, end)
        return closed

    def _keep(
        self,
        organisation: Organisation,
        run: "Run",
        end: int,
        figures: dict[str, CurrencyMonth],
        book: MonthlyBook,
        at: str,
    ) -> None:
        """Keeps a month's figures, and every customer's row as it is published on the month's last day."""
        policy = organisation.policy
        report = overdue_report(book.as_of(end), end, organisation)
        rows = [customer_body(customer_row(reference, end, policy)) for reference in report.rows]
        self._history.keep_snapshot(
            organisation.id, run, month_of(end), end, policy.version, at, to_stored(figures), rows
        )

    def _figures(self, organisation: Organisation, end: int) -> dict[str, CurrencyMonth]:
        """The figures of the snapshot before a month's."""
        before = _day_before_month(end)
        return {} if before is None else self._figures_of(organisation, before)

    def _figures_of(self, organisation: Organisation, end: int) -> dict[str, CurrencyMonth]:
        kept = self._history.snapshot(organisation.id, month_of(end))
        return {} if kept is None else from_stored(kept.figures)

    def month_now(self, organisation: Organisation, snapshot: "Snapshot") -> dict[str, CurrencyMonth]:
        """A closed month's figures as they would be by what is known today."""
        view = self._ledger.accounts_since(organisation, Side.RECEIVABLE, _day_before_month(snapshot.end) or 0)
        figures = MonthlyBook(view).month(snapshot.end, self._figures(organisation, snapshot.end))
        return {currency: figures[currency] for currency in currency_order(figures, organisation.currency)}

    # The end of a run

    def _finish(self, organisation: Organisation, run: "Run", last: int) -> None:
        try:
            self._history.advance(organisation.id, run, last)
        except Moved:
            return  # another run has come as far, or the next one will find out how far this one came
        self._history.forget_cleared(self._history.rows(organisation.id), last)

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


def _day_before_month(end: int) -> int | None:
    first = datetime.fromordinal(end).replace(day=1).toordinal()
    return first - 1 if first > 1 else None


def _moment(now: datetime) -> str:
    return now.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
