"""A closed month is the book as it was known at the moment of its close, and what has changed since is explained."""

import os
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from arrears.close.explanation import MonthExplanation
from arrears.close.months import month_as_known
from arrears.ledger.days import month_of
from arrears.ledger.known_at import moment_of
from arrears.ledger.ledger_side import Side
from arrears.ledger.origin import Origin
from arrears.ledger.policy import Policy
from arrears.rendering.overdue import customer_body
from arrears.reports.aging import overdue_report, with_accounts
from arrears.reports.month_close import from_stored
from arrears.reports.month_explanation import Balance, Explanation, NotExplained, month_balance
from arrears.reports.receivables import customer_row
from arrears.storage.history.snapshots import Snapshot
from oracle.generate import as_it_happened, random_book
from support.books import arrivals, last_day, noon, organisation_of, random_terms
from support.closing import Calls, Stored, Tables
from support.files import outcomes, sample, samples
from support.records import (
    ORGANISATION,
    allocation,
    bill,
    credit,
    customer,
    invoice,
    payment,
    payment_on_account,
)

HOME = replace(ORGANISATION, created_on=date(2020, 1, 1).toordinal(), policy=Policy(close_after_days=0))
CLOSE = noon(date(2020, 4, 1))
LATER = noon(date(2020, 5, 20))

REAL_BOOKS: dict[str, list[tuple[str, str]]] = {
    "xero": [("xero", "xero_invoice_data.csv")],
    "sage-intacct": [
        ("sage-intacct", "sage_intacct__ap_bill.csv"),
        ("sage-intacct", "sage_intacct__ar_invoice.csv"),
    ],
    "quickbooks": [],
}


def close_as_it_comes(one: Stored, book: Any, rng: Random) -> datetime:
    """Records what arrives, and runs the schedule now and then in between; the moment after all."""
    moment = noon(last_day(book), one.organisation.timezone)
    for when, some in arrivals(book):
        if rng.random() < 0.15:
            one.close(when - timedelta(hours=1))
        one.recorder.record(one.organisation, some, when, Origin("key", "k"))
        moment = max(moment, when)
    one.close(moment + timedelta(days=1))
    return moment + timedelta(days=2)


def snapshots(one: Stored) -> list[tuple[Side, Snapshot]]:
    return [(side, found) for side in Side for found in one.history.snapshots(one.organisation.id, 1_200, side)]


def check_as_closed(one: Stored, side: Side, snapshot: Snapshot) -> None:
    """Raises unless the month's end, as it was known at the close, is what the snapshot has: figures and rows."""
    closed_at = datetime.fromisoformat(snapshot.recorded_at)
    ledger, organisation = one.ledger.known_at(one.organisation.id, moment_of(closed_at)), one.organisation
    then = month_as_known(ledger, one.history, organisation, snapshot, side)
    assert then == from_stored(snapshot.figures)
    today = organisation.today(closed_at)
    report = overdue_report(ledger.accounts(organisation, side, snapshot.end, today), snapshot.end, organisation)
    overdue = {aging.currency: aging.overdue_amount for aging in report.aging if aging.overdue_amount}
    assert overdue == {currency: one.closing for currency, one in then.items() if one.closing}
    outstanding = {aging.currency: sum(aging.amounts) for aging in report.aging if any(aging.amounts)}
    assert outstanding == {currency: one.outstanding for currency, one in then.items() if one.outstanding}
    if side is Side.RECEIVABLE:
        rows = with_accounts(report.rows, lambda some: ledger.complete(organisation, side, some, snapshot.end, today))
        bodies = [customer_body(customer_row(row, snapshot.end, organisation.policy)) for row in rows]
        assert bodies == one.history.snapshot_rows(organisation.id, month_of(snapshot.end), snapshot)


def explained(one: Stored, month: str, now: datetime = LATER, side: Side = Side.RECEIVABLE) -> Explanation:
    """The explanation of a month. Raises unless it adds up and leaves nothing without effect."""
    snapshot = one.history.snapshot(one.organisation.id, month, side)
    assert snapshot is not None
    explanation = MonthExplanation(one.client, os.environ["LEDGER_TABLE"], one.ledger, one.history).explain(
        one.organisation, month, side, now
    )
    for currency in explanation.closed.keys() | {change.currency for change in explanation.changes}:
        assert explanation.explained(currency) == explanation.difference(currency)
    assert explanation.adds_up()
    assert all(change.effect for change in explanation.changes)
    moments = [change.recorded_at for change in explanation.changes]
    assert moments == sorted(moments)
    present = month_as_known(one.ledger, one.history, one.organisation, snapshot, side)
    assert explanation.now == {c: month_balance(present[c]) if c in present else Balance() for c in explanation.now}
    return explanation


def check_restated(one: Stored, side: Side, before: Snapshot, after: Snapshot) -> None:
    """Raises unless what a month calls restated is what changed in the month before between the two closes."""
    closed_at = datetime.fromisoformat(after.recorded_at)
    explanation = MonthExplanation(one.client, os.environ["LEDGER_TABLE"], one.ledger, one.history).explain(
        one.organisation, month_of(before.end), side, closed_at
    )
    for currency, figures in from_stored(after.figures).items():
        assert figures.restated == explanation.explained(currency).overdue
        assert figures.control is not None
        assert figures.control.restated == explanation.explained(currency).net


@pytest.mark.parametrize("seed", range(10))
def test_every_closed_month_is_what_was_known_at_its_close_and_what_changed_since_is_explained(
    ledger_tables: Any, seed: int
) -> None:
    """Random books of both sides with late, changed, moved and deleted records, some with money on account."""
    rng = Random(seed)
    book = as_it_happened(random_book(seed, 10), rng)
    one = Stored(ledger_tables, organisation_of(book, random_terms(seed), shards=1 + seed % 2))
    now = close_as_it_comes(one, book, rng)
    closed = snapshots(one)
    assert closed
    for side, snapshot in rng.sample(closed, min(6, len(closed))):
        check_as_closed(one, side, snapshot)
        explained(one, month_of(snapshot.end), now, side)
    for (side, before), (other, after) in rng.sample(list(pairwise(closed)), min(6, len(closed) - 1)):
        if side is other:
            check_restated(one, side, before, after)


def real_book(name: str) -> list[dict[str, Any]]:
    """The records of one of the real books, in no order of days."""
    files = samples(name) if name == "quickbooks" else []
    own = files or [sample(*parts) for parts in REAL_BOOKS[name]]
    read = (outcome for file in own for outcome in outcomes(file, name, companions=files))
    return [made.record for outcome in read for made in outcome.made]


def day_of(record: dict[str, Any]) -> str:
    """The first day that a record has in it; "" for none."""
    return min((value for name, value in record.items() if name.endswith("_on") and isinstance(value, str)), default="")


@pytest.mark.parametrize("name", REAL_BOOKS)
def test_every_closed_month_of_a_real_book_is_what_was_known_at_its_close(ledger_tables: Any, name: str) -> None:
    """Its records arrive up to ten weeks after their days, and months are closed meanwhile."""
    rng = Random(1)
    dated = [(date.fromisoformat(day_of(record) or "2015-01-01"), record) for record in real_book(name)]
    first = min(day for day, record in dated if day_of(record))
    arrived = [(max(day, first) + timedelta(days=rng.randrange(70)), record) for day, record in dated]
    one = Stored(ledger_tables, replace(HOME, currency="GBP", created_on=first.toordinal()))
    end = max(day for day, _ in arrived) + timedelta(days=40)
    day = first
    while day <= end:
        following = (day.replace(day=1) + timedelta(days=45)).replace(day=3)
        some = [record for when, record in arrived if day <= when < following]
        one.recorder.record(one.organisation, some, noon(following - timedelta(days=1)))
        one.close(noon(following))
        day = following
    closed = snapshots(one)
    assert len(closed) > 3
    changes = 0
    for side, snapshot in closed:
        check_as_closed(one, side, snapshot)
        changes += len(explained(one, month_of(snapshot.end), noon(end) + timedelta(days=90), side).changes)
    assert changes


@pytest.fixture
def book(ledger_tables: Any) -> Stored:
    """March 2020, closed on 1 April."""
    one = Stored(ledger_tables, HOME)
    known = [
        customer("C1", name="Ada"),
        invoice("I1", customer_id="C1", issued_on="2020-02-01", due_on="2020-03-01", total="100"),
        invoice("I2", customer_id="C2", issued_on="2020-02-01", due_on="2020-05-01", total="50"),
        bill("B1", issued_on="2020-02-01", due_on="2020-03-01", total="70"),
    ]
    one.recorder.record(HOME, known, noon(date(2020, 2, 1)))
    one.close(CLOSE)
    return one


def say(one: Stored, *said: Any, days: int = 1) -> None:
    moment = CLOSE + timedelta(days=days)
    one.recorder.record(HOME, list(said), moment, Origin("key", "k1", "import-1"))


def shown(explanation: Explanation) -> list[tuple[Any, ...]]:
    return [
        (*change.records, change.effect.outstanding, change.effect.overdue, change.effect.unapplied)
        for change in explanation.changes
    ]


def test_each_late_record_is_named_with_its_effect_and_with_who_sent_it(book: Stored) -> None:
    say(book, payment("P1", invoice_id="I1", amount="30", paid_on="2020-03-20"))
    say(book, payment("P2", invoice_id="I1", amount="20", paid_on="2020-04-20"), days=20)
    say(book, invoice("I3", customer_id="C1", issued_on="2020-03-05", due_on="2020-03-10", total="8"), days=21)
    explanation = explained(book, "2020-03")
    assert shown(explanation) == [(("payment", "P1"), -3000, -3000, 0), (("invoice", "I3"), 800, 800, 0)]
    assert {change.origin for change in explanation.changes} == {Origin("key", "k1", "import-1")}
    assert explanation.closed["USD"] == Balance(15000, 10000, 0)
    assert explanation.now["USD"] == Balance(12800, 7800, 0)


def test_what_is_as_it_was_in_the_end_is_shown_both_ways(book: Stored) -> None:
    say(book, invoice("I1", customer_id="C1", issued_on="2020-02-01", due_on="2020-03-01", total="120"))
    say(book, invoice("I1", customer_id="C1", issued_on="2020-02-01", due_on="2020-03-01", total="100"), days=2)
    assert [one[1:] for one in shown(explained(book, "2020-03"))] == [(2000, 2000, 0), (-2000, -2000, 0)]


def test_names_customers_policies_and_time_have_no_effect(book: Stored) -> None:
    say(book, customer("C1", name="Ada Lovelace"), customer("C2", name="Charles"))
    say(book, payment("P1", invoice_id="I1", amount="100", paid_on="2020-04-02"), days=2)
    book.organisation = replace(HOME, policy=Policy(version=2, grace_days=9, close_after_days=0))
    book.close(LATER - timedelta(days=1))
    assert shown(explained(book, "2020-03")) == []


def test_money_on_account_and_what_is_allocated_of_it_are_named(book: Stored) -> None:
    say(book, payment_on_account("P9", customer_id="C2", amount="40", paid_on="2020-03-30"))
    say(book, allocation("A1", payment_id="P9", invoice_id="I2", amount="15", applied_on="2020-03-31"), days=2)
    assert shown(explained(book, "2020-03")) == [
        (("payment", "P9"), 0, 0, 4000),
        (("allocation", "A1"), -1500, 0, -1500),
    ]


def test_the_excess_of_a_document_stays_with_it_when_it_is_closed(book: Stored) -> None:
    """The account has it from then on, which changes nothing."""
    say(book, payment("P1", invoice_id="I1", amount="130", paid_on="2020-03-20"))
    book.close(LATER - timedelta(days=1))
    assert shown(explained(book, "2020-03")) == [(("payment", "P1"), -10000, -10000, 3000)]


def test_money_of_a_party_that_becomes_known_later_counts_from_then_on(book: Stored) -> None:
    say(book, payment_on_account("P9", customer_id="C7", amount="40", paid_on="2020-03-30"))
    assert shown(explained(book, "2020-03")) == []
    say(book, customer("C7", name="Grace"), days=2)
    assert shown(explained(book, "2020-03")) == [(("customer", "C7"), 0, 0, 4000)]


def test_what_moves_to_another_party_or_is_deleted_is_explained(book: Stored) -> None:
    say(book, payment_on_account("P9", customer_id="C2", amount="40", paid_on="2020-03-30"))
    say(book, payment_on_account("P9", customer_id="C1", amount="40", paid_on="2020-03-30"), days=2)
    say(book, {"type": "invoice", "id": "I1", "deleted": True}, days=3)
    found = shown(explained(book, "2020-03"))
    assert sorted(one[1:] for one in found[1:3]) == [(0, 0, -4000), (0, 0, 4000)]
    assert found[3] == (("invoice", "I1"), -10000, -10000, 0)


def test_payables_are_explained_by_their_own_records(book: Stored) -> None:
    say(book, payment("P1", bill_id="B1", amount="30", paid_on="2020-03-20"))
    say(book, credit("K1", invoice_id="I1", amount="10", credited_on="2020-03-20"), days=2)
    found = explained(book, "2020-03", side=Side.PAYABLE)
    assert shown(found) == [(("payment", "P1"), -3000, -3000, 0)]


def test_the_overdue_part_is_what_the_next_month_calls_restated(book: Stored) -> None:
    """As long as nothing else of March is changed after April's close."""
    say(book, payment("P1", invoice_id="I1", amount="30", paid_on="2020-03-20"))
    say(book, invoice("I3", customer_id="C1", issued_on="2020-03-05", due_on="2020-03-10", total="8"), days=21)
    book.close(noon(date(2020, 5, 1)))
    april = book.history.snapshot(HOME.id, "2020-04")
    assert april is not None
    figures = from_stored(april.figures)["USD"]
    difference = explained(book, "2020-03").difference("USD")
    assert figures.restated == difference.overdue == -2200
    assert figures.control is not None
    assert figures.control.restated == difference.net


def test_a_month_closed_before_changes_were_kept_is_refused(book: Stored) -> None:
    book.organisation = replace(HOME, known_from=moment_of(CLOSE + timedelta(days=1)))
    with pytest.raises(NotExplained, match="2020-03 was closed before 2020-04-02T12:00:00") as refusal:
        explained(book, "2020-03")
    assert refusal.value.first == CLOSE + timedelta(days=1)


def test_a_month_that_is_not_closed_is_refused(book: Stored) -> None:
    explanation = MonthExplanation(book.client, os.environ["LEDGER_TABLE"], book.ledger, book.history)
    with pytest.raises(NotExplained, match="2020-04 is not closed"):
        explanation.explain(HOME, "2020-04", Side.RECEIVABLE, LATER)


def test_a_month_has_what_was_written_late_with_a_moment_before_its_close(ledger_tables: Any) -> None:
    """A writer takes the moment of a transaction just before the close, and is done with it while the close reads."""
    one = Stored(ledger_tables, HOME)
    owed = [
        invoice(f"I{n}", customer_id=f"C{n}", issued_on="2020-02-01", due_on="2020-03-01", total="100")
        for n in range(3)
    ]
    one.recorder.record(HOME, owed, noon(date(2020, 2, 1)))
    tables, moment = Tables(), CLOSE + timedelta(seconds=20)
    paid = payment("P1", invoice_id="I1", amount="30", paid_on="2020-03-20")
    number, reading = 0, True
    while reading:
        tables.restore()
        number += 1
        calls = Calls(one.client)
        calls.before[number] = lambda: one.recorder.record(HOME, [paid], CLOSE) and None
        one.closing().close(HOME, moment)
        reading = "Query" in calls.names[number - 1 : calls.names.index("PutItem")]
        calls.release()
        snapshot = one.history.snapshot(HOME.id, "2020-03")
        assert snapshot is not None
        if reading:
            check_as_closed(one, Side.RECEIVABLE, snapshot)
            assert from_stored(snapshot.figures)["USD"].closing == 27000
    assert number > 10


def test_what_is_written_while_a_month_is_explained_is_in_all_of_it_or_in_nothing(book: Stored) -> None:
    """With a moment after the one that is asked for, or before it."""
    say(book, payment("P1", invoice_id="I1", amount="30", paid_on="2020-03-20"))
    late = payment("P2", invoice_id="I1", amount="5", paid_on="2020-03-20")
    tables = Tables()
    for when, overdue in ((LATER + timedelta(days=1), -3000), (LATER - timedelta(days=1), -3500)):
        for number in (1, 2, 3, 4, 5):
            tables.restore()
            calls = Calls(book.client)
            calls.before[number] = lambda when=when: book.recorder.record(HOME, [late], when) and None  # type: ignore[misc]
            snapshot = book.history.snapshot(HOME.id, "2020-03")
            assert snapshot is not None
            explanation = MonthExplanation(book.client, os.environ["LEDGER_TABLE"], book.ledger, book.history).explain(
                HOME, "2020-03", Side.RECEIVABLE, LATER
            )
            calls.release()
            assert explanation.adds_up()
            assert explanation.difference("USD").overdue == overdue
