"""A document as dated facts: its state on any day, and the day from which nothing about it changes."""

from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.ledger import document_facts
from arrears.ledger.days import NEVER
from arrears.ledger.document_facts import Facts
from oracle.book import Document as OracleDocument
from oracle.book import read
from oracle.generate import interesting_days, random_book
from support.books import in_memory, last_day, organisation_of
from support.memory_book import MemoryLedger
from support.records import ORGANISATION, bill, dispute, invoice, payment

TODAY = date(2020, 6, 30)
NOW = TODAY.toordinal()


def document(*records: Any) -> Facts:
    ledger = MemoryLedger(ORGANISATION)
    ledger.record(records, NOW)
    return ledger.documents()[0].facts


def on(text: str) -> int:
    return date.fromisoformat(text).toordinal()


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 12))
def test_each_document_is_what_the_oracle_says_on_every_day(seed: int, size: int) -> None:
    book = random_book(seed, size)
    theirs = {document.outward: document for document in read(book).documents}
    days = [*interesting_days(book), last_day(book)]
    for mine in in_memory(book, organisation_of(book)).documents():
        if mine.head is not None:
            for day in days:
                assert _state(mine.facts, day) == _oracle_state(theirs[mine.id], day), (mine.id, day)


def _state(document: Facts, on: date) -> tuple[Any, ...]:
    day = on.toordinal()
    exists = document_facts.exists_at(document, day)
    settled = document_facts.settled_on(document, day) if exists else None
    return exists, document_facts.is_open_at(document, day), document_facts.outstanding_at(document, day), settled


def _oracle_state(document: OracleDocument, on: date) -> tuple[Any, ...]:
    exists = document.exists(on) and (document.kind == "invoice" or document.state(on) != "Voided")
    settled = document.settled_on(on) if exists else None
    return exists, document.open(on), document.outstanding(on), None if settled is None else settled.toordinal()


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 12))
def test_a_document_rests_from_its_last_change_on_and_not_a_day_later(seed: int, size: int) -> None:
    book = random_book(seed, size)
    for mine in in_memory(book, organisation_of(book)).documents():
        rest = document_facts.closed_from(mine.facts)
        if mine.facts.issued == NEVER:
            assert rest == 0
        elif document_facts.is_open_at(mine.facts, document_facts.LAST):
            assert rest == NEVER
        else:
            changes = [day for day in _changes(mine.facts) if day < NEVER]
            assert rest in changes
            assert max(changes) == rest or mine.facts.voided <= rest
            assert not any(document_facts.is_open_at(mine.facts, day) for day in [rest, *changes] if day >= rest)


def _changes(document: Facts) -> set[int]:
    return {
        document.issued,
        document.voided,
        *(step.day for step in document.applied),
        *(s.day for s in document.states),
    }


def test_a_void_document_rests_from_its_void_on() -> None:
    voided = document(invoice(status="voided", voided_on="2020-05-01"))
    assert document_facts.closed_from(voided) == on("2020-05-01")
    assert document_facts.is_open_at(voided, on("2020-04-30"))
    assert document_facts.closed_from(document(invoice(status="voided"))) == 0
    assert document_facts.closed_from(document(invoice(status="draft"))) == 0


def opens(document: Facts, *days: str) -> list[bool]:
    return [document_facts.is_open_at(document, on(day)) for day in days]


def test_what_is_dated_in_the_future_takes_effect_on_its_day() -> None:
    paid, taken_back = payment(amount="100", paid_on="2020-07-10"), payment("Q", amount="-1", paid_on="2020-08-01")
    later = document(invoice(), paid, taken_back)
    assert document_facts.closed_from(later) == NEVER
    assert opens(later, "2020-07-09", "2020-07-10", "2020-08-01") == [True, False, True]
    undone = document(invoice(), payment(amount="100", voided_on="2020-09-01"))
    assert opens(undone, "2020-02-29", "2020-03-01", "2020-09-01") == [True, False, True]


def test_over_applied_is_closed() -> None:
    over = document(invoice(), payment(amount="130"))
    assert document_facts.outstanding_at(over, NOW) == -3000
    assert not document_facts.is_open_at(over, NOW)
    assert document_facts.closed_from(over) == on("2020-03-01")


def test_settled_on_is_the_start_of_the_last_unbroken_run() -> None:
    runs = document(
        invoice(),
        payment("1", amount="100", paid_on="2020-02-10"),
        payment("2", amount="-100", paid_on="2020-03-10"),
        payment("3", amount="60", paid_on="2020-04-10"),
        payment("4", amount="50", paid_on="2020-04-20"),
        payment("5", amount="-10", paid_on="2020-05-10"),
    )
    settled = {
        day: document_facts.settled_on(runs, on(day))
        for day in ("2020-02-09", "2020-02-10", "2020-03-10", "2020-06-30")
    }
    assert settled == {
        "2020-02-09": None,
        "2020-02-10": on("2020-02-10"),
        "2020-03-10": None,
        "2020-06-30": on("2020-04-20"),
    }
    assert document_facts.settled_on(document(invoice(total="0")), NOW) == on("2020-01-01")


def test_disputes_hold_from_their_opening_to_their_end() -> None:
    states = {}
    for name, ending in {"open": {}, "won": {"outcome": "won"}, "lost": {"outcome": "lost"}}.items():
        resolved = {} if name == "open" else {"resolved_on": "2020-05-01"}
        disputed = document(invoice(), dispute(**ending, **resolved))
        days = ("2020-03-31", "2020-04-01", "2020-04-30", "2020-05-01")
        states[name] = [document_facts.disputed_at(disputed, on(day)) for day in days]
    assert states == {
        "open": [False, True, True, True],
        "won": [False, True, True, False],
        "lost": [False, True, True, True],
    }


def test_a_bill_before_its_first_known_state() -> None:
    """Approved, if what is known first is a payable state, Paid or Voided; else not payable."""
    implied = {}
    for state in sorted(document_facts.BILL_STATES):
        first = document(bill(state=state, state_on="2020-05-01"))
        implied[state] = document_facts.is_open_at(first, on("2020-04-30"))
    approved = document_facts.PAYABLE_STATES | {"Paid", "Voided"}
    assert implied == {state: state in approved for state in document_facts.BILL_STATES}


def test_paid_closes_a_bill_on_its_day_whatever_is_applied() -> None:
    paid = document(bill(state="Paid", state_on="2020-05-01"))
    assert [document_facts.is_open_at(paid, on(day)) for day in ("2020-04-30", "2020-05-01")] == [True, False]
    assert document_facts.settled_on(paid, NOW) == on("2020-05-01")
    applied = document(bill(), payment(bill_id="B", amount="100"))
    assert not document_facts.is_open_at(applied, NOW)


def test_a_bill_without_an_issue_day_exists_from_its_recording_or_due_date() -> None:
    assert document(bill(issued_on=None)).issued == on("2020-02-01")
    late = document(bill(issued_on=None, due_on=None))
    assert (late.issued, late.marks) == (NOW, document_facts.ISSUED_INFERRED)
    after = document(bill(issued_on=None, due_on=(TODAY + timedelta(days=9)).isoformat()))
    assert after.issued == NOW
