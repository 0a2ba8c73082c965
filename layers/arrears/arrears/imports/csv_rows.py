"""Rows of separated values."""

import csv
import io
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import override

from arrears.imports.encoding import TextLines
from arrears.imports.errors import FileRefused
from arrears.imports.file_rows import REJECTED_COLUMNS, BadRow, FileRow, Layout, Table
from arrears.spreadsheet import original_cell

SEPARATORS = (",", ";", "\t", "|")
MAX_CELL_CHARACTERS = 1 << 20
MAX_COLUMNS = 2_000
MAX_ROW_LINES = 200
MAX_ROW_CHARACTERS = 2 << 20

csv.field_size_limit(MAX_CELL_CHARACTERS)


class _Feed:
    """Hands lines to the CSV reader, remembers those of the row at hand, and takes back what belonged to the next."""

    def __init__(self, lines: TextLines) -> None:
        self._lines = lines
        self._back: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 0
        self._characters = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= MAX_ROW_LINES or self._characters > MAX_ROW_CHARACTERS:
            raise csv.Error("runs on")
        line = self._back.popleft() if self._back else next(self._lines)
        self.number += 1
        self.taken.append(line)
        self._characters += len(line)
        return line

    def start(self) -> None:
        """A new row begins."""
        self.taken = []
        self._characters = 0

    def skip(self) -> None:
        """Passes over a line, if there is one."""
        next(self, None)
        self.start()

    def put_back(self, line: str) -> None:
        """The line read last was only looked at: the next row begins with it."""
        self._back.appendleft(line)
        self.number -= 1
        self.start()

    def keep_first(self) -> None:
        """The row was its first line only; the others are still to be read."""
        returned = self.taken[1:]
        self._back.extendleft(reversed(returned))
        self.number -= len(returned)
        del self.taken[1:]

    @property
    def first_line(self) -> int:
        """Number of the line that the row at hand starts on."""
        return self.number - len(self.taken) + 1

    @property
    def damaged(self) -> bool:
        """Whether the row at hand holds bytes that are no text."""
        return self._lines.undecodable >= self.first_line and _damaged("".join(self.taken))


def _damaged(text: str) -> bool:
    return any("\udc80" <= character <= "\udcff" or character == "\ufffd" for character in text)


def _separator(header: str) -> str:
    """The one that takes the header into the most columns. One that makes no columns at all is none."""
    return max(SEPARATORS, key=lambda mark: _width(header, mark))


def _width(line: str, separator: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=separator)))
    except csv.Error:
        return 0


class CsvTable(Table):
    """Rows of separated values under a header, quoted as RFC 4180 says."""

    def __init__(self, stream: io.BufferedReader, layout: Layout) -> None:
        super().__init__(stream)
        self._lines = TextLines(stream, layout.encoding)
        self._feed = _Feed(self._lines)
        self._separator = layout.separator or ""
        for _ in range(layout.skip_lines):
            self._feed.skip()
        self.columns: Sequence[str] = self._header()
        self._reader = self._new_reader()

    def _header(self) -> list[str]:
        for line in self._feed:
            if line.strip() and not (line.lower().startswith("sep=") and len(line.strip()) <= 5):
                break
        else:
            raise FileRefused("The file has no header line.")
        self._feed.put_back(line)
        try:
            self._separator = self._separator or _separator(line)
            cells = next(self._new_reader())
        except csv.Error as error:
            raise FileRefused(f"The header line cannot be read: {error}.") from None
        names = [cell.strip() for cell in cells]
        self._is_of_rejected_rows = tuple(names[: len(REJECTED_COLUMNS)]) == REJECTED_COLUMNS
        if self._is_of_rejected_rows:
            names = [original_cell(name) for name in names]
        if len(names) > MAX_COLUMNS:
            raise FileRefused(f"The header has {len(names):,} columns; a file has at most {MAX_COLUMNS:,}.")
        doubled = sorted(name for name, count in Counter(names).items() if name and count > 1)
        if doubled:
            raise FileRefused(f"The header has the column {doubled[0]!r} more than once.")
        return names

    def _new_reader(self) -> Iterator[list[str]]:
        return csv.reader(self._feed, delimiter=self._separator, strict=True)

    @override
    def rows(self) -> Iterator[FileRow | BadRow]:
        while True:
            self._feed.start()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._reader = self._new_reader()
                yield self._broken(str(error))
                continue
            if cells and any(cell.strip() for cell in cells):
                yield self._row(cells)

    def _row(self, cells: list[str]) -> FileRow | BadRow:
        width = len(self.columns)
        if len(cells) != width:
            if len(self._feed.taken) > 1 and self._runs_on():
                return self._broken("unexpected end of data")
            if len(cells) < width or any(cell.strip() for cell in cells[width:]):
                return self._bad(f"has {len(cells)} values where the header has {width} columns", cells)
        if self._feed.damaged:
            return self._bad(f"has bytes that are no text in {self._lines.encoding}", cells)
        if self._is_of_rejected_rows:
            cells = [original_cell(cell) for cell in cells]
        return FileRow(self._feed.first_line, dict(zip(self.columns, cells, strict=False)), cells[:width])

    def _runs_on(self) -> bool:
        """Whether a line inside the row is a whole row by itself: then the quotation mark before it never closed."""
        width = len(self.columns)
        for line in self._feed.taken[1:]:
            try:
                if width > 1 and len(next(csv.reader([line], delimiter=self._separator, strict=True))) == width:
                    return True
            except (csv.Error, StopIteration):
                continue
        return False

    def _broken(self, error: str) -> BadRow:
        """The row is its first line: the lines behind it were taken for its own because a quotation mark was open."""
        ran_on = len(self._feed.taken) > 1 or error == "unexpected end of data"
        self._feed.keep_first()
        reason = f"cannot be read: {error}"
        if "field larger" in error:
            reason = f"has a value of more than {MAX_CELL_CHARACTERS:,} characters"
        elif ran_on:
            reason = "opens a quotation mark that is never closed"
        elif "expected after" in error:
            reason = "has a quotation mark inside a quoted value; inside quotes it is written twice"
        return self._bad(reason, [self._feed.taken[0].rstrip("\r\n")])

    def _bad(self, reason: str, cells: Sequence[str]) -> BadRow:
        return BadRow(self._feed.first_line, reason, [cell.encode("utf-8", "replace").decode() for cell in cells])

    @override
    def bytes_read(self) -> int:
        return self._lines.bytes_read
