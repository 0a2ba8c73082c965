"""Stored snapshots as figures."""

from typing import TYPE_CHECKING

from arrears.analytics.snapshots import Figures

if TYPE_CHECKING:
    from arrears.storage.history import Snapshot


def figures_of(snapshot: "Snapshot") -> dict[str, Figures]:
    """The figures of a snapshot, per currency."""
    return {currency: Figures(**own) for currency, own in snapshot.figures.items()}
