"""The reasons of a row or an escalation, each an object with its code."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from arrears.ledger.dated_document import Promise
from arrears.ledger.days import day_text
from arrears.ledger.money import major_number
from arrears.reports.reasons import (
    AllDisputed,
    BelowMinimum,
    CoveredByUnapplied,
    PaymentStanding,
    PromiseAhead,
    PromiseBroken,
    PromisePartial,
    Reason,
    ReminderCooldown,
    Restated,
    SomeDisputed,
    TierByDays,
    UrgencyByDays,
)


def reason_bodies(reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    """The reasons, in their order."""
    return [_BODIES[type(reason)](reason) for reason in reasons]


def _tier(reason: TierByDays) -> dict[str, Any]:
    return {**_by_days(reason), "tier": reason.tier}


def _urgency(reason: UrgencyByDays) -> dict[str, Any]:
    return {**_by_days(reason), "urgency": reason.urgency}


def _by_days(reason: TierByDays | UrgencyByDays) -> dict[str, Any]:
    return {
        "code": "days_overdue",
        "daysOverdue": reason.days_overdue,
        "graceDays": reason.grace_days,
        "thresholdDays": reason.threshold_days,
        "policyVersion": reason.policy_version,
    }


def _promise(promise: Promise) -> dict[str, Any]:
    amount = None if promise.amount is None else major_number(promise.amount, promise.currency)
    return {
        "promiseId": promise.id,
        "madeOn": day_text(promise.made),
        "promisedOn": day_text(promise.promised),
        "amount": amount,
    }


def _promise_broken(reason: PromiseBroken) -> dict[str, Any]:
    """A promise without an amount is for all: what was received for it says nothing."""
    promise = reason.promise
    received = None if promise.amount is None else major_number(promise.amount - reason.lacking, promise.currency)
    lacking = major_number(reason.lacking, promise.currency)
    return {"code": "promise_broken", **_promise(promise), "received": received, "lacking": lacking}


def _promise_ahead(reason: PromiseAhead) -> dict[str, Any]:
    return {"code": "promise_ahead", **_promise(reason.promise)}


def _promise_partial(reason: PromisePartial) -> dict[str, Any]:
    return {"code": "promise_partial", **_promise(reason.promise)}


def _covered(reason: CoveredByUnapplied) -> dict[str, Any]:
    return {
        "code": "covered_by_unapplied",
        "unapplied": major_number(reason.unapplied, reason.currency),
        "amount": major_number(reason.amount, reason.currency),
    }


def _below_minimum(reason: BelowMinimum) -> dict[str, Any]:
    return {"code": "below_minimum", "minimum": major_number(reason.minimum, reason.currency), "tier": reason.tier}


def _all_disputed(reason: AllDisputed) -> dict[str, Any]:
    return {"code": "all_disputed", "invoiceCount": reason.invoice_count}


def _some_disputed(reason: SomeDisputed) -> dict[str, Any]:
    return {"code": "some_disputed", "invoiceCount": reason.invoice_count}


def _reminder_cooldown(reason: ReminderCooldown) -> dict[str, Any]:
    return {
        "code": "reminder_cooldown",
        "daysSinceLastReminder": reason.days_since_last_reminder,
        "cooldownDays": reason.cooldown_days,
    }


def _payment_standing(reason: PaymentStanding) -> dict[str, Any]:
    return {
        "code": "payment_standing",
        "waiting": reason.waiting,
        "toConfirm": reason.to_confirm,
        "toSchedule": reason.to_schedule,
    }


def _restated(reason: Restated) -> dict[str, Any]:
    return {"code": "restated", "policyVersion": reason.policy_version}


_BODIES: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    TierByDays: _tier,
    UrgencyByDays: _urgency,
    PromiseBroken: _promise_broken,
    PromiseAhead: _promise_ahead,
    PromisePartial: _promise_partial,
    CoveredByUnapplied: _covered,
    BelowMinimum: _below_minimum,
    AllDisputed: _all_disputed,
    SomeDisputed: _some_disputed,
    ReminderCooldown: _reminder_cooldown,
    PaymentStanding: _payment_standing,
    Restated: _restated,
}
