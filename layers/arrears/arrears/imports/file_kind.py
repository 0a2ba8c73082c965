"""Opens a file by its content: CSV, JSON or NDJSON."""

import io
import json
from collections.abc import Iterable
from typing import Any

from arrears.imports.csv_rows import CsvTable
from arrears.imports.encoding import SAMPLE_BYTES, TextLines
from arrears.imports.errors import FileRefused
from arrears.imports.file_rows import CSV_SUFFIXES, Layout, Source, Table
from arrears.imports.json_rows import JsonTable, NdjsonTable

_ZIP = b"PK\x03\x04"
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def open_table(source: Source, lists: Iterable[str] = (), layout: Layout | None = None) -> Table:
    """Opens a file by what it holds. lists: paths at which a JSON document may keep its records.

    Raises FileRefused when it is empty or cannot be read as rows.
    """
    layout = layout or Layout()
    stream = source.open()
    try:
        return _table(stream, source.name.lower(), lists, layout)
    except BaseException:
        stream.close()
        raise


def _table(stream: io.BufferedReader, name: str, lists: Iterable[str], layout: Layout) -> Table:
    _refuse_workbook(stream.peek(len(_OLD_WORKBOOK)))
    head = _head(stream, layout)
    if not head.strip():
        raise FileRefused("The file is empty.")
    if head.lstrip()[0] not in "{[" or name.endswith(CSV_SUFFIXES):
        return CsvTable(stream, layout)
    if _is_ndjson(name, head):
        return NdjsonTable(stream, layout)
    return JsonTable(stream, lists, layout)


def _refuse_workbook(start: bytes) -> None:
    for mark, kind in ((_ZIP, ".xlsx or .ods"), (_OLD_WORKBOOK, ".xls")):
        if start.startswith(mark):
            raise FileRefused(f"The file is a workbook ({kind}) or an archive, not CSV: save its sheet as CSV (UTF-8).")


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
