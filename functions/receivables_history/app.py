"""GET /receivables/overdue/history: what was overdue at each month's end, and how it came about."""

from typing import Any

from arrears.api import dolfin, dolfin_history, routes
from arrears.api.http import Request
from arrears.close.figures import figures_of
from arrears.ledger.caller import Scope
from arrears.reports.month_close import month_body
from arrears.runtime import lambda_handler, services

endpoint = dolfin.endpoint()


@endpoint.get(routes.RECEIVABLES_HISTORY)
def receivables_history(request: Request) -> dict[str, Any]:
    """The latest closed months, oldest first."""
    caller = dolfin.read_caller(request, services().authentication.authenticate, Scope.READ_RECEIVABLES)
    months = dolfin_history.read_months(request)
    snapshots = services().history().snapshots(caller.organisation.id, months)
    return {
        "months": [
            month_body(snapshot.end, snapshot.policy_version, list(figures_of(snapshot).items()))
            for snapshot in snapshots
        ]
    }


handler = lambda_handler(endpoint)
