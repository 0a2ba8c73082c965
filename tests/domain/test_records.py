"""Records as callers write them: what is taken, what is refused, and how that is said."""

import string
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.ledger.records import Rejection, content, read_record
from support.records import (
    allocation,
    bill,
    credit,
    credit_on_account,
    customer,
    dispute,
    invoice,
    payment,
    payment_on_account,
    promise,
    reminder,
    supplier,
)

EVERY_TYPE = (
    *(invoice, bill, payment, credit, payment_on_account, credit_on_account, allocation),
    *(customer, supplier, reminder, promise, dispute),
)


@pytest.mark.parametrize("make", EVERY_TYPE)
def test_each_type_is_taken(make: Any) -> None:
    assert not isinstance(read_record(make()), Rejection)


@pytest.mark.parametrize(
    ("raw", "field", "reason"),
    [
        (None, None, "is not an object"),
        ([], None, "is not an object"),
        ({}, "type", "must be one of"),
        ({"type": ["invoice"]}, "type", "must be one of"),
        (invoice(type="order"), "type", "must be one of customer, supplier"),
        (invoice(id=None) | {}, "id", "is required"),
        (invoice(id=""), "id", "visible"),
        (invoice(id="a\nb"), "id", "control"),
        (invoice(id="x" * 201), "id", "at most 200"),
        (invoice(id=7), "id", "must be text"),
        (invoice(id="\ud800"), "id", "text"),
        (invoice(customer_id=None), "customer_id", "is required"),
        (invoice(currency="usd"), "currency", "is not a currency"),
        (invoice(currency="XXX"), "currency", "is not a currency"),
        (invoice(currency=None), "currency", "is required"),
        (invoice(total="ten"), "total", "is not an amount"),
        (invoice(total="NaN"), "total", "finite"),
        (invoice(total="1.001"), "total", "more decimals than USD has (2)"),
        (invoice(total=Decimal("0.5"), currency="JPY"), "total", "more decimals than JPY has (0)"),
        (invoice(total="-1"), "total", "below zero"),
        (invoice(total=True), "total", "must be an amount"),
        (invoice(total=0.1), "total", "must be an amount"),
        (invoice(total="1" + "0" * 24), "total", "digits"),
        (invoice(taxable_amount="0.001"), "taxable_amount", "more decimals"),
        (invoice(issued_on="2026-02-30"), "issued_on", "is not a real date"),
        (invoice(issued_on="30.06.2020"), "issued_on", "YYYY-MM-DD"),
        (invoice(issued_on=20200630), "issued_on", "YYYY-MM-DD"),
        (invoice(due_on=""), "due_on", "YYYY-MM-DD"),
        (invoice(status="paid"), "status", "draft"),
        (invoice(payment_status="succeeded"), "payment_status", "pending"),
        (invoice(pdf_available="true"), "pdf_available", "must be true or false"),
        (invoice(amount="1"), "amount", "is not a field"),
        (invoice(lines={}), "lines", "must be a list"),
        (invoice(lines=[{"id": "1"}]), "lines.0.name", "is required"),
        (invoice(number="x" * 501), "number", "at most 500"),
        (invoice(customer_name="A\x1b]52;c;eA==\x07"), "customer_name", "control character"),
        (invoice(number="1\x9b2J"), "number", "control character"),
        ({"type": "supplier", "id": "1", "name": "S\x00"}, "name", "control character"),
        (invoice(updated_at="2020-06-30"), "updated_at", "RFC 3339"),
        (invoice(updated_at="2020-06-30T12:00:00"), "updated_at", "offset"),
        (invoice(updated_at="2020-06-31T12:00:00Z"), "updated_at", "real moment"),
        (invoice(updated_at="0001-01-01T00:00:00Z"), "updated_at", "years 2 to 9998"),
        (invoice(issued_on="1899-12-31"), "issued_on", "years 1900 to 2200"),
        (invoice(due_on="2201-01-01"), "due_on", "years 1900 to 2200"),
        (invoice(due_on="0001-01-01"), "due_on", "years 1900 to 2200"),
        (bill(state="Open"), "state", "is not a bill state"),
        (bill(state=None), "state", "is required"),
        (payment(invoice_id=None), None, "give one of invoice_id, bill_id"),
        (payment(bill_id="B", invoice_id="I"), None, "give one of invoice_id, bill_id"),
        (payment(customer_id="C", currency="USD"), None, "give one of invoice_id, bill_id"),
        (payment(invoice_id=None, customer_id="C"), None, "currency is required for money on account"),
        (payment(currency="USD"), None, "a document has its own"),
        (payment_on_account(currency="JPY", amount="1.5"), "amount", "more decimals than JPY has"),
        (credit_on_account(kind="write_off"), None, "a write-off is of a document"),
        (allocation(amount="0"), "amount", "above zero"),
        (allocation(amount="-1"), "amount", "above zero"),
        (allocation(credit_id="CR", payment_id="A"), None, "either payment_id or credit_id"),
        (allocation(payment_id=None), None, "either payment_id or credit_id"),
        (allocation(bill_id="B", invoice_id="I"), None, "either invoice_id or bill_id"),
        (payment(amount=None), "amount", "is required"),
        (payment(paid_on=None), "paid_on", "is required"),
        (payment(kind="write_off"), "kind", "is not a field"),
        (credit(kind="gift"), "kind", "credit_note"),
        (reminder(sent_at="2020-06-30"), "sent_at", "RFC 3339"),
        (reminder(sent_at="9999-12-31T23:59:59Z"), "sent_at", "years 2 to 9998"),
        (reminder(sent_at="1899-12-31T23:59:59Z"), "sent_at", "years 1900 to 2200"),
        (reminder(invoice_ids=["I"] * 101), "invoice_ids", "at most 100"),
        (reminder(invoice_ids=[""]), "invoice_ids.0", "visible"),
        (promise(promised_on="2020-04-30"), None, "before made_on"),
        (promise(amount="0.001"), "amount", "more decimals"),
        (dispute(resolved_on="2020-03-31"), None, "before opened_on"),
        (dispute(outcome="draw"), "outcome", "won"),
        (dispute(amount="0"), "amount", "above zero"),
        (dispute(invoice_id=None), None, "either invoice_id or bill_id"),
        (dispute(bill_id="B", invoice_id="I"), None, "either invoice_id or bill_id"),
        (customer(name=""), "name", "must not be empty"),
        (supplier(name=None), "name", "is required"),
        (customer(language="de_DE"), "language", "language tag of BCP 47"),
        (customer(language="German, please"), "language", "language tag of BCP 47"),
        (customer(credit_limit="5000"), "credit_limit", "must be an object of currencies and amounts"),
        (customer(credit_limit={"EUR": "much"}), "credit_limit.EUR", "is not an amount"),
        (customer(credit_limit={"eur": "1"}), "credit_limit", "not a currency"),
        (customer(credit_limit={"EUR": "-1"}), "credit_limit", "is below zero in EUR"),
        (customer(credit_limit={"JPY": "0.5"}), "credit_limit", "more decimals than JPY has (0)"),
        (customer(address="A\x1b[2J"), "address", "control character"),
        (payment(reference="x" * 501), "reference", "at most 500"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_field_and_reason(raw: Any, field: str | None, reason: str) -> None:
    refused = read_record(raw)
    assert isinstance(refused, Rejection)
    assert refused.field == field
    assert reason in refused.reason


def line(**changes: Any) -> dict[str, Any]:
    return {"id": "1", "name": "Work", "quantity": "2.5", "unit_price": "0.00125", "amount": "1", **changes}


def test_prices_may_be_finer_than_the_currency_but_not_a_lines_amounts() -> None:
    assert not isinstance(read_record(invoice(lines=[line()])), Rejection)
    refused = read_record(invoice(lines=[line(), line(tax_amount="0.001")]))
    assert isinstance(refused, Rejection)
    assert (refused.field, refused.reason) == ("lines", "line 2: tax_amount has more decimals than USD has")


def test_an_amount_never_takes_more_room_than_its_digits() -> None:
    """1E-9999999 is short to write and ten million characters long."""
    refused = read_record(invoice(lines=[line(quantity=Decimal("1E-9999999"))]))
    assert isinstance(refused, Rejection)
    assert refused.field == "lines.0.quantity"


def test_lines_that_no_item_can_hold_are_refused() -> None:
    few = [line(name="é" * 500)] * 200
    assert not isinstance(read_record(invoice(lines=few)), Rejection)
    refused = read_record(invoice(lines=few * 2))
    assert isinstance(refused, Rejection)
    assert (refused.field, refused.reason) == ("lines", "take more than 300,000 bytes together")


def test_what_is_said_is_the_same_however_it_is_written() -> None:
    plain = read_record(invoice(total="100"))
    for same in ("100.00", 100, Decimal("1E2"), "100.0"):
        other = read_record(invoice(total=same, number="", due_on="2020-02-01"))
        assert not isinstance(plain, Rejection)
        assert not isinstance(other, Rejection)
        assert content(plain) == content(other)


def test_what_a_customer_and_its_money_say_is_kept() -> None:
    limit = {"USD": "500.50", "EUR": 0}
    said = customer(email="a@b.example", address="1 Road\nTown", language="en-GB", credit_limit=limit)
    kept = {"name": "Ada", "email": "a@b.example", "address": "1 Road\nTown", "language": "en-GB"}
    assert _content(said) == {**kept, "credit_limit": {"EUR": "0", "USD": "500.5"}}
    assert _content(customer(email="", language="", credit_limit={})) == {"name": "Ada"}
    paid = _content(payment(method="transfer", reference="Invoice 7"))
    assert (paid["method"], paid["reference"]) == ("transfer", "Invoice 7")
    assert _content(credit(number="CN-7"))["number"] == "CN-7"


def _content(raw: dict[str, Any]) -> dict[str, Any]:
    record = read_record(raw)
    assert not isinstance(record, Rejection)
    return content(record)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2020-06-30T12:00:00Z", "2020-06-30T12:00:00.000000Z"),
        ("2020-06-30t12:00:00.25+05:45", "2020-06-30T06:15:00.250000Z"),
        ("2020-06-30 23:59:59.1234567-00:30", "2020-07-01T00:29:59.123456Z"),
    ],
)
def test_moments_are_kept_in_one_form_that_sorts(written: str, kept: str) -> None:
    record = read_record(reminder(sent_at=written))
    assert not isinstance(record, Rejection)
    assert content(record)["sent_at"] == kept


fields = sorted({name for make in EVERY_TYPE for name in make()} | {"lines", "kind", "voided_on", "status"})
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text() | st.sampled_from(["2020-01-01", "1", "USD"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(string.ascii_lowercase), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200)
@given(
    raw=st.one_of([st.just(make()) for make in EVERY_TYPE]),
    changes=st.dictionaries(st.sampled_from(fields) | st.text(), values, max_size=3),
)
def test_anything_is_taken_or_refused_with_a_sentence(raw: dict[str, Any], changes: dict[str, Any]) -> None:
    result = read_record({**raw, **changes})
    if isinstance(result, Rejection):
        assert result.reason
    else:
        content(result)
