"""The closed documents of an account have an index of their own, and it is never trusted further than it can be."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from support.records import bill, customer, invoice, payment, promise
from support.stored_ledger import StoredLedger, Table

TODAY = date(2020, 6, 30).toordinal()
OLD = {"made_on": "2019-01-05", "promised_on": "2020-12-31"}
"""A promise made before the days of which an account counts how many documents closed."""


def closed(name: str, on: str = "2019-02-01", **changes: Any) -> list[dict[str, Any]]:
    """An invoice that its payment closes on a day."""
    fields = {"issued_on": "2019-01-01", "due_on": "2019-03-01", **changes}
    return [invoice(name, **fields), payment(name, invoice_id=name, amount="100", paid_on=on)]


def queries(table: Table) -> list[tuple[str, str]]:
    """Index and partition of each query since the last time."""
    asked = [
        (body.get("IndexName", ""), body["ExpressionAttributeValues"][":partition"]["S"])
        for operation, body in table.gate.calls
        if operation == "Query"
    ]
    table.gate.operations()
    return asked


def kept(ledger: StoredLedger, reference: str = "C") -> list[int]:
    """What each of a customer's promises counts as kept."""
    shown = next(item["p"][0] for item in ledger.account_items().values() if item["p"][0][1] == reference)
    return [sum(amount for _, amount, _ in stored[-1] if amount > 0) for stored in shown[4]]


def entries(table: Table) -> set[str]:
    """The sort keys of the index."""
    return {item["ask"] for item in table.contents().values() if "ask" in item}


def forget_index(table: Table) -> None:
    """Leaves the items as they were written before there was the index."""
    for page in table.open.get_paginator("scan").paginate(TableName=table.name):
        for item in page["Items"]:
            plain = {name: value for name, value in item.items() if name not in ("apk", "ask")}
            table.open.put_item(TableName=table.name, Item=plain)


def test_only_closed_documents_of_an_account_are_in_the_index(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([*closed("1"), invoice("open"), payment("ahead", invoice_id="unknown"), bill()], TODAY)
    (document,) = [document for document in ledger.documents() if document.reference == "1"]
    day = date(2019, 2, 1).toordinal()
    assert entries(table) == {f"{day:07d}#{document.id}"}
    ledger.record([payment("back", invoice_id="1", amount="-1", paid_on="2020-06-30")], TODAY)
    assert entries(table) == set()


def test_an_old_promise_reads_documents_of_its_customer_only(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([record for n in range(40) for record in closed(f"X{n}", customer_id=f"X{n}")], TODAY)
    ledger.record([*closed("1"), *closed("2", "2020-06-01"), invoice("open")], TODAY)
    table.gate.operations()
    ledger.record([promise(**OLD)], TODAY)
    read = [
        len(asked["Keys"])
        for operation, body in table.gate.calls
        if operation == "BatchGetItem"
        for asked in body["RequestItems"].values()
    ]
    assert [index for index, _ in queries(table)] == ["account"]
    assert sum(read) <= 5
    assert kept(ledger) == [20_000]


def test_a_recent_promise_reads_only_what_closed_since(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([*closed("1"), *closed("2", "2020-06-15"), invoice("open")], TODAY)
    table.gate.operations()
    ledger.record([promise(made_on="2020-06-10", promised_on="2020-12-31")], TODAY)
    assert [index for index, _ in queries(table)] == ["account"]
    assert kept(ledger) == [10_000]


def test_several_promises_of_one_customer_look_its_documents_up_once(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([record for n in range(5) for record in closed(str(n))], TODAY)
    table.gate.operations()
    ledger.record([promise(f"M{n}", **OLD) for n in range(20)], TODAY)
    assert [index for index, _ in queries(table)] == ["account"]
    assert kept(ledger) == [50_000] * 20


def test_names_are_worked_out_from_documents_of_their_customer_only(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([record for n in range(20) for record in closed(f"X{n}", customer_id=f"X{n}")], TODAY)
    named = [closed(f"{n}", customer_name=f"Name {n}", issued_on=f"2019-01-0{n + 1}") for n in range(8)]
    ledger.record([record for both in named for record in both], TODAY)
    table.gate.operations()
    moved = [invoice(f"{n}", customer_id="other", issued_on="2019-01-01", due_on="2019-03-01") for n in range(7, 2, -1)]
    ledger.record(moved, TODAY)
    assert [index for index, _ in queries(table)] == ["account"]
    assert {item["p"][0][1]: item["p"][0][2] for item in ledger.account_items().values()}["C"] == "Name 2"


def test_a_book_from_before_the_index_is_read_as_before(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no entry is found among all that is closed, and has one as soon as it is written again."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    ledger = table.ledger()
    ledger.record([*closed("1"), *closed("2"), *closed("3", customer_id="other"), invoice("open")], TODAY)
    forget_index(table)
    table.gate.operations()
    ledger.record([promise(**OLD)], TODAY)
    assert [index for index, _ in queries(table)] == ["account", "account", "state"]
    assert kept(ledger) == [20_000]
    assert entries(table) == set()
    ledger.record([invoice("1", number="7", issued_on="2019-01-01", due_on="2019-03-01")], TODAY)
    assert len(entries(table)) == 1
    ledger.record([promise("partly there", **OLD), customer()], TODAY)
    assert kept(ledger) == [20_000, 20_000]


def test_an_index_that_lags_behind_changes_that_keep_the_count_is_found_out(
    make_table: Callable[[], Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One document was opened again and another closed: the index still lists the first, and as many as there are."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    table = make_table()
    ledger = table.ledger()
    ledger.record([*closed("1"), *closed("2"), invoice("3", issued_on="2019-01-01", due_on="2019-03-01")], TODAY)
    behind = {sort_key[-36:] for sort_key in entries(table)}
    paid = payment("3", invoice_id="3", amount="100", paid_on="2019-02-05")
    ledger.record([payment("back", invoice_id="1", amount="-1", paid_on="2019-02-05"), paid], TODAY)
    table.gate.hidden = {sort_key[-36:] for sort_key in entries(table)} - behind
    table.gate.hidden_for = 3
    ledger.record([promise(**OLD)], TODAY)
    assert table.gate.hidden_for == 0
    assert kept(ledger) == [20_000]
