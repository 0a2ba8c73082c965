"""Overdue receivables: who owes, how late, and what to do next."""

from collections.abc import Sequence
from typing import NamedTuple

from arrears.ledger.dated_document import (
    Account,
    DatedDocument,
    Promise,
    Reminder,
    Settled,
    applied_since,
    disputed_at,
    promise_covers,
)
from arrears.ledger.policy import Policy
from arrears.reports import tiers
from arrears.reports.aging import Overdue, RowReference, oldest_of, overdue_of, owed_at
from arrears.reports.payment_behaviour import settled_in_year
from arrears.reports.reasons import (
    AllDisputed,
    BelowMinimum,
    PromiseAhead,
    PromiseBroken,
    Reason,
    ReminderCooldown,
    SomeDisputed,
    TierByDays,
)

WAIT, REMIND, CALL = "wait", "send_reminder", "call_or_escalate"


class PaymentBehaviour(NamedTuple):
    """How a customer has paid within a year; average and rate are of invoices with a due date, None without any."""

    average_days_late: float | None
    on_time_rate: float | None
    invoices_paid: int


class CustomerRow(NamedTuple):
    """What a customer owes in one currency, how late, and what to do next. Amounts are minor units.

    invoice_ids: the overdue ones, by due day, then id. disputed_ids: those of them that are disputed.
    days_since_last_reminder and last_reminder: of the latest reminder that counts, None without one.
    """

    account: Account
    currency: str
    total_overdue: int
    oldest: Overdue
    tier: str
    action: str
    tone: str
    last_reminder: Reminder | None
    days_since_last_reminder: int | None
    behaviour: PaymentBehaviour | None
    invoice_ids: list[str]
    disputed_ids: list[str]
    reasons: list[Reason]


def customer_row(reference: RowReference, day: int, policy: Policy) -> CustomerRow:
    """The row of a customer and a currency on the day of its report."""
    _, account, documents, currency, _ = reference
    late = overdue_of(documents, currency, day)
    judged = judge(account, documents, currency, late, day, policy)
    reminder = judged.reminder
    return CustomerRow(
        account,
        currency,
        judged.total_overdue,
        oldest_of(late),
        judged.tier,
        judged.action,
        tiers.TONES[judged.tier],
        reminder,
        None if reminder is None else day - reminder.day,
        _behaviour(settled_in_year(account, documents, day)),
        [overdue.id for overdue in late],
        judged.disputed,
        judged.reasons,
    )


def row_tier(reference: RowReference, day: int, policy: Policy) -> str:
    """The tier of a row, with nothing else of it worked out."""
    account, currency = reference.account, reference.currency
    broken = bool(account.promises) and promise_broken(account, reference.documents, currency, day)
    return tiers.tier_of(reference.days, reference.owed, currency, broken, policy)


class Judgement(NamedTuple):
    """What to do about a row, and why. disputed: the ids of its disputed invoices. reminder: the last that counts."""

    total_overdue: int
    tier: str
    action: str
    disputed: list[str]
    reminder: Reminder | None
    reasons: list[Reason]


def judge(
    account: Account,
    documents: Sequence[DatedDocument],
    currency: str,
    late: Sequence[Overdue],
    day: int,
    policy: Policy,
) -> Judgement:
    """Tier and action of a row: `documents` are all of the customer's, `late` the row's overdue ones, in order."""
    days, owed = late[0].days, sum([overdue.owed for overdue in late])
    standing = _standing(account, documents, currency, day) if account.promises else _NO_PROMISE
    tier = tiers.tier_of(days, owed, currency, standing.broken is not None, policy)
    disputed = [overdue.id for overdue in late if overdue.document.disputes and disputed_at(overdue.document, day)]
    reminder = _last_reminder(account, late, day) if account.reminders else None
    action, why = _action(late, disputed, owed, tier, day, policy, standing, reminder)
    reasons = _tier_reasons(days, tier, owed, currency, policy, standing)
    return Judgement(owed, tier, action, disputed, reminder, reasons + why)


class _Standing(NamedTuple):
    """The promise that counts, and what has come of it: broken with so much received (minor units), or still ahead."""

    ahead: Promise | None = None
    broken: Promise | None = None
    received: int = 0


_NO_PROMISE = _Standing()


def _standing(account: Account, documents: Sequence[DatedDocument], currency: str, day: int) -> _Standing:
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


def promise_broken(account: Account, documents: Sequence[DatedDocument], currency: str, day: int) -> bool:
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
) -> tuple[str, list[Reason]]:
    """What to do next, looking only at what is not disputed, and why. tier: that of all."""
    if len(disputed) == len(late):
        return WAIT, [AllDisputed(len(disputed))]
    why: list[Reason] = [SomeDisputed(len(disputed))] if disputed else []
    promise = standing.ahead
    if promise is not None and (promise.amount is None or promise.amount >= owed):
        return WAIT, [*why, PromiseAhead(promise)]
    if disputed:
        held = set(disputed)
        free = [overdue for overdue in late if overdue.id not in held]
        amount, currency = sum(overdue.owed for overdue in free), free[0].document.currency
        tier = tiers.tier_of(free[0].days, amount, currency, standing.broken is not None, policy)
    if tier == tiers.ESCALATION:
        return CALL, why
    if reminder is not None and day - reminder.day < policy.cooldown_days:
        return WAIT, [*why, ReminderCooldown(day - reminder.day, policy.cooldown_days)]
    return REMIND, why


def _tier_reasons(days: int, tier: str, owed: int, currency: str, policy: Policy, standing: _Standing) -> list[Reason]:
    thresholds = tiers.tier_thresholds(policy)
    level = tiers.level_of(days, thresholds, policy.grace_days)
    found: list[Reason] = [
        TierByDays(days, policy.grace_days, tiers.threshold_of(level, thresholds), policy.version, tiers.TIERS[level])
    ]
    if standing.broken is not None:
        found.append(PromiseBroken(standing.broken, standing.received))
    minimum = policy.minimums.get(currency, 0)
    if owed < minimum:
        found.append(BelowMinimum(minimum, currency, tier))
    return found


def _behaviour(settled: Settled | None) -> PaymentBehaviour | None:
    if settled is None:
        return None
    if not settled.with_due_day:
        return PaymentBehaviour(None, None, settled.documents)
    return PaymentBehaviour(
        settled.late / settled.with_due_day, settled.on_time / settled.with_due_day, settled.documents
    )
