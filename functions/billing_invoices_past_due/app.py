"""GET /restapi/{apiVersion}/accounts/{accountId}/billing_invoices_past_due: what a customer owes that is past due."""

from typing import Any

from arrears.api import docusign, routes
from arrears.api.http import Request
from arrears.api.known_at import read_known_at
from arrears.ledger.ledger_side import Side
from arrears.ledger.time_limit import TimeLimit
from arrears.reports.past_due import past_due
from arrears.runtime import lambda_handler, services

endpoint = docusign.endpoint()


@endpoint.get(routes.BILLING_INVOICES_PAST_DUE)
def billing_invoices_past_due(request: Request, api_version: str, account_id: str) -> dict[str, Any]:
    """Past-due invoices of an account, for its administrators."""
    docusign.check_version(api_version)
    user, clock = docusign.read_user(request, services().authentication), services().clock
    known_at = read_known_at(request, user.organisation, clock())
    limit = TimeLimit(clock, "arrears customer show")
    then = services().reading(user.organisation, known_at, limit)
    organisation, ledger = then.organisation, then.ledger
    customer = docusign.administered(user, ledger.customer(organisation, account_id))
    accounts = limit.around(ledger.accounts_of(organisation, Side.RECEIVABLE, [customer.location]))
    owed = past_due(organisation, customer, accounts, then.today)
    details = limit.around(ledger.details(organisation, [overdue.id for overdue in owed.invoices]))
    return docusign.past_due_body(account_id, owed, docusign.fitting(owed, details))


handler = lambda_handler(endpoint)
