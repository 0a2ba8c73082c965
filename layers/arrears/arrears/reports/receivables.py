"""Overdue receivables: who owes, how late, and what to do next."""

from collections.abc import Sequence
from typing import NamedTuple

from arrears.ledger.dated_document import (
    Account,
    DatedDocument,
    Promise,
    Reminder,
    Settled,
    disputed_amount_at,
    disputed_at,
    wholly_disputed_at,
)
from arrears.ledger.policy import OLDEST_FIRST, Policy
from arrears.ledger.promises import Promises
from arrears.reports import tiers
from arrears.reports.aging import Overdue, RowReference, oldest_of, overdue_of
from arrears.reports.payment_behaviour import settled_in_year
from arrears.reports.reasons import (
    AllDisputed,
    BelowMinimum,
    CoveredByUnapplied,
    PromiseAhead,
    PromiseBroken,
    PromisePartial,
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

    invoice_ids: the overdue ones, by due day, then id. disputed_ids: those of them that are disputed, in part or all.
    days_since_last_reminder and last_reminder: of the latest reminder that counts, None without one.
    """

    account: Account
    currency: str
    total_overdue: int
    disputed_amount: int
    unapplied: int
    amount_to_chase: int
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
    _, account, documents, currency, _, unapplied = reference
    late = overdue_of(documents, currency, day)
    judged = judge(account, documents, currency, late, unapplied, day, policy)
    reminder = judged.reminder
    return CustomerRow(
        account,
        currency,
        judged.total_overdue,
        judged.disputed_amount,
        judged.unapplied,
        judged.amount_to_chase,
        oldest_of(late),
        judged.tier,
        judged.action,
        tiers.TONES[judged.tier],
        reminder,
        None if reminder is None else day - reminder.day,
        behaviour_of(settled_in_year(account, documents, day)),
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
    """What to do about a row, and why; amounts are minor units.

    disputed: the ids of its disputed invoices, partly disputed ones too. unapplied: the customer's money on account in
    the row's currency. reminder: the last that counts.
    """

    total_overdue: int
    disputed_amount: int
    unapplied: int
    tier: str
    action: str
    disputed: list[str]
    reminder: Reminder | None
    reasons: list[Reason]

    @property
    def amount_to_chase(self) -> int:
        """What is overdue and not disputed, less money on account; whatever the policy says of that."""
        return max(0, self.total_overdue - self.disputed_amount - max(0, self.unapplied))


def judge(
    account: Account,
    documents: Sequence[DatedDocument],
    currency: str,
    late: Sequence[Overdue],
    unapplied: int,
    day: int,
    policy: Policy,
) -> Judgement:
    """Tier and action of a row: `documents` are all of the customer's, `late` the row's overdue ones, in order.

    unapplied: the customer's money on account in the row's currency.
    """
    days, owed = late[0].days, sum([overdue.owed for overdue in late])
    standing = _standing(account, documents, currency, day) if account.promises else _NO_PROMISE
    tier = tiers.tier_of(days, owed, currency, bool(standing.broken), policy)
    disputed = [overdue for overdue in late if overdue.document.disputes and disputed_at(overdue.document, day)]
    disputed_amount = sum([disputed_amount_at(overdue.document, day) for overdue in disputed]) if disputed else 0
    reminder = _last_reminder(account, late, day) if account.reminders else None
    row = _Row(late, disputed, owed, owed - disputed_amount, unapplied, tier, standing, reminder)
    action, why = _action(row, day, policy)
    reasons = _tier_reasons(days, tier, owed, currency, policy, standing)
    disputed_ids = [overdue.id for overdue in disputed]
    return Judgement(owed, disputed_amount, unapplied, tier, action, disputed_ids, reminder, reasons + why)


class _Standing(NamedTuple):
    """The promises that count: those still ahead, and those broken with what each lacks (minor units)."""

    ahead: Sequence[Promise] = ()
    broken: Sequence[tuple[Promise, int]] = ()


_NO_PROMISE = _Standing()


def _standing(account: Account, documents: Sequence[DatedDocument], currency: str, day: int) -> _Standing:
    promises = Promises(account, documents, currency)
    counting = promises.counting(day)
    return _Standing(
        [promise for promise in counting if day <= promise.promised],
        [(promise, promises.lacking(promise, day)) for promise in counting if promises.is_broken(promise, day)],
    )


def promise_broken(account: Account, documents: Sequence[DatedDocument], currency: str, day: int) -> bool:
    """Whether a promise that counts for a row on `day` is broken."""
    return bool(_standing(account, documents, currency, day).broken)


def _last_reminder(account: Account, late: Sequence[Overdue], day: int) -> Reminder | None:
    """The latest reminder by `day` that is about all invoices, or about one of the row's."""
    owned = {overdue.id for overdue in late}
    counting = [
        reminder
        for reminder in account.reminders
        if reminder.day <= day and (reminder.invoices is None or not owned.isdisjoint(reminder.invoices))
    ]
    return max(counting, key=lambda reminder: (reminder.sent_at, reminder.id), default=None)


class _Row(NamedTuple):
    """What the action of a row is judged by. undisputed: what is overdue and not disputed. tier: that of all."""

    late: Sequence[Overdue]
    disputed: Sequence[Overdue]
    owed: int
    undisputed: int
    unapplied: int
    tier: str
    standing: _Standing
    reminder: Reminder | None


def _action(row: _Row, day: int, policy: Policy) -> tuple[str, list[Reason]]:
    """What to do next, looking only at what is not wholly disputed, and why."""
    held = {overdue.id for overdue in row.disputed if wholly_disputed_at(overdue.document, day)}
    covering = [promise for promise in row.standing.ahead if promise.amount is None or promise.amount >= row.owed]
    partial = [PromisePartial(promise) for promise in row.standing.ahead if promise not in covering]
    if len(held) == len(row.late):
        return WAIT, [AllDisputed(len(held)), *partial]
    why: list[Reason] = [SomeDisputed(len(row.disputed))] if row.disputed else []
    why += partial
    covered = policy.unapplied_covers == OLDEST_FIRST and 0 < row.undisputed <= row.unapplied
    if covered:
        why.append(CoveredByUnapplied(row.unapplied, row.undisputed, row.late[0].document.currency))
    if covering:
        return WAIT, [*why, PromiseAhead(covering[0])]
    if covered:
        return WAIT, why
    if _tier_of_undisputed(row, held, policy) == tiers.ESCALATION:
        return CALL, why
    if row.reminder is not None and day - row.reminder.day < policy.cooldown_days:
        return WAIT, [*why, ReminderCooldown(day - row.reminder.day, policy.cooldown_days)]
    return REMIND, why


def _tier_of_undisputed(row: _Row, held: set[str], policy: Policy) -> str:
    """The tier of the invoices that are not held by disputes."""
    if not held:
        return row.tier
    free = [overdue for overdue in row.late if overdue.id not in held]
    amount, currency = sum(overdue.owed for overdue in free), free[0].document.currency
    return tiers.tier_of(free[0].days, amount, currency, bool(row.standing.broken), policy)


def _tier_reasons(days: int, tier: str, owed: int, currency: str, policy: Policy, standing: _Standing) -> list[Reason]:
    thresholds = tiers.tier_thresholds(policy)
    level = tiers.level_of(days, thresholds, policy.grace_days)
    found: list[Reason] = [
        TierByDays(days, policy.grace_days, tiers.threshold_of(level, thresholds), policy.version, tiers.TIERS[level])
    ]
    found += [PromiseBroken(promise, lacking) for promise, lacking in standing.broken]
    minimum = policy.minimums.get(currency, 0)
    if owed < minimum:
        found.append(BelowMinimum(minimum, currency, tier))
    return found


def behaviour_of(settled: Settled | None) -> PaymentBehaviour | None:
    """How a customer has paid, from what was settled within a year; None when nothing was."""
    if settled is None:
        return None
    if not settled.with_due_day:
        return PaymentBehaviour(None, None, settled.documents)
    return PaymentBehaviour(
        settled.late / settled.with_due_day, settled.on_time / settled.with_due_day, settled.documents
    )
