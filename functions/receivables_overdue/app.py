"""GET /receivables/overdue: who owes us, how late, and what to do next."""

from functools import partial
from typing import Any

from arrears.api import dolfin, routes
from arrears.api.http import Page, Request
from arrears.api.listing import csv_page
from arrears.api.overdue_query import RECEIVABLES, OverdueQuery
from arrears.ledger.caller import Scope
from arrears.ledger.ledger_side import Side
from arrears.ledger.time_limit import TimeLimit
from arrears.rendering.lines import overdue_customers
from arrears.rendering.overdue import receivables_body
from arrears.rendering.overdue_documents import document_bodies
from arrears.reports.aging import with_accounts
from arrears.reports.book_reading import BookReading
from arrears.reports.overdue_page import read_overdue
from arrears.reports.receivables import customer_row, row_tier
from arrears.reports.row_selection import select_rows, totals_of
from arrears.runtime import lambda_handler, services

endpoint = dolfin.endpoint()


@endpoint.get(routes.RECEIVABLES_OVERDUE)
def overdue_receivables(request: Request) -> dict[str, Any] | Page:
    """Overdue invoices by customer and currency, as of a day."""
    authentication, clock = services().authentication, services().clock
    caller = dolfin.read_caller(request, authentication.authenticate, Scope.READ_RECEIVABLES)
    known_at = dolfin.read_known_at(request, caller.organisation, clock())
    limit = TimeLimit(clock, "arrears receivables")
    then = services().reading(caller.organisation, known_at, limit)
    organisation, ledger, today = then.organisation, then.ledger, then.today
    query = OverdueQuery.read(request, organisation, today, RECEIVABLES)
    day = query.report.day
    reading = BookReading(ledger, organisation, Side.RECEIVABLE, day, today, limit.around)
    report = read_overdue(reading, query.first_rows())
    selected = select_rows(report, query.wanted, row_tier, customer_row, reading.judgeable)
    page, next_cursor = query.page(selected)
    shown = limit.around(with_accounts(page, reading.complete))
    rows = (customer_row(reference, day, report.policy) for reference in shown)
    body = receivables_body(report, rows, next_cursor, totals_of(selected) if query.filtered else None)
    if query.include:
        references_of = partial(ledger.references, organisation, Side.RECEIVABLE)
        for row, invoices in zip(body["customers"], document_bodies(page, day, "invoice", references_of), strict=True):
            row["invoices"] = invoices
    return csv_page(*overdue_customers(body, query.include), next_cursor) if query.report.as_csv else body


handler = lambda_handler(endpoint)
