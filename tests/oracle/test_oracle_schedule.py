"""The schedule's oracle against months and tiers worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle import Book, Entry, Organisation, Policy, random_book, receivables_overdue
from oracle.book import Record, outward_id
from oracle.figures import BUCKETS
from oracle.generate import as_it_happened, irregular_days, month_starts, random_policy
from oracle.receivables import TIERS
from oracle.schedule import (
    CONTROL,
    FLOWS,
    Replay,
    Run,
    escalation_differences,
    history,
    history_differences,
    known,
    path,
    replay,
)

AT_ONCE = date(2019, 1, 1)
"""Recorded on a day before every run."""


def invoice(due_on: str, own_id: str = "I1", **fields: Any) -> Record:
    """An invoice of C1 over 100 USD, issued on 10 January 2020."""
    return {
        "type": "invoice",
        "id": own_id,
        "customer_id": "C1",
        "currency": "USD",
        "total": "100",
        "issued_on": "2020-01-10",
        "due_on": due_on,
        **fields,
    }


def payment(amount: str, paid_on: str, own_id: str = "P1", **fields: Any) -> Record:
    """A payment of I1."""
    return {"type": "payment", "id": own_id, "invoice_id": "I1", "amount": amount, "paid_on": paid_on, **fields}


def credit(amount: str, credited_on: str, **fields: Any) -> Record:
    """A credit of I1."""
    return {
        "type": "credit",
        "id": "K1",
        "invoice_id": "I1",
        "amount": amount,
        "credited_on": credited_on,
        **fields,
    }


def arriving(*arrivals: tuple[str, Record], organisation: Organisation | None = None) -> Book:
    """A book of records with the days they came on."""
    entries = [Entry(record, date.fromisoformat(on)) for on, record in arrivals]
    return Book(organisation or Organisation(), entries)


def worked(*records: Record, run: str = "2020-07-01", policy: Policy | None = None) -> Replay:
    """What one late run writes about records that were all known before."""
    return replay(Book.of(records, recorded_on=AT_ONCE), [date.fromisoformat(run)], policy)


def moves(done: Replay) -> list[tuple[str | None, str | None, str]]:
    """From, to and day of every escalation, the restated ones with a mark."""
    return [(e["from"], e["to"], e["crossedOn"] + (" restated" if e["restated"] else "")) for e in done.bodies]


def month(done: Replay, name: str) -> dict[str, Any]:
    """The only currency of a month."""
    [snapshot] = [snapshot for snapshot in done.snapshots if snapshot.month == name]
    [only] = snapshot.shown["currencies"]
    assert isinstance(only, dict)
    return only


def roll(done: Replay, name: str) -> tuple[int, ...]:
    """Opening, restated, newly overdue, collected, credited, no longer overdue, closing."""
    only = month(done, name)
    return tuple(only[field] for field in ("openingOverdue", "restated", *FLOWS, "closingOverdue"))


class TestEscalations:
    def test_an_invoice_that_is_never_paid_crosses_every_tier_on_its_day(self) -> None:
        # Day 15 after 31 January is 15 February, day 31 is 2 March, day 61 is 1 April: 2020 is a leap year.
        assert moves(worked(invoice("2020-01-31"))) == [
            (None, "gentle", "2020-02-01"),
            ("gentle", "firm", "2020-02-15"),
            ("firm", "final", "2020-03-02"),
            ("final", "escalation", "2020-04-01"),
        ]

    def test_a_record_says_who_and_how_much_at_the_end_of_the_day(self) -> None:
        done = worked(invoice("2020-01-31"), payment("0.50", "2020-02-15"), run="2020-02-16")
        assert done.bodies[1] == {
            "customerId": outward_id(Organisation(), "customer", "C1"),
            "currency": "USD",
            "from": "gentle",
            "to": "firm",
            "crossedOn": "2020-02-15",
            "historical": False,
            "daysOverdue": 15,
            "totalOverdue": 99.5,
            "policyVersion": 1,
            "restated": False,
        }

    def test_a_reopened_invoice_crosses_all_its_tiers_on_that_day(self) -> None:
        done = worked(
            invoice("2020-04-15"), payment("100", "2020-06-05"), payment("-100", "2020-06-20", "P2"), run="2020-06-30"
        )
        assert moves(done) == [
            (None, "gentle", "2020-04-16"),
            ("gentle", "firm", "2020-04-30"),
            ("firm", "final", "2020-05-16"),
            ("final", None, "2020-06-05"),
            (None, "gentle", "2020-06-20"),
            ("gentle", "firm", "2020-06-20"),
            ("firm", "final", "2020-06-20"),
            ("final", "escalation", "2020-06-20"),
        ]
        assert [(e["daysOverdue"], e["totalOverdue"]) for e in done.bodies[3:]] == [(0, 0)] + [(66, 100)] * 4

    def test_paying_the_oldest_steps_down_at_once(self) -> None:
        done = worked(
            invoice("2020-01-31"), invoice("2020-02-25", "I2"), payment("100", "2020-03-05"), run="2020-03-06"
        )
        assert moves(done)[2:] == [("firm", "final", "2020-03-02"), ("final", "gentle", "2020-03-05")]
        assert (done.bodies[-1]["daysOverdue"], done.bodies[-1]["totalOverdue"]) == (9, 100)

    def test_a_broken_promise_and_a_minimum_move_the_tier_too(self) -> None:
        promise = {
            "type": "promise",
            "id": "PR1",
            "customer_id": "C1",
            "currency": "USD",
            "made_on": "2020-02-03",
            "promised_on": "2020-02-05",
        }
        assert moves(worked(invoice("2020-01-31"), promise, run="2020-02-08")) == [
            (None, "gentle", "2020-02-01"),
            ("gentle", "firm", "2020-02-06"),
        ]
        paid = payment("90", "2020-04-05")
        done = worked(invoice("2020-01-31"), paid, run="2020-04-30", policy=Policy(minimums={"USD": "50"}))
        assert moves(done)[-1] == ("escalation", "final", "2020-04-05")

    def test_currencies_and_customers_are_on_their_own(self) -> None:
        done = worked(
            invoice("2020-01-31"),
            invoice("2020-01-31", "I2", currency="EUR"),
            invoice("2020-02-10", "I3", customer_id="C2"),
            run="2020-02-12",
        )
        assert [(e["customerId"], e["currency"], e["crossedOn"]) for e in done.bodies] == [
            (outward_id(Organisation(), "customer", "C1"), "EUR", "2020-02-01"),
            (outward_id(Organisation(), "customer", "C1"), "USD", "2020-02-01"),
            (outward_id(Organisation(), "customer", "C2"), "USD", "2020-02-11"),
        ]

    def test_what_crossed_before_the_organisation_was_created_is_historical(self) -> None:
        book = Book.of([invoice("2020-01-31")], recorded_on=AT_ONCE)
        done = replay(book, [date(2020, 3, 1)], created_on=date(2020, 2, 15))
        assert [e["historical"] for e in done.bodies] == [True, False]

    @pytest.mark.parametrize(
        ("before", "after", "steps"),
        [
            (None, None, []),
            (2, 2, []),
            (None, 0, [(None, 0)]),
            (None, 2, [(None, 0), (0, 1), (1, 2)]),
            (1, 3, [(1, 2), (2, 3)]),
            (3, 0, [(3, 0)]),
            (3, None, [(3, None)]),
        ],
    )
    def test_the_way_up_has_steps_and_the_way_down_none(
        self, before: int | None, after: int | None, steps: list[tuple[int | None, int | None]]
    ) -> None:
        assert path(before, after) == steps


class TestCorrections:
    def test_a_payment_recorded_late_clears_on_the_first_day_of_the_next_run(self) -> None:
        book = arriving(("2020-01-10", invoice("2020-04-30")), ("2020-06-10", payment("100", "2020-05-20")))
        done = replay(book, [date(2020, 6, 1), date(2020, 7, 1)])
        assert moves(done) == [
            (None, "gentle", "2020-05-01"),
            ("gentle", "firm", "2020-05-15"),
            ("firm", "final", "2020-05-31"),
            ("final", None, "2020-06-01 restated"),
        ]
        assert roll(done, "2020-05") == (0, 0, 100, 0, 0, 0, 100)
        assert roll(done, "2020-06") == (100, -100, 0, 0, 0, 0, 0)

    def test_an_invoice_recorded_late_takes_every_tier_on_one_restated_path(self) -> None:
        book = arriving(
            ("2020-01-10", invoice("2020-12-31", "I2")),
            ("2020-04-05", invoice("2020-01-31", total="30")),
        )
        done = replay(book, [date(2020, 4, 1), date(2020, 5, 1)])
        assert moves(done) == [
            (None, "gentle", "2020-04-01 restated"),
            ("gentle", "firm", "2020-04-01 restated"),
            ("firm", "final", "2020-04-01 restated"),
            ("final", "escalation", "2020-04-01 restated"),
        ]
        assert (done.bodies[0]["daysOverdue"], done.bodies[0]["totalOverdue"]) == (61, 30)
        assert roll(done, "2020-04") == (0, 30, 0, 0, 0, 0, 30)

    def test_a_correction_that_ends_where_it_began_leaves_no_record(self) -> None:
        # Cleared on 30 May after all, but I2 is gentle from 1 June.
        book = arriving(
            ("2020-01-10", invoice("2020-05-25")),
            ("2020-01-10", invoice("2020-05-31", "I2")),
            ("2020-06-01", payment("100", "2020-05-30")),
        )
        assert moves(replay(book, [date(2020, 6, 1), date(2020, 6, 3)])) == [(None, "gentle", "2020-05-26")]

    def test_a_change_of_the_past_that_is_over_at_the_last_day_restates_no_tier(self) -> None:
        book = arriving(
            ("2020-01-10", invoice("2020-05-17")),
            ("2020-06-01", payment("100", "2020-05-20")),
            ("2020-06-01", payment("-100", "2020-05-22", "P2")),
        )
        done = replay(book, [date(2020, 6, 1), date(2020, 6, 3)])
        assert moves(done) == [(None, "gentle", "2020-05-18"), ("gentle", "firm", "2020-06-01")]

    def test_another_policy_restates_too_and_its_version_is_kept(self) -> None:
        book = Book.of([invoice("2020-05-21")], recorded_on=AT_ONCE)
        stricter = Run(date(2020, 6, 5), policy=Policy(firm_from=8), policy_version=2)
        done = replay(book, [date(2020, 6, 1), stricter])
        assert moves(done) == [(None, "gentle", "2020-05-22"), ("gentle", "firm", "2020-06-01 restated")]
        assert [e["policyVersion"] for e in done.bodies] == [1, 2]

    def test_an_invoice_that_moves_takes_its_tier_from_one_customer_to_the_other(self) -> None:
        book = arriving(
            ("2020-01-10", invoice("2020-05-10")),
            ("2020-06-01", invoice("2020-05-10", customer_id="C2", currency="EUR")),
        )
        done = replay(book, [date(2020, 6, 1), date(2020, 7, 1)])
        assert sorted(moves(done)[2:], key=str) == sorted(
            [
                ("firm", None, "2020-06-01 restated"),
                (None, "gentle", "2020-06-01 restated"),
                ("gentle", "firm", "2020-06-01 restated"),
                ("firm", "final", "2020-06-10"),
            ],
            key=str,
        )
        shown = {entry["currency"]: entry for entry in done.snapshots[-1].shown["currencies"]}
        assert [(c, e["openingOverdue"], e["restated"], e["closingOverdue"]) for c, e in shown.items()] == [
            ("USD", 100, -100, 0),
            ("EUR", 0, 100, 100),
        ]

    def test_what_was_recorded_before_the_first_run_is_no_correction(self) -> None:
        book = arriving(("2020-06-20", invoice("2020-01-31")), ("2020-06-20", payment("100", "2020-02-10")))
        done = replay(book, [date(2020, 7, 1)])
        assert moves(done) == [(None, "gentle", "2020-02-01"), ("gentle", None, "2020-02-10")]
        assert all(roll(done, snapshot.month)[1] == 0 for snapshot in done.snapshots if snapshot.shown["currencies"])


class TestRuns:
    def test_months_are_closed_from_the_first_documents_to_the_last_that_ended(self) -> None:
        done = worked(invoice("2020-03-31", issued_on="2020-03-20"), run="2020-06-30")
        assert [snapshot.month for snapshot in done.snapshots] == ["2020-03", "2020-04", "2020-05"]
        assert done.worked_through == date(2020, 6, 29)

    def test_documents_that_never_existed_begin_nothing(self) -> None:
        real = invoice("2020-03-31", issued_on="2020-03-20")
        bill = {
            "type": "bill",
            "id": "B1",
            "currency": "USD",
            "total": "1",
            "issued_on": "2020-02-01",
            "state": "Approved",
        }
        others = [
            invoice("2020-01-31", "I2", status="draft"),
            invoice("2020-01-31", "I3", status="voided"),
            invoice("2020-01-31", "I4", voided_on="2020-01-10"),
            bill,
        ]
        assert worked(real, *others).snapshots[0].month == "2020-03"
        assert worked(*others).worked_through is None
        book = Book.of([real, *others], recorded_on=AT_ONCE)
        both = replay(book, [date(2020, 7, 1)], first_from=("invoice", "bill"))
        assert both.snapshots[0].shown == {
            "month": "2020-02",
            "asOf": "2020-02-29",
            "policyVersion": 1,
            "currencies": [],
        }

    def test_a_run_of_a_day_already_reached_writes_nothing(self) -> None:
        book = Book.of([invoice("2020-01-31")], recorded_on=AT_ONCE)
        once = replay(book, [date(2020, 4, 1)])
        again = replay(book, [date(2020, 4, 1), date(2020, 4, 1), date(2020, 3, 1)])
        assert (again.bodies, history(again.snapshots)) == (once.bodies, history(once.snapshots))

    def test_a_run_can_end_with_a_month(self) -> None:
        book = Book.of([invoice("2020-01-31")], recorded_on=AT_ONCE)
        done = replay(book, [Run(date(2020, 7, 1), through=date(2020, 3, 31))])
        assert [snapshot.month for snapshot in done.snapshots] == ["2020-01", "2020-02", "2020-03"]
        assert moves(done)[-1] == ("firm", "final", "2020-03-02")

    def test_a_moment_is_a_day_in_the_organisations_zone(self) -> None:
        moment = datetime(2020, 6, 30, 11, 0, tzinfo=UTC)
        last = {}
        for zone in ("Pacific/Kiritimati", "Asia/Kathmandu", "America/Los_Angeles"):
            book = Book.of([invoice("2020-01-31")], Organisation(timezone=zone), AT_ONCE)
            last[zone] = replay(book, [moment]).worked_through
        assert last == {
            "Pacific/Kiritimati": date(2020, 6, 30),
            "Asia/Kathmandu": date(2020, 6, 29),
            "America/Los_Angeles": date(2020, 6, 29),
        }
        # The day the clocks went forward in Los Angeles, an hour before and at midnight.
        book = Book.of([invoice("2020-01-31")], Organisation(timezone="America/Los_Angeles"), AT_ONCE)
        assert replay(book, [datetime(2020, 3, 9, 6, 59, tzinfo=UTC)]).worked_through == date(2020, 3, 7)
        assert replay(book, [datetime(2020, 3, 9, 7, 0, tzinfo=UTC)]).worked_through == date(2020, 3, 8)

    def test_a_run_knows_what_came_on_earlier_days_or_so_many_arrivals(self) -> None:
        book = arriving(("2020-05-31", invoice("2020-04-30")), ("2020-06-01", payment("100", "2020-05-02")))
        assert len(known(book, Run(date(2020, 6, 1))).entries) == 1
        assert len(known(book, Run(date(2020, 6, 1), arrived=2)).entries) == 2
        assert roll(replay(book, [Run(date(2020, 6, 1), arrived=2)]), "2020-05") == (0, 0, 100, 100, 0, 0, 0)


class TestMonths:
    def test_an_invoice_that_is_never_paid_ages(self) -> None:
        done = worked(invoice("2020-01-31"), run="2020-06-01")
        zero, whole = {"amount": 0, "count": 0}, {"amount": 100, "count": 1}
        assert month(done, "2020-01") == {
            "currency": "USD",
            "openingOverdue": 0,
            "restated": 0,
            "newlyOverdue": 0,
            "collected": 0,
            "credited": 0,
            "noLongerOverdue": 0,
            "closingOverdue": 0,
            "customerCount": 0,
            "invoiceCount": 0,
            "buckets": dict.fromkeys(BUCKETS, zero) | {"current": whole},
            "rollRates": dict.fromkeys(BUCKETS[:4]),
            "dso": 31.0,
            "cei": None,
            "control": dict.fromkeys(CONTROL, 0) | {"invoiced": 100, "closing": 100},
        }
        february = month(done, "2020-02")
        assert roll(done, "2020-02") == (0, 0, 100, 0, 0, 0, 100)
        assert (february["dso"], february["cei"], february["customerCount"]) == (None, 0.0, 1)
        for name, at, rolled in (
            ("2020-02", "d1To30", "current"),
            ("2020-03", "d31To60", "d1To30"),
            ("2020-04", "d61To90", "d31To60"),
            ("2020-05", "d90Plus", "d61To90"),
        ):
            assert month(done, name)["buckets"] == dict.fromkeys(BUCKETS, zero) | {at: whole}
            assert month(done, name)["rollRates"] == dict.fromkeys(BUCKETS[:4]) | {rolled: 1.0}

    def test_payments_reversals_credits_and_a_void_each_have_their_place(self) -> None:
        done = worked(
            invoice("2020-05-31", voided_on="2020-06-25"),
            payment("40", "2020-06-05"),
            payment("-10", "2020-06-10", "P2"),
            credit("20", "2020-06-12", voided_on="2020-06-20"),
        )
        # 100 fall due, 40 come and 10 go back, 20 are credited and taken back, 70 are void.
        assert roll(done, "2020-06") == (0, 0, 100, 30, 0, 70, 0)

    @pytest.mark.parametrize(
        ("records", "expected"),
        [
            # An overpayment is collected up to what was overdue.
            ([payment("130", "2020-06-05")], (0, 0, 100, 100, 0, 0, 0)),
            # Paid on the first day it would be overdue: that much never was.
            ([payment("40", "2020-06-01")], (0, 0, 60, 0, 0, 0, 60)),
            # Closed and reopened: newly overdue a second time.
            ([payment("100", "2020-06-05"), payment("-30", "2020-06-20", "P2")], (0, 0, 130, 100, 0, 0, 30)),
            # A payment and a credit of one day, too much together: the payment first.
            ([payment("70", "2020-06-05"), credit("50", "2020-06-05")], (0, 0, 100, 70, 30, 0, 0)),
            # A payment voided later counts back on that day; voided on its own day it never counted.
            ([payment("40", "2020-06-05", voided_on="2020-06-09")], (0, 0, 100, 0, 0, 0, 100)),
            ([payment("40", "2020-06-05", voided_on="2020-06-05")], (0, 0, 100, 0, 0, 0, 100)),
            # A reversal alone raises what is overdue.
            ([payment("-10", "2020-06-05")], (0, 0, 100, -10, 0, 0, 110)),
            ([credit("25", "2020-06-05", kind="write_off")], (0, 0, 100, 0, 25, 0, 75)),
        ],
    )
    def test_one_day_at_a_time(self, records: list[Record], expected: tuple[int, ...]) -> None:
        assert roll(worked(invoice("2020-05-31"), *records), "2020-06") == expected

    def test_dso_and_cei(self) -> None:
        done = worked(
            invoice("2020-05-20", total="200", issued_on="2020-05-10"),
            payment("100", "2020-06-10"),
            invoice("2020-07-31", "I2", total="300", issued_on="2020-06-05"),
            payment("150", "2020-06-20", "P2", invoice_id="I2"),
            invoice("2020-07-31", "I3", issued_on="2020-06-05", status="draft"),
            invoice("2020-07-31", "I4", issued_on="2020-06-05", voided_on="2020-06-30"),
        )
        june = month(done, "2020-06")
        assert june["dso"] == 250 / 300 * 30
        assert june["cei"] == pytest.approx((200 + 300 - 250) / (200 + 300 - 150) * 100, abs=1e-12)

    def test_cei_starts_from_the_opening_as_known_at_the_close(self) -> None:
        book = arriving(
            ("2020-05-10", invoice("2020-05-20", issued_on="2020-05-10")),
            ("2020-06-02", payment("60", "2020-05-30")),
        )
        done = replay(book, [date(2020, 6, 1), date(2020, 7, 1)])
        assert month(done, "2020-06")["cei"] == 0.0
        assert roll(done, "2020-06") == (100, -60, 0, 0, 0, 0, 40)

    def test_roll_rates_share_what_was_there_at_opening(self) -> None:
        # At the end of January all are 1 to 30 days late. In February I1 stays there, 60 of I2 and all of I3 are paid,
        # and I4 owed 50 and owes 100 again: of 350, 40 and 50 moved on.
        done = worked(
            invoice("2020-01-30"),
            invoice("2020-01-20", "I2"),
            payment("60", "2020-02-10", "P2", invoice_id="I2"),
            invoice("2020-01-20", "I3"),
            payment("100", "2020-02-10", "P3", invoice_id="I3"),
            invoice("2020-01-20", "I4"),
            payment("50", "2020-01-21", "P4", invoice_id="I4"),
            payment("-50", "2020-02-21", "P5", invoice_id="I4"),
            run="2020-03-01",
        )
        rates = {"current": None, "d1To30": 90 / 350, "d31To60": None, "d61To90": None}
        assert month(done, "2020-02")["rollRates"] == rates

    def test_currencies_come_default_first_and_only_while_they_say_something(self) -> None:
        home = Organisation(currency="USD")
        records = [
            invoice("2020-01-31"),
            invoice("2020-01-31", "I2", currency="JPY"),
            payment("100", "2020-02-29", "P2", invoice_id="I2"),
            invoice("2020-02-28", "I3", currency="EUR", issued_on="2020-02-01"),
        ]
        done = replay(Book.of(records, home, AT_ONCE), [date(2020, 4, 1)])
        listed = [[entry["currency"] for entry in snapshot.shown["currencies"]] for snapshot in done.snapshots]
        assert listed == [["USD", "JPY"], ["USD", "EUR", "JPY"], ["USD", "EUR"]]

    def test_what_was_open_and_is_paid_before_it_was_due_still_counts_for_cei(self) -> None:
        done = worked(invoice("2020-03-31"), payment("100", "2020-02-10"), run="2020-04-01")
        assert (roll(done, "2020-02"), month(done, "2020-02")["cei"]) == ((0,) * 7, 100.0)
        assert done.snapshots[2].shown["currencies"] == []

    def test_the_latest_months_are_shown_oldest_first(self) -> None:
        done = worked(invoice("2020-01-31"))
        assert [entry["month"] for entry in history(done.snapshots, 2)["months"]] == ["2020-05", "2020-06"]
        assert len(history(done.snapshots)["months"]) == 6


class TestComparison:
    def test_a_history_agrees_with_itself_and_with_nothing_else(self) -> None:
        expected = history(worked(invoice("2020-01-31")).snapshots)
        assert history_differences(expected, expected) == []
        for other in (
            worked(invoice("2020-01-31", total="100.01")),
            worked(invoice("2020-01-31", issued_on="2020-01-09"), invoice("2020-01-31", "I2", total="0.01")),
            worked(invoice("2020-01-31"), run="2020-06-01"),
        ):
            assert history_differences(expected, history(other.snapshots)) != []

    def test_rates_agree_to_six_decimals(self) -> None:
        expected = history(worked(invoice("2020-01-31"), run="2020-02-01").snapshots)
        [entry] = expected["months"][0]["currencies"]

        def changed(**fields: Any) -> dict[str, Any]:
            return {"months": [{**expected["months"][0], "currencies": [{**entry, **fields}]}]}

        assert history_differences(expected, changed(dso=31.0000009)) == []
        assert history_differences(expected, changed(dso=31.000002)) == [
            "2020-01 USD dso: 31.0 expected, 31.000002 found"
        ]
        assert len(history_differences(expected, changed(cei=0))) == 1
        assert len(history_differences(expected, changed(rollRates={"current": None}))) == 3

    def test_escalations_agree_in_any_order(self) -> None:
        book = arriving(("2020-01-10", invoice("2020-12-31", "I2")), ("2020-04-05", invoice("2020-01-31")))
        expected = replay(book, [date(2020, 4, 1), date(2020, 5, 1)]).bodies
        answered = [{**e, "id": "x", "reasons": [{"code": "restated"}]} for e in reversed(expected)]
        assert escalation_differences(expected, answered) == []
        assert len(escalation_differences(expected, [{**e, "reasons": []} for e in expected])) == 4
        assert escalation_differences(expected, answered[1:]) != []


def random_replay(seed: int, size: int = 10) -> tuple[Book, list[date], Policy, Replay]:
    """A book recorded as it happened and what irregular runs write about it."""
    rng = Random(seed)
    book = as_it_happened(random_book(seed, size), rng)
    days, policy = irregular_days(book, rng), random_policy(rng)
    return book, days, policy, replay(book, days, policy, book.pivot)


seeds = st.integers(min_value=0, max_value=10**6)


class TestRandomBooks:
    @settings(max_examples=25)
    @given(seeds)
    def test_every_month_adds_up_and_goes_on_from_the_one_before(self, seed: int) -> None:
        book, _, policy, done = random_replay(seed)
        closed: dict[str, Decimal] = {}
        for snapshot in done.snapshots:
            entries = {entry["currency"]: entry for entry in snapshot.shown["currencies"]}
            for entry in entries.values():
                amount = {name: Decimal(str(value)) for name, value in entry.items() if name.endswith("Overdue")}
                more = sum(Decimal(str(entry[name])) for name in ("restated", "newlyOverdue"))
                less = sum(Decimal(str(entry[name])) for name in ("collected", "credited", "noLongerOverdue"))
                assert amount["openingOverdue"] + more - less == amount["closingOverdue"]
                assert amount["openingOverdue"] == closed.get(entry["currency"], 0)
            assert {currency for currency, amount in closed.items() if amount} <= entries.keys()
            closed = {currency: Decimal(str(entry["closingOverdue"])) for currency, entry in entries.items()}
            live = receivables_overdue(known(book, snapshot.run), date.fromisoformat(snapshot.shown["asOf"]), policy)
            totals = {total["currency"]: Decimal(str(total["amount"])) for total in live["totals"]["overdueByCurrency"]}
            assert {currency: amount for currency, amount in closed.items() if amount} == totals
            assert snapshot.answer == live

    @settings(max_examples=15)
    @given(seeds, seeds)
    def test_how_the_days_are_cut_into_runs_changes_nothing_that_was_known(self, seed: int, other: int) -> None:
        book = random_book(seed, 8, recorded_on=AT_ONCE - timedelta(days=3650))
        last = book.pivot + timedelta(days=100)
        at_once = replay(book, [last], created_on=book.pivot)
        rng, day, days = Random(other), book.pivot - timedelta(days=600), []
        while day < last:
            day = min(day + timedelta(days=rng.choice((1, 1, 2, 30, 90))), last)
            days.append(day)
        bit_by_bit = replay(book, days, created_on=book.pivot)
        assert bit_by_bit.bodies == at_once.bodies
        assert [s.shown for s in bit_by_bit.snapshots] == [s.shown for s in at_once.snapshots]
        assert [s.answer for s in bit_by_bit.snapshots] == [s.answer for s in at_once.snapshots]

    @settings(max_examples=25)
    @given(seeds)
    def test_no_tier_is_skipped_and_the_last_is_the_live_one(self, seed: int) -> None:
        book, days, policy, done = random_replay(seed)
        state: dict[tuple[str, str], str | None] = {}
        for escalation in done.escalations:
            body = escalation.body
            place = (body["customerId"], body["currency"])
            assert body["from"] == state.get(place)
            if body["to"] is not None:
                start = TIERS.index(body["from"]) if body["from"] else -1
                assert TIERS.index(body["to"]) <= start + 1
            assert body["historical"] == (date.fromisoformat(body["crossedOn"]) < book.pivot)
            assert not (escalation.run.on <= date.fromisoformat(body["crossedOn"]))
            state[place] = body["to"]
        if done.worked_through is None:
            return
        reached = next(day for day in days if day == done.worked_through + timedelta(days=1))
        live = receivables_overdue(known(book, Run(reached)), done.worked_through, policy)
        assert {place: tier for place, tier in state.items() if tier} == {
            (row["customerId"], row["currency"]): row["tier"] for row in live["customers"]
        }

    @settings(max_examples=10)
    @given(seeds)
    def test_every_days_tiers_are_those_of_the_live_answer(self, seed: int) -> None:
        book = random_book(seed, 8, recorded_on=AT_ONCE - timedelta(days=3650))
        done = replay(book, [book.pivot + timedelta(days=40)])
        for days in range(-10, 40):
            day = book.pivot + timedelta(days=days)
            state: dict[tuple[str, str], str | None] = {}
            for body in done.bodies:
                if body["crossedOn"] <= day.isoformat():
                    state[body["customerId"], body["currency"]] = body["to"]
            rows = receivables_overdue(book, day)["customers"]
            live = {(row["customerId"], row["currency"]): row["tier"] for row in rows}
            assert {place: tier for place, tier in state.items() if tier} == live

    def test_random_replays_reach_everything(self) -> None:
        seen: set[str] = set()
        for seed in range(30):
            done = random_replay(seed, 16)[-1]
            for body in done.bodies:
                seen |= {f"{body['from']} to {body['to']}{' restated' if body['restated'] else ''}"}
            for snapshot in done.snapshots:
                for entry in snapshot.shown["currencies"]:
                    for name in ("restated", *FLOWS):
                        seen |= {name} if Decimal(str(entry[name])) else set()
                        seen |= {f"{name} below 0"} if Decimal(str(entry[name])) < 0 else set()
                    seen |= {f"{bucket} rolls" for bucket, rate in entry["rollRates"].items() if rate}
        steps = {"None to gentle", "gentle to firm", "firm to final", "final to escalation"}
        ends = {f"{tier} to None" for tier in TIERS}
        assert steps | {f"{step} restated" for step in steps} | ends | {f"{end} restated" for end in ends} <= seen
        assert {"restated", "restated below 0", "collected below 0", *FLOWS} <= seen
        assert {f"{bucket} rolls" for bucket in BUCKETS[:4]} <= seen
        assert seen & {"escalation to gentle", "escalation to firm", "escalation to final", "final to gentle"}

    def test_a_book_recorded_as_it_happened_holds_the_same_facts(self) -> None:
        book = random_book(3, 40)
        later = as_it_happened(book, Random(1))
        assert sorted(map(str, later.records)) == sorted(map(str, book.records))
        assert later == as_it_happened(book, Random(1))
        arrivals = [entry.recorded_on for entry in later.entries]
        assert arrivals == sorted(arrivals)
        assert len({(on.year, on.month) for on in arrivals}) > 12
        for key in {(record["type"], record["id"]) for record in book.records}:
            assert [r for r in later.records if (r["type"], r["id"]) == key] == [
                r for r in book.records if (r["type"], r["id"]) == key
            ]
        runs = month_starts(later)
        assert {run.day for run in runs} == {1}
        assert runs[0] > arrivals[0]
        assert runs[-1] > arrivals[-1]
