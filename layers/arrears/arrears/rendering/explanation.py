"""A closed month, the same month as known now, and the changes that make the difference."""

from typing import TYPE_CHECKING, Any

from arrears.ledger.days import month_of
from arrears.ledger.known_at import instant_text
from arrears.ledger.ledger_side import Side
from arrears.ledger.money import major_number

if TYPE_CHECKING:
    from arrears.reports.month_explanation import Balance, ExplainedChange, Explanation


def explanation_body(explanation: "Explanation", side: Side) -> dict[str, Any]:
    """The explanation of a month of a ledger side. Changes have the effect on the balances of the month's last day."""
    party = "customerId" if side is Side.RECEIVABLE else "supplierId"
    return {
        "month": month_of(explanation.end),
        "knownAt": instant_text(explanation.known_at),
        "currencies": [
            {
                "currency": currency,
                "closed": _balance(currency, closed),
                "now": _balance(currency, explanation.now[currency]),
                "difference": _balance(currency, explanation.difference(currency)),
            }
            for currency, closed in explanation.closed.items()
        ],
        "changes": [_change(change, party) for change in explanation.changes],
    }


def _change(change: "ExplainedChange", party: str) -> dict[str, Any]:
    return {
        "recordedAt": instant_text(change.recorded_at),
        "by": {"type": change.origin.kind, "id": change.origin.id or None},
        "importId": change.origin.import_id or None,
        "records": [{"type": kind, "id": id_} for kind, id_ in change.records],
        party: change.party,
        "currency": change.currency,
        **_balance(change.currency, change.effect),
    }


def _balance(currency: str, balance: "Balance") -> dict[str, Any]:
    names = ("outstanding", "overdue", "unapplied", "net")
    return {name: major_number(getattr(balance, name), currency) for name in names}
