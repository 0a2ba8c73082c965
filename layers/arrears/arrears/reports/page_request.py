"""Which page of rows is asked for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from arrears.reports.aging import SortKey


class PageRequest(NamedTuple):
    """Which rows are asked for. after: the sort key of the row before the first. limit: how many rows."""

    after: "SortKey | None"
    limit: int

    @classmethod
    def at(cls, position: Sequence[Any] | None, limit: int) -> "PageRequest":
        """The page after a position, as JSON carried it; None: the first one."""
        if position is None:
            return cls(None, limit)
        other, currency, days, owed, name, id_ = position
        return cls((other, currency, days, owed, name, id_), limit)
