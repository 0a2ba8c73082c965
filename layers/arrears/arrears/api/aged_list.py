"""The aged lists over HTTP: the parameter `by`, and a list as JSON or CSV."""

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from arrears.api.dolfin import ReportQuery
from arrears.api.errors import ANSWER_TOO_LARGE, INVALID_PARAMETER
from arrears.api.http import Body, Page, Request
from arrears.api.listing import csv_page
from arrears.ledger.errors import ArrearsError
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.rendering import lines
from arrears.rendering.aged_list import BY_DOCUMENT, BY_PARTY, DOCUMENTS, aged_list_body
from arrears.reports.aged_list import AgedList

MAX_ROWS = 30_000
"""Rows in an answer: most cost a read each, and more would not fit into an answer, not even as CSV."""


def read_query(request: Request, organisation: Organisation, today: int, side: Side) -> ReportQuery:
    """What is asked of an aged list; `by`, pinned, is what it has a row for: the counterparty or the document.

    Raises an error for what cannot be used.
    """
    choices, by = (BY_PARTY[side], BY_DOCUMENT), request.last("by")
    if by is not None and by not in choices:
        raise ArrearsError(INVALID_PARAMETER, f"by is not one of {', '.join(choices)}.", "by")
    return ReportQuery.read(request, organisation, today, {"by": by}, {"by": choices[0]})


def page_of[Reference](query: ReportQuery, aged: AgedList[Reference]) -> tuple[list[Reference], str | None]:
    """The references of this page, and the cursor of the next one. Raises an error if they are too many to answer."""
    page, next_cursor = query.page(aged.rows, attrgetter("sort_key"))
    if len(page) > MAX_ROWS:
        raise ArrearsError(ANSWER_TOO_LARGE, f"The list has {len(page)} rows; ask for it in pages, with `limit`.")
    return page, next_cursor


def answer(
    query: ReportQuery, aged: AgedList[Any], side: Side, rows: Iterable[dict[str, Any]], next_cursor: str | None
) -> Body | Page:
    """The list with the bodies of a page's rows, in the format that was asked for."""
    by = query.pinned["by"]
    body = aged_list_body(aged, side, by, rows, next_cursor)
    if not query.as_csv:
        return body
    party = BY_PARTY[side]
    shown = lines.aged_documents(body, DOCUMENTS[side], party) if by == BY_DOCUMENT else lines.aged_parties(body, party)
    return csv_page(*shown, next_cursor)
