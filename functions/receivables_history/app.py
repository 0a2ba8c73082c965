"""GET /receivables/overdue/history: what was overdue at each month's end, and how it came about."""

from typing import Any

from arrears.api import dolfin, dolfin_history, routes
from arrears.api.http import Page, Request
from arrears.api.known_at import known_moment, read_known_at
from arrears.api.listing import csv_page, wants_csv
from arrears.ledger.caller import Scope
from arrears.ledger.ledger_side import Side
from arrears.ledger.time_limit import TimeLimit
from arrears.rendering.history import month_body
from arrears.rendering.lines import closed_months
from arrears.reports.month_close import from_stored
from arrears.runtime import lambda_handler, services

endpoint = dolfin.endpoint()


@endpoint.get(routes.RECEIVABLES_HISTORY)
def receivables_history(request: Request) -> dict[str, Any] | Page:
    """The latest closed months, oldest first; or what has changed in one of them since it was closed."""
    caller = dolfin.read_caller(request, services().authentication.authenticate, Scope.READ_RECEIVABLES)
    month = dolfin_history.read_explained(request)
    if month is not None:
        limit = TimeLimit(services().clock, f"arrears explain --month {month}")
        explain = services().month_explanation(limit.around).explain
        now = read_known_at(request, caller.organisation, services().clock()) or services().clock()
        return dolfin_history.explanation(explain, caller.organisation, month, Side.RECEIVABLE, now)
    months, as_csv = dolfin_history.read_months(request), wants_csv(request)
    read_known_at(request, caller.organisation, services().clock())
    snapshots = services().history().snapshots(caller.organisation.id, months, known_at=known_moment(request))
    closed = (month_body(one.end, one.policy_version, from_stored(one.figures)) for one in snapshots)
    body = {"months": list(closed)}
    return csv_page(*closed_months(body)) if as_csv else body


handler = lambda_handler(endpoint)
