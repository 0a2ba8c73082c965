"""GET /escalations: every tier that a customer's row has entered or left, newest first."""

from typing import Any

from arrears.api import dolfin, routes
from arrears.api.dolfin_history import EscalationQuery
from arrears.api.http import Request
from arrears.ledger.caller import Scope
from arrears.runtime import lambda_handler, services

endpoint = dolfin.endpoint()


@endpoint.get(routes.ESCALATIONS)
def escalations(request: Request) -> dict[str, Any]:
    """Escalation records, filtered and paged."""
    caller = dolfin.read_caller(request, services().authentication.authenticate, Scope.READ_ESCALATIONS)
    query = EscalationQuery.read(request, caller.organisation)
    records, after = (
        services()
        .history()
        .escalations(caller.organisation.id, query.limit, query.since, query.tier, query.customer, query.after)
    )
    return query.answer(records, after)


handler = lambda_handler(endpoint)
