"""Importing: rows in batches into a ledger, with what was rejected beside the input, and a place to resume from.

What is written is idempotent, so a batch that was written but not noted is only written again; resuming saves time
and keeps the counts, it is not what keeps the book right.
"""

import csv
import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from arrears.imports.file_reader import OpenFile, Outcome
from arrears.imports.file_rows import REJECTED_COLUMNS
from arrears.ledger.errors import THROTTLED, UNAVAILABLE, ArrearsError
from arrears.ledger.recording import Result

BATCH_RECORDS = 500
BATCH_ROWS = 5_000
FIRST_REJECTIONS = 100
PATIENCE_SECONDS = (1, 2, 4, 8, 15, 30)

type Write = Callable[[Sequence[dict[str, Any]]], Sequence[Result]]
"""Writes records and says what became of each, in order."""


@dataclass(slots=True)
class Progress:
    """How far an import has come. rows: read so far. results: records by what became of them.

    skipped: rows left out on purpose, by reason. rejected_rows: rows of which something was rejected.
    rejected_bytes: length of the file of rejected rows that belongs to these rows.
    """

    rows: int = 0
    rejected_rows: int = 0
    rejected_bytes: int = 0
    results: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; `Progress(**json)` reads it back."""
        return asdict(self)

    def summary(self) -> dict[str, Any]:
        """What a person or a program wants to know of it."""
        results = {name: self.results.get(name, 0) for name in RESULTS}
        skipped = sum(self.skipped.values())
        return {
            "rows": self.rows,
            "records": sum(results.values()),
            **results,
            "rejected_rows": self.rejected_rows,
            "skipped_rows": skipped,
            "skipped": dict(self.skipped),
        }


RESULTS = ("created", "updated", "unchanged", "stale", "pending", "valid")


class RejectedRows:
    """The file of rejected rows: line, column and reason, then the row as it stood. It is made when there is one.

    first: the first few of this run. length: what of the file counts; more of it is of an attempt that is forgotten.
    """

    def __init__(self, path: Path, columns: Sequence[str] | None, length: int) -> None:
        self.path = path
        self._columns = columns
        self._stream: io.BufferedRandom | None = None
        self._length = length
        self.first: list[tuple[int, str | None, str]] = []
        if length:
            self._open()
        else:
            path.unlink(missing_ok=True)

    def _open(self) -> io.BufferedRandom:
        if self._stream is None:
            self._stream = self.path.open("r+b" if self._length else "w+b")
            self._stream.seek(self._length)
            self._stream.truncate()
        return self._stream

    def add(self, rows: Sequence[tuple[int, str | None, str, Sequence[str]]]) -> int:
        """Adds rows of (line, column, reason, cells). Returns the length of the file."""
        if rows:
            text = io.StringIO()
            writer = csv.writer(text)
            if not self._length:
                writer.writerow([*REJECTED_COLUMNS, *(["record"] if self._columns is None else self._columns)])
            for line, about, reason, cells in rows:
                writer.writerow([line, about or "", reason, *cells])
            self.first += [row[:3] for row in rows[: FIRST_REJECTIONS - len(self.first)]]
            data = text.getvalue().encode()
            stream = self._open()
            stream.write(data)
            stream.flush()
            self._length += len(data)
        return self._length

    def close(self) -> None:
        """Nothing is added any more."""
        if self._stream is not None:
            self._stream.close()


def run(
    opened: OpenFile,
    progress: Progress,
    write: Write,
    rejected: RejectedRows,
    after_batch: Callable[[Progress], bool],
) -> bool:
    """Imports an open file from where `progress` stands. Returns whether it came to the end.

    after_batch: told after every batch, when all in `progress` is durable; it says whether to go on.
    """
    for batch in _batches(opened.outcomes(progress.rows)):
        results = iter(write([made.record for outcome in batch for made in outcome.made]))
        refused = [row for outcome in batch for row in _settle(outcome, results, progress)]
        progress.rejected_bytes = rejected.add(refused)
        progress.rows += len(batch)
        progress.rejected_rows += len({row[0] for row in refused})
        if not after_batch(progress):
            return False
    return True


def _batches(outcomes: Iterator[Outcome]) -> Iterator[list[Outcome]]:
    """Rows in batches; all that a row became is in one."""
    batch: list[Outcome] = []
    records = 0
    for outcome in outcomes:
        if batch and (records + len(outcome.made) > BATCH_RECORDS or len(batch) >= BATCH_ROWS):
            yield batch
            batch, records = [], 0
        batch.append(outcome)
        records += len(outcome.made)
    if batch:
        yield batch


def _settle(
    outcome: Outcome, results: Iterator[Result], progress: Progress
) -> Iterator[tuple[int, str | None, str, Sequence[str]]]:
    """Counts what became of a row; gives what of it is rejected."""
    if outcome.rejected is not None:
        yield outcome.line, *outcome.rejected, outcome.cells
    if outcome.skipped is not None:
        progress.skipped[outcome.skipped] = progress.skipped.get(outcome.skipped, 0) + 1
    for made in outcome.made:
        result = next(results)
        if result.result == "rejected":
            column = made.columns.get(result.field or "", result.field)
            yield outcome.line, column, f"{result.type} {result.id}: {result.reason}", outcome.cells
        else:
            progress.results[result.result] = progress.results.get(result.result, 0) + 1


def validate_only(records: Sequence[dict[str, Any]]) -> list[Result]:
    """Writes nothing. Rows come here only when each of their records has been read without complaint."""
    return [Result(record["type"], record["id"], "valid") for record in records]


def patiently(write: Write, waited: Callable[[str, int], None], sleep: Callable[[float], None] = time.sleep) -> Write:
    """Waits and writes again while the ledger is busy; `waited` is told why and for how many seconds."""

    def write_again(records: Sequence[dict[str, Any]]) -> Sequence[Result]:
        for seconds in PATIENCE_SECONDS:
            try:
                return write(records)
            except ArrearsError as refusal:
                if refusal.code not in (THROTTLED, UNAVAILABLE):
                    raise
                waited(refusal.detail, seconds)
                sleep(seconds)
        return write(records)

    return write_again


def encode_state(binding: dict[str, Any], progress: Progress) -> bytes:
    """A state to resume from. binding: what it is bound to, plain JSON values."""
    return json.dumps({"bound_to": binding, "progress": progress.to_json()}).encode()


def decode_state(data: bytes, binding: dict[str, Any]) -> Progress | None:
    """The progress to resume from; None when the state is of something else or cannot be read."""
    try:
        state = json.loads(data)
        return Progress(**state["progress"]) if state["bound_to"] == binding else None
    except (ValueError, TypeError, KeyError):
        return None
