"""Monthly figures worked out from documents, to be held against those that were moved by difference."""

from collections.abc import Iterable

from arrears.ledger.days import NEVER, month_of
from arrears.ledger.document_facts import PAYMENT_FAILED, Facts, exists_at, lost_from, outstanding_at
from arrears.ledger.documents import Document
from support.memory_book import Figures


def recomputed(documents: Iterable[Document], today: int) -> Figures:
    """What the documents say of each issue month, payment status and currency."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for document in documents:
        facts = document.facts
        status = status_at(facts, today) if document.kind == "invoice" and facts.issued < NEVER else None
        if status is not None:
            entry = sums.setdefault((month_of(facts.issued), status, facts.currency), [0, 0])
            entry[0] += 1
            entry[1] += facts.total
    return {figure: (count, amount) for figure, (count, amount) in sums.items()}


def status_at(invoice: Facts, day: int) -> str | None:
    """Its payment status at the end of `day`; None when it is not finalized, void, or lost in a dispute."""
    if not exists_at(invoice, day) or lost_from(invoice) <= day:
        return None
    if outstanding_at(invoice, day) <= 0:
        return "succeeded"
    return "failed" if invoice.marks & PAYMENT_FAILED else "pending"
