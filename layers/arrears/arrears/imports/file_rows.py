"""Rows, one at a time, whatever the kind of the file.

A row that cannot be read is reported as such, and the others are read: an unclosed quotation mark, a broken line of
NDJSON, a line in another encoding. Line numbers are those that an editor shows; in JSON they count the records.
"""

import io
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

CSV_SUFFIXES = (".csv", ".tsv", ".txt")

REJECTED_COLUMNS = ("line", "field", "reason")
"""What a file of rejected rows has before the row's own columns; such a file can be corrected and imported again."""


class FileRow(NamedTuple):
    """A row: where it starts, its values by column (CSV: text), and its cells as they are in the file."""

    line: int
    values: Mapping[str, Any]
    cells: Sequence[str]


class BadRow(NamedTuple):
    """A row that cannot be read: where it starts, why, and what it holds."""

    line: int
    reason: str
    cells: Sequence[str]


class Source(Protocol):
    """A file that can be read from its start more than once."""

    @property
    def name(self) -> str:
        """Its name, by which its kind may show."""
        ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    def open(self) -> io.BufferedReader:
        """A new stream over its bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a file where it does not show: None looks for itself. skip_lines: of CSV, in front of the header."""

    encoding: str | None = None
    separator: str | None = None
    skip_lines: int = 0


class Table(ABC):
    """A file opened for reading its rows. columns: of a CSV file, None where rows have their own names."""

    columns: Sequence[str] | None = None

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream

    @abstractmethod
    def rows(self) -> Iterator[FileRow | BadRow]:
        """The rows in order, once."""

    @abstractmethod
    def bytes_read(self) -> int:
        """How far the reading has come."""

    def close(self) -> None:
        """Closes the stream."""
        self._stream.close()
