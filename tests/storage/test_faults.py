"""Whatever fails on the way, the same records sent again leave the book that no failure would have left."""

import time
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from arrears.ledger import accounts
from arrears.ledger.errors import ArrearsError
from arrears.runtime import Services, Settings
from arrears.storage.ledger import recorder, unit_of_work
from arrears.storage.ledger.reader import LedgerStore
from arrears.storage.transactions import BRIEF_WAITS, IMPORT_WAITS
from support.books import noon
from support.gate import FAULTS, Fault, Killed
from support.records import ORGANISATION, bill, credit, customer, dispute, invoice, payment, promise, reminder, supplier
from support.stored_ledger import Contents, StoredLedger, Table, check_sums

TODAY = date(2020, 6, 30).toordinal()
LATER = date(2020, 8, 30).toordinal()
LINES = [{"id": "1", "name": "Work", "quantity": "1", "unit_price": "100", "amount": "100"}]
PREVIOUS = [
    customer(account_number="N", external_id="X"),
    invoice(lines=LINES),
    invoice("J", customer_id="E", customer_name="Eve"),
    payment("moving"),
    invoice("F", customer_id="E"),
    payment("F", invoice_id="F", amount="100", paid_on="2020-07-20"),
    credit("F", invoice_id="F", credited_on="2020-08-10"),
    promise("moving"),
    bill(),
    *(invoice(f"H{n}", total="1") for n in range(14)),
    *(payment(f"H{n}", invoice_id=f"H{n}", amount="1", paid_on=f"2020-03-{n + 1:02}") for n in range(14)),
]
"""What is in the book before anything fails."""
PAYLOADS = [
    payment("early", invoice_id="new"),
    invoice("new", customer_name="Ada L"),
    payment("settling", invoice_id="J", amount="100"),
    customer(account_number="M", external_id="Y"),
    customer("E", name="Eve", account_number="N"),
    payment("moving", invoice_id="new"),
    payment("moving", bill_id="B"),
    promise("moving", customer_id="E"),
    credit("future", credited_on="2020-07-15"),
    invoice(customer_id="E", lines=[]),
    bill(state="Scheduled", scheduled_payment_on="2020-07-01"),
    bill("nameless", supplier_id=None, supplier_name="Nemo"),
    supplier(),
    reminder(invoice_ids=["I"]),
    dispute(outcome="lost"),
    payment("H", invoice_id="H3", amount="-1"),
    invoice("bad", total="x"),
]
"""What is recorded while something fails: every type, moves, both sides, the past and the future."""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting between tries."""
    monkeypatch.setattr(time, "sleep", lambda _: None)


@pytest.fixture
def prepared(table: Table, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Table]:
    """The table as it was before anything failed, each time. From then on transactions are small, and so several."""
    table.ledger().record(PREVIOUS, TODAY)
    restore = table.save()
    monkeypatch.setattr(recorder, "MOST_CHANGES", 8)

    def prepare() -> Table:
        restore()
        return table

    return prepare


type Work = Callable[[StoredLedger], object]


def recorded(ledger: StoredLedger) -> object:
    return ledger.record(PAYLOADS, TODAY)


def settled(ledger: StoredLedger) -> object:
    return ledger.close_documents(LATER)


def taken_in(ledger: StoredLedger) -> object:
    return ledger.recorder.apply_due_effects(ledger.organisation, LATER)


WORK = {work.__name__: work for work in (recorded, settled, taken_in)}


def without_fault(table: Table, work: Work) -> tuple[Contents, int]:
    """What is in the table after an undisturbed run, and how many requests that took."""
    before = table.contents()
    work(table.ledger())
    assert table.contents() != before
    return table.contents(), len(table.gate.operations())


def test_the_run_without_a_fault_takes_several_transactions(prepared: Callable[[], Table]) -> None:
    table = prepared()
    results = [result.result for result in table.ledger().record(PAYLOADS, TODAY)]
    assert results[:5] == ["pending", "created", "created", "updated", "created"]
    assert results[-1] == "rejected"
    assert table.gate.operations().count("TransactWriteItems") >= 4


TRIES = {
    "kill": [1],
    "conflict": [1, 4],
    "lose_answer": [1, 4],
    "reset": [4],
    "throttle": [4],
    "throttle_action": [1, 6],
    "break_down": [4],
}
"""How often each fault comes: once, or until the client gives up."""


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize(("name", "tries"), [(name, tries) for name in FAULTS for tries in TRIES[name]])
def test_whichever_request_fails_the_book_is_the_same_after_a_retry(
    prepared: Callable[[], Table], work: str, name: str, tries: int
) -> None:
    expected, requests = without_fault(prepared(), WORK[work])
    for number in range(1, requests + 1):
        table = prepared()
        _work_and_retry(table, WORK[work], {number + more: FAULTS[name] for more in range(tries)})
        assert table.contents() == expected, f"request {number}"


@pytest.mark.parametrize("name", ["kill", "conflict", "lose_answer"])
def test_accounts_that_begin_or_cease_to_hold_their_documents_survive_faults_too(
    prepared: Callable[[], Table], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """With more than one document, an account lists them by themselves; all of them are written with it."""
    monkeypatch.setattr(accounts, "HELD_DOCUMENTS", 1)
    monkeypatch.setattr(unit_of_work, "HELD_AGAIN", 1)
    expected, requests = without_fault(prepared(), recorded)
    for number in range(1, requests + 1):
        table = prepared()
        _work_and_retry(table, recorded, {number: FAULTS[name]})
        assert table.contents() == expected, f"request {number}"
        check_sums(table.ledger())


def _work_and_retry(table: Table, work: Work, faults: dict[int, Fault]) -> None:
    """Once more only if it failed; what says that somebody else was quicker is for the next run of the schedule."""
    table.gate.faults = faults
    try:
        work(table.ledger())
        table.gate.faults = {}
        if work is taken_in:
            work(table.ledger())
    except (Killed, ClientError, BotoCoreError, ArrearsError):
        table.gate.faults = {}
        work(table.ledger())


def test_a_write_that_was_applied_is_not_applied_again(prepared: Callable[[], Table]) -> None:
    """The client sends the same token again, so nobody notices that the answer was lost."""
    expected = [result.result for result in prepared().ledger().record(PAYLOADS, TODAY)]
    table = prepared()
    table.gate.faults = {3: FAULTS["lose_answer"]}
    assert [result.result for result in table.ledger().record(PAYLOADS, TODAY)] == expected


def test_a_table_that_answers_nothing_is_no_endless_loop(table: Table) -> None:
    table.gate.most_keys = 0
    with pytest.raises(ArrearsError, match="no more requests"):
        table.ledger().record([invoice()], TODAY)


def test_what_could_not_be_read_at_once_is_read_further(prepared: Callable[[], Table]) -> None:
    expected, _ = without_fault(prepared(), recorded)
    table = prepared()
    table.gate.most_keys = 3
    table.ledger().record(PAYLOADS, TODAY)
    assert table.contents() == expected


def test_conflicts_without_end_are_a_refusal_that_says_so(table: Table) -> None:
    table.gate.faults = dict.fromkeys(range(1, 100), FAULTS["conflict"])
    with pytest.raises(ArrearsError) as refused:
        table.ledger().record([invoice()], TODAY)
    assert refused.value.code == "unavailable"
    assert refused.value.retry_after


@pytest.mark.parametrize("throttled", [len(BRIEF_WAITS), len(BRIEF_WAITS) + 1, len(IMPORT_WAITS)])
def test_an_import_waits_for_a_throttled_table_and_goes_on_where_it_was(table: Table, throttled: int) -> None:
    """On-demand tables take longer to make room than a request can wait. Nothing is read or written twice meanwhile."""
    write = services_of(table).writing(ORGANISATION)
    table.gate.faults = {2 + number: FAULTS["throttle_action"] for number in range(throttled)}
    assert [result.result for result in write([invoice()])] == ["created"]
    assert table.gate.operations() == ["BatchGetItem", *["TransactWriteItems"] * (throttled + 1)]


def test_a_request_is_told_of_a_throttled_table_before_its_time_is_over(table: Table) -> None:
    recorder = services_of(table).recorder()
    table.gate.faults = {2 + number: FAULTS["throttle_action"] for number in range(len(BRIEF_WAITS) + 1)}
    with pytest.raises(ClientError, match="cancelled"):
        recorder.record(ORGANISATION, [invoice()], noon(date(2020, 6, 30)))


def test_the_recorder_of_a_process_keeps_its_slot_from_request_to_request(table: Table) -> None:
    assert services_of(table).recorder() is services_of(table).recorder()


def services_of(table: Table) -> Services:
    settings, clock = Settings("", table.name), partial(noon, date(2020, 6, 30))
    authentication: Any = None
    return Services(table.client, settings, authentication, LedgerStore(table.client, table.name), clock)


# An index that lags


def hide(table: Table, documents: Any, queries: int) -> None:
    table.gate.hidden, table.gate.hidden_for = set(documents), queries


def test_a_promise_waits_until_the_index_shows_what_it_is_about(make_table: Callable[[], Table]) -> None:
    """The same transaction that the index has not seen yet closed the invoices."""
    kept = {}
    for queries in (0, 3):
        table = make_table()
        ledger = table.ledger()
        invoices = [invoice(f"I{n}") for n in range(3)]
        paid = [payment(f"P{n}", invoice_id=f"I{n}", amount="100", paid_on="2020-05-20") for n in range(3)]
        ledger.record([*invoices, *paid], TODAY)
        hide(table, [document.id for document in ledger.documents()[:2]], queries)
        ledger.record([promise(amount="250")], TODAY)
        assert table.gate.hidden_for == 0
        kept[queries] = [promise[5] for promise in next(iter(ledger.account_items().values()))["p"][0][4]]
    day = date(2020, 5, 20).toordinal()
    assert kept == {queries: [[[day, 30000, 0]]] for queries in (0, 3)}


def test_names_wait_for_the_index_too(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([invoice(f"I{n}", customer_name=f"Name {n}", issued_on=f"2020-01-0{n + 1}") for n in range(8)], TODAY)
    hide(table, [document.id for document in ledger.documents()], 2)
    ledger.record([invoice(f"I{n}", customer_id="other") for n in range(7, 2, -1)], TODAY)
    names = {item["p"][0][1]: item["p"][0][2] for item in ledger.account_items().values()}
    assert names == {"C": "Name 2", "other": "other"}
