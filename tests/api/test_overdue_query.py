"""Overdue reports with filters, in another order, and with the documents of each row."""

import csv
import io
from typing import Any

import pytest

from api.conftest import Answer, Api, check, invoice
from api.test_dolfin import bill, refused
from arrears.api import overdue_query
from arrears.ledger.ids import outward_id
from support import records

UUID = "3F2504E0-4F89-41D3-9A0C-0305E82C3301"
RECEIVABLE, PAYABLE = "/receivables/overdue", "/payables/overdue"
ROWS = {RECEIVABLE: "customers", PAYABLE: "suppliers"}
BOOK = [
    records.customer("C1", name="Ann"),
    invoice("I1", number="2020-1", total="150.25", issued_on="2020-03-01", due_on="2020-03-31"),
    invoice("I2", due_on="2020-06-10"),
    invoice("I3", currency="USD", total="7"),
    invoice("I4", due_on="2020-07-31"),
    records.payment("P1", invoice_id="I1", amount="50", paid_on="2020-06-01"),
    records.dispute("D1", invoice_id="I2", opened_on="2020-06-12"),
    invoice("I5", customer_id="C2", customer_name="Bob", total="999", due_on="2020-06-20"),
    records.reminder("R1", customer_id="C2", sent_at="2020-06-28T08:00:00Z"),
    invoice("I6", customer_id=UUID, customer_name="Cyd", total="100", due_on="2020-06-20"),
    bill("B1", number="S-1", state="Scheduled", state_on="2020-06-01", scheduled_payment_on="2020-07-03"),
    bill("B2", due_on="2020-06-28", supplier_id="S2", total="40"),
    bill("B3", supplier_id=None, supplier_name="Corner Shop", state="PaymentFailed", due_on="2020-06-20"),
    bill("B4", supplier_id="S2", currency="JPY", total=7),
]


@pytest.fixture
def book(api: Api) -> Api:
    api.stored(*BOOK)
    return api


def rows(answer: Answer, path: str = RECEIVABLE) -> list[dict[str, Any]]:
    assert answer.status == 200, answer.text
    check(f"dolfin_{path.split('/')[1]}_overdue", answer.body)
    found: list[dict[str, Any]] = answer.body[ROWS[path]]
    return found


def shown(answer: Answer, path: str = RECEIVABLE) -> list[tuple[str, str]]:
    return [(row[f"{ROWS[path][:-1]}Name"], row["currency"]) for row in rows(answer, path)]


# --- Filters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"customerId": "C1"}, [("Ann", "EUR"), ("Ann", "USD")]),
        ({"customerId": UUID}, [("Cyd", "EUR")]),
        ({"customerId": UUID.lower()}, [("Cyd", "EUR")]),
        ({"currency": "USD"}, [("Ann", "USD")]),
        ({"currency": "usd"}, [("Ann", "USD")]),
        ({"currency": "GBP"}, []),
        ({"tier": "escalation"}, [("Ann", "EUR")]),
        ({"tier": "gentle"}, [("Bob", "EUR"), ("Cyd", "EUR")]),
        ({"action": "wait"}, [("Bob", "EUR")]),
        ({"action": "send_reminder"}, [("Cyd", "EUR"), ("Ann", "USD")]),
        ({"customerId": "C1", "currency": "EUR", "tier": "escalation", "action": "call_or_escalate"}, [("Ann", "EUR")]),
        ({"customerId": "C2", "action": "send_reminder"}, []),
    ],
)
def test_receivables_are_filtered(book: Api, query: dict[str, str], expected: list[tuple[str, str]]) -> None:
    assert shown(book.dolfin(**query)) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"supplierId": "S2"}, [("S2", "EUR"), ("S2", "JPY")]),
        ({"currency": "EUR", "urgency": "low"}, [("S2", "EUR")]),
        ({"urgency": "medium"}, [("S1", "EUR"), ("Corner Shop", "EUR"), ("S2", "JPY")]),
        ({"action": "wait"}, [("S1", "EUR")]),
        ({"action": "confirm_or_reschedule"}, [("Corner Shop", "EUR")]),
        ({"action": "schedule_payment"}, [("S2", "EUR"), ("S2", "JPY")]),
        ({"supplierId": "Corner Shop"}, []),
    ],
)
def test_payables_are_filtered(book: Api, query: dict[str, str], expected: list[tuple[str, str]]) -> None:
    assert shown(book.dolfin(PAYABLE, **query), PAYABLE) == expected


def test_the_outward_id_is_taken_too(book: Api) -> None:
    own = outward_id(book.organisation.id, "customer", "C1")
    assert rows(book.dolfin(customerId=own)) == rows(book.dolfin(customerId="C1"))
    assert rows(book.dolfin(customerId=own))[0]["customerReference"] == "C1"
    supplier = outward_id(book.organisation.id, "supplier", "S2")
    assert shown(book.dolfin(PAYABLE, supplierId=supplier), PAYABLE) == [("S2", "EUR"), ("S2", "JPY")]


@pytest.mark.parametrize("unknown", ["nobody", "", "x" * 5000, "3f2504e0-4f89-41d3-9a0c-0305e82c3302", "S2", "é\0"])
def test_an_unknown_id_is_answered_with_an_empty_list(book: Api, unknown: str) -> None:
    body = book.dolfin(customerId=unknown).body
    assert (body["customers"], body["nextCursor"]) == ([], None)
    assert body["filtered"] == {
        "customerCount": 0,
        "invoiceCount": 0,
        "overdueByCurrency": [],
        "unappliedByCurrency": [],
    }
    assert body["totals"] == book.dolfin().body["totals"]


def test_totals_and_aging_stay_those_of_the_book_and_filtered_has_those_of_the_filter(book: Api) -> None:
    whole, body = book.dolfin().body, book.dolfin(customerId="C1").body
    assert "filtered" not in whole
    assert (body["totals"], body["aging"]) == (whole["totals"], whole["aging"])
    assert body["filtered"] == {
        "customerCount": 1,
        "invoiceCount": 3,
        "overdueByCurrency": [
            {"currency": "EUR", "amount": 200.25, "count": 2},
            {"currency": "USD", "amount": 7, "count": 1},
        ],
        "unappliedByCurrency": [],
    }
    assert body["filtered"].keys() == whole["totals"].keys()
    suppliers = book.dolfin(PAYABLE, action="wait").body
    assert suppliers["filtered"] == {
        "supplierCount": 1,
        "billCount": 1,
        "overdueByCurrency": [{"currency": "EUR", "amount": 100, "count": 1}],
        "unappliedByCurrency": [],
    }
    assert suppliers["filtered"].keys() == suppliers["totals"].keys()


def test_filtered_covers_all_pages(book: Api) -> None:
    first = book.dolfin(currency="EUR", limit="1").body
    assert len(first["customers"]) == 1
    assert first["filtered"]["customerCount"] == 3
    assert book.dolfin(currency="EUR", limit="1", cursor=first["nextCursor"]).body["filtered"] == first["filtered"]


def test_a_filter_is_about_the_day_that_is_asked_for(book: Api) -> None:
    assert shown(book.dolfin(asOf="2020-04-14", tier="gentle")) == [("Ann", "EUR")]
    assert shown(book.dolfin(asOf="2020-04-15", tier="gentle")) == []


@pytest.mark.parametrize(
    ("path", "name", "value", "allowed"),
    [
        (RECEIVABLE, "tier", "Gentle", "gentle, firm, final, escalation"),
        (RECEIVABLE, "tier", "", "gentle, firm, final, escalation"),
        (PAYABLE, "urgency", "gentle", "low, medium, high, critical"),
        (RECEIVABLE, "action", "schedule_payment", "wait, send_reminder, call_or_escalate"),
        (PAYABLE, "action", "send_reminder", "wait, schedule_payment, confirm_or_reschedule"),
        (RECEIVABLE, "sort", "name", "age, amount"),
        (PAYABLE, "sort", "priority", "age, amount"),
        (RECEIVABLE, "include", "bills", "invoices"),
        (PAYABLE, "include", "invoices", "bills"),
        (PAYABLE, "include", "", "bills"),
        (RECEIVABLE, "currency", "EURO", "EUR"),
        (RECEIVABLE, "currency", "", "EUR"),
        (RECEIVABLE, "customerId", "\ud800", "UTF-8"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_those_that_can(
    api: Api, path: str, name: str, value: str, allowed: str
) -> None:
    problem = refused(api.dolfin(path, **{name: value}), 400, "invalid_parameter")
    assert problem["parameter"] == name
    assert problem["detail"].startswith(f"{name} is not ")
    assert allowed in problem["detail"]


@pytest.mark.parametrize(
    ("path", "name"), [(RECEIVABLE, "supplierId"), (RECEIVABLE, "urgency"), (PAYABLE, "customerId"), (PAYABLE, "tier")]
)
def test_parameters_of_the_other_side_are_not_known(api: Api, path: str, name: str) -> None:
    refused(api.dolfin(path, **{name: "low"}), 400, "unknown_parameter")


@pytest.mark.parametrize("name", ["customerId", "currency", "tier", "action", "sort", "include"])
def test_nothing_is_asked_for_twice(api: Api, name: str) -> None:
    values = {"tier": "firm", "action": "wait", "sort": "age", "include": "invoices"}
    refused(api.dolfin(**{name: [values.get(name, "EUR")] * 2}), 400, "invalid_parameter")


@pytest.mark.parametrize(
    ("query", "most"), [({"customerId": "C1"}, 2), ({"currency": "USD"}, 1), ({"tier": "firm"}, 1)]
)
def test_a_filter_works_out_no_row_that_it_does_not_show(
    book: Api, monkeypatch: pytest.MonkeyPatch, query: dict[str, str], most: int
) -> None:
    book.dolfin()
    module = book.function("receivables_overdue")
    worked_out = []
    original = module.customer_row

    def counted(reference: Any, *more: Any) -> Any:
        worked_out.append(reference)
        return original(reference, *more)

    monkeypatch.setattr(module, "customer_row", counted)
    assert len(rows(book.dolfin(**query))) == len(worked_out) == most


# --- Order ----------------------------------------------------------------------------------------------------------


def test_by_amount_the_largest_comes_first_inside_a_currency(book: Api) -> None:
    assert shown(book.dolfin()) == [("Ann", "EUR"), ("Bob", "EUR"), ("Cyd", "EUR"), ("Ann", "USD")]
    assert book.dolfin(sort="age").body == book.dolfin().body
    by_amount = book.dolfin(sort="amount")
    assert shown(by_amount) == [("Bob", "EUR"), ("Ann", "EUR"), ("Cyd", "EUR"), ("Ann", "USD")]
    assert "filtered" not in by_amount.body
    assert shown(book.dolfin(PAYABLE, sort="amount"), PAYABLE) == [
        ("S1", "EUR"),
        ("Corner Shop", "EUR"),
        ("S2", "EUR"),
        ("S2", "JPY"),
    ]


# --- Cursors --------------------------------------------------------------------------------------------------------


def crowd(size: int) -> list[dict[str, Any]]:
    """Customers with an overdue invoice each; many share days and amount."""
    return [
        invoice(
            f"I{n}",
            customer_id=f"C{n}",
            total=str(100 + n % 3),
            due_on=f"2020-06-{10 + n % 4}",
            currency="EUR" if n % 4 else "USD",
        )
        for n in range(size)
    ]


ASKED: list[dict[str, str]] = [
    {"sort": "amount"},
    {"currency": "EUR"},
    {"currency": "EUR", "sort": "amount", "tier": "firm"},
    {"action": "send_reminder", "include": "invoices"},
]


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("repeated", [True, False])
def test_pages_go_on_with_what_the_cursor_pins(api: Api, asked: dict[str, str], repeated: bool) -> None:
    """Like asOf, the other parameters may be sent again or left out."""
    api.stored(*crowd(23))
    whole = rows(api.dolfin(**asked))
    found, cursor = [], {}
    while True:
        again = asked if repeated or not cursor else {}
        body = api.dolfin(limit="4", **again, **cursor).body
        found += body["customers"]
        if body["nextCursor"] is None:
            break
        cursor = {"cursor": body["nextCursor"]}
    assert found == whole
    assert len(whole) > 4


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"sort": "amount"}, {"sort": "age"}),
        ({}, {"sort": "amount"}),
        ({}, {"currency": "EUR"}),
        ({"currency": "EUR"}, {"currency": "USD"}),
        ({"currency": "EUR"}, {"currency": "EUR", "tier": "firm"}),
        ({"tier": "firm"}, {"tier": "gentle"}),
        ({"action": "send_reminder"}, {"action": "wait"}),
        ({}, {"customerId": "C1"}),
        ({}, {"include": "invoices"}),
    ],
)
def test_a_cursor_is_not_taken_with_others(api: Api, first: dict[str, str], second: dict[str, str]) -> None:
    api.stored(*crowd(23))
    cursor = api.dolfin(limit="1", **first).body["nextCursor"]
    assert refused(api.dolfin(limit="1", cursor=cursor, **second), 400, "invalid_cursor")["parameter"] == "cursor"


def test_a_value_written_otherwise_is_the_same_to_a_cursor(api: Api) -> None:
    api.stored(*crowd(23), invoice("J", customer_id="C1", currency="USD"))
    cursor = api.dolfin(limit="1", currency="eur", sort="age").body["nextCursor"]
    assert api.dolfin(limit="1", currency="EUR", cursor=cursor).status == 200
    cursor = api.dolfin(limit="1", customerId="C1").body["nextCursor"]
    own = outward_id(api.organisation.id, "customer", "C1")
    assert shown(api.dolfin(customerId=own, cursor=cursor)) == [("C1", "USD")]


# --- Documents ------------------------------------------------------------------------------------------------------


def test_rows_include_their_overdue_invoices(book: Api) -> None:
    found = rows(book.dolfin(include="invoices"))
    assert [row["invoiceIds"] for row in found] == [[one["invoiceId"] for one in row["invoices"]] for row in found]
    assert found[0]["invoices"] == [
        {
            "invoiceId": outward_id(book.organisation.id, "invoice", "I1"),
            "invoiceReference": "I1",
            "invoiceNumber": "2020-1",
            "issuedOn": "2020-03-01",
            "dueDate": "2020-03-31",
            "totalAmount": 150.25,
            "outstanding": 100.25,
            "daysOverdue": 91,
            "disputed": False,
            "disputedAmount": 0,
            "state": None,
        },
        {
            "invoiceId": outward_id(book.organisation.id, "invoice", "I2"),
            "invoiceReference": "I2",
            "invoiceNumber": None,
            "issuedOn": "2020-05-01",
            "dueDate": "2020-06-10",
            "totalAmount": 100,
            "outstanding": 100,
            "daysOverdue": 20,
            "disputed": True,
            "disputedAmount": 100,
            "state": None,
        },
    ]


def test_rows_include_their_overdue_bills_with_their_states(book: Api) -> None:
    found = rows(book.dolfin(PAYABLE, include="bills"), PAYABLE)
    assert [(row["supplierName"], [bill["state"] for bill in row["bills"]]) for row in found] == [
        ("S1", ["Scheduled"]),
        ("Corner Shop", ["PaymentFailed"]),
        ("S2", ["Approved"]),
        ("S2", ["Approved"]),
    ]
    assert [row["bills"][0]["billReference"] for row in found] == ["B1", "B3", "B2", "B4"]
    assert [row["bills"][0]["totalAmount"] for row in found] == [100, 100, 40, 7]
    assert found[0]["billIds"] == [found[0]["bills"][0]["billId"]]


@pytest.mark.parametrize("day", ["2020-05-31", "2020-06-11", "2021-01-01"])
def test_included_documents_are_as_of_the_day_and_add_up_to_their_row(book: Api, day: str) -> None:
    for row in rows(book.dolfin(asOf=day, include="invoices")):
        assert sum(one["outstanding"] for one in row["invoices"]) == pytest.approx(row["totalOverdue"])
        assert max(one["daysOverdue"] for one in row["invoices"]) == row["oldestInvoice"]["daysOverdue"]
        disputed = [one["invoiceId"] for one in row["invoices"] if one["disputed"]]
        assert disputed == row["disputedInvoiceIds"]


def test_a_document_disputed_in_part_shows_the_part(api: Api) -> None:
    api.stored(invoice("I1"), records.dispute("D1", invoice_id="I1", opened_on="2020-06-01", amount="30.50"))
    [row] = rows(api.dolfin(include="invoices"))
    assert [(one["disputed"], one["disputedAmount"], one["outstanding"]) for one in row["invoices"]] == [
        (True, 30.5, 100)
    ]


def test_without_include_the_answer_is_the_same_but_for_its_documents(book: Api) -> None:
    for path, include in ((RECEIVABLE, "invoices"), (PAYABLE, "bills")):
        included, plain = book.dolfin(path, include=include).body, book.dolfin(path).body
        for row in included[ROWS[path]]:
            del row[include]
        assert included == plain


def test_only_the_documents_of_the_page_are_read(book: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    original = book.services.ledger.references

    def counted(organisation: Any, side: Any, documents: list[str]) -> Any:
        asked.append(documents)
        return original(organisation, side, documents)

    monkeypatch.setattr(type(book.services.ledger), "references", lambda _, *arguments: counted(*arguments))
    [row] = rows(book.dolfin(include="invoices", limit="1"))
    assert asked == [row["invoiceIds"]]
    assert book.dolfin(limit="1").status == 200
    assert len(asked) == 1


def test_more_documents_than_an_answer_has_are_refused(book: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overdue_query, "MAX_DOCUMENTS", 2)
    problem = refused(book.dolfin(include="invoices"), 413, "answer_too_large")
    assert "limit" in problem["detail"]
    assert book.dolfin(include="invoices", limit="1").status == 200
    assert book.dolfin().status == 200


def test_csv_with_documents_has_a_line_for_each(book: Api) -> None:
    for path, include, kind in ((RECEIVABLE, "invoices", "invoice"), (PAYABLE, "bills", "bill")):
        body = book.dolfin(path, include=include).body
        text = book.dolfin(path, include=include, format="csv").text
        found = list(csv.DictReader(io.StringIO(text, newline="")))
        expected = [(row, one) for row in body[ROWS[path]] for one in row[include]]
        assert len(found) == len(expected)
        for line, (row, one) in zip(found, expected, strict=True):
            assert line["asOf"] == body["asOf"]
            assert line["suggestedAction"] == row["suggestedAction"]
            assert line[f"{kind}Reference"] == one[f"{kind}Reference"]
            assert line["outstanding"] == str(one["outstanding"])
            assert {name for name, cell in one.items() if cell is not None} <= line.keys()
            assert line["disputed"] == str(one["disputed"]).lower()
        header = book.dolfin(path, include=include, format="csv", currency="GBP").text
        assert header == text.partition("\n")[0] + "\n"


def test_csv_is_filtered_and_sorted_like_json(book: Api) -> None:
    text = book.dolfin(format="csv", sort="amount", currency="EUR").text
    assert [line["customerName"] for line in csv.DictReader(io.StringIO(text))] == ["Bob", "Ann", "Cyd"]
