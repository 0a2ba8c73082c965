"""GET /payables/overdue: whom we owe, how late, and what to do next without paying twice."""

from operator import attrgetter
from typing import Any

from arrears.api import dolfin, routes
from arrears.api.http import Page, Request
from arrears.api.listing import csv_page
from arrears.ledger.caller import Scope
from arrears.ledger.ledger_side import Side
from arrears.rendering.lines import overdue_suppliers
from arrears.rendering.overdue import payables_body
from arrears.reports.aging import overdue_report
from arrears.reports.payables import supplier_row
from arrears.runtime import lambda_handler, services

endpoint = dolfin.endpoint()


@endpoint.get(routes.PAYABLES_OVERDUE)
def overdue_payables(request: Request) -> dict[str, Any] | Page:
    """Overdue bills by supplier and currency, as of a day."""
    authentication, ledger, clock = services().authentication, services().ledger, services().clock
    organisation = dolfin.read_caller(request, authentication.authenticate, Scope.READ_PAYABLES).organisation
    today = organisation.today(clock())
    query = dolfin.ReportQuery.read(request, organisation, today)
    accounts = ledger.accounts(organisation, Side.PAYABLE, query.day, today)
    report = overdue_report(accounts, query.day, organisation)
    page, next_cursor = query.page(report.rows, attrgetter("sort_key"))
    rows = (supplier_row(reference, report.day, report.policy) for reference in page)
    body = payables_body(report, rows, next_cursor)
    return csv_page(*overdue_suppliers(body), next_cursor) if query.as_csv else body


handler = lambda_handler(endpoint)
