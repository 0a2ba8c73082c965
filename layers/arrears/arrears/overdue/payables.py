"""Overdue payables: whom we owe, how urgent it is, and what to do without ever paying twice."""

from collections.abc import Sequence
from typing import Any

from arrears.ledger.days import day_text
from arrears.ledger.facts import Account, Settled, bill_state_at
from arrears.ledger.money import major_number
from arrears.ledger.organisation import Organisation
from arrears.ledger.policy import Policy
from arrears.overdue import tiers
from arrears.overdue.aging import (
    Accounts,
    Aging,
    Overdue,
    Report,
    Row,
    currency_order,
    due_order,
    oldest_of,
    overdue_accounts,
    sort_rows,
    summary,
)
from arrears.overdue.behaviour import settled_in_year

WAITING, TO_CONFIRM, TO_SCHEDULE = "waiting", "to_confirm", "to_schedule"


def report(accounts: Accounts, day: int, organisation: Organisation) -> Report:
    """The overdue payables of a book on `day`: totals, aging per currency, and a row per supplier and currency."""
    aging = Aging()
    rows = []
    suppliers = 0
    for account, documents, overdue in overdue_accounts(accounts, aging, day):
        suppliers += 1
        timing = _timing(settled_in_year(account, documents, day))
        for currency, late in overdue.items():
            rows.append(supplier_row(account, currency, late, day, organisation.policy, timing))
    sort_rows(rows, organisation.currency)
    currencies = currency_order(aging.amounts, organisation.currency)
    totals = {
        "supplierCount": suppliers,
        "billCount": sum(len(row.body["billIds"]) for row in rows),
        "overdueByCurrency": aging.overdue_body(currencies),
    }
    return Report(totals, aging.body(currencies), rows)


def supplier_row(
    account: Account, currency: str, late: Sequence[Overdue], day: int, policy: Policy, timing: dict[str, Any] | None
) -> Row:
    """One supplier's row in one currency."""
    owed = sum(overdue.owed for overdue in late)
    oldest, ordered = oldest_of(late), due_order(late)
    thresholds = tiers.urgency_thresholds(policy)
    level = tiers.level_of(oldest.days, thresholds, policy.grace_days)
    standing = {overdue.document.id: payment_standing(overdue, day) for overdue in ordered}
    by_standing = {
        one: [id_ for id_, its in standing.items() if its == one] for one in (WAITING, TO_CONFIRM, TO_SCHEDULE)
    }
    urgency = tiers.URGENCIES[level]
    body = {
        "supplierId": account.party_id,
        "supplierReference": account.reference if account.party_id else None,
        "supplierName": account.name,
        "currency": currency,
        "totalOverdue": major_number(owed, currency),
        "billCount": len(late),
        "oldestBill": {**summary(oldest, "billId"), "state": bill_state_at(oldest.document, day).state},
        "urgency": urgency,
        "suggestedAction": _action(by_standing),
        "scheduledPaymentDate": _scheduled(late, day),
        "paymentTiming": timing,
        "billIds": list(standing),
        "confirmBillIds": by_standing[TO_CONFIRM],
        "unscheduledBillIds": by_standing[TO_SCHEDULE],
        "reasons": [
            {**tiers.level_reason("days_overdue", oldest.days, level, thresholds, policy), "urgency": urgency},
            {"code": "payment_standing", **{name: len(ids) for name, ids in _named(by_standing)}},
        ],
    }
    return Row(currency, oldest.days, owed, account.name, account.id, body)


def payment_standing(late: Overdue, day: int) -> str:
    """Whether its payment is under way (waiting), may have failed or been missed (to confirm), or is to schedule."""
    state = bill_state_at(late.document, day)
    if state.state == "PaymentInProgress":
        return WAITING
    if state.state == "Scheduled":
        return WAITING if state.scheduled is not None and state.scheduled >= day else TO_CONFIRM
    return TO_CONFIRM if state.state == "PaymentFailed" else TO_SCHEDULE


def _action(by_standing: dict[str, list[str]]) -> str:
    if by_standing[TO_SCHEDULE]:
        return "schedule_payment"
    return "confirm_or_reschedule" if by_standing[TO_CONFIRM] else "wait"


def _named(by_standing: dict[str, list[str]]) -> list[tuple[str, list[str]]]:
    return [
        ("waiting", by_standing[WAITING]),
        ("toConfirm", by_standing[TO_CONFIRM]),
        ("toSchedule", by_standing[TO_SCHEDULE]),
    ]


def _scheduled(late: Sequence[Overdue], day: int) -> str | None:
    states = (bill_state_at(overdue.document, day) for overdue in late)
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
