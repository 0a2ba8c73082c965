"""The schedule on stored books: months and escalations equal an independent day-by-day replay, whenever it runs."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from arrears.close.escalation_writer import OutOfTime
from arrears.close.months import month_as_known
from arrears.ledger.days import day_text, month_of
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.ledger.policy import Policy as DomainPolicy
from arrears.rendering.history import month_body
from arrears.rendering.overdue import overdue_bodies
from arrears.reports.aging import overdue_report
from arrears.reports.month_close import from_stored
from arrears.storage.ledger.open_accounts import OpenAccounts
from arrears.storage.ledger.reader import LedgerStore
from oracle import Book, Policy, differences
from oracle import schedule as oracle
from oracle.generate import as_it_happened, irregular_days, month_starts, random_book
from support.books import arrivals, noon, organisation_of, random_terms
from support.closing import Calls, Stored
from support.records import ORGANISATION, bill, invoice, payment

KINDS = {Side.RECEIVABLE: "invoice", Side.PAYABLE: "bill"}


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
    book = as_it_happened(random_book(seed, 6 + seed % 7), rng)
    policy = replace(random_terms(seed), close_after_days=(0, 3, 28)[seed % 3])
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


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("seed", range(6))
def test_the_months_of_both_sides_know_money_on_account_as_the_replay_does(
    stored: Callable[..., Stored], seed: int, side: Side
) -> None:
    """Books with payments and credits of a party, moved, refunded and voided, as they become known."""
    rng = Random(seed)
    happened = as_it_happened(random_book(seed, 12), rng)
    book = replace(happened, entries=[entry for entry in happened.entries if not entry.record.get("deleted")])
    policy = Policy(close_after_days=rng.choice((0, 3)))
    days = month_starts(book, 1) if seed % 2 else irregular_days(book, rng)
    actual = stored(organisation_of(book, policy, shards=1 + seed % 2))
    actual.play(book, days)
    expected = oracle.replay(book, days, policy, first_from=(KINDS[side],))
    assert expected.snapshots
    if side is Side.RECEIVABLE:
        assert not oracle.history_differences(oracle.history(expected.snapshots, 1_200), actual.months())
        return
    found = {
        "months": [
            {**month, "currencies": [one for one in month["currencies"] if any(one["control"].values())]}
            for month in actual.months(side)["months"]
        ]
    }
    assert not differences(oracle.payables_history(expected.snapshots, 1_200), found)


def test_a_month_waits_for_late_postings_while_escalations_go_on(stored: Callable[..., Stored]) -> None:
    one = stored(replace(organisation_of(random_book(1, 3)), policy=DomainPolicy(close_after_days=3)))
    owed = [invoice(issued_on="2026-03-01", due_on="2026-03-30"), bill(issued_on="2026-03-05", due_on="2026-03-30")]
    one.recorder.record(one.organisation, owed, noon(date(2026, 3, 2)))
    one.close(noon(date(2026, 4, 2)))
    assert [record["to"] for record in one.records()] == ["gentle"]
    assert (one.months()["months"], one.months(Side.PAYABLE)["months"]) == ([], [])
    late = payment(amount="40", paid_on="2026-03-31")
    one.recorder.record(one.organisation, [late], noon(date(2026, 4, 3)))
    one.close(noon(date(2026, 4, 3)))
    assert one.months()["months"] == []
    one.close(noon(date(2026, 4, 4)))
    [march], [payables] = one.months()["months"], one.months(Side.PAYABLE)["months"]
    assert march["currencies"][0]["control"] == {
        **dict.fromkeys(("opening", "restated", "credited", "voided", "refunded", "unapplied"), 0),
        "invoiced": 100,
        "received": 40,
        "closing": 60,
    }
    assert (payables["month"], payables["currencies"][0]["closingOverdue"]) == ("2026-03", 100)


def test_closing_by_hand_waits_for_nothing_and_goes_no_further(stored: Callable[..., Stored]) -> None:
    one = stored(replace(organisation_of(random_book(1, 3)), policy=DomainPolicy(close_after_days=28)))
    owed = [invoice(issued_on="2026-01-10", due_on="2026-01-20"), bill(issued_on="2026-01-12", due_on="2026-01-20")]
    one.recorder.record(one.organisation, owed, noon(date(2026, 1, 10)))
    one.close(noon(date(2026, 3, 1)))
    assert [month["month"] for month in one.months()["months"]] == ["2026-01"]
    done = one.closing().close(one.organisation, noon(date(2026, 4, 2)), date(2026, 2, 28).toordinal())
    assert (list(done.months), list(done.payables_months)) == (["2026-02"], ["2026-02"])
    assert done.through == date(2026, 2, 28).toordinal()
    again = one.closing().close(one.organisation, noon(date(2026, 4, 2)), date(2026, 2, 28).toordinal())
    assert (again.months, again.payables_months) == ((), ())
    done = one.closing().close(one.organisation, noon(date(2026, 4, 2)))
    assert (done.months, done.through) == ((), date(2026, 4, 1).toordinal())


def test_a_run_that_is_overtaken_on_purpose_forgets_no_month_that_waits(stored: Callable[..., Stored]) -> None:
    """An erasure does so: the next run begins anew from where the last one has come to."""
    one = stored(replace(organisation_of(random_book(1, 3)), policy=DomainPolicy(close_after_days=3)))
    owed = [invoice(issued_on="2026-03-01", due_on="2026-03-30"), bill(issued_on="2026-03-05", due_on="2026-03-30")]
    one.recorder.record(one.organisation, owed, noon(date(2026, 3, 2)))
    one.close(noon(date(2026, 4, 2)))
    before = one.history.run(one.organisation.id)
    one.history.overtake(one.organisation.id)
    assert one.history.run(one.organisation.id) == before._replace(version=before.version + 1)
    one.close(noon(date(2026, 4, 4)))
    assert [month["month"] for side in Side for month in one.months(side)["months"]] == ["2026-03", "2026-03"]


def test_a_book_of_bills_alone_has_months_of_payables(stored: Callable[..., Stored]) -> None:
    one = stored(organisation_of(random_book(1, 3)))
    one.recorder.record(one.organisation, [bill(issued_on="2026-01-12", due_on="2026-02-20")], noon(date(2026, 1, 12)))
    one.close(noon(date(2026, 3, 1)))
    one.close(noon(date(2026, 3, 2)))
    assert [month["month"] for month in one.months(Side.PAYABLE)["months"]] == ["2026-01", "2026-02"]
    assert (one.months()["months"], one.history.run(one.organisation.id).through) == ([], None)
    # What is owed to us comes later, with days that are long over: all of them are still worked through.
    late = invoice(issued_on="2025-12-10", due_on="2025-12-20")
    one.recorder.record(one.organisation, [late], noon(date(2026, 3, 3)))
    one.close(noon(date(2026, 3, 3)))
    assert [month["month"] for month in one.months()["months"]] == ["2025-12", "2026-01", "2026-02"]
    assert [month["month"] for month in one.months(Side.PAYABLE)["months"]] == ["2026-01", "2026-02"]


def test_months_closed_by_an_earlier_version_stay_and_have_no_control_account(stored: Callable[..., Stored]) -> None:
    """It closed each month as soon as it was over, and knew of no payables."""
    one = stored(organisation_of(random_book(1, 3)))
    records = [invoice(issued_on="2026-01-10", due_on="2026-01-20"), bill(issued_on="2026-01-12", due_on="2026-01-20")]
    one.recorder.record(one.organisation, records, noon(date(2026, 1, 10)))
    one.close(noon(date(2026, 3, 1)))
    as_by_an_earlier_version(one)
    before = one.months()
    one.close(noon(date(2026, 4, 1)))
    after = one.months()["months"]
    assert after[:2] == before["months"]
    assert [month["currencies"][0]["control"] for month in after[:2]] == [None, None]
    control = after[2]["currencies"][0]["control"]
    assert (control["opening"], control["restated"], control["closing"]) == (0, 100, 100)
    months = one.months(Side.PAYABLE)["months"]
    assert [month["month"] for month in months] == ["2026-01", "2026-02", "2026-03"]


def as_by_an_earlier_version(one: Stored) -> None:
    """Takes away what earlier versions did not store."""
    table, id_ = os.environ["HISTORY_TABLE"], one.organisation.id
    for item in one.client.scan(TableName=table)["Items"]:
        key = {name: item[name] for name in ("pk", "sk")}
        if item["pk"]["S"] == f"{id_}#snapshot#payable":
            one.client.delete_item(TableName=table, Key=key)
        elif item["pk"]["S"] == f"{id_}#snapshot":
            figures = json.loads(item["b"]["S"])
            for own in figures.values():
                del own["control"]
            one.client.put_item(TableName=table, Item={**item, "b": {"S": json.dumps(figures)}})
        elif item["pk"]["S"] == f"{id_}#run":
            kept = {name: value for name, value in item.items() if name in ("pk", "sk", "through", "v")}
            one.client.put_item(TableName=table, Item=kept)


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
    assert month_as_known(one.ledger, one.history, organisation, kept, Side.RECEIVABLE)["SEK"].closing == 7_000
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
            closing = pieces.closing(lambda: bool({"TransactWriteItems", "PutItem"} & set(calls.names)))
            if closing.close(pieces.organisation, moment).finished:
                break
        except OutOfTime:
            pass
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


def test_what_there_is_no_time_to_send_waits_and_is_sent_by_the_next_run(stored: Callable[..., Stored]) -> None:
    one = stored(organisation_of(random_book(1, 3)))
    owed = [invoice(f"I{n}", customer_id=f"C{n}", issued_on="2026-03-01", due_on="2026-03-30") for n in range(120)]
    one.recorder.record(one.organisation, owed, noon(date(2026, 3, 2)))
    calls = Calls(one.client, one.bus)
    done = one.closing(lambda: calls.names.count("PutEvents") >= 5).close(one.organisation, noon(date(2026, 4, 2)))
    calls.release()
    assert (done.sent, done.finished) == (50, False)
    assert len(list(one.history.unsent(one.organisation.id))) == 70
    done = one.closing().close(one.organisation, noon(date(2026, 4, 2)))
    assert (done.sent, done.finished) == (70, True)
    assert len(one.sent) == len(one.seen()) == 120


def test_a_month_end_reads_what_closed_since_the_month_began_unless_it_comes_late(
    stored: Callable[..., Stored], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Payment behaviour in its rows goes back a year all the same; histories have it, or the documents of the year."""
    organisation = replace(organisation_of(random_book(1, 3)), policy=DomainPolicy(close_after_days=0))
    kept = []
    for late in (0, 10):
        one = stored(replace(organisation, id=f"{organisation.id[:-1]}{late % 9}"))
        paid = [date(2025, 2, 10) + timedelta(days=20 * n) for n in range(20)]
        oldest = invoice("open", issued_on="2025-01-01", due_on="2025-02-01")
        one.recorder.record(one.organisation, [oldest], noon(date(2026, 2, 1)))
        records = []
        for n, day in enumerate(paid):
            records += [invoice(f"I{n}", issued_on="2025-02-01", due_on="2025-03-01")]
            records += [payment(f"P{n}", invoice_id=f"I{n}", amount="100", paid_on=str(day))]
        one.close(noon(date(2026, 3, 1)))
        one.recorder.record(one.organisation, records, noon(date(2026, 3, 31)))
        asked: list[int] = []
        read = LedgerStore.accounts_since

        def reading(*of: Any, asked: list[int] = asked, read: Any = read) -> Any:
            asked.append(of[-1])
            return read(*of)

        with monkeypatch.context() as patched:
            patched.setattr(LedgerStore, "accounts_since", reading)
            one.close(noon(date(2026, 4, 1) + timedelta(days=4 * late)))
        assert [day_text(day) for day in asked[:1]] == ["2025-03-31" if late else "2026-02-28"]
        snapshot = one.history.snapshot(one.organisation.id, "2026-03")
        assert snapshot is not None
        [row] = one.history.snapshot_rows(one.organisation.id, "2026-03", snapshot)
        kept.append(row["paymentBehaviour"])
    assert kept[0] == kept[1]
    assert kept[0]["totalInvoicesPaid"] == 17


def test_a_book_of_bills_alone_has_its_daily_work_done(stored: Callable[..., Stored]) -> None:
    """No escalation moves its run on; what has come true is still listed where its row is shown."""
    book = stored(ORGANISATION)
    first = date(2020, 6, 10)
    ahead = bill("B1", issued_on="2020-06-12", due_on="2020-07-12", state_on="2020-06-12")
    book.recorder.record(ORGANISATION, [bill("B0"), ahead], noon(first))
    for later in range(1, 5):
        book.close(noon(first + timedelta(days=later)))
        accounts = OpenAccounts(book.client, os.environ["LEDGER_TABLE"], ORGANISATION, Side.PAYABLE)
        assert len(list(accounts.keys_ahead())) == (1 if later < 2 else 0)
