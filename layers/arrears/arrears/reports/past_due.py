"""Past due: what one customer owes, with the invoices in its own currency."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from arrears.ledger.customers import CustomerProfile
from arrears.ledger.dated_document import DatedDocument, wholly_disputed_at
from arrears.ledger.organisation import Organisation
from arrears.reports.aging import Overdue, currency_order, owed_at


class Balance(NamedTuple):
    """What is owed in one currency, and what of that is past due; minor units."""

    currency: str
    past_due: int
    outstanding: int


class PastDue(NamedTuple):
    """What a customer owes. own: in the customer's currency. others: in every other one, the default one first.

    payment_allowed: whether the customer may pay over the API. invoices: past due in the customer's currency, in order.
    """

    own: Balance
    others: list[Balance]
    payment_allowed: bool
    invoices: list[Overdue]


def past_due(
    organisation: Organisation, customer: CustomerProfile, invoices: Iterable[DatedDocument], today: int
) -> PastDue:
    """What the customer owes on `today` of these invoices."""
    own = customer.currency or organisation.currency
    owing = [(invoice, owed_at(invoice, today)) for invoice in invoices]
    open_invoices = [(invoice, owed) for invoice, owed in owing if owed]
    late = sorted(
        Overdue(invoice.due, invoice.id, owed, today - invoice.due, invoice)
        for invoice, owed in open_invoices
        if invoice.due is not None and invoice.due < today
    )
    payable = any(not wholly_disputed_at(overdue.document, today) for overdue in late)
    others = {invoice.currency for invoice, _ in open_invoices} - {own}
    return PastDue(
        _balance(open_invoices, late, own),
        [_balance(open_invoices, late, other) for other in currency_order(others, organisation.currency)],
        organisation.payments_over_api and not customer.payment_blocked and payable,
        [overdue for overdue in late if overdue.document.currency == own],
    )


def _balance(open_invoices: Sequence[tuple[DatedDocument, int]], late: Sequence[Overdue], currency: str) -> Balance:
    return Balance(
        currency,
        sum(overdue.owed for overdue in late if overdue.document.currency == currency),
        sum(owed for invoice, owed in open_invoices if invoice.currency == currency),
    )
