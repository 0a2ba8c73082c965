"""Reports of a book in the tables, in the form in which the endpoints answer them."""

from typing import TYPE_CHECKING, Any

from arrears_cli.book import FROM_AFTER_TO, nobody
from arrears_cli.output import Failed

if TYPE_CHECKING:
    from arrears.ledger.ledger_side import Side
    from arrears.ledger.parties import Party
    from arrears.ledger.policy import Policy
    from arrears.runtime import Reading
    from arrears_cli.book import StatementRequest


def aged_body(then: "Reading", side: "Side", by: str, day: int | None, limit: int | None) -> dict[str, Any]:
    """An aged list as of a day, today if None, with at most `limit` rows; the others are not worked out."""
    from arrears.ledger.ledger_side import Side
    from arrears.rendering import aged_list as rendering
    from arrears.reports import aged_list as reports
    from arrears.reports.aged_customers import customer_balance
    from arrears.reports.aged_page import read_aged
    from arrears.reports.aged_suppliers import supplier_balance
    from arrears.reports.aging import with_accounts
    from arrears.reports.book_reading import BookReading
    from arrears.reports.page_request import PageRequest

    ledger, organisation, today = then.ledger, then.organisation, then.today
    day = today if day is None else day
    reading = BookReading(ledger, organisation, side, day, today)
    if by == rendering.BY_DOCUMENT:
        documents = reports.aged_documents(reading.accounts(), day, organisation)
        found = documents.rows[:limit]
        references = ledger.references(organisation, side, [one.document.id for one in found])
        rows = [rendering.aged_document_body(reports.aged_document(one, day), side, references) for one in found]
        return rendering.aged_list_body(documents, side, by, rows, None)
    parties = read_aged(reading, None if limit is None else PageRequest(None, limit))
    shown, policy = parties.rows[:limit], organisation.policy
    if side is Side.RECEIVABLE:
        whole = with_accounts(shown, reading.judgeable)
        rows = [rendering.aged_customer_body(customer_balance(one, day, policy)) for one in whole]
    else:
        rows = [rendering.aged_supplier_body(supplier_balance(one, day, policy)) for one in shown]
    return rendering.aged_list_body(parties, side, by, rows, None)


def preview_body_of(
    then: "Reading", side: "Side", proposed: "Policy", day: int | None, limit: int | None
) -> dict[str, Any]:
    """What a policy would change as of a day, today if None, with at most `limit` of the rows that would differ."""
    from arrears.ledger.ledger_side import Side
    from arrears.rendering.policy_preview import preview_body
    from arrears.reports.aging import overdue_report, with_accounts
    from arrears.reports.book_reading import BookReading
    from arrears.reports.payables import supplier_row
    from arrears.reports.policy_preview import preview_policy
    from arrears.reports.receivables import customer_row

    day = then.today if day is None else day
    reading = BookReading(then.ledger, then.organisation, side, day, then.today)
    report = overdue_report(reading.accounts(), day, then.organisation)
    rows = with_accounts(report.rows, reading.judgeable)
    if side is Side.RECEIVABLE:
        preview = preview_policy(report, rows, proposed, customer_row, lambda row: row.tier)
    else:
        preview = preview_policy(report, rows, proposed, supplier_row, lambda row: row.urgency)
    return preview_body(preview, side, preview.differences[:limit], None)


def party_body(then: "Reading", side: "Side", id: str, day: int | None) -> dict[str, Any]:
    """Everything known of a customer or supplier as of a day, today if None, with all of its open documents."""
    from arrears.ledger.ledger_side import Side
    from arrears.rendering.customer_page import customer_page_body
    from arrears.rendering.supplier_page import supplier_page_body
    from arrears.reports.party_reading import read_page, read_report

    party, organisation, reader = _found(then, side, id), then.organisation, then.parties()
    report = read_report(reader, organisation, party, then.today if day is None else day, then.today)
    page = read_page(reader, organisation, report, report.open_documents)
    body = customer_page_body if side is Side.RECEIVABLE else supplier_page_body
    return body(page, organisation, None)


def statement_of(then: "Reading", side: "Side", id: str, asked: "StatementRequest") -> dict[str, Any]:
    """The statement of a customer or supplier. Raises Failed where its first day is after its last."""
    from arrears.rendering.statement import statement_body
    from arrears.reports.party_reading import read_statement
    from arrears.reports.statements import month_start

    party, organisation = _found(then, side, id), then.organisation
    last = then.today if asked.last is None else asked.last
    first = month_start(last) if asked.first is None else asked.first
    if first > last:
        raise Failed(FROM_AFTER_TO)
    sections = read_statement(then.parties(), organisation, party, asked.kind, first, last, asked.currency)
    return statement_body(party, organisation, asked.kind, first, last, sections)


def _found(then: "Reading", side: "Side", id: str) -> "Party":
    party = then.parties().find(then.organisation, side, id)
    if party is None:
        raise nobody(side, id)
    return party
