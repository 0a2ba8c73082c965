"""GET /ledger/changes: what has changed in the ledger, when and by whom, newest first."""

from typing import Any

from arrears.api import dolfin, routes
from arrears.api.changes import ChangesQuery
from arrears.api.http import Page, Request
from arrears.api.listing import csv_page, wants_csv
from arrears.ledger.caller import Scope
from arrears.rendering import lines
from arrears.rendering.changes import change_body
from arrears.runtime import lambda_handler, services

endpoint = dolfin.endpoint()


@endpoint.get(routes.LEDGER_CHANGES)
def ledger_changes(request: Request) -> dict[str, Any] | Page:
    """Changes of records, of the policy and of settings, filtered and paged."""
    caller = dolfin.read_caller(request, services().authentication.authenticate, Scope.AUDIT_LEDGER)
    query, as_csv = ChangesQuery.read(request, caller.organisation), wants_csv(request)
    reader = services().changes()
    page = reader.page(caller.organisation, query.filter, query.limit, query.first, query.last, query.after)
    body = query.answer(map(change_body, page.changes), page.after)
    return csv_page(*lines.changes(body), body["nextCursor"]) if as_csv else body


handler = lambda_handler(endpoint)
