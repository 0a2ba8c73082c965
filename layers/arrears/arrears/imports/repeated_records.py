"""Records of one file that share a type and id: the later one overwrites the earlier."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from arrears.imports.mapped_table import MadeRecord

MAX_NOTED_RECORDS = 1_000_000
"""Some 60 bytes each in a temporary file. What comes after them is not compared."""


class RepeatedRecord(NamedTuple):
    """A record whose type and id an earlier row of the file had. Lines as in all messages, from 1."""

    line: int
    first_line: int
    type: str
    id: str


class RepeatedRecords:
    """Notes the records of a file, as digests in a temporary file: memory does not grow with them."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute(
            "CREATE TABLE records (key INTEGER PRIMARY KEY, line INTEGER, content INTEGER, cells INTEGER)"
        )
        self._count = 0

    def note(self, line: int, cells: Sequence[str], made: Sequence[MadeRecord]) -> Iterator[RepeatedRecord]:
        """Adds the records of a row, and returns those that repeat an earlier one.

        One that says the same is a repetition only where the whole row does: exports with a row for each line of an
        invoice say the same of the invoice in each.
        """
        row = _digest(cells)
        for record in (one.record for one in made):
            if self._count >= MAX_NOTED_RECORDS:
                return
            self._count += 1
            key, content = _digest([record["type"], record["id"]]), _digest(record)
            found = self._database.execute("SELECT line, content, cells FROM records WHERE key = ?", (key,)).fetchone()
            if found is None:
                self._database.execute("INSERT INTO records VALUES (?, ?, ?, ?)", (key, line, content, row))
            elif found[0] != line and (found[1] != content or found[2] == row):
                yield RepeatedRecord(line, found[0], record["type"], record["id"])

    def close(self) -> None:
        """Deletes what was noted."""
        self._database.close()


def _digest(value: Any) -> int:
    text = json.dumps(value, sort_keys=True, default=str)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)
