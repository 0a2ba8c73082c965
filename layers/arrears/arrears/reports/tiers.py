"""Tiers and urgency: levels by days overdue, with the policy's thresholds."""

from arrears.ledger.policy import Policy

TIERS = ("gentle", "firm", "final", "escalation")
ESCALATION = "escalation"
URGENCIES = ("low", "medium", "high", "critical")
TONES = {"gentle": "friendly", "firm": "direct", "final": "formal", "escalation": "formal"}
_FINAL = TIERS.index("final")


def level_of(days_overdue: int, thresholds: tuple[int, int, int], grace_days: int) -> int:
    """0 to 3: how many thresholds the days overdue, less the days of grace, have reached."""
    days = days_overdue - grace_days
    first, second, third = thresholds
    return (days >= first) + (days >= second) + (days >= third)


def tier_thresholds(policy: Policy) -> tuple[int, int, int]:
    """First days of firm, final and escalation."""
    return policy.firm_from_days, policy.final_from_days, policy.escalation_from_days


def urgency_thresholds(policy: Policy) -> tuple[int, int, int]:
    """First days of medium, high and critical."""
    return policy.medium_from_days, policy.high_from_days, policy.critical_from_days


def tier_of(days_overdue: int, owed: int, currency: str, raised: bool, policy: Policy) -> str:
    """The dunning tier: by days, one higher after a broken promise, `final` at most below the currency's minimum."""
    level = level_of(days_overdue, tier_thresholds(policy), policy.grace_days)
    if raised:
        level = min(level + 1, len(TIERS) - 1)
    if owed < policy.minimums.get(currency, 0):
        level = min(level, _FINAL)
    return TIERS[level]


def threshold_of(level: int, first_days: tuple[int, int, int]) -> int:
    """The first day of a level, after the days of grace."""
    return first_days[level - 1] if level else 1
