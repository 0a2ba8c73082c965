"""Finds the organisations with a complete day that has not been processed yet."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING

from arrears.ledger.organisation import Organisation

if TYPE_CHECKING:
    from arrears.storage.history.store import HistoryStore

_BATCH = 100


@dataclass(frozen=True, slots=True)
class Due:
    """An organisation to work through. days: complete days that wait; 0 when it has not begun."""

    organisation_id: str
    days: int


def due_organisations(organisations: Iterable[Organisation], history: "HistoryStore", now: datetime) -> Iterator[Due]:
    """Those whose local yesterday is later than the last day worked through, or that have not begun."""
    for batch in batched(organisations, _BATCH, strict=False):
        runs = history.runs(organisation.id for organisation in batch)
        for organisation in batch:
            through = runs.get(organisation.id)
            last = organisation.today(now) - 1
            if through is None or through < last:
                yield Due(organisation.id, 0 if through is None else last - through)
