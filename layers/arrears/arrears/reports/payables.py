"""Overdue payables: whom we owe, how urgent it is, and what to do without ever paying twice."""

from collections.abc import Sequence
from typing import Any

from arrears.ledger.days import day_text
from arrears.ledger.document_facts import Account, BillState, Facts, Settled, bill_state_at, bill_state_name_at
from arrears.ledger.money import major_number
from arrears.ledger.organisation import Organisation
from arrears.ledger.policy import Policy
from arrears.reports import tiers
from arrears.reports.aging import (
    Accounts,
    Report,
    oldest_of,
    overdue_of,
    overdue_report,
    summary,
)
from arrears.reports.payment_behaviour import settled_in_year

WAITING, TO_CONFIRM, TO_SCHEDULE = "waiting", "toConfirm", "toSchedule"


def report(accounts: Accounts, day: int, organisation: Organisation) -> Report:
    """The overdue payables of a book on `day`: totals, aging per currency, and a row per supplier and currency."""
    return overdue_report(accounts, day, organisation, ("supplierCount", "billCount"), _supplier_row)


def _supplier_row(account: Account, documents: list[Facts], currency: str, day: int, policy: Policy) -> dict[str, Any]:
    """One supplier's row in one currency."""
    late = overdue_of(documents, currency, day)
    owed = sum([overdue.owed for overdue in late])
    oldest = oldest_of(late)
    thresholds = tiers.urgency_thresholds(policy)
    level = tiers.level_of(oldest.days, thresholds, policy.grace_days)
    states = [bill_state_at(overdue.document, day) for overdue in late]
    by_standing: dict[str, list[str]] = {WAITING: [], TO_CONFIRM: [], TO_SCHEDULE: []}
    for overdue, state in zip(late, states, strict=True):
        by_standing[payment_standing(state, day)].append(overdue.id)
    urgency = tiers.URGENCIES[level]
    return {
        "supplierId": account.party_id,
        "supplierReference": account.reference if account.party_id else None,
        "supplierName": account.name,
        "currency": currency,
        "totalOverdue": major_number(owed, currency),
        "billCount": len(late),
        "oldestBill": {**summary(oldest, "billId"), "state": bill_state_name_at(oldest.document, day)},
        "urgency": urgency,
        "suggestedAction": _action(by_standing),
        "scheduledPaymentDate": _scheduled(states),
        "paymentTiming": _timing(settled_in_year(account, documents, day)),
        "billIds": [overdue.id for overdue in late],
        "confirmBillIds": by_standing[TO_CONFIRM],
        "unscheduledBillIds": by_standing[TO_SCHEDULE],
        "reasons": [
            {**tiers.level_reason("days_overdue", oldest.days, level, thresholds, policy), "urgency": urgency},
            {"code": "payment_standing", **{name: len(ids) for name, ids in by_standing.items()}},
        ],
    }


def payment_standing(state: BillState, day: int) -> str:
    """Whether a payment is under way (waiting), may have failed or been missed (to confirm), or is to schedule."""
    if state.state == "PaymentInProgress":
        return WAITING
    if state.state == "Scheduled":
        return WAITING if state.scheduled is not None and state.scheduled >= day else TO_CONFIRM
    return TO_CONFIRM if state.state == "PaymentFailed" else TO_SCHEDULE


def _action(by_standing: dict[str, list[str]]) -> str:
    if by_standing[TO_SCHEDULE]:
        return "schedule_payment"
    return "confirm_or_reschedule" if by_standing[TO_CONFIRM] else "wait"


def _scheduled(states: Sequence[BillState]) -> str | None:
    days = [state.scheduled for state in states if state.state == "Scheduled" and state.scheduled is not None]
    return day_text(min(days)) if days else None


def _timing(settled: Settled | None) -> dict[str, Any] | None:
    if settled is None:
        return None
    return {
        "averageDaysToPay": settled.to_pay / settled.issued if settled.issued else None,
        "onTermsRate": settled.on_time / settled.dated if settled.dated else None,
        "billsPaid": settled.documents,
    }
