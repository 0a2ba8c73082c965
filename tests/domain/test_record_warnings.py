"""What looks wrong about a record is said in its result, and stops nothing."""

from datetime import date
from typing import Any

import pytest

from arrears.ledger.duplicates import CODE_LENGTH, REMEMBERED
from support.memory_ledger import MemoryLedger
from support.records import ORGANISATION, bill, credit, customer, dispute, invoice, payment, promise, reminder

TODAY = date(2020, 6, 30)

type Raw = dict[str, Any]


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger(ORGANISATION)


def warned(ledger: MemoryLedger, *records: Raw) -> list[Any]:
    """The warnings of the last record, all of them taken."""
    results = ledger.record(records, TODAY.toordinal())
    assert {result.result for result in results} <= {"created", "updated", "pending", "deleted"}
    return list(results[-1].to_json().get("warnings", ()))


def codes(warnings: list[Any]) -> list[str]:
    return [warning["code"] for warning in warnings]


def test_an_ordinary_record_has_no_warnings(ledger: MemoryLedger) -> None:
    for record in (invoice(), bill(), payment(), credit(), customer(), reminder(), promise(), dispute()):
        result = ledger.record([record], TODAY.toordinal())[0]
        assert "warnings" not in result.to_json()


@pytest.mark.parametrize(
    ("record", "field", "day"),
    [
        (invoice(issued_on="1969-12-31"), "issued_on", "1969-12-31"),
        (invoice(due_on="2030-07-01"), "due_on", "2030-07-01"),
        (bill(scheduled_payment_on="2200-12-31"), "scheduled_payment_on", "2200-12-31"),
        (payment(paid_on="1900-01-01"), "paid_on", "1900-01-01"),
        (reminder(sent_at="2099-01-01T00:00:00Z"), "sent_at", "2099-01-01"),
    ],
)
def test_a_day_long_ago_or_far_ahead_is_noticed(ledger: MemoryLedger, record: Raw, field: str, day: str) -> None:
    assert warned(ledger, record) == [{"code": "date_far_away", "field": field, "date": day}]


def test_usual_days_end_ten_years_ahead(ledger: MemoryLedger) -> None:
    assert warned(ledger, invoice(issued_on="1970-01-01", due_on="2030-06-30")) == []
    leap_day = date(2024, 2, 29).toordinal()
    for day, count in (("2034-03-01", 0), ("2034-03-02", 1)):
        [result] = ledger.record([invoice(due_on=day)], leap_day)
        assert len(result.warnings) == count


def test_a_document_with_too_much_applied_is_noticed_whichever_record_comes_last(ledger: MemoryLedger) -> None:
    expected = {"code": "over_applied", "invoice_id": "I", "currency": "USD", "total": 100, "applied": 100.01}
    assert warned(ledger, invoice(), payment(amount="100")) == []
    assert warned(ledger, credit(amount="0.01")) == [expected]
    assert warned(ledger, payment("Q", amount="-1")) == []
    assert warned(ledger, invoice(total="99")) == [{**expected, "total": 99, "applied": 99.01}]
    assert warned(ledger, bill(), payment("R", bill_id="B", amount="100.5"))[0]["bill_id"] == "B"
    assert warned(ledger, payment("early", invoice_id="J", amount="500")) == []
    assert codes(warned(ledger, invoice("J"))) == ["over_applied"]


def test_a_payment_that_may_be_applied_twice_is_noticed_though_it_is_dated_ahead(ledger: MemoryLedger) -> None:
    assert warned(ledger, invoice(), payment(amount="100")) == []
    assert codes(warned(ledger, payment("again", amount="100", paid_on="2020-08-01"))) == ["over_applied"]


def test_a_document_that_says_the_same_under_another_id_is_noticed(ledger: MemoryLedger) -> None:
    assert warned(ledger, invoice(number="7")) == []
    assert warned(ledger, invoice("J", number="7")) == [
        {
            "code": "possible_duplicate",
            "number": "7",
            "currency": "USD",
            "total": 100,
            "issued_on": "2020-01-01",
        }
    ]
    assert warned(ledger, bill("B", number="7", issued_on=None), bill("C", number="7", issued_on=None)) == [
        {
            "code": "possible_duplicate",
            "number": "7",
            "currency": "USD",
            "total": 100,
            "issued_on": None,
        }
    ]


@pytest.mark.parametrize(
    "other",
    [{"number": "8"}, {"number": None}, {"total": "100.01"}, {"issued_on": "2020-01-02"}, {"customer_id": "D"}],
)
def test_a_document_that_differs_is_no_duplicate(ledger: MemoryLedger, other: Raw) -> None:
    assert warned(ledger, invoice(number="7"), invoice("J", **{"number": "7", **other})) == []


def test_what_is_no_duplicate_any_more_is_none(ledger: MemoryLedger) -> None:
    assert warned(ledger, invoice(number="7"), invoice(number="8"), invoice("J", number="7")) == []
    assert warned(ledger, {"type": "invoice", "id": "J", "deleted": True}, invoice("K", number="7")) == []
    assert codes(warned(ledger, invoice(number="7"))) == ["possible_duplicate"]
    assert codes(warned(ledger, invoice("K", number="7", due_on=None))) == ["possible_duplicate"]
    assert warned(ledger, invoice("K", number="7", customer_id="D"), invoice(number="7", due_on=None)) == []
    assert {account.reference: len(account.latest_documents) for account in ledger.account_states()} == {"C": 6, "D": 6}


def test_an_account_remembers_so_many_of_its_latest_documents(ledger: MemoryLedger) -> None:
    many = [invoice(f"I{number}", number=str(number)) for number in range(REMEMBERED + 1)]
    assert warned(ledger, *many) == []
    assert warned(ledger, invoice("J", number="0")) == []
    assert codes(warned(ledger, invoice("K", number="0"))) == ["possible_duplicate"]
    assert codes(warned(ledger, invoice("L", number=str(REMEMBERED)))) == ["possible_duplicate"]
    [account] = ledger.account_states()
    assert len(account.latest_documents) == REMEMBERED * CODE_LENGTH


def test_a_reminder_of_invoices_that_are_not_known_is_noticed(ledger: MemoryLedger) -> None:
    warnings = warned(ledger, invoice(), reminder(invoice_ids=["I", "typo", "I2"]))
    assert warnings == [{"code": "unknown_invoices", "invoice_ids": ["typo", "I2"]}]
    assert warned(ledger, invoice("I2"), invoice("typo"), reminder("S", invoice_ids=["I", "typo", "I2"])) == []
    assert {document.reference for document in ledger.documents()} == {"I", "I2", "typo"}
