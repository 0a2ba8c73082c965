"""GET /receivables/overdue: who owes us, how late, and what to do next."""

from typing import Any

from arrears.api import dolfin, routes
from arrears.api.http import Request
from arrears.ledger.caller import Scope
from arrears.ledger.ledger_side import Side
from arrears.rendering.overdue import receivables_body
from arrears.reports.aging import overdue_report
from arrears.reports.receivables import customer_row
from arrears.runtime import lambda_handler, services

endpoint = dolfin.endpoint()


@endpoint.get(routes.RECEIVABLES_OVERDUE)
def overdue_receivables(request: Request) -> dict[str, Any]:
    """Overdue invoices by customer and currency, as of a day."""
    authentication, ledger, clock = services().authentication, services().ledger, services().clock
    organisation = dolfin.read_caller(request, authentication.authenticate, Scope.READ_RECEIVABLES).organisation
    today = organisation.today(clock())
    query = dolfin.ReportQuery.read(request, organisation, today)
    accounts = ledger.accounts(organisation, Side.RECEIVABLE, query.day, today)
    report = overdue_report(accounts, query.day, organisation)
    page, next_cursor = query.page(report)
    rows = (customer_row(reference, report.day, report.policy) for reference in page)
    return receivables_body(report, rows, next_cursor)


handler = lambda_handler(endpoint)
