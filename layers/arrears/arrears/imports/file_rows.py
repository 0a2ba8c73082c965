"""Files as rows: CSV, JSON and NDJSON, one row at a time.

A row that cannot be read is given as such and costs only itself: an unclosed quotation mark, a broken line of
NDJSON, a line in another encoding. Line numbers are those an editor shows; in JSON they count the records.
"""

import codecs
import csv
import io
import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, override

from arrears.imports.encoding import SAMPLE_BYTES, FileRefused, TextLines, encoding_name, guess_encoding
from arrears.ledger import exact_json

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
SEPARATORS = (",", ";", "\t", "|")
MAX_CELL_CHARACTERS = 1 << 20
MAX_ROW_LINES = 200
MAX_ROW_CHARACTERS = 2 << 20
MAX_LONE_OBJECT_BYTES = 32 << 20
"""A JSON document that holds no known list is one record, and no record is larger."""

REJECTED_COLUMNS = ("line", "field", "reason")
"""What a file of rejected rows has before the row's own columns; such a file can be mended and imported again."""

csv.field_size_limit(MAX_CELL_CHARACTERS)


class Row(NamedTuple):
    """A row: where it starts, its values by column (CSV: text), and its cells as they stood in the file."""

    line: int
    values: Mapping[str, Any]
    cells: Sequence[str]


class BadRow(NamedTuple):
    """A row that cannot be read: where it starts, why, and what stood there."""

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
    """How to read a file where it does not show: None looks for itself."""

    encoding: str | None = None
    separator: str | None = None


class Table(ABC):
    """A file opened for reading its rows. columns: of a CSV file, None where rows have their own names."""

    columns: Sequence[str] | None = None

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream

    @abstractmethod
    def rows(self) -> Iterator[Row | BadRow]:
        """The rows in order, once."""

    @abstractmethod
    def bytes_read(self) -> int:
        """How far the reading has come."""

    def close(self) -> None:
        """Gives the stream back."""
        self._stream.close()


def open_table(source: Source, lists: Iterable[str] = (), layout: Layout | None = None) -> Table:
    """Opens a file by what it holds. lists: paths at which a JSON document may keep its records.

    Raises FileRefused when it is empty or cannot be read as rows.
    """
    layout = layout or Layout()
    stream = source.open()
    head = _head(stream, layout)
    if not head.strip():
        stream.close()
        raise FileRefused("The file is empty.")
    if head.lstrip()[0] not in "{[" or source.name.lower().endswith(CSV_SUFFIXES):
        return CsvTable(stream, layout)
    if _is_ndjson(source.name.lower(), head):
        return NdjsonTable(stream, layout)
    return JsonTable(stream, lists, layout)


def _head(stream: io.BufferedReader, layout: Layout) -> str:
    sample = stream.peek(SAMPLE_BYTES)[:SAMPLE_BYTES]
    lines = TextLines(io.BufferedReader(io.BytesIO(sample)), layout.encoding)
    head = ""
    for line in lines:
        head += line
        if len(head) > 1 << 16:
            break
    return head


def _is_ndjson(name: str, head: str) -> bool:
    if name.endswith((".ndjson", ".jsonl")):
        return True
    if head.lstrip()[0] == "[":
        return False
    lines = [line for line in head.split("\n")[:100] if line.strip()]
    return len(lines) > 1 and any(line.startswith("{") and _object(line) is not None for line in lines)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


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

    def keep_first(self) -> None:
        """The row was its first line only; the others are still to be read."""
        rest = self.taken[1:]
        self._back.extendleft(reversed(rest))
        self.number -= len(rest)
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


class CsvTable(Table):
    """Rows of separated values under a header, quoted as RFC 4180 says."""

    def __init__(self, stream: io.BufferedReader, layout: Layout) -> None:
        super().__init__(stream)
        self._lines = TextLines(stream, layout.encoding)
        self._feed = _Feed(self._lines)
        self._separator = layout.separator or ""
        self.columns: Sequence[str] = self._header()
        self._reader = self._new_reader()

    def _header(self) -> list[str]:
        for line in self._feed:
            if line.strip() and not (line.lower().startswith("sep=") and len(line.strip()) <= 5):
                break
        else:
            raise FileRefused("The file has no header line.")
        if not self._separator:
            self._separator = max(SEPARATORS, key=lambda mark: len(next(csv.reader([line], delimiter=mark))))
        self._feed._back.appendleft(line)
        self._feed.number -= 1
        self._feed.start()
        try:
            cells = next(self._new_reader())
        except csv.Error as error:
            raise FileRefused(f"The header line cannot be read: {error}.") from None
        names = [cell.strip() for cell in cells]
        doubled = sorted({name for name in names if name and names.count(name) > 1})
        if doubled:
            raise FileRefused(f"The header has the column {doubled[0]!r} more than once.")
        return names

    def _new_reader(self) -> Iterator[list[str]]:
        return csv.reader(self._feed, delimiter=self._separator, strict=True)

    @override
    def rows(self) -> Iterator[Row | BadRow]:
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

    def _row(self, cells: list[str]) -> Row | BadRow:
        width = len(self.columns)
        if len(cells) != width:
            if len(self._feed.taken) > 1 and self._runs_on():
                return self._broken("unexpected end of data")
            if len(cells) < width or any(cell.strip() for cell in cells[width:]):
                return self._bad(f"has {len(cells)} values where the header has {width} columns", cells)
        if self._feed.damaged:
            return self._bad(f"has bytes that are no text in {self._lines.encoding}", cells)
        return Row(self._feed.first_line, dict(zip(self.columns, cells, strict=False)), cells[:width])

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


def decode_json(text: str) -> Any:
    """Decoded JSON whose numbers are exact. Raises ValueError with a sentence."""
    try:
        return exact_json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None


class NdjsonTable(Table):
    """One JSON object per line."""

    def __init__(self, stream: io.BufferedReader, layout: Layout) -> None:
        super().__init__(stream)
        self._lines = TextLines(stream, layout.encoding)

    @override
    def rows(self) -> Iterator[Row | BadRow]:
        for line in self._lines:
            text = line.strip()
            if not text:
                continue
            number = self._lines.number
            if self._lines.undecodable == number:
                readable = text.encode("utf-8", "replace").decode()
                yield BadRow(number, f"has bytes that are no text in {self._lines.encoding}", [readable])
                continue
            try:
                value = decode_json(text)
            except ValueError as error:
                yield BadRow(number, str(error), [text])
                continue
            yield Row(number, value, [text]) if isinstance(value, dict) else BadRow(number, "is not an object", [text])

    @override
    def bytes_read(self) -> int:
        return self._lines.bytes_read


class JsonTable(Table):
    """A JSON array of objects, or a document that keeps such arrays at known paths, or one object alone."""

    def __init__(self, stream: io.BufferedReader, lists: Iterable[str], layout: Layout) -> None:
        sample = stream.peek(SAMPLE_BYTES)[:SAMPLE_BYTES]
        encoding = encoding_name(layout.encoding) if layout.encoding else guess_encoding(sample)
        super().__init__(stream)
        self._text = _Utf8(stream, encoding)
        self._lists = {f"{path}.item" for path in lists}
        self._is_array = sample.decode(encoding, "ignore").lstrip("\ufeff \t\r\n")[:1] == "["

    @override
    def rows(self) -> Iterator[Row | BadRow]:
        import ijson

        number = 0
        try:
            for value in self._objects():
                number += 1
                cells = [json.dumps(value, default=str, ensure_ascii=False)]
                yield (
                    Row(number, value, cells) if isinstance(value, dict) else BadRow(number, "is not an object", cells)
                )
        except (ijson.JSONError, UnicodeDecodeError, ArithmeticError) as error:
            yield BadRow(number + 1, f"is not JSON, and what follows it is not read: {error}", [""])

    def _objects(self) -> Iterator[Any]:
        import ijson

        if self._is_array:
            yield from ijson.items(self._text, "item")
            return
        whole: Any = ijson.ObjectBuilder()
        inside: Any = None
        listed, depth = False, 0
        for prefix, event, value in ijson.parse(self._text):
            if inside is not None or prefix in self._lists:
                inside = inside or ijson.ObjectBuilder()
                inside.event(event, value)
                depth += {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}.get(event, 0)
                if depth == 0:
                    listed = True
                    yield inside.value
                    inside = None
            elif not listed:
                if self._text.count > MAX_LONE_OBJECT_BYTES + SAMPLE_BYTES:
                    raise FileRefused("The JSON document has no list of records that the mapping knows.")
                whole.event(event, value)
        if not listed:
            yield whole.value

    @override
    def bytes_read(self) -> int:
        return self._text.count


class _Utf8:
    """A stream in UTF-8 without a mark, whatever it was in; count: bytes read of the original."""

    def __init__(self, stream: io.BufferedReader, encoding: str) -> None:
        self.stream = stream
        self.count = 0
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def read(self, size: int = -1) -> bytes:
        start = self.count == 0
        data = self.stream.read(size)
        self.count += len(data)
        text = self._decoder.decode(data, final=not data)
        return (text.removeprefix("\ufeff") if start else text).encode()
