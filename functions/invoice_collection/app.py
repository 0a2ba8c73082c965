"""GET /analytics/invoice_collection: what was invoiced in each month, by payment status."""

from typing import Any

from arrears.api import lago, routes
from arrears.api.http import Request
from arrears.reports.invoice_collection import invoice_collection
from arrears.runtime import lambda_handler, services

endpoint = lago.endpoint(narrowed_by=("months", "currency"))


@endpoint.get(routes.INVOICE_COLLECTION)
@endpoint.get(routes.LAGO_PREFIX + routes.INVOICE_COLLECTION)
def invoice_collections(request: Request) -> dict[str, Any]:
    """Finalized invoices by issue month, payment status and currency."""
    authentication, ledger, clock = services().authentication, services().ledger, services().clock
    organisation = lago.read_caller(request, authentication.authenticate).organisation
    filters = lago.Filters.read(request)
    today = organisation.today(clock())
    figures = ledger.collection(organisation, today)
    return lago.invoice_collections(invoice_collection(figures, today, filters.currency, filters.months))


handler = lambda_handler(endpoint)
