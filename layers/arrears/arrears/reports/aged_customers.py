"""Aged receivables: what a customer has open and on account, its tier, and what is left of its credit limit."""

from typing import NamedTuple

from arrears.ledger.policy import Policy
from arrears.reports import tiers
from arrears.reports.aged_list import PartyBalance, PartyReference, party_balance
from arrears.reports.receivables import promise_broken


class CustomerBalance(NamedTuple):
    """A customer's row. tier: None when nothing is overdue. credit_limit: in minor units, None without one."""

    balance: PartyBalance
    tier: str | None
    credit_limit: int | None

    @property
    def credit_available(self) -> int | None:
        """What is left of the limit; negative when the net exceeds it."""
        return None if self.credit_limit is None else self.credit_limit - self.balance.net


def customer_balance(reference: PartyReference, day: int, policy: Policy) -> CustomerBalance:
    """The row of a customer and a currency on the day of its list."""
    balance = party_balance(reference, day)
    account, currency = reference.account, reference.currency
    tier = None
    if balance.days_overdue:
        broken = bool(account.promises) and promise_broken(account, reference.documents, currency, day)
        tier = tiers.tier_of(balance.days_overdue, balance.overdue, currency, broken, policy)
    return CustomerBalance(balance, tier, dict(account.credit_limits).get(currency))
