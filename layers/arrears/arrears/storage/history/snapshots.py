"""Snapshots of closed months: their figures, and in other items their packed rows."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from arrears.storage.history.table import HistoryTable, Item, Moved, Run, table_key
from arrears.storage.ledger.codec import compact

ROWS_PART_BYTES = 350_000
"""An item holds 400 KB at most."""
_LEVEL = 6
"""Of compression: a higher one takes three times as long for a few percent."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A closed month. end: its last day. figures: plain ones per currency, in the order they are answered."""

    end: int
    policy_version: int
    recorded_at: str
    figures: dict[str, dict[str, Any]]
    rows_part: str
    rows_parts: int


class SnapshotStore(HistoryTable):
    """Reads and writes the snapshots of one history table."""

    def snapshot(self, organisation: str, month: str) -> Snapshot | None:
        """The snapshot of a month (YYYY-MM), if it was closed."""
        item = self._get(f"{organisation}#snapshot", month)
        return None if item is None else _snapshot(item)

    def snapshots(self, organisation: str, months: int) -> list[Snapshot]:
        """The latest snapshots, oldest first."""
        found: list[Item] = []
        for page in self._pages(f"{organisation}#snapshot", ScanIndexForward=False, Limit=months):
            found += page
            if len(found) >= months:
                break
        return [_snapshot(item) for item in reversed(found[:months])]

    def keep_snapshot(
        self,
        organisation: str,
        run: Run,
        month: str,
        end: int,
        policy_version: int,
        recorded_at: str,
        figures: dict[str, dict[str, Any]],
        rows: Sequence[dict[str, Any]],
    ) -> bool:
        """Keeps a month's snapshot for good; False when the month has one already, which stays as it is.

        Raises Overtaken when another run has finished since `run`, or the book was changed behind it.
        """
        part, parts = self._put_rows(organisation, month, rows)
        head = {
            "end": {"N": str(end)},
            "policy": {"N": str(policy_version)},
            "at": {"S": recorded_at},
            "b": {"S": compact(figures)},
            "part": {"S": part},
            "parts": {"N": str(parts)},
        }
        put = self._put((f"{organisation}#snapshot", month), head)
        put["Put"]["ConditionExpression"] = "attribute_not_exists(pk)"
        while True:
            try:
                self._write([self._still(organisation, run), put])
            except Moved:
                # A transaction that met another one on its way may not have been the second: it is sent again.
                if self.snapshot(organisation, month) is None:
                    continue
                return False
            return True

    def _put_rows(self, organisation: str, month: str, rows: Sequence[dict[str, Any]]) -> tuple[str, int]:
        """Writes packed rows under their digest; the digest, and into how many items."""
        packed = zlib.compress(compact(rows).encode(), level=_LEVEL)
        part = sha256(packed).hexdigest()[:16]
        parts = [packed[start : start + ROWS_PART_BYTES] for start in range(0, len(packed), ROWS_PART_BYTES)]
        for number, piece in enumerate(parts):
            location = table_key(rows_partition(organisation, month), f"{part}#{number:04d}")
            self._client.put_item(TableName=self._table, Item={**location, "z": {"B": piece}})
        return part, len(parts)

    def snapshot_rows(self, organisation: str, month: str, snapshot: Snapshot) -> list[dict[str, Any]]:
        """The rows of a snapshot as they were at its close."""
        keys = (f"{snapshot.rows_part}#{number:04d}" for number in range(snapshot.rows_parts))
        pieces = (self._get(rows_partition(organisation, month), key) for key in keys)
        packed = b"".join(piece["z"]["B"] for piece in pieces if piece is not None)
        rows: list[dict[str, Any]] = json.loads(zlib.decompress(packed))
        return rows


def rows_partition(organisation: str, month: str) -> str:
    """Where the rows of a month's snapshot are."""
    return f"{organisation}#rows#{month}"


def _snapshot(item: Item) -> Snapshot:
    return Snapshot(
        int(item["end"]["N"]),
        int(item["policy"]["N"]),
        item["at"]["S"],
        json.loads(item["b"]["S"]),
        item["part"]["S"],
        int(item["parts"]["N"]),
    )
