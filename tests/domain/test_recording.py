"""Records applied to a book: results, moves, limits."""

from datetime import date
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.ledger import dated_document, documents, recording_counterparties, recording_documents, recording_money
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.ledger.policy import Policy
from arrears.ledger.records import size_of
from arrears.ledger.result import Result
from support.books import answer
from support.memory_ledger import MemoryLedger
from support.records import ORGANISATION, bill, credit, customer, dispute, invoice, payment, promise, reminder, supplier

TODAY = date(2020, 6, 30)
EARLY, LATE = "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"
UPPER = "ABCDEF00-0000-4000-8000-000000000001"

type Raw = dict[str, Any]


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger(ORGANISATION)


def recorded(ledger: MemoryLedger, *records: Any) -> list[str]:
    return [result.result for result in ledger.record(records, TODAY.toordinal())]


def rows(ledger: MemoryLedger, side: Side = Side.RECEIVABLE, day: date = TODAY) -> dict[str, Any]:
    """Name, currency and total of each row."""
    accounts = ledger.accounts(side, day.toordinal(), TODAY.toordinal())
    body = answer(accounts, side, day, ledger.organisation)
    party, rows = ("customerName", "customers") if side is Side.RECEIVABLE else ("supplierName", "suppliers")
    return {(row[party], row["currency"]): row["totalOverdue"] for row in body[rows]}


@pytest.mark.parametrize("make", [invoice, bill, customer, supplier])
def test_a_record_is_created_then_unchanged_then_updated_or_stale(ledger: MemoryLedger, make: Any) -> None:
    name = {"invoice": "number", "bill": "number"}.get(make()["type"], "name")
    assert recorded(ledger, make(updated_at=EARLY), make(), make(updated_at=LATE)) == [
        "created",
        "unchanged",
        "unchanged",
    ]
    assert recorded(ledger, make(updated_at=EARLY, **{name: "older"})) == ["stale"]
    assert recorded(ledger, make(updated_at=LATE, **{name: "as late"})) == ["updated"]
    assert recorded(ledger, make(**{name: "without a moment"})) == ["updated"]


@pytest.mark.parametrize("make", [payment, credit, dispute, reminder, promise])
def test_what_comes_first_waits_for_what_it_is_on(ledger: MemoryLedger, make: Any) -> None:
    assert recorded(ledger, make(updated_at=EARLY)) == ["pending"]
    assert recorded(ledger, make(updated_at=LATE)) == ["unchanged"]
    assert recorded(
        ledger, make(updated_at=EARLY, voided_on="2020-05-01") if make in (payment, credit) else make()
    ) in (
        ["stale"],
        ["unchanged"],
    )
    assert recorded(ledger, invoice()) == ["created"]
    assert recorded(ledger, {**make(), "id": "second"}) == ["created"]


def test_one_bad_record_does_not_stop_the_others(ledger: MemoryLedger) -> None:
    bad = [7, {}, invoice(total="x"), invoice(id="J", type="order"), {"type": 5, "id": [1]}]
    assert recorded(ledger, *bad, invoice()) == ["rejected"] * 5 + ["created"]
    result = ledger.record([invoice(total="x")], TODAY.toordinal())[0]
    assert result.to_json() == {
        "type": "invoice",
        "id": "I",
        "result": "rejected",
        "field": "total",
        "reason": result.reason,
    }


def test_a_document_moves_with_its_figures(ledger: MemoryLedger) -> None:
    recorded(ledger, customer(), customer("C2", name="Bea"), invoice(), payment())
    assert rows(ledger) == {("Ada", "USD"): 60}
    assert recorded(ledger, invoice(customer_id="C2")) == ["updated"]
    assert rows(ledger) == {("Bea", "USD"): 60}
    recorded(ledger, invoice(customer_id="C2", currency="JPY", total="1000"))
    assert rows(ledger) == {("Bea", "JPY"): 960}
    recorded(ledger, invoice(customer_id="C2", status="voided", voided_on="2020-06-30"))
    assert rows(ledger) == {}
    assert rows(ledger, day=date(2020, 6, 29)) == {("Bea", "USD"): 60}


def test_an_allocation_moves_to_another_document(ledger: MemoryLedger) -> None:
    recorded(ledger, invoice(), invoice("J", total="50"), bill(), payment())
    assert rows(ledger) == {("C", "USD"): 110}
    assert recorded(ledger, payment(invoice_id="J")) == ["updated"]
    assert rows(ledger) == {("C", "USD"): 110}
    assert recorded(ledger, payment(bill_id="B")) == ["updated"]
    assert rows(ledger) == {("C", "USD"): 150}
    assert rows(ledger, Side.PAYABLE) == {("S", "USD"): 60}


@pytest.mark.parametrize(
    ("make", "elsewhere"),
    [
        (payment, {"invoice_id": "J"}),
        (dispute, {"invoice_id": "J"}),
        (promise, {"customer_id": "C2"}),
        (reminder, {"customer_id": "C2"}),
    ],
)
def test_the_same_uuid_in_another_case_is_the_same_record(ledger: MemoryLedger, make: Any, elsewhere: Raw) -> None:
    recorded(ledger, invoice(), invoice("J", customer_id="C2"), make(UPPER))
    assert recorded(ledger, make(UPPER.lower())) == ["unchanged"]
    assert recorded(ledger, make(UPPER.lower(), **elsewhere)) == ["updated"]
    assert recorded(ledger, make(UPPER, **elsewhere)) == ["unchanged"]


def test_a_payment_that_no_minor_unit_can_hold(ledger: MemoryLedger) -> None:
    """Refused where the currency is known; one that came first does not count until it fits."""
    assert recorded(ledger, payment(amount="0.005")) == ["pending"]
    recorded(ledger, invoice())
    assert rows(ledger) == {("C", "USD"): 100}
    result = ledger.record([payment("Q", amount="0.005")], TODAY.toordinal())[0]
    assert (result.result, result.field, result.reason) == ("rejected", "amount", "has more decimals than USD has (2)")
    recorded(ledger, invoice(currency="KWD"))
    assert rows(ledger) == {("C", "KWD"): 99.995}


def test_a_dispute_of_an_amount_that_no_minor_unit_can_hold(ledger: MemoryLedger) -> None:
    """As a payment: refused where the currency is known; one that came first does not count until it fits."""

    def disputed() -> int:
        return dated_document.disputed_amount_at(ledger.documents()[0].dated, TODAY.toordinal())

    assert recorded(ledger, dispute(amount="0.005"), invoice()) == ["pending", "created"]
    assert disputed() == 0
    result = ledger.record([dispute("E", amount="0.005")], TODAY.toordinal())[0]
    assert (result.result, result.field, result.reason) == ("rejected", "amount", "has more decimals than USD has (2)")
    recorded(ledger, invoice(currency="KWD"))
    assert disputed() == 5


def test_a_dispute_moves_to_another_document(ledger: MemoryLedger) -> None:
    recorded(ledger, invoice(), bill(), dispute())
    assert recorded(ledger, dispute(bill_id="B", reason="never delivered")) == ["updated"]
    disputed = {document.kind: bool(document.dated.disputes) for document in ledger.documents()}
    assert disputed == {"invoice": False, "bill": True}


def test_the_latest_name_counts(ledger: MemoryLedger) -> None:
    """Its own record's; else that of its latest-issued document, then largest id; else its id."""

    def name() -> str:
        return ledger.account_states()[0].display_name()

    recorded(ledger, invoice())
    assert name() == "C"
    recorded(ledger, invoice(customer_name="First"), invoice("J", customer_name="Same day"))
    assert name() == "Same day"
    for number in range(9):
        recorded(ledger, invoice(f"N{number}", issued_on=f"2020-01-1{number}", customer_name=f"Later {number}"))
    assert name() == "Later 8"
    for number in range(8, 0, -1):
        recorded(ledger, invoice(f"N{number}", issued_on=f"2020-01-1{number}", customer_name=""))
        assert name() == f"Later {number - 1}"
    recorded(ledger, customer())
    assert name() == "Ada"


@given(
    st.lists(
        st.tuples(st.integers(1, 7), st.integers(1, 9), st.sampled_from(["", "a", "b", "c"]), st.integers(1, 2)),
        max_size=40,
    )
)
def test_names_are_those_of_the_latest_documents_after_any_changes(changes: list[tuple[int, int, str, int]]) -> None:
    ledger = MemoryLedger(ORGANISATION)
    stand: dict[str, tuple[int, str, str, int]] = {}
    for number, day, name, party in changes:
        id_ = f"I{number}"
        recorded(ledger, invoice(id_, issued_on=f"2020-01-0{day}", customer_name=name, customer_id=f"C{party}"))
        stand[id_] = (day, id_, name, party)
    for account in ledger.account_states():
        named = [entry for entry in stand.values() if f"C{entry[3]}" == account.reference and entry[2]]
        assert account.display_name() == (max(named)[2] if named else account.reference)


def test_a_settled_document_does_not_make_names_unclear() -> None:
    """What reads every document of an account is for names that are really forgotten."""
    ledger = MemoryLedger(ORGANISATION)
    recorded(ledger, invoice(customer_name="Ada"), invoice("J", customer_name="ADA"))
    account = ledger.account_states()[0]
    recorded(ledger, payment("P1", amount="100"), payment("P2", invoice_id="J", amount="100"))
    settled = ledger.account_states()[0]
    assert settled.open == 0
    assert settled.names == account.names
    assert not settled.names_forgotten()


def test_an_account_number_has_one_holder(ledger: MemoryLedger) -> None:
    recorded(ledger, customer(account_number="N", updated_at=EARLY))
    result = ledger.record([customer("C2", account_number="N")], TODAY.toordinal())[0]
    assert (result.result, result.field) == ("rejected", "account_number")
    assert recorded(ledger, customer(account_number="M", updated_at=LATE)) == ["updated"]
    assert recorded(ledger, customer("C2", account_number="N")) == ["created"]
    assert recorded(ledger, customer(account_number="N", updated_at=EARLY)) == ["stale"]
    assert recorded(ledger, customer(account_number="N")) == ["rejected"]
    assert set(ledger.numbers) == {"N", "M"}


def test_a_bill_recorded_again_is_unchanged_whenever(ledger: MemoryLedger) -> None:
    first, again = bill(updated_at=EARLY), bill(updated_at=LATE)
    assert recorded(ledger, first, again, bill()) == ["created", "unchanged", "unchanged"]
    assert recorded(ledger, bill(state="Scheduled", updated_at=EARLY)) == ["stale"]
    assert [entry.state for entry in ledger.documents()[0].states] == ["Approved", "Scheduled", "Approved"]


def test_a_bill_counts_before_its_first_state_by_the_first_that_was_received(ledger: MemoryLedger) -> None:
    """Approved, in review and approved again, all of one day: before that day it counts as Approved."""
    approved = bill(state="Approved", state_on="2020-03-01")
    recorded(ledger, approved, bill(state="Created", state_on="2020-03-01"), approved)
    [document] = ledger.documents()
    assert dated_document.bill_state_name_at(document.dated, date(2020, 2, 1).toordinal()) == "Approved"


_ENTERED = st.tuples(
    st.sampled_from(["Approved", "Created", "Paid"]), st.sampled_from([None, "2020-03-01", "2020-03-02"])
)


def _states_by_day(ledger: MemoryLedger) -> list[str]:
    """The state of the one bill on the days around those of its entries; it was issued on the first of January."""
    [document] = ledger.documents()
    days = [date(2019, 12, 31), date(2020, 1, 1), date(2020, 2, 29), date(2020, 3, 1), date(2020, 3, 2)]
    return [dated_document.bill_state_name_at(document.dated, day.toordinal()) for day in days]


def _states_by_day_of(entered: list[tuple[str, str | None]]) -> list[str]:
    """The same from every entry, in the order that counts within a day."""
    dated = sorted(((on or "2020-01-01", state) for state, on in entered), key=lambda entry: entry[0])
    before = "NeedsApproval" if dated[0][1] == "Created" else "Approved"
    days = ["2019-12-31", "2020-01-01", "2020-02-29", "2020-03-01", "2020-03-02"]
    return [next((state for on, state in reversed(dated) if on <= day), before) for day in days]


@given(st.lists(_ENTERED, min_size=1, max_size=8))
def test_a_bill_has_every_state_that_was_received_in_order(entered: list[tuple[str, str | None]]) -> None:
    ledger = MemoryLedger(ORGANISATION)
    recorded(ledger, *(bill(state=state, state_on=on) for state, on in entered))
    assert _states_by_day(ledger) == _states_by_day_of(entered)


@given(st.lists(_ENTERED, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_a_bill_has_the_states_of_its_records_in_whatever_order_they_arrive(
    entered: list[tuple[str, str | None]], shuffled: Random
) -> None:
    sent = [bill(state=e[0], state_on=e[1], updated_at=f"2020-01-0{n}T00:00:00Z") for n, e in enumerate(entered, 1)]
    in_order, ledger = MemoryLedger(ORGANISATION), MemoryLedger(ORGANISATION)
    recorded(in_order, *sent)
    shuffled.shuffle(sent)
    recorded(ledger, *sent)
    assert _states_by_day(ledger) == _states_by_day_of(entered)
    assert ledger.documents() == in_order.documents()
    assert {*recorded(ledger, *sent)} <= {"unchanged", "stale"}
    assert ledger.documents() == in_order.documents()


def test_a_bill_that_keeps_its_state_keeps_two_moments_of_it(ledger: MemoryLedger) -> None:
    """However often it is sent; a state between the two may arrive later."""
    sent = [bill(total=str(n), updated_at=f"2020-01-0{n}T00:00:00Z") for n in range(1, 10)]
    recorded(ledger, *sent)
    [document] = ledger.documents()
    assert [entry.updated_at[:10] for entry in document.states if entry.updated_at] == ["2020-01-01", "2020-01-09"]
    assert len(document.dated.states) == 1


def test_default_terms_fill_a_missing_due_date() -> None:
    terms = Organisation(ORGANISATION.id, "Test", "USD", "UTC", 1, "00", policy=Policy(default_terms_days=30))
    ledger = MemoryLedger(terms)
    recorded(ledger, invoice(due_on=None), invoice("J", due_on=None, issued_on="2200-12-31"), bill(due_on=None))
    dues = {document.reference: document.dated.due for document in ledger.documents()}
    assert dues == {
        "I": date(2020, 1, 31).toordinal(),
        "J": date(2201, 1, 30).toordinal(),
        "B": date(2020, 1, 31).toordinal(),
    }


# Limits: what grows has an end, and the end is said


def rejection(ledger: MemoryLedger, record: Raw) -> Result:
    result = ledger.record([record], TODAY.toordinal())[0]
    assert result.result == "rejected"
    return result


def test_a_document_has_so_many_allocations(ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_money, "MAX_PARTS", 3)
    recorded(ledger, invoice(), payment("1"), credit("1"), dispute("1"))
    assert "3 allocations and disputes already" in str(rejection(ledger, payment("2")).reason)
    assert recorded(ledger, payment("1", amount="1")) == ["updated"]


def test_a_document_has_so_many_facts_in_the_future(ledger: MemoryLedger) -> None:
    dated = {"paid_on": "2020-07-01"}
    recorded(ledger, invoice(), *(payment(str(n), **dated) for n in range(recording_money.MAX_FUTURE_PARTS)))
    assert "dated in the future" in str(rejection(ledger, payment("more", **dated)).reason)
    assert recorded(ledger, payment("today", paid_on="2020-06-30")) == ["created"]


def test_a_bill_has_so_many_states(ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_documents, "MAX_STATES", 3)
    recorded(ledger, *(bill(state_on=f"2020-01-0{day}") for day in (1, 2, 3)))
    assert rejection(ledger, bill(state_on="2020-01-04")).field == "state"
    assert recorded(ledger, bill(state_on="2020-01-01")) == ["updated"]


def test_a_customer_has_so_many_promises_and_reminders(ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_counterparties, "MAX_PROMISES", 2)
    monkeypatch.setattr(recording_counterparties, "MAX_REMINDERS", 2)
    for make in (promise, reminder):
        recorded(ledger, make("1"), make("2"))
        assert "2 " in str(rejection(ledger, make("3")).reason)


def test_a_customer_fits_one_item(ledger: MemoryLedger) -> None:
    """Few reminders may be long: about a hundred invoices each, whose ids are longer outside than inside."""
    long = [reminder(str(n), invoice_ids=["é" * 190 + f"{n}.{k}" for k in range(100)]) for n in range(9)]
    assert "rejected" in recorded(ledger, *long)
    short = [reminder(f"s{n}", customer_id="C2", invoice_ids=[f"{n}.{k}" for k in range(100)]) for n in range(40)]
    results = recorded(ledger, *short)
    assert results.count("rejected") > 10
    for account in ledger.account_states():
        assert size_of(account.reminders) <= recording_counterparties.MAX_LIVE_BYTES
        assert size_of(ledger.counterparty_record(account).reminders) <= recording_documents.MAX_BYTES


def test_a_document_fits_one_item(ledger: MemoryLedger) -> None:
    long = [payment("é" * 190 + str(number)) for number in range(800)]
    results = recorded(ledger, invoice(), *long)
    assert results.count("rejected") > 100
    assert size_of(ledger.documents()[0].parts) <= recording_documents.MAX_BYTES


# Growth: a record costs the same however many of its kind there are


def _calls(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[str]:
    """What a function of a module is called with from now on."""
    called: list[str] = []
    function = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *args: called.append(str(args)) or function(*args))
    return called


@pytest.mark.parametrize("before", [1, 200])
def test_a_payment_is_put_onto_a_document_without_reading_the_others_again(
    ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    """Of what there is already each amount is read once for a batch, not for every record of it."""
    ledger.record_at_once([invoice(), *(payment(str(n)) for n in range(before))], TODAY.toordinal())
    amounts, sizes = _calls(monkeypatch, documents, "in_minor"), _calls(monkeypatch, documents, "size_of")
    ledger.record_at_once([payment(f"more {n}") for n in range(50)], TODAY.toordinal())
    assert len(amounts) <= before + 50 * 3
    assert len(sizes) <= 2 * before + 50 * 6


@pytest.mark.parametrize("before", [1, 200])
def test_a_reminder_is_added_without_reading_the_others_again(
    ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    ledger.record_at_once([customer(), *(reminder(str(n)) for n in range(before))], TODAY.toordinal())
    read = _calls(monkeypatch, recording_counterparties, "read_reminder")
    sizes = _calls(monkeypatch, documents, "size_of")
    ledger.record_at_once([reminder(f"more {n}") for n in range(50)], TODAY.toordinal())
    assert len(read) <= before + 50 * 3
    assert len(sizes) <= 2 * before + 50 * 6


@given(st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=3), st.booleans()), max_size=12))
def test_parts_know_their_size(changes: list[tuple[str, str, bool]]) -> None:
    parts = documents.Parts()
    for key, text, stays in changes:
        part = documents.Part({"note": text}, None)
        expected = size_of({**parts, key: part})
        assert parts.size_with(key, part) == expected
        if stays:
            parts[key] = part
        else:
            parts.remove(key)
