"""Working through an organisation's complete days: escalations day by day, and a snapshot at every month's end.

It may run at any time, late, twice or twice at once, and be killed anywhere: what is written is written once, and the
next run goes on from what is written. All days since the last run are worked through on one reading of the book.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from arrears.analytics import escalations, snapshots
from arrears.analytics.escalations import Move
from arrears.analytics.snapshots import Figures, month_ends
from arrears.ledger.days import NEVER, month_of, year_before
from arrears.ledger.facts import Account, Facts, rest_day
from arrears.ledger.organisation import Organisation
from arrears.ledger.side import Side
from arrears.overdue import receivables
from arrears.overdue.aging import currency_order
from arrears.schedule.figures import figures_of
from arrears.storage.history import MOST_RECORDS, Moved, RowKey, RowState

if TYPE_CHECKING:
    from arrears.storage.events import EventSender
    from arrears.storage.history import HistoryStore, Run, Snapshot
    from arrears.storage.ledger import LedgerStore
    from arrears.storage.writer import Recorder

type View = list[tuple[Account, list[Facts]]]


class OutOfTime(Exception):
    """The time allowed is over; what is written stays, and the next run goes on from there."""


@dataclass(frozen=True, slots=True)
class Closed:
    """What a run has done. through: the last day worked through, None when there was nothing to begin with."""

    through: int | None
    months: list[str]
    escalations: int
    sent: int


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
        sent = self._send(organisation)
        today = organisation.today(now)
        last = min(today - 1, through)
        run = self._history.run(organisation.id)
        if run.through is not None and run.through >= last:
            return Closed(run.through, [], 0, sent)
        view, worked = self._read(organisation, run, last)
        if worked is None:
            return Closed(None, [], 0, sent)
        recorded_at = _moment(now)
        written = self._escalate(organisation, view, worked, last, recorded_at)
        months = self._close_months(organisation, view, worked, last, recorded_at)
        self._finish(organisation, run, last)
        self._settle(organisation, today, now)
        return Closed(last, months, written, sent + self._send(organisation))

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

    # Escalations

    def _escalate(self, organisation: Organisation, view: View, worked: int, last: int, recorded_at: str) -> int:
        recorded = self._history.rows(organisation.id)
        left = dict(recorded)
        written = 0
        for account, documents in view:
            for currency in sorted({document.currency for document in documents}):
                key = (account.id, currency)
                state = left.pop(key, None)
                written += self._work_row(organisation, key, (account, documents), state, worked, last, recorded_at)
        for key, state in left.items():
            gone = Account(key[0], key[0], "", ""), list[Facts]()
            written += self._work_row(organisation, key, gone, state, worked, last, recorded_at)
        return written

    def _work_row(
        self,
        organisation: Organisation,
        key: RowKey,
        row: tuple[Account, Sequence[Facts]],
        state: RowState | None,
        worked: int,
        last: int,
        recorded_at: str,
    ) -> int:
        """Follows one row to the end of `last`; where another run writes it meanwhile, from where that has come to."""
        while True:
            self._check_time()
            stood = state or RowState(None, worked, 0)
            begun = max(stood.through, worked)
            if begun >= last:
                return 0
            changes = escalations.tier_changes(*row, key[1], organisation.policy, begun, last)
            moves = list(escalations.moves(stood.tier, begun, changes))
            try:
                return self._record(organisation, key, row, stood.version, moves, last, recorded_at)
            except Moved:
                state = self._history.row(organisation.id, key)

    def _record(
        self,
        organisation: Organisation,
        key: RowKey,
        row: tuple[Account, Sequence[Facts]],
        version: int,
        moves: Sequence[Move],
        last: int,
        recorded_at: str,
    ) -> int:
        written = 0
        for batch in _batches(moves):
            told = [
                record
                for move in batch
                for record in escalations.records(*row, key[1], move, organisation.policy, organisation.created_on)
            ]
            through = last if batch[-1] is moves[-1] else batch[-1].day
            state = batch[-1].after, through
            self._history.record(organisation.id, key, version, state, told, recorded_at)
            version += 1
            written += len(told)
        return written

    # Months

    def _close_months(
        self, organisation: Organisation, view: View, worked: int, last: int, recorded_at: str
    ) -> list[str]:
        ends = month_ends(worked + 1, last)
        if not ends:
            return []
        book = snapshots.Book(documents for _, documents in view)
        closed = []
        previous = self._figures(organisation, ends[0])
        for end in ends:
            self._check_time()
            kept = self._history.snapshot(organisation.id, month_of(end))
            if kept is None:
                figures = book.month(end, previous)
                previous = {currency: figures[currency] for currency in currency_order(figures, organisation.currency)}
                rows = [row.body for row in receivables.report(view, end, organisation).rows]
                version = organisation.policy.version
                month = month_of(end)
                told = {currency: asdict(own) for currency, own in previous.items()}
                self._history.keep_snapshot(organisation.id, month, end, version, recorded_at, told, rows)
                closed.append(month)
            previous = self._figures_of(organisation, end)
        return closed

    def _figures(self, organisation: Organisation, end: int) -> dict[str, Figures]:
        """The figures of the snapshot before a month's."""
        before = _day_before_month(end)
        return {} if before is None else self._figures_of(organisation, before)

    def _figures_of(self, organisation: Organisation, end: int) -> dict[str, Figures]:
        kept = self._history.snapshot(organisation.id, month_of(end))
        return {} if kept is None else figures_of(kept)

    def month_now(self, organisation: Organisation, snapshot: "Snapshot") -> dict[str, Figures]:
        """A closed month's figures as they would be by what is known today."""
        view = self._ledger.accounts_since(organisation, Side.RECEIVABLE, _day_before_month(snapshot.end) or 0)
        figures = snapshots.Book(documents for _, documents in view).month(
            snapshot.end, self._figures(organisation, snapshot.end)
        )
        return {currency: figures[currency] for currency in currency_order(figures, organisation.currency)}

    # The end of a run

    def _finish(self, organisation: Organisation, run: "Run", last: int) -> None:
        try:
            self._history.advance(organisation.id, run, last)
        except Moved:
            return  # another run has come as far, or the next one will find out how far this one came
        self._history.forget_cleared(organisation.id, self._history.rows(organisation.id), last)

    def _settle(self, organisation: Organisation, today: int, now: datetime) -> None:
        """Moves what has come to rest by the passing of days out of the open set, and takes in due effects."""
        for side, kind in ((Side.RECEIVABLE, "invoice"), (Side.PAYABLE, "bill")):
            standing = self._ledger.accounts(organisation, side, today, today)
            every = (document for _, documents in standing for document in documents)
            rested = [document.id for document in every if rest_day(document) <= today]
            self._recorder.settle(organisation, kind, rested, now)
        self._recorder.take_in_due_effects(organisation, today)

    def _send(self, organisation: Organisation) -> int:
        """Sends what waits in the outbox. A record is sent again when the note that it was is lost."""
        if self._sender is None:
            return 0
        sent = 0
        for id_ in self._sender.send(organisation.id, list(self._history.unsent(organisation.id))):
            self._history.sent(organisation.id, [id_])
            sent += 1
        return sent

    def _check_time(self) -> None:
        if self._out_of_time():
            raise OutOfTime


def _batches(moves: Iterable[Move]) -> Iterator[list[Move]]:
    """Moves in batches of few enough records, each of four at most."""
    batch: list[Move] = []
    for move in moves:
        if (len(batch) + 1) * 4 > MOST_RECORDS:
            yield batch
            batch = []
        batch.append(move)
    if batch:
        yield batch


def _day_before_month(end: int) -> int | None:
    first = datetime.fromordinal(end).replace(day=1).toordinal()
    return first - 1 if first > 1 else None


def _moment(now: datetime) -> str:
    return now.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
