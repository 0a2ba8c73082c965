"""GET /analytics/overdue_balance: what is overdue, by the month it was due in."""

from itertools import chain
from typing import Any

from arrears.api import lago, routes
from arrears.api.http import Request
from arrears.ledger.ledger_side import Side
from arrears.reports.overdue_balance import overdue_balance, page_of
from arrears.runtime import lambda_handler, services

endpoint = lago.endpoint(narrowed_by=("months", "currency", "page", "per_page"))


@endpoint.get(routes.OVERDUE_BALANCE)
@endpoint.get(routes.LAGO_PREFIX + routes.OVERDUE_BALANCE)
def overdue_balances(request: Request) -> dict[str, Any]:
    """Overdue invoices by due month and currency."""
    caller = lago.read_caller(request, services().authentication.authenticate)
    filters = lago.Filters.read(request, paged=True)
    known_at = lago.read_known_at(request, caller.organisation, services().clock())
    then = services().reading(caller.organisation, known_at)
    organisation, ledger, today = then.organisation, then.ledger, then.today
    if filters.external_customer_id is None:
        invoices = ledger.documents_due_before(organisation, Side.RECEIVABLE, today)
    else:
        customers = ledger.customers_by_external_id(organisation, filters.external_customer_id)
        accounts = ledger.accounts_of(organisation, Side.RECEIVABLE, customers)
        invoices = chain.from_iterable(documents for _, documents in accounts)
    rows = overdue_balance(invoices, today, filters.currency, filters.months)
    if filters.page is None:
        return lago.overdue_balances(rows)
    count = sum(len(row.invoice_ids) for row in rows)
    return lago.overdue_balances(page_of(rows, *filters.page)) | lago.page_meta(filters.page, count)


handler = lambda_handler(endpoint)
