"""Tiers and urgency: first days, grace, broken promises, minimums."""

import pytest

from arrears.ledger.policy import Policy
from arrears.reports import tiers


@pytest.mark.parametrize(
    ("days", "tier", "urgency"),
    [
        (1, "gentle", "low"),
        (7, "gentle", "low"),
        (8, "gentle", "medium"),
        (14, "gentle", "medium"),
        (15, "firm", "medium"),
        (30, "firm", "medium"),
        (31, "final", "high"),
        (60, "final", "high"),
        (61, "escalation", "critical"),
        (500, "escalation", "critical"),
    ],
)
def test_a_tier_and_an_urgency_begin_on_their_first_day(days: int, tier: str, urgency: str) -> None:
    policy = Policy()
    assert tiers.tier_of(days, 1, "USD", False, policy) == tier
    assert tiers.URGENCIES[tiers.level_of(days, tiers.urgency_thresholds(policy), 0)] == urgency


def test_days_of_grace_are_taken_off_and_the_lowest_stays() -> None:
    policy = Policy(grace_days=10)
    found = [tiers.tier_of(days, 1, "USD", False, policy) for days in (1, 24, 25, 40, 41, 70, 71)]
    assert found == ["gentle", "gentle", "firm", "firm", "final", "final", "escalation"]


def test_a_broken_promise_raises_by_one() -> None:
    found = [tiers.tier_of(days, 1, "USD", True, Policy()) for days in (1, 15, 31, 61)]
    assert found == ["firm", "final", "escalation", "escalation"]


def test_below_its_currencys_minimum_a_row_stays_final() -> None:
    policy = Policy(minimums={"USD": 500})
    assert tiers.tier_of(99, 499, "USD", False, policy) == "final"
    assert tiers.tier_of(31, 499, "USD", True, policy) == "final"
    assert tiers.tier_of(20, 499, "USD", False, policy) == "firm"
    assert tiers.tier_of(99, 500, "USD", False, policy) == "escalation"
    assert tiers.tier_of(99, 499, "EUR", False, policy) == "escalation"


def test_every_tier_has_a_tone() -> None:
    assert [tiers.TONES[tier] for tier in tiers.TIERS] == ["friendly", "direct", "formal", "formal"]
