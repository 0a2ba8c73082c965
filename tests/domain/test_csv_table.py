"""Rows of an answer as CSV: what a reader of RFC 4180 finds in it."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.ledger.money import EXPONENTS, major_number, major_text
from arrears.rendering.csv_table import csv_text
from arrears.spreadsheet import original_cell


def cells(columns: list[str], *rows: dict[str, Any]) -> list[list[str]]:
    return list(csv.reader(io.StringIO(csv_text(columns, rows), newline="")))


def test_there_is_one_header_line_and_a_line_for_each_row_and_lines_end_with_crlf() -> None:
    assert csv_text(["id", "name"], [{"id": "1", "name": 'Miller, "Bob"'}, {"id": "2", "name": "two\nlines"}]) == (
        'id,name\r\n1,"Miller, ""Bob"""\r\n2,"two\nlines"\r\n'
    )


def test_without_rows_there_is_the_header_line() -> None:
    assert csv_text(["id", "name"], []) == "id,name\r\n"


def test_a_column_is_the_path_of_a_member_and_what_is_not_there_is_an_empty_cell() -> None:
    columns = ["oldest.days", "behaviour.rate", "ids", "reasons.code", "more"]
    full = {
        "oldest": {"days": 3},
        "behaviour": {"rate": 0.5},
        "ids": ["a", "b"],
        "reasons": [{"code": "tier"}, {"code": "dispute"}],
    }
    empty: dict[str, Any] = {"oldest": {}, "behaviour": None, "ids": [], "reasons": []}
    assert cells(columns, full, empty)[1:] == [["3", "0.5", "a b", "tier dispute", ""], ["", "", "", "", ""]]


def test_true_and_false_are_words() -> None:
    assert cells(["a", "b"], {"a": True, "b": False})[1] == ["true", "false"]


@given(st.integers(-(10**27), 10**27), st.sampled_from(sorted(EXPONENTS)))
def test_amounts_of_any_size_are_plain_and_exact(minor: int, currency: str) -> None:
    cell = cells(["amount"], {"amount": major_number(minor, currency)})[1][0]
    assert "e" not in cell.lower()
    assert Decimal(cell) == Decimal(major_text(minor, currency))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_rates_have_no_exponent_and_lose_no_digit(rate: float) -> None:
    cell = cells(["rate"], {"rate": rate})[1][0]
    assert "e" not in cell.lower()
    assert float(cell) == rate


@pytest.mark.parametrize("formula", ["=1+1", "+CMD", "-CMD", "@SUM(A1)", "\tx", "\rx", '=HYPERLINK("http://x","y")'])
def test_text_that_a_spreadsheet_would_run_has_an_apostrophe_before_it(formula: str) -> None:
    assert cells(["name", "names"], {"name": formula, "names": [formula]})[1] == ["'" + formula] * 2


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_every_text_is_read_back_as_it_was(text: str) -> None:
    assert original_cell(cells(["a", "b"], {"a": text, "b": "x"})[1][0]) == text
