"""Several writers at once: the same book, exact figures."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest

from arrears.ledger.side import Side
from oracle.generate import random_book
from support.books import answer, noon, organisation_of
from support.figures import recomputed
from support.records import ORGANISATION, credit, customer, dispute, invoice, payment, promise, reminder
from support.stored_ledger import StoredLedger, Table

TODAY = date(2020, 6, 30)
NOW = TODAY.toordinal()
WRITERS = 8


def at_once(ledger: StoredLedger, batches: list[list[Any]], today: int) -> None:
    with ThreadPoolExecutor(len(batches)) as pool:
        for done in [pool.submit(ledger.record, batch, today) for batch in batches]:
            assert "rejected" not in {result.result for result in done.result()}


def test_eight_writers_on_one_customer(make_table: Callable[[], Table]) -> None:
    """Each brings its own invoices, and pays, credits and disputes those of the others."""
    batches = [[*_own(n), *_of_others(n)] for n in range(WRITERS)]
    alone, together = make_table().ledger(), None
    for batch in batches:
        alone.record(batch, NOW)
    expected = _seen(alone)
    together = make_table().ledger()
    at_once(together, batches, NOW)
    assert _seen(together) == expected
    for today in (NOW, NOW + 5, NOW + 400):
        assert together.collection(today) == recomputed(together.documents(), today)


def _own(n: int) -> list[Any]:
    invoices = [invoice(f"I{n}.{k}", issued_on=f"2020-0{1 + n % 3}-0{1 + k}") for k in range(4)]
    return [*invoices, customer(external_id="X", account_number="N"), reminder(f"R{n}"), promise(f"M{n}")]


def _of_others(n: int) -> list[Any]:
    """All that four writers pay of an invoice is its total."""
    paid = [payment(f"P{n}.{k}", invoice_id=f"I{(n + k) % WRITERS}.{k}", amount="100") for k in range(2)]
    later = [credit(f"K{n}", invoice_id=f"I{(n + 5) % WRITERS}.3", amount="60", credited_on="2020-07-03")]
    return [*paid, *later, dispute(f"D{n}", invoice_id=f"I{(n + 6) % WRITERS}.2")]


def _seen(ledger: StoredLedger) -> dict[str, Any]:
    """All that readers see."""
    answers = {
        (side, day): answer(ledger.accounts(side, day.toordinal(), NOW), side, day, ORGANISATION)
        for day in (date(2020, 3, 1), date(2020, 5, 15), TODAY, date(2020, 8, 1))
        for side in Side
    }
    documents = {document.id: document for document in ledger.documents()}
    return {"answers": answers, "documents": documents, "months": ledger.collection(NOW)}


@pytest.mark.parametrize("seed", [1, 2])
def test_a_random_book_written_by_four_at_once(make_table: Callable[[], Table], seed: int) -> None:
    book = random_book(seed, 10, order_free=True)
    organisation = organisation_of(book)
    today = organisation.today(noon(book.entries[0].recorded_on, organisation.timezone))
    alone = make_table().ledger(organisation)
    alone.record(book.records, today)
    expected = [
        answer(alone.accounts(side, today, today), side, date.fromordinal(today), organisation) for side in Side
    ]
    months = alone.collection(today)
    together = make_table().ledger(organisation)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda start: together.record(book.records[start::4], today), range(4)))
    assert _today(together, today) == expected
    assert together.collection(today) == months == recomputed(together.documents(), today)


def _today(ledger: StoredLedger, today: int) -> list[dict[str, Any]]:
    day, organisation = date.fromordinal(today), ledger.organisation
    return [answer(ledger.accounts(side, today, today), side, day, organisation) for side in Side]


def test_the_same_batch_from_two_at_once(make_table: Callable[[], Table]) -> None:
    batch = [*_own(1), *_of_others(1), *_own(2)]
    alone, together = make_table(), None
    alone.ledger().record(batch, NOW)
    expected = alone.contents()
    together = make_table()
    at_once(together.ledger(), [batch, batch], NOW)
    assert together.contents() == expected
