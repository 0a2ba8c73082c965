"""The demo company in the deployed stack, loaded by the commands that `make up` runs."""

import json
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import pytest

from arrears.reports.tiers import TIERS, URGENCIES
from arrears_cli.deployment import Deployment
from local_stack import demo
from local_stack.demo import EXAMPLES, KEY, Example


@pytest.fixture(scope="module")
def description(stack: Deployment) -> dict[str, Any]:
    """What `make up` knows once it has filled the stack."""
    empty = asdict(stack)
    return empty | demo.fill(empty)


def answer(description: dict[str, Any], path: str) -> Any:
    status, body = Example("", path, KEY).answer(description)
    assert status == 200, body
    return json.loads(body)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.path.split("?")[0])
def test_every_example_is_answered_with_something(description: dict[str, Any], example: Example) -> None:
    status, body = example.answer(description)
    assert status == 200, body
    lists = {name: value for name, value in json.loads(body).items() if isinstance(value, list)}
    assert all(value for name, value in lists.items() if name != "otherCurrencies"), body
    assert lists


def test_the_answers_show_every_tier_and_urgency(description: dict[str, Any]) -> None:
    customers = answer(description, "/receivables/overdue")["customers"]
    suppliers = answer(description, "/payables/overdue")["suppliers"]
    assert {row["tier"] for row in customers} == set(TIERS)
    assert {row["urgency"] for row in suppliers} == set(URGENCIES)


def test_twelve_months_are_closed_with_something_in_each(description: dict[str, Any]) -> None:
    months = answer(description, "/receivables/overdue/history")["months"]
    assert len(months) == 12
    for month in months:
        currencies = {entry["currency"]: entry for entry in month["currencies"]}
        assert currencies["GBP"]["collected"] > 0, month["month"]
    assert {entry["currency"] for entry in months[-1]["currencies"]} == {"GBP", "EUR"}


def test_escalations_reach_every_tier(description: dict[str, Any]) -> None:
    found = answer(description, "/escalations?limit=1000")["escalations"]
    assert {record["to"] for record in found} == {*TIERS, None}


def test_filling_again_changes_nothing(description: dict[str, Any]) -> None:
    assert demo.fill(description) == {}


def test_what_is_shown_says_when_the_book_is_of_an_earlier_day(description: dict[str, Any]) -> None:
    assert "make demo" not in demo.shown(description)
    yesterday = (date.fromisoformat(description[demo.DAY]) - timedelta(days=1)).isoformat()
    assert f"loaded on {yesterday}" in (shown := demo.shown(description | {demo.DAY: yesterday}))
    assert "`make demo` loads a new one" in shown
    assert demo.fill(description | {demo.DAY: yesterday}) == {}, "people work with it and with its key"
