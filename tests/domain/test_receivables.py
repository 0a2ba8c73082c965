"""What to do about a customer: disputes, promises, reminders, and why."""

from datetime import date, timedelta
from typing import Any

import pytest

from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.ledger.policy import Policy
from support.books import answer
from support.memory_ledger import MemoryLedger
from support.records import ORGANISATION, credit, customer, dispute, invoice, payment, promise, reminder

TODAY = date(2020, 6, 30)


def ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


def row_of(*records: Any, organisation: Organisation = ORGANISATION, day: date = TODAY) -> dict[str, Any]:
    """The only row of a book."""
    ledger = MemoryLedger(organisation)
    assert "rejected" not in {result.result for result in ledger.record(records, TODAY.toordinal())}
    accounts = ledger.accounts(Side.RECEIVABLE, day.toordinal(), TODAY.toordinal())
    (row,) = answer(accounts, Side.RECEIVABLE, day, organisation)["customers"]
    return row


def action(*records: Any, **more: Any) -> tuple[str, str]:
    row = row_of(*records, **more)
    return row["tier"], row["suggestedAction"]


def codes(row: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in row["reasons"]]


def late(id: str = "I", days: int = 10, **more: Any) -> dict[str, Any]:
    return invoice(id, due_on=ago(days), issued_on=ago(days + 30), **more)


def test_a_customer_ten_days_late_is_reminded_gently() -> None:
    row = row_of(customer(name="Ada"), late(number="2020-7"), payment(amount="40", paid_on=ago(3)))
    shown = {key: row[key] for key in ("customerReference", "customerName", "currency", "totalOverdue", "invoiceCount")}
    assert list(shown.values()) == ["C", "Ada", "USD", 60, 1]
    assert (row["tier"], row["suggestedAction"], row["suggestedTone"]) == ("gentle", "send_reminder", "friendly")
    assert (row["lastReminderSentAt"], row["daysSinceLastReminder"], row["paymentBehaviour"]) == (None, None, None)
    assert row["oldestInvoice"]["invoiceNumber"] == "2020-7"
    assert row["reasons"] == [
        {
            "code": "days_overdue",
            "daysOverdue": 10,
            "graceDays": 0,
            "thresholdDays": 1,
            "policyVersion": 1,
            "tier": "gentle",
        }
    ]


def test_at_escalation_one_calls() -> None:
    assert action(late(days=61)) == ("escalation", "call_or_escalate")
    assert action(late(days=61), reminder(sent_at=f"{ago(1)}T00:00:00Z")) == ("escalation", "call_or_escalate")


# Reminders


@pytest.mark.parametrize(("days", "wanted"), [(0, "wait"), (6, "wait"), (7, "send_reminder")])
def test_a_reminder_cools_down(days: int, wanted: str) -> None:
    row = row_of(late(), reminder(sent_at=f"{ago(days)}T08:30:00.250Z"))
    assert (row["suggestedAction"], row["daysSinceLastReminder"]) == (wanted, days)
    assert row["lastReminderSentAt"] == f"{ago(days)}T08:30:00.25Z"
    assert ("reminder_cooldown" in codes(row)) == (wanted == "wait")


def test_a_reminder_counts_for_the_rows_that_own_its_invoices() -> None:
    about_another = reminder(sent_at=f"{ago(1)}T00:00:00Z", invoice_ids=["J"])
    assert action(late(), invoice("J", due_on=ago(-5)), about_another)[1] == "send_reminder"
    assert action(late(), late("J"), about_another)[1] == "wait"
    assert action(late(), reminder(sent_at=f"{ago(1)}T00:00:00Z", invoice_ids=[]))[1] == "wait"
    assert action(late(), reminder(sent_at=f"{ago(-1)}T00:00:00Z"))[1] == "send_reminder"


def test_a_reminders_day_is_that_of_the_organisation() -> None:
    far_east = Organisation(ORGANISATION.id, "East", "USD", "Pacific/Kiritimati", 1, "00")
    sent = reminder(sent_at=f"{ago(7)}T11:00:00Z")
    assert action(late(), sent)[1] == "send_reminder"
    assert row_of(late(), sent, organisation=far_east)["daysSinceLastReminder"] == 6


def test_the_last_of_many_reminders_counts_on_any_day() -> None:
    many = [reminder(f"R{n}", sent_at=f"{ago(n)}T10:00:00Z") for n in range(30)]
    assert row_of(late(), *many)["daysSinceLastReminder"] == 0
    assert row_of(late(days=20), *many, day=TODAY - timedelta(days=5))["lastReminderSentAt"] == f"{ago(5)}T10:00:00Z"


# Disputes


def test_disputed_invoices_are_in_totals_and_tier_but_not_in_the_action() -> None:
    old, new = late("I", 70), late("J", 3, total="5")
    row = row_of(old, new, dispute(opened_on=ago(1)))
    assert (row["tier"], row["totalOverdue"], row["suggestedAction"]) == ("escalation", 105, "send_reminder")
    assert row["disputedInvoiceIds"] == [row["oldestInvoice"]["invoiceId"]]
    assert codes(row) == ["days_overdue", "some_disputed"]
    all_held = row_of(old, new, dispute(opened_on=ago(1)), dispute("E", invoice_id="J", opened_on=ago(0)))
    assert (all_held["suggestedAction"], codes(all_held)[-1]) == ("wait", "all_disputed")


def test_a_promise_for_a_part_is_shown_though_everything_is_disputed() -> None:
    made = promise(amount="40", made_on=ago(3), promised_on=ago(-5))
    row = row_of(late(), dispute(opened_on=ago(1)), made)
    assert (row["suggestedAction"], codes(row)) == ("wait", ["days_overdue", "all_disputed", "promise_partial"])


def test_an_invoice_disputed_in_part_is_listed_and_still_chased() -> None:
    part = dispute(opened_on=ago(1), amount="99.99")
    row = row_of(late(), part)
    assert (row["suggestedAction"], codes(row)) == ("send_reminder", ["days_overdue", "some_disputed"])
    assert row["disputedInvoiceIds"] == row["invoiceIds"]
    rest = dispute("E", opened_on=ago(0), amount="0.01")
    both = row_of(late(), part, rest)
    assert (both["suggestedAction"], codes(both)[-1]) == ("wait", "all_disputed")
    paid = row_of(late(), part, payment(amount="0.01", paid_on=ago(0)))
    assert paid["suggestedAction"] == "wait"


@pytest.mark.parametrize(
    ("changes", "held"),
    [
        ({"opened_on": ago(0)}, True),
        ({"opened_on": ago(-1)}, False),
        ({"opened_on": ago(9), "resolved_on": ago(-1)}, True),
        ({"opened_on": ago(9), "resolved_on": ago(0), "outcome": "won"}, False),
        ({"opened_on": ago(9), "resolved_on": ago(5), "outcome": "lost"}, True),
    ],
)
def test_a_dispute_holds_from_its_first_day_and_a_lost_one_for_good(changes: dict[str, Any], held: bool) -> None:
    assert bool(row_of(late(), dispute(**changes))["disputedInvoiceIds"]) == held


# Promises


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"promised_on": ago(-5)}, "wait"),
        ({"promised_on": ago(0)}, "wait"),
        ({"promised_on": ago(-5), "amount": "100"}, "wait"),
        ({"promised_on": ago(-5), "amount": "99.99"}, "send_reminder"),
        ({"promised_on": ago(-5), "currency": "EUR"}, "send_reminder"),
        ({"promised_on": ago(-5), "customer_id": "other"}, "send_reminder"),
        ({"made_on": ago(-1), "promised_on": ago(-5)}, "send_reminder"),
    ],
)
def test_a_promise_covers_its_row_through_its_day(changes: dict[str, Any], wanted: str) -> None:
    row = row_of(late(), promise(**{"made_on": ago(5), **changes}))
    assert (row["tier"], row["suggestedAction"]) == ("gentle", wanted)
    assert ("promise_ahead" in codes(row)) == (wanted == "wait")


def test_a_token_promise_replaces_no_other() -> None:
    ahead = promise("M", made_on=ago(5), promised_on=ago(-5))
    assert action(late(), ahead, promise("L", made_on=ago(4), promised_on=ago(-5), amount="1"))[1] == "wait"
    assert action(late(), ahead, promise("N", made_on=ago(5), promised_on=ago(-5), amount="1"))[1] == "wait"
    broken = promise("M", amount="60", made_on=ago(9), promised_on=ago(5))
    token = promise("L", amount="1", made_on=ago(4), promised_on=ago(-5))
    whole = promise("L", amount="60", made_on=ago(4), promised_on=ago(-5))
    assert [row_of(late(), broken, later)["tier"] for later in (token, whole)] == ["firm", "gentle"]


def test_a_promise_replaces_one_that_it_makes_up_for() -> None:
    """What the earlier one lacked on the day the later one was made: 60 less the 20 that had come by then."""
    broken = promise("M", amount="60", made_on=ago(9), promised_on=ago(5))
    paid = payment(amount="20", paid_on=ago(6))
    for amount, tier in (("39.99", "firm"), ("40", "gentle")):
        later = promise("L", amount=amount, made_on=ago(4), promised_on=ago(-5))
        assert row_of(late(), broken, paid, later)["tier"] == tier


@pytest.mark.parametrize(
    ("changes", "paid", "tier"),
    [
        ({}, [], "firm"),
        ({}, [payment(amount="99", paid_on=ago(3))], "firm"),
        ({"amount": "60"}, [payment(amount="59", paid_on=ago(3))], "firm"),
        ({"amount": "60"}, [payment(amount="60", paid_on=ago(3))], "gentle"),
        ({"amount": "60"}, [payment(amount="60", paid_on=ago(8))], "gentle"),
        ({"amount": "60"}, [payment(amount="60", paid_on=ago(9))], "firm"),
        ({"amount": "60"}, [payment(amount="60", paid_on=ago(-1))], "firm"),
        ({"amount": "60"}, [payment(amount="60", paid_on=ago(3), voided_on=ago(0))], "firm"),
        ({"amount": "60"}, [credit(amount="60", credited_on=ago(3))], "gentle"),
        (
            {"amount": "60"},
            [payment("1", amount="70", paid_on=ago(20)), payment("2", amount="-9", paid_on=ago(3))],
            "firm",
        ),
        ({"made_on": ago(50), "promised_on": ago(45)}, [], "gentle"),
        ({"made_on": ago(40), "promised_on": ago(11)}, [], "gentle"),
    ],
)
def test_a_broken_promise_raises_the_tier(changes: dict[str, Any], paid: list[Any], tier: str) -> None:
    """Broken while what was applied since it was made, to what was issued and due by then, is below its amount."""
    row = row_of(late(), promise(**{"made_on": ago(8), "promised_on": ago(2), **changes}), *paid)
    assert row["tier"] == tier
    assert ("promise_broken" in codes(row)) == (tier == "firm")


def test_what_settled_invoices_received_keeps_a_promise() -> None:
    """Long after they were closed, and whether the promise was recorded before or after."""
    settled = [late("S", 12), payment("S", invoice_id="S", amount="100", paid_on=ago(8))]
    kept = promise(amount="100", made_on=ago(8), promised_on=ago(2))
    assert action(late(), *settled, kept)[0] == "gentle"
    assert action(late(), kept, *settled)[0] == "gentle"
    moved = late("S", 12, customer_id="other", status="voided", voided_on=ago(0))
    assert action(late(), kept, *settled, moved)[0] == "firm"


def test_a_day_in_the_past_sees_the_promise_of_that_day() -> None:
    payloads = [
        late(days=40),
        promise(made_on=ago(30), promised_on=ago(20), amount="60"),
        payment(amount="60", paid_on=ago(15)),
    ]
    tiers = {days: action(*payloads, day=TODAY - timedelta(days=days)) for days in (31, 30, 20, 19, 15)}
    assert tiers == {
        31: ("gentle", "send_reminder"),
        30: ("gentle", "send_reminder"),
        20: ("firm", "send_reminder"),
        19: ("final", "send_reminder"),
        15: ("firm", "send_reminder"),
    }


# Behaviour and policy


def test_behaviour_is_of_what_was_settled_and_paid_within_a_year() -> None:
    payloads = [late()]
    for name, due, paid in (("a", 100, 95), ("b", 100, 110), ("c", 400, 370), ("d", None, 50)):
        payloads.append(invoice(name, issued_on=ago(500), due_on=None if due is None else ago(due), total="10"))
        payloads.append(payment(name, invoice_id=name, amount="10", paid_on=ago(paid)))
    payloads += [
        invoice("credited", due_on=ago(30), total="1"),
        credit(invoice_id="credited", amount="1", credited_on=ago(1)),
    ]
    behaviour = row_of(*payloads)["paymentBehaviour"]
    assert behaviour == {"averageDaysLate": (5 - 10) / 2, "onTimeRate": 0.5, "totalInvoicesPaid": 3}
    undated = [invoice("d", due_on=None, total="1"), payment(invoice_id="d", amount="1", paid_on=ago(1))]
    assert row_of(late(), *undated)["paymentBehaviour"] == {"totalInvoicesPaid": 1}


def test_thresholds_grace_cooldown_and_minimum_are_those_of_the_policy() -> None:
    strict = Policy(
        version=7,
        firm_from_days=5,
        final_from_days=8,
        escalation_from_days=9,
        cooldown_days=1,
        grace_days=1,
        minimums={"USD": 10_001},
    )
    organisation = Organisation(ORGANISATION.id, "Strict", "USD", "UTC", 1, "00", policy=strict)
    row = row_of(late(), reminder(sent_at=f"{ago(1)}T00:00:00Z"), organisation=organisation)
    assert (row["tier"], row["suggestedAction"]) == ("final", "send_reminder")
    first, last = row["reasons"][0], row["reasons"][-1]
    assert (first["thresholdDays"], first["graceDays"], first["policyVersion"], first["tier"]) == (
        9,
        1,
        7,
        "escalation",
    )
    assert last == {"code": "below_minimum", "minimum": 100.01, "tier": "final"}


def test_one_row_for_each_currency_of_a_customer() -> None:
    ledger = MemoryLedger(ORGANISATION)
    ledger.record([late(), late("J", 40, currency="JPY", total="700")], TODAY.toordinal())
    today = TODAY.toordinal()
    body = answer(ledger.accounts(Side.RECEIVABLE, today, today), Side.RECEIVABLE, TODAY, ORGANISATION)
    shown = [(row["currency"], row["tier"], row["totalOverdue"]) for row in body["customers"]]
    assert shown == [("USD", "gentle", 100), ("JPY", "final", 700)]
    assert body["totals"]["customerCount"] == 1
