"""A supplier's page: balances, open bills, money on account, disputes and payment timing."""

from typing import Any

from arrears.ledger.days import day_text
from arrears.ledger.organisation import Organisation
from arrears.rendering import party as rendering
from arrears.rendering.overdue import supplier_body, timing_body
from arrears.reports.party import Balance
from arrears.reports.party_reading import PartyPage
from arrears.reports.payables import supplier_row, timing_of

_ROW = (
    "totalOverdue",
    "billCount",
    "disputedAmount",
    "amountToChase",
    "urgency",
    "suggestedAction",
    "scheduledPaymentDate",
    "reasons",
)


def supplier_page_body(page: PartyPage, organisation: Organisation, next_cursor: str | None) -> dict[str, Any]:
    """Everything known of a supplier as of the report's day, with a page of its open bills."""
    report = page.report
    timing = timing_of(report.settled)
    return {
        "asOf": day_text(report.day),
        **rendering.party_body(report.party),
        "balances": [_balance(balance, report.day, organisation) for balance in report.balances],
        "openBills": rendering.document_bodies(page),
        "nextCursor": next_cursor,
        "onAccount": rendering.on_account_bodies(page),
        "disputes": rendering.dispute_bodies(page),
        "paymentTiming": None if timing is None else timing_body(timing),
        "truncated": rendering.truncated_lists(report, {}),
    }


def _balance(balance: Balance, day: int, organisation: Organisation) -> dict[str, Any]:
    if balance.row is None:
        return rendering.balance_body(balance, {}, _ROW, 0)
    row = supplier_row(balance.row, day, organisation.policy)
    return rendering.balance_body(balance, supplier_body(row), _ROW, row.oldest.days)
