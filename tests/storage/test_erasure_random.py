"""Random books of every kind of record: erasing any customer moves no figure, deleting leaves nothing."""

import json
import os
import time
from typing import Any

import pytest

from arrears.ledger.ledger_side import Side
from arrears.storage.ledger.deletion import LedgerDeletion
from arrears.storage.ledger.erasure import LedgerErasure
from arrears.storage.ledger.export import LedgerExport
from arrears.storage.ledger.reader import LedgerStore
from arrears.storage.ledger.reconcile import Difference, Reconciliation
from arrears.storage.ledger.recorder import Recorder
from oracle.generate import interesting_days, random_book
from support.books import answer, arrivals, last_day, noon, organisation_of


@pytest.mark.parametrize("seed", range(6))
def test_no_figure_moves_when_customers_are_erased_and_nothing_is_left_when_the_book_is_deleted(
    ledger_tables: Any, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    table, book = os.environ["LEDGER_TABLE"], random_book(seed, 14)
    organisation = organisation_of(book, shards=1 + seed % 2)
    recorder, store = Recorder(ledger_tables, table), LedgerStore(ledger_tables, table)
    for when, records in arrivals(book):
        recorder.record(organisation, records, when)
    moment = noon(last_day(book), organisation.timezone)
    today = organisation.today(moment)

    def answers() -> list[Any]:
        found = []
        for side in Side:
            for day in interesting_days(book):
                accounts = store.accounts(organisation, side, day.toordinal(), today)
                body = answer(accounts, side, day, organisation)
                for row in body.get("customers", ()):
                    row.pop("customerName")
                body.get("customers", []).sort(key=json.dumps)
                found.append(body)
        return [*found, sorted(store.collection(organisation, today).items())]

    before = answers()
    export, erasure = LedgerExport(ledger_tables, table), LedgerErasure(ledger_tables, table)
    for key, _ in list(export.accounts(organisation, Side.RECEIVABLE)):
        erasure.erase(organisation, key[1:], moment)
        assert erasure.erase(organisation, key[1:], moment) == 0
    exported = list(export.records(organisation))
    names = {record.get("customer_name", record.get("name")) for record in exported if record["type"] in _NAMING}
    assert names <= {"erased"}
    assert not [record for record in exported if record.get("external_id") or record.get("account_number")]
    assert json.dumps(answers()) == json.dumps(before)
    found = Reconciliation(ledger_tables, table).run(organisation, moment)
    assert [difference for difference in found if isinstance(difference, Difference)] == []
    deletion = LedgerDeletion(ledger_tables, table)
    while deletion.delete(organisation.id, organisation.shards):
        pass
    assert ledger_tables.scan(TableName=table)["Items"] == []


_NAMING = ("customer", "invoice")
