"""Statements of a real book, exported from Xero: every party and every month of it ties to the aged list."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.reports.aged_list import aged_parties, party_balance
from arrears.reports.party_reading import read_statement
from arrears.storage.ledger.parties import PartyStore
from support.files import records, sample
from support.stored_ledger import StoredLedger, Table

HOME = Organisation("0e0e0e0e-0000-4000-8000-000000000001", "Xero", "GBP", "Europe/London", 1, "00")
ENDS = [date(2020 + n // 12, n % 12 + 1, 1) - timedelta(days=1) for n in range(1, 13)]
"""The last days of January to December 2020."""
TODAY = date(2020, 12, 31)


@pytest.fixture
def book(table: Table) -> StoredLedger:
    """The book, closed by time: what was paid long ago is in the index of its account alone."""
    ledger = table.ledger(HOME)
    payloads: list[dict[str, Any]] = list(records(sample("xero", "xero_invoice_data.csv"), "xero"))
    ledger.recorder.record(HOME, payloads, datetime(2019, 12, 31, 12, tzinfo=UTC))
    ledger.close_documents(TODAY.toordinal())
    return ledger


def nets(ledger: StoredLedger, day: int) -> dict[tuple[str, str], int]:
    """The net of every row of the aged list of customers, by account and currency."""
    rows = aged_parties(ledger.accounts(Side.RECEIVABLE, day, TODAY.toordinal()), day, HOME).rows
    return {(row.account.id, row.currency): party_balance(row, day).net for row in rows}


def test_opening_and_movements_are_the_aged_list_for_every_party_and_month(table: Table, book: StoredLedger) -> None:
    reader = PartyStore(table.client, table.name, book.store)
    accounts = [key[1:] for key in book.account_items()]
    assert len(accounts) > 10
    before: dict[tuple[str, str], int] = {}
    for end in ENDS:
        first, last = end.replace(day=1).toordinal(), end.toordinal()
        expected, closings = nets(book, last), {}
        for account in accounts:
            party = reader.find(HOME, Side.RECEIVABLE, account)
            assert party is not None
            for section in read_statement(reader, HOME, party, "activity", first, last):
                own = account, section.currency
                closings[own] = section.opening + sum(line.amount for line in section.lines)
                assert end == ENDS[0] or section.opening == before.get(own, 0)
            for section in read_statement(reader, HOME, party, "open_item", first, last):
                assert section.closing == expected[account, section.currency]
        assert {own: net for own, net in closings.items() if net} == {own: net for own, net in expected.items() if net}
        before = closings
