"""What to do about a supplier without ever paying twice."""

from datetime import date, timedelta
from typing import Any

import pytest

from arrears.ledger.dated_document import BILL_STATES, PAYABLE_STATES
from arrears.ledger.ids import outward_id
from arrears.ledger.ledger_side import Side
from support.books import answer
from support.memory_ledger import MemoryLedger
from support.records import ORGANISATION, bill, dispute, payment, supplier

TODAY = date(2020, 6, 30)


def ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


def body_of(*records: Any, day: date = TODAY) -> dict[str, Any]:
    ledger = MemoryLedger(ORGANISATION)
    assert "rejected" not in {result.result for result in ledger.record(records, TODAY.toordinal())}
    accounts = ledger.accounts(Side.PAYABLE, day.toordinal(), TODAY.toordinal())
    return answer(accounts, Side.PAYABLE, day, ORGANISATION)


def row_of(*records: Any, day: date = TODAY) -> dict[str, Any]:
    (row,) = body_of(*records, day=day)["suppliers"]
    return row


def late(id: str = "B", days: int = 10, **more: Any) -> dict[str, Any]:
    return bill(id, due_on=ago(days), issued_on=ago(days + 30), **more)


def ids(*names: str) -> list[str]:
    return [outward_id(ORGANISATION.id, "bill", name) for name in names]


@pytest.mark.parametrize("state", sorted(BILL_STATES))
def test_a_bill_counts_while_its_state_is_payable(state: str) -> None:
    body = body_of(late(state=state, state_on=ago(1)))
    assert bool(body["suppliers"]) == bool(body["aging"]) == (state in PAYABLE_STATES)


def test_a_supplier_with_an_approved_bill_is_to_be_scheduled() -> None:
    row = row_of(supplier(), late(number="7"), payment(bill_id="B", amount="40", paid_on=ago(1)))
    assert (row["supplierName"], row["supplierReference"], row["totalOverdue"]) == ("Bolt", "S", 60)
    assert (row["urgency"], row["suggestedAction"], row["scheduledPaymentDate"]) == ("medium", "schedule_payment", None)
    assert (row["billIds"], row["unscheduledBillIds"], row["confirmBillIds"]) == (ids("B"), ids("B"), [])
    assert (row["oldestBill"]["state"], row["oldestBill"]["daysOverdue"]) == ("Approved", 10)


SCHEDULED = "Scheduled"


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"state": "Approved"}, "schedule_payment"),
        ({"state": "PaymentInProgress"}, "wait"),
        ({"state": "PaymentFailed"}, "confirm_or_reschedule"),
        ({"state": SCHEDULED, "scheduled_payment_on": ago(-3)}, "wait"),
        ({"state": SCHEDULED, "scheduled_payment_on": ago(0)}, "wait"),
        ({"state": SCHEDULED, "scheduled_payment_on": ago(1)}, "confirm_or_reschedule"),
        ({"state": SCHEDULED}, "confirm_or_reschedule"),
    ],
)
def test_each_bill_waits_or_is_to_confirm_or_to_schedule(changes: dict[str, Any], wanted: str) -> None:
    row = row_of(late(state_on=ago(4), **changes))
    assert row["suggestedAction"] == wanted
    assert row["confirmBillIds"] == (ids("B") if wanted == "confirm_or_reschedule" else [])
    assert row["unscheduledBillIds"] == (ids("B") if wanted == "schedule_payment" else [])


def test_a_bill_to_schedule_decides_the_action_of_a_supplier_with_several() -> None:
    waiting = late("W", state=SCHEDULED, state_on=ago(4), scheduled_payment_on=ago(-2))
    sooner = late("X", state=SCHEDULED, state_on=ago(4), scheduled_payment_on=ago(3))
    to_schedule = late("Y")
    assert row_of(waiting, sooner)["suggestedAction"] == "confirm_or_reschedule"
    row = row_of(waiting, sooner, to_schedule)
    assert (row["suggestedAction"], row["unscheduledBillIds"], row["confirmBillIds"]) == (
        "schedule_payment",
        ids("Y"),
        ids("X"),
    )
    assert row["scheduledPaymentDate"] == ago(3)
    assert {"code": "payment_standing", "waiting": 1, "toConfirm": 1, "toSchedule": 1} in row["reasons"]


def test_the_state_is_that_of_the_day_whatever_came_last() -> None:
    scheduled = late(state=SCHEDULED, state_on=ago(5), scheduled_payment_on=ago(2))
    failed = late(state="PaymentFailed", state_on=ago(1))
    for payloads in ([scheduled, failed], [failed, scheduled]):
        actions = {
            days: row_of(*payloads, day=TODAY - timedelta(days=days))["suggestedAction"] for days in (6, 5, 2, 1)
        }
        assert actions == {6: "schedule_payment", 5: "wait", 2: "wait", 1: "confirm_or_reschedule"}


def test_suppliers_without_an_id_go_by_their_name() -> None:
    names = ["Acme  Ltd", " ACME ltd", "Ac me"]
    payloads = [late(str(n), supplier_id=None, supplier_name=name) for n, name in enumerate(names)]
    rows = body_of(*payloads)["suppliers"]
    assert sorted((row["supplierName"], row["supplierId"], row["billCount"]) for row in rows) == [
        (" ACME ltd", None, 2),
        ("Ac me", None, 1),
    ]
    with_id = row_of(late(supplier_id="Acme Ltd", supplier_name="Acme Ltd"))
    assert with_id["supplierId"] == outward_id(ORGANISATION.id, "supplier", "Acme Ltd")


def test_payment_timing_is_of_what_was_paid_within_a_year() -> None:
    payloads = [
        late(),
        bill("paid", issued_on=ago(50), due_on=ago(20), state="Paid", state_on=ago(25)),
        bill("applied", issued_on=ago(40), due_on=ago(20)),
        payment(bill_id="applied", amount="100", paid_on=ago(10)),
        bill("inferred", issued_on=None, due_on=ago(-9), state="Paid", state_on=ago(0)),
        bill("old", issued_on=ago(900), due_on=ago(800), state="Paid", state_on=ago(700)),
    ]
    assert row_of(*payloads)["paymentTiming"] == {
        "averageDaysToPay": (25 + 30) / 2,
        "onTermsRate": 2 / 3,
        "billsPaid": 3,
    }
    assert row_of(late())["paymentTiming"] is None
    unknown = [late(), bill("B2", issued_on=None, due_on=None, state="Paid", state_on=ago(0))]
    assert row_of(*unknown)["paymentTiming"] == {"averageDaysToPay": None, "onTermsRate": None, "billsPaid": 1}


def test_an_overdue_bill_that_is_wholly_disputed_waits() -> None:
    held = dispute(bill_id="B", opened_on=ago(1))
    assert row_of(late(), held)["suggestedAction"] == "wait"
    both = row_of(late(), late("C"), held)
    assert (both["suggestedAction"], both["unscheduledBillIds"]) == ("schedule_payment", ids("C"))
    part = dispute(bill_id="B", opened_on=ago(1), amount="99")
    assert row_of(late(), part)["suggestedAction"] == "schedule_payment"
