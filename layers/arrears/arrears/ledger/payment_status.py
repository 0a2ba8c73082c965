"""What an invoice adds to the collection figures of its issue month, and from which day.

An invoice changes its payment status on known days: its issue, its allocations, its void, a lost dispute. A month's
figures are sums of dated differences, so they are right on any later day without another write and without documents.
"""

from collections.abc import Iterator

from arrears.ledger.dated_document import PAYMENT_FAILED, DatedDocument, lost_from
from arrears.ledger.days import NEVER

SUCCEEDED = "succeeded"
PENDING = "pending"
FAILED = "failed"


def status_changes(invoice: DatedDocument) -> Iterator[tuple[int, str | None, str | None]]:
    """The days on which its status changes, in order: (day, status before, status from then on)."""
    end = min(invoice.voided, lost_from(invoice))
    if invoice.issued >= end:
        return
    applied = {invoice.issued: 0}
    for changed, payments, credited, _, _ in invoice.applied:
        day = max(changed, invoice.issued)
        applied[day] = applied.get(day, 0) + payments + credited
    before, owed = None, invoice.total
    for day, amount in applied.items():
        if day >= end:
            break
        owed -= amount
        status = _status(invoice, owed)
        if status != before:
            yield day, before, status
            before = status
    if end < NEVER:
        yield end, before, None


def _status(invoice: DatedDocument, owed: int) -> str:
    if owed <= 0:
        return SUCCEEDED
    return FAILED if invoice.marks & PAYMENT_FAILED else PENDING
