"""The pure core against the oracle: random books, any day, any order of arrival."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.ledger import dated_document
from arrears.ledger.dated_document import LAST, Account, DatedDocument
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.ledger.promises import kept_changes, merged
from oracle import Book, invoice_collection
from oracle.generate import interesting_days, random_book
from support.books import answer, arrivals, disagreements, in_memory, last_day, organisation_of, random_terms
from support.memory_ledger import MemoryLedger

seeds = st.integers(min_value=0, max_value=2**32)
sizes = st.integers(min_value=0, max_value=14)


@settings(max_examples=40)
@given(seed=seeds, size=sizes)
def test_every_day_of_a_book_is_what_a_replay_of_its_records_gives(seed: int, size: int) -> None:
    book, policy = random_book(seed, size), random_terms(seed)
    organisation = organisation_of(book, policy)
    ledger = in_memory(book, organisation)
    last = last_day(book)
    for day in [*interesting_days(book), last]:
        for side in Side:
            accounts = ledger.accounts(side, day.toordinal(), last.toordinal())
            assert not disagreements(book, policy, accounts, side, day, organisation), (side, day)


@settings(max_examples=40)
@given(seed=seeds, size=sizes)
def test_disputes_about_parts_and_records_taken_back_are_those_of_a_replay(seed: int, size: int) -> None:
    """All on one day: when a bill was first sent is not known any more if its deletion comes after its return."""
    pivot = random_book(seed, 0).pivot
    book = random_book(seed, size, recorded_on=pivot)
    policy = random_terms(seed)
    organisation = organisation_of(book, policy)
    ledger = in_memory(book, organisation)
    for day in interesting_days(book):
        for side in Side:
            accounts = ledger.accounts(side, day.toordinal(), last_day(book).toordinal())
            assert not disagreements(book, policy, accounts, side, day, organisation), (side, day)


@settings(max_examples=40)
@given(seed=seeds, size=sizes)
def test_monthly_figures_moved_by_difference_are_those_of_the_documents(seed: int, size: int) -> None:
    book = random_book(seed, size)
    ledger = in_memory(book, organisation_of(book))
    for later in (0, 1, 40, 400):
        today = last_day(book) + timedelta(days=later)
        assert ledger.collection(today.toordinal()) == _collection(book, today)


def _collection(book: Book, today: date) -> dict[tuple[str, str, str], tuple[int, int]]:
    return {
        (row["month"][:7], row["payment_status"], row["currency"]): (row["invoices_count"], row["amount_cents"])
        for row in invoice_collection(book, today)["invoice_collections"]
        if row["invoices_count"]
    }


@settings(max_examples=40)
@given(seed=seeds, size=sizes, later=st.sampled_from((0, 1, 10, 45, 400)))
def test_what_the_open_and_settled_sets_hold_is_what_the_whole_book_says(seed: int, size: int, later: int) -> None:
    """Whatever days were written on, and whether or not time's work on the open set was done since."""
    book, policy = random_book(seed, size), random_terms(seed)
    organisation = organisation_of(book, policy)
    ledger = in_memory(book, organisation)
    today = last_day(book).toordinal() + later
    days = [*interesting_days(book), last_day(book), date.fromordinal(today), date.fromordinal(today + 400)]
    full = {(day, side): answer(ledger.full_accounts(side), side, day, organisation) for day in days for side in Side}
    for _ in ("before it was settled", "after"):
        for (day, side), expected in full.items():
            accounts = ledger.accounts(side, day.toordinal(), today)
            assert answer(accounts, side, day, organisation) == expected, (side, day)
        ledger.close_documents(today)
    assert not ledger.close_documents(today)


@settings(max_examples=40)
@given(seed=seeds, size=sizes, shuffled=st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(seed: int, size: int, shuffled: Random) -> None:
    book = random_book(seed, size, order_free=True)
    order = list(range(len(book.entries)))
    shuffled.shuffle(order)
    organisation = organisation_of(book)
    one, other = in_memory(book, organisation), in_memory(book.reordered(order), organisation)
    assert _settled_view(one) == _settled_view(other)


def _settled_view(ledger: MemoryLedger) -> dict[str, Any]:
    """All that any reader can learn of a ledger: not that a party once had a document that has another party now."""
    documents = {
        (d.kind, d.id): (d.dated, d.closed, d.account, d.head, d.updated_at, d.deleted_at)
        for d in ledger.documents()
        if d.head is not None or d.parts or d.deleted_at is not None
    }
    shown = [a for a in ledger.account_states() if a.known or a.reminders or a.promises]
    accounts = {a.key: (a.account(), a.open, a.documents, a.named) for a in shown}
    collection = {day: ledger.collection(day) for day in range(737_000, 739_000, 97)}
    return {
        "documents": documents,
        "accounts": {key: _seen(account) for key, account in accounts.items()},
        "collection": collection,
        "externals": ledger.externals,
        "lines": ledger.lines,
        "numbers": ledger.numbers,
    }


def _seen(account: tuple[Account, int, int, int]) -> tuple[Any, ...]:
    """A supplier known by name only has no reference outside: it is the spelling that came first."""
    party = account[0]
    return (party._replace(reference=party.reference if party.party_id else ""), *account[1:])


@settings(max_examples=40)
@given(seed=seeds, size=sizes)
def test_what_accounts_add_up_by_difference_is_what_their_documents_give(seed: int, size: int) -> None:
    book = random_book(seed, size)
    organisation = organisation_of(book)
    ledger = in_memory(book, organisation)
    for _ in ("as written", "after time's work"):
        for side in Side:
            _check_accounts(ledger, side)
        ledger.close_documents(last_day(book).toordinal() + 50)


def _check_accounts(ledger: MemoryLedger, side: Side) -> None:
    documents: dict[str | None, list[Any]] = {}
    for document in ledger.documents():
        documents.setdefault(document.account, []).append(document)
    for account in ledger.account_states():
        if account.side is not side:
            continue
        mine = documents.get(account.key, [])
        closed = [document.dated for document in mine if document.closed]
        assert (account.documents, account.open) == (len(mine), len(mine) - len(closed))
        assert account.named == sum(bool(document.counterparty_name()) for document in mine)
        assert list(account.account().history) == _history(closed, account.history_start)
        for promise in account.promises:
            assert promise.kept == merged(change for document in closed for change in kept_changes(promise, document))


def _history(closed: list[DatedDocument], history_start: int) -> list[dated_document.Settled]:
    settled = [
        found
        for document in closed
        if (found := dated_document.settlement(document, LAST)) and found.day > history_start
    ]
    days = sorted({found.day for found in settled})
    sums = {
        day: [sum(figures) for figures in zip(*(s[1:] for s in settled if s.day == day), strict=True)] for day in days
    }
    return [dated_document.Settled(day, *sums[day]) for day in days]


@settings(max_examples=25)
@given(seed=seeds, size=sizes)
def test_the_same_records_again_change_nothing_that_can_be_seen(seed: int, size: int) -> None:
    """Those that were taken: one that was refused may be taken later, when what it did not fit is deleted."""
    book = random_book(seed, size, order_free=True)
    organisation = organisation_of(book)
    ledger = MemoryLedger(organisation)
    taken = []
    for moment, records in arrivals(book):
        results = ledger.record(records, organisation.today(moment))
        fit = [raw for raw, result in zip(records, results, strict=True) if result.result != "rejected"]
        taken.append((moment, fit))
    before = _settled_view(ledger)
    for moment, records in taken:
        results = ledger.record(records, organisation.today(moment))
        assert {result.result for result in results} <= {"unchanged", "stale"}
    assert _settled_view(ledger) == before


@settings(max_examples=25)
@given(seed=seeds, size=sizes)
def test_currencies_never_mix(seed: int, size: int) -> None:
    """A book of one currency alone answers what the whole book answers in that currency."""
    book = random_book(seed, size, order_free=True)
    last = {(r["type"], r["id"]): r["currency"] for r in _last_words(book)}
    currencies = {*last.values()}
    organisation = organisation_of(book)
    whole = {side: _by_currency(in_memory(book, organisation), side, book.pivot, organisation) for side in Side}
    for currency in currencies:
        entries = [entry for entry in book.entries if _is_in(entry.record, currency, last)]
        alone = in_memory(replace(book, entries=entries), organisation)
        for side in Side:
            expected = whole[side].get(currency)
            assert _by_currency(alone, side, book.pivot, organisation).get(currency) == expected


def _last_words(book: Book) -> list[dict[str, Any]]:
    """The documents' records, in the order that counts; a deletion leaves the word before it."""
    words = (record for record in book.records if record["type"] in ("invoice", "bill") and not record.get("deleted"))
    return sorted(words, key=lambda record: record.get("updated_at", ""))


def _is_in(record: dict[str, Any], currency: str, last: dict[tuple[str, str], str]) -> bool:
    """Not about a document that ends up in another currency."""
    return last.get((record["type"], record["id"]), currency) == currency


def _by_currency(ledger: MemoryLedger, side: Side, day: date, organisation: Organisation) -> dict[str, Any]:
    today = day.toordinal()
    whole = answer(ledger.full_accounts(side), side, date.fromordinal(today), organisation)
    aging = {entry["currency"]: entry["buckets"] for entry in whole["aging"]}
    return {currency: buckets for currency, buckets in aging.items() if any(one["count"] for one in buckets.values())}


@settings(max_examples=40)
@given(seed=seeds, size=sizes)
def test_totals_are_the_sum_of_their_buckets_and_of_their_rows(seed: int, size: int) -> None:
    """Compared in minor units: what is answered may be a number or text."""
    book = random_book(seed, size)
    organisation = organisation_of(book)
    ledger = in_memory(book, organisation)
    for side in Side:
        body = answer(ledger.full_accounts(side), side, book.pivot, organisation)
        overdue = {entry["currency"]: entry for entry in body["totals"]["overdueByCurrency"]}
        for entry in body["aging"]:
            currency, buckets = entry["currency"], list(entry["buckets"].values())
            late = [_exact(bucket["amount"]) for bucket in buckets[1:]]
            rows = [
                row
                for row in body["customers" if side is Side.RECEIVABLE else "suppliers"]
                if row["currency"] == currency
            ]
            total = overdue.get(currency, {"amount": 0, "count": 0})
            assert sum(late) == _exact(total["amount"]) == sum(_exact(row["totalOverdue"]) for row in rows)
            assert sum(bucket["count"] for bucket in buckets[1:]) == total["count"]


def _exact(amount: float | str) -> Decimal:
    return Decimal(str(amount))
