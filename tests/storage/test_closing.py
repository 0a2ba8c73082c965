"""The schedule on stored books: months and escalations equal an independent day-by-day replay, whenever it runs."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from arrears.close.escalation_writer import OutOfTime
from arrears.ledger.days import day_text, month_of
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.rendering.history import month_body
from arrears.rendering.overdue import overdue_bodies
from arrears.reports.aging import overdue_report
from arrears.reports.month_close import from_stored
from oracle import Book, differences
from oracle import schedule as oracle
from oracle.generate import as_it_happened, irregular_days, month_starts, random_book
from support.books import arrivals, noon, organisation_of, random_terms
from support.closing import Calls, Stored
from support.records import invoice


@pytest.fixture
def stored(ledger_tables: Any) -> Callable[..., Stored]:
    """Books in the test's tables."""
    return lambda organisation: Stored(ledger_tables, organisation)


def created(organisation: Organisation, book: Book) -> Organisation:
    """Created around the book's pivot, so that some crossings are historical and some are not."""
    return replace(organisation, created_on=book.pivot.toordinal() - 20)


@pytest.mark.parametrize("seed", range(12))
def test_months_and_escalations_equal_the_replay(stored: Callable[..., Stored], seed: int) -> None:
    rng = Random(seed)
    book = as_it_happened(random_book(seed, 6 + seed % 7, corrected=bool(seed % 2)), rng)
    policy = random_terms(seed)
    days = irregular_days(book, rng) if seed % 2 else month_starts(book)
    organisation = created(organisation_of(book, policy, shards=1 + seed % 3), book)
    actual = stored(organisation)
    actual.play(book, days)
    expected = oracle.replay(book, days, policy, date.fromordinal(organisation.created_on))
    assert not oracle.history_differences(oracle.history(expected.snapshots, 1_200), actual.months())
    assert not oracle.escalation_differences(expected.bodies, actual.records())
    for snapshot in expected.snapshots:
        kept = actual.history.snapshot(organisation.id, snapshot.month)
        assert kept is not None
        rows = actual.history.snapshot_rows(organisation.id, snapshot.month, kept)
        assert not differences(snapshot.rows, rows)


@pytest.mark.parametrize("seed", range(4))
def test_one_late_run_and_a_run_a_month_write_the_same(stored: Callable[..., Stored], seed: int) -> None:
    book = random_book(seed, 12)
    first, last = book.pivot + timedelta(days=40), book.pivot + timedelta(days=420)
    organisation = created(organisation_of(book), book)
    late, monthly = stored(organisation), stored(replace(organisation, id=organisation.id[:-1] + "f"))
    for one in (late, monthly):
        one.record_all(book)
    late.play(Book(book.organisation, [], book.pivot), [last, last])
    months = [first + timedelta(days=30 * n) for n in range(13) if first + timedelta(days=30 * n) < last]
    monthly.play(Book(book.organisation, [], book.pivot), [*months, last])
    assert late.months() == monthly.months()
    assert [comparable(record, late) for record in late.records()] or not monthly.records()
    assert by_day(late) == by_day(monthly)


def comparable(record: dict[str, Any], one: Stored) -> dict[str, Any]:
    """A record without when it was recorded, and without ids that differ between organisations."""
    return {name: value for name, value in record.items() if name not in ("id", "recordedAt", "customerId")}


def by_day(one: Stored) -> list[str]:
    return sorted(str(sorted(comparable(record, one).items(), key=str)) for record in one.records())


def test_each_months_overdue_is_what_was_answered_then(stored: Callable[..., Stored]) -> None:
    book = as_it_happened(random_book(31, 12), Random(31))
    organisation = organisation_of(book)
    one = stored(organisation)
    waiting = list(arrivals(book))
    for day in month_starts(book):
        moment = noon(day, organisation.timezone)
        while waiting and waiting[0][0] < moment - timedelta(hours=12):
            when, records = waiting.pop(0)
            one.recorder.record(organisation, records, when)
        end = day.toordinal() - 1
        accounts = one.ledger.accounts(organisation, Side.RECEIVABLE, end, organisation.today(moment))
        answered = overdue_report(accounts, end, organisation)
        one.closing().close(organisation, moment)
        kept = one.history.snapshot(organisation.id, month_of(end))
        if kept is not None:
            body = month_body(end, 1, from_stored(kept.figures))
            closing = {entry["currency"]: entry["closingOverdue"] for entry in body["currencies"]}
            assert {one["currency"]: one["amount"] for one in overdue_bodies(answered.aging)} == {
                currency: amount for currency, amount in closing.items() if amount
            }
            assert day_text(kept.end) == day_text(end)


def test_a_snapshot_never_changes_and_the_restatement_is_reported(stored: Callable[..., Stored]) -> None:
    book = random_book(7, 8)
    organisation = organisation_of(book)
    one = stored(organisation)
    one.record_all(book)
    day = book.pivot.replace(day=1) + timedelta(days=65)
    one.closing().close(organisation, noon(day, organisation.timezone))
    before = one.months()
    first = day.replace(day=1)
    dates = {"issued_on": str(first - timedelta(days=80)), "due_on": str(first - timedelta(days=60))}
    late = invoice("late-posting", customer_id="late", currency="SEK", total="70.00", **dates)
    one.recorder.record(organisation, [late], noon(day, organisation.timezone))
    month = month_of(day.replace(day=1).toordinal() - 1)
    kept = one.history.snapshot(organisation.id, month)
    assert kept is not None
    assert "SEK" not in kept.figures
    assert one.closing().month_now(organisation, kept)["SEK"].closing == 7_000
    one.closing().close(organisation, noon(day + timedelta(days=40), organisation.timezone))
    after = one.months()
    assert after["months"][: len(before["months"])] == before["months"]
    restated = {entry["currency"]: entry["restated"] for entry in after["months"][-1]["currencies"]}
    assert restated["SEK"] == 70


def test_time_may_run_out_after_every_write(stored: Callable[..., Stored]) -> None:
    book = random_book(3, 14)
    organisation = created(organisation_of(book), book)
    whole, pieces = stored(organisation), stored(replace(organisation, id=organisation.id[:-1] + "e"))
    moment = noon(book.pivot + timedelta(days=100), organisation.timezone)
    for one in (whole, pieces):
        one.record_all(book)
    whole.close(moment)
    calls = Calls(pieces.client)
    stops = 0
    while stops < 1_000:
        calls.names.clear()
        try:
            pieces.closing(lambda: bool({"TransactWriteItems", "PutItem"} & set(calls.names))).close(
                pieces.organisation, moment
            )
            break
        except OutOfTime:
            stops += 1
    calls.release()
    assert 10 < stops < 1_000
    assert whole.months() == pieces.months()
    assert by_day(whole) == by_day(pieces)
    assert len(whole.sent) == len(pieces.sent) == len(pieces.seen())


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kathmandu"])
def test_a_day_is_worked_through_once_it_is_over_where_the_organisation_is(
    stored: Callable[..., Stored], zone: str
) -> None:
    book = random_book(1, 3)
    organisation = replace(organisation_of(book), timezone=zone)
    one = stored(organisation)
    owed = invoice(issued_on="2026-03-01", due_on="2026-03-01")
    one.recorder.record(organisation, [owed], datetime.fromisoformat("2026-03-02T12:00:00Z"))
    midnight = noon(date(2026, 4, 1), zone) - timedelta(hours=12)
    one.closing().close(organisation, midnight - timedelta(seconds=1))
    assert one.history.snapshots(organisation.id, 5) == []
    one.closing().close(organisation, midnight)
    assert [day_text(snapshot.end) for snapshot in one.history.snapshots(organisation.id, 5)] == ["2026-03-31"]
