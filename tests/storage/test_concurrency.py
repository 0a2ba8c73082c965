"""Several writers at once: the same book, exact figures."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest, AWSResponse

from arrears.ledger.dated_document import added_up
from arrears.ledger.ledger_side import Side
from arrears.ledger.promises import kept_changes, merged
from arrears.storage.ledger import codec
from oracle.generate import random_book
from support.books import answer, noon, organisation_of
from support.figures import recomputed
from support.gate import Gate
from support.records import ORGANISATION, credit, customer, dispute, invoice, payment, promise, reminder
from support.stored_ledger import StoredLedger, Table

TODAY = date(2020, 6, 30)
NOW = TODAY.toordinal()
WRITERS = 8


def at_once(ledger: StoredLedger, batches: list[list[Any]], today: int) -> None:
    with ThreadPoolExecutor(len(batches)) as pool:
        for done in [pool.submit(ledger.record, batch, today) for batch in batches]:
            assert "rejected" not in {result.result for result in done.result()}


def test_eight_writers_on_one_customer_lose_nothing(make_table: Callable[[], Table]) -> None:
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
def test_a_random_book_written_by_four_at_once_is_the_same(make_table: Callable[[], Table], seed: int) -> None:
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


def test_the_same_batch_from_two_at_once_counts_once(make_table: Callable[[], Table]) -> None:
    batch = [*_own(1), *_of_others(1), *_own(2)]
    alone, together = make_table(), None
    alone.ledger().record(batch, NOW)
    expected = alone.contents()
    together = make_table()
    at_once(together.ledger(), [batch, batch], NOW)
    assert together.contents() == expected


# One writer between any two requests of another


def between(
    table: Table, previous: list[Any], first: list[Any], second: list[Any]
) -> Iterator[tuple[set[str], set[str]]]:
    """The results of both when the second does all its work before the n-th request of the first, for every n."""
    ledger, other = table.ledger(), replace(table, client=table.open).ledger()
    ledger.record(previous, NOW)
    restore = table.save()
    ledger.record(first, NOW)
    for number in range(1, len(table.gate.operations()) + 1):
        restore()
        results: set[str] = set()

        def meanwhile(gate: Gate, operation: str, request: AWSRequest, results: set[str] = results) -> AWSResponse:
            results.update(result.result for result in other.record(second, NOW))
            return gate.answer(operation, request)

        table.gate.faults = {number: meanwhile}
        yield {result.result for result in ledger.record(first, NOW)}, results


def allocations(table: Table) -> dict[str, list[str]]:
    return {document.reference: list(document.parts) for document in table.ledger().documents()}


def test_a_payment_is_on_one_document_whoever_writes_first(table: Table) -> None:
    two = [invoice("A"), invoice("B")]
    for results in between(table, two, [payment(invoice_id="A")], [payment(invoice_id="B")]):
        assert results == ({"updated"}, {"created"})
        assert allocations(table) == {"A": ["payment:P"], "B": []}


@pytest.mark.parametrize("make", [payment, dispute])
def test_what_two_move_ends_on_one_document(table: Table, make: Any) -> None:
    three = [invoice("A"), invoice("B"), invoice("D"), make(invoice_id="A")]
    for _ in between(table, three, [make(invoice_id="B")], [make(invoice_id="D")]):
        assert {name: len(parts) for name, parts in allocations(table).items()} == {"A": 0, "B": 1, "D": 0}


@pytest.mark.parametrize("make", [promise, reminder])
def test_what_two_move_ends_with_one_customer(table: Table, make: Any) -> None:
    three = [customer("A"), customer("B"), customer("D"), make(customer_id="A")]
    for _ in between(table, three, [make(customer_id="B")], [make(customer_id="D")]):
        packed = [item["p"][0] for item in table.ledger().account_items().values()]
        shown = {account[1]: len(account[3] + account[4]) for account in packed}
        assert shown == {"A": 0, "B": 1, "D": 0}


def test_an_account_number_has_one_holder_whoever_writes_first(table: Table) -> None:
    for results in between(table, [], [customer("A", account_number="N")], [customer("B", account_number="N")]):
        assert results == ({"rejected"}, {"created"})
        held = table.ledger().store.customer(ORGANISATION, "N")
        assert held is not None
        assert held.reference == "B"


def test_an_older_record_does_not_win_by_writing_last(table: Table) -> None:
    early, late = (invoice(updated_at=f"2020-06-0{n}T00:00:00Z", total=str(n)) for n in (1, 2))
    for results in between(table, [], [early], [late]):
        assert results == ({"stale"}, {"created"})
        assert table.ledger().documents()[0].dated.total == 200


@pytest.mark.parametrize(
    "second",
    [
        [payment(amount="100", paid_on="2020-05-20")],
        [payment("Q", invoice_id="J", amount="-50", paid_on="2020-05-20")],
        [invoice("J", customer_id="other")],
        [invoice("J", due_on="2020-12-31")],
    ],
)
def test_a_promise_counts_what_closes_or_moves_meanwhile(table: Table, second: list[Any]) -> None:
    paid = payment("J", invoice_id="J", amount="100", paid_on="2020-05-10")
    previous = [invoice(), invoice("J"), paid]
    for _ in between(table, previous, [promise(amount="100")], second):
        seen = table.ledger().account_items()
        mine = next(item["p"] for item in seen.values() if item["p"][0][1] == "C")
        closed = [d.dated for d in table.ledger().documents() if d.closed and d.account == _key(seen, "C")]
        [kept] = codec.account_in("", mine).promises
        assert kept.kept == merged(change for document in closed for change in kept_changes(kept, document))


def _key(seen: dict[str, Any], reference: str) -> str:
    return next(key for key, item in seen.items() if item["p"][0][1] == reference)


def test_a_long_history_is_not_torn_from_its_account(table: Table) -> None:
    paid: list[Any] = []
    for n in range(30):
        on = f"2020-03-{n + 1:02}"
        paid += [invoice(f"H{n}", total="1"), payment(f"H{n}", invoice_id=f"H{n}", amount="1", paid_on=on)]
    previous = [invoice(), invoice("J"), *paid]
    for _ in between(table, previous, [payment(amount="100")], [payment("Q", invoice_id="J", amount="100")]):
        assert "h" in {sk for _, sk in table.contents()}
        later = table.ledger()
        later.record([invoice("K")], NOW)
        account, _ = next(iter(later.accounts(Side.RECEIVABLE, NOW, NOW)))
        assert added_up(account.history, 0).documents == 32
