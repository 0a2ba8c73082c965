"""A worker may be killed at any of its calls, doubled, or overtaken: the next run leaves what one run leaves."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from arrears.ledger.policy import Policy
from arrears.storage.events import NotSent
from arrears.storage.history import table
from support.books import noon
from support.closing import Calls, Killed, Stored, Tables, kill
from support.records import ORGANISATION, bill, credit, customer, dispute, invoice, payment, promise

HOME = replace(ORGANISATION, created_on=date(2020, 3, 20).toordinal(), policy=Policy(close_after_days=0))
FIRST, SECOND, THIRD = (noon(day) for day in (date(2020, 4, 2), date(2020, 5, 4), date(2020, 6, 2)))
BOOK = [
    customer(),
    invoice(),
    invoice("euros", currency="EUR", total="70", due_on="2020-04-20"),
    invoice("other", customer_id="E", due_on="2020-03-10"),
    invoice("late", customer_id="F", issued_on="2020-04-01", due_on="2020-04-11"),
    invoice("quiet", customer_id="G", due_on="2020-12-31"),
    bill(state="Paid", state_on="2020-04-20"),
    payment(amount="30", paid_on="2020-02-20"),
    payment("rest", amount="70", paid_on="2020-04-25"),
    payment("other", invoice_id="other", amount="100", paid_on="2020-04-28"),
    payment("back", invoice_id="other", amount="-40", paid_on="2020-05-20"),
    credit("late", invoice_id="late", amount="100", credited_on="2020-04-30"),
    promise(customer_id="E", made_on="2020-04-02", promised_on="2020-04-06"),
    dispute("lost", invoice_id="late", opened_on="2020-04-15", resolved_on="2020-05-10", outcome="lost"),
]
LATE_FACTS = [
    invoice("backdated", customer_id="H", total="55", due_on="2020-02-15"),
    payment("backdated", invoice_id="euros", amount="70", paid_on="2020-04-10"),
]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting, and few partitions: every request is a run of its own here (test_history_spread has them all)."""
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(table, "SHARDS", 1)


@pytest.fixture
def book(ledger_tables: Any) -> Stored:
    one = Stored(ledger_tables, HOME)
    one.recorder.record(HOME, BOOK, noon(date(2020, 4, 1)))
    return one


@pytest.fixture(params=["first run", "next run, with facts recorded late", "the wait of a month is over"])
def begun(request: pytest.FixtureRequest, book: Stored) -> tuple[Stored, datetime]:
    """A book before a run, and when it runs."""
    if request.param == "first run":
        return book, FIRST
    if request.param == "the wait of a month is over":
        book.organisation = replace(HOME, policy=Policy(close_after_days=3))
        book.close(FIRST)
        assert book.months()["months"][-1]["month"] == "2020-02"
        return book, noon(date(2020, 4, 4))
    book.close(FIRST)
    book.recorder.record(HOME, LATE_FACTS, noon(date(2020, 5, 1)))
    return book, SECOND


def undisturbed(one: Stored, moment: datetime) -> tuple[dict[str, Any], list[str]]:
    """What a run leaves, and the calls that it makes."""
    calls = Calls(one.client, one.bus)
    one.close(moment)
    calls.release()
    return one.state(), calls.names


def at_every_call(
    one: Stored, moment: datetime, happen: Callable[[], None], days: int = 0
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is left when something happens before each call in turn; a run that is killed is started anew.

    days: how much later another run follows in any case.

    Killed before a call is killed after the one before: what was called is all that there is outside the worker.
    """
    kept, sent = Tables(), list(one.sent)
    _, names = undisturbed(one, moment)
    one.close(moment + timedelta(days=days))
    expected = one.state()
    assert expected["seen"]
    assert not expected["outbox"]
    yield "undisturbed", expected
    for number, name in enumerate(names, 1):
        kept.restore()
        one.sent[:] = sent
        calls = Calls(one.client, one.bus)
        calls.before[number] = happen
        try:
            one.close(moment)
        except Killed:
            one.close(moment.replace(hour=14))
        finally:
            calls.release()
        one.close(moment + timedelta(days=days))
        yield f"{name} ({number})", one.state()


def assert_all_alike(found: Iterator[tuple[str, dict[str, Any]]]) -> None:
    _, expected = next(found)
    for call, state in found:
        for part in expected:
            assert state[part] == expected[part], f"{part}, disturbed at {call}"


def test_a_worker_killed_at_any_call_leaves_what_an_undisturbed_one_does(begun: tuple[Stored, datetime]) -> None:
    assert_all_alike(at_every_call(*begun, kill))


def test_the_calls_are_all_of_their_kinds(book: Stored) -> None:
    """What is killed above reads the ledger, writes history, sends, takes out of the outbox, settles and takes in."""
    book.close(FIRST)
    _, names = undisturbed(book, SECOND)
    expected = {"Query", "GetItem", "BatchGetItem", "PutItem", "BatchWriteItem", "TransactWriteItems", "PutEvents"}
    assert expected <= {*names}


@pytest.mark.parametrize("days", [0, 1])
def test_a_run_overtaken_at_any_call_by_another_leaves_the_same(begun: tuple[Stored, datetime], days: int) -> None:
    """The other one runs from end to end while this one waits before its call: for the same days, or one more."""
    book, moment = begun
    other = Stored(book.client, book.organisation)
    other.bus = book.bus

    def overtake() -> None:
        other.close(moment + timedelta(days=days))

    assert_all_alike(at_every_call(book, moment, overtake, days))


def test_runs_at_once_leave_what_one_does(begun: tuple[Stored, datetime]) -> None:
    book, moment = begun
    kept, sent = Tables(), list(book.sent)
    expected, _ = undisturbed(book, moment)
    for _ in range(4):
        kept.restore()
        book.sent[:] = sent
        calls = Calls(book.client, book.bus)
        with ThreadPoolExecutor(3) as pool:
            for done in [pool.submit(book.close, moment) for _ in range(3)]:
                done.result()
        calls.release()
        assert book.state() == expected


def test_a_doubled_message_does_nothing(book: Stored) -> None:
    book.close(FIRST)
    before, sent = book.state(), len(book.sent)
    for _ in range(3):
        closed = book.closing().close(HOME, FIRST)
        assert (closed.months, closed.escalations, closed.sent) == ((), 0, 0)
    assert book.state() == before
    assert len(book.sent) == sent


def test_all_at_one_late_run_is_the_same(book: Stored, ledger_tables: Any) -> None:
    """Historical or not, month by month or late: the facts were all there before."""
    monthly = Stored(ledger_tables, HOME)
    kept = Tables()
    for moment in (FIRST, SECOND, THIRD):
        monthly.close(moment)
    expected = monthly.state()
    kept.restore()
    book.close(THIRD)
    assert book.state() == expected


def test_what_the_bus_refuses_is_sent_again_and_what_it_keeps_refusing_stays(book: Stored) -> None:
    book.bus.refusing = 2
    book.close(FIRST)
    assert book.sent
    assert not list(book.history.unsent(HOME.id))
    book.bus.refusing = 10_000
    with pytest.raises(NotSent):
        book.close(SECOND)
    assert book.history.run(HOME.id).through == date(2020, 5, 3).toordinal()
    assert list(book.history.unsent(HOME.id))
    book.bus.refusing = 0
    book.close(SECOND)
    assert not list(book.history.unsent(HOME.id))
    assert len(book.seen()) == len([record for record in book.records() if not record["historical"]])


def test_a_slow_run_writes_nothing_once_another_has_finished(book: Stored) -> None:
    """Cleared rows are forgotten when a run ends: a slower one must not start them anew."""
    kept = Tables()
    _, names = undisturbed(book, THIRD)
    kept.restore()
    calls = Calls(book.client)
    calls.before[names.index("TransactWriteItems") + 1] = lambda: Stored(book.client, HOME).close(THIRD)
    book.close(THIRD)
    calls.release()
    moves = [(r["customerId"], r["currency"], r["crossedOn"], r["from"], r["to"]) for r in book.records()]
    assert len(moves) == len(set(moves))
