"""Deleted records in the table: what memory keeps, nothing in an export, nothing left of a deleted organisation."""

from datetime import date
from typing import Any

import pytest

from arrears.ledger.ledger_side import Side
from arrears.storage.ledger.deletion import LedgerDeletion
from arrears.storage.ledger.export import LedgerExport
from arrears.storage.ledger.reconcile import Difference, Reconciliation
from oracle.generate import interesting_days, random_book
from support.books import arrivals, disagreements, in_memory, last_day, noon, organisation_of, random_terms
from support.records import (
    ORGANISATION,
    allocation,
    customer,
    dispute,
    invoice,
    payment,
    payment_on_account,
    promise,
    reminder,
)
from support.stored_ledger import Table, check_same

TODAY = date(2020, 6, 30)
NOW = TODAY.toordinal()
BOOK = [
    invoice(lines=[{"id": "1", "name": "Work", "quantity": "1", "unit_price": "1", "amount": "1"}]),
    *(payment(), dispute(), customer(account_number="N", external_id="X"), reminder(), promise()),
]


def deletions(records: list[Any]) -> list[Any]:
    return [{"type": record["type"], "id": record["id"], "deleted": True} for record in records]


@pytest.mark.parametrize("seed", range(400, 408))
def test_a_table_keeps_a_corrected_book_as_memory_does(table: Table, seed: int) -> None:
    book, policy = random_book(seed, 14, recorded_on=TODAY), random_terms(seed)
    organisation = organisation_of(book, policy, shards=1 + seed % 2)
    ledger, memory = table.ledger(organisation), in_memory(book, organisation)
    for moment, records in arrivals(book):
        ledger.record(records, organisation.today(moment))
    today = last_day(book)
    for day in interesting_days(book):
        for side in Side:
            accounts = ledger.accounts(side, day.toordinal(), today.toordinal())
            assert not disagreements(book, policy, accounts, side, day, organisation), (side, day)
    check_same(ledger, memory)
    moment = noon(today, organisation.timezone)
    found = Reconciliation(table.client, table.name).run(organisation, moment)
    assert [difference for difference in found if isinstance(difference, Difference)] == []


def test_nothing_that_was_deleted_is_exported_and_nothing_is_left_when_the_organisation_goes(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([*BOOK, *deletions(BOOK), *deletions([payment("never came"), invoice("J"), customer("D")])], NOW)
    assert list(LedgerExport(table.client, table.name).records(ORGANISATION)) == []
    assert not list(ledger.accounts(Side.RECEIVABLE, NOW, NOW))
    assert ledger.store.customer(ORGANISATION, "N") is None
    assert ledger.store.customers_by_external_id(ORGANISATION, "X") == []
    advance, moved = payment_on_account(), payment_on_account("moved")
    ledger.record([advance, moved, customer(), invoice("K"), allocation(invoice_id="K")], NOW)
    ledger.record([payment("moved", invoice_id="K"), *deletions([advance])], NOW)
    deletion = LedgerDeletion(table.open, table.name)
    while deletion.delete(ORGANISATION.id, ORGANISATION.shards):
        pass
    assert table.contents() == {}


def test_what_was_deleted_comes_back_as_it_was_and_marks_nothing_that_was_not(table: Table) -> None:
    """Items that never were deleted have no attribute for it."""
    ledger = table.ledger()
    ledger.record(BOOK, NOW)
    before = table.contents()
    assert not [item for item in before.values() if "deleted_at" in str(item)]
    for batch in (deletions(BOOK), BOOK):
        ledger.record(batch, NOW)
    assert table.contents() == before
    results = ledger.record(BOOK, NOW)
    assert {result.result for result in results} == {"unchanged"}
