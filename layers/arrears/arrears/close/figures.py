"""Stored snapshots as figures."""

from typing import TYPE_CHECKING

from arrears.reports.month_close import Figures

if TYPE_CHECKING:
    from arrears.storage.history.snapshots import Snapshot


def figures_of(snapshot: "Snapshot") -> dict[str, Figures]:
    """The figures of a snapshot, per currency."""
    return {currency: Figures(**own) for currency, own in snapshot.figures.items()}
