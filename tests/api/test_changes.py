"""GET /ledger/changes: what changed, when and by whom, newest first."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest

from api.conftest import Api, check
from arrears.ledger.ids import outward_id
from arrears.ledger.import_ids import import_id
from arrears.storage.ledger import change_reader
from support.records import bill, customer, invoice, payment

PATH = "/ledger/changes"


def changes(api: Api, **query: Any) -> list[dict[str, Any]]:
    """All changes, put together from their pages."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = api.dolfin(PATH, **query, **cursor)
        assert answer.status == 200, answer.text
        check("changes", answer.body)
        found += answer.body["changes"]
        if answer.body["nextCursor"] is None:
            return found
        cursor = {"cursor": answer.body["nextCursor"]}


def of(found: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(one["type"], one["id"], one["action"]) for one in found]


@pytest.fixture
def written(api: Api) -> Api:
    """An invoice that is created, changed and deleted, a payment, and a bill; an hour between any two."""
    batches = ([customer(), invoice(), bill()], [payment()], [invoice(total="120")], [{**DELETED}])
    for batch in batches:
        api.record(*batch)
        api.clock.now += timedelta(hours=1)
    return api


DELETED = {"type": "invoice", "id": "I", "deleted": True}


def test_every_change_is_shown_with_what_was_before_and_after_and_who_did_it(written: Api) -> None:
    found = changes(written)
    assert of(found[:3]) == [("invoice", "I", "deleted"), ("invoice", "I", "changed"), ("payment", "P", "created")]
    assert sorted(of(found[3:])) == [
        ("bill", "B", "created"),
        ("customer", "C", "created"),
        ("invoice", "I", "created"),
    ]
    deleted, changed, *_ = found
    assert (changed["before"]["total"], changed["after"]["total"]) == ("100", "120")
    assert (deleted["before"], deleted["after"]) == (changed["after"], None)
    assert changed["customerId"] == outward_id(written.organisation.id, "customer", "C")
    key = written.key.split("_")[2]
    assert changed["by"] == {"type": "key", "id": key}
    assert changed["recordedAt"].startswith("2020-06-30T14:00:00")


def test_an_earlier_record_can_be_sent_again(written: Api) -> None:
    before = changes(written)[0]["before"]
    answer = written.record(before)
    assert [one["result"] for one in answer.body["results"]] == ["created"]
    assert changes(written)[0]["after"] == before


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"type": "bill"}, ["B"]),
        ({"type": "payment"}, ["P"]),
        ({"type": "customer"}, ["C"]),
        ({"id": "I"}, ["I", "I", "I"]),
        ({"customerId": "C", "type": "invoice"}, ["I", "I", "I"]),
        ({"supplierId": "S"}, ["B"]),
        ({"since": "2020-06-30T14:00:00Z"}, ["I", "I"]),
        ({"since": "2020-06-30T13:00:00Z", "until": "2020-06-30T14:00:00Z"}, ["P"]),
        ({"until": "2020-06-29"}, []),
        ({"since": "2020-07-01"}, []),
        ({"since": "2020-06-30", "until": "2020-06-30", "type": "payment"}, ["P"]),
        ({"importId": "20200630T120000Z-000000"}, []),
        ({"type": "policy"}, []),
    ],
)
def test_changes_are_filtered(written: Api, query: dict[str, str], expected: list[str]) -> None:
    assert [one["id"] for one in changes(written, **query)] == expected


def test_the_uuid_of_a_record_or_party_finds_the_same_as_the_own_id(written: Api) -> None:
    uuid = outward_id(written.organisation.id, "invoice", "I")
    assert changes(written, id=uuid) == changes(written, id="I")
    party = outward_id(written.organisation.id, "customer", "C")
    assert changes(written, customerId=party) == changes(written, customerId="C")


def test_an_invoice_that_moves_is_a_change_of_both_customers(api: Api) -> None:
    api.record(invoice())
    api.record(invoice(customer_id="D"))
    assert [len(changes(api, customerId=id_)) for id_ in ("C", "D", "E")] == [2, 1, 0]


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_have_every_change_once(written: Api, limit: int) -> None:
    whole = changes(written)
    assert changes(written, limit=str(limit)) == whole
    first = written.dolfin(PATH, limit="2").body
    written.record(invoice("LATER"))
    rest = written.dolfin(PATH, cursor=first["nextCursor"]).body
    assert first["changes"] + rest["changes"] == whole


def test_a_page_that_reads_much_and_finds_little_ends_with_a_cursor(
    written: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_reader, "MOST_ENTRIES", 1)
    first = written.dolfin(PATH, type="bill").body
    assert (first["changes"], first["nextCursor"] is None) == ([], False)
    assert of(changes(written, type="bill")) == [("bill", "B", "created")]


def test_a_policy_and_settings_are_changes_too(api: Api) -> None:
    organisations = api.services.organisations()
    organisations.set_policy(api.organisation.id, {"cooldown_days": 3})
    api.clock.now += timedelta(seconds=1)
    organisations.set_payments_over_api(api.organisation.id, False)
    settings, policy = changes(api)
    assert (settings["type"], settings["action"], policy["type"]) == ("organisation", "changed", "policy")
    assert (settings["before"]["payments_over_api"], settings["after"]["payments_over_api"]) == (True, False)
    assert (policy["before"]["cooldown_days"], policy["after"]["cooldown_days"]) == (7, 3)
    assert policy["by"]["type"] == "operator"
    assert changes(api, type="policy") == [policy]


def test_csv_has_a_line_for_each_change(written: Api) -> None:
    whole = changes(written)
    answer = written.dolfin(PATH, format="csv")
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(line["type"], line["id"], line["action"]) for line in lines] == of(whole)
    assert json.loads(lines[1]["before"]) == whole[1]["before"]
    assert lines[0]["after"] == ""
    assert lines[0]["by.type"] == "key"


def test_a_key_needs_the_scope_to_audit(api: Api) -> None:
    reader = api.services.api_keys().create(api.organisation.id, ["receivables:read", "ledger:write"])
    assert api.dolfin(PATH, key=reader).status == 403
    auditor = api.services.api_keys().create(api.organisation.id, ["ledger:audit"])
    assert api.dolfin(PATH, key=auditor).status == 200


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"since": "yesterday"}, "since"),
        ({"until": "2020-13-01"}, "until"),
        ({"type": "note"}, "type"),
        ({"limit": "0"}, "limit"),
        ({"customerId": "C", "supplierId": "S"}, "supplierId"),
        ({"cursor": "x"}, "cursor"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_used_is_refused(api: Api, query: dict[str, str], parameter: str) -> None:
    answer = api.dolfin(PATH, **query)
    assert (answer.status, answer.body["parameter"]) == (400, parameter)


def test_a_cursor_continues_the_same_filters_only(written: Api) -> None:
    cursor = written.dolfin(PATH, limit="1", type="invoice").body["nextCursor"]
    assert written.dolfin(PATH, cursor=cursor, type="bill").status == 400
    assert written.dolfin(PATH, cursor=cursor, type="invoice").status == 200


def test_records_may_name_the_import_that_they_belong_to(api: Api) -> None:
    headers = {"x-dolfin-api-key": api.key, "Content-Type": "application/json"}
    body = json.dumps({"records": [invoice()]})
    refused = api.call("POST", "/ledger/records", headers, {"importId": "mine"}, body)
    assert (refused.status, refused.body["parameter"]) == (400, "importId")
    id_ = "20200630T120000Z-7f3a2b"
    assert api.call("POST", "/ledger/records", headers, {"importId": id_}, body).status == 200
    [change] = changes(api, importId=id_)
    assert (change["importId"], change["id"]) == (id_, "I")


def test_an_import_that_is_named_as_of_a_later_day_is_refused_as_it_could_not_be_undone(api: Api) -> None:
    headers = {"x-dolfin-api-key": api.key, "Content-Type": "application/json"}
    body = json.dumps({"records": [invoice()]})

    def status(ahead: timedelta) -> int:
        return api.call(
            "POST", "/ledger/records", headers, {"importId": import_id(api.clock.now + ahead, "7f3a2b")}, body
        ).status

    assert (status(timedelta(minutes=59)), status(timedelta(minutes=61))) == (200, 400)
