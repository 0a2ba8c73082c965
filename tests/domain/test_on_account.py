"""Money on account against the oracle, and the identity that ties every answer to the control account."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.ledger.dated_document import AllocationChange, BillState, DatedDocument, applied_at
from arrears.ledger.days import NEVER
from arrears.ledger.ledger_side import Side
from arrears.ledger.on_account import (
    allocated_at,
    beside_at,
    closed_by_state_at,
    counts_at,
    money_changes,
    unapplied_at,
)
from arrears.reports.aging import Accounts, owed_at
from oracle.book import Ledger, read
from oracle.control import balance
from oracle.generate import interesting_days, random_book
from oracle.on_account import accounts, unapplied
from support.books import in_memory, last_day, organisation_of
from support.memory_ledger import MemoryLedger

seeds = st.integers(min_value=0, max_value=2**32)
sizes = st.integers(min_value=0, max_value=14)
KINDS = {Side.RECEIVABLE: "customer", Side.PAYABLE: "supplier"}

type Sums = dict[tuple[str, str], int]
"""By party name as it is shown (two parties may share one) and currency."""


def on_account(found: Accounts, day: date) -> Sums:
    """The money on account of what a reader was given."""
    sums: Sums = {}
    for account, documents in found:
        for currency, amount in unapplied_at(account, documents, day.toordinal()).items():
            key = account.name, currency
            sums[key] = sums.get(key, 0) + amount
    return {key: amount for key, amount in sums.items() if amount}


def expected(ledger: Ledger, side: Side, day: date) -> Sums:
    """The same by the oracle."""
    sums: Sums = {}
    for party, currency in accounts(ledger, KINDS[side]):
        key = ledger.name(party), currency
        sums[key] = sums.get(key, 0) + unapplied(ledger, (party, currency), day)
    return {key: amount for key, amount in sums.items() if amount}


_DAYS = st.integers(1, 12)


@st.composite
def documents(draw: st.DrawFn) -> DatedDocument:
    """An invoice or bill with payments, reversals and payments that are taken back on a later day."""
    sums: dict[tuple[int, int], int] = {}
    for day, amount, later in draw(st.lists(st.tuples(_DAYS, st.integers(-9, 20), st.integers(0, 3)), max_size=9)):
        sums[day, 0] = sums.get((day, 0), 0) + amount
        if later:
            sums[day + later, day] = sums.get((day + later, day), 0) - amount
    applied = [AllocationChange(day, amount, 0, 1, dated_on) for (day, dated_on), amount in sorted(sums.items())]
    names = st.sampled_from(["Approved", "Paid", "NeedsApproval", "Voided"])
    entered = draw(st.lists(st.tuples(_DAYS, names), max_size=3))
    states = [BillState(day, state, None) for day, state in sorted(entered)]
    voided = draw(st.one_of(st.just(NEVER), _DAYS))
    return DatedDocument("I", None, "USD", draw(st.integers(0, 60)), draw(_DAYS), None, voided, applied, states=states)


@settings(max_examples=400)
@given(documents())
def test_what_stands_beside_a_document_is_what_was_dated_last(document: DatedDocument) -> None:
    changes = list(money_changes(document))
    for day in range(18):
        found: dict[int, int] = {}
        for change in changes:
            if change.day <= day:
                found[change.dated_on] = found.get(change.dated_on, 0) + change.amount
        assert {dated_on: amount for dated_on, amount in found.items() if amount} == _dated_last(document, day), day


def _dated_last(document: DatedDocument, day: int) -> dict[int, int]:
    """What is too much of all that is applied, from the latest date back; all of it while the document is none."""
    by_date: dict[int, int] = {}
    for changed, payments, _, _, allocated_on in document.applied:
        if changed <= day:
            by_date[allocated_on or changed] = by_date.get(allocated_on or changed, 0) + payments
    found, late, taken = {}, 0, 0
    for dated_on in sorted(by_date, reverse=True):
        late += by_date[dated_on]
        upto = max(0, min(late, beside_at(document, day))) if counts_at(document, day) else late
        found[dated_on], taken = upto - taken, upto
    return {dated_on: amount for dated_on, amount in found.items() if amount}


class _Counted(list[AllocationChange]):
    """Counts how often it is gone through."""

    times = 0

    def __iter__(self) -> Iterator[AllocationChange]:
        self.times += 1
        return super().__iter__()


def test_a_document_that_is_paid_too_often_is_not_gone_through_for_each_payment() -> None:
    applied = _Counted(AllocationChange(day, 10, 0, 1) for day in range(1, 301))
    changes = list(money_changes(DatedDocument("I", None, "USD", 10, 1, None, applied=applied)))
    assert [(change.day, change.amount) for change in changes] == [(day, 10) for day in range(2, 301)]
    assert applied.times < 5


@settings(max_examples=60)
@given(seed=seeds, size=sizes)
def test_money_on_account_is_what_a_replay_of_the_records_gives_on_any_day(seed: int, size: int) -> None:
    book = random_book(seed, size)
    ledger, oracle = in_memory(book, organisation_of(book)), read(book)
    last = last_day(book)
    for day in [*interesting_days(book), last, last + timedelta(days=400)]:
        for side in Side:
            found = ledger.accounts(side, day.toordinal(), last.toordinal())
            assert on_account(found, day) == expected(oracle, side, day), (side, day)


@settings(max_examples=60)
@given(seed=seeds, size=sizes, later=st.sampled_from((0, 1, 45, 400)))
def test_outstanding_less_money_on_account_is_all_totals_less_all_money(seed: int, size: int, later: int) -> None:
    """The identity, for each side and currency, whatever of it readers are given as closed documents added up."""
    book = random_book(seed, size)
    ledger, oracle = in_memory(book, organisation_of(book)), read(book)
    today = last_day(book) + timedelta(days=later)
    ledger.close_documents(today.toordinal())
    for day in [*interesting_days(book), today]:
        for side in Side:
            for currency, net in nets(ledger, side, day, today).items():
                chosen = chooser(side, currency)
                assert net == balance(oracle, chosen, day).net, (side, day, currency)


def chooser(side: Side, currency: str):  # type: ignore[no-untyped-def]
    return lambda party, own: party.kind == KINDS[side] and own == currency


def nets(ledger: MemoryLedger, side: Side, day: date, today: date) -> dict[str, int]:
    """Outstanding less money on account by currency."""
    sums: dict[str, int] = {}
    for account, documents in ledger.accounts(side, day.toordinal(), today.toordinal()):
        for document in documents:
            sums[document.currency] = sums.get(document.currency, 0) + owed_at(document, day.toordinal())
        for currency, amount in unapplied_at(account, documents, day.toordinal()).items():
            sums[currency] = sums.get(currency, 0) - amount
    return sums


def net_of(document: DatedDocument, day: int) -> int:
    """What a document adds to the net of its party: what it owes, less what it has beside it that is its own."""
    total = document.total if counts_at(document, day) else 0
    return total - applied_at(document, day) + allocated_at(document, day) - closed_by_state_at(document, day)


@settings(max_examples=40)
@given(seed=seeds, size=sizes)
def test_the_net_of_a_party_is_that_of_its_documents_and_its_money(seed: int, size: int) -> None:
    """Worked out from each document alone, nothing added up."""
    book = random_book(seed, size)
    ledger = in_memory(book, organisation_of(book))
    for day in interesting_days(book):
        for side in Side:
            for account, documents in ledger.full_accounts(side):
                left = unapplied_at(account, documents, day.toordinal())
                owed = sum(owed_at(document, day.toordinal()) for document in documents)
                own = sum(unapplied_at(account, (), day.toordinal()).values())
                alone = sum(net_of(document, day.toordinal()) for document in documents)
                assert owed - sum(left.values()) == alone - own


@settings(max_examples=40)
@given(seed=seeds, size=sizes, shuffled=st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_no_money_on_account(seed: int, size: int, shuffled: Random) -> None:
    book = random_book(seed, size, order_free=True)
    order = list(range(len(book.entries)))
    shuffled.shuffle(order)
    other = replace(book, entries=[book.entries[place] for place in order])
    organisation = organisation_of(book)
    today = last_day(book)
    ledgers = []
    for one in (book, other):
        ledger = MemoryLedger(organisation)
        ledger.record([entry.record for entry in one.entries], today.toordinal())
        ledgers.append(ledger)
    for day in interesting_days(book):
        for side in Side:
            first, second = (
                on_account(ledger.accounts(side, day.toordinal(), today.toordinal()), day) for ledger in ledgers
            )
            assert first == second, (side, day)
