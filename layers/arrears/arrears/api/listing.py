"""Answers that are lists of rows, as JSON or as CSV.

A function of such an endpoint decides before it reads the book, and builds one body for both:

    as_csv = wants_csv(request)
    ...
    body = query.answer(records, after)
    return csv_page(*lines.escalations(body), body["nextCursor"]) if as_csv else body

A `dolfin.ReportQuery` has decided already (`as_csv`); elsewhere FORMAT belongs to the parameters that
`dolfin.check_parameters` knows. The columns of each list are in `rendering.lines`. Errors stay problem details.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from arrears.api.errors import INVALID_PARAMETER
from arrears.api.http import Page, Request
from arrears.ledger.errors import ArrearsError

FORMAT = "format"
FORMATS = ("json", "csv")
CSV = "text/csv; charset=utf-8"
NEXT_CURSOR = "X-Next-Cursor"
"""The header that has a CSV page's `nextCursor`; without it there is no other page."""

_QUALITY = re.compile(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", re.ASCII | re.IGNORECASE)


def wants_csv(request: Request) -> bool:
    """Whether the answer is to be CSV: by `format`, otherwise by `Accept`; JSON without both, and if both are as good.

    Raises an error for a format that does not exist.
    """
    chosen = request.last(FORMAT)
    if chosen is None:
        ranges = [part for header in request.header("accept") for part in header.split(",")]
        return _preference(ranges, "text", "csv") > _preference(ranges, "application", "json")
    if chosen not in FORMATS:
        raise ArrearsError(INVALID_PARAMETER, f"{FORMAT} is not one of {', '.join(FORMATS)}.", FORMAT)
    return chosen == "csv"


def _preference(ranges: Iterable[str], kind: str, subtype: str) -> tuple[float, int]:
    """The quality of a media type by its most specific range, and how specific that is (RFC 9110, 12.5.1)."""
    specific = {f"{kind}/{subtype}": 3, f"{kind}/*": 2, "*/*": 1}
    best, quality = 0, 0.0
    for one in ranges:
        name, *parameters = one.lower().split(";")
        rank = specific.get(name.strip(), 0)
        if rank > best:
            given = next(filter(None, map(_QUALITY.fullmatch, parameters)), None)
            best, quality = rank, 1.0 if given is None else float(given[1])
    return quality, best if quality else 0


def csv_page(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], next_cursor: str | None = None) -> Page:
    """The rows of a JSON answer as CSV. columns: paths of members inside a row, as rendering.csv_table takes them."""
    from arrears.rendering.csv_table import csv_text

    headers = {} if next_cursor is None else {NEXT_CURSOR: next_cursor}
    return Page(csv_text(columns, rows), CSV, headers)
