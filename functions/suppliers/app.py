"""GET /payables/suppliers/{id} and its statement: all that is known of one supplier."""

from operator import attrgetter
from typing import Any

from arrears.api import dolfin, parties, routes
from arrears.api.http import Page, Request
from arrears.api.listing import csv_page
from arrears.ledger.caller import Scope
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
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
    reader = services().parties(TimeLimit(services().clock, "arrears supplier"))
    organisation = _organisation(request)
    today = organisation.today(services().clock())
    query = parties.read_page_query(request, organisation, today)
    party = parties.found(reader.find, organisation, Side.PAYABLE, id)
    report = read_report(reader, organisation, party, query.day, today)
    documents, next_cursor = query.page(report.open_documents, attrgetter("sort_key"))
    body = supplier_page_body(read_page(reader, organisation, report, documents), organisation, next_cursor)
    return csv_page(*lines.open_bills(body), next_cursor) if query.as_csv else body


@endpoint.get(routes.SUPPLIER_STATEMENT)
def supplier_statement(request: Request, id: str) -> dict[str, Any] | Page:
    """What moved the balance with a supplier, or what is open and on account."""
    reader = services().parties(TimeLimit(services().clock, "arrears statement"))
    organisation = _organisation(request)
    query = parties.StatementQuery.read(request, organisation.today(services().clock()))
    party = parties.found(reader.find, organisation, Side.PAYABLE, id)
    sections = parties.read_sections(reader, organisation, party, query)
    body = statement_body(party, organisation, query.kind, query.first, query.last, sections)
    return csv_page(*lines.statement(body)) if query.as_csv else body


def _organisation(request: Request) -> Organisation:
    authentication = services().authentication
    return dolfin.read_caller(request, authentication.authenticate, Scope.READ_PAYABLES).organisation


handler = lambda_handler(endpoint)
