"""The aged lists over HTTP: bodies, pages, cursors, formats, and what a page reads."""

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest

from api.conftest import Api, check, invoice
from arrears.api import aged_list
from arrears.storage.ledger.reader import LedgerStore
from oracle import differences
from oracle.aged_lists import payables_aging, payables_documents, receivables_aging, receivables_documents
from oracle.book import Organisation
from oracle.generate import random_book
from support import records
from support.books import arrivals, last_day, noon

LISTS = {"/receivables/aging": "customer", "/payables/aging": "supplier"}
ORACLES = {"/receivables/aging": receivables_aging, "/payables/aging": payables_aging}
DOCUMENTS = {"/receivables/aging": receivables_documents, "/payables/aging": payables_documents}


def bill(id: str, **fields: Any) -> dict[str, Any]:
    """A bill of S1 over 100 EUR, issued and due in May 2020, with fields changed or (None) left out."""
    dates = {"issued_on": "2020-05-01", "due_on": "2020-05-31"}
    return records.bill(id, **{"supplier_id": "S1", "currency": "EUR", "total": "100.00", **dates, **fields})


BOOK = [
    invoice("I1", number="2020-1"),
    invoice("I2", due_on="2020-07-31"),
    invoice("I3", due_on=None, currency="JPY", total="7000", customer_id="C2", customer_name="Zoë"),
    invoice("I4", total="123456789012345678901234.56", currency="USD"),
    invoice("I5", status="draft"),
    invoice("I6", issued_on="2020-07-01"),
    {"type": "payment", "id": "P1", "invoice_id": "I1", "amount": "99.99", "paid_on": "2020-06-10"},
    {"type": "dispute", "id": "D1", "invoice_id": "I2", "opened_on": "2020-06-01"},
    bill("B1"),
    bill("B2", supplier_id=None, supplier_name="Corner Shop", state="PaymentFailed", total="7"),
    bill("B3", state="NeedsApproval", total="50", issued_on="2018-01-01"),
    bill("B4", state="Created", currency="CLF", total="0.0001"),
]


def rows(body: Any) -> list[Any]:
    """The rows of a list, whatever they are for."""
    [name] = body.keys() & {"customers", "suppliers", "documents"}
    return list(body[name])


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("book", [[], BOOK], ids=["empty", "full"])
def test_the_body_is_of_its_schema(api: Api, book: list[Any], path: str) -> None:
    api.stored(*book)
    for query in ({}, {"by": LISTS[path]}, {"by": "document"}, {"asOf": "2020-06-01"}, {"asOf": "2021-06-01"}):
        answer = api.dolfin(path, **query)
        assert answer.status == 200, answer.text
        check(path[1:].replace("/", "_"), answer.body)


def test_customers_are_listed_with_what_is_not_due_yet(api: Api) -> None:
    api.stored(*BOOK)
    body = api.dolfin("/receivables/aging").body
    assert [(row["customerReference"], row["currency"], row["outstanding"]) for row in body["customers"]] == [
        ("C1", "EUR", 100.01),
        ("C2", "JPY", 7000),
        ("C1", "USD", "123456789012345678901234.56"),
    ]
    assert body["totals"] == {"customerCount": 2, "invoiceCount": 4, "unappliedByCurrency": []}
    assert [(entry["currency"], entry["net"]) for entry in body["aging"]] == [
        ("EUR", 100.01),
        ("JPY", 7000),
        ("USD", "123456789012345678901234.56"),
    ]


def test_documents_are_listed_with_the_callers_own_ids(api: Api) -> None:
    api.stored(*BOOK)
    invoices = api.dolfin("/receivables/aging", by="document").body["documents"]
    assert [row["invoiceReference"] for row in invoices] == ["I1", "I2", "I3", "I4"]
    assert (invoices[0]["invoiceNumber"], invoices[0]["applied"], invoices[0]["outstanding"]) == ("2020-1", 99.99, 0.01)
    assert (invoices[1]["daysOverdue"], invoices[1]["disputedAmount"]) == (-31, 100)
    bills = api.dolfin("/payables/aging", by="document").body["documents"]
    assert [(row["billReference"], row["state"]) for row in bills] == [("B1", "Approved"), ("B2", "PaymentFailed")]


def test_bills_that_wait_for_approval_are_apart_however_old_they_are(api: Api) -> None:
    api.stored(*BOOK)
    body = api.dolfin("/payables/aging").body
    first, second = body["suppliers"]
    assert (first["supplierReference"], first["notPayable"]) == ("S1", {"amount": 50, "count": 1})
    assert (second["supplierId"], second["supplierName"]) == (None, "Corner Shop")
    assert second["notPayable"] == {"amount": 0, "count": 0}
    assert body["aging"][0]["notPayable"] == {"amount": 50, "count": 1}
    assert body["totals"]["notPayableByCurrency"] == [
        {"currency": "EUR", "amount": 50, "count": 1},
        {"currency": "CLF", "amount": 0.0001, "count": 1},
    ]
    assert [entry["currency"] for entry in body["aging"]] == ["EUR"]


def test_a_customers_credit_limit_is_shown_in_its_currency(api: Api) -> None:
    limits = {"EUR": "250.5", "CLF": "1"}
    api.stored(records.customer("C1", credit_limit=limits), *BOOK)
    shown = {row["currency"]: row for row in api.dolfin("/receivables/aging").body["customers"]}
    assert (shown["EUR"]["creditLimit"], shown["EUR"]["creditAvailable"]) == (250.5, 150.49)
    assert (shown["USD"]["creditLimit"], shown["JPY"]["creditAvailable"]) == (None, None)


def test_money_that_has_come_to_nothing_is_on_account_on_the_days_when_it_was(api: Api) -> None:
    """Though what the index shows of the account is folded, and nothing is left of it."""
    taken_back = [
        {"type": "payment", "id": f"P{day}", "customer_id": "C1", "currency": "EUR", "amount": "10"}
        | {"paid_on": f"2020-03-0{day}", "voided_on": f"2020-05-0{day}"}
        for day in range(1, 6)
    ]
    api.stored(records.customer("C1"), *taken_back)
    for day, amount in (("2020-03-02", 20), ("2020-03-31", 50), ("2020-05-02", 30)):
        [row] = api.dolfin("/receivables/aging", asOf=day).body["customers"]
        assert (row["unapplied"], row["net"]) == (amount, -amount)
    assert api.dolfin("/receivables/aging").body["customers"] == []


# --- the oracle -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_a_random_book_is_the_oracles(api: Api, seed: int) -> None:
    created = api.services.organisations().create("Books", "Pacific/Auckland", "USD")
    key = api.services.api_keys().create(created.id)
    book = random_book(seed, 18, organisation=Organisation(created.id, created.timezone, created.currency))
    for moment, sent in arrivals(book):
        api.clock.now = moment
        assert api.record(*sent, key=key).status == 200
    api.clock.now = noon(last_day(book), created.timezone)
    for day in [last_day(book) + timedelta(days=days) for days in (-200, -31, 0, 1, 40)]:
        for path, documents in DOCUMENTS.items():
            asked = {"key": key, "asOf": day.isoformat()}
            found = api.dolfin(path, by="document", **asked).body["documents"]
            assert not differences(documents(book, day), found)
            assert not differences(ORACLES[path](book, day), api.dolfin(path, **asked).body)


# --- pages ----------------------------------------------------------------------------------------------------------


def crowd(size: int) -> list[dict[str, Any]]:
    """So many customers and suppliers with one open document each; many share days and amount."""
    return [
        record
        for n in range(size)
        for record in (
            invoice(
                f"I{n}",
                customer_id=f"C{n}",
                customer_name=f"Customer {n % 7} é",
                total=str(100 + n % 3),
                due_on=f"2020-0{5 + n % 3}-20",
                currency="EUR" if n % 4 else "USD",
            ),
            bill(f"B{n}", supplier_id=f"S{n}", due_on=f"2020-0{5 + n % 3}-20"),
        )
    ]


def pages(api: Api, path: str, limit: int, **query: str) -> list[Any]:
    bodies = [api.dolfin(path, limit=str(limit), **query).body]
    while bodies[-1]["nextCursor"]:
        bodies.append(api.dolfin(path, limit=str(limit), cursor=bodies[-1]["nextCursor"]).body)
    return bodies


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", [1, 7, 17, 18, 1000])
def test_all_pages_together_are_the_whole_list(api: Api, path: str, limit: int) -> None:
    api.stored(*crowd(17))
    for by in (LISTS[path], "document"):
        whole = api.dolfin(path, by=by).body
        found = pages(api, path, limit, by=by)
        assert [row for body in found for row in rows(body)] == rows(whole)
        assert len(rows(whole)) == 17
        for body in found:
            assert len(rows(body)) <= limit
            assert (body["totals"], body["aging"], body["asOf"]) == (whole["totals"], whole["aging"], whole["asOf"])


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_pins_the_day_and_what_there_is_a_row_for(api: Api, path: str) -> None:
    api.stored(*crowd(4))
    for by, other in ((LISTS[path], "document"), ("document", LISTS[path])):
        cursor = api.dolfin(path, limit="2", by=by, asOf="2020-06-10").body["nextCursor"]
        alone, again = api.dolfin(path, cursor=cursor), api.dolfin(path, cursor=cursor, by=by, asOf="2020-06-10")
        assert alone.body == again.body
        assert alone.body["asOf"] == "2020-06-10"
        for query in ({"by": other}, {"asOf": "2020-06-11"}):
            answer = api.dolfin(path, cursor=cursor, **query)
            assert (answer.status, answer.body["code"]) == (400, "invalid_cursor")
    default = api.dolfin(path, limit="2").body["nextCursor"]
    assert api.dolfin(path, cursor=default, by=LISTS[path]).status == 200


def test_a_cursor_of_another_list_is_refused(api: Api) -> None:
    api.stored(*crowd(4))
    cursor = api.dolfin("/receivables/aging", limit="2").body["nextCursor"]
    for path in ("/payables/aging", "/receivables/overdue"):
        answer = api.dolfin(path, cursor=cursor)
        assert (answer.status, answer.body["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize(("path", "by"), [("/receivables/aging", "supplier"), ("/payables/aging", "customer")])
def test_a_row_for_anything_else_is_refused(api: Api, path: str, by: str) -> None:
    for wrong in (by, "", "Document", "invoice"):
        answer = api.dolfin(path, by=wrong)
        assert (answer.status, answer.body["code"], answer.body["parameter"]) == (400, "invalid_parameter", "by")
        assert LISTS[path] in answer.body["detail"]
        assert "document" in answer.body["detail"]
    assert api.dolfin(path, by=["document", "document"]).status == 400
    assert api.dolfin(path, sort="age").body["code"] == "unknown_parameter"


@pytest.mark.parametrize("path", LISTS)
def test_a_key_without_the_scope_is_answered_403(api: Api, path: str) -> None:
    key = api.services.api_keys().create(api.organisation.id, ["ledger:write", "escalations:read"])
    assert api.dolfin(path, key=key).status == 403


@pytest.mark.parametrize(
    ("path", "by", "read"),
    [
        ("/receivables/aging", "customer", 0),
        ("/receivables/aging", "document", 1),
        ("/payables/aging", "supplier", 0),
        ("/payables/aging", "document", 1),
    ],
)
def test_a_page_reads_the_items_of_its_own_rows_only(api: Api, path: str, by: str, read: int) -> None:
    api.stored(*crowd(9))
    api.dolfin(path)
    wanted: list[Any] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        table = params["RequestItems"].get(api.services.settings.ledger_table, {"Keys": []})
        wanted.extend(table["Keys"])

    events = api.services.client.meta.events
    events.register("provide-client-params.dynamodb.BatchGetItem", note)
    assert len(rows(api.dolfin(path, limit="2", by=by).body)) == 2
    events.unregister("provide-client-params.dynamodb.BatchGetItem", note)
    assert len(wanted) == 2 * read


def test_more_rows_than_an_answer_can_have_are_refused_before_they_are_read(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.stored(*crowd(4))
    monkeypatch.setattr(aged_list, "MAX_ROWS", 3)
    monkeypatch.setattr(LedgerStore, "references", None)
    for format in ("json", "csv"):
        answer = api.dolfin("/receivables/aging", by="document", format=format)
        assert (answer.status, answer.body["code"]) == (413, "answer_too_large")
        assert "limit" in answer.body["detail"]
    assert api.dolfin("/receivables/aging", limit="3").status == 200


# --- CSV ------------------------------------------------------------------------------------------------------------


def lines(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize("path", LISTS)
def test_a_line_has_every_member_of_its_row(api: Api, path: str) -> None:
    api.stored(*BOOK)
    for by in (LISTS[path], "document"):
        expected = rows(api.dolfin(path, by=by).body)
        answer = api.dolfin(path, by=by, format="csv")
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        found = lines(answer.text)
        assert len(found) == len(expected) > 1
        for row, line in zip(expected, found, strict=True):
            assert line.keys() == {"asOf", *flat(row)}
            assert line["asOf"] == "2020-06-30"
            assert {name: cell for name, cell in line.items() if name != "asOf"} == flat(row)


def flat(row: dict[str, Any]) -> dict[str, str]:
    """A row as its line has it."""
    found = {}
    for name, value in row.items():
        inside = {f"{name}.{part}": one for part, one in value.items()} if isinstance(value, dict) else {name: value}
        found |= {path: cell(one) for path, one in inside.items()}
    return found


def cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_a_page_of_csv_names_its_next_cursor(api: Api) -> None:
    api.stored(*crowd(3))
    first = api.dolfin("/receivables/aging", limit="2", format="csv", by="document")
    second = api.dolfin("/receivables/aging", cursor=first.headers["X-Next-Cursor"], format="csv")
    assert (len(lines(first.text)), len(lines(second.text))) == (2, 1)
    assert "X-Next-Cursor" not in second.headers


def test_as_of_moves_the_day(api: Api) -> None:
    api.stored(*BOOK)
    for day, days in (("2020-05-30", 0), ("2020-06-01", 1), ("2020-08-01", 62)):
        [row, *_] = api.dolfin("/receivables/aging", asOf=day).body["customers"]
        assert row["daysOverdue"] == days
        assert api.dolfin("/receivables/aging", asOf=day, by="document").body["asOf"] == day
    assert date.fromisoformat(api.dolfin("/receivables/aging").body["asOf"]) == date(2020, 6, 30)
