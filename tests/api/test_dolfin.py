"""The overdue reports as the Dolfin document has them: bodies, parameters, keys, pages and problems."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from api.conftest import NOON, Api, check, invoice
from arrears.api import http
from support import records

REPORTS = {"/receivables/overdue": "customers", "/payables/overdue": "suppliers"}


def bill(id: str, **fields: Any) -> dict[str, Any]:
    """A bill of S1 over 100 EUR, issued and due in May 2020, with fields changed or (None) left out."""
    dates = {"issued_on": "2020-05-01", "due_on": "2020-05-31"}
    return records.bill(id, **{"supplier_id": "S1", "currency": "EUR", "total": "100.00", **dates, **fields})


BOOKS: dict[str, list[dict[str, Any]]] = {
    "empty": [],
    "one currency": [invoice("I1"), bill("B1")],
    "several currencies": [
        invoice("I1"),
        invoice("I2", currency="USD"),
        invoice("I3", currency="JPY", total="7000"),
        invoice("I4", currency="CLF", total="1.2345"),
        bill("B1", currency="CLF", total="0.0001"),
        bill("B2", currency="JPY", total=5),
    ],
    "partly paid": [
        invoice("I1"),
        {"type": "payment", "id": "P1", "invoice_id": "I1", "amount": "99.99", "paid_on": "2020-06-10"},
        bill("B1"),
        {"type": "payment", "id": "P2", "bill_id": "B1", "amount": "0.01", "paid_on": "2020-06-10"},
    ],
    "paid in the past year": [
        invoice("I1"),
        invoice("I2"),
        {"type": "payment", "id": "P1", "invoice_id": "I2", "amount": "100", "paid_on": "2020-06-10"},
        bill("B1"),
        bill("B2"),
        {"type": "payment", "id": "P2", "bill_id": "B2", "amount": "100", "paid_on": "2020-05-10"},
    ],
    "disputed": [invoice("I1"), {"type": "dispute", "id": "D1", "invoice_id": "I1", "opened_on": "2020-06-01"}],
    "promised": [
        invoice("I1"),
        {
            "type": "promise",
            "id": "M1",
            "customer_id": "C1",
            "currency": "EUR",
            "amount": "100",
            "made_on": "2020-06-20",
            "promised_on": "2020-07-05",
        },
    ],
    "promise broken": [
        invoice("I1"),
        {
            "type": "promise",
            "id": "M1",
            "customer_id": "C1",
            "currency": "EUR",
            "made_on": "2020-06-01",
            "promised_on": "2020-06-05",
        },
    ],
    "reminded": [
        invoice("I1"),
        {"type": "reminder", "id": "R1", "customer_id": "C1", "sent_at": "2020-06-28T08:00:00.25+02:00"},
    ],
    "void, draft and without due date": [
        invoice("I1", status="voided", voided_on="2020-06-01"),
        invoice("I2", status="draft"),
        invoice("I3", due_on=None),
        bill("B1", due_on=None),
        bill("B2", state="Voided"),
    ],
    "due today": [invoice("I1", due_on="2020-06-30"), bill("B1", due_on="2020-06-30")],
    "beyond a double": [
        invoice("I1", total="98765432109876.54"),
        invoice("I2", total="123456789012345678901234.56", currency="USD"),
        bill("B1", total="90071992547409930.01"),
    ],
    "states of bills": [
        bill("B1", state="Scheduled", state_on="2020-06-01", scheduled_payment_on="2020-07-03"),
        bill("B2", state="PaymentFailed", supplier_id=None, supplier_name="Corner Shop"),
        bill("B3", state="PaymentInProgress", supplier_id="S3"),
    ],
}


@pytest.mark.parametrize("path", REPORTS)
@pytest.mark.parametrize("book", BOOKS)
def test_the_body_is_as_documented(api: Api, book: str, path: str) -> None:
    api.stored(*BOOKS[book])
    answer = api.dolfin(path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    check(f"dolfin_{path.split('/')[1]}_overdue", answer.body)
    # The document requires little of what it names; all of it is always there.
    assert {"asOf", "totals", "aging", REPORTS[path], "nextCursor"} <= answer.body.keys()


def test_amounts_beyond_fifteen_digits_are_text(api: Api) -> None:
    api.stored(*BOOKS["beyond a double"])
    rows = {row["currency"]: row["totalOverdue"] for row in api.dolfin().body["customers"]}
    assert rows == {"EUR": "98765432109876.54", "USD": "123456789012345678901234.56"}


def test_today_is_the_day_in_the_organisations_time_zone(api: Api) -> None:
    api.clock.now = NOON.replace(hour=22, minute=30)
    assert api.dolfin().body["asOf"] == "2020-07-01"


def test_as_of_moves_the_day(api: Api) -> None:
    api.stored(invoice("I1"))
    assert api.dolfin(asOf="2020-05-31").body["totals"]["invoiceCount"] == 0
    assert api.dolfin(asOf="2020-06-01").body["customers"][0]["oldestInvoice"]["daysOverdue"] == 1
    assert api.dolfin(asOf="2021-06-01").body["customers"][0]["tier"] == "escalation"


def refused(answer: Any, status: int, code: str) -> Any:
    assert answer.status == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    check("problem", answer.body)
    assert answer.body["status"] == status
    assert answer.body["code"] == code
    assert answer.headers["X-Correlation-Id"] in answer.body["instance"]
    assert "Traceback" not in answer.text
    return answer.body


@pytest.mark.parametrize("path", REPORTS)
@pytest.mark.parametrize(
    "day", ["2026-02-30", "today", "", "2020-6-1", "2020-06-30T00:00:00Z", "٢٠٢٠-٠٦-٣٠", "0000-01-01"]
)
def test_a_day_that_does_not_exist_is_refused(api: Api, path: str, day: str) -> None:
    problem = refused(api.dolfin(path, asOf=day), 400, "invalid_parameter")
    assert problem["parameter"] == "asOf"
    assert problem["detail"].startswith("asOf ")


@pytest.mark.parametrize("path", REPORTS)
def test_a_parameter_that_is_not_known_is_refused_by_name(api: Api, path: str) -> None:
    problem = refused(api.dolfin(path, asof="2020-06-30"), 400, "unknown_parameter")
    assert "'asof'" in problem["detail"]
    assert "asOf, limit, cursor" in problem["detail"]


def test_a_parameter_given_twice_is_refused(api: Api) -> None:
    refused(api.dolfin(asOf=["2020-06-30", "2020-06-29"]), 400, "invalid_parameter")


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "ten", "", "1.0", "+5", "99999999999999999999"])
def test_a_limit_that_is_no_whole_number_from_1_to_1000_is_refused(api: Api, limit: str) -> None:
    assert refused(api.dolfin(limit=limit), 400, "invalid_parameter")["parameter"] == "limit"


def test_a_request_without_a_key_is_answered_401(api: Api) -> None:
    answer = api.call("GET", "/receivables/overdue")
    refused(answer, 401, "unauthorised")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", REPORTS)
def test_bad_keys_are_refused_alike(api: Api, path: str) -> None:
    revoked = api.services.api_keys().create(api.organisation.id)
    api.services.api_keys().revoke(api.organisation.id, revoked.split("_")[2])
    expired = api.services.api_keys().create(api.organisation.id, expires_at=NOON + timedelta(minutes=1))
    api.clock.now = NOON + timedelta(minutes=1)
    wrong = [
        "",
        "nonsense",
        api.key[:-1],
        api.key[:-1] + ("0" if api.key[-1] != "0" else "1"),
        api.key.upper(),
        "ar_" + "0" * 32 + api.key[35:],
        revoked,
        expired,
    ]
    bodies = []
    for key in wrong:
        body = refused(api.call("GET", path, {"x-dolfin-api-key": key}), 401, "unauthorised")
        bodies.append({name: value for name, value in body.items() if name != "instance"})
    assert all(body == bodies[0] for body in bodies)
    assert api.dolfin(path).status == 200


def test_the_key_is_taken_as_bearer(api: Api) -> None:
    assert api.call("GET", "/receivables/overdue", {"authorization": f"bearer {api.key}"}).status == 200


def test_the_same_key_may_stand_in_both_headers(api: Api) -> None:
    headers = {"X-Dolfin-Api-Key": api.key, "Authorization": f"Bearer {api.key}"}
    assert api.call("GET", "/receivables/overdue", headers).status == 200


def test_two_different_keys_are_answered_401(api: Api) -> None:
    other = api.services.api_keys().create(api.organisation.id)
    headers = {"x-dolfin-api-key": api.key, "Authorization": f"Bearer {other}"}
    refused(api.call("GET", "/receivables/overdue", headers), 401, "unauthorised")


def test_an_organisation_header_of_another_organisation_is_answered_403(api: Api) -> None:
    path, own = "/receivables/overdue", api.organisation.id
    headers = {"x-dolfin-api-key": api.key, "x-dolfin-organisation-id": own.upper()}
    assert api.call("GET", path, headers).status == 200
    other = api.services.organisations().create("Other", "UTC", "USD")
    for name in (other.id, "0" * 8, ""):
        refused(api.call("GET", path, {**headers, "x-dolfin-organisation-id": name}), 403, "forbidden")


@pytest.mark.parametrize("path", REPORTS)
def test_a_key_without_the_scope_is_answered_403(api: Api, path: str) -> None:
    key = api.services.api_keys().create(api.organisation.id, ["ledger:write", "analytics:read"])
    assert ":read" in refused(api.dolfin(path, key=key), 403, "forbidden")["detail"]


# --- Pages ----------------------------------------------------------------------------------------------------------


def crowd(size: int) -> list[dict[str, Any]]:
    """So many customers with one overdue invoice each; many share days and amount."""
    return [
        invoice(f"I{n}", customer_id=f"C{n}", customer_name=f"Customer {n % 7} é", total=str(100 + n % 3), currency=c)
        for n, c in ((n, "EUR" if n % 4 else "USD") for n in range(size))
    ]


def pages(api: Api, limit: int, path: str = "/receivables/overdue", **query: str) -> list[Any]:
    bodies = [api.dolfin(path, limit=str(limit), **query).body]
    while bodies[-1]["nextCursor"]:
        bodies.append(api.dolfin(path, limit=str(limit), cursor=bodies[-1]["nextCursor"]).body)
    return bodies


@pytest.mark.parametrize("limit", [1, 7, 23, 24, 1000])
def test_all_pages_together_are_the_whole_answer(api: Api, limit: int) -> None:
    api.stored(*crowd(23))
    whole = api.dolfin().body
    found = pages(api, limit)
    assert [row for body in found for row in body["customers"]] == whole["customers"]
    assert len(whole["customers"]) == 23
    for body in found:
        check("dolfin_receivables_overdue", body)
        assert len(body["customers"]) <= limit
        assert (body["totals"], body["aging"], body["asOf"]) == (whole["totals"], whole["aging"], whole["asOf"])
    assert whole["nextCursor"] is None


@pytest.mark.parametrize(("path", "work_out"), [("receivables", "customer_row"), ("payables", "supplier_row")])
def test_only_the_rows_of_the_page_are_worked_out(
    api: Api, monkeypatch: pytest.MonkeyPatch, path: str, work_out: str
) -> None:
    api.stored(*crowd(9), *(bill(f"B{n}", supplier_id=f"S{n}") for n in range(9)))
    api.dolfin(f"/{path}/overdue")
    module = api.function(f"{path}_overdue")
    worked_out = []
    original = getattr(module, work_out)

    def counted(reference: Any, *more: Any) -> Any:
        worked_out.append(reference)
        return original(reference, *more)

    monkeypatch.setattr(module, work_out, counted)
    assert api.dolfin(f"/{path}/overdue", limit="2").status == 200
    assert len(worked_out) == 2


def test_payables_are_paged_like_receivables(api: Api) -> None:
    api.stored(*[bill(f"B{n}", supplier_id=f"S{n}") for n in range(5)])
    found = pages(api, 2, "/payables/overdue")
    assert [len(body["suppliers"]) for body in found] == [2, 2, 1]


def test_a_page_continues_after_the_row_it_ended_with_though_rows_come_and_go(api: Api) -> None:
    api.stored(*[invoice(f"I{n}", customer_id=f"C{n}", customer_name=f"{n}") for n in range(6)])
    first = api.dolfin(limit="3").body
    gone = [
        {"type": "payment", "id": f"P{n}", "invoice_id": f"I{n}", "amount": "100", "paid_on": "2020-06-01"}
        for n in (1, 2)
    ]
    api.stored(*gone, invoice("I9", customer_id="C9", customer_name="9"))
    second = api.dolfin(limit="9", cursor=first["nextCursor"]).body
    assert [row["customerName"] for row in first["customers"]] == ["0", "1", "2"]
    assert [row["customerName"] for row in second["customers"]] == ["3", "4", "5", "9"]


def test_a_cursor_pins_the_day(api: Api) -> None:
    api.stored(*crowd(4))
    cursor = api.dolfin(limit="2", asOf="2020-06-10").body["nextCursor"]
    api.clock.now += timedelta(days=3)
    assert api.dolfin(cursor=cursor).body["asOf"] == "2020-06-10"
    assert api.dolfin(cursor=cursor, asOf="2020-06-10").status == 200
    refused(api.dolfin(cursor=cursor, asOf="2020-06-11"), 400, "invalid_cursor")


def test_a_cursor_ends_with_its_policy(api: Api) -> None:
    api.stored(*crowd(4))
    cursor = api.dolfin(limit="2").body["nextCursor"]
    api.services.organisations().set_policy(api.organisation.id, {"firm_from_days": 10})
    api.forget()
    assert "policy" in refused(api.dolfin(cursor=cursor), 400, "invalid_cursor")["detail"]


def test_a_cursor_of_another_endpoint_or_organisation_is_refused(api: Api) -> None:
    api.stored(*crowd(4), *[bill(f"B{n}", supplier_id=f"S{n}") for n in range(3)])
    cursor = api.dolfin(limit="2").body["nextCursor"]
    refused(api.dolfin("/payables/overdue", cursor=cursor), 400, "invalid_cursor")
    other = api.services.organisations().create("Other", "Europe/Berlin", "EUR")
    refused(api.dolfin(key=api.services.api_keys().create(other.id), cursor=cursor), 400, "invalid_cursor")


def test_a_cursor_that_was_tampered_with_is_refused(api: Api) -> None:
    api.stored(*crowd(4))
    cursor = api.dolfin(limit="2").body["nextCursor"]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    day, *key = json.loads(raw[16:])
    later = base64.urlsafe_b64encode(raw[:16] + json.dumps([day + 1, *key]).encode()).decode().rstrip("=")
    flipped = ("B" if cursor[0] == "A" else "A") + cursor[1:]
    for bad in (
        "",
        "x",
        "é",
        "AAAA",
        cursor[:-4],
        cursor + "AAAA",
        cursor.replace("-", "+") + "*",
        later,
        flipped,
        "A" * 9000,
    ):
        refused(api.dolfin(cursor=bad), 400, "invalid_cursor")


def test_an_answer_too_large_says_to_page(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.stored(*crowd(23))
    size = len(json.dumps(api.dolfin().text, ensure_ascii=False).encode()) - 2
    monkeypatch.setattr(http, "MAX_ANSWER_BYTES", size - 1)
    assert "limit" in refused(api.dolfin(), 413, "answer_too_large")["detail"]
    assert api.dolfin(limit="5").status == 200


@pytest.mark.parametrize("text", ["a", '"', "\\", "é", "漢", "😀", '{"é":"\\u0000"}'])
def test_what_fits_is_what_lambda_can_hand_back(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = text * 50
    monkeypatch.setattr(http, "MAX_ANSWER_BYTES", len(json.dumps(body, ensure_ascii=False).encode()) - 2)
    assert http.fits_answer(body)
    assert not http.fits_answer(body + text)
