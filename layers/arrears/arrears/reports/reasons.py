"""Why a row has its tier, urgency or suggested action: one type for each reason, with the figures behind it."""

from typing import NamedTuple

from arrears.ledger.dated_document import Promise


class TierByDays(NamedTuple):
    """The tier that the days overdue alone lead to. threshold_days: its first day, after the days of grace."""

    days_overdue: int
    grace_days: int
    threshold_days: int
    policy_version: int
    tier: str


class UrgencyByDays(NamedTuple):
    """The urgency that the days overdue lead to. threshold_days: its first day, after the days of grace."""

    days_overdue: int
    grace_days: int
    threshold_days: int
    policy_version: int
    urgency: str


class PromiseBroken(NamedTuple):
    """A promise whose day has passed while it still lacks so much (minor units of its currency)."""

    promise: Promise
    lacking: int


class PromiseAhead(NamedTuple):
    """A promise, still to be kept, that covers what is overdue."""

    promise: Promise


class PromisePartial(NamedTuple):
    """A promise, still to be kept, for less than what is overdue."""

    promise: Promise


class CoveredByUnapplied(NamedTuple):
    """Money on account is at least what is to be acted on; minor units of `currency`."""

    unapplied: int
    amount: int
    currency: str


class BelowMinimum(NamedTuple):
    """Less is overdue than the policy's minimum (minor units of `currency`); the tier that is left."""

    minimum: int
    currency: str
    tier: str


class AllDisputed(NamedTuple):
    """Every overdue invoice is disputed."""

    invoice_count: int


class SomeDisputed(NamedTuple):
    """So many of the overdue invoices are disputed."""

    invoice_count: int


class ReminderCooldown(NamedTuple):
    """The last reminder is younger than the policy's cooldown."""

    days_since_last_reminder: int
    cooldown_days: int


class PaymentStanding(NamedTuple):
    """How many overdue bills have a payment in progress, one to confirm, and none yet."""

    waiting: int
    to_confirm: int
    to_schedule: int


class Restated(NamedTuple):
    """An escalation that corrects days already worked through."""

    policy_version: int


type Reason = (
    TierByDays
    | UrgencyByDays
    | PromiseBroken
    | PromiseAhead
    | PromisePartial
    | CoveredByUnapplied
    | BelowMinimum
    | AllDisputed
    | SomeDisputed
    | ReminderCooldown
    | PaymentStanding
    | Restated
)
