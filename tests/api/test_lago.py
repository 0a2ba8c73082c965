"""The analytics as the Lago documents have them: bodies, parameters, keys, features and errors."""

from datetime import timedelta
from typing import Any

import pytest

from api.conftest import NOON, Answer, Api, check, invoice
from arrears.api import http

ENDPOINTS = {"overdue_balance": "overdue_balances", "invoice_collection": "invoice_collections"}
BOOK = [
    {"type": "customer", "id": "C1", "name": "Ann", "external_id": "crm-1"},
    {"type": "customer", "id": "C2", "name": "Bob", "external_id": "crm-2"},
    invoice("I1", total="100.50"),
    invoice("I2", issued_on="2020-03-31", due_on="2020-06-29", currency="USD"),
    invoice("I3", due_on="2020-05-02", customer_id="C2", total="0.25"),
    invoice("I4", due_on="2020-06-30", payment_status="failed"),
    invoice("I5", issued_on="2020-05-02", due_on="2020-05-03"),
    {"type": "payment", "id": "P1", "invoice_id": "I1", "amount": "0.50", "paid_on": "2020-06-01"},
    {"type": "payment", "id": "P5", "invoice_id": "I5", "amount": "100", "paid_on": "2020-06-01"},
]


def rows(answer: Answer, name: str) -> list[dict[str, Any]]:
    assert answer.status == 200, answer.text
    assert list(answer.body) == [ENDPOINTS[name]]
    check(f"lago_{name}", answer.body)
    found: list[dict[str, Any]] = answer.body[ENDPOINTS[name]]
    return found


def refused(answer: Answer, status: int) -> Any:
    assert answer.status == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    check("lago_error", answer.body)
    assert answer.body["status"] == status
    return answer.body


def test_the_overdue_balance_is_by_month_due_and_currency(api: Api) -> None:
    api.stored(*BOOK)
    found = rows(api.lago("overdue_balance"), "overdue_balance")
    assert [(row["month"], row["currency"], row["amount_cents"], len(row["lago_invoice_ids"])) for row in found] == [
        ("2020-05-01T00:00:00.000Z", "EUR", 10025, 2),
        ("2020-06-01T00:00:00.000Z", "USD", 10000, 1),
    ]


def test_the_overdue_balance_ties_out_with_the_receivables(api: Api) -> None:
    api.stored(*BOOK)
    sums: dict[str, int] = {}
    for row in rows(api.lago("overdue_balance"), "overdue_balance"):
        sums[row["currency"]] = sums.get(row["currency"], 0) + row["amount_cents"]
    overdue = api.dolfin().body["totals"]["overdueByCurrency"]
    assert sums == {entry["currency"]: round(entry["amount"] * 100) for entry in overdue}


def test_the_overdue_balance_can_be_that_of_one_customer(api: Api) -> None:
    api.stored(*BOOK)
    [row] = rows(api.lago("overdue_balance", external_customer_id="crm-2"), "overdue_balance")
    assert (row["amount_cents"], row["month"]) == (25, "2020-05-01T00:00:00.000Z")


@pytest.mark.parametrize("unknown", ["nobody", "C1", "", "x" * 3000, "é" * 500])
def test_an_external_id_that_nobody_has_is_answered_with_nothing(api: Api, unknown: str) -> None:
    api.stored(*BOOK)
    assert rows(api.lago("overdue_balance", external_customer_id=unknown), "overdue_balance") == []


def test_the_invoice_collection_is_by_month_payment_status_and_currency(api: Api) -> None:
    api.stored(*BOOK)
    found = rows(api.lago("invoice_collection"), "invoice_collection")
    assert found == [
        {
            "month": "2020-03-01T00:00:00.000Z",
            "payment_status": "pending",
            "invoices_count": 1,
            "amount_cents": 10000,
            "currency": "USD",
        },
        {"month": "2020-04-01T00:00:00.000Z", "invoices_count": 0, "amount_cents": 0},
        {
            "month": "2020-05-01T00:00:00.000Z",
            "payment_status": "failed",
            "invoices_count": 1,
            "amount_cents": 10000,
            "currency": "EUR",
        },
        {
            "month": "2020-05-01T00:00:00.000Z",
            "payment_status": "pending",
            "invoices_count": 2,
            "amount_cents": 10075,
            "currency": "EUR",
        },
        {
            "month": "2020-05-01T00:00:00.000Z",
            "payment_status": "succeeded",
            "invoices_count": 1,
            "amount_cents": 10000,
            "currency": "EUR",
        },
        {"month": "2020-06-01T00:00:00.000Z", "invoices_count": 0, "amount_cents": 0},
    ]


def test_a_payment_dated_tomorrow_counts_tomorrow(api: Api) -> None:
    api.stored(
        invoice("I1"), {"type": "payment", "id": "P1", "invoice_id": "I1", "amount": "100", "paid_on": "2020-07-01"}
    )
    [pending, _] = rows(api.lago("invoice_collection"), "invoice_collection")
    api.clock.now += timedelta(days=1)
    api.forget()
    [succeeded, *_] = rows(api.lago("invoice_collection"), "invoice_collection")
    assert (pending["payment_status"], succeeded["payment_status"]) == ("pending", "succeeded")


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("currency", ["EUR", "eur", "eUr"])
def test_one_currency_leaves_out_all_others(api: Api, name: str, currency: str) -> None:
    api.stored(*BOOK)
    found = rows(api.lago(name, currency=currency), name)
    assert found
    assert {row["currency"] for row in found} == {"EUR"}


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_currency_that_the_book_does_not_have_is_answered_with_nothing(api: Api, name: str) -> None:
    api.stored(*BOOK)
    assert rows(api.lago(name, currency="ZMW"), name) == []


@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_empty_book_is_answered_with_nothing(api: Api, name: str) -> None:
    assert rows(api.lago(name), name) == []
    assert rows(api.lago(name, months="12"), name) == []


@pytest.mark.parametrize(("months", "first"), [("1", "06"), ("2", "05"), ("3", "04"), ("007", "03"), ("9" * 400, "03")])
def test_months_are_the_current_one_and_those_before(api: Api, months: str, first: str) -> None:
    api.stored(*BOOK)
    found = rows(api.lago("invoice_collection", months=months), "invoice_collection")
    assert found[0]["month"] == f"2020-{first}-01T00:00:00.000Z"
    assert found[-1]["month"] == "2020-06-01T00:00:00.000Z"


def test_months_of_the_balance_are_due_months(api: Api) -> None:
    api.stored(*BOOK)
    assert [row["currency"] for row in rows(api.lago("overdue_balance", months="1"), "overdue_balance")] == ["USD"]


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("months", ["0", "-1", "1.0", "a", "", " 1", "+1", "1e3", "٣", "12 ", "0x1"])
def test_months_that_are_no_whole_number_are_answered_422(api: Api, name: str, months: str) -> None:
    assert refused(api.lago(name, months=months), 422)["error_details"] == {"months": ["value_is_invalid"]}


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("currency", ["", "EURO", "XXX", "€", "EUR ", "BHD"])
def test_a_currency_that_does_not_exist_is_answered_422(api: Api, name: str, currency: str) -> None:
    assert refused(api.lago(name, currency=currency), 422)["error_details"] == {"currency": ["value_is_invalid"]}


def test_all_that_is_wrong_is_named_at_once(api: Api) -> None:
    details = refused(api.lago("overdue_balance", currency="x", months="x"), 422)["error_details"]
    assert set(details) == {"currency", "months"}


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_parameter_that_is_not_known_is_passed_over(api: Api, name: str) -> None:
    api.stored(*BOOK)
    assert api.lago(name, colour="red").text == api.lago(name).text


def test_only_the_overdue_balance_has_pages(api: Api) -> None:
    api.stored(*BOOK)
    assert api.lago("invoice_collection", page="x").text == api.lago("invoice_collection").text


def test_a_page_lists_its_invoices_in_rows_with_their_full_amounts(api: Api) -> None:
    api.stored(*BOOK)
    [may, june] = rows(api.lago("overdue_balance"), "overdue_balance")
    answers = [api.lago("overdue_balance", page=str(page), per_page="2") for page in (1, 2, 3)]
    for answer in answers:
        check("lago_overdue_balance", answer.body)
        assert list(answer.body) == ["overdue_balances", "meta"]
    assert [answer.body["overdue_balances"] for answer in answers] == [[may], [june], []]
    assert [answer.body["meta"] for answer in answers] == [
        {"current_page": 1, "next_page": 2, "prev_page": None, "total_pages": 2, "total_count": 3},
        {"current_page": 2, "next_page": None, "prev_page": 1, "total_pages": 2, "total_count": 3},
        {"current_page": 3, "next_page": None, "prev_page": None, "total_pages": 2, "total_count": 3},
    ]
    single = [api.lago("overdue_balance", page=str(page), per_page="1").body for page in (1, 2)]
    found = [row for body in single for row in body["overdue_balances"]]
    assert [row["amount_cents"] for row in found] == [may["amount_cents"]] * 2
    assert [id_ for row in found for id_ in row["lago_invoice_ids"]] == may["lago_invoice_ids"]


@pytest.mark.parametrize("asked", [{"page": "1"}, {"per_page": "100"}, {"page": "01", "per_page": "100000"}])
def test_either_parameter_asks_for_a_page(api: Api, asked: dict[str, str]) -> None:
    api.stored(*BOOK)
    body = api.lago("overdue_balance", **asked).body
    assert body["overdue_balances"] == api.lago("overdue_balance").body["overdue_balances"]
    assert body["meta"] == {"current_page": 1, "next_page": None, "prev_page": None, "total_pages": 1, "total_count": 3}


def test_pages_are_of_what_the_other_parameters_leave(api: Api) -> None:
    api.stored(*BOOK)
    body = api.lago("overdue_balance", page="1", external_customer_id="crm-1", currency="EUR").body
    assert (len(body["overdue_balances"]), body["meta"]["total_count"]) == (1, 1)
    nothing = api.lago("overdue_balance", page="1", external_customer_id="nobody").body
    none = {"current_page": 1, "next_page": None, "prev_page": None, "total_pages": 0, "total_count": 0}
    assert nothing == {"overdue_balances": [], "meta": none}


@pytest.mark.parametrize("value", ["0", "-1", "1.0", "a", "", " 1", "1e3", "٣", "9" * 10])
def test_pages_that_are_no_whole_number_are_answered_422(api: Api, value: str) -> None:
    details = refused(api.lago("overdue_balance", page=value, per_page=value), 422)["error_details"]
    assert details == {"page": ["value_is_invalid"], "per_page": ["value_is_invalid"]}
    assert refused(api.lago("overdue_balance", per_page="100001"), 422)["error_details"].keys() == {"per_page"}


def test_an_answer_too_large_names_the_parameters_that_make_it_smaller(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.stored(*BOOK)
    monkeypatch.setattr(http, "MAX_ANSWER_BYTES", 300)
    body = refused(api.lago("overdue_balance"), 413)
    assert (body["error"], body["code"]) == ("Payload Too Large", "answer_too_large")
    assert list(body["error_details"]) == ["months", "currency", "page", "per_page"]
    assert api.lago("overdue_balance", months="1").status == 200
    assert list(refused(api.lago("invoice_collection"), 413)["error_details"]) == ["months", "currency"]


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_official_clients_find_the_endpoints_under_their_prefix(api: Api, name: str) -> None:
    api.stored(*BOOK)
    headers = {"Authorization": f"Bearer {api.key}"}
    assert api.call("GET", f"/api/v1/analytics/{name}", headers).text == api.lago(name).text


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_request_without_a_key_is_answered_401(api: Api, name: str) -> None:
    two = {"Authorization": f"Bearer {api.key}"}
    for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": api.key}, {"Authorization": f"Basic {api.key}"}):
        assert refused(api.call("GET", f"/analytics/{name}", headers), 401) == {"status": 401, "error": "Unauthorized"}
    other = api.services.api_keys().create(api.organisation.id)
    both = {"Authorization": [f"Bearer {api.key}", f"Bearer {other}"]}
    refused(api.call("GET", f"/analytics/{name}", two, multiValueHeaders=both), 401)
    # The header of another contract is none here.
    refused(api.call("GET", f"/analytics/{name}", {"x-dolfin-api-key": api.key}), 401)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_key_without_the_scope_is_answered_403(api: Api, name: str) -> None:
    key = api.services.api_keys().create(api.organisation.id, ["receivables:read"])
    assert refused(api.lago(name, key=key), 403)["code"] == "forbidden"


@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_organisation_without_the_feature_is_answered_403(api: Api, name: str) -> None:
    api.services.organisations().set_features(api.organisation.id, [])
    body = refused(api.lago(name, months="x"), 403)
    assert body == {"status": 403, "error": "Forbidden", "code": "feature_unavailable"}
    assert api.dolfin().status == 200


def test_amounts_are_integers_whatever_their_size(api: Api) -> None:
    api.stored(invoice("I1", total="123456789012345678901234.56"), invoice("I2", currency="JPY", total="7"))
    found = {row["currency"]: row["amount_cents"] for row in rows(api.lago("overdue_balance"), "overdue_balance")}
    assert found == {"EUR": 12345678901234567890123456, "JPY": 7}


def test_the_current_month_is_that_of_the_organisations_time_zone(api: Api) -> None:
    api.stored(*BOOK)
    api.clock.now = NOON.replace(hour=23)
    found = rows(api.lago("overdue_balance", months="1"), "overdue_balance")
    assert found == []
    assert rows(api.lago("invoice_collection", months="1"), "invoice_collection") == [
        {"month": "2020-07-01T00:00:00.000Z", "invoices_count": 0, "amount_cents": 0}
    ]
