"""Money on account in a table: the oracle's on any day, in any order, whatever of it readers are shown folded."""

from datetime import date, timedelta
from typing import Any

import pytest

from arrears.ledger import on_account, recording_money
from arrears.ledger.ledger_side import Side
from arrears.ledger.on_account import unapplied_at
from arrears.storage.ledger import entities
from arrears.storage.ledger.deletion import LedgerDeletion
from arrears.storage.ledger.export import LedgerExport
from arrears.storage.ledger.reconcile import Difference, Notice, Reconciliation
from oracle.book import read
from oracle.generate import interesting_days, random_book
from oracle.on_account import accounts, unapplied
from support.books import arrivals, last_day, noon, organisation_of
from support.gate import Killed, kill
from support.memory_ledger import MemoryLedger
from support.records import (
    ORGANISATION,
    allocation,
    credit,
    credit_on_account,
    customer,
    invoice,
    payment,
    payment_on_account,
)
from support.stored_ledger import StoredLedger, Table

NOW = date(2020, 6, 30).toordinal()
KINDS = {Side.RECEIVABLE: "customer", Side.PAYABLE: "supplier"}


def in_table(table: Table, book: Any, organisation: Any) -> StoredLedger:
    ledger = table.ledger(organisation)
    for moment, records in arrivals(book):
        ledger.record(records, organisation.today(moment))
    return ledger


def left(ledger: Any, side: Side, day: int, today: int) -> dict[tuple[str, str], int]:
    """Money on account by party name and currency."""
    sums: dict[tuple[str, str], int] = {}
    for account, documents in ledger.accounts(side, day, today):
        for currency, amount in unapplied_at(account, documents, day).items():
            sums[account.name, currency] = sums.get((account.name, currency), 0) + amount
    return {key: amount for key, amount in sums.items() if amount}


@pytest.fixture(params=["as it is", "folded early"])
def folding(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small limits make every account with money one of the large."""
    if request.param == "folded early":
        monkeypatch.setattr(on_account, "SHOWN_CHANGES", 0)
        monkeypatch.setattr(on_account, "KEPT_SOURCES", 1)
        monkeypatch.setattr(on_account, "FOLDED_AFTER_DAYS", 10)
        monkeypatch.setattr(entities, "INLINE_MONEY_CHANGES", 1)
        monkeypatch.setattr(recording_money, "DOCUMENTS_AT_ONCE", 1)


@pytest.mark.usefixtures("folding")
@pytest.mark.parametrize("seed", range(10))
def test_money_on_account_is_the_oracles_on_every_day(table: Table, seed: int) -> None:
    book = random_book(seed, 4 + seed)
    organisation = organisation_of(book, shards=1 + seed % 2)
    ledger, oracle = in_table(table, book, organisation), read(book)
    today = last_day(book)
    for _ in ("as written", "after time's work"):
        for day in [*interesting_days(book), today, today + timedelta(days=500)]:
            for side in Side:
                expected: dict[tuple[str, str], int] = {}
                for party, currency in accounts(oracle, KINDS[side]):
                    key = oracle.name(party), currency
                    expected[key] = expected.get(key, 0) + unapplied(oracle, (party, currency), day)
                expected = {key: amount for key, amount in expected.items() if amount}
                assert left(ledger, side, day.toordinal(), today.toordinal()) == expected, (side, day)
        today += timedelta(days=20)
        ledger.close_documents(today.toordinal())


@pytest.mark.usefixtures("folding")
@pytest.mark.parametrize("seed", range(20, 26))
def test_a_book_with_money_on_account_adds_up_and_is_exported_whole(table: Table, seed: int) -> None:
    book = random_book(seed, 10)
    organisation = organisation_of(book)
    ledger = in_table(table, book, organisation)
    today = last_day(book)
    moment = noon(today, organisation.timezone)
    found = list(Reconciliation(table.client, table.name).run(organisation, moment))
    assert [one for one in found if isinstance(one, Difference)] == []
    pending = {record["id"] for record in read(book).pending if record["type"] == "allocation"}
    listed = {one.what for one in found if isinstance(one, Notice) and one.kind == "allocation"}
    assert listed <= pending
    records = list(LedgerExport(table.client, table.name).records(organisation))
    again = MemoryLedger(organisation)
    again.record(records, today.toordinal())
    for day in interesting_days(book):
        for side in Side:
            same = [left(one, side, day.toordinal(), today.toordinal()) for one in (ledger, again)]
            assert same[0] == same[1], (side, day)


def test_an_excess_is_on_account_from_its_day_until_it_is_taken_back(table: Table) -> None:
    ledger = table.ledger()
    paid_twice = [payment("P1", amount="100", paid_on="2020-03-01"), payment("P2", amount="100", paid_on="2020-03-09")]
    ledger.record([invoice("I", total="100", issued_on="2020-02-01"), *paid_twice], NOW)
    days = [date(2020, 3, day).toordinal() for day in (1, 8, 9, 20)]
    assert [sum(left(ledger, Side.RECEIVABLE, day, NOW).values()) for day in days] == [0, 0, 10000, 10000]
    ledger.record([payment("P2", amount="100", paid_on="2020-03-09", voided_on="2020-03-20")], NOW)
    assert [sum(left(ledger, Side.RECEIVABLE, day, NOW).values()) for day in days] == [0, 0, 10000, 0]


def test_a_change_of_a_payment_reaches_all_its_allocations_in_several_transactions(table: Table) -> None:
    """A lump payment for fifty invoices, recorded after its allocations, then dated later."""
    ledger = table.ledger()
    invoices = [invoice(f"I{n}", customer_id="C", total="10", issued_on="2020-01-01") for n in range(50)]
    parts = [
        allocation(f"L{n}", invoice_id=f"I{n}", payment_id="A", amount="10", applied_on="2020-02-20") for n in range(50)
    ]
    results = ledger.record([*invoices, *parts], NOW)
    assert {result.result for result in results[50:]} == {"pending"}
    [result] = ledger.record([payment_on_account("A", amount="500", paid_on="2020-02-20")], NOW)
    assert result.result == "created"
    assert list(ledger.accounts(Side.RECEIVABLE, NOW, NOW)) == []
    [result] = ledger.record([payment_on_account("A", amount="500", paid_on="2020-03-20")], NOW)
    assert result.result == "updated"
    day = date(2020, 3, 1).toordinal()
    [(_, documents)] = ledger.accounts(Side.RECEIVABLE, day, NOW)
    assert sum(document.total for document in documents) == 50_000


@pytest.mark.parametrize("mended", [False, True], ids=["sent again", "reconciled"])
def test_a_change_that_stopped_half_way_is_finished(table: Table, mended: bool) -> None:
    ledger = table.ledger()
    invoices = [invoice(f"I{n}", customer_id="C", total="10", issued_on="2020-01-01") for n in range(50)]
    parts = [
        allocation(f"L{n}", invoice_id=f"I{n}", payment_id="A", amount="10", applied_on="2020-02-20") for n in range(50)
    ]
    ledger.record([*invoices, *parts], NOW)
    lump = payment_on_account("A", amount="500", paid_on="2020-02-20")
    restore = table.save()
    ledger.record([lump], NOW)
    calls = table.gate.operations()
    _, second, *_ = [number for number, call in enumerate(calls, start=1) if call == "TransactWriteItems"]
    restore()
    table.gate.faults = {second: kill}
    with pytest.raises(Killed):
        ledger.record([lump], NOW)
    table.gate.operations()
    open_then = sum(len(documents) for _, documents in ledger.accounts(Side.RECEIVABLE, NOW, NOW))
    assert open_then == 30
    assert sum(left(ledger, Side.RECEIVABLE, NOW, NOW).values()) == 30_000
    found = list(Reconciliation(table.client, table.name).run(ORGANISATION, noon(date(2020, 6, 30))))
    assert [one.field for one in found if isinstance(one, Difference)] == ["allocations to renew"]
    if mended:
        list(Reconciliation(table.client, table.name).run(ORGANISATION, noon(date(2020, 6, 30)), mend=True))
    else:
        [result] = ledger.record([lump], NOW)
        assert result.result == "unchanged"
    assert list(ledger.accounts(Side.RECEIVABLE, NOW, NOW)) == []


def test_a_party_with_nothing_but_money_on_account_is_read(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([payment_on_account("A"), customer("C")], NOW)
    [(account, documents)] = ledger.accounts(Side.RECEIVABLE, NOW, NOW)
    assert (account.name, documents, left(ledger, Side.RECEIVABLE, NOW, NOW)) == ("Ada", [], {("Ada", "USD"): 10000})


def test_money_of_an_unknown_party_waits_for_it(table: Table) -> None:
    ledger = table.ledger()
    [result] = ledger.record([payment_on_account("A")], NOW)
    assert result.result == "pending"
    assert list(ledger.accounts(Side.RECEIVABLE, NOW, NOW)) == []
    assert list(ledger.accounts(Side.RECEIVABLE, NOW - 1, NOW)) == []
    ledger.record([customer("C")], NOW)
    assert left(ledger, Side.RECEIVABLE, NOW, NOW) == {("Ada", "USD"): 10000}


def test_an_organisation_is_deleted_with_its_money_on_account(table: Table) -> None:
    ledger = table.ledger()
    stray = allocation("L2", payment_id="never came", invoice_id="I")
    ledger.record(
        [customer("C"), invoice("I"), payment_on_account("A"), allocation("L"), stray, credit_on_account("B")], NOW
    )
    delete_all(table)


def test_an_organisation_is_deleted_with_money_that_is_not_on_account_any_more(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([customer("C"), invoice("I"), payment_on_account("A"), credit_on_account("B")], NOW)
    ledger.record([{"type": "payment", "id": "A", "deleted": True}, credit("B", invoice_id="I")], NOW)
    delete_all(table)


def delete_all(table: Table) -> None:
    """Deletes the organisation and sees that nothing is left."""
    deletion = LedgerDeletion(table.client, table.name)
    while deletion.delete(ORGANISATION.id, ORGANISATION.shards):
        pass
    assert table.contents() == {}
