"""POST /ledger/records: the envelope, its limits, and a result for every record."""

import base64
import json
from typing import Any

import pytest

from api.conftest import Answer, Api, check, invoice
from arrears.api import http, json_body


def post(api: Api, body: str | None, content_type: str = "application/json", **changes: Any) -> Answer:
    headers = {"x-dolfin-api-key": api.key, "Content-Type": content_type}
    return api.call("POST", "/ledger/records", headers, body=body, **changes)


def results(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.text
    check("ledger_results", answer.body)
    return [result["result"] for result in answer.body["results"]]


def refused(answer: Answer, status: int, code: str) -> str:
    assert answer.status == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    check("problem", answer.body)
    assert answer.body["code"] == code
    detail: str = answer.body["detail"]
    return detail


def untouched(api: Api) -> bool:
    count: int = api.services.client.scan(TableName="LedgerTable", Select="COUNT")["Count"]
    return count == 0


def test_a_result_for_every_record_in_order(api: Api) -> None:
    answer = api.record(
        invoice("I1"),
        {"type": "invoice"},
        {"type": "payment", "id": "P1", "invoice_id": "I9", "amount": "1", "paid_on": "2020-06-01"},
        "nonsense",  # type: ignore[arg-type]
        invoice("I1"),
    )
    assert results(answer) == ["created", "rejected", "pending", "rejected", "unchanged"]
    rejected = answer.body["results"][1]
    assert rejected["reason"]


def test_a_record_that_looks_wrong_is_stored_with_a_warning(api: Api) -> None:
    paid = {"type": "payment", "id": "P", "invoice_id": "I1", "amount": "1000000", "paid_on": "2020-06-01"}
    answer = api.record(invoice("I1"), paid)
    assert results(answer) == ["created", "created"]
    assert "warnings" not in answer.body["results"][0]
    [warning] = answer.body["results"][1]["warnings"]
    assert (warning["code"], warning["invoice_id"], warning["applied"]) == ("over_applied", "I1", 1000000)


def test_a_deleted_record_counts_no_more(api: Api) -> None:
    taken_back = {"type": "invoice", "id": "I1", "deleted": True}
    assert results(api.record(invoice("I1"), taken_back, taken_back)) == ["created", "deleted", "unchanged"]
    assert api.dolfin().body["customers"] == []


def test_each_line_of_ndjson_is_a_record(api: Api) -> None:
    lines = "\n".join(json.dumps(invoice(f"I{n}")) for n in range(3))
    for content_type in ("application/x-ndjson", "application/x-ndjson; charset=utf-8", "application/jsonl"):
        assert len(results(post(api, f"\n{lines}\r\n\n", content_type))) == 3


def test_a_batch_without_records_has_no_results(api: Api) -> None:
    assert results(post(api, '{"records":[]}')) == []
    assert results(post(api, "", "application/x-ndjson")) == []


def test_a_body_in_base64_is_decoded(api: Api) -> None:
    text = base64.b64encode(json.dumps({"records": [invoice("I1", number="é")]}).encode()).decode()
    assert results(post(api, text, isBase64Encoded=True)) == ["created"]


def test_numbers_are_exact(api: Api) -> None:
    body = json.dumps({"records": [invoice("I1", total="@"), invoice("I2", total="@@", currency="USD")]})
    body = body.replace('"@@"', "0.07").replace('"@"', "12345678901234567890.12")
    assert results(post(api, body)) == ["created", "created"]
    amounts = {row["currency"]: row["totalOverdue"] for row in api.dolfin().body["customers"]}
    assert amounts == {"EUR": "12345678901234567890.12", "USD": 0.07}


def test_a_byte_order_mark_is_passed_over(api: Api) -> None:
    assert results(post(api, "\ufeff" + json.dumps({"records": [invoice("I1")]}))) == ["created"]


BAD_BODIES = {
    "none": (None, 400, "malformed_body"),
    "empty": ("", 400, "malformed_body"),
    "malformed": ('{"records":[', 400, "malformed_body"),
    "trailing text": ('{"records":[]} x', 400, "malformed_body"),
    "NaN": ('{"records":[{"type":"payment","amount":NaN}]}', 400, "malformed_body"),
    "Infinity": ('{"records":[{"type":"payment","amount":-Infinity}]}', 400, "malformed_body"),
    "name twice": ('{"records":[{"type":"payment","type":"invoice"}]}', 400, "malformed_body"),
    "records twice": ('{"records":[],"records":[]}', 400, "malformed_body"),
    "too deep": ("[" * 100_000, 400, "malformed_body"),
    "number of 5,000 digits": ('{"records":[' + "9" * 5_000 + "]}", 400, "malformed_body"),
    "exponent beyond bounds": ('{"records":[1e99999999999999999999]}', 400, "malformed_body"),
    "list": ("[]", 422, "invalid_envelope"),
    "text": ('"records"', 422, "invalid_envelope"),
    "null": ("null", 422, "invalid_envelope"),
    "no records": ("{}", 422, "invalid_envelope"),
    "records no list": ('{"records":{}}', 422, "invalid_envelope"),
    "more than records": ('{"records":[],"dry_run":true}', 422, "invalid_envelope"),
}


@pytest.mark.parametrize("shape", BAD_BODIES)
def test_an_envelope_that_cannot_be_read_is_refused_and_nothing_is_written(api: Api, shape: str) -> None:
    body, status, code = BAD_BODIES[shape]
    assert refused(post(api, body), status, code)
    assert untouched(api)


@pytest.mark.parametrize("line", ["{", "NaN", '{"a":1,"a":2}', "[1,", "﻿"])
def test_a_line_that_cannot_be_read_is_named_and_nothing_is_written(api: Api, line: str) -> None:
    body = f"{json.dumps(invoice('I1'))}\n\n{line}\n"
    assert "Line 3" in refused(post(api, body, "application/x-ndjson"), 400, "malformed_body")
    assert untouched(api)


@pytest.mark.parametrize("text", ["%%%", base64.b64encode(b'{"records":["\xff"]}').decode(), "é"])
def test_a_base64_body_that_cannot_be_read_is_refused(api: Api, text: str) -> None:
    refused(post(api, text, isBase64Encoded=True), 400, "malformed_body")


def test_text_whose_bytes_the_gateway_has_replaced_is_refused(api: Api) -> None:
    """A body that is not UTF-8 arrives as text with U+FFFD where bytes were: what they were is lost."""
    for content_type in ("application/json", "application/x-ndjson"):
        body = json.dumps({"records": [invoice("I1", customer_name="M\ufffdller")]}, ensure_ascii=False)
        assert "UTF-8" in refused(post(api, body, content_type), 400, "malformed_body")
    assert untouched(api)


def test_a_replacement_character_that_is_written_as_an_escape_is_taken(api: Api) -> None:
    assert results(post(api, json.dumps({"records": [invoice("I1", number="M\ufffd")]}))) == ["created"]


def test_no_line_is_decoded_of_a_body_with_too_many(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[str] = []
    monkeypatch.setattr(json_body.exact_json, "loads", decoded.append)
    assert "500" in refused(post(api, "{}\n\n" * 501, "application/x-ndjson"), 413, "request_too_large")
    assert decoded == []
    assert untouched(api)


def test_500_records_are_taken_and_one_more_is_refused(api: Api) -> None:
    some = [{"type": "nonsense", "id": str(n)} for n in range(501)]
    assert results(post(api, json.dumps({"records": some[:500]}))) == ["rejected"] * 500
    assert "501" in refused(post(api, json.dumps({"records": some})), 413, "request_too_large")
    lines = "\n".join(json.dumps(one) for one in some[:500])
    assert results(post(api, lines, "application/x-ndjson")) == ["rejected"] * 500
    assert untouched(api)


def test_a_body_of_two_megabytes_is_refused(api: Api) -> None:
    body = json.dumps({"records": [invoice("I1", number="x" * 2_000_000)]})
    assert str(http.MAX_BODY_BYTES) in refused(post(api, body), 413, "request_too_large")
    refused(post(api, base64.b64encode(body.encode()).decode(), isBase64Encoded=True), 413, "request_too_large")
    wide = json.dumps({"records": [invoice("I1", number="漢" * 700_000)]}, ensure_ascii=False)
    refused(post(api, wide), 413, "request_too_large")
    assert untouched(api)


def test_text_that_is_none_is_rejected_and_can_be_answered(api: Api) -> None:
    body = json.dumps({"records": [invoice("I1", number="\ud800"), {"type": "\udc00", "id": "\ud800é"}]})
    answer = post(api, body)
    assert results(answer) == ["rejected", "rejected"]
    answer.text.encode()


def test_only_a_key_with_the_scope_may_write(api: Api) -> None:
    reading = api.services.api_keys().create(api.organisation.id, ["receivables:read", "payables:read"])
    assert "ledger:write" in refused(api.record(invoice("I1"), key=reading), 403, "forbidden")
    refused(api.record(invoice("I1"), key="ar_nonsense"), 401, "unauthorised")
    refused(api.call("POST", "/ledger/records", body="{"), 401, "unauthorised")
    assert untouched(api)


def test_a_parameter_that_is_not_known_is_refused(api: Api) -> None:
    headers = {"x-dolfin-api-key": api.key}
    refused(api.call("POST", "/ledger/records", headers, {"a": "1"}, '{"records":[]}'), 400, "unknown_parameter")


def test_records_stay_in_their_organisation(api: Api) -> None:
    other = Api(api.clock)
    api.stored(invoice("I1"))
    other.stored(invoice("I1", total="5"))
    totals = [each.dolfin().body["totals"]["overdueByCurrency"][0]["amount"] for each in (api, other)]
    assert totals == [100, 5]
