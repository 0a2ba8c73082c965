"""Closed months and escalations as they are answered: bodies, parameters, pages and refusals."""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from api.conftest import Answer, Api, check, invoice
from arrears.close.run import Closing
from arrears.storage.events import EventSender
from support.closing import Bus
from template import ROOT

HISTORY, PAYABLES, ESCALATIONS = "/receivables/overdue/history", "/payables/history", "/escalations"
RUN = datetime(2020, 6, 30, 12, 5, tzinfo=UTC)
"""A little after records are stored."""
BOOK = [
    invoice("I1"),
    invoice("I2", customer_id="C2", due_on="2020-03-31", issued_on="2020-03-01", total="40.25"),
    invoice("I3", customer_id="C2", currency="JPY", total="7000", due_on="2020-06-01"),
    {"type": "payment", "id": "P2", "invoice_id": "I2", "amount": "40.25", "paid_on": "2020-06-20"},
]


def close(api: Api, moment: datetime = RUN, created_on: date = date(2020, 5, 15)) -> list[dict[str, Any]]:
    """Works through the days up to a moment, and gives the events that were sent."""
    taken: list[dict[str, Any]] = []
    services = api.services
    sender = EventSender("bus", Bus(taken))  # type: ignore[arg-type]
    organisation = replace(services.organisations().get(api.organisation.id), created_on=created_on.toordinal())
    closing = Closing(services.ledger, services.history(), services.recorder(), sender)
    closing.close(organisation, moment)
    return [{"organisationId": organisation.id, **event} for event in taken]


def escalations(api: Api, **query: Any) -> list[dict[str, Any]]:
    """Every page of an answer."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        answer = api.dolfin(ESCALATIONS, **query, **({} if cursor is None else {"cursor": cursor}))
        assert answer.status == 200, answer.text
        check("escalations", answer.body)
        found += answer.body["escalations"]
        cursor = answer.body["nextCursor"]
        if cursor is None:
            return found


def refused(answer: Answer, code: str, parameter: str) -> None:
    assert answer.status == 400, answer.text
    check("problem", answer.body)
    assert (answer.body["code"], answer.body["parameter"]) == (code, parameter)


def test_a_book_without_closed_months_is_answered_with_empty_lists(api: Api) -> None:
    assert api.dolfin(HISTORY).body == api.dolfin(PAYABLES).body == {"months": []}
    assert api.dolfin(ESCALATIONS).body == {"escalations": [], "nextCursor": None}


def test_closed_months_are_answered_oldest_first(api: Api) -> None:
    api.stored(*BOOK)
    close(api)
    body = api.dolfin(HISTORY).body
    check("receivables_history", body)
    assert [month["month"] for month in body["months"]] == ["2020-03", "2020-04", "2020-05"]
    may = body["months"][-1]
    assert may["asOf"] == "2020-05-31"
    assert [entry["currency"] for entry in may["currencies"]] == ["EUR", "JPY"]
    eur = may["currencies"][0]
    assert (eur["openingOverdue"], eur["closingOverdue"], eur["buckets"]["d61To90"]) == (
        40.25,
        40.25,
        {"amount": 40.25, "count": 1},
    )
    assert eur["rollRates"]["d1To30"] == 1
    assert eur["control"] == {
        "opening": 40.25,
        "restated": 0,
        "invoiced": 100,
        "received": 0,
        "credited": 0,
        "voided": 0,
        "refunded": 0,
        "closing": 140.25,
        "unapplied": 0,
    }


def test_closed_months_of_bills_are_answered_oldest_first(api: Api) -> None:
    scheduled = {"state": "Approved", "issued_on": "2020-03-01", "due_on": "2020-03-31"}
    api.stored(
        invoice("I0", issued_on="2020-01-01"),
        {"type": "bill", "id": "B1", "supplier_id": "S1", "currency": "EUR", "total": "100", **scheduled},
        {"type": "payment", "id": "P1", "bill_id": "B1", "amount": "30", "paid_on": "2020-05-04"},
        {"type": "bill", "id": "B1", "supplier_id": "S1", "currency": "EUR", "total": "100", **scheduled}
        | {"state": "Paid", "state_on": "2020-05-20"},
    )
    close(api)
    body = api.dolfin(PAYABLES).body
    check("payables_history", body)
    assert [month["month"] for month in body["months"]] == ["2020-03", "2020-04", "2020-05"]
    april, may = (month["currencies"][0] for month in body["months"][1:])
    assert (april["openingOverdue"], april["newlyOverdue"], april["closingOverdue"], april["billCount"]) == (
        0,
        100,
        100,
        1,
    )
    assert (may["openingOverdue"], may["paid"], may["noLongerOverdue"], may["closingOverdue"]) == (100, 100, 0, 0)
    assert may["control"] == {
        "opening": 100,
        "restated": 0,
        "invoiced": 0,
        "received": 30,
        "credited": 0,
        "voided": 0,
        "refunded": 0,
        "closedByState": 70,
        "closing": 0,
        "unapplied": 0,
    }
    assert api.dolfin(PAYABLES, months="1").body["months"] == body["months"][-1:]
    refused(api.dolfin(PAYABLES, months="0"), "invalid_parameter", "months")


@pytest.mark.parametrize(("months", "expected"), [("1", 1), ("2", 2), ("3", 3), ("1200", 3), (None, 3)])
def test_as_many_of_the_latest_months_are_answered_as_are_asked_for(
    api: Api, months: str | None, expected: int
) -> None:
    api.stored(*BOOK)
    close(api)
    found = api.dolfin(HISTORY, **({} if months is None else {"months": months})).body["months"]
    assert [month["month"] for month in found] == ["2020-03", "2020-04", "2020-05"][-expected:]


def test_twelve_months_are_answered_where_no_number_is_given(api: Api) -> None:
    api.stored(invoice("I1", issued_on="2018-01-01", due_on="2018-01-31"))
    close(api)
    assert [month["month"] for month in api.dolfin(HISTORY).body["months"]][0::11] == ["2019-06", "2020-05"]


@pytest.mark.parametrize("months", ["0", "1201", "-1", "x", "", "1.0", "٣"])
def test_months_that_are_no_whole_number_from_1_to_1200_are_refused(api: Api, months: str) -> None:
    refused(api.dolfin(HISTORY, months=months), "invalid_parameter", "months")


@pytest.mark.parametrize("path", [HISTORY, PAYABLES, ESCALATIONS])
def test_parameters_that_are_not_known_are_refused(api: Api, path: str) -> None:
    refused(api.dolfin(path, asOf="2020-06-30"), "unknown_parameter", "asOf")
    name = "limit" if path == ESCALATIONS else "months"
    refused(api.dolfin(path, **{name: ["1", "2"]}), "invalid_parameter", name)


@pytest.mark.parametrize("path", [HISTORY, PAYABLES, ESCALATIONS])
def test_only_a_key_with_the_scope_may_read(api: Api, path: str) -> None:
    assert api.call("GET", path).status == 401
    assert api.dolfin(path, key=api.key[:-1] + "x").status == 401
    other = api.services.api_keys().create(api.organisation.id, ["ledger:write"])
    assert api.dolfin(path, key=other).status == 403


def test_escalations_are_answered_newest_first(api: Api) -> None:
    api.clock.now -= timedelta(days=20)
    api.stored(*BOOK)
    close(api, RUN - timedelta(days=20))
    close(api)
    found = escalations(api)
    positions = [(record["recordedAt"], record["id"]) for record in found]
    assert positions == sorted(
        sorted(positions, key=lambda position: position[1]), key=lambda position: position[0], reverse=True
    )
    assert len(set(positions)) == len(positions)
    assert {record["recordedAt"] for record in found} == {
        "2020-06-10T12:05:00.000000Z",
        "2020-06-30T12:05:00.000000Z",
    }
    moves = {(r["currency"], r["from"], r["to"], r["crossedOn"], r["historical"]) for r in found}
    assert moves == {
        ("EUR", None, "gentle", "2020-04-01", True),
        ("EUR", "gentle", "firm", "2020-04-15", True),
        ("EUR", "firm", "final", "2020-05-01", True),
        ("EUR", "final", "escalation", "2020-05-31", False),
        ("EUR", "escalation", None, "2020-06-20", False),
        ("EUR", None, "gentle", "2020-06-01", False),
        ("EUR", "gentle", "firm", "2020-06-15", False),
        ("JPY", None, "gentle", "2020-06-02", False),
        ("JPY", "gentle", "firm", "2020-06-16", False),
    }


def test_pages_are_one_answer_in_pieces(api: Api) -> None:
    """All records of a run share recordedAt: pages go on by id."""
    api.stored(*(invoice(f"I{n}", customer_id=f"C{n}") for n in range(7)))
    close(api)
    whole = escalations(api)
    assert len(whole) == 14
    for limit in (1, 2, 3, 13, 14, 15):
        assert escalations(api, limit=str(limit)) == whole
        assert (api.dolfin(ESCALATIONS, limit=str(limit)).body["nextCursor"] is None) == (limit >= 14)
        assert escalations(api, limit=str(limit), tier="firm") == [record for record in whole if record["to"] == "firm"]
        customer = whole[0]["customerId"]
        own = [record for record in whole if record["customerId"] == customer]
        assert len(own) == 2
        assert escalations(api, limit=str(limit), customerId=customer.upper()) == own


def test_escalations_are_filtered_by_moment_tier_and_customer(api: Api) -> None:
    api.clock.now -= timedelta(days=20)
    api.stored(*BOOK)
    close(api, RUN - timedelta(days=20))
    close(api)
    whole = escalations(api)
    for tier in ("gentle", "firm", "final", "escalation"):
        assert escalations(api, tier=tier) == [record for record in whole if record["to"] == tier]
    customer = whole[-1]["customerId"]
    assert escalations(api, customerId=customer, tier="firm") == [
        record for record in whole if record["customerId"] == customer and record["to"] == "firm"
    ]
    assert escalations(api, customerId="00000000-0000-4000-8000-000000000000") == []
    later = [record for record in whole if record["recordedAt"] > "2020-06-11"]
    assert 0 < len(later) < len(whole)
    for since in (
        "2020-06-11",
        "2020-06-30",
        "2020-06-30T12:05:00Z",
        "2020-06-30T12:05:00.000000Z",
        "2020-06-30T14:05:00+02:00",
        "2020-06-30t12:04:59.999999z",
        "2020-06-10T12:05:00.000001Z",
    ):
        assert escalations(api, since=since) == later
        assert escalations(api, since=since, customerId=customer) == [
            record for record in later if record["customerId"] == customer
        ]
    assert escalations(api, since="2020-06-10T12:05:00Z") == whole
    assert escalations(api, since="2020-06-30T12:05:00.000001Z") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("since", "yesterday"),
        ("since", "2020-02-30"),
        ("since", "2020-06-30T25:00:00Z"),
        ("since", "2020-06-30T12:00:00"),
        ("since", ""),
        ("tier", "gentler"),
        ("tier", "null"),
        ("tier", ""),
        ("customerId", "C1"),
        ("customerId", ""),
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "x"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused_by_name(api: Api, name: str, value: str) -> None:
    refused(api.dolfin(ESCALATIONS, **{name: value}), "invalid_parameter", name)


def test_a_cursor_is_bound_to_filters_endpoint_and_organisation(api: Api) -> None:
    api.stored(*BOOK)
    close(api)
    cursor = api.dolfin(ESCALATIONS, limit="2", tier="gentle").body["nextCursor"]
    assert api.dolfin(ESCALATIONS, limit="1", tier="gentle", cursor=cursor).status == 200
    for filters in ({}, {"tier": "firm"}, {"tier": "gentle", "since": "2020-01-01"}):
        refused(api.dolfin(ESCALATIONS, cursor=cursor, **filters), "invalid_cursor", "cursor")
    refused(api.dolfin("/receivables/overdue", cursor=cursor), "invalid_cursor", "cursor")
    refused(api.dolfin(ESCALATIONS, tier="gentle", cursor=cursor[:-2] + "xx"), "invalid_cursor", "cursor")
    other = api.services.organisations().create("Other", "Europe/Berlin", "EUR")
    key = api.services.api_keys().create(other.id)
    refused(api.dolfin(ESCALATIONS, key=key, tier="gentle", cursor=cursor), "invalid_cursor", "cursor")
    assert api.dolfin(ESCALATIONS, key=key).body["escalations"] == []


def test_what_is_sent_is_as_documented_and_as_answered(api: Api) -> None:
    api.stored(*BOOK)
    events = close(api)
    schema = json.loads((ROOT / "docs" / "escalation-event.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    for event in events:
        Draft202012Validator(schema, format_checker=FormatChecker()).validate(event)
    answered = {record["id"]: record for record in escalations(api)}
    assert [{n: v for n, v in event.items() if n != "organisationId"} for event in events] == [
        answered[event["id"]] for event in events
    ]
    assert {event["id"] for event in events} == {id_ for id_, record in answered.items() if not record["historical"]}


# --- what has changed since


def test_a_closed_month_is_explained_by_the_records_that_arrived_later(api: Api) -> None:
    api.stored(*BOOK)
    close(api)
    api.clock.now = RUN + timedelta(days=1)
    paid = {"type": "payment", "id": "P9", "invoice_id": "I1", "amount": "30.50", "paid_on": "2020-05-20"}
    api.stored(paid)
    api.clock.now = RUN + timedelta(days=2)
    answer = api.dolfin(HISTORY, explain="2020-05")
    assert answer.status == 200, answer.text
    check("month_explanation", answer.body)
    [eur, jpy] = answer.body["currencies"]
    assert answer.body["month"] == "2020-05"
    assert answer.body["knownAt"] == "2020-06-30T12:05:00.000000Z"
    assert eur["closed"] == {"outstanding": 140.25, "overdue": 40.25, "unapplied": 0, "net": 140.25}
    assert eur["now"] == {"outstanding": 109.75, "overdue": 40.25, "unapplied": 0, "net": 109.75}
    assert set(jpy["difference"].values()) == {0}
    [change] = answer.body["changes"]
    assert change["records"] == [{"type": "payment", "id": "P9"}]
    assert change["recordedAt"] > "2020-07-01T12:00:00"
    assert {name: change[name] for name in eur["difference"]} == eur["difference"]
    assert api.dolfin(PAYABLES, explain="2020-05").status == 400


def test_a_month_of_bills_is_explained(api: Api) -> None:
    approved = {"state": "Approved", "issued_on": "2020-03-01", "due_on": "2020-03-31"}
    one = {"type": "bill", "id": "B1", "supplier_id": "S1", "currency": "EUR", "total": "100", **approved}
    api.stored(one)
    close(api)
    api.clock.now = RUN + timedelta(days=1)
    api.stored({**one, "total": "80"})
    api.clock.now = RUN + timedelta(days=2)
    answer = api.dolfin(PAYABLES, explain="2020-05")
    check("month_explanation", answer.body)
    [change] = answer.body["changes"]
    assert (change["overdue"], change["net"], change["records"]) == (-20, -20, [{"type": "bill", "id": "B1"}])
    assert change["supplierId"]


def test_what_cannot_be_explained_is_refused(api: Api) -> None:
    api.stored(*BOOK)
    close(api)
    for month, sentence in {
        "June": "explain is not a month of the form YYYY-MM.",
        "2020-06": "2020-06 is not closed.",
    }.items():
        answer = api.dolfin(HISTORY, explain=month)
        refused(answer, "invalid_parameter", "explain")
        assert answer.body["detail"] == sentence
    assert api.dolfin(HISTORY, explain="2020-05", months="2").body["code"] == "unknown_parameter"


def test_a_month_closed_before_changes_were_kept_is_refused_with_the_first_moment(api: Api) -> None:
    api.clock.now -= timedelta(days=2)
    api.stored(*BOOK)
    close(api, RUN - timedelta(days=2))
    api.clock.now = RUN
    answer = api.dolfin(HISTORY, explain="2020-05")
    refused(answer, "invalid_parameter", "explain")
    assert answer.body["firstMoment"] == "2020-06-30T12:00:00.000000Z"


def test_a_log_that_takes_too_long_is_refused_with_the_command_that_has_no_limit(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.stored(*BOOK)
    close(api)
    api.clock.now = RUN + timedelta(days=1)
    monkeypatch.setattr("arrears.ledger.time_limit.MAX_SECONDS", -1)
    answer = api.dolfin(HISTORY, explain="2020-05")
    assert (answer.status, answer.body["code"]) == (422, "too_large")
    assert "`arrears explain --month 2020-05`" in answer.body["detail"]


def test_the_example_of_the_documentation_is_explained_as_shown(api: Api) -> None:
    text = (ROOT / "docs" / "history.md").read_text()
    [example] = [json.loads(block) for block in re.findall(r"```json explained\n(.*?)```", text, re.DOTALL)]
    api.stored(*example["records"])
    close(api, datetime.combine(date.fromisoformat(example["close"]), time(12), UTC))
    for day, records in example["later"].items():
        api.clock.now = datetime.combine(date.fromisoformat(day), time(12), UTC)
        api.stored(*records)
    api.clock.now += timedelta(days=1)
    body = api.dolfin(HISTORY, explain=example["explain"]).body
    assert body["currencies"] == example["currencies"]
    assert [
        {name: one[name] for name in shown} for one, shown in zip(body["changes"], example["changes"], strict=True)
    ] == (example["changes"])


def test_a_month_is_explained_as_it_was_known_at_a_moment(api: Api) -> None:
    api.stored(*BOOK)
    close(api)
    answers, moments = [], []
    for number in range(3):
        api.clock.now = RUN + timedelta(days=1 + number)
        paid = {"type": "payment", "id": f"P{number + 7}", "invoice_id": "I1", "amount": "10", "paid_on": "2020-05-20"}
        api.stored(paid)
        api.clock.now += timedelta(hours=1)
        moments.append(api.clock.now.isoformat())
        answers.append(api.dolfin(HISTORY, explain="2020-05").body)
    for moment, answered in zip(moments, answers, strict=True):
        then = api.dolfin(HISTORY, explain="2020-05", knownAt=moment)
        assert then.body == answered
        assert "X-Arrears-Known-At" in then.headers
    refused(api.dolfin(HISTORY, explain="2020-05", knownAt="2020-06-30T12:01:00Z"), "invalid_parameter", "explain")
    refused(api.dolfin(HISTORY, explain="2020-05", knownAt="2019-01-01"), "invalid_parameter", "knownAt")
