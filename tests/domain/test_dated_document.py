"""A document as dated facts: its state on any day, and the day from which nothing about it changes."""

from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.ledger import dated_document
from arrears.ledger.dated_document import DatedDocument
from arrears.ledger.days import NEVER
from oracle.book import Document as OracleDocument
from oracle.book import read
from oracle.generate import interesting_days, random_book
from support.books import in_memory, last_day, organisation_of
from support.memory_ledger import MemoryLedger
from support.records import ORGANISATION, bill, dispute, invoice, payment

TODAY = date(2020, 6, 30)
NOW = TODAY.toordinal()


def document(*records: Any) -> DatedDocument:
    ledger = MemoryLedger(ORGANISATION)
    ledger.record(records, NOW)
    return ledger.documents()[0].dated


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
                assert _state(mine.dated, day) == _oracle_state(theirs[mine.id], day), (mine.id, day)


def _state(document: DatedDocument, on: date) -> tuple[Any, ...]:
    day = on.toordinal()
    exists = dated_document.exists_at(document, day)
    settled = dated_document.settled_on(document, day) if exists else None
    return exists, dated_document.is_open_at(document, day), dated_document.outstanding_at(document, day), settled


def _oracle_state(document: OracleDocument, on: date) -> tuple[Any, ...]:
    exists = document.exists(on) and (document.kind == "invoice" or document.state(on) != "Voided")
    settled = document.settled_on(on) if exists else None
    return exists, document.open(on), document.outstanding(on), None if settled is None else settled.toordinal()


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 12))
def test_a_document_rests_from_its_last_change_on_and_not_a_day_later(seed: int, size: int) -> None:
    book = random_book(seed, size)
    for mine in in_memory(book, organisation_of(book)).documents():
        closed = dated_document.closed_from(mine.dated)
        if mine.dated.issued == NEVER:
            assert closed == 0
        elif dated_document.is_open_at(mine.dated, dated_document.LAST):
            assert closed == NEVER
        else:
            changes = [day for day in _changes(mine.dated) if day < NEVER]
            assert closed in changes
            assert max(changes) == closed or mine.dated.voided <= closed
            assert not any(dated_document.is_open_at(mine.dated, day) for day in [closed, *changes] if day >= closed)


def _changes(document: DatedDocument) -> set[int]:
    return {
        document.issued,
        document.voided,
        *(step.day for step in document.applied),
        *(s.day for s in document.states),
    }


def test_a_void_document_rests_from_its_void_on() -> None:
    voided = document(invoice(status="voided", voided_on="2020-05-01"))
    assert dated_document.closed_from(voided) == on("2020-05-01")
    assert dated_document.is_open_at(voided, on("2020-04-30"))
    assert dated_document.closed_from(document(invoice(status="voided"))) == 0
    assert dated_document.closed_from(document(invoice(status="draft"))) == 0


def opens(document: DatedDocument, *days: str) -> list[bool]:
    return [dated_document.is_open_at(document, on(day)) for day in days]


def test_what_is_dated_in_the_future_takes_effect_on_its_day() -> None:
    paid, taken_back = payment(amount="100", paid_on="2020-07-10"), payment("Q", amount="-1", paid_on="2020-08-01")
    later = document(invoice(), paid, taken_back)
    assert dated_document.closed_from(later) == NEVER
    assert opens(later, "2020-07-09", "2020-07-10", "2020-08-01") == [True, False, True]
    undone = document(invoice(), payment(amount="100", voided_on="2020-09-01"))
    assert opens(undone, "2020-02-29", "2020-03-01", "2020-09-01") == [True, False, True]


def test_over_applied_is_closed() -> None:
    over = document(invoice(), payment(amount="130"))
    assert dated_document.outstanding_at(over, NOW) == -3000
    assert not dated_document.is_open_at(over, NOW)
    assert dated_document.closed_from(over) == on("2020-03-01")


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
        day: dated_document.settled_on(runs, on(day))
        for day in ("2020-02-09", "2020-02-10", "2020-03-10", "2020-06-30")
    }
    assert settled == {
        "2020-02-09": None,
        "2020-02-10": on("2020-02-10"),
        "2020-03-10": None,
        "2020-06-30": on("2020-04-20"),
    }
    assert dated_document.settled_on(document(invoice(total="0")), NOW) == on("2020-01-01")


def test_disputes_hold_from_their_opening_to_their_end() -> None:
    states = {}
    for name, ending in {"open": {}, "won": {"outcome": "won"}, "lost": {"outcome": "lost"}}.items():
        resolved = {} if name == "open" else {"resolved_on": "2020-05-01"}
        disputed = document(invoice(), dispute(**ending, **resolved))
        days = ("2020-03-31", "2020-04-01", "2020-04-30", "2020-05-01")
        states[name] = [dated_document.disputed_at(disputed, on(day)) for day in days]
    assert states == {
        "open": [False, True, True, True],
        "won": [False, True, True, False],
        "lost": [False, True, True, True],
    }


def test_disputes_hold_the_parts_that_they_are_about_and_no_more_than_is_outstanding() -> None:
    part, more = dispute(amount="30"), dispute("E", opened_on="2020-04-10", amount="40")
    disputed = document(invoice(), part, more, payment(amount="50", paid_on="2020-05-01"))
    days = [on(day) for day in ("2020-03-31", "2020-04-01", "2020-04-10", "2020-05-01")]
    assert [dated_document.disputed_amount_at(disputed, day) for day in days] == [0, 3_000, 7_000, 5_000]
    assert [dated_document.disputed_at(disputed, day) for day in days] == [False, True, True, True]
    assert [dated_document.wholly_disputed_at(disputed, day) for day in days] == [False, False, False, True]
    both = document(invoice(), part, dispute("E", opened_on="2020-04-10", resolved_on="2020-04-20"))
    amounts = [dated_document.disputed_amount_at(both, on(day)) for day in ("2020-04-09", "2020-04-10", "2020-04-20")]
    assert amounts == [3_000, 10_000, 3_000]


def test_a_bill_before_its_first_known_state() -> None:
    """Approved, if what is known first is a payable state, Paid or Voided; else not payable."""
    implied = {}
    for state in sorted(dated_document.BILL_STATES):
        first = document(bill(state=state, state_on="2020-05-01"))
        implied[state] = dated_document.is_open_at(first, on("2020-04-30"))
    approved = dated_document.PAYABLE_STATES | {"Paid", "Voided"}
    assert implied == {state: state in approved for state in dated_document.BILL_STATES}


def test_paid_closes_a_bill_on_its_day_whatever_is_applied() -> None:
    paid = document(bill(state="Paid", state_on="2020-05-01"))
    assert [dated_document.is_open_at(paid, on(day)) for day in ("2020-04-30", "2020-05-01")] == [True, False]
    assert dated_document.settled_on(paid, NOW) == on("2020-05-01")
    applied = document(bill(), payment(bill_id="B", amount="100"))
    assert not dated_document.is_open_at(applied, NOW)


def test_a_bill_without_an_issue_day_exists_from_its_recording_or_due_date() -> None:
    assert document(bill(issued_on=None)).issued == on("2020-02-01")
    late = document(bill(issued_on=None, due_on=None))
    assert (late.issued, late.marks) == (NOW, dated_document.ISSUED_INFERRED)
    after = document(bill(issued_on=None, due_on=(TODAY + timedelta(days=9)).isoformat()))
    assert after.issued == NOW
