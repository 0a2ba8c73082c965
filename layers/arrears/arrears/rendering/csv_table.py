"""Rows of an answer as CSV (RFC 4180): one header line, commas, CRLF, quotes only where they are needed."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from arrears.spreadsheet import guarded_cell


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A header line with the columns, and a line for each row. rows: as they are in the JSON answer.

    A column is the path of a member inside a row, its names joined with dots: `oldestInvoice.dueDate`. Where the path
    goes through a list it takes the member of each entry: `reasons.code`. Amounts and rates are plain decimals without
    an exponent, with exactly the digits that the JSON has; null and what is not there is an empty cell, several values
    are joined with a space. Text that a spreadsheet would run as a formula gets a leading apostrophe.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    paths = [column.split(".") for column in columns]
    writer.writerows([_cell(_member(row, path)) for path in paths] for row in rows)
    return text.getvalue()


def _member(value: Any, path: Sequence[str]) -> Any:
    for depth, name in enumerate(path):
        if isinstance(value, list):
            return [_member(entry, path[depth:]) for entry in value]
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _cell(value: Any) -> str:
    return guarded_cell(" ".join(map(_text, value)) if isinstance(value, list) else _text(value))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        # The shortest form of a double is the decimal that it was made of; only its exponent has to go.
        return format(Decimal(repr(value)), "f")
    return str(value)
