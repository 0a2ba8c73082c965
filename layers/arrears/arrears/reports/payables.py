"""Overdue payables: whom we owe, how urgent it is, and what to do next, never paying twice."""

from collections.abc import Sequence
from typing import NamedTuple

from arrears.ledger.dated_document import (
    Account,
    BillState,
    Settled,
    bill_state_at,
    bill_state_name_at,
    disputed_amount_at,
    wholly_disputed_at,
)
from arrears.ledger.policy import OLDEST_FIRST, Policy
from arrears.reports import tiers
from arrears.reports.aging import Overdue, RowReference, oldest_of, overdue_of
from arrears.reports.payment_behaviour import settled_in_year
from arrears.reports.reasons import CoveredByUnapplied, PaymentStanding, Reason, UrgencyByDays

WAITING, TO_CONFIRM, TO_SCHEDULE = "waiting", "to_confirm", "to_schedule"


class PaymentTiming(NamedTuple):
    """How a supplier was paid within a year; None where no bill has the issue day or due day it takes."""

    average_days_to_pay: float | None
    on_terms_rate: float | None
    bills_paid: int


class SupplierRow(NamedTuple):
    """What a supplier is owed in one currency, how urgent it is, and what to do next. Amounts are minor units.

    disputed_amount: how much of the total we dispute. unapplied: what we have on account with the supplier in that
    currency. amount_to_chase: the total less both. scheduled: the earliest day a payment is scheduled for. bill_ids:
    the overdue ones, by due day, then id; of them, confirm_ids may have been paid or have failed, and unscheduled_ids
    have no payment.
    """

    account: Account
    currency: str
    total_overdue: int
    disputed_amount: int
    unapplied: int
    amount_to_chase: int
    oldest: Overdue
    oldest_state: str
    urgency: str
    action: str
    scheduled: int | None
    timing: PaymentTiming | None
    bill_ids: list[str]
    confirm_ids: list[str]
    unscheduled_ids: list[str]
    reasons: list[Reason]


def row_urgency(reference: RowReference, _: int, policy: Policy) -> str:
    """The urgency of a row, with nothing else of it worked out."""
    return tiers.URGENCIES[tiers.level_of(reference.days, tiers.urgency_thresholds(policy), policy.grace_days)]


def supplier_row(reference: RowReference, day: int, policy: Policy) -> SupplierRow:
    """The row of a supplier and a currency on the day of its report."""
    _, account, documents, currency, _, unapplied = reference
    late = overdue_of(documents, currency, day)
    oldest = oldest_of(late)
    thresholds = tiers.urgency_thresholds(policy)
    level = tiers.level_of(oldest.days, thresholds, policy.grace_days)
    states = [bill_state_at(overdue.document, day) for overdue in late]
    ids: dict[str, list[str]] = {WAITING: [], TO_CONFIRM: [], TO_SCHEDULE: []}
    to_schedule = 0
    for overdue, state in zip(late, states, strict=True):
        standing = _standing(overdue, state, day)
        ids[standing].append(overdue.id)
        to_schedule += _undisputed(overdue, day) if standing == TO_SCHEDULE else 0
    urgency = tiers.URGENCIES[level]
    owed = sum([overdue.owed for overdue in late])
    undisputed = sum([_undisputed(overdue, day) for overdue in late])
    covered = policy.unapplied_covers == OLDEST_FIRST and 0 < to_schedule <= unapplied
    reasons: list[Reason] = [
        UrgencyByDays(oldest.days, policy.grace_days, tiers.threshold_of(level, thresholds), policy.version, urgency),
        PaymentStanding(len(ids[WAITING]), len(ids[TO_CONFIRM]), len(ids[TO_SCHEDULE])),
    ]
    return SupplierRow(
        account,
        currency,
        owed,
        owed - undisputed,
        unapplied,
        max(0, undisputed - max(0, unapplied)),
        oldest,
        bill_state_name_at(oldest.document, day),
        urgency,
        _action(ids, covered),
        _scheduled(states),
        timing_of(settled_in_year(account, documents, day)),
        [overdue.id for overdue in late],
        ids[TO_CONFIRM],
        ids[TO_SCHEDULE],
        [*reasons, CoveredByUnapplied(unapplied, to_schedule, currency)] if covered else reasons,
    )


def _undisputed(overdue: Overdue, day: int) -> int:
    document = overdue.document
    return overdue.owed - disputed_amount_at(document, day) if document.disputes else overdue.owed


def _standing(overdue: Overdue, state: BillState, day: int) -> str:
    """A bill that we dispute waits, as one does whose payment is on its way."""
    if overdue.document.disputes and wholly_disputed_at(overdue.document, day):
        return WAITING
    return payment_standing(state, day)


def payment_standing(state: BillState, day: int) -> str:
    """Whether a payment is in progress (waiting), may have failed or been missed (to confirm), or is to schedule."""
    if state.state == "PaymentInProgress":
        return WAITING
    if state.state == "Scheduled":
        return WAITING if state.scheduled is not None and state.scheduled >= day else TO_CONFIRM
    return TO_CONFIRM if state.state == "PaymentFailed" else TO_SCHEDULE


def _action(ids: dict[str, list[str]], covered: bool) -> str:
    """covered: what the supplier owes back is enough for all that is to schedule."""
    if ids[TO_SCHEDULE] and not covered:
        return "schedule_payment"
    return "confirm_or_reschedule" if ids[TO_CONFIRM] else "wait"


def _scheduled(states: Sequence[BillState]) -> int | None:
    days = [state.scheduled for state in states if state.state == "Scheduled" and state.scheduled is not None]
    return min(days, default=None)


def timing_of(settled: Settled | None) -> PaymentTiming | None:
    """How a supplier was paid, from what was settled within a year; None when nothing was."""
    if settled is None:
        return None
    return PaymentTiming(
        settled.to_pay / settled.issued if settled.issued else None,
        settled.on_time / settled.with_due_day if settled.with_due_day else None,
        settled.documents,
    )
