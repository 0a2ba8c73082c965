"""Monthly figures in slots: writers keep out of each other's way, readers see one sum, and months are tidied."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date
from functools import partial
from random import Random

import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import BotoCoreError, ClientError

from arrears.ledger.days import day_text
from arrears.ledger.ledger_side import Side
from arrears.storage.ledger import keys, month_folding
from arrears.storage.ledger.keys import MonthSortKey
from arrears.storage.ledger.month_figures import SLOTS
from arrears.storage.ledger.month_folding import MonthFolding
from arrears.storage.ledger.recorder import Recorder
from oracle.generate import random_book
from support.books import last_day, organisation_of
from support.figures import recomputed
from support.gate import FAULTS, Gate, Killed, cancelled
from support.records import ORGANISATION, invoice, payment
from support.stored_ledger import Table

NOW = date(2020, 6, 30).toordinal()
LONG_AGO = "2020-01"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting between tries."""
    monkeypatch.setattr(time, "sleep", lambda _: None)


def places(table: Table) -> set[MonthSortKey]:
    return {item.place for _, item in table.month_items()}


def fold(table: Table, today: int = NOW) -> int:
    return MonthFolding(table.client, table.name, ORGANISATION, Side.RECEIVABLE, today).run()


def put(table: Table, place: MonthSortKey, sums: dict[str, int]) -> None:
    pk, sk = keys.month_key(ORGANISATION.id, Side.RECEIVABLE, place)
    numbers = {name: {"N": str(number)} for name, number in {**sums, "v": 1}.items()}
    table.open.put_item(TableName=table.name, Item={"pk": {"S": pk}, "sk": {"S": sk}, **numbers})


# Writing


def test_all_that_a_writer_adds_goes_into_the_slot_that_it_drew(table: Table) -> None:
    ledger = table.ledger()
    for slot in (3, 5):
        ledger.recorder = Recorder(table.client, table.name, partial(next, iter([slot])))
        ledger.record([invoice(f"I{slot}"), invoice(f"J{slot}", issued_on="2020-05-01")], NOW)
        ledger.record([payment(f"P{slot}", invoice_id=f"I{slot}", amount="100")], NOW)
    assert places(table) == {MonthSortKey(month, slot, 0) for month in (LONG_AGO, "2020-05") for slot in (3, 5)}
    assert ledger.collection(NOW) == recomputed(ledger.documents(), NOW)


def test_a_writer_that_meets_another_in_its_months_draws_again(table: Table) -> None:
    ledger = table.ledger()
    ledger.recorder = Recorder(table.client, table.name, partial(next, iter([3, 5])))
    table.gate.faults = {2: FAULTS["conflict"]}
    ledger.record([invoice()], NOW)
    assert places(table) == {MonthSortKey(LONG_AGO, 5, 0)}


def test_a_writer_that_meets_another_at_a_document_keeps_its_slot(table: Table) -> None:
    """Or writers that have found slots of their own would leave them for the sake of a customer."""
    ledger = table.ledger()
    ledger.recorder = Recorder(table.client, table.name, partial(next, iter([3])))

    def at_the_first_action(gate: Gate, operation: str, request: AWSRequest) -> AWSResponse:
        return cancelled(request, "TransactionConflict", 0)

    table.gate.faults = {2: at_the_first_action}
    ledger.record([invoice()], NOW)
    assert places(table) == {MonthSortKey(LONG_AGO, 3, 0)}


def test_an_account_in_another_shard_takes_no_item_of_its_own(table: Table) -> None:
    ledger = table.ledger(replace(ORGANISATION, shards=5))
    ledger.record([invoice(f"I{n}", customer_id=f"C{n}") for n in range(20)], NOW)
    assert len(places(table)) == 1


# Tidying


@pytest.mark.parametrize("seed", range(6))
def test_tidying_a_random_book_changes_no_figure_of_any_day(table: Table, seed: int) -> None:
    """Each record was written alone, by a writer of its own; the book is tidied three times over half a year."""
    book, drawn = random_book(seed, 10), partial(Random(seed).randrange, SLOTS)
    ledger = table.ledger(replace(organisation_of(book), id=ORGANISATION.id))
    first = last_day(book).toordinal()
    for record in book.records:
        ledger.recorder = Recorder(table.client, table.name, drawn)
        ledger.record([record], first)
    for today in (first, first + 40, first + 180):
        days = (today, today + 30, today + 400)
        before = [ledger.collection(day) for day in days]
        assert before == [recomputed(ledger.documents(), day) for day in days]
        fold(table, today)
        assert [ledger.collection(day) for day in days] == before


def test_the_slots_of_every_month_become_one(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([invoice(f"{month}", issued_on=f"2020-0{month}-01") for month in range(1, 7)], NOW)
    for number in range(36):
        ledger.recorder = Recorder(table.client, table.name, lambda slot=number // 6: slot)  # type: ignore[misc]
        ledger.record([payment(f"P{number}", invoice_id=f"{1 + number % 6}", amount="1")], NOW)
        ledger.record([invoice(f"I{number}", issued_on=f"2020-0{1 + number % 6}-02")], NOW)
    before = table.months()
    fold(table)
    assert table.months() == before
    assert places(table) == {MonthSortKey(f"2020-0{month}", 0, 0) for month in range(1, 7)}


def test_what_has_become_zero_is_taken_away_and_an_item_of_zeros_too(table: Table) -> None:
    ledger = table.ledger()
    ledger.recorder = Recorder(table.client, table.name, lambda: 0)
    ledger.record([invoice(), invoice("J", issued_on="2019-12-01"), payment(amount="100")], NOW)
    ledger.record([invoice("J", issued_on="2020-01-05")], NOW)
    assert len(places(table)) == 2
    fold(table)
    [(_, item)] = table.month_items()
    collected = {"n:succeeded:USD": 1, "a:succeeded:USD": 10_000, "n:pending:USD": 1, "a:pending:USD": 10_000}
    assert item.sums == {**collected, "c:USD:31": 1, "o:USD:31": 10_000, "p:---:<": 1}
    table.gate.operations()
    fold(table)
    assert table.gate.operations() == ["Query"]


def test_an_amount_whose_count_is_in_another_slot_counts(table: Table) -> None:
    """A total that grew is written as a count of none and an amount; of that only the amount is left when tidied."""
    put(table, MonthSortKey(LONG_AGO, 3, 0), {"n:pending:USD": 1, "a:pending:USD": 100})
    put(table, MonthSortKey(LONG_AGO, 5, 0), {"n:pending:USD": 0, "a:pending:USD": 20})
    ledger = table.ledger()
    expected = {(LONG_AGO, "pending", "USD"): (1, 120)}
    table.gate.faults = {2: FAULTS["conflict"]}
    for _ in range(3):
        assert ledger.collection(NOW) == expected
        table.gate.operations()
        fold(table)
    assert places(table) == {MonthSortKey(LONG_AGO, 0, 0)}


MANY = {f"o:{currency}:{day:02}": day + 1 for currency in ("EUR", "GBP", "USD") for day in range(300)}
"""More sums than one expression takes."""


def test_more_sums_than_an_expression_takes_are_moved_in_steps_whichever_of_them_fails(table: Table) -> None:
    put(table, MonthSortKey(LONG_AGO, 3, 0), MANY)
    restore, before = table.save(), table.months()
    fold(table)
    requests = len(table.gate.operations())
    assert requests > 3
    for name in FAULTS:
        for number in range(1, requests + 1):
            restore()
            table.gate.faults = {number: FAULTS[name]}
            with suppress(Killed, ClientError, BotoCoreError):
                fold(table)
            assert table.months() == before, (name, number)
            table.gate.faults = {}
            fold(table)
            assert table.months() == before, (name, number)
            assert places(table) == {MonthSortKey(LONG_AGO, 0, 0)}


# Others at the same time


@pytest.mark.parametrize("size", [1, 250])
def test_what_is_added_between_any_two_steps_of_tidying_is_kept(
    table: Table, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """The other tidies too, and then adds: so that items are made again that were deleted since they were read."""
    monkeypatch.setattr(month_folding, "MOST_NAMES", size)
    other = replace(table, client=table.open)
    ledger, writer = table.ledger(), other.ledger()
    writer.recorder = Recorder(table.open, table.name, lambda: 7)
    for slot in (7, 4, 0):
        ledger.recorder = Recorder(table.client, table.name, lambda slot=slot: slot)  # type: ignore[misc]
        ledger.record([invoice(f"I{slot}")], NOW)
    ledger.record([payment(f"P{n}", invoice_id=f"I{n}", amount="100", paid_on="2020-07-10") for n in (7, 4)], NOW)
    later = date(2020, 8, 1).toordinal()
    restore = table.save()
    fold(table, later)
    for number in range(1, len(table.gate.operations()) + 1):
        restore()

        def between(gate: Gate, operation: str, request: AWSRequest) -> AWSResponse:
            fold(other, later)
            for added in range(2):
                writer.record([invoice(f"new {added}")], NOW)
            return gate.answer(operation, request)

        table.gate.faults = {number: between}
        fold(table, later)
        for day in (later, later + 100):
            assert ledger.collection(day) == recomputed(ledger.documents(), day), number


def test_eight_writers_and_two_that_tidy_lose_nothing(make_table: Callable[[], Table]) -> None:
    table = make_table()
    ledger = table.ledger()

    def write(writer: int) -> None:
        for number in range(6):
            own = f"{writer}.{number}"
            issued = day_text(NOW - 40 * number)
            paid = payment(f"P{own}", invoice_id=f"I{own}", amount="100", paid_on=day_text(NOW + number - 3))
            ledger.record([invoice(f"I{own}", customer_id=f"C{writer}", issued_on=issued), paid], NOW)

    def tidy(_: int) -> None:
        for later in range(0, 12, 2):
            fold(table, NOW + later)

    with ThreadPoolExecutor(10) as pool:
        for done in [*[pool.submit(write, number) for number in range(8)], *[pool.submit(tidy, n) for n in range(2)]]:
            done.result()
    for today in (NOW + 10, NOW + 400):
        assert ledger.collection(today) == recomputed(ledger.documents(), today)


def test_an_item_that_would_grow_too_large_is_left_where_it_is(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(month_folding, "_MOST_IN_ITEM", 3)
    for slot in (1, 2):
        put(table, MonthSortKey(LONG_AGO, slot, 0), {f"n:{slot}:USD": 1, f"a:{slot}:USD": 100})
    fold(table)
    assert {place.slot for place in places(table)} == {0, 2}
