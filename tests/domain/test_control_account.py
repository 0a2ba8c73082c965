"""The control account of both sides equals an independent calculation, whatever the reader has in hand."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings

from arrears.ledger.days import day_before_month, month_ends
from arrears.ledger.ledger_side import Side
from arrears.ledger.on_account import unapplied_at
from arrears.rendering.history import month_body
from arrears.reports.aging import Accounts, currency_order
from arrears.reports.month_close import CurrencyMonth, DatedAccount, MonthFigures
from oracle import Book, on_account, random_book
from oracle import schedule as oracle
from oracle.book import Policy, read
from oracle.generate import as_it_happened, books_and_days, irregular_days, month_starts
from support.in_hand import accounts_since

SIDES = {"customer": Side.RECEIVABLE, "supplier": Side.PAYABLE}


def months(book: Book, done: oracle.Replay, kind: str, rng: Random) -> dict[str, Any]:
    """The months of a replay as the product works them out, from what a reader has in hand at each close."""
    previous: dict[str, CurrencyMonth] = {}
    bodies = []
    for snapshot in done.snapshots:
        end = date.fromisoformat(snapshot.shown["asOf"])
        before = end.replace(day=1).toordinal() - 1
        ledger = read(oracle.known(book, snapshot.run))
        in_hand = accounts_since(ledger, kind, rng.choice((before, before - 40, 0)))
        figures = figures_of([end.toordinal()], in_hand).month(end.toordinal(), previous)
        previous = {currency: figures[currency] for currency in currency_order(figures, book.organisation.currency)}
        bodies.append(month_body(end.toordinal(), 1, previous, SIDES[kind]))
    return {"months": bodies}


def figures_of(ends: Sequence[int], in_hand: Accounts) -> MonthFigures:
    figures = MonthFigures(ends)
    for account, documents in in_hand:
        figures.add(DatedAccount(account, documents))
    return figures


def with_control(history: dict[str, Any]) -> dict[str, Any]:
    """Only the currencies whose control account has a figure."""
    return {
        "months": [
            {**month, "currencies": [one for one in month["currencies"] if any(one["control"].values())]}
            for month in history["months"]
        ]
    }


@pytest.mark.parametrize("seed", range(8))
def test_months_of_both_sides_equal_the_oracles(seed: int) -> None:
    rng = Random(seed)
    book = as_it_happened(random_book(seed, 14), rng)
    days = month_starts(book, 1) if seed % 2 else irregular_days(book, rng)
    runs = [day for day in days if day <= book.pivot + timedelta(days=70)][-14:]
    policy = Policy(close_after_days=rng.choice((0, 3)))
    done = oracle.replay(book, runs, policy, first_from=("invoice", "bill"))
    assert done.snapshots
    receivables = months(book, done, "customer", rng)
    assert not oracle.history_differences(oracle.history(done.snapshots, 1_200), receivables)
    payables = with_control(months(book, done, "supplier", rng))
    expected = oracle.payables_history(done.snapshots, 1_200)
    assert expected["months"] == [
        {
            **month,
            "currencies": [{name: one[name] for name in ("currency", "control")} for one in month["currencies"]],
        }
        for month in payables["months"]
    ]


@pytest.mark.parametrize("kind", SIDES)
@pytest.mark.parametrize("seed", range(10))
def test_many_months_of_one_reading_are_the_months_of_a_reading_each(seed: int, kind: str) -> None:
    book = random_book(seed, 20)
    ledger, first = read(book), book.pivot.toordinal() - 500
    ends = month_ends(first, first + 700)
    assert len(ends) > 20
    together = figures_of(ends, accounts_since(ledger, kind, 0))
    before: dict[str, CurrencyMonth] = {}
    for end in ends:
        in_hand = accounts_since(ledger, kind, day_before_month(end))
        alone = figures_of([end], in_hand).month(end, before)
        assert together.month(end, before) == alone
        before = alone


@settings(max_examples=40, deadline=None)
@given(books_and_days(max_size=12))
def test_a_report_has_all_money_on_account_whichever_documents_it_takes(drawn: tuple[Book, date]) -> None:
    book, on = drawn
    ledger = read(book)
    for kind in SIDES:
        found: dict[str, int] = {}
        for in_hand in accounts_since(ledger, kind, 0):
            account, documents = DatedAccount(*in_hand).as_of(on.toordinal())
            for currency, amount in unapplied_at(account, documents, on.toordinal()).items():
                found[currency] = found.get(currency, 0) + amount
        expected: dict[str, int] = {}
        for one in on_account.accounts(ledger, kind):
            expected[one[1]] = expected.get(one[1], 0) + on_account.unapplied(ledger, one, on)
        assert {c: a for c, a in found.items() if a} == {c: a for c, a in expected.items() if a}
