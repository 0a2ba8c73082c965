"""The overdue documents of each row of a page: what a letter to a customer lists, or a payment run."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from arrears.ledger.dated_document import bill_state_name_at, disputed_amount_at, disputed_at
from arrears.ledger.days import day_text
from arrears.ledger.money import major_number
from arrears.reports.aging import Overdue, RowReference, overdue_of


def document_bodies(
    page: Sequence[RowReference], day: int, kind: str, references_of: Callable[[Sequence[str]], Mapping[str, str]]
) -> list[list[dict[str, Any]]]:
    """The overdue invoices or bills (kind) of each row on the day of its report, by due date, then id.

    references_of: finds the caller's own ids of some documents; it is asked once, for those of the page.
    """
    late = [overdue_of(row.documents, row.currency, day) for row in page]
    references = references_of([overdue.id for of_row in late for overdue in of_row])
    return [[_body(overdue, day, kind, references.get(overdue.id)) for overdue in of_row] for of_row in late]


def _body(overdue: Overdue, day: int, kind: str, reference: str | None) -> dict[str, Any]:
    document = overdue.document
    return {
        f"{kind}Id": overdue.id,
        f"{kind}Reference": reference,
        "invoiceNumber": document.number,
        "issuedOn": day_text(document.issued),
        "dueDate": day_text(overdue.due),
        "totalAmount": major_number(document.total, document.currency),
        "outstanding": major_number(overdue.owed, document.currency),
        "daysOverdue": overdue.days,
        "disputed": disputed_at(document, day),
        "disputedAmount": major_number(disputed_amount_at(document, day), document.currency),
        "state": bill_state_name_at(document, day) if document.states else None,
    }
