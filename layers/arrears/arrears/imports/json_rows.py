"""Rows of JSON documents and of NDJSON."""

import codecs
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, override

from arrears.imports.encoding import SAMPLE_BYTES, TextLines, encoding_name, guess_encoding
from arrears.imports.errors import FileRefused
from arrears.imports.file_rows import BadRow, FileRow, Layout, Table
from arrears.imports.json_limits import JsonLimits, JsonTooLarge
from arrears.ledger import exact_json


def decode_json(text: str) -> Any:
    """Decoded JSON whose numbers are exact. Raises ValueError with a sentence."""
    JsonLimits().watch(text.encode("utf-8", "replace"))
    try:
        return exact_json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error.msg} at character {error.pos + 1}") from None


def _row(number: int, value: Any, cells: list[str]) -> FileRow | BadRow:
    if isinstance(value, dict):
        return FileRow(number, value, cells)
    return BadRow(number, "is not an object", cells)


class NdjsonTable(Table):
    """One JSON object per line."""

    def __init__(self, stream: io.BufferedReader, layout: Layout) -> None:
        super().__init__(stream)
        self._lines = TextLines(stream, layout.encoding)

    @override
    def rows(self) -> Iterator[FileRow | BadRow]:
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
            yield _row(number, value, [text])

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
    def rows(self) -> Iterator[FileRow | BadRow]:
        import ijson

        number = 0
        try:
            for value in self._objects():
                number += 1
                cells = [json.dumps(value, default=str, ensure_ascii=False)]
                yield _row(number, value, cells)
                self._text.limits.end_row()
        except JsonTooLarge as error:
            raise FileRefused(self._too_large(number, error)) from None
        except (ijson.JSONError, UnicodeDecodeError, ArithmeticError) as error:
            yield BadRow(number + 1, f"is not JSON, and what follows it is not read: {error}", [""])

    def _too_large(self, number: int, error: JsonTooLarge) -> str:
        if number or self._is_array:
            return f"The JSON document cannot be read: a record behind the first {number:,} {error}."
        return f"The JSON document has no list of records that the mapping knows, and as one record it {error}."

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
                whole.event(event, value)
            else:
                self._text.limits.end_row()
        if not listed:
            yield whole.value

    @override
    def bytes_read(self) -> int:
        return self._text.count


class _Utf8:
    """A stream in UTF-8 without a mark, whatever it was in; count: bytes read of the original.

    limits: what has been watched of it; reading raises JsonTooLarge where it goes beyond them.
    """

    def __init__(self, stream: io.BufferedReader, encoding: str) -> None:
        self.stream = stream
        self.count = 0
        self.limits = JsonLimits()
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def read(self, size: int = -1) -> bytes:
        start = self.count == 0
        data = self.stream.read(size)
        self.count += len(data)
        text = self._decoder.decode(data, final=not data)
        decoded = (text.removeprefix("\ufeff") if start else text).encode()
        self.limits.watch(decoded)
        return decoded
