"""Aged lists, statements and the roll-forward of the control account: by hand, and against each other."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.aged_lists import (
    not_payable,
    payables_aging,
    payables_documents,
    receivables_aging,
    receivables_documents,
)
from oracle.book import Book, Entry, Policy, Record, minor_units, read
from oracle.generate import as_it_happened, books_and_days, irregular_days, month_starts, random_book
from oracle.on_account import accounts, net
from oracle.schedule import Run, payables_history, replay
from oracle.statements import Line, activity, open_item
from oracle.test_on_account import CUSTOMER, OWN, THEIRS, D, advance, ago, bill, invoice, moved, note, paid

SIGNS = {"opening": 1, "restated": 1, "invoiced": 1, "received": -1, "credited": -1, "voided": -1, "refunded": 1}


def aged(*records: Record) -> dict[str, Any]:
    """The receivables list."""
    return receivables_aging(Book.of(records), D)


class TestByParty:
    def test_a_row_has_buckets_and_what_is_on_account(self) -> None:
        limit = {**CUSTOMER, "credit_limit": {"USD": "500"}}
        found = aged(limit, invoice(), invoice("I2", due_on=ago(-5), total="40"), advance("30"))
        [row] = found["customers"]
        assert row["buckets"] == {"current": 40, "d1To30": 100, "d31To60": 0, "d61To90": 0, "d90Plus": 0}
        assert (row["outstanding"], row["unapplied"], row["net"]) == (140, 30, 110)
        assert (row["daysOverdue"], row["tier"], row["customerReference"]) == (10, "gentle", "C1")
        assert (row["creditLimit"], row["creditAvailable"]) == (500, 390)

    def test_who_owes_nothing_but_has_paid_is_there(self) -> None:
        found = aged(CUSTOMER, advance("1000"))
        [row] = found["customers"]
        assert (row["outstanding"], row["unapplied"], row["net"], row["tier"]) == (0, 1000, -1000, None)
        [entry] = found["aging"]
        assert (entry["unapplied"], entry["net"]) == ({"amount": 1000, "count": 1}, -1000)

    def test_an_unapplied_credit_note_and_what_is_left_of_its_invoice(self) -> None:
        [row] = aged(invoice(), paid("40"), note("100"))["customers"]
        assert (row["outstanding"], row["unapplied"], row["net"]) == (60, 100, -40)

    def test_a_credit_moved_to_the_other_invoice_leaves_nothing(self) -> None:
        book = [invoice(), paid("100"), note("100"), invoice("I2")]
        assert aged(*book, moved("100", payment_id=None, credit_id="K1", invoice_id="I2"))["customers"] == []

    def test_bills_that_wait_for_approval_are_apart(self) -> None:
        waiting = [bill("B2", state="NeedsApproval"), bill("B3", state="Rejected"), bill("B4", state="Paid")]
        book = Book.of([bill(), *waiting])
        [row] = payables_aging(book, D)["suppliers"]
        assert (row["outstanding"], row["urgency"]) == (100, "medium")
        assert not_payable(book, D) == {("S1", "USD"): (10000, 1)}


class TestByDocument:
    def test_a_row_per_open_document_the_oldest_first(self) -> None:
        book = Book.of([invoice(), invoice("I2", due_on=ago(40)), paid("30")])
        first, second = receivables_documents(book, D)
        assert (first["invoiceReference"], first["bucket"], first["daysOverdue"]) == ("I2", "d31To60", 40)
        assert (second["totalAmount"], second["applied"], second["outstanding"]) == (100, 30, 70)

    @settings(max_examples=25, deadline=None)
    @given(books_and_days(max_size=10))
    def test_documents_rows_and_aging_tie_out(self, drawn: tuple[Book, date]) -> None:
        book, on = drawn
        sides = (
            (receivables_aging(book, on), receivables_documents(book, on), "customer"),
            (payables_aging(book, on), payables_documents(book, on), "supplier"),
        )
        for found, documents, kind in sides:
            for entry in found["aging"]:
                rows = [row for row in found[f"{kind}s"] if row["currency"] == entry["currency"]]
                outstanding = total(d["outstanding"] for d in documents if d["currency"] == entry["currency"])
                assert total(row["outstanding"] for row in rows) == outstanding
                assert total(bucket["amount"] for bucket in entry["buckets"].values()) == outstanding
                assert total(row["net"] for row in rows) == exact(entry["net"])
                assert exact(entry["net"]) == outstanding - exact(entry["unapplied"]["amount"])


class TestStatements:
    def test_activity_from_opening_to_closing(self) -> None:
        book = [
            invoice(),
            paid("30", 40),
            invoice("I2", issued_on=ago(20), total="50"),
            advance("90", 10),
            moved("20", 9),
            advance("-5", 5, "P2"),
            paid("7", 30, "P3", voided_on=ago(3)),
            invoice("I3", issued_on=ago(15), total="8", status="voided", voided_on=ago(2)),
        ]
        found = activity(read(Book.of(book)), OWN, D - timedelta(days=29), D)
        assert found.opening == 6300
        assert [(line.on, line.kind, line.id, line.amount, line.balance) for line in found.lines] == [
            (D - timedelta(days=20), "invoice", "I2", 5000, 11300),
            (D - timedelta(days=15), "invoice", "I3", 800, 12100),
            (D - timedelta(days=10), "payment", "P1", -9000, 3100),
            (D - timedelta(days=5), "payment", "P2", 500, 3600),
            (D - timedelta(days=3), "payment_voided", "P3", 700, 4300),
            (D - timedelta(days=2), "voided", "I3", -800, 3500),
        ]
        assert (found.closing, sum(found.buckets.values()), found.unapplied) == (3500, 10000, 6500)

    def test_open_items_end_at_the_net(self) -> None:
        found = open_item(read(Book.of([invoice(), paid("130"), invoice("I2"), advance("20", 5)])), OWN, D)
        assert found.lines == [
            Line(D - timedelta(days=100), "invoice", "I2", 10000, 10000),
            Line(D, "excess", "I1", -3000, 7000),
            Line(D, "payment", "P1", -2000, 5000),
        ]

    def test_a_bill_closed_by_its_state_before_its_payment_was_recorded(self) -> None:
        ledger = read(Book.of([bill(state="Paid", state_on=ago(5)), paid("100", 2, bill_id="B1")]))
        found = activity(ledger, THEIRS, D - timedelta(days=9), D)
        assert [(line.kind, line.amount) for line in found.lines] == [
            ("closed_by_state", -10000),
            ("closed_by_state", 10000),
            ("payment", -10000),
        ]
        assert found.closing == 0

    @settings(max_examples=20, deadline=None)
    @given(books_and_days(max_size=8), st.integers(min_value=0, max_value=60))
    def test_opening_and_movements_are_the_closing_of_the_aged_list(self, drawn: Any, days: int) -> None:
        book, on = drawn
        ledger = read(book)
        for kind in ("customer", "supplier"):
            for account in accounts(ledger, kind):
                found = activity(ledger, account, on - timedelta(days=days), on)
                assert found.closing == net(ledger, account, on) == open_item(ledger, account, on).closing
                assert found.closing == sum(found.buckets.values()) - found.unapplied


class TestControl:
    def test_a_month_by_hand(self) -> None:
        records = [
            invoice(issued_on="2020-05-10", total="100"),
            invoice("I2", issued_on="2020-06-10", total="50"),
            invoice("I3", issued_on="2020-06-11", total="8", status="voided", voided_on="2020-06-20"),
            paid("30", paid_on="2020-05-20"),
            paid("45", own_id="P2", paid_on="2020-06-05"),
            paid("-5", own_id="P3", paid_on="2020-06-06"),
            advance("90", own_id="P4", paid_on="2020-06-07"),
            advance("-20", own_id="P5", paid_on="2020-06-08"),
            advance("11", own_id="P6", paid_on="2020-06-08", voided_on="2020-06-25"),
            note("12", credited_on="2020-06-09"),
        ]
        done = replay(Book.of(records), [Run(date(2020, 7, 1), arrived=len(records))])
        [_, june] = done.snapshots
        [entry] = june.shown["currencies"]
        assert entry["control"] == {
            "opening": 70,
            "restated": 0,
            "invoiced": 58,
            "received": 130,
            "credited": 12,
            "voided": 8,
            "refunded": 20,
            "closing": -2,
            "unapplied": 82,
        }

    def test_what_became_known_late_is_restated(self) -> None:
        early = Entry(invoice(issued_on="2020-05-10"), date(2020, 5, 10))
        late = Entry(advance("40", paid_on="2020-05-20"), date(2020, 6, 10))
        done = replay(Book(entries=[early, late]), [date(2020, 6, 1), date(2020, 7, 1)])
        june = done.snapshots[1].shown["currencies"][0]
        assert (june["control"]["opening"], june["control"]["restated"], june["control"]["closing"]) == (100, -40, 60)
        waiting = replay(
            Book(entries=[early, late]),
            [date(2020, 6, 1), date(2020, 6, 11), date(2020, 7, 11)],
            Policy(close_after_days=10),
        )
        assert [snapshot.run.on for snapshot in waiting.snapshots] == [date(2020, 6, 11), date(2020, 7, 11)]
        assert [s.shown["currencies"][0]["control"]["restated"] for s in waiting.snapshots] == [0, 0]

    def test_a_bills_payment_that_came_after_its_state(self) -> None:
        paid_bill = bill(issued_on="2020-05-10", state="Paid", state_on="2020-05-20")
        book = Book.of([paid_bill, paid("100", bill_id="B1", paid_on="2020-06-02")])
        done = replay(book, [Run(date(2020, 7, 1), arrived=2)], first_from=("bill",))
        may, june = (month["currencies"][0]["control"] for month in payables_history(done.snapshots)["months"])
        assert (may["invoiced"], may["closedByState"], may["closing"]) == (100, 100, 0)
        assert (june["received"], june["closedByState"], june["closing"]) == (100, -100, 0)

    @pytest.mark.parametrize("seed", range(4))
    def test_it_adds_up_for_random_books_as_they_happened(self, seed: int) -> None:
        rng = Random(seed)
        book = as_it_happened(random_book(seed, 12), rng)
        days = month_starts(book, 1) if seed % 2 else irregular_days(book, rng)
        runs = [day for day in days if day <= book.pivot + timedelta(days=70)][-14:]
        done = replay(book, runs, Policy(close_after_days=rng.choice((0, 3))), first_from=("invoice", "bill"))
        closings: dict[tuple[str, str], int] = {}
        for snapshot in done.snapshots:
            for side, months in (("customer", snapshot.shown), ("supplier", snapshot.payables)):
                listed = {entry["currency"]: entry["control"] for entry in months["currencies"]}
                for currency, control in listed.items():
                    amounts = {name: minor_units(amount, currency) or 0 for name, amount in control.items()}
                    assert amounts["opening"] == closings.get((side, currency), 0)
                    moved_to = sum(sign * amounts[name] for name, sign in SIGNS.items())
                    assert moved_to - amounts.get("closedByState", 0) == amounts["closing"]
                gone = {key for key in closings if key[0] == side} - {(side, currency) for currency in listed}
                assert all(closings[key] == 0 for key in gone)
                for currency, control in listed.items():
                    closings[side, currency] = minor_units(control["closing"], currency) or 0


def exact(amount: Any) -> Decimal:
    """An amount of an answer, number or text."""
    return Decimal(str(amount))


def total(amounts: Any) -> Decimal:
    """The sum of amounts of an answer."""
    return sum((exact(amount) for amount in amounts), Decimal(0))
