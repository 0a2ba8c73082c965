"""Records taken back: as if they had never been sent, whatever the order of arrival, until a later one comes."""

from datetime import date
from typing import Any

import pytest

from arrears.ledger.ledger_side import Side
from arrears.ledger.records import Rejection, read_record
from support.books import answer
from support.memory_ledger import MemoryLedger
from support.records import ORGANISATION, bill, credit, customer, dispute, invoice, payment, promise, reminder, supplier

TODAY = date(2020, 6, 30)
FIRST, SECOND, THIRD = (f"2020-01-0{day}T00:00:00Z" for day in (1, 2, 3))
EVERY_TYPE = (invoice, bill, payment, credit, customer, supplier, reminder, promise, dispute)

type Raw = dict[str, Any]


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger(ORGANISATION)


def recorded(ledger: MemoryLedger, *records: Raw) -> list[str]:
    return [result.result for result in ledger.record(records, TODAY.toordinal())]


def deleted(record: Raw, **more: Any) -> Raw:
    return {"type": record["type"], "id": record["id"], "deleted": True, **more}


def rows(ledger: MemoryLedger, side: Side = Side.RECEIVABLE) -> list[Raw]:
    accounts = ledger.accounts(side, TODAY.toordinal(), TODAY.toordinal())
    body = answer(accounts, side, TODAY, ORGANISATION)
    return list(body["customers" if side is Side.RECEIVABLE else "suppliers"])


@pytest.mark.parametrize("make", EVERY_TYPE)
def test_a_record_is_deleted_once_and_comes_back_with_a_later_one(ledger: MemoryLedger, make: Any) -> None:
    recorded(ledger, invoice("other"), make(updated_at=SECOND))
    assert recorded(ledger, deleted(make(), updated_at=FIRST)) == ["stale"]
    assert recorded(ledger, deleted(make(), updated_at=SECOND)) == ["deleted"]
    assert recorded(ledger, deleted(make()), deleted(make(), updated_at=THIRD)) == ["unchanged", "unchanged"]
    assert recorded(ledger, deleted(make(), updated_at=SECOND), make(updated_at=SECOND)) == ["stale", "stale"]
    assert recorded(ledger, make(updated_at=THIRD))[0] in ("created", "pending")
    assert recorded(ledger, make(updated_at=THIRD)) == ["unchanged"]


@pytest.mark.parametrize("make", EVERY_TYPE)
def test_a_deletion_that_comes_first_keeps_older_records_out(ledger: MemoryLedger, make: Any) -> None:
    assert recorded(ledger, deleted(make(), updated_at=SECOND)) == ["deleted"]
    assert recorded(ledger, make(updated_at=FIRST)) == ["stale"]
    assert recorded(ledger, make())[0] in ("created", "pending")


@pytest.mark.parametrize("make", EVERY_TYPE)
def test_a_deletion_without_a_moment_counts_by_its_arrival(ledger: MemoryLedger, make: Any) -> None:
    assert recorded(ledger, deleted(make())) == ["deleted"]
    assert recorded(ledger, make(updated_at=FIRST))[0] in ("created", "pending")
    assert recorded(ledger, deleted(make())) == ["deleted"]


@pytest.mark.parametrize(
    ("raw", "field", "reason"),
    [
        ({"type": "invoice", "id": "I", "deleted": "true"}, "deleted", "must be true or false"),
        ({"type": "invoice", "id": "I", "deleted": 1}, "deleted", "must be true or false"),
        ({"type": "supplier", "id": "I", "deleted": False}, "name", "is required"),
        ({"type": "invoice", "id": "I", "deleted": True, "total": "1"}, "total", "is not a field"),
        ({"type": "invoice", "deleted": True}, "id", "is required"),
        ({"type": "order", "id": "I", "deleted": True}, "type", "must be one of"),
    ],
)
def test_a_deletion_says_which_record_and_nothing_else(raw: Raw, field: str, reason: str) -> None:
    refused = read_record(raw)
    assert isinstance(refused, Rejection)
    assert refused.field == field
    assert reason in refused.reason


def test_a_record_may_say_that_it_is_not_deleted(ledger: MemoryLedger) -> None:
    assert recorded(ledger, {**invoice(), "deleted": None}, {**bill(), "deleted": False}) == ["created", "created"]


def test_what_was_applied_to_a_deleted_document_waits_for_its_return(ledger: MemoryLedger) -> None:
    recorded(ledger, invoice(), payment())
    assert rows(ledger)[0]["totalOverdue"] == 60
    assert recorded(ledger, deleted(invoice())) == ["deleted"]
    assert rows(ledger) == []
    assert recorded(ledger, credit(), dispute(opened_on="2020-06-30", amount="5")) == ["pending", "pending"]
    recorded(ledger, invoice(customer_id="C2", total="200"))
    [row] = rows(ledger)
    assert (row["customerName"], row["totalOverdue"], len(row["disputedInvoiceIds"])) == ("C2", 150, 1)


def test_a_deleted_payment_credit_or_dispute_leaves_its_document(ledger: MemoryLedger) -> None:
    recorded(ledger, invoice(), payment(), credit(), dispute())
    recorded(ledger, deleted(payment()), deleted(credit()), deleted(dispute()))
    [row] = rows(ledger)
    assert (row["totalOverdue"], row["disputedInvoiceIds"]) == (100, [])
    recorded(ledger, invoice("J"), payment(invoice_id="J"))
    assert [document.parts.keys() for document in ledger.documents() if document.reference == "J"] == [{"payment:P"}]


def test_a_deleted_reminder_or_promise_leaves_its_customer(ledger: MemoryLedger) -> None:
    recorded(ledger, invoice(), reminder(sent_at="2020-06-29T12:00:00Z"), promise())
    assert rows(ledger)[0]["suggestedAction"] == "call_or_escalate"
    recorded(ledger, deleted(reminder()), deleted(promise()))
    [row] = rows(ledger)
    assert (row["lastReminderSentAt"], [reason["code"] for reason in row["reasons"]]) == (None, ["days_overdue"])


def test_a_deleted_customer_releases_its_name_number_and_external_id(ledger: MemoryLedger) -> None:
    recorded(ledger, invoice(customer_name="Ada & Co"), customer(account_number="N", external_id="X"), reminder())
    assert recorded(ledger, deleted(customer())) == ["deleted"]
    [row] = rows(ledger)
    assert (row["customerName"], row["lastReminderSentAt"]) == ("Ada & Co", "2020-06-20T12:00:00Z")
    assert (ledger.numbers, ledger.externals) == ({}, set())
    assert recorded(ledger, customer("C2", account_number="N")) == ["created"]
    assert recorded(ledger, customer(account_number="N")) == ["rejected"]


def test_a_deleted_customer_goes_by_its_latest_document_even_if_that_was_forgotten(ledger: MemoryLedger) -> None:
    recorded(ledger, customer())
    for number in range(1, 8):
        recorded(ledger, invoice(f"N{number}", issued_on=f"2020-01-1{number}", customer_name=f"Name {number}"))
    for number in range(7, 2, -1):
        recorded(ledger, invoice(f"N{number}", issued_on=f"2020-01-1{number}"))
    recorded(ledger, deleted(customer()))
    assert ledger.account_states()[0].display_name() == "Name 2"


def test_states_of_a_bill_sent_before_its_deletion_never_count(ledger: MemoryLedger) -> None:
    """Whether the deletion comes before the bill's return, after it, or before what it takes back."""
    early = bill(state="Voided", state_on="2020-02-01", updated_at=FIRST)
    late = bill(state="Approved", state_on="2020-01-01", updated_at=THIRD)
    taken_back = deleted(bill(), updated_at=SECOND)
    for records in ((early, taken_back, late), (early, late, taken_back), (taken_back, late, early)):
        one = MemoryLedger(ORGANISATION)
        recorded(one, *records)
        assert [entry.state for entry in one.documents()[0].states] == ["Approved"]
        assert rows(one, Side.PAYABLE)[0]["totalOverdue"] == 100
