"""Closed months, and escalations before they have an id."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from arrears.ledger.days import day_text, month_of
from arrears.ledger.ledger_side import Side
from arrears.ledger.money import major_number
from arrears.rendering.overdue import bucket_bodies
from arrears.rendering.reasons import reason_bodies
from arrears.reports.aging import BUCKETS

if TYPE_CHECKING:
    from arrears.reports.control_account import Control
    from arrears.reports.escalations import Escalation
    from arrears.reports.month_close import CurrencyMonth


def month_body(
    end: int, policy_version: int, currencies: "Mapping[str, CurrencyMonth]", side: Side = Side.RECEIVABLE
) -> dict[str, Any]:
    """The month of a ledger side that ends on `end`, its currencies in the order given."""
    body = _receivables if side is Side.RECEIVABLE else _payables
    return {
        "month": month_of(end),
        "asOf": day_text(end),
        "policyVersion": policy_version,
        "currencies": [body(currency, month, end) for currency, month in currencies.items()],
    }


def _receivables(currency: str, month: "CurrencyMonth", end: int) -> dict[str, Any]:
    return {
        **_overdue(currency, month, "collected"),
        "customerCount": month.customers,
        "invoiceCount": sum(month.counts[1:]),
        "buckets": bucket_bodies(month.amounts, month.counts, currency),
        "rollRates": dict(zip(BUCKETS, month.roll_rates(), strict=False)),
        "dso": month.days_sales_outstanding(end),
        "cei": month.collection_effectiveness(),
        "control": None if month.control is None else _control(currency, month.control, _RECEIVABLE_CONTROL),
    }


def _payables(currency: str, month: "CurrencyMonth", end: int) -> dict[str, Any]:
    """The same of bills, without what measures collection."""
    return {
        **_overdue(currency, month, "paid"),
        "supplierCount": month.customers,
        "billCount": sum(month.counts[1:]),
        "buckets": bucket_bodies(month.amounts, month.counts, currency),
        "control": None if month.control is None else _control(currency, month.control, _PAYABLE_CONTROL),
    }


def _overdue(currency: str, month: "CurrencyMonth", paid: str) -> dict[str, Any]:
    """The roll-forward of what is overdue. paid: what payments are called."""
    amounts = {
        "openingOverdue": month.opening,
        "restated": month.restated,
        "newlyOverdue": month.newly_overdue,
        paid: month.collected,
        "credited": month.credited,
        "noLongerOverdue": month.no_longer_overdue,
        "closingOverdue": month.closing,
    }
    return {"currency": currency, **{name: major_number(minor, currency) for name, minor in amounts.items()}}


_BEFORE_STATE = ("opening", "restated", "invoiced", "received", "credited", "voided", "refunded")
_RECEIVABLE_CONTROL = {name: name for name in (*_BEFORE_STATE, "closing", "unapplied")}
_PAYABLE_CONTROL = {
    **{name: name for name in _BEFORE_STATE},
    "closedByState": "closed_by_state",
    "closing": "closing",
    "unapplied": "unapplied",
}
"""Published names, in their order, and the fields that they show."""


def _control(currency: str, control: "Control", names: "Mapping[str, str]") -> dict[str, Any]:
    return {name: major_number(getattr(control, field), currency) for name, field in names.items()}


def escalation_bodies(escalations: "Iterable[Escalation]") -> list[dict[str, Any]]:
    """Escalations as they are kept, sent and answered, but for `id` and `recordedAt`, which are theirs once kept."""
    return [
        {
            "customerId": one.customer_id,
            "currency": one.currency,
            "from": one.before,
            "to": one.after,
            "crossedOn": day_text(one.crossed_on),
            "historical": one.historical,
            "daysOverdue": one.days_overdue,
            "totalOverdue": major_number(one.total_overdue, one.currency),
            "reasons": reason_bodies(one.reasons),
            "policyVersion": one.policy_version,
        }
        for one in escalations
    ]
