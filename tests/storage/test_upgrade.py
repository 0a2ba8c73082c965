"""Books of the older form become books of which a page can be read alone, while others read and write."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from arrears.ledger.known_at import moment_of
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.reports.book_reading import BookReading
from arrears.reports.overdue_page import read_overdue
from arrears.reports.page_request import PageRequest
from arrears.storage.dynamodb import get_items
from arrears.storage.ledger import keys, open_accounts
from arrears.storage.ledger.month_figures import month_items
from arrears.storage.ledger.past_table import PastTable
from arrears.storage.ledger.reconcile import Difference, Reconciliation
from arrears.storage.ledger.upgrade import LedgerUpgrade
from support.gate import Killed, kill
from support.records import ORGANISATION, invoice, payment
from support.stored_ledger import StoredLedger, Table, check_sums
from template import ROOT

NOON = datetime(2020, 6, 30, 12, tzinfo=UTC)
BOOK = replace(ORGANISATION, shards=2, paged=False, known_from=moment_of(NOON))
TODAY = date(2020, 6, 30).toordinal()


@pytest.fixture
def ledger(table: Table) -> StoredLedger:
    """A book as it was stored before accounts held their open documents."""
    stored = json.loads((ROOT / "tests" / "data" / "ledger-before" / "written.json").read_text())
    for item in stored["items"]:
        table.open.put_item(TableName=table.name, Item=item)
    return table.ledger(BOOK)


def upgrade(table: Table) -> int:
    return LedgerUpgrade(table.client, table.name).run(BOOK, NOON)


def answers(ledger: StoredLedger) -> Any:
    """What is open and on account on some days, by the accounts' ids, and what is due before them."""
    due = [
        sorted(str(document) for document in ledger.store.documents_due_before(ledger.organisation, side, TODAY + 50))
        for side in Side
    ]
    return due, [
        sorted((account.id, account.name, sorted(map(str, documents))) for account, documents in found)
        for side in Side
        for found in (ledger.accounts(side, TODAY + later, TODAY) for later in (-40, 0, 50))
    ]


def older(table: Table) -> int:
    """How many open accounts are of the older form."""
    return sum(
        sk == "a" and item["ipk"].endswith("#o") and not item["isk"].startswith("!")
        for (_, sk), item in table.contents().items()
    )


def differences(table: Table) -> list[Any]:
    found = Reconciliation(table.client, table.name).run(BOOK, NOON)
    return [one for one in found if isinstance(one, Difference)]


def test_an_upgraded_book_answers_as_before_and_adds_up(table: Table, ledger: StoredLedger) -> None:
    before, count = answers(ledger), older(table)
    assert count > 3
    assert upgrade(table) == count
    assert older(table) == 0
    assert answers(ledger) == before
    check_sums(ledger)
    assert differences(table) == []
    assert upgrade(table) == 0


def test_pages_are_read_alone_only_when_the_organisation_says_so(
    table: Table, ledger: StoredLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_accounts, "_MORE", 0)
    upgrade(table)

    def first(organisation: Organisation) -> list[Any]:
        report = read_overdue(
            BookReading(ledger.store, organisation, Side.RECEIVABLE, TODAY + 60, TODAY), PageRequest(None, 1)
        )
        return [report.aging, report.unapplied, report.party_count, report.overdue_count, report.rows[0].sort_key]

    assert first(BOOK) == first(replace(BOOK, paged=True))


def test_it_may_be_killed_at_any_call_and_run_again(table: Table, ledger: StoredLedger) -> None:
    restore = table.save()
    upgrade(table)
    calls, expected = len(table.gate.operations()), answers(ledger)
    assert calls > 3
    for number in range(1, calls + 1):
        restore()
        table.gate.faults = {number: kill}
        with pytest.raises(Killed):
            upgrade(table)
        table.gate.operations()
        upgrade(table)
        assert older(table) == 0
        assert answers(ledger) == expected
        check_sums(ledger)


def test_writers_upgrade_what_they_change(table: Table, ledger: StoredLedger) -> None:
    count = older(table)
    reference = next(one.reference for one in ledger.documents() if one.kind == "invoice" and not one.closed)
    ledger.record([payment("late", invoice_id=reference, amount="0.01", paid_on="2020-06-29")], TODAY)
    ledger.record([invoice("new one", customer_id="somebody new")], TODAY)
    assert older(table) == count - 1
    check_sums(ledger)
    upgrade(table)
    check_sums(ledger)
    assert differences(table) == []


def test_an_older_book_is_read_as_it_was_before_its_upgrade(table: Table, ledger: StoredLedger) -> None:
    items = table.open.scan(TableName=table.name)["Items"]
    before = {(item["pk"]["S"], item["sk"]["S"]): item for item in items if not item["pk"]["S"].endswith(("#m", "#q"))}
    months = table.months()
    upgrade(table)
    reference = next(one.reference for one in ledger.documents() if one.kind == "invoice" and not one.closed)
    ledger.record([payment("late", invoice_id=reference, amount="0.01", paid_on="2020-06-29")], TODAY + 1)
    past: Any = PastTable(table.open, table.name, BOOK.id, moment_of(NOON) - 1)
    assert get_items(past, table.name, list(before)) == before
    found: dict[tuple[str, str, int], dict[str, int]] = {}
    for side in Side:
        for one in month_items(past, table.name, BOOK, side):
            sums = found.setdefault((keys.months_partition(BOOK.id, side), one.place.month, one.place.day), {})
            for name, number in one.sums.items():
                sums[name] = sums.get(name, 0) + number
    shown = {place: {name: number for name, number in sums.items() if number} for place, sums in found.items()}
    assert {place: sums for place, sums in shown.items() if sums} == months
