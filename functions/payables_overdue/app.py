"""GET /payables/overdue: whom we owe, how late, and what to do next without paying twice."""

from typing import Any

from arrears.api import dolfin, routes
from arrears.api.http import Request
from arrears.ledger.caller import Scope
from arrears.ledger.ledger_side import Side
from arrears.rendering.overdue import payables_body
from arrears.reports.aging import overdue_report
from arrears.reports.payables import supplier_row
from arrears.runtime import lambda_handler, services

endpoint = dolfin.endpoint()


@endpoint.get(routes.PAYABLES_OVERDUE)
def overdue_payables(request: Request) -> dict[str, Any]:
    """Overdue bills by supplier and currency, as of a day."""
    authentication, ledger, clock = services().authentication, services().ledger, services().clock
    organisation = dolfin.read_caller(request, authentication.authenticate, Scope.READ_PAYABLES).organisation
    today = organisation.today(clock())
    query = dolfin.ReportQuery.read(request, organisation, today)
    accounts = ledger.accounts(organisation, Side.PAYABLE, query.day, today)
    report = overdue_report(accounts, query.day, organisation)
    page, next_cursor = query.page(report)
    rows = (supplier_row(reference, report.day, report.policy) for reference in page)
    return payables_body(report, rows, next_cursor)


handler = lambda_handler(endpoint)
