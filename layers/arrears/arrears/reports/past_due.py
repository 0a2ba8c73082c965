"""Past due: what one customer owes, with the invoices in its own currency."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from arrears.ledger.customers import CustomerProfile
from arrears.ledger.dated_document import DatedDocument, wholly_disputed_at
from arrears.ledger.on_account import unapplied_at
from arrears.ledger.organisation import Organisation
from arrears.reports.aging import Accounts, Overdue, currency_order, owed_at


class Balance(NamedTuple):
    """What is past due in one currency, and what is owed less money on account; minor units."""

    currency: str
    past_due: int
    net: int


class PastDue(NamedTuple):
    """What a customer owes. own: in the customer's currency. others: in every other one, the default one first.

    payment_allowed: whether the customer may pay over the API. invoices: past due in the customer's currency, in order.
    """

    own: Balance
    others: list[Balance]
    payment_allowed: bool
    invoices: list[Overdue]


def past_due(organisation: Organisation, customer: CustomerProfile, accounts: Accounts, today: int) -> PastDue:
    """What the customer owes on `today`; accounts: its own account with its invoices, if it has any."""
    own = customer.currency or organisation.currency
    open_invoices: list[tuple[DatedDocument, int]] = []
    unapplied: dict[str, int] = {}
    for account, invoices in accounts:
        open_invoices += [(invoice, owed) for invoice in invoices if (owed := owed_at(invoice, today))]
        unapplied |= unapplied_at(account, invoices, today)
    late = sorted(
        Overdue(invoice.due, invoice.id, owed, today - invoice.due, invoice)
        for invoice, owed in open_invoices
        if invoice.due is not None and invoice.due < today
    )
    payable = any(not wholly_disputed_at(overdue.document, today) for overdue in late)
    others = ({invoice.currency for invoice, _ in open_invoices} | unapplied.keys()) - {own}
    return PastDue(
        _balance(open_invoices, late, unapplied, own),
        [_balance(open_invoices, late, unapplied, other) for other in currency_order(others, organisation.currency)],
        organisation.payments_over_api and not customer.payment_blocked and payable,
        [overdue for overdue in late if overdue.document.currency == own],
    )


def _balance(
    open_invoices: Sequence[tuple[DatedDocument, int]],
    late: Sequence[Overdue],
    unapplied: Mapping[str, int],
    currency: str,
) -> Balance:
    outstanding = sum(owed for invoice, owed in open_invoices if invoice.currency == currency)
    return Balance(
        currency,
        sum(overdue.owed for overdue in late if overdue.document.currency == currency),
        outstanding - unapplied.get(currency, 0),
    )
