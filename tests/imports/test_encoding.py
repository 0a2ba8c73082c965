"""Bytes of any encoding as lines of text."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.imports.encoding import TextLines, encoding_name, guess_encoding
from arrears.imports.errors import FileRefused


def lines(data: bytes, encoding: str | None = None) -> list[str]:
    return list(TextLines(io.BufferedReader(io.BytesIO(data)), encoding))


TEXT = "naïve;Straße €\n12;Ærø\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "windows-1252"])
def test_an_encoding_shows_by_itself(encoding: str) -> None:
    assert "".join(lines(TEXT.encode(encoding))) == TEXT


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_utf_16_with_a_mark_has_none_in_its_text(mark: bytes) -> None:
    encoding = "utf-16-le" if mark[0] == 0xFF else "utf-16-be"
    assert lines(mark + TEXT.encode(encoding)) == TEXT.splitlines(keepends=True)


def test_utf_16_shows_without_a_mark_and_beyond_latin() -> None:
    text = "id,name\n1,Ελληνικά\n2,日本\n"
    assert guess_encoding(text.encode("utf-16-be")) == "utf-16-be"
    assert "".join(lines(text.encode("utf-16-le"))) == text


def test_a_line_beyond_ascii_decides_where_the_sample_could_not() -> None:
    head = b"id;name\n" + b"1;plain\n" * 200_000
    assert lines(head + "2;Müller\n".encode("windows-1252"))[-1] == "2;Müller\n"
    assert lines(head + "2;Müller\n".encode())[-1] == "2;Müller\n"


def test_one_damaged_line_does_not_change_the_others() -> None:
    data = "a;Ä\nb;Ö\n".encode() + b"c;\xfc\n" + "d;ß\n".encode()
    reading = TextLines(io.BufferedReader(io.BytesIO(data)))
    damaged = []
    texts = []
    for line in reading:
        texts.append(line)
        if reading.undecodable == reading.number:
            damaged.append(reading.number)
    assert damaged == [3]
    assert texts[3] == "d;ß\n"


def test_a_stated_encoding_is_not_second_guessed() -> None:
    assert lines("é".encode(), "windows-1252") == ["Ã©"]


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(FileRefused, match="utf-7"):
        encoding_name("utf-7")
    assert encoding_name("UTF_8") == "utf-8"


def test_lines_that_end_in_a_lone_carriage_return() -> None:
    assert [line.rstrip("\r") for line in lines(b"id,name\r1,a\r2,b\r")] == ["id,name", "1,a", "2,b"]


def test_an_endless_line_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(FileRefused, match="Line 2"):
        lines(b"id\n" + b"x" * (9 << 20))


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\ufeff\0")))
def test_utf_8_is_read_as_it_is(text: str) -> None:
    assert "".join(lines(text.encode(), "utf-8")) == text


def test_bytes_read_end_at_the_size() -> None:
    data = TEXT.encode()
    reading = TextLines(io.BufferedReader(io.BytesIO(data)))
    list(reading)
    assert reading.bytes_read == len(data)
