"""Monthly figures worked out from documents, to be held against those that were moved by difference."""

from collections.abc import Iterable

from arrears.ledger.dated_document import PAYMENT_FAILED, DatedDocument, exists_at, lost_from, outstanding_at
from arrears.ledger.days import NEVER, month_of
from arrears.ledger.documents import Document
from support.memory_ledger import Figures


def recomputed(documents: Iterable[Document], today: int) -> Figures:
    """What the documents say of each issue month, payment status and currency."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for document in documents:
        dated = document.dated
        status = status_at(dated, today) if document.kind == "invoice" and dated.issued < NEVER else None
        if status is not None:
            entry = sums.setdefault((month_of(dated.issued), status, dated.currency), [0, 0])
            entry[0] += 1
            entry[1] += dated.total
    return {figure: (count, amount) for figure, (count, amount) in sums.items()}


def status_at(invoice: DatedDocument, day: int) -> str | None:
    """Its payment status at the end of `day`; None when it is not finalized, void, or lost in a dispute."""
    if not exists_at(invoice, day) or lost_from(invoice) <= day:
        return None
    if outstanding_at(invoice, day) <= 0:
        return "succeeded"
    return "failed" if invoice.marks & PAYMENT_FAILED else "pending"
