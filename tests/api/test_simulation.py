"""Simulations: what another policy would change is answered, and nothing is written."""

import csv
import io
import json
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from api.conftest import NOON, Answer, Api, check, invoice
from api.test_dolfin import bill, refused
from api.test_time_limit import pass_with_each_change
from arrears.ledger.known_at import instant_text
from support import records

RECEIVABLE, PAYABLE = "/receivables/overdue/simulation", "/payables/overdue/simulation"
PARTIES = {RECEIVABLE: "customers", PAYABLE: "suppliers"}
LEVELS = {RECEIVABLE: "tier", PAYABLE: "urgency"}
BOOK = [
    records.customer("C1", name="Ann"),
    invoice("I1", total="150.25", due_on="2020-03-31"),
    invoice("I2", customer_id="C2", customer_name="=Bob", due_on="2020-06-20"),
    invoice("I3", customer_id="C2", currency="JPY", total=7000, due_on="2020-06-18"),
    invoice("I4", customer_id="C3", customer_name="Cyd", total="10.50", due_on="2020-06-15"),
    records.reminder("R1", customer_id="C3", sent_at="2020-06-20T08:00:00Z"),
    records.promise("M1", customer_id="C2", currency="EUR", made_on="2020-06-21", promised_on="2020-06-25"),
    bill("B1", due_on="2020-06-25"),
    bill("B2", supplier_id="S2", due_on="2020-06-26", total="40"),
    bill("B3", supplier_id=None, supplier_name="Corner Shop", due_on="2020-06-20"),
]
STRICTER: dict[str, Any] = {
    RECEIVABLE: {"firm_from_days": 10, "final_from_days": 15, "cooldown_days": 30},
    PAYABLE: {"medium_from_days": 3, "high_from_days": 9},
}


@pytest.fixture
def book(api: Api) -> Api:
    api.stored(*BOOK)
    return api


def simulate(
    api: Api, path: str = RECEIVABLE, policy: Any = None, key: str | None = None, body: Any = None, **query: Any
) -> Answer:
    """A simulation of a policy (by default a stricter one), or any other body."""
    sent = {"policy": STRICTER[path] if policy is None else policy, **(body or {})}
    return api.call("POST", path, {"x-dolfin-api-key": key or api.key}, query, json.dumps(sent))


def raw(api: Api, text: str, path: str = RECEIVABLE) -> Answer:
    return api.call("POST", path, {"x-dolfin-api-key": api.key}, {}, text)


def simulated(api: Api, path: str = RECEIVABLE, **asked: Any) -> dict[str, Any]:
    answer = simulate(api, path, **asked)
    assert answer.status == 200, answer.text
    check(f"{path.split('/')[1]}_simulation", answer.body)
    found: dict[str, Any] = answer.body
    return found


def levels(body: dict[str, Any], path: str = RECEIVABLE) -> list[tuple[str, str, str, str]]:
    name = LEVELS[path]
    return [(row["currency"], row[f"{PARTIES[path][:-1]}Name"], row["before"][name], row["after"][name])
            for row in body[PARTIES[path]]]  # fmt: skip


# --- What is answered -----------------------------------------------------------------------------------------------


def test_customers_whom_the_policy_would_treat_otherwise_are_listed_in_the_order_of_the_report(book: Api) -> None:
    body = simulated(book)
    assert levels(body) == [
        ("EUR", "Cyd", "firm", "final"),
        ("EUR", "=Bob", "firm", "final"),
        ("JPY", "=Bob", "gentle", "firm"),
    ]
    assert [row["after"]["suggestedAction"] for row in body["customers"]] == ["wait", "send_reminder", "send_reminder"]
    assert body["totals"] == {"rowCount": 4, "differentCount": 3}
    assert (body["policyVersion"], body["asOf"], body["nextCursor"]) == (1, "2020-06-30", None)
    [euro, yen] = body["tiers"]
    assert euro["before"]["firm"] == euro["after"]["final"] == {"amount": 110.5, "count": 2}
    assert euro["before"]["escalation"] == euro["after"]["escalation"] == {"amount": 150.25, "count": 1}
    assert (yen["before"]["gentle"], yen["after"]["gentle"]) == (
        {"amount": 7000, "count": 1},
        {"amount": 0, "count": 0},
    )


def test_suppliers_whom_the_policy_would_treat_otherwise_are_listed(book: Api) -> None:
    body = simulated(book, PAYABLE)
    assert [(name, before, after) for _, name, before, after in levels(body, PAYABLE)] == [
        ("Corner Shop", "medium", "high"),
        ("S1", "low", "medium"),
        ("S2", "low", "medium"),
    ]
    assert body["suppliers"][0]["supplierId"] is None
    assert body["urgencies"][0]["after"]["medium"] == {"amount": 140, "count": 2}


@pytest.mark.parametrize("path", PARTIES)
@pytest.mark.parametrize("day", [None, "2020-06-28", "2020-07-14"])
def test_before_is_the_report_of_today_and_after_is_the_report_once_the_policy_is_set(
    book: Api, path: str, day: str | None
) -> None:
    """Reasons and policy versions too."""
    day_in_body, day_in_query = ({}, {}) if day is None else ({"asOf": day}, {"asOf": day})
    body = simulated(book, path, body=day_in_body)
    stored = book.services.organisations()

    def reported() -> dict[tuple[str | None, str], Any]:
        rows = book.dolfin(path.removesuffix("/simulation"), **day_in_query).body[PARTIES[path]]
        party, members = PARTIES[path][:-1], (LEVELS[path], "suggestedAction", "reasons")
        return {(row[f"{party}Id"], row["currency"]): {name: row[name] for name in members} for row in rows}

    def simulated_rows(when: str) -> dict[tuple[str | None, str], Any]:
        return {(row[f"{PARTIES[path][:-1]}Id"], row["currency"]): row[when] for row in body[PARTIES[path]]}

    before = reported()
    assert simulated_rows("before").items() <= before.items()
    stored.set_policy(book.organisation.id, STRICTER[path])
    book.forget()
    after = reported()
    assert simulated_rows("after").items() <= after.items()
    others = before.keys() - simulated_rows("after").keys()
    level, action = LEVELS[path], "suggestedAction"
    assert [before[one][level] for one in others] == [after[one][level] for one in others]
    assert [before[one][action] for one in others] == [after[one][action] for one in others]


@pytest.mark.parametrize("path", PARTIES)
def test_nothing_is_written(book: Api, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError

    for call in ("put_item", "delete_item", "batch_write_item", "transact_write_items"):
        monkeypatch.setattr(book.services.client, call, never)
    assert simulated(book, path)["totals"]["differentCount"] == 3
    assert book.services.organisations().get(book.organisation.id).policy.version == 1


def test_minimums_are_major_units_and_replace_all(book: Api) -> None:
    book.services.organisations().set_policy(book.organisation.id, {"minimums": {"EUR": 20_000}})
    book.forget()
    [row] = simulated(book, policy={"minimums": {"EUR": "150.25"}})["customers"]
    assert (row["customerName"], row["before"]["tier"], row["after"]["tier"]) == ("Ann", "final", "escalation")
    assert simulated(book, policy={"minimums": {"EUR": 150.26}})["customers"] == []
    assert simulated(book, policy={"minimums": {}})["totals"]["differentCount"] == 1


@pytest.mark.parametrize("path", PARTIES)
def test_a_policy_without_a_change_and_an_empty_book_have_nothing_to_show(api: Api, path: str) -> None:
    assert simulated(api, path)["totals"] == {"rowCount": 0, "differentCount": 0}
    api.stored(*BOOK)
    for policy in ({}, {"default_terms_days": None, "close_after_days": 0}):
        assert simulated(api, path, policy=policy)["totals"]["differentCount"] == 0


def test_a_past_day_is_judged_by_the_reminders_of_then(api: Api) -> None:
    """The index shows an account's latest ones only."""
    days = ["2020-06-05", *(f"2020-06-{day}" for day in range(10, 30))]
    sent = [records.reminder(day, customer_id="C1", sent_at=f"{day}T08:00:00Z") for day in days]
    api.stored(invoice("I1"), *sent)
    [row] = simulated(api, policy={"cooldown_days": 1}, body={"asOf": "2020-06-06"})["customers"]
    assert (row["before"]["suggestedAction"], row["after"]["suggestedAction"]) == ("wait", "send_reminder")
    assert row["before"]["reasons"][-1]["code"] == "reminder_cooldown"


# --- Pages and CSV --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PARTIES)
def test_pages_together_are_the_whole_and_their_sums_are_those_of_the_book(book: Api, path: str) -> None:
    whole = simulated(book, path)
    found: list[Any] = []
    more: dict[str, str] = {}
    while True:
        page = simulated(book, path, limit="1", **more)
        assert {name: page[name] for name in ("asOf", "totals")} == {name: whole[name] for name in ("asOf", "totals")}
        found += page[PARTIES[path]]
        if page["nextCursor"] is None:
            break
        more = {"cursor": page["nextCursor"]}
    assert found == whole[PARTIES[path]]
    assert len(found) == 3


def test_a_cursor_goes_on_with_its_own_policy_and_day_only(book: Api) -> None:
    cursor = simulated(book, limit="1", body={"asOf": "2020-06-29"})["nextCursor"]
    first = {**STRICTER[RECEIVABLE], "escalation_from_days": 61}
    assert simulated(book, policy=first, limit="1", cursor=cursor)["asOf"] == "2020-06-29"
    for other in ({**first, "escalation_from_days": 62}, {"grace_days": 3}):
        refused(simulate(book, policy=other, cursor=cursor), 400, "invalid_cursor")
    refused(simulate(book, body={"asOf": "2020-06-28"}, cursor=cursor), 400, "invalid_cursor")
    refused(simulate(book, PAYABLE, cursor=cursor), 400, "invalid_cursor")
    refused(book.dolfin(cursor=cursor), 400, "invalid_cursor")
    book.services.organisations().set_policy(book.organisation.id, {"cooldown_days": 8})
    book.forget()
    refused(simulate(book, cursor=cursor), 400, "invalid_cursor")


@pytest.mark.parametrize("path", PARTIES)
def test_csv_has_a_line_for_each_row_that_would_differ(book: Api, path: str) -> None:
    body, answer = simulated(book, path), simulate(book, path, format="csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))
    party, level = PARTIES[path][:-1], LEVELS[path]
    for line, row in zip(lines, body[PARTIES[path]], strict=True):
        assert line[f"{party}Name"].removeprefix("'") == row[f"{party}Name"]
        assert (line["asOf"], line["totalOverdue"]) == ("2020-06-30", str(row["totalOverdue"]))
        for when in ("before", "after"):
            assert line[f"{when}.{level}"] == row[when][level]
            assert line[f"{when}.reasons.code"].split() == [one["code"] for one in row[when]["reasons"]]
    page = simulate(book, path, format="csv", limit="1")
    assert page.headers["X-Next-Cursor"] == simulated(book, path, limit="1")["nextCursor"]


# --- What is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("", 400, "malformed_body"),
        ("{", 400, "malformed_body"),
        ('{"policy":{},"policy":{}}', 400, "malformed_body"),
        ("[]", 422, "invalid_envelope"),
        ("null", 422, "invalid_envelope"),
        ("{}", 422, "invalid_envelope"),
        ('{"policy":null}', 422, "invalid_envelope"),
        ('{"policy":[]}', 422, "invalid_envelope"),
        ('{"policy":{},"as_of":"2020-06-30"}', 422, "invalid_envelope"),
        ('{"policy":{},"asOf":"2020-02-30"}', 400, "invalid_parameter"),
        ('{"policy":{},"asOf":20200630}', 400, "invalid_parameter"),
        ('{"policy":{"firmFromDays":10}}', 422, "invalid_policy"),
        ('{"policy":{"version":3}}', 422, "invalid_policy"),
        ('{"policy":{"firm_from_days":40}}', 422, "invalid_policy"),
        ('{"policy":{"firm_from_days":"10"}}', 422, "invalid_policy"),
        ('{"policy":{"firm_from_days":10.5}}', 422, "invalid_policy"),
        ('{"policy":{"grace_days":true}}', 422, "invalid_policy"),
        ('{"policy":{"grace_days":-1}}', 422, "invalid_policy"),
        ('{"policy":{"unapplied_covers":"all"}}', 422, "invalid_policy"),
        ('{"policy":{"unapplied_covers":["none"]}}', 422, "invalid_policy"),
        ('{"policy":{"minimums":[]}}', 422, "invalid_policy"),
        ('{"policy":{"minimums":{"eur":1}}}', 422, "invalid_policy"),
        ('{"policy":{"minimums":{"EUR":0.001}}}', 422, "invalid_policy"),
        ('{"policy":{"minimums":{"EUR":-1}}}', 422, "invalid_policy"),
        ('{"policy":{"minimums":{"EUR":"1,5"}}}', 422, "invalid_policy"),
        ('{"policy":{"minimums":{"EUR":null}}}', 422, "invalid_policy"),
        ('{"policy":{"\\ud800":1}}', 422, "invalid_policy"),
    ],
)
@pytest.mark.parametrize("path", PARTIES)
def test_a_body_that_cannot_be_used_is_refused(api: Api, path: str, body: str, status: int, code: str) -> None:
    answer = raw(api, body, path)
    refused(answer, status, code)
    named = {"invalid_policy": "policy", "invalid_parameter": "asOf"}
    assert answer.body.get("parameter") == named.get(code)


def test_a_refusal_names_the_part_and_is_short_however_long_its_name(api: Api) -> None:
    detail = simulate(api, policy={"cooldown_days": 99_999}).body["detail"]
    assert "cooldown_days must be a whole number of days from 0 to 36500" in detail
    for policy in ({"x" * 100_000: 1}, {"minimums": {"x" * 100_000: 1}}):
        assert len(simulate(api, policy=policy).text) < 2_000


@pytest.mark.parametrize("path", PARTIES)
def test_a_parameter_of_the_query_that_belongs_into_the_body_is_refused(api: Api, path: str) -> None:
    headers, body = {"x-dolfin-api-key": api.key}, json.dumps({"policy": {}})
    for query in ({"asOf": "2020-06-30"}, {"policy": "x"}, {"tier": "firm"}):
        refused(api.call("POST", path, headers, query, body), 400, "unknown_parameter")


@pytest.mark.parametrize(
    ("path", "scope", "other"),
    [(RECEIVABLE, "receivables:read", "payables:read"), (PAYABLE, "payables:read", "receivables:read")],
)
def test_it_takes_the_scope_of_the_report_and_no_other(api: Api, path: str, scope: str, other: str) -> None:
    keys = api.services.api_keys()
    assert simulate(api, path, key=keys.create(api.organisation.id, [scope])).status == 200
    for scopes in ([other], ["ledger:write"]):
        refused(simulate(api, path, key=keys.create(api.organisation.id, scopes)), 403, "forbidden")


@pytest.mark.parametrize(
    ("path", "command"),
    [(RECEIVABLE, "arrears policy preview"), (PAYABLE, "arrears policy preview --side payables")],
)
def test_a_comparison_that_takes_too_long_is_refused_and_names_the_command(
    book: Api, monkeypatch: pytest.MonkeyPatch, path: str, command: str
) -> None:
    looks = count()
    monkeypatch.setattr(type(book.clock), "__call__", lambda _: NOON + timedelta(seconds=21 * next(looks)))
    answer = simulate(book, path)
    refused(answer, 422, "too_large")
    assert f"`{command}`" in answer.body["detail"]


def test_a_policy_is_tried_on_the_book_of_a_past_moment(api: Api) -> None:
    api.stored(BOOK[0])
    moment = instant_text(api.clock.now)
    before = simulated(api)
    api.clock.now += timedelta(hours=1)
    api.stored(*BOOK[1:])
    assert simulated(api) != before
    assert simulated(api, body={"knownAt": moment}) == before


@pytest.mark.parametrize(
    ("path", "command"),
    [(RECEIVABLE, "arrears policy preview"), (PAYABLE, "arrears policy preview --side payables")],
)
def test_a_past_moment_since_which_too_much_has_changed_is_refused_and_names_the_command(
    api: Api, monkeypatch: pytest.MonkeyPatch, path: str, command: str
) -> None:
    moment = instant_text(api.clock.now)
    api.clock.now += timedelta(hours=1)
    api.stored({"type": "customer", "id": "C2", "name": "Bob"})
    pass_with_each_change(api, monkeypatch, 21)
    answer = simulate(api, path, body={"knownAt": moment})
    refused(answer, 422, "too_large")
    assert f"`{command}`" in answer.body["detail"]
