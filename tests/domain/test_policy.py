"""What a policy may be."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.ledger.policy import Policy


def test_a_change_is_the_next_version_and_nothing_else() -> None:
    changed = Policy().validated({"cooldown_days": 3})
    assert changed == Policy(version=2, cooldown_days=3)
    assert changed.validated({}) == Policy(version=3, cooldown_days=3)


def test_several_thresholds_move_together() -> None:
    changed = Policy().validated({"firm_from_days": 100, "final_from_days": 200, "escalation_from_days": 300})
    assert (changed.firm_from_days, changed.final_from_days, changed.escalation_from_days) == (100, 200, 300)


def test_a_policy_comes_back_from_json() -> None:
    changed = Policy().validated({"minimums": {"EUR": 2500, "JPY": 0}, "default_terms_days": 30})
    assert Policy(**changed.to_json()) == changed
    assert changed.validated({"default_terms_days": None}).default_terms_days is None


def test_a_month_waits_three_days_and_money_on_account_covers_unless_the_policy_says_otherwise() -> None:
    assert (Policy().close_after_days, Policy().unapplied_covers) == (3, "oldest_first")
    changed = Policy().validated({"close_after_days": 0, "unapplied_covers": "none"})
    assert (changed.close_after_days, changed.unapplied_covers) == (0, "none")
    assert changed.validated({"close_after_days": 28}).close_after_days == 28


def test_a_policy_stored_by_an_earlier_version_has_the_defaults_of_newer_fields() -> None:
    stored = (
        '{"version": 4, "firm_from_days": 20, "final_from_days": 31, "escalation_from_days": 61, '
        '"medium_from_days": 8, "high_from_days": 31, "critical_from_days": 61, "cooldown_days": 7, '
        '"grace_days": 0, "default_terms_days": null, "minimums": {"EUR": 100}}'
    )
    assert Policy(**json.loads(stored)) == Policy(version=4, firm_from_days=20, minimums={"EUR": 100})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"firm_from_day": 3}, "firm_from_day is not part of a policy"),
        ({"version": 7}, "version is not part of a policy"),
        ({"firm_from_days": 31}, "firm_from_days, final_from_days, escalation_from_days must ascend"),
        ({"escalation_from_days": 30}, "must ascend"),
        ({"firm_from_days": 1}, "above 1"),
        ({"medium_from_days": 0}, "above 1"),
        ({"critical_from_days": 31}, "medium_from_days, high_from_days, critical_from_days must ascend"),
        ({"cooldown_days": -1}, "cooldown_days must be a whole number of days from 0"),
        ({"grace_days": 1.5}, "grace_days must be a whole number"),
        ({"grace_days": True}, "grace_days must be a whole number"),
        ({"grace_days": "3"}, "grace_days must be a whole number"),
        ({"grace_days": None}, "grace_days must be a whole number"),
        ({"grace_days": 36_501}, "36500"),
        ({"close_after_days": 29}, "close_after_days must be a whole number of days from 0 to 28"),
        ({"close_after_days": None}, "close_after_days must be"),
        ({"unapplied_covers": "all"}, "unapplied_covers must be one of oldest_first, none"),
        ({"unapplied_covers": ["none"]}, "unapplied_covers must be one of"),
        ({"unapplied_covers": None}, "unapplied_covers must be one of"),
        ({"default_terms_days": -1}, "default_terms_days must be"),
        ({"minimums": [["EUR", 1]]}, "minimums must be an object"),
        ({"minimums": {"EURO": 1}}, "EURO is not a currency"),
        ({"minimums": {"EUR": -1}}, "minimums: EUR must be a whole number of minor units"),
        ({"minimums": {"EUR": 1.5}}, "minimums: EUR must be a whole number of minor units"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Policy().validated(changes)


@given(st.dictionaries(st.sampled_from(sorted(Policy().to_json())), st.integers(-5, 100) | st.none() | st.text()))
def test_whatever_is_taken_ascends(changes: dict[str, Any]) -> None:
    try:
        policy = Policy().validated(changes)
    except ValueError:
        return
    assert 1 < policy.firm_from_days < policy.final_from_days < policy.escalation_from_days
    assert 1 < policy.medium_from_days < policy.high_from_days < policy.critical_from_days
    assert min(policy.cooldown_days, policy.grace_days, policy.default_terms_days or 0) >= 0
