"""Runs an import: writes rows to a ledger in batches, writes rejected rows to a file, and keeps a row to resume from.

Writing is idempotent: a batch that was written but not noted is written again, which changes nothing. Resuming saves
time and keeps the counts; the book would be right without it.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

from arrears.imports.errors import shortened
from arrears.imports.file_reader import OpenFile, Outcome
from arrears.imports.rejected_rows import RejectedRow, RejectedRows
from arrears.imports.repeated_records import MAX_NOTED_RECORDS, RepeatedRecords
from arrears.ledger.errors import THROTTLED, UNAVAILABLE, ArrearsError
from arrears.ledger.result import Result

BATCH_RECORDS = 500
FIRST_REPEATED = FIRST_WARNINGS = 20
SHOWN_IDS = 3
"""Of those that a warning names, so many are in results."""
BATCH_ROWS = 5_000
BATCH_CHARACTERS = 4 << 20
"""Of the rows as they are in the file: rows may have megabytes."""
PATIENCE_SECONDS = (1, 2, 4, 8, 15, 30)

type Write = Callable[[Sequence[dict[str, Any]]], Sequence[Result]]
"""Writes records and says what became of each, in order."""


@dataclass(slots=True)
class Progress:
    """How far an import has come. rows: read so far. results: records by what became of them.

    skipped: rows left out on purpose, by reason. rejected_rows: rows of which something was rejected.
    rejected_bytes: length of the file of rejected rows that belongs to these rows. repeated_records: those whose
    type and id an earlier row of the file had. first_repeated: the first few of them, as results show them.
    warnings: by their code, how many of the records written look wrong. first_warnings: the first few of them.
    import_id: the same in all runs of one import; "" where nothing is written.
    """

    rows: int = 0
    rejected_rows: int = 0
    rejected_bytes: int = 0
    results: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    repeated_records: int = 0
    first_repeated: list[dict[str, Any]] = field(default_factory=list)
    warnings: dict[str, int] = field(default_factory=dict)
    first_warnings: list[dict[str, Any]] = field(default_factory=list)
    import_id: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; `Progress(**json)` reads it back."""
        return asdict(self)

    def summary(self) -> dict[str, Any]:
        """What a person or a program wants to know of it."""
        results = {name: self.results.get(name, 0) for name in RESULTS}
        skipped = sum(self.skipped.values())
        return {
            "import_id": self.import_id or None,
            "rows": self.rows,
            "records": sum(results.values()),
            **results,
            "rejected_rows": self.rejected_rows,
            "skipped_rows": skipped,
            "skipped": dict(self.skipped),
            "repeated_records": self.repeated_records,
            "first_repeated": list(self.first_repeated),
            "warnings": dict(self.warnings),
            "first_warnings": list(self.first_warnings),
        }

    def add_warnings(self, line: int, result: Result) -> None:
        """Counts what looks wrong about a record of a row."""
        for warning in result.warnings:
            code = warning["code"]
            self.warnings[code] = self.warnings.get(code, 0) + 1
            if len(self.first_warnings) < FIRST_WARNINGS:
                inputs = {name: _shown(value) for name, value in warning.items()}
                self.first_warnings.append({"line": line, "type": result.type, "id": result.id, **inputs})


def _shown(value: Any) -> Any:
    """An input of a warning as results show it: progress is passed on in messages, which are small."""
    return value[:SHOWN_IDS] if isinstance(value, list) else value


RESULTS = ("created", "updated", "unchanged", "stale", "pending", "deleted", "valid")


def run(
    opened: OpenFile,
    progress: Progress,
    write: Write,
    rejected: RejectedRows,
    after_batch: Callable[[Progress], bool],
) -> bool:
    """Imports an open file from the row that `progress` has reached. Returns whether it came to the end.

    after_batch: called after every batch, when all in `progress` is durable; it says whether to go on.
    """
    with closing(RepeatedRecords()) as repeated:
        return _run(_noted(opened, progress, repeated), progress, write, rejected, after_batch)


def _run(
    outcomes: Iterator[Outcome],
    progress: Progress,
    write: Write,
    rejected: RejectedRows,
    after_batch: Callable[[Progress], bool],
) -> bool:
    for batch in _batches(outcomes):
        results = iter(write([made.record for outcome in batch for made in outcome.made]))
        refused = [row for outcome in batch for row in count_results(outcome, results, progress)]
        progress.rejected_bytes = rejected.add(refused)
        for record in (record for outcome in batch for record in outcome.repeated):
            progress.repeated_records += 1
            if len(progress.first_repeated) < FIRST_REPEATED:
                progress.first_repeated.append(record._asdict())
        progress.rows += len(batch)
        progress.rejected_rows += len({row.line for row in refused})
        if not after_batch(progress):
            return False
    return True


def _noted(opened: OpenFile, progress: Progress, repeated: RepeatedRecords) -> Iterator[Outcome]:
    """The outcomes from the row that `progress` has reached, each with the records that repeat an earlier one.

    An import that goes on reads the rows before once more, to know their ids; where they are too many it compares
    nothing: a run has little time.
    """
    if progress.rows > MAX_NOTED_RECORDS:
        yield from opened.outcomes(progress.rows)
        return
    start = progress.rows
    for number, outcome in enumerate(opened.outcomes()):
        repeats = tuple(repeated.note(outcome.line, outcome.cells, outcome.made))
        if number >= start:
            yield outcome._replace(repeated=repeats)


def _batches(outcomes: Iterator[Outcome]) -> Iterator[list[Outcome]]:
    """Rows in batches; all that a row became is in one."""
    batch: list[Outcome] = []
    records = characters = 0
    for outcome in outcomes:
        records += len(outcome.made)
        characters += sum(map(len, outcome.cells))
        if batch and (records > BATCH_RECORDS or characters > BATCH_CHARACTERS or len(batch) >= BATCH_ROWS):
            yield batch
            batch, records, characters = [], len(outcome.made), sum(map(len, outcome.cells))
        batch.append(outcome)
    if batch:
        yield batch


def count_results(outcome: Outcome, results: Iterator[Result], progress: Progress) -> Iterator[RejectedRow]:
    """Counts the outcome of a row, and returns what of it is rejected."""
    if outcome.rejected is not None:
        yield RejectedRow(outcome.line, *outcome.rejected, outcome.cells)
    if outcome.skipped is not None:
        progress.skipped[outcome.skipped] = progress.skipped.get(outcome.skipped, 0) + 1
    for made in outcome.made:
        result = next(results)
        if result.result == "rejected":
            column = made.columns.get(result.field or "", result.field)
            reason = shortened(f"{result.type} {result.id}: {result.reason}")
            yield RejectedRow(outcome.line, column, reason, outcome.cells)
        else:
            progress.results[result.result] = progress.results.get(result.result, 0) + 1
            progress.add_warnings(outcome.line, result)


def validate_only(records: Sequence[dict[str, Any]]) -> list[Result]:
    """Writes nothing. Rows come here only when each of their records has been read without complaint."""
    return [Result(record["type"], record["id"], "valid") for record in records]


def patiently(write: Write, waited: Callable[[str, int], None], sleep: Callable[[float], None] = time.sleep) -> Write:
    """Waits and writes again while the ledger is busy; `waited` gets the reason and the seconds."""

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
