"""The whole history table as one store, for callers that need more than one part of it."""

from arrears.storage.history.escalations import EscalationStore
from arrears.storage.history.snapshots import SnapshotStore


class HistoryStore(EscalationStore, SnapshotStore):
    """Reads and writes one history table."""
