"""Files as rows, whatever they are and whatever is wrong with one of their rows."""

import csv
import io
import json
import tracemalloc
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.imports.errors import FileRefused
from arrears.imports.file_kind import open_table
from arrears.imports.file_rows import BadRow, FileRow, Layout
from support.files import MemoryFile, text_file


def rows(file: MemoryFile, lists: tuple[str, ...] = (), layout: Layout | None = None) -> list[FileRow | BadRow]:
    table = open_table(file, lists, layout)
    try:
        return list(table.rows())
    finally:
        table.close()


def good(found: list[FileRow | BadRow]) -> list[dict[str, object]]:
    return [dict(row.values) for row in found if isinstance(row, FileRow)]


def bad(found: list[FileRow | BadRow]) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in found if isinstance(row, BadRow)]


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\ufeff\ufffd"), max_size=12)
TABLES = st.integers(2, 5).flatmap(lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=8))


@given(
    TABLES,
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_a_csv_writer_wrote_is_read_back(cells: list[list[str]], separator: str, encoding: str, end: str) -> None:
    columns = [f"c{place}" for place in range(len(cells[0]) if cells else 2)]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([columns, *cells])
    found = rows(text_file(text.getvalue(), encoding=encoding))
    assert bad(found) == []
    expected = [dict(zip(columns, row, strict=True)) for row in cells if any(cell.strip() for cell in row)]
    assert good(found) == expected


@given(TABLES)
def test_lines_are_those_that_an_editor_shows(cells: list[list[str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow([f"c{place}" for place in range(len(cells[0]) if cells else 2)])
    starts = []
    for row in cells:
        starts.append(text.getvalue().count("\n") + 1)
        writer.writerow(row)
    found = rows(text_file(text.getvalue()))
    kept = [start for start, row in zip(starts, cells, strict=True) if any(cell.strip() for cell in row)]
    assert [row.line for row in found] == kept


def test_an_unclosed_quotation_mark_costs_its_row_only() -> None:
    found = rows(text_file('id,name,total\n1,"Acme,10\n2,"B, C",20\n3,D,30\n'))
    assert bad(found) == [(2, "opens a quotation mark that is never closed")]
    assert [row["id"] for row in good(found)] == ["2", "3"]


def test_an_unclosed_quotation_mark_among_rows_without_any_costs_its_row_only() -> None:
    lines = "".join(f"{number},plain,{number}\n" for number in range(3, 2_000))
    found = rows(text_file('id,name,total\n1,A,10\n2,"B,20\n' + lines))
    assert bad(found) == [(3, "opens a quotation mark that is never closed")]
    assert len(good(found)) == 1_998


def test_an_unclosed_quotation_mark_in_the_last_row() -> None:
    found = rows(text_file('id,name\n1,A\n2,"B'))
    assert bad(found) == [(3, "opens a quotation mark that is never closed")]


def test_a_quoted_value_may_have_many_lines() -> None:
    found = rows(text_file('id,note,total\n1,"one\ntwo\n\nthree, four",10\n2,,20\n'))
    assert [(row.line, row.cells[1]) for row in found] == [(2, "one\ntwo\n\nthree, four"), (6, "")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,2", "has 2 values where the header has 3 columns"),
        ("1,2,3,4", "has 4 values where the header has 3 columns"),
        ('1,"a"b,3', "has a quotation mark inside a quoted value; inside quotes it is written twice"),
    ],
)
def test_a_misshapen_row_says_what_is_wrong(line: str, reason: str) -> None:
    found = rows(text_file(f"id,name,total\n{line}\n9,ok,9\n"))
    assert bad(found) == [(2, reason)]
    assert [row["id"] for row in good(found)] == ["9"]


def test_empty_rows_and_empty_values_behind_the_last_column_are_nothing() -> None:
    found = rows(text_file("\n\nid,name\n\n1,A,,\n,\n   \n2,B\n"))
    assert good(found) == [{"id": "1", "name": "A"}, {"id": "2", "name": "B"}]
    assert [row.line for row in found] == [5, 8]


def test_the_separator_that_a_spreadsheet_names_is_taken() -> None:
    assert good(rows(text_file("sep=;\nid;total\n1;1,5\n"))) == [{"id": "1", "total": "1,5"}]


def test_a_stated_separator_and_encoding_count() -> None:
    found = rows(text_file("id:name\n1:ö\n", encoding="windows-1252"), layout=Layout("windows-1252", ":"))
    assert good(found) == [{"id": "1", "name": "ö"}]


def test_a_row_in_another_encoding_costs_its_row_only() -> None:
    content = "id,name\n1,Zoë\n2,Ä\n".encode() + b"3,\xe9t\xe9\n" + b"4,plain\n"
    found = rows(MemoryFile("file.csv", content))
    assert bad(found) == [(4, "has bytes that are no text in utf-8")]
    assert [row["id"] for row in good(found)] == ["1", "2", "4"]


@pytest.mark.parametrize(
    ("text", "reason"), [("", "empty"), (" \n\n", "empty"), ("id,id\n1,2\n", "'id' more than once"), ("id,nam\n", None)]
)
def test_a_file_without_rows(text: str, reason: str | None) -> None:
    if reason is None:
        assert rows(text_file(text)) == []
        return
    with pytest.raises(FileRefused, match=reason):
        rows(text_file(text))


@pytest.mark.parametrize(("start", "kind"), [(b"PK\x03\x04", ".xlsx"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls")])
def test_a_workbook_is_called_one(start: bytes, kind: str) -> None:
    with pytest.raises(FileRefused, match=f"is a workbook .*{kind}.*save its sheet as CSV"):
        rows(MemoryFile("book.csv", start + b"\x14\x00\x06\x00" * 50))


def test_ndjson_reads_each_line_for_itself() -> None:
    text = '{"id": 1.10}\n\n{"id": \n[1]\n{"id": NaN}\n{"id": 123456789012345678.90}\n' + "[" * 100_000 + "\n"
    text += '{"id": 1e9999999999999999999}\n{"id": 1, "id": 2}\n{"id": ' + "9" * 5_000 + "}\n"
    found = rows(text_file(text, "file.ndjson"))
    assert good(found) == [{"id": Decimal("1.10")}, {"id": Decimal("123456789012345678.90")}]
    assert [line for line, _ in bad(found)] == [3, 4, 5, 7, 8, 9, 10]


def test_ndjson_shows_without_its_name() -> None:
    assert len(good(rows(text_file('{"broken\n{"id": 1}\n{"id": 2}\n', "export")))) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_each_element_of_a_json_array_is_a_row(encoding: str) -> None:
    text = json.dumps([{"id": "ä", "lines": [{"a": 1}]}, 3, {"id": "2"}], ensure_ascii=False)
    found = rows(text_file(text, "file.json", encoding))
    assert good(found) == [{"id": "ä", "lines": [{"a": 1}]}, {"id": "2"}]
    assert bad(found) == [(2, "is not an object")]


def test_json_that_breaks_off_keeps_what_came_before() -> None:
    found = rows(text_file('[{"id": "1"}, {"id": "2"}, {"id":', "file.json"))
    assert [row["id"] for row in good(found)] == ["1", "2"]
    assert bad(found)[0][0] == 3


def test_a_document_keeps_its_records_at_known_places() -> None:
    text = '{"meta": {"n": 3}, "a": {"b": [{"id": 1}, {"id": 2, "b": []}]}, "c": [{"id": 3}]}'
    assert good(rows(text_file(text, "file.json"), ("a.b", "c"))) == [{"id": 1}, {"id": 2, "b": []}, {"id": 3}]


def test_a_document_without_known_places_is_one_record() -> None:
    text = '{\n "id": 1,\n "total": 2.50\n}\n'
    assert good(rows(text_file(text, "file.json"), ("records",))) == [{"id": 1, "total": Decimal("2.50")}]


def test_json_with_an_endless_number_keeps_what_came_before() -> None:
    found = rows(text_file('[{"id": "1"}, {"id": 1e9999999999999999999}]', "file.json"))
    assert [row["id"] for row in good(found)] == ["1"]
    assert len(bad(found)) == 1


class Endless(io.RawIOBase):
    """A file made while it is read: so many rows, none of them kept."""

    def __init__(self, head: bytes, row: bytes, tail: bytes, count: int) -> None:
        self._parts = iter([head, *(row for _ in range(count // 1_000)), tail])
        self._row = row
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._left = part * 1_000 if part == self._row else part
        given = self._left[: len(buffer)]
        buffer[: len(given)] = given
        self._left = self._left[len(given) :]
        return len(given)


@dataclass(frozen=True)
class EndlessFile:
    name: str
    head: bytes
    row: bytes
    tail: bytes
    count: int
    size: int = 0

    def open(self) -> io.BufferedReader:
        return io.BufferedReader(Endless(self.head, self.row, self.tail, self.count), 1 << 20)


RECORD = json.dumps({"id": "x" * 40, "name": "y" * 100, "total": "1250.00"}).encode()


@pytest.mark.parametrize(
    ("name", "head", "row", "tail"),
    [
        ("a.csv", b"id,name,total\n", b'"x","' + b"y" * 150 + b'",5\n', b""),
        ("a.ndjson", b"", RECORD + b"\n", b""),
        ("a.json", b"[", RECORD + b",", b"{}]"),
        ("a.json", b'{"records": [', RECORD + b",", b"{}]}"),
    ],
)
def test_memory_does_not_grow_with_the_file(name: str, head: bytes, row: bytes, tail: bytes) -> None:
    peaks = []
    for count in (5_000, 25_000):
        table = open_table(EndlessFile(name, head, row, tail, count), ["records"])
        tracemalloc.start()
        read = sum(1 for _ in table.rows())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        table.close()
        assert read >= count
    assert peaks[1] < peaks[0] + (1 << 20), peaks
