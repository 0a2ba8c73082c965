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
    caller = lago.read_caller(request, services().authentication.authenticate)
    filters = lago.Filters.read(request)
    known_at = lago.read_known_at(request, caller.organisation, services().clock())
    then = services().reading(caller.organisation, known_at)
    today, figures = then.today, then.ledger.collection(then.organisation, then.today)
    return lago.invoice_collections(invoice_collection(figures, today, filters.currency, filters.months))


handler = lambda_handler(endpoint)
