"""Finds the organisations with a complete day, or a month to close, that has not been processed yet."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING

from arrears.ledger.days import month_end
from arrears.ledger.organisation import Organisation

if TYPE_CHECKING:
    from arrears.storage.history.store import HistoryStore
    from arrears.storage.history.table import Run

_BATCH = 100


@dataclass(frozen=True, slots=True)
class Due:
    """An organisation to work through. days: for how many days that could have been done; 0 when it has not begun."""

    organisation_id: str
    days: int


def due_organisations(organisations: Iterable[Organisation], history: "HistoryStore", now: datetime) -> Iterator[Due]:
    """Those with a day that is over and not worked through, or a month whose wait is over; and those not begun."""
    for batch in batched(organisations, _BATCH, strict=False):
        runs = history.runs(organisation.id for organisation in batch)
        for organisation in batch:
            run = runs.get(organisation.id)
            if run is None or run.through is None:
                yield Due(organisation.id, 0)
            elif (days := _days_waiting(organisation, run, run.through, now)) > 0:
                yield Due(organisation.id, days)


def closable_through(organisation: Organisation, today: int) -> int:
    """The day by which a month must have ended to be closed today: late postings are waited for until then."""
    return today - 1 - organisation.policy.close_after_days


def _days_waiting(organisation: Organisation, run: "Run", through: int, now: datetime) -> int:
    today = organisation.today(now)
    closable = closable_through(organisation, today)
    return max(today - 1 - through, *(closable - month_end(closed + 1) + 1 for closed in run.closed.values()))
