"""The oracle against sums done by hand, so that it may judge the product."""

from __future__ import annotations

import csv
import json
import uuid
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle import (
    Book,
    Entry,
    Organisation,
    Policy,
    differences,
    invoice_collection,
    overdue_balance,
    past_due,
    payables_overdue,
    random_book,
    receivables_overdue,
)
from oracle.book import Document, Instant, Record, json_amount, minor_units, outward_id, read
from oracle.generate import books_and_days, interesting_days, policies, random_policy
from oracle.lago import month_text

XERO = Path(__file__).parent.parent / "data" / "xero"
HOME = Organisation()
D = date(2020, 6, 30)


def ago(days: int) -> str:
    """The day so many days before D, as text."""
    return (D - timedelta(days=days)).isoformat()


def invoice(own_id: str = "I1", **fields: Any) -> Record:
    """An invoice of C1 over 100 USD, due 10 days before D, with fields changed; ``None`` takes one away."""
    record = {
        "type": "invoice",
        "id": own_id,
        "customer_id": "C1",
        "currency": "USD",
        "total": "100",
        "issued_on": ago(100),
        "due_on": ago(10),
        **fields,
    }
    return {key: value for key, value in record.items() if value is not None}


def bill(own_id: str = "B1", **fields: Any) -> Record:
    """An approved bill of S1 over 100 USD, due 10 days before D, with fields changed."""
    record = {
        "type": "bill",
        "id": own_id,
        "supplier_id": "S1",
        "currency": "USD",
        "total": "100",
        "issued_on": ago(100),
        "due_on": ago(10),
        "state": "Approved",
        **fields,
    }
    return {key: value for key, value in record.items() if value is not None}


def payment(amount: str, days_ago: int, own_id: str = "P1", **fields: Any) -> Record:
    """A payment on I1 so many days before D."""
    target = {} if "bill_id" in fields else {"invoice_id": "I1"}
    return {"type": "payment", "id": own_id, "amount": amount, "paid_on": ago(days_ago), **target, **fields}


def credit(amount: str, days_ago: int, own_id: str = "K1", **fields: Any) -> Record:
    """A credit on I1 so many days before D."""
    return {
        "type": "credit",
        "id": own_id,
        "invoice_id": "I1",
        "amount": amount,
        "credited_on": ago(days_ago),
        **fields,
    }


def promise(own_id: str = "PR1", **fields: Any) -> Record:
    """A promise of C1 in USD made 20 days before D for 5 days before D."""
    return {
        "type": "promise",
        "id": own_id,
        "customer_id": "C1",
        "currency": "USD",
        "made_on": ago(20),
        "promised_on": ago(5),
        **fields,
    }


def dispute(days_ago: int, **fields: Any) -> Record:
    """A dispute about I1 opened so many days before D."""
    return {"type": "dispute", "id": "D1", "invoice_id": "I1", "opened_on": ago(days_ago), **fields}


def reminder(sent_at: str, own_id: str = "R1", **fields: Any) -> Record:
    """A reminder to C1."""
    return {"type": "reminder", "id": own_id, "customer_id": "C1", "sent_at": sent_at, **fields}


def receivables(*records: Record, on: date = D, policy: Policy | None = None) -> dict[str, Any]:
    """The receivables answer for records of one organisation."""
    return receivables_overdue(Book.of(records), on, policy)


def payables(*records: Record, on: date = D, policy: Policy | None = None) -> dict[str, Any]:
    """The payables answer for records of one organisation."""
    return payables_overdue(Book.of(records), on, policy)


def row(*records: Record, on: date = D, policy: Policy | None = None) -> dict[str, Any]:
    """The only receivables row."""
    [only] = receivables(*records, on=on, policy=policy)["customers"]
    assert isinstance(only, dict)
    return only


def supplier_row(*records: Record, on: date = D, policy: Policy | None = None) -> dict[str, Any]:
    """The only payables row."""
    [only] = payables(*records, on=on, policy=policy)["suppliers"]
    assert isinstance(only, dict)
    return only


def owed(*records: Record, on: date = D) -> Any:
    """What is overdue in the first currency, 0 when nothing is."""
    totals = receivables(*records, on=on)["totals"]["overdueByCurrency"]
    return totals[0]["amount"] if totals else 0


def uid(kind: str, own_id: str) -> str:
    """The outward id."""
    return str(uuid.uuid5(uuid.UUID(HOME.id), f"{kind}:{own_id}"))


class TestMoneyAndIds:
    @pytest.mark.parametrize(
        ("amount", "currency", "minor"),
        [
            ("1.5", "USD", 150),
            ("1500", "JPY", 1500),
            ("0.0001", "CLF", 1),
            ("1.234", "KWD", 1234),
            ("1.50", "JPY", None),
            ("1.005", "USD", None),
            (Decimal("1.5e1"), "EUR", 1500),
            ("90071992547409.93", "USD", 2**53 + 1),
        ],
    )
    def test_minor_units_follow_the_currency(self, amount: object, currency: str, minor: int | None) -> None:
        assert minor_units(amount, currency) == minor

    def test_amounts_are_numbers_up_to_fifteen_digits_and_text_beyond(self) -> None:
        assert json_amount(150, "USD") == 1.5
        assert json_amount(10**15 - 1, "USD") == 9999999999999.99
        assert json_amount(10**15, "USD") == "10000000000000.00"
        assert json_amount(10**15, "JPY") == "1000000000000000"
        assert json_amount(10**15 + 1, "CLF") == "100000000000.0001"

    def test_outward_ids(self) -> None:
        own = "5EB02857-A71E-4EA2-BCF9-57D3A41BC6BA"
        assert outward_id(HOME, "invoice", own) == own.lower()
        assert outward_id(HOME, "invoice", "INV-1") == uid("invoice", "INV-1")
        assert outward_id(HOME, "bill", "INV-1") != uid("invoice", "INV-1")

    def test_moments_keep_fraction_and_leave_offset(self) -> None:
        assert Instant.parse("2020-06-30T01:00:00.250+05:45").text() == "2020-06-29T19:15:00.250Z"
        assert Instant.parse("2020-06-30T01:00:00-08:00").text() == "2020-06-30T09:00:00Z"
        assert Instant.parse("2020-06-30T00:00:00.5Z") < Instant.parse("2020-06-30T00:00:00.75Z")


class TestStateAtADay:
    @pytest.mark.parametrize(
        ("days", "bucket"),
        [
            (-1, "current"),
            (0, "current"),
            (1, "d1To30"),
            (30, "d1To30"),
            (31, "d31To60"),
            (60, "d31To60"),
            (61, "d61To90"),
            (90, "d61To90"),
            (91, "d90Plus"),
        ],
    )
    def test_buckets_and_due_today(self, days: int, bucket: str) -> None:
        answer = receivables(invoice(due_on=ago(days)))
        [aging] = answer["aging"]
        assert {name for name, inside in aging["buckets"].items() if inside["count"]} == {bucket}
        assert aging["buckets"][bucket] == {"amount": 100, "count": 1}
        assert answer["totals"]["invoiceCount"] == (0 if bucket == "current" else 1)

    def test_no_due_date_is_current_for_ever(self) -> None:
        answer = receivables(invoice(due_on=None), on=D + timedelta(days=4000))
        assert answer["customers"] == []
        assert answer["aging"][0]["buckets"]["current"] == {"amount": 100, "count": 1}

    def test_exists_from_its_issue_day(self) -> None:
        late = invoice(issued_on=ago(0), due_on=ago(5))
        assert owed(late) == 100
        assert owed(late, on=D - timedelta(days=1)) == 0

    def test_drafts_and_undated_voids_never_count_and_dated_voids_from_their_day(self) -> None:
        assert owed(invoice(status="draft")) == 0
        assert owed(invoice(status="voided")) == 0
        assert owed(invoice(status="voided", voided_on=ago(0))) == 0
        assert owed(invoice(status="voided", voided_on=ago(0)), on=D - timedelta(days=1)) == 100
        assert owed(invoice(status="voided", voided_on=ago(-1))) == 100

    def test_what_is_dated_by_the_day_is_applied(self) -> None:
        facts = [
            invoice(),
            payment("30", 5),
            credit("20.50", 0),
            payment("-10", 0, "P2"),
            payment("9", -1, "P3"),
        ]
        assert owed(*facts) == 59.5  # 100 - 30 - 20.50 + 10
        assert owed(*facts, on=D - timedelta(days=1)) == 70
        assert owed(*facts, on=D + timedelta(days=1)) == 50.5

    def test_a_voided_payment_counts_until_its_day(self) -> None:
        facts = [invoice(), payment("100", 5, voided_on=ago(2))]
        assert owed(*facts, on=D - timedelta(days=3)) == 0
        assert owed(*facts, on=D - timedelta(days=2)) == 100

    def test_an_excess_is_not_spread(self) -> None:
        answer = receivables(invoice(), invoice("I2"), payment("150", 5))
        assert answer["totals"]["overdueByCurrency"] == [{"currency": "USD", "amount": 100, "count": 1}]
        assert answer["customers"][0]["invoiceIds"] == [uid("invoice", "I2")]

    def test_settled_on_is_the_first_day_of_the_last_run(self) -> None:
        def settled(*facts: Record, on: date = D) -> str | None:
            [document] = read(Book.of([invoice(), *facts])).documents
            when = document.settled_on(on)
            return when.isoformat() if when else None

        assert settled(payment("40", 50), payment("60", 30, "P2")) == ago(30)
        assert settled(payment("100", 50), payment("-5", 20, "P2"), payment("5", 3, "P3")) == ago(3)
        assert settled(payment("100", 50), payment("-5", 20, "P2")) is None
        assert settled(payment("100", 50, voided_on=ago(9)), payment("100", 40, "P2")) == ago(50)
        assert settled(payment("100", 120)) == ago(120)  # before its issue
        assert settled(payment("100", -1)) is None
        assert settled(invoice(total="0")) == ago(100)


class TestRecords:
    def test_a_replacement_clears_what_it_leaves_out(self) -> None:
        assert owed(invoice(), invoice(due_on=None)) == 0

    def test_an_older_record_is_stale_and_equal_or_absent_stamps_let_the_later_win(self) -> None:
        new, old = "2020-01-02T00:00:00Z", "2020-01-02T00:30:00+01:00"
        first, second = {"total": "10"}, {"total": "20"}
        assert owed(invoice(updated_at=new, **first), invoice(updated_at=old, **second)) == 10
        assert owed(invoice(updated_at=old, **first), invoice(updated_at=new, **second)) == 20
        assert owed(invoice(updated_at=new, **first), invoice(updated_at=new, **second)) == 20
        assert owed(invoice(updated_at=new, **first), invoice(**second)) == 20
        assert owed(invoice(**first), invoice(updated_at=old, **second)) == 20

    def test_what_comes_before_its_document_waits_for_it(self) -> None:
        early = [payment("100", 5), dispute(3), reminder(f"{ago(1)}T12:00:00Z")]
        assert receivables(*early)["aging"] == []
        assert owed(*early, invoice()) == 0
        assert row(*early, invoice(), payment("40", 5))["totalOverdue"] == 60

    def test_a_moved_payment_leaves_no_trace(self) -> None:
        answer = row(invoice(), invoice("I2", total="70"), payment("100", 5), payment("70", 5, invoice_id="I2"))
        assert (answer["totalOverdue"], answer["invoiceIds"]) == (100, [uid("invoice", "I1")])

    def test_changing_customer_currency_and_total_moves_every_figure(self) -> None:
        changed = invoice(customer_id="C2", currency="JPY", total="7000")
        answer = receivables(invoice(), payment("40", 5), changed)
        assert [r["customerName"] for r in answer["customers"]] == ["C2"]
        assert answer["totals"]["overdueByCurrency"] == [{"currency": "JPY", "amount": 6960, "count": 1}]

    def test_an_amount_too_fine_is_idle_when_it_came_first_and_refused_after(self) -> None:
        fine = payment("40.5", 5)
        assert owed(fine, invoice(currency="JPY")) == 100
        assert owed(invoice(currency="JPY"), payment("30", 5), fine) == 70

    def test_names(self) -> None:
        def name(*records: Record) -> str:
            return str(row(invoice(), *records)["customerName"])

        older = invoice("I0", customer_name="Old", issued_on=ago(200), due_on=None)
        newer = invoice("I9", customer_name="New", issued_on=ago(150), due_on=None)
        twin = invoice("I8", customer_name="Twin", issued_on=ago(150), due_on=None)
        assert name() == "C1"
        assert name(older) == "Old"
        assert name(newer, older) == "New"
        assert name(newer, older, twin) == "New"  # I9 is larger than I8
        assert name(newer, {"type": "customer", "id": "C1", "name": "Own"}) == "Own"
        assert name(newer, {"type": "customer", "id": "C2", "name": "Other"}) == "New"

    def test_default_terms_fill_a_missing_due_date_as_of_recording(self) -> None:
        entry = invoice(due_on=None, issued_on=ago(40))
        assert receivables_overdue(Book.of([entry], terms_days=30), D)["customers"][0]["oldestInvoice"] == {
            "invoiceId": uid("invoice", "I1"),
            "invoiceNumber": None,
            "totalAmount": 100,
            "outstanding": 100,
            "dueDate": ago(10),
            "daysOverdue": 10,
            "status": "finalized",
        }


class TestReceivables:
    def test_an_empty_book(self) -> None:
        assert receivables() == {
            "asOf": "2020-06-30",
            "totals": {"customerCount": 0, "invoiceCount": 0, "overdueByCurrency": [], "unappliedByCurrency": []},
            "aging": [],
            "customers": [],
        }

    def test_order_of_currencies_rows_and_ids(self) -> None:
        answer = receivables(
            invoice("1", customer_id="A", currency="EUR", due_on=ago(400)),
            invoice("2", customer_id="B", due_on=ago(3)),
            invoice("3", customer_id="C", due_on=ago(9), total="5"),
            invoice("4", customer_id="D", due_on=ago(9), total="6"),
            invoice("5", customer_id="E", due_on=ago(9), total="6"),
            invoice("6", customer_id="B", due_on=ago(4)),
            invoice("7", customer_id="A", currency="CLF", due_on=ago(-5)),
        )
        assert [(r["currency"], r["customerName"]) for r in answer["customers"]] == [
            ("USD", "D"),
            ("USD", "E"),
            ("USD", "C"),
            ("USD", "B"),
            ("EUR", "A"),
        ]
        assert [a["currency"] for a in answer["aging"]] == ["USD", "CLF", "EUR"]
        assert [t["currency"] for t in answer["totals"]["overdueByCurrency"]] == ["USD", "EUR"]
        assert answer["customers"][3]["invoiceIds"] == [uid("invoice", "6"), uid("invoice", "2")]
        assert (answer["totals"]["customerCount"], answer["totals"]["invoiceCount"]) == (5, 6)

    def test_one_customer_in_two_currencies_is_two_rows_and_counts_once(self) -> None:
        answer = receivables(invoice(), invoice("I2", currency="EUR"))
        assert (len(answer["customers"]), answer["totals"]["customerCount"]) == (2, 1)

    def test_the_oldest_is_earliest_due_then_larger_outstanding(self) -> None:
        small, large = invoice("I1", total="500"), invoice("I2", total="90", number="N2")
        answer = row(small, large, payment("450", 5), invoice("I3", due_on=ago(9), total="999"))
        oldest = answer["oldestInvoice"]
        assert (oldest["invoiceId"], oldest["invoiceNumber"]) == (uid("invoice", "I2"), "N2")
        assert (oldest["totalAmount"], oldest["outstanding"], oldest["daysOverdue"]) == (90, 90, 10)

    @pytest.mark.parametrize(
        ("days", "tier", "tone", "action"),
        [
            (1, "gentle", "friendly", "send_reminder"),
            (14, "gentle", "friendly", "send_reminder"),
            (15, "firm", "direct", "send_reminder"),
            (30, "firm", "direct", "send_reminder"),
            (31, "final", "formal", "send_reminder"),
            (60, "final", "formal", "send_reminder"),
            (61, "escalation", "formal", "call_or_escalate"),
        ],
    )
    def test_tiers(self, days: int, tier: str, tone: str, action: str) -> None:
        answer = row(invoice(due_on=ago(days)))
        assert (answer["tier"], answer["suggestedTone"], answer["suggestedAction"]) == (tier, tone, action)

    def test_grace_moves_tiers_and_no_bucket(self) -> None:
        policy = Policy(grace_days=5)
        late = receivables(invoice(due_on=ago(31)), policy=policy)
        assert late["customers"][0]["tier"] == "firm"  # 31 - 5 = 26
        assert late["aging"][0]["buckets"]["d31To60"]["count"] == 1
        assert row(invoice(due_on=ago(3)), policy=policy)["tier"] == "gentle"
        assert supplier_row(bill(due_on=ago(12)), policy=policy)["urgency"] == "low"
        assert supplier_row(bill(due_on=ago(13)), policy=policy)["urgency"] == "medium"

    def test_a_row_below_the_minimum_stays_final(self) -> None:
        policy = Policy(minimums={"USD": "100.01"})
        answer = row(invoice(due_on=ago(90)), policy=policy)
        assert (answer["tier"], answer["suggestedAction"]) == ("final", "send_reminder")
        assert row(invoice(due_on=ago(90), total="100.01"), policy=policy)["tier"] == "escalation"

    @pytest.mark.parametrize(
        ("fields", "held"),
        [
            ({}, True),
            ({"resolved_on": ago(0), "outcome": "won"}, False),
            ({"resolved_on": ago(-1), "outcome": "won"}, True),
            ({"resolved_on": ago(2), "outcome": "lost"}, True),
            ({"resolved_on": ago(2)}, False),
        ],
    )
    def test_disputes_hold_until_resolved_or_for_good_when_lost(self, fields: dict[str, str], held: bool) -> None:
        answer = row(invoice(), dispute(5, **fields))
        assert answer["disputedInvoiceIds"] == ([uid("invoice", "I1")] if held else [])
        assert answer["suggestedAction"] == ("wait" if held else "send_reminder")
        assert answer["totalOverdue"] == 100

    def test_a_dispute_of_tomorrow_is_unseen(self) -> None:
        assert row(invoice(), dispute(-1))["suggestedAction"] == "send_reminder"

    def test_the_action_looks_at_the_undisputed_only(self) -> None:
        answer = row(invoice(due_on=ago(90)), invoice("I2", due_on=ago(3)), dispute(5))
        assert (answer["tier"], answer["suggestedAction"]) == ("escalation", "send_reminder")
        recently = reminder(f"{ago(6)}T10:00:00Z")
        answer = row(invoice(due_on=ago(90)), invoice("I2", due_on=ago(3)), dispute(5), recently)
        assert (answer["tier"], answer["suggestedAction"]) == ("escalation", "wait")

    def test_the_minimum_of_the_action_is_that_of_the_undisputed(self) -> None:
        policy = Policy(minimums={"USD": "150"})
        facts = [invoice(due_on=ago(90)), invoice("I2", due_on=ago(80)), dispute(5)]
        answer = row(*facts, policy=policy)
        assert (answer["tier"], answer["suggestedAction"]) == ("escalation", "send_reminder")

    @pytest.mark.parametrize(
        ("until", "amount", "action"),
        [
            (0, None, "wait"),
            (0, "100", "wait"),
            (0, "99.99", "send_reminder"),
            (-9, "100", "wait"),
        ],
    )
    def test_a_running_promise_covers_the_row(self, until: int, amount: str | None, action: str) -> None:
        made = promise(promised_on=ago(until), **({} if amount is None else {"amount": amount}))
        answer = row(invoice(), made)
        assert (answer["suggestedAction"], answer["tier"]) == (action, "gentle")

    def test_only_promises_of_the_customer_and_currency_made_by_the_day_count(self) -> None:
        wide, narrow = promise("A", promised_on=ago(-9)), promise("B", promised_on=ago(-9), amount="1")
        assert row(invoice(), wide, narrow)["suggestedAction"] == "wait"
        assert row(invoice(), narrow)["suggestedAction"] == "send_reminder"
        assert row(invoice(), {**wide, "made_on": ago(-1)}, narrow)["suggestedAction"] == "send_reminder"
        assert row(invoice(), {**wide, "currency": "EUR"})["suggestedAction"] == "send_reminder"
        assert row(invoice(), {**wide, "customer_id": "C2"})["suggestedAction"] == "send_reminder"

    @pytest.mark.parametrize(
        ("amount", "paid", "tier"),
        [
            ("40", "39.99", "firm"),
            ("40", "40", "gentle"),
            (None, "99", "firm"),
            ("40", None, "firm"),
        ],
    )
    def test_a_broken_promise_raises_the_tier(self, amount: str | None, paid: str | None, tier: str) -> None:
        made = promise(**({} if amount is None else {"amount": amount}))
        facts = [invoice(), made] + ([payment(paid, 20)] if paid else [])
        assert row(*facts)["tier"] == tier
        assert row(*facts, on=D - timedelta(days=5))["tier"] == "gentle"  # its own day is not over

    def test_a_promise_is_kept_by_allocations_from_the_day_it_was_made(self) -> None:
        before = [invoice(), promise(amount="40"), payment("40", 21)]
        assert row(*before)["tier"] == "firm"
        assert row(*before[:2], payment("40", 0))["tier"] == "gentle"  # late, but it came

    def test_a_promise_is_about_what_was_issued_and_due_by_then(self) -> None:
        later = invoice(issued_on=ago(19), due_on=ago(10))
        assert row(later, promise())["tier"] == "gentle"
        due_after = invoice(due_on=ago(4))
        assert row(due_after, promise())["tier"] == "gentle"
        assert row(invoice(due_on=ago(5)), promise())["tier"] == "firm"

    def test_a_broken_promise_raises_no_higher_than_escalation_and_the_minimum_still_holds(self) -> None:
        assert row(invoice(due_on=ago(90)), promise())["tier"] == "escalation"
        assert row(invoice(due_on=ago(40)), promise())["tier"] == "escalation"
        policy = Policy(minimums={"USD": "500"})
        assert row(invoice(due_on=ago(40)), promise(), policy=policy)["tier"] == "final"

    @pytest.mark.parametrize(("days", "action"), [(6, "wait"), (7, "send_reminder"), (0, "wait")])
    def test_the_cool_down(self, days: int, action: str) -> None:
        answer = row(invoice(), reminder(f"{ago(days)}T23:59:59.5Z"))
        assert (answer["suggestedAction"], answer["daysSinceLastReminder"]) == (action, days)
        assert answer["lastReminderSentAt"] == f"{ago(days)}T23:59:59.5Z"

    def test_escalation_does_not_cool_down(self) -> None:
        answer = row(invoice(due_on=ago(61)), reminder(f"{ago(1)}T00:00:00Z"))
        assert answer["suggestedAction"] == "call_or_escalate"

    def test_a_reminder_belongs_to_the_day_of_the_organisation(self) -> None:
        home = Organisation(timezone="Pacific/Kiritimati")  # UTC+14
        facts = [invoice(), reminder("2020-06-30T10:00:00Z"), reminder("2020-06-29T09:59:59Z", "R0")]
        book = Book.of(facts, home)
        [today] = receivables_overdue(book, D)["customers"]
        assert (today["lastReminderSentAt"], today["daysSinceLastReminder"]) == ("2020-06-29T09:59:59Z", 1)
        [tomorrow] = receivables_overdue(book, D + timedelta(days=1))["customers"]
        assert (tomorrow["lastReminderSentAt"], tomorrow["daysSinceLastReminder"]) == (
            "2020-06-30T10:00:00Z",
            0,
        )

    def test_a_reminder_with_invoices_counts_for_the_rows_that_own_one(self) -> None:
        sent = f"{ago(1)}T00:00:00Z"
        euro = invoice("I2", currency="EUR")
        both = receivables(invoice(), euro, reminder(sent, invoice_ids=["I2"]))["customers"]
        assert [r["daysSinceLastReminder"] for r in both] == [None, 1]
        both = receivables(invoice(), euro, reminder(sent))["customers"]
        assert [r["daysSinceLastReminder"] for r in both] == [1, 1]
        paid = receivables(invoice(), euro, payment("100", 2), reminder(sent, invoice_ids=["I1"]))
        assert [r["lastReminderSentAt"] for r in paid["customers"]] == [None]

    def test_payment_behaviour(self) -> None:
        facts = [
            invoice(),
            invoice("E", due_on=ago(50), currency="EUR"),  # paid 4 days early
            payment("100", 54, "P2", invoice_id="E"),
            invoice("L", due_on=ago(50)),  # paid 9 days late, in two parts
            payment("60", 60, "P3", invoice_id="L"),
            payment("40", 41, "P4", invoice_id="L"),
            invoice("N", due_on=None),  # paid, no due date
            payment("100", 41, "P5", invoice_id="N"),
            invoice("K", due_on=ago(50)),  # credited only: not paid
            credit("100", 40, invoice_id="K"),
            invoice("O", due_on=ago(50), customer_id="C2"),
            payment("100", 50, "P6", invoice_id="O"),
        ]
        assert row(*facts)["paymentBehaviour"] == {
            "totalInvoicesPaid": 3,
            "averageDaysLate": 2.5,
            "onTimeRate": 0.5,
        }

    def test_behaviour_without_a_due_date_has_no_means_and_none_at_all_is_null(self) -> None:
        undated = [invoice("N", due_on=None), payment("100", 41, invoice_id="N")]
        assert row(invoice(), *undated)["paymentBehaviour"] == {"totalInvoicesPaid": 1}
        assert row(invoice())["paymentBehaviour"] is None

    @pytest.mark.parametrize(("days", "counted"), [(366, False), (365, True), (0, True), (-1, False)])
    def test_the_window_of_behaviour(self, days: int, counted: bool) -> None:
        # The year before 2020-06-30 has 366 days; its first day is left out.
        old = invoice("O", issued_on=ago(500), due_on=ago(400))
        answer = row(invoice(), old, payment("100", days, invoice_id="O"), on=D)
        others = answer["paymentBehaviour"]
        assert (others is not None) == counted

    def test_the_window_from_a_leap_day(self) -> None:
        leap = date(2020, 2, 29)
        old = invoice("O", issued_on="2019-01-01", due_on="2019-01-01")
        paid = payment("100", 0, invoice_id="O", paid_on="2019-02-28")
        late = invoice(issued_on="2020-01-01", due_on="2020-01-01")
        assert row(late, old, paid, on=leap)["paymentBehaviour"] is None
        assert row(late, old, {**paid, "paid_on": "2019-03-01"}, on=leap)["paymentBehaviour"] is not None

    def test_a_payment_that_was_voided_pays_nothing(self) -> None:
        facts = [invoice("O"), payment("100", 20, invoice_id="O", voided_on=ago(3))]
        settled_by_credit = credit("100", 3, invoice_id="O")
        assert row(invoice(), *facts, settled_by_credit)["paymentBehaviour"] is None


class TestPayables:
    @pytest.mark.parametrize(
        ("state", "action", "lists"),
        [
            ("Approved", "schedule_payment", ([], ["B1"])),
            ("PaymentFailed", "confirm_or_reschedule", (["B1"], [])),
            ("PaymentInProgress", "wait", ([], [])),
            ("Scheduled", "confirm_or_reschedule", (["B1"], [])),
        ],
    )
    def test_payable_states(self, state: str, action: str, lists: tuple[list[str], list[str]]) -> None:
        answer = supplier_row(bill(state=state))
        assert (answer["suggestedAction"], answer["scheduledPaymentDate"]) == (action, None)
        assert answer["confirmBillIds"] == [uid("bill", own) for own in lists[0]]
        assert answer["unscheduledBillIds"] == [uid("bill", own) for own in lists[1]]
        assert answer["oldestBill"]["state"] == state

    @pytest.mark.parametrize(
        "state",
        [
            "Created",
            "OcrProcessing",
            "OcrFailed",
            "PendingReview",
            "NeedsApproval",
            "Rejected",
            "Paid",
            "Voided",
        ],
    )
    def test_other_states_owe_nothing(self, state: str) -> None:
        answer = payables(bill(state=state))
        assert (answer["aging"], answer["suppliers"], answer["totals"]["billCount"]) == ([], [], 0)

    @pytest.mark.parametrize(("planned", "action"), [(0, "wait"), (-1, "wait"), (1, "confirm_or_reschedule")])
    def test_scheduled_for_today_waits_and_for_yesterday_is_to_confirm(self, planned: int, action: str) -> None:
        answer = supplier_row(bill(state="Scheduled", scheduled_payment_on=ago(planned)))
        assert (answer["suggestedAction"], answer["scheduledPaymentDate"]) == (action, ago(planned))

    def test_never_pay_twice(self) -> None:
        waits = bill("W", state="Scheduled", scheduled_payment_on=ago(-3))
        failed = bill("F", state="PaymentFailed")
        asks = bill("A")
        assert supplier_row(waits, failed)["suggestedAction"] == "confirm_or_reschedule"
        answer = supplier_row(waits, failed, asks)
        assert answer["suggestedAction"] == "schedule_payment"
        assert answer["unscheduledBillIds"] == [uid("bill", "A")]
        assert answer["confirmBillIds"] == [uid("bill", "F")]
        assert answer["scheduledPaymentDate"] == ago(-3)
        assert answer["totalOverdue"] == 300

    def test_the_earliest_schedule_of_overdue_bills(self) -> None:
        first = bill("1", state="Scheduled", scheduled_payment_on=ago(-3))
        second = bill("2", state="Scheduled", scheduled_payment_on=ago(4))
        not_due = bill("3", state="Scheduled", scheduled_payment_on=ago(9), due_on=ago(-9))
        assert supplier_row(first, second, not_due)["scheduledPaymentDate"] == ago(4)

    @pytest.mark.parametrize(
        ("days", "urgency"),
        [
            (1, "low"),
            (7, "low"),
            (8, "medium"),
            (30, "medium"),
            (31, "high"),
            (60, "high"),
            (61, "critical"),
        ],
    )
    def test_urgency(self, days: int, urgency: str) -> None:
        assert supplier_row(bill(due_on=ago(days)))["urgency"] == urgency

    def test_states_in_any_order_of_arrival_even_stale(self) -> None:
        stamped = [
            bill(state="NeedsApproval", state_on=ago(9), updated_at="2020-06-21T00:00:00Z"),
            bill(state="Approved", state_on=ago(7), updated_at="2020-06-23T00:00:00Z"),
            bill(
                state="Scheduled",
                state_on=ago(5),
                scheduled_payment_on=ago(3),
                updated_at="2020-06-25T00:00:00Z",
            ),
            bill(state="Paid", state_on=ago(2), updated_at="2020-06-28T00:00:00Z"),
        ]
        for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
            facts = [stamped[index] for index in order]
            states = []
            for days in (10, 9, 7, 5, 3, 2, 0):
                rows = payables(*facts, on=D - timedelta(days=days))["suppliers"]
                states.append(rows[0]["suggestedAction"] if rows else None)
            assert states == [None, None, "schedule_payment", "wait", "wait", None, None]

    @pytest.mark.parametrize(
        ("first", "before"),
        [
            ("Scheduled", "Approved"),
            ("Paid", "Approved"),
            ("Voided", "Approved"),
            ("PendingReview", None),
            ("Rejected", None),
        ],
    )
    def test_before_the_first_known_state(self, first: str, before: str | None) -> None:
        rows = payables(bill(state=first, state_on=ago(2)), on=D - timedelta(days=3))["suppliers"]
        assert (rows[0]["oldestBill"]["state"] if rows else None) == before

    def test_entries_of_one_day_go_by_stamp_then_arrival(self) -> None:
        early = bill(state="Approved", state_on=ago(3), updated_at="2020-06-27T08:00:00Z")
        late = bill(state="Paid", state_on=ago(3), updated_at="2020-06-27T09:00:00Z")
        assert payables(early, late)["suppliers"] == []
        assert payables(late, early)["suppliers"] == []
        failed, approved = bill(state="PaymentFailed", state_on=ago(3)), bill(state_on=ago(3))
        assert supplier_row(failed, approved)["suggestedAction"] == "schedule_payment"
        assert supplier_row(approved, failed)["suggestedAction"] == "confirm_or_reschedule"

    def test_paid_closes_whatever_is_applied_and_full_application_closes_whatever_the_state(self) -> None:
        assert payables(bill(state="Paid", state_on=ago(0)))["aging"] == []
        assert payables(bill(state="Paid", state_on=ago(-1)))["totals"]["billCount"] == 1
        assert payables(bill(), payment("100", 0, bill_id="B1"))["aging"] == []
        assert supplier_row(bill(), payment("99.99", 0, bill_id="B1"))["totalOverdue"] == 0.01

    def test_suppliers_without_id_are_grouped_by_folded_name(self) -> None:
        answer = payables(
            bill("1", supplier_id=None, supplier_name="Acme Ltd", issued_on=ago(50)),
            bill("2", supplier_id=None, supplier_name=" ACME\t ltd", issued_on=ago(40)),
            bill("3", supplier_id=None, supplier_name="AcmeLtd"),
            bill("4", supplier_name="acme ltd"),
        )
        rows = {(r["supplierId"], r["supplierName"]): r["billCount"] for r in answer["suppliers"]}
        assert rows == {
            (None, " ACME\t ltd"): 2,
            (None, "AcmeLtd"): 1,
            (uid("supplier", "S1"), "acme ltd"): 1,
        }
        assert answer["totals"]["supplierCount"] == 3

    def test_a_bill_without_issue_day_exists_from_recording_or_due_day(self) -> None:
        undated = bill(issued_on=None, due_on=None)
        book = Book(HOME, [Entry(undated, D), Entry(undated, D + timedelta(days=9))])
        assert payables_overdue(book, D - timedelta(days=1))["aging"] == []
        assert payables_overdue(book, D)["aging"][0]["buckets"]["current"]["count"] == 1
        early = Book(HOME, [Entry(bill(issued_on=None), D)])
        assert payables_overdue(early, D - timedelta(days=11))["aging"] == []
        assert payables_overdue(early, D - timedelta(days=10))["aging"][0]["buckets"]["current"]["count"] == 1

    def test_payment_timing(self) -> None:
        facts = [
            bill("open"),
            bill("1", issued_on=ago(60), due_on=ago(30), state="Paid", state_on=ago(30)),  # 30 days, on time
            bill("2", issued_on=ago(60), due_on=ago(30)),  # paid after 33 days, late
            payment("100", 27, bill_id="2"),
            bill("3", issued_on=None, due_on=None, state="Paid", state_on=ago(0)),  # no dates: counted only
            bill("4", issued_on=ago(60), due_on=ago(61)),  # paid two days before its issue, a day early
            payment("100", 62, "P2", bill_id="4"),
            bill("5", issued_on=ago(60), due_on=ago(30)),
            {**credit("100", 40), "invoice_id": None, "bill_id": "5"},  # credited, not paid
        ]
        [answer] = payables(*facts)["suppliers"]
        timing = answer["paymentTiming"]
        assert timing["billsPaid"] == 4
        assert timing["averageDaysToPay"] == pytest.approx((30 + 33 - 2) / 3)
        assert timing["onTermsRate"] == pytest.approx(2 / 3)

    def test_payment_timing_of_nothing(self) -> None:
        assert supplier_row(bill())["paymentTiming"] is None
        undated = bill("P", issued_on=None, due_on=None, state="Paid", state_on=ago(1))
        book = Book(HOME, [Entry(bill(), D - timedelta(days=9)), Entry(undated, D - timedelta(days=9))])
        [answer] = payables_overdue(book, D)["suppliers"]
        assert answer["paymentTiming"] == {"averageDaysToPay": None, "onTermsRate": None, "billsPaid": 1}

    def test_an_inferred_issue_day_that_comes_back_is_no_issue_day(self) -> None:
        paid = bill("P", issued_on_inferred=True, due_on=None, state="Paid", state_on=ago(1))
        timing = supplier_row(bill(), paid)["paymentTiming"]
        assert timing == {"averageDaysToPay": None, "onTermsRate": None, "billsPaid": 1}


class TestLago:
    def test_overdue_balance_by_due_month_and_currency(self) -> None:
        book = Book.of(
            [
                invoice("1", due_on="2020-06-29"),
                invoice("2", due_on="2020-06-30"),  # due today
                invoice("3", due_on="2020-06-01", total="0.01"),
                invoice("4", due_on="2020-04-30", currency="JPY", total="7"),
                invoice("5", due_on="2020-04-01", currency="EUR"),
                payment("99", 0, invoice_id="5"),
            ]
        )
        assert overdue_balance(book, D)["overdue_balances"] == [
            _balance("2020-04", 100, "EUR", "5"),
            _balance("2020-04", 7, "JPY", "4"),
            _balance("2020-06", 10001, "USD", "3", "1"),
        ]
        assert overdue_balance(book, D, currency="jpy")["overdue_balances"] == [_balance("2020-04", 7, "JPY", "4")]
        assert len(overdue_balance(book, D, months=3)["overdue_balances"]) == 3
        assert len(overdue_balance(book, D, months=2)["overdue_balances"]) == 1

    def test_overdue_balance_of_a_customer(self) -> None:
        known = {"type": "customer", "id": "C1", "name": "One", "external_id": "x 1"}
        book = Book.of([invoice("1"), invoice("2", customer_id="C2"), known])
        assert overdue_balance(book, D, external_customer_id="x 1")["overdue_balances"] == [
            _balance("2020-06", 10000, "USD", "1")
        ]
        assert overdue_balance(book, D, external_customer_id="nobody") == {"overdue_balances": []}

    def test_lost_disputes_still_owe_but_are_not_collected(self) -> None:
        book = Book.of([invoice(), dispute(9, resolved_on=ago(2), outcome="lost")])
        assert len(overdue_balance(book, D)["overdue_balances"]) == 1
        assert invoice_collection(book, D) == {"invoice_collections": []}
        before = invoice_collection(book, D - timedelta(days=3))["invoice_collections"]
        assert [r["invoices_count"] for r in before] == [1, 0, 0, 0]  # March to June
        undated = Book.of([invoice(), dispute(9, outcome="lost")])
        assert invoice_collection(undated, D - timedelta(days=9)) == {"invoice_collections": []}
        assert len(invoice_collection(undated, D - timedelta(days=10))["invoice_collections"]) == 4

    def test_collection_by_month_status_and_currency(self) -> None:
        book = Book.of(
            [
                invoice("1", issued_on="2020-03-05"),
                invoice("2", issued_on="2020-03-31", payment_status="failed"),
                invoice("3", issued_on="2020-03-01", total="5"),
                payment("5", 0, invoice_id="3"),
                invoice("4", issued_on="2020-03-09", payment_status="failed", total="6"),
                payment("6", 1, "P2", invoice_id="4"),
                invoice("5", issued_on="2020-05-09", currency="EUR"),
                invoice("6", issued_on="2020-05-09", status="draft"),
                invoice("7", issued_on="2020-05-09", status="voided", voided_on=ago(-1)),
                invoice("8", issued_on="2020-07-01"),
            ]
        )
        rows = [
            _collected("2020-03", 1, 10000, "failed", "USD"),
            _collected("2020-03", 1, 10000, "pending", "USD"),
            _collected("2020-03", 2, 1100, "succeeded", "USD"),
            _collected("2020-04", 0, 0),
            _collected("2020-05", 1, 10000, "pending", "EUR"),
            _collected("2020-05", 1, 10000, "pending", "USD"),
            _collected("2020-06", 0, 0),
        ]
        assert invoice_collection(book, D)["invoice_collections"] == rows
        assert invoice_collection(book, D, months=3)["invoice_collections"] == rows[3:]
        assert invoice_collection(book, D, months=1)["invoice_collections"] == rows[6:]
        assert invoice_collection(book, D, currency="eur")["invoice_collections"] == rows[4:5]

    def test_a_payment_of_tomorrow_succeeds_tomorrow(self) -> None:
        book = Book.of([invoice(issued_on="2020-06-02"), payment("100", -1)])
        assert [r["payment_status"] for r in invoice_collection(book, D)["invoice_collections"]] == ["pending"]
        [june, july] = invoice_collection(book, D + timedelta(days=1))["invoice_collections"]
        assert (june["payment_status"], july["invoices_count"]) == ("succeeded", 0)

    def test_a_book_without_invoices_has_no_months(self) -> None:
        assert invoice_collection(Book.of([]), D, months=12) == {"invoice_collections": []}


def _balance(month: str, amount: int, currency: str, *own_ids: str) -> dict[str, Any]:
    return {
        "month": f"{month}-01T00:00:00.000Z",
        "amount_cents": amount,
        "currency": currency,
        "lago_invoice_ids": [uid("invoice", own_id) for own_id in own_ids],
    }


def _collected(
    month: str, count: int, amount: int, status: str | None = None, currency: str | None = None
) -> dict[str, Any]:
    row = {"month": f"{month}-01T00:00:00.000Z", "invoices_count": count, "amount_cents": amount}
    return row if status is None else {**row, "payment_status": status, "currency": currency}


CUSTOMER: Record = {"type": "customer", "id": "C1", "name": "One", "account_number": "A1", "currency": "JPY"}


class TestDocuSign:
    def test_an_account_in_full(self) -> None:
        line = {"id": "L1", "name": "Work", "quantity": "2.5", "unit_price": "400", "amount": "1000"}
        book = Book.of(
            [
                CUSTOMER,
                invoice(
                    total="1100",
                    currency="JPY",
                    taxable_amount="1000",
                    number="N1",
                    pdf_available=True,
                    lines=[line],
                ),
                payment("100", 0),
                invoice("I2", total="50", currency="JPY", due_on=ago(0)),
                invoice("I3"),
                invoice("I4", total="5.5", due_on=None),
                invoice("I5", currency="EUR", due_on=ago(0)),
            ]
        )
        assert past_due(book, "A1", D) == {
            "currencyCode": "JPY",
            "pastDueBalance": "1000",
            "accountBalance": "1050",
            "paymentAllowed": "true",
            "billingInvoices": [
                {
                    "amount": "1100",
                    "balance": "1000",
                    "taxableAmount": "1000",
                    "nonTaxableAmount": "100",
                    "dueDate": ago(10),
                    "invoiceId": uid("invoice", "I1"),
                    "invoiceNumber": "N1",
                    "pdfAvailable": "true",
                    "invoiceUri": f"/accounts/A1/billing_invoices/{uid('invoice', 'I1')}",
                    "invoiceItems": [
                        {
                            "chargeAmount": "1000",
                            "chargeName": "Work",
                            "invoiceItemId": "L1",
                            "quantity": "2.5",
                            "unitPrice": "400",
                        }
                    ],
                }
            ],
            "otherCurrencies": [
                {"currencyCode": "USD", "pastDueBalance": "100.00", "accountBalance": "105.50"},
                {"currencyCode": "EUR", "pastDueBalance": "0.00", "accountBalance": "100.00"},
            ],
        }

    def test_accounts_by_uuid_and_unknown_ones(self) -> None:
        book = Book.of([invoice()])
        found = past_due(book, uid("customer", "C1").upper(), D)
        assert found is not None
        assert (found["currencyCode"], found["pastDueBalance"]) == ("USD", "100.00")
        assert past_due(book, "A1", D) is None

    def test_payment_is_allowed_for_something_past_due_and_undisputed(self) -> None:
        def allowed(*records: Record, home: Organisation = HOME) -> Any:
            answer = past_due(Book.of(records, home), uid("customer", "C1"), D)
            assert answer is not None
            return answer["paymentAllowed"]

        assert allowed(invoice()) == "true"
        assert allowed(invoice(due_on=ago(0))) == "false"
        assert allowed(invoice(), dispute(1)) == "false"
        assert allowed(invoice(), dispute(1), invoice("I2")) == "true"
        assert allowed(invoice(), {**CUSTOMER, "payment_blocked": True}) == "false"
        assert allowed(invoice(), home=Organisation(payments_over_api=False)) == "false"

    def test_balances_are_exact_past_every_float(self) -> None:
        answer = past_due(Book.of([invoice(total="900719925474099.93")]), uid("customer", "C1"), D)
        assert answer is not None
        assert answer["pastDueBalance"] == "900719925474099.93"


def xero_book() -> Book:
    """The Xero export as records: PAID ones paid in full on their day, DELETED and VOIDED ones left out."""
    records: list[Record] = []
    with (XERO / "xero_invoice_data.csv").open(newline="", encoding="utf-8") as lines:
        for line in csv.DictReader(lines):
            if line["type"] != "ACCREC" or line["status"] in {"DELETED", "VOIDED"}:
                continue
            records.append(
                {
                    "type": "invoice",
                    "id": line["invoice_id"],
                    "customer_id": line["contact_id"],
                    "number": line["invoice_number"],
                    "currency": line["currency_code"],
                    "total": line["total"],
                    "issued_on": line["date"],
                    "due_on": line["due_date"],
                }
            )
            if line["status"] == "PAID":
                paid = payment(line["amount_paid"], 0, line["invoice_id"], invoice_id=line["invoice_id"])
                records.append({**paid, "paid_on": line["fully_paid_on_date"]})
    return Book.of(records, Organisation(currency="GBP"))


class TestXero:
    def test_the_facts_of_a_real_book(self) -> None:
        facts = json.loads((XERO / "facts-2020-06-30.json").read_text(encoding="utf-8"))
        answer = receivables_overdue(xero_book(), date.fromisoformat(facts["date"]))
        names = {
            "current": "not_yet_due",
            "d1To30": "1-30",
            "d31To60": "31-60",
            "d61To90": "61-90",
            "d90Plus": "90+",
        }
        assert [entry["currency"] for entry in answer["aging"]] == ["GBP", "USD"]
        for entry in answer["aging"]:
            expected = facts["by_currency"][entry["currency"]]
            for ours, theirs in names.items():
                assert Decimal(str(entry["buckets"][ours]["amount"])) == Decimal(expected["amount"][theirs])
                assert entry["buckets"][ours]["count"] == expected["count"][theirs]
        assert answer["totals"] == {
            "customerCount": facts["distinct_overdue_customers"],
            "invoiceCount": 2,
            "overdueByCurrency": [{"currency": "GBP", "amount": 4500, "count": 2}],
            "unappliedByCurrency": [],
        }
        [customer] = answer["customers"]
        assert customer["customerId"] == facts["by_currency"]["GBP"]["top5_by_overdue"][0]["customer"]
        assert (customer["tier"], customer["suggestedAction"]) == ("escalation", "call_or_escalate")

    def test_lago_on_the_same_book(self) -> None:
        # 61 and 91 days before 2020-06-30 are 30 April and 31 March.
        balances = overdue_balance(xero_book(), D)["overdue_balances"]
        assert [(b["month"], b["amount_cents"], b["currency"]) for b in balances] == [
            (month_text(date(2020, 3, 1)), 225000, "GBP"),
            (month_text(date(2020, 4, 1)), 225000, "GBP"),
        ]


class TestComparison:
    def test_an_answer_may_have_more_fields_and_write_numbers_otherwise(self) -> None:
        assert differences({"a": 100, "b": [1.5]}, {"a": Decimal("100.00"), "b": [1.5], "c": 1}) == []

    def test_what_differs_is_named(self) -> None:
        assert differences({"a": [{"b": "1.00"}]}, {"a": [{"b": 1}]}) == ["$.a[0].b: '1.00' expected, 1 found"]
        assert differences({"a": 1}, {}) == ["$.a: missing, 1 expected"]
        assert differences([1], [1, 2]) == ["$: 1 entries expected, 2 found"]
        assert differences({"averageDaysLate": 1 / 3}, {"averageDaysLate": 0.333333}) == []
        extra = {"paymentBehaviour": {"totalInvoicesPaid": 1, "onTimeRate": None}}
        assert len(differences({"paymentBehaviour": {"totalInvoicesPaid": 1}}, extra)) == 1


def settled_day_by_day(document: Document, on: date) -> date | None:
    """As :meth:`Document.settled_on`, one day at a time."""
    beginning = min(document.change_days(), default=on) - timedelta(days=1)
    if not document.covered(on):
        return None
    while on >= beginning and document.covered(on):
        on -= timedelta(days=1)
    return document.issued if on < beginning else on + timedelta(days=1)


class TestRandomBooks:
    @settings(max_examples=60, deadline=None)
    @given(books_and_days())
    def test_settled_on_is_what_a_walk_day_by_day_finds(self, pair: tuple[Book, date]) -> None:
        book, on = pair
        for document in read(book).documents:
            assert document.settled_on(on) == settled_day_by_day(document, on)

    @settings(max_examples=60, deadline=None)
    @given(books_and_days(order_free=True), policies(), st.randoms(use_true_random=False))
    def test_the_order_of_arrival_changes_nothing(self, pair: tuple[Book, date], policy: Policy, rng: Random) -> None:
        book, on = pair
        other = book.reordered(rng.sample(range(len(book.entries)), len(book.entries)))
        assert receivables_overdue(other, on, policy) == receivables_overdue(book, on, policy)
        assert payables_overdue(other, on, policy) == payables_overdue(book, on, policy)
        assert overdue_balance(other, on) == overdue_balance(book, on)
        assert invoice_collection(other, on) == invoice_collection(book, on)

    @settings(max_examples=60, deadline=None)
    @given(books_and_days())
    def test_buckets_totals_rows_and_faces_tie_out(self, pair: tuple[Book, date]) -> None:
        book, on = pair
        answer = receivables_overdue(book, on)
        totals = {t["currency"]: Decimal(str(t["amount"])) for t in answer["totals"]["overdueByCurrency"]}
        assert _sums(answer["customers"], "totalOverdue") == totals
        assert _bucket_sums(answer) == totals
        assert _lago_sums(book, on) == totals
        assert _docusign_sums(book, on) == totals
        bills = payables_overdue(book, on)
        assert _sums(bills["suppliers"], "totalOverdue") == _bucket_sums(bills)

    def test_a_seed_makes_the_same_book_again(self) -> None:
        assert random_book(7, 30) == random_book(7, 30)
        assert random_book(7, 30) != random_book(8, 30)
        assert {entry.recorded_on for entry in random_book(7, 30, recorded_on=D).entries} == {D}

    def test_books_reach_every_answer(self) -> None:
        seen: set[str] = set()
        for seed in range(40):
            book, policy = random_book(seed, 40), random_policy(Random(seed))
            for on in interesting_days(book)[3:8]:
                for entry in receivables_overdue(book, on, policy)["customers"]:
                    seen |= {f"{entry['tier']} {entry['suggestedAction']}", entry["currency"]}
                    seen |= {"amount as text"} if isinstance(entry["totalOverdue"], str) else set()
                for entry in payables_overdue(book, on, policy)["suppliers"]:
                    seen |= {entry["urgency"], entry["suggestedAction"], str(entry["supplierId"] is None)}
        tiers = {f"{tier} {action}" for tier in ("gentle", "firm", "final") for action in ("send_reminder", "wait")}
        tiers |= {f"escalation {action}" for action in ("call_or_escalate", "wait", "send_reminder")}
        others = {"low", "medium", "high", "critical", "schedule_payment", "confirm_or_reschedule", "wait"}
        assert tiers | others | {"USD", "EUR", "JPY", "CLF", "KWD", "True", "False", "amount as text"} <= seen


def _add(sums: dict[str, Decimal], currency: str, amount: Decimal) -> None:
    if amount:
        sums[currency] = sums.get(currency, Decimal(0)) + amount


def _sums(rows: list[dict[str, Any]], name: str) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for entry in rows:
        _add(sums, entry["currency"], Decimal(str(entry[name])))
    return sums


def _bucket_sums(answer: dict[str, Any]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for entry in answer["aging"]:
        for bucket, inside in entry["buckets"].items():
            if bucket != "current":
                _add(sums, entry["currency"], Decimal(str(inside["amount"])))
    return sums


def _lago_sums(book: Book, on: date) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for entry in overdue_balance(book, on)["overdue_balances"]:
        _add(sums, entry["currency"], in_major(entry["amount_cents"], entry["currency"]))
    return sums


def in_major(minor: int, currency: str) -> Decimal:
    """Minor units in major units, by the currency's own scale."""
    return minor / Decimal({"JPY": 1, "CLF": 10_000, "KWD": 1_000}.get(currency, 100))


def _docusign_sums(book: Book, on: date) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    ledger = read(book)
    for customer_id in {str(document.party.id) for document in ledger.of_kind("invoice")}:
        answer = past_due(book, ledger.outward("customer", customer_id), on)
        assert answer is not None
        for balance in (answer, *answer["otherCurrencies"]):
            _add(sums, balance["currencyCode"], Decimal(balance["pastDueBalance"]))
    return sums
