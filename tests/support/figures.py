"""Monthly figures worked out from documents, to be held against those that were moved by difference."""

from collections.abc import Iterable

from arrears.ledger import payment_status
from arrears.ledger.days import NEVER, month_of
from arrears.ledger.documents import Document
from support.memory_book import Figures


def recomputed(documents: Iterable[Document], today: int) -> Figures:
    """What the documents say of each issue month, payment status and currency."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for document in documents:
        facts = document.facts
        status = payment_status.status_at(facts, today) if document.kind == "invoice" and facts.issued < NEVER else None
        if status is not None:
            entry = sums.setdefault((month_of(facts.issued), status, facts.currency), [0, 0])
            entry[0] += 1
            entry[1] += facts.total
    return {figure: (count, amount) for figure, (count, amount) in sums.items()}
