"""Who or what changes the ledger."""

from typing import NamedTuple


class Origin(NamedTuple):
    """The source of a change.

    kind: `key` (an API key), `operator` (somebody with the command), `dropped_file` or `schedule`. id: of the key, the
    operator's identity, or the file's name in the bucket. import_id: of the import that a change belongs to. undo_of:
    of the import that it puts back.
    """

    kind: str
    id: str = ""
    import_id: str = ""
    undo_of: str = ""


SCHEDULE = Origin("schedule")
"""What becomes due by time alone."""
OPERATOR = Origin("operator")
"""Somebody with the command, not named."""
