"""Overdue receivables: who owes, how late, and what to do next."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from arrears.ledger.days import day_text
from arrears.ledger.document_facts import (
    Account,
    Facts,
    Promise,
    Reminder,
    Settled,
    applied_since,
    disputed_at,
    promise_covers,
)
from arrears.ledger.money import major_number
from arrears.ledger.organisation import Organisation
from arrears.ledger.policy import Policy
from arrears.reports import tiers
from arrears.reports.aging import (
    Accounts,
    Overdue,
    Report,
    oldest_of,
    overdue_of,
    overdue_report,
    owed_at,
    summary,
)
from arrears.reports.payment_behaviour import settled_in_year

WAIT, REMIND, CALL = "wait", "send_reminder", "call_or_escalate"


def report(accounts: Accounts, day: int, organisation: Organisation) -> Report:
    """The overdue receivables of a book on `day`: totals, aging per currency, and a row per customer and currency."""
    return overdue_report(accounts, day, organisation, ("customerCount", "invoiceCount"), _customer_row)


def _customer_row(account: Account, documents: list[Facts], currency: str, day: int, policy: Policy) -> dict[str, Any]:
    """One customer's row in one currency."""
    late = overdue_of(documents, currency, day)
    owed = sum([overdue.owed for overdue in late])
    judged = judge(account, documents, currency, late, day, policy)
    reminder = judged.reminder
    return {
        "customerId": account.party_id,
        "customerReference": account.reference,
        "customerName": account.name,
        "currency": currency,
        "totalOverdue": major_number(owed, currency),
        "invoiceCount": len(late),
        "oldestInvoice": {**summary(oldest_of(late), "invoiceId"), "status": "finalized"},
        "tier": judged.tier,
        "suggestedAction": judged.action,
        "suggestedTone": tiers.TONES[judged.tier],
        "lastReminderSentAt": None if reminder is None else moment_text(reminder.sent_at),
        "daysSinceLastReminder": None if reminder is None else day - reminder.day,
        "paymentBehaviour": _behaviour(settled_in_year(account, documents, day)),
        "invoiceIds": [overdue.id for overdue in late],
        "disputedInvoiceIds": judged.disputed,
        "reasons": judged.reasons,
    }


class Judgement(NamedTuple):
    """What to do about a row, and why. disputed: the ids of its disputed invoices. reminder: the last that counts."""

    tier: str
    action: str
    disputed: list[str]
    reminder: Reminder | None
    reasons: list[dict[str, Any]]


def judge(
    account: Account, documents: Sequence[Facts], currency: str, late: Sequence[Overdue], day: int, policy: Policy
) -> Judgement:
    """Tier and action of a row: `documents` are all of the customer's, `late` the row's overdue ones, in order."""
    days, owed = late[0].days, sum([overdue.owed for overdue in late])
    standing = _standing(account, documents, currency, day) if account.promises else _NO_PROMISE
    tier = tiers.tier_of(days, owed, currency, standing.broken is not None, policy)
    disputed = [overdue.id for overdue in late if overdue.document.disputes and disputed_at(overdue.document, day)]
    reminder = _last_reminder(account, late, day) if account.reminders else None
    action, why = _action(late, disputed, owed, tier, day, policy, standing, reminder)
    reasons = _tier_reasons(days, tier, owed, currency, policy, standing)
    return Judgement(tier, action, disputed, reminder, reasons + why)


def moment_text(sent_at: str) -> str:
    """A stored moment (UTC, microseconds) as it is answered, without an empty fraction."""
    return sent_at[:-1].rstrip("0").rstrip(".") + "Z"


class _Standing(NamedTuple):
    """The promise that counts, and what has come of it: broken with so much received (minor units), or still ahead."""

    ahead: Promise | None = None
    broken: Promise | None = None
    received: int = 0


_NO_PROMISE = _Standing()


def _standing(account: Account, documents: Sequence[Facts], currency: str, day: int) -> _Standing:
    """Only the latest promise counts, by the day it was made and then id."""
    made = [promise for promise in account.promises if promise.currency == currency and promise.made <= day]
    if not made:
        return _NO_PROMISE
    promise = max(made, key=lambda promise: (promise.made, promise.id))
    if day <= promise.promised:
        return _Standing(ahead=promise)
    received = promise.kept + sum(applied_since(promise, document, day) for document in documents)
    if promise.amount is None:
        broken = any(owed_at(document, day) for document in documents if promise_covers(promise, document, day))
    else:
        broken = received < promise.amount
    return _Standing(broken=promise, received=received) if broken else _NO_PROMISE


def promise_broken(account: Account, documents: Sequence[Facts], currency: str, day: int) -> bool:
    """Whether the promise that counts for a row on `day` is broken."""
    return _standing(account, documents, currency, day).broken is not None


def _last_reminder(account: Account, late: Sequence[Overdue], day: int) -> Reminder | None:
    """The latest reminder by `day` that is about all invoices, or about one of the row's."""
    owned = {overdue.id for overdue in late}
    counting = [
        reminder
        for reminder in account.reminders
        if reminder.day <= day and (reminder.invoices is None or not owned.isdisjoint(reminder.invoices))
    ]
    return max(counting, key=lambda reminder: (reminder.sent_at, reminder.id), default=None)


def _action(
    late: Sequence[Overdue],
    disputed: Sequence[str],
    owed: int,
    tier: str,
    day: int,
    policy: Policy,
    standing: _Standing,
    reminder: Reminder | None,
) -> tuple[str, list[dict[str, Any]]]:
    """What to do next, looking only at what is not disputed, and why. tier: that of all."""
    if len(disputed) == len(late):
        return WAIT, [{"code": "all_disputed", "invoiceCount": len(disputed)}]
    why = [{"code": "some_disputed", "invoiceCount": len(disputed)}] if disputed else []
    promise = standing.ahead
    if promise is not None and (promise.amount is None or promise.amount >= owed):
        return WAIT, [*why, {"code": "promise_ahead", **_promise_body(promise)}]
    if disputed:
        held = set(disputed)
        free = [overdue for overdue in late if overdue.id not in held]
        amount, currency = sum(overdue.owed for overdue in free), free[0].document.currency
        tier = tiers.tier_of(free[0].days, amount, currency, standing.broken is not None, policy)
    if tier == tiers.ESCALATION:
        return CALL, why
    if reminder is not None and day - reminder.day < policy.cooldown_days:
        age = {"daysSinceLastReminder": day - reminder.day, "cooldownDays": policy.cooldown_days}
        return WAIT, [*why, {"code": "reminder_cooldown", **age}]
    return REMIND, why


def _tier_reasons(
    days: int, tier: str, owed: int, currency: str, policy: Policy, standing: _Standing
) -> list[dict[str, Any]]:
    thresholds = tiers.tier_thresholds(policy)
    level = tiers.level_of(days, thresholds, policy.grace_days)
    reasons = [{**tiers.level_reason("days_overdue", days, level, thresholds, policy), "tier": tiers.TIERS[level]}]
    if standing.broken is not None:
        received = major_number(standing.received, currency)
        reasons.append({"code": "promise_broken", **_promise_body(standing.broken), "received": received})
    minimum = policy.minimums.get(currency, 0)
    if owed < minimum:
        reasons.append({"code": "below_minimum", "minimum": major_number(minimum, currency), "tier": tier})
    return reasons


def _promise_body(promise: Promise) -> dict[str, Any]:
    amount = None if promise.amount is None else major_number(promise.amount, promise.currency)
    return {
        "promiseId": promise.id,
        "madeOn": day_text(promise.made),
        "promisedOn": day_text(promise.promised),
        "amount": amount,
    }


def _behaviour(settled: Settled | None) -> dict[str, Any] | None:
    if settled is None:
        return None
    behaviour: dict[str, Any] = {}
    if settled.dated:
        behaviour["averageDaysLate"] = settled.late / settled.dated
        behaviour["onTimeRate"] = settled.on_time / settled.dated
    behaviour["totalInvoicesPaid"] = settled.documents
    return behaviour
