"""Aged payables: what we owe a supplier and have on account with it, how urgent it is, and what waits for approval."""

from typing import NamedTuple

from arrears.ledger.policy import Policy
from arrears.reports import tiers
from arrears.reports.aged_list import Counted, PartyBalance, PartyReference, awaiting_of, party_balance


class SupplierBalance(NamedTuple):
    """A supplier's row. urgency: None when nothing is overdue. awaiting: its bills that wait for approval."""

    balance: PartyBalance
    urgency: str | None
    awaiting: Counted


def supplier_balance(reference: PartyReference, day: int, policy: Policy) -> SupplierBalance:
    """The row of a supplier and a currency on the day of its list."""
    balance = party_balance(reference, day)
    urgency = None
    if balance.days_overdue:
        level = tiers.level_of(balance.days_overdue, tiers.urgency_thresholds(policy), policy.grace_days)
        urgency = tiers.URGENCIES[level]
    return SupplierBalance(balance, urgency, awaiting_of(reference, day))
