"""Closed months, and escalations before they have an id."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from arrears.ledger.days import day_text, month_of
from arrears.ledger.money import major_number
from arrears.rendering.overdue import bucket_bodies
from arrears.rendering.reasons import reason_bodies
from arrears.reports.aging import BUCKETS

if TYPE_CHECKING:
    from arrears.reports.escalations import Escalation
    from arrears.reports.month_close import CurrencyMonth


def month_body(end: int, policy_version: int, currencies: "Mapping[str, CurrencyMonth]") -> dict[str, Any]:
    """The month that ends on `end`, its currencies in the order given."""
    return {
        "month": month_of(end),
        "asOf": day_text(end),
        "policyVersion": policy_version,
        "currencies": [_currency(currency, month, end) for currency, month in currencies.items()],
    }


def _currency(currency: str, month: "CurrencyMonth", end: int) -> dict[str, Any]:
    def major(minor: int) -> int | float | str:
        return major_number(minor, currency)

    return {
        "currency": currency,
        "openingOverdue": major(month.opening),
        "restated": major(month.restated),
        "newlyOverdue": major(month.newly_overdue),
        "collected": major(month.collected),
        "credited": major(month.credited),
        "noLongerOverdue": major(month.no_longer_overdue),
        "closingOverdue": major(month.closing),
        "customerCount": month.customers,
        "invoiceCount": sum(month.counts[1:]),
        "buckets": bucket_bodies(month.amounts, month.counts, currency),
        "rollRates": dict(zip(BUCKETS, month.roll_rates(), strict=False)),
        "dso": month.days_sales_outstanding(end),
        "cei": month.collection_effectiveness(),
    }


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
