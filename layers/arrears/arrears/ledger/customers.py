"""A customer's own record, and the details of a single invoice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class AccountLocation(NamedTuple):
    """Where an account is stored: its UUID and its shard."""

    id: str
    shard: int


@dataclass(frozen=True, slots=True)
class CustomerProfile:
    """What a customer's own record says. currency: None where it names none."""

    location: AccountLocation
    reference: str
    name: str | None
    account_number: str | None
    external_id: str | None
    currency: str | None
    payment_blocked: bool


class InvoiceLine(NamedTuple):
    """One line of an invoice: quantity and prices as text in major units, as recorded; amounts in minor units."""

    id: str
    name: str
    quantity: str
    unit_price: str
    amount: int
    tax_amount: int | None


@dataclass(frozen=True, slots=True)
class InvoiceDetail:
    """What only a single invoice's own page needs. taxable_amount: minor units, None if not recorded."""

    taxable_amount: int | None
    pdf_available: bool
    lines: Sequence[InvoiceLine]
