"""Overdue receivables: who owes, how late, and what to do next."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from arrears.ledger.days import day_text
from arrears.ledger.facts import (
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
    owed_at,
    sort_rows,
    summary,
)
from arrears.overdue.behaviour import settled_in_year

WAIT, REMIND, CALL = "wait", "send_reminder", "call_or_escalate"


def report(accounts: Accounts, day: int, organisation: Organisation) -> Report:
    """The overdue receivables of a book on `day`: totals, aging per currency, and a row per customer and currency."""
    aging = Aging()
    rows = []
    customers = 0
    for account, documents, overdue in overdue_accounts(accounts, aging, day):
        customers += 1
        behaviour = _behaviour(settled_in_year(account, documents, day))
        for currency, late in overdue.items():
            rows.append(customer_row(account, documents, currency, late, day, organisation.policy, behaviour))
    sort_rows(rows, organisation.currency)
    currencies = currency_order(aging.amounts, organisation.currency)
    totals = {
        "customerCount": customers,
        "invoiceCount": sum(len(row.body["invoiceIds"]) for row in rows),
        "overdueByCurrency": aging.overdue_body(currencies),
    }
    return Report(totals, aging.body(currencies), rows)


def customer_row(
    account: Account,
    documents: Sequence[Facts],
    currency: str,
    late: Sequence[Overdue],
    day: int,
    policy: Policy,
    behaviour: dict[str, Any] | None = None,
) -> Row:
    """One customer's row in one currency; `documents` are all of its documents, `late` the overdue ones."""
    owed = sum(overdue.owed for overdue in late)
    oldest = oldest_of(late)
    standing = _standing(account, documents, currency, day)
    tier = tiers.tier_of(oldest.days, owed, currency, standing.broken is not None, policy)
    ordered = due_order(late)
    disputed = [overdue for overdue in ordered if overdue.document.disputes and disputed_at(overdue.document, day)]
    reminder = _last_reminder(account, late, day)
    action, why = _action(late, disputed, owed, currency, day, policy, standing, reminder)
    body = {
        "customerId": account.party_id,
        "customerReference": account.reference,
        "customerName": account.name,
        "currency": currency,
        "totalOverdue": major_number(owed, currency),
        "invoiceCount": len(late),
        "oldestInvoice": {**summary(oldest, "invoiceId"), "status": "finalized"},
        "tier": tier,
        "suggestedAction": action,
        "suggestedTone": tiers.TONES[tier],
        "lastReminderSentAt": None if reminder is None else moment_text(reminder.sent_at),
        "daysSinceLastReminder": None if reminder is None else day - reminder.day,
        "paymentBehaviour": behaviour,
        "invoiceIds": [overdue.document.id for overdue in ordered],
        "disputedInvoiceIds": [overdue.document.id for overdue in disputed],
        "reasons": [*_tier_reasons(oldest.days, tier, owed, currency, policy, standing), *why],
    }
    return Row(currency, oldest.days, owed, account.name, account.id, body)


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
    if not account.reminders:
        return None
    owned = {overdue.document.id for overdue in late}
    counting = [
        reminder
        for reminder in account.reminders
        if reminder.day <= day and (reminder.invoices is None or not owned.isdisjoint(reminder.invoices))
    ]
    return max(counting, key=lambda reminder: (reminder.sent_at, reminder.id), default=None)


def _action(
    late: Sequence[Overdue],
    disputed: Sequence[Overdue],
    owed: int,
    currency: str,
    day: int,
    policy: Policy,
    standing: _Standing,
    reminder: Reminder | None,
) -> tuple[str, list[dict[str, Any]]]:
    """What to do next, looking only at what is not disputed, and why."""
    held = {overdue.document.id for overdue in disputed}
    free = [overdue for overdue in late if overdue.document.id not in held] if held else late
    if not free:
        return WAIT, [{"code": "all_disputed", "invoiceCount": len(disputed)}]
    why = [{"code": "some_disputed", "invoiceCount": len(disputed)}] if disputed else []
    promise = standing.ahead
    if promise is not None and (promise.amount is None or promise.amount >= owed):
        return WAIT, [*why, {"code": "promise_ahead", **_promise_body(promise)}]
    days, amount = max(overdue.days for overdue in free), sum(overdue.owed for overdue in free)
    tier = tiers.tier_of(days, amount, currency, standing.broken is not None, policy)
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
