"""Snapshots of closed months: figures of each ledger side, and in other items the packed rows of receivables."""

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from arrears.ledger.days import month_of
from arrears.ledger.ledger_side import Side
from arrears.storage.history.table import HistoryTable, Item, Moved, Run, table_key
from arrears.storage.ledger.codec import compact

ROWS_PART_BYTES = 350_000
"""An item holds 400 KB at most."""
_LEVEL = 6
"""Of compression: a higher one takes three times as long for a few percent."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A closed month of one ledger side. end: its last day.

    figures: plain ones per currency, in the order they are answered. rows_part, rows_parts: where its rows are, if any.
    """

    end: int
    policy_version: int
    recorded_at: str
    figures: dict[str, dict[str, Any]]
    rows_part: str = ""
    rows_parts: int = 0


class SnapshotStore(HistoryTable):
    """Reads and writes the snapshots of one history table."""

    def snapshot(self, organisation: str, month: str, side: Side = Side.RECEIVABLE) -> Snapshot | None:
        """The snapshot of a month (YYYY-MM), if it was closed."""
        item = self._get(snapshots_partition(organisation, side), month)
        return None if item is None else _snapshot(item)

    def snapshots(
        self, organisation: str, months: int, side: Side = Side.RECEIVABLE, known_at: str | None = None
    ) -> list[Snapshot]:
        """The latest snapshots, oldest first. known_at: only those recorded by that moment."""
        found: list[Item] = []
        for page in self._pages(snapshots_partition(organisation, side), ScanIndexForward=False, Limit=months):
            found += (item for item in page if known_at is None or item["at"]["S"] <= known_at)
            if len(found) >= months:
                break
        return [_snapshot(item) for item in reversed(found[:months])]

    def keep_snapshot(
        self,
        organisation: str,
        run: Run,
        side: Side,
        snapshot: Snapshot,
        rows: Iterable[str] | None = None,
    ) -> bool:
        """Keeps a month's snapshot for good; False when the month has one already, which stays as it is.

        rows: as JSON text, in order, to be kept beside it where there are any. Raises Overtaken when another run has
        finished since `run`, or the book was changed behind it.
        """
        month = month_of(snapshot.end)
        if rows is not None:
            part, parts = self._put_rows(organisation, month, rows)
            snapshot = replace(snapshot, rows_part=part, rows_parts=parts)
        put = self._put((snapshots_partition(organisation, side), month), _item(snapshot))
        put["Put"]["ConditionExpression"] = "attribute_not_exists(pk)"
        while True:
            try:
                self._write([self._still(organisation, run), put])
            except Moved:
                # A transaction that met another one on its way may not have been the second: it is sent again.
                if self.snapshot(organisation, month, side) is None:
                    continue
                return False
            return True

    def _put_rows(self, organisation: str, month: str, rows: Iterable[str]) -> tuple[str, int]:
        """Writes rows, packed as one JSON array, under their digest; the digest, and into how many items."""
        packing = zlib.compressobj(_LEVEL)
        packed = b"".join([*(packing.compress(text.encode()) for text in _array_of(rows)), packing.flush()])
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


def _array_of(rows: Iterable[str]) -> Iterator[str]:
    yield "["
    for number, row in enumerate(rows):
        yield f",{row}" if number else row
    yield "]"


def snapshots_partition(organisation: str, side: Side) -> str:
    """Where the snapshots of a ledger side are."""
    return f"{organisation}#snapshot" if side is Side.RECEIVABLE else f"{organisation}#snapshot#payable"


def rows_partition(organisation: str, month: str) -> str:
    """Where the rows of a month's snapshot are."""
    return f"{organisation}#rows#{month}"


def _item(snapshot: Snapshot) -> Item:
    rows = {"part": {"S": snapshot.rows_part}, "parts": {"N": str(snapshot.rows_parts)}} if snapshot.rows_parts else {}
    return {
        "end": {"N": str(snapshot.end)},
        "policy": {"N": str(snapshot.policy_version)},
        "at": {"S": snapshot.recorded_at},
        "b": {"S": compact(snapshot.figures)},
        **rows,
    }


def _snapshot(item: Item) -> Snapshot:
    rows = (item["part"]["S"], int(item["parts"]["N"])) if "part" in item else ("", 0)
    return Snapshot(
        int(item["end"]["N"]),
        int(item["policy"]["N"]),
        item["at"]["S"],
        json.loads(item["b"]["S"]),
        *rows,
    )
