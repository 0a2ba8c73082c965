"""Removes entries of the change log that are older than it is to be kept, as a part of the daily run.

Removing what somebody may still ask for would make wrong answers. So it takes two runs: one says that the organisation
answers for later moments only, and one that comes later removes what is before the moment that was said. Between the
two, functions that knew the organisation as it was have forgotten it, and their last answers are given.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from arrears.ledger.import_ids import CLOCKS_DIFFER
from arrears.ledger.known_at import instant_of, moment_of
from arrears.ledger.organisation import Organisation

if TYPE_CHECKING:
    from arrears.storage.access.organisations import Organisations
    from arrears.storage.ledger.change_log import ChangeLog

_SECOND = 1_000_000
_HOUR = 3_600 * _SECOND
_DAY = 24 * _HOUR
_BETWEEN = _HOUR
"""Microseconds for which a moment must have been said before anything is removed: a request takes at most minutes."""


class Removed(NamedTuple):
    """How many items of the log were removed. finished: whether the time was enough for all of them."""

    items: int
    finished: bool


class LogRetention:
    """Keeps the change logs of organisations for so many days; 0: for ever. out_of_time: asked between steps."""

    def __init__(
        self,
        organisations: "Organisations",
        log_of: "Callable[[str], ChangeLog]",
        days: int,
        out_of_time: Callable[[], bool] = lambda: False,
    ) -> None:
        self._organisations = organisations
        self._log_of = log_of
        self._days = days
        self._out_of_time = out_of_time

    def apply(self, organisation: Organisation, now: datetime) -> Removed:
        """Removes what may go, and says what may be asked from now on. It may stop anywhere and run again.

        organisation: as it is stored now.
        """
        first = organisation.known_from
        if not self._days or first is None:
            return Removed(0, True)
        # Imports are named by whole seconds: so an id tells whether all that an import changed is kept.
        kept_from = (moment_of(now) - self._days * _DAY) // _SECOND * _SECOND
        removed = Removed(0, True)
        if first <= kept_from - _BETWEEN:
            # An import that began then by its id may have written before.
            before = moment_of(instant_of(first) - CLOCKS_DIFFER)
            removed = Removed(*self._log_of(organisation.id).delete_before(before, self._out_of_time))
        if removed.finished and first < kept_from:
            self._organisations.move_known_from(organisation.id, kept_from)
        return removed
