"""The command that shows what another policy would change."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any
from urllib.request import Request, urlopen

import pytest

from arrears.runtime import Services
from support import records
from support.command_line import run, value

JUNE = ("--as-of", "2020-06-30")
BOOK = [
    records.customer("C1", name="Ada"),
    records.customer("C2", name="=Bob"),
    records.invoice("I1", customer_id="C1", total="100", due_on="2020-06-18"),
    records.invoice("I2", customer_id="C2", total="50.50", due_on="2020-06-19"),
    records.invoice("I3", customer_id="C2", total="700", currency="JPY", due_on="2020-03-01"),
    records.bill("B1", supplier_id="S1", total="80", due_on="2020-06-25"),
]


@pytest.fixture(autouse=True)
def of(services: Services, organisation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_ORGANISATION", organisation)
    found = services.organisations().get(organisation)
    results = services.recorder().record(found, BOOK, datetime(2020, 6, 30, 12, tzinfo=UTC))
    assert {result.result for result in results} == {"created"}


def preview(*parts: str, more: tuple[str, ...] = ()) -> Any:
    return value("policy", "preview", *JUNE, *(word for part in parts for word in ("--set", part)), *more)


def moved(body: Any) -> list[tuple[str, str, str]]:
    return [(row["customerReference"], row["before"]["tier"], row["after"]["tier"]) for row in body["customers"]]


def test_rows_that_another_policy_would_treat_otherwise_are_shown_and_the_policy_stays(organisation: str) -> None:
    body = preview("firm-from-days=11", "final_from_days=12")
    assert moved(body) == [("C1", "gentle", "final"), ("C2", "gentle", "firm")]
    assert body["totals"] == {"rowCount": 3, "differentCount": 2}
    assert value("policy", "show", "--organisation", organisation)["version"] == 1
    shown = run("policy", "preview", *JUNE, "--set", "firm-from-days=12")
    assert "1 of 3 rows would differ." in shown.stdout
    [line] = [line.split() for line in shown.stdout.splitlines() if "Ada" in line]
    assert line == ["Ada", "C1", "USD", "100.00", "12", "gentle", "firm", "send", "reminder", "send", "reminder"]
    [line] = [line.split() for line in shown.stdout.splitlines() if line.split()[:2] == ["USD", "gentle"]]
    assert line == ["USD", "gentle", "2", "150.50", "1", "50.50"]


def test_it_is_what_the_endpoint_answers(services: Services, organisation: str, address: str) -> None:
    headers = {"Authorization": f"Bearer {services.api_keys().create(organisation)}"}
    asked = json.dumps({"policy": {"minimums": {"JPY": "900"}, "firm_from_days": 12}, "asOf": "2020-06-30"}).encode()
    with urlopen(Request(f"{address}/receivables/overdue/simulation", asked, headers)) as response:
        answer = json.load(response)
    assert preview("minimum=JPY=900", "firm-from-days=12") == answer
    assert ("C2", "escalation", "final") in moved(answer)


def test_suppliers_by_urgency(organisation: str) -> None:
    body = preview("medium-from-days=5", more=("--side", "payables"))
    assert [(row["supplierReference"], row["after"]["urgency"]) for row in body["suppliers"]] == [("S1", "medium")]
    shown = run("policy", "preview", *JUNE, "--set", "medium-from-days=5", "--side", "payables").stdout
    assert "Payables as of 2020-06-30 by urgency" in shown


def test_csv_has_a_line_for_each_row_that_would_differ() -> None:
    text = run("policy", "preview", *JUNE, "--set", "firm-from-days=11", "--csv").stdout
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [(line["customerName"], line["after.tier"]) for line in lines] == [("Ada", "firm"), ("'=Bob", "firm")]


def test_a_limit_shortens_the_rows_and_not_the_sums() -> None:
    whole, part = preview("firm-from-days=11"), preview("firm-from-days=11", more=("--limit", "1"))
    assert (part["totals"], part["tiers"]) == (whole["totals"], whole["tiers"])
    assert part["customers"] == whole["customers"][:1]


def test_a_book_without_anything_overdue_says_so() -> None:
    shown = run("policy", "preview", "--as-of", "2020-01-01", "--set", "grace-days=3")
    assert shown.stdout == "Nothing is overdue.\n"
    unchanged = run("policy", "preview", *JUNE, "--set", "default-terms-days=none").stdout
    assert "0 of 3 rows would differ." in unchanged


@pytest.mark.parametrize(
    ("part", "code", "said"),
    [
        ("firm-from-days=40", 1, "must ascend"),
        ("cooldown-days=x", 1, "whole number of days"),
        ("unapplied-covers=all", 1, "oldest_first, none"),
        ("colour=red", 1, "is not part of a policy"),
        ("version=3", 1, "is not part of a policy"),
        ("grace-days", 2, "FIELD=VALUE"),
        ("grace-days=", 2, "FIELD=VALUE"),
        ("minimum=EUR", 2, "CURRENCY=AMOUNT"),
        ("grace-days=" + "9" * 5_000, 1, "whole number of days"),
    ],
)
def test_a_part_that_cannot_be_used_is_explained(part: str, code: int, said: str) -> None:
    refused = run("policy", "preview", "--set", part)
    assert refused.exit_code == code
    assert said in refused.stderr


def test_it_takes_at_least_one_part() -> None:
    assert run("policy", "preview").exit_code == 2
