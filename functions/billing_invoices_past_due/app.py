"""GET /restapi/{apiVersion}/accounts/{accountId}/billing_invoices_past_due: what a customer owes that is past due."""

from typing import Any

from arrears.api import docusign, routes
from arrears.api.http import Request
from arrears.ledger.ledger_side import Side
from arrears.runtime import lambda_handler, services

endpoint = docusign.endpoint()


@endpoint.get(routes.BILLING_INVOICES_PAST_DUE)
def billing_invoices_past_due(request: Request, api_version: str, account_id: str) -> dict[str, Any]:
    """Past-due invoices of an account, for its administrators."""
    docusign.check_version(api_version)
    authentication, ledger, clock = services().authentication, services().ledger, services().clock
    user = docusign.read_user(request, authentication)
    organisation = user.organisation
    customer = docusign.administered(user, ledger.customer(organisation, account_id))
    today = organisation.today(clock())
    accounts = ledger.accounts_of(organisation, Side.RECEIVABLE, [customer.location])
    invoices = [invoice for _, documents in accounts for invoice in documents]
    return docusign.past_due(organisation, account_id, customer, invoices, today, ledger.details)


handler = lambda_handler(endpoint)
