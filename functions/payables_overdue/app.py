"""GET /payables/overdue: whom we owe, how late, and what to do next without paying twice."""

from functools import partial
from typing import Any

from arrears.api import dolfin, routes
from arrears.api.http import Page, Request
from arrears.api.listing import csv_page
from arrears.api.overdue_query import PAYABLES, OverdueQuery
from arrears.ledger.caller import Scope
from arrears.ledger.ledger_side import Side
from arrears.ledger.time_limit import TimeLimit
from arrears.rendering.lines import overdue_suppliers
from arrears.rendering.overdue import payables_body
from arrears.rendering.overdue_documents import document_bodies
from arrears.reports.aging import with_accounts
from arrears.reports.book_reading import BookReading
from arrears.reports.overdue_page import read_overdue
from arrears.reports.payables import row_urgency, supplier_row
from arrears.reports.row_selection import select_rows, totals_of
from arrears.runtime import lambda_handler, services

endpoint = dolfin.endpoint()


@endpoint.get(routes.PAYABLES_OVERDUE)
def overdue_payables(request: Request) -> dict[str, Any] | Page:
    """Overdue bills by supplier and currency, as of a day."""
    authentication, clock = services().authentication, services().clock
    caller = dolfin.read_caller(request, authentication.authenticate, Scope.READ_PAYABLES)
    known_at = dolfin.read_known_at(request, caller.organisation, clock())
    limit = TimeLimit(clock, "arrears payables")
    then = services().reading(caller.organisation, known_at, limit)
    organisation, ledger, today = then.organisation, then.ledger, then.today
    query = OverdueQuery.read(request, organisation, today, PAYABLES)
    day = query.report.day
    reading = BookReading(ledger, organisation, Side.PAYABLE, day, today, limit.around)
    report = read_overdue(reading, query.first_rows())
    selected = select_rows(report, query.wanted, row_urgency, supplier_row, reading.judgeable)
    page, next_cursor = query.page(selected)
    shown = limit.around(with_accounts(page, reading.complete))
    rows = (supplier_row(reference, day, report.policy) for reference in shown)
    body = payables_body(report, rows, next_cursor, totals_of(selected) if query.filtered else None)
    if query.include:
        references_of = partial(ledger.references, organisation, Side.PAYABLE)
        for row, bills in zip(body["suppliers"], document_bodies(page, day, "bill", references_of), strict=True):
            row["bills"] = bills
    return csv_page(*overdue_suppliers(body, query.include), next_cursor) if query.report.as_csv else body


handler = lambda_handler(endpoint)
