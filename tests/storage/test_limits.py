"""The largest of everything fits into the items and transactions that DynamoDB takes, and one more is refused."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from arrears.ledger import on_account_records, recording_counterparties, recording_documents, recording_money
from arrears.ledger.documents import Part
from arrears.ledger.ids import outward_id
from arrears.ledger.ledger_side import Side
from arrears.ledger.money import EXPONENTS
from arrears.ledger.records import MAX_ID_LENGTH, MAX_INVOICE_IDS, MAX_LINES, MAX_TEXT_LENGTH, size_of
from arrears.storage.ledger.unit_of_work import StoredUnitOfWork
from support.figures import recomputed
from support.records import (
    ORGANISATION,
    allocation,
    bill,
    credit,
    customer,
    dispute,
    invoice,
    payment,
    promise,
    reminder,
)
from support.stored_ledger import StoredLedger, Table

TODAY = date(2020, 6, 30)
NOW = TODAY.toordinal()
WIDE = "\N{GRINNING FACE}"
"""Four bytes."""
LONG = WIDE * MAX_TEXT_LENGTH
AMOUNT = "9" * 24 + ".99"


def long_id(name: Any) -> str:
    return str(name).ljust(MAX_ID_LENGTH, WIDE)


def results(ledger: StoredLedger, records: list[Any]) -> list[str]:
    return [result.result for result in ledger.record(records, NOW)]


def test_the_largest_invoice_fits_its_items(table: Table) -> None:
    """Its texts, its lines, and allocations until there is no room for more."""
    ledger = table.ledger()
    line = {"name": LONG, "quantity": "1." + "1" * 27, "unit_price": AMOUNT, "amount": AMOUNT, "tax_amount": AMOUNT}
    lines = [{"id": long_id(n), **line} for n in range(90)]
    texts = {"customer_id": long_id("C"), "customer_name": LONG, "number": LONG}
    largest = invoice(long_id("I"), **texts, total=AMOUNT, taxable_amount=AMOUNT, lines=lines)
    assert results(ledger, [largest]) == ["created"]
    voided = {"invoice_id": long_id("I"), "amount": AMOUNT, "paid_on": "2020-03-01", "voided_on": "2020-04-01"}
    parts = [payment(long_id(n), **voided, updated_at="2020-06-01T00:00:00.123456Z") for n in range(300)]
    outcomes = results(ledger, parts)
    assert outcomes[:150] == ["created"] * 150
    assert outcomes[-1] == "rejected"
    assert ledger.documents()[0].dated.applied


def test_a_document_with_as_many_allocations_as_there_may_be_fits(table: Table) -> None:
    """Each on days of its own, voided on another, so that none is added to another."""
    ledger = table.ledger()
    ledger.record([invoice(total=AMOUNT)], NOW)
    book = StoredUnitOfWork(table.client, table.name, ORGANISATION, NOW)
    crowded = book.document("invoice", ledger.documents()[0].id, "I")
    first = date(2000, 1, 1).toordinal()
    for n in range(recording_money.MAX_PARTS - 1):
        content = {"amount": f"{10**20 + n}.11", "paid_on": first + n, "voided_on": first + 1_000 + n}
        crowded.parts[f"payment:P{n}"] = Part(content, None)
    crowded.refresh(NOW)
    book.touch(crowded)
    book.flush()
    more = [payment("last", amount="1"), payment(), credit(), dispute(), payment("last", amount="2")]
    assert results(ledger, more) == ["created", "rejected", "rejected", "rejected", "updated"]
    assert len(ledger.documents()[0].dated.applied) == 2 * recording_money.MAX_PARTS - 1


def test_a_payment_with_as_many_allocations_of_long_ids_as_there_may_be_fits(table: Table) -> None:
    """While it changes, each of them is in its item twice."""
    ledger = table.ledger()
    advance = payment("A", invoice_id=None, customer_id="C", currency="EUR", amount="1000")
    ledger.record([customer(), advance, invoice()], NOW)
    book = StoredUnitOfWork(table.client, table.name, ORGANISATION, NOW)
    crowded = book.on_account("payment", outward_id(ORGANISATION.id, "payment", "A"), "A")
    keys = [f"allocation:{long_id(n)}" for n in range(on_account_records.MAX_ALLOCATIONS)]
    while size_of(keys) > recording_documents.MAX_BYTES:
        keys.pop()
    crowded.allocations = {key: f"i{UUID(int=n)}" for n, key in enumerate(keys)}
    crowded.outdated = sorted(crowded.allocations)
    book.touch(crowded)
    book.flush()
    assert results(ledger, [allocation(long_id("one more"))]) == ["rejected"]


def test_a_bill_with_as_many_states_as_there_may_be_fits(table: Table) -> None:
    ledger = table.ledger()
    first = date(2000, 1, 1)
    many = [
        bill(
            number=LONG,
            supplier_name=LONG,
            state="PaymentInProgress",
            state_on=str(first + timedelta(days=n)),
            scheduled_payment_on="2020-07-01",
            updated_at=f"2020-06-01T00:00:00.{n:06}Z",
        )
        for n in range(recording_documents.MAX_STATES + 1)
    ]
    outcomes = results(ledger, many)
    assert outcomes == ["created", *["updated"] * (recording_documents.MAX_STATES - 1), "rejected"]


def test_the_largest_customer_fits_its_items(table: Table) -> None:
    """Its record, names on its documents, promises and reminders until there is no room for more."""
    ledger = table.ledger()
    mine = {"customer_id": long_id("C")}
    about = [long_id(n) for n in range(MAX_INVOICE_IDS)]
    outcomes = results(
        ledger,
        [
            customer(long_id("C"), name=LONG, external_id="x" * 500, account_number=LONG, currency="CLF"),
            *(invoice(f"I{n}", **mine, customer_name=f"{n}" + LONG[:-2]) for n in range(6)),
            *(promise(long_id(n), **mine, amount=AMOUNT) for n in range(recording_counterparties.MAX_PROMISES + 1)),
            *(reminder(long_id(n), **mine, invoice_ids=about) for n in range(3)),
            *(reminder(f"{n}", **mine, invoice_ids=[f"{n}.{k}" for k in range(100)]) for n in range(60)),
        ],
    )
    assert outcomes[:7] == ["created"] * 7
    assert outcomes.count("rejected") > 20
    account, _ = next(iter(ledger.accounts(Side.RECEIVABLE, NOW, NOW)))
    assert account.name == LONG


def test_external_ids_and_account_numbers_of_any_length_are_found(table: Table) -> None:
    ledger = table.ledger()
    assert results(ledger, [customer(external_id=LONG, account_number=LONG)]) == ["created"]
    held = ledger.store.customer(ORGANISATION, LONG)
    assert held is not None
    assert ledger.store.customers_by_external_id(ORGANISATION, LONG) == [held.location]
    assert ledger.store.customer(ORGANISATION, LONG + "x") is None


def test_a_document_with_all_its_days_in_the_future_moves_in_one_transaction(table: Table) -> None:
    """Each day is a figure of its own; a payment that moves changes those of two documents."""
    organisation = replace(ORGANISATION, shards=16)
    ledger = table.ledger(organisation)
    payloads = []
    for document in "AB":
        payloads.append(invoice(document, customer_id=document, total="10"))
        for n in range(recording_money.MAX_FUTURE_PARTS - 1):
            days = {
                "paid_on": str(TODAY + timedelta(days=1 + 2 * n)),
                "voided_on": str(TODAY + timedelta(days=2 + 2 * n)),
            }
            payloads.append(payment(f"{document}{n}", invoice_id=document, amount="10", **days))
    assert set(results(ledger, payloads)) == {"created"}
    moving = [payment("M", invoice_id=name, amount="10", paid_on=str(TODAY + timedelta(days=90))) for name in "ABAB"]
    for record in moving:
        assert results(ledger, [record])[0] in ("created", "updated")
    assert results(ledger, [invoice("A", customer_id="B", total="20", issued_on="2019-01-01")]) == ["updated"]
    for later in range(0, 100, 7):
        assert ledger.collection(NOW + later) == recomputed(ledger.documents(), NOW + later)


def test_a_batch_of_large_records_takes_more_transactions_not_larger_ones(table: Table) -> None:
    ledger = table.ledger()
    line = {"id": "1", "name": LONG, "quantity": "1", "unit_price": "1", "amount": "1"}
    assert len([line] * 140) < MAX_LINES
    large = [invoice(f"I{n}", lines=[line] * 140) for n in range(16)]
    assert results(ledger, large) == ["created"] * 16
    assert results(ledger, large) == ["unchanged"] * 16


def test_a_month_in_many_currencies_is_answered_whole(table: Table) -> None:
    """All figures of a month are in one item, and move in one expression."""
    ledger = table.ledger()
    many = sorted(EXPONENTS)[::9]
    assert set(results(ledger, [invoice(code, currency=code, total="100") for code in many])) == {"created"}
    assert set(results(ledger, [payment(code, invoice_id=code, amount="100") for code in many])) == {"created"}
    assert ledger.collection(NOW) == recomputed(ledger.documents(), NOW)
    assert len(ledger.collection(NOW)) == len(many)


def test_amounts_of_any_size_add_up(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([invoice(f"I{n}", currency="CLF", total="9" * 24 + ".9999") for n in range(30)], NOW)
    assert ledger.collection(NOW) == recomputed(ledger.documents(), NOW)
    assert next(iter(ledger.collection(NOW).values())) == (30, 30 * int("9" * 28))
