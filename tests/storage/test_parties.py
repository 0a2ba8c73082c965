"""Reading one party: its closed documents by its own index, which is never trusted further than it can be."""

from datetime import date
from typing import Any

import pytest

from arrears.ledger.errors import ArrearsError
from arrears.ledger.ledger_side import Side
from arrears.ledger.parties import Party
from arrears.reports import party_reading
from arrears.storage.ledger.parties import PartyStore
from storage.test_account_index import closed, forget_index, queries
from support.records import ORGANISATION, bill, customer, invoice, payment, payment_on_account
from support.stored_ledger import StoredLedger, Table

TODAY = date(2020, 6, 30).toordinal()


def reader(table: Table, ledger: StoredLedger) -> PartyStore:
    return PartyStore(table.client, table.name, ledger.store)


def known(table: Table, ledger: StoredLedger, id: str = "C") -> Party:
    party = reader(table, ledger).find(ORGANISATION, Side.RECEIVABLE, id)
    assert party is not None
    return party


def found(table: Table, ledger: StoredLedger, since: str, id: str = "C") -> list[str]:
    """The documents that are read of a customer since a day, by the caller's ids."""
    parties, party = reader(table, ledger), known(table, ledger, id)
    _, documents = parties.since(ORGANISATION, party, date.fromisoformat(since).toordinal())
    records = parties.records(ORGANISATION, party, [document.id for document in documents])
    return sorted(record.reference for record in records.values())


def book(ledger: StoredLedger) -> None:
    """Documents closed in three months, an open one, a paid draft, and one of somebody else."""
    ledger.record(
        [
            *closed("jan", "2019-01-31"),
            *closed("feb", "2019-02-28"),
            *closed("mar", "2019-03-31"),
            invoice("open"),
            invoice("draft", status="draft"),
            payment("early", invoice_id="draft"),
            payment_on_account("advance"),
            *closed("other", "2019-03-31", customer_id="D"),
        ],
        TODAY,
    )


def test_documents_are_those_open_closed_since_the_day_or_never_issued(table: Table) -> None:
    ledger = table.ledger()
    book(ledger)
    assert found(table, ledger, "2019-02-28") == ["draft", "feb", "mar", "open"]
    assert found(table, ledger, "2019-04-01") == ["draft", "open"]
    assert found(table, ledger, "2018-01-01") == ["draft", "feb", "jan", "mar", "open"]


def test_only_the_partys_own_documents_are_read(table: Table) -> None:
    ledger = table.ledger()
    book(ledger)
    queries(table)
    found(table, ledger, "2019-02-28")
    partitions = {partition for index, partition in queries(table) if index == "account"}
    assert len(partitions) == 1
    assert not any(partition.endswith("#r") for _, partition in queries(table))


def test_a_book_older_than_the_index_is_read_in_full(table: Table) -> None:
    ledger = table.ledger()
    book(ledger)
    forget_index(table)
    assert found(table, ledger, "2019-02-28") == ["draft", "feb", "mar", "open"]
    ledger.record(closed("apr", "2019-04-30"), TODAY)
    assert found(table, ledger, "2019-02-28") == ["apr", "draft", "feb", "mar", "open"]


def test_a_party_that_only_others_have_named_is_not_known(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([payment_on_account("A"), bill()], TODAY)
    assert reader(table, ledger).find(ORGANISATION, Side.RECEIVABLE, "C") is None
    ledger.record([customer()], TODAY)
    party = known(table, ledger)
    assert [change.received for change in party.account.money] == [10_000]
    assert reader(table, ledger).find(ORGANISATION, Side.PAYABLE, "C") is None
    assert reader(table, ledger).find(ORGANISATION, Side.RECEIVABLE, "x" * 501) is None


def test_a_statement_has_what_was_recorded_before_the_index_shows_it(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = table.ledger()
    ledger.record([invoice(issued_on="2020-06-01")], TODAY)
    parties, party = reader(table, ledger), known(table, ledger)
    behind: Any = parties.since(ORGANISATION, party, 1)
    ledger.record([payment("late", amount="40", paid_on="2020-06-30")], TODAY)
    monkeypatch.setattr(parties, "since", lambda *_: behind)
    [statement] = party_reading.read_statement(parties, ORGANISATION, party, "activity", TODAY - 29, TODAY)
    assert ([line.amount for line in statement.lines], statement.closing) == ([10_000, -4_000], 6_000)


def test_a_statement_that_does_not_add_up_is_refused_as_busy(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document is closed with too much: its account knows that, and the index still lists it as open."""
    ledger = table.ledger()
    ledger.record([invoice(issued_on="2020-06-01")], TODAY)
    parties = reader(table, ledger)
    _, documents = parties.since(ORGANISATION, known(table, ledger), 1)
    ledger.record([payment("late", amount="140", paid_on="2020-06-30")], TODAY)
    party = known(table, ledger)
    monkeypatch.setattr(parties, "since", lambda *_: (party.account, documents))
    with pytest.raises(ArrearsError, match="being written"):
        party_reading.read_statement(parties, ORGANISATION, party, "activity", TODAY - 29, TODAY)
