"""GET /payables/suppliers/{id} and its statement: all that is known of one supplier."""

from operator import attrgetter
from typing import Any

from arrears.api import dolfin, parties, routes
from arrears.api.http import Page, Request
from arrears.api.known_at import read_known_at
from arrears.api.listing import csv_page
from arrears.ledger.caller import Caller, Scope
from arrears.ledger.ledger_side import Side
from arrears.ledger.time_limit import TimeLimit
from arrears.rendering import lines
from arrears.rendering.statement import statement_body
from arrears.rendering.supplier_page import supplier_page_body
from arrears.reports.party_reading import read_page, read_report
from arrears.runtime import lambda_handler, services

endpoint = dolfin.endpoint()


@endpoint.get(routes.SUPPLIER)
def supplier(request: Request, id: str) -> dict[str, Any] | Page:
    """A supplier as of a day."""
    caller, clock = _caller(request), services().clock
    known_at = dolfin.read_known_at(request, caller.organisation, clock())
    limit = TimeLimit(clock, "arrears supplier")
    then = services().reading(caller.organisation, known_at, limit)
    organisation, reader = then.organisation, then.parties(limit)
    query = parties.read_page_query(request, organisation, then.today)
    party = parties.found(reader.find, organisation, Side.PAYABLE, id)
    report = read_report(reader, organisation, party, query.day, then.today)
    documents, next_cursor = query.page(report.open_documents, attrgetter("sort_key"))
    body = supplier_page_body(read_page(reader, organisation, report, documents), organisation, next_cursor)
    return csv_page(*lines.open_bills(body), next_cursor) if query.as_csv else body


@endpoint.get(routes.SUPPLIER_STATEMENT)
def supplier_statement(request: Request, id: str) -> dict[str, Any] | Page:
    """What moved the balance with a supplier, or what is open and on account."""
    caller, clock = _caller(request), services().clock
    known_at = read_known_at(request, caller.organisation, clock())
    limit = TimeLimit(clock, "arrears statement")
    then = services().reading(caller.organisation, known_at, limit)
    organisation, reader = then.organisation, then.parties(limit)
    query = parties.StatementQuery.read(request, then.today)
    party = parties.found(reader.find, organisation, Side.PAYABLE, id)
    sections = parties.read_sections(reader, organisation, party, query)
    body = statement_body(party, organisation, query.kind, query.first, query.last, sections)
    return csv_page(*lines.statement(body)) if query.as_csv else body


def _caller(request: Request) -> Caller:
    return dolfin.read_caller(request, services().authentication.authenticate, Scope.READ_PAYABLES)


handler = lambda_handler(endpoint)
