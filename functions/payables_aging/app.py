"""GET /payables/aging: everything open or on account with suppliers, what is not due yet included."""

from arrears.api import aged_list, dolfin, routes
from arrears.api.http import Body, Page, Request
from arrears.ledger.caller import Scope
from arrears.ledger.ledger_side import Side
from arrears.ledger.time_limit import TimeLimit
from arrears.rendering.aged_list import BY_DOCUMENT, aged_document_body, aged_supplier_body
from arrears.reports.aged_list import aged_document, aged_documents
from arrears.reports.aged_page import read_aged
from arrears.reports.aged_suppliers import supplier_balance
from arrears.reports.book_reading import BookReading
from arrears.runtime import lambda_handler, services

SIDE = Side.PAYABLE

endpoint = dolfin.endpoint()


@endpoint.get(routes.PAYABLES_AGING)
def aged_payables(request: Request) -> Body | Page:
    """Open bills and money on account as of a day, by supplier and currency or by document."""
    authentication, clock = services().authentication, services().clock
    caller = dolfin.read_caller(request, authentication.authenticate, Scope.READ_PAYABLES)
    known_at = dolfin.read_known_at(request, caller.organisation, clock())
    limit = TimeLimit(clock, "arrears aging --side payables")
    then = services().reading(caller.organisation, known_at, limit)
    organisation, ledger, today = then.organisation, then.ledger, then.today
    query = aged_list.read_query(request, organisation, today, SIDE)
    reading = BookReading(ledger, organisation, SIDE, query.day, today, limit.around)
    if query.pinned["by"] == BY_DOCUMENT:
        documents = aged_documents(reading.accounts(), query.day, organisation)
        found, next_cursor = aged_list.page_of(query, documents)
        references = ledger.references(organisation, SIDE, [reference.document.id for reference in found])
        rows = (aged_document_body(aged_document(one, query.day), SIDE, references) for one in found)
        return aged_list.answer(query, documents, SIDE, rows, next_cursor)
    parties = read_aged(reading, query.first_rows())
    page, next_cursor = aged_list.page_of(query, parties)
    rows = (aged_supplier_body(supplier_balance(one, query.day, organisation.policy)) for one in page)
    return aged_list.answer(query, parties, SIDE, rows, next_cursor)


handler = lambda_handler(endpoint)
