"""The file of rejected rows: what was wrong with each, then the row as it was, to be corrected and imported again."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from arrears.imports.file_rows import REJECTED_COLUMNS
from arrears.spreadsheet import guarded_cell

FIRST_REJECTIONS = 100


class RejectedRow(NamedTuple):
    """A row of which something was rejected. about: the column or field. cells: the row as it was in its file."""

    line: int
    about: str | None
    reason: str
    cells: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """As results show it, without its cells."""
        return {"line": self.line, "field": self.about, "reason": self.reason}


class RejectedRows:
    """The file of rejected rows: line, column and reason, then the row as it was. It is made when there is one.

    first: the first few of this run, without their cells. length: bytes of the file that count; what is behind them
    was written by an attempt that died.
    """

    def __init__(self, path: Path, columns: Sequence[str] | None, length: int) -> None:
        self.path = path
        self._columns = columns
        self._stream: io.BufferedRandom | None = None
        self._length = length
        self.first: list[RejectedRow] = []
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

    def add(self, rows: Sequence[RejectedRow]) -> int:
        """Adds rows. Returns the length of the file, in bytes."""
        if rows:
            text = io.StringIO()
            writer = csv.writer(text)
            if not self._length:
                columns = ["record"] if self._columns is None else self._columns
                writer.writerow([*REJECTED_COLUMNS, *map(guarded_cell, columns)])
            for row in rows:
                writer.writerow([row.line, *map(guarded_cell, (row.about or "", row.reason, *row.cells))])
            self.first += [row._replace(cells=()) for row in rows[: FIRST_REJECTIONS - len(self.first)]]
            # A JSON escape may be half a surrogate pair, which no encoding has.
            data = text.getvalue().encode("utf-8", "replace")
            stream = self._open()
            stream.write(data)
            stream.flush()
            self._length += len(data)
        return self._length

    def close(self) -> None:
        """Nothing is added any more."""
        if self._stream is not None:
            self._stream.close()
