"""GET /escalations: every tier that a customer's row has entered or left, newest first."""

from typing import Any

from arrears.api import dolfin, routes
from arrears.api.dolfin_history import EscalationQuery
from arrears.api.http import Page, Request
from arrears.api.listing import csv_page, wants_csv
from arrears.ledger.caller import Scope
from arrears.rendering import lines
from arrears.runtime import lambda_handler, services

endpoint = dolfin.endpoint()


@endpoint.get(routes.ESCALATIONS)
def escalations(request: Request) -> dict[str, Any] | Page:
    """Escalation records, filtered and paged."""
    caller = dolfin.read_caller(request, services().authentication.authenticate, Scope.READ_ESCALATIONS)
    dolfin.read_known_at(request, caller.organisation, services().clock())
    query, as_csv = EscalationQuery.read(request, caller.organisation), wants_csv(request)
    filters = (query.since, query.tier, query.customer, query.after, query.known_at)
    records, after = services().history().escalations(caller.organisation.id, query.limit, *filters)
    body = query.answer(records, after)
    return csv_page(*lines.escalations(body), body["nextCursor"]) if as_csv else body


handler = lambda_handler(endpoint)
