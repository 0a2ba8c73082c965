"""A ledger table that was copied item by item, as a restore does, knows the past as before."""

from random import Random
from typing import Any

import pytest

from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.storage.ledger.change_log import ChangeLog
from arrears.storage.ledger.past_table import PastTable
from arrears.storage.ledger.reader import LedgerStore
from arrears.storage.ledger.reconcile import Reconciliation
from oracle import Book
from oracle.generate import interesting_days, random_book
from support.books import answer, arrivals, last_day, noon, organisation_of
from support.stored_ledger import Table
from template import TABLE_PROPERTIES, resources


def restored(table: Table, rng: Random) -> str:
    """The name of a table with the same items, written in some order."""
    properties = resources("AWS::DynamoDB::Table")["LedgerTable"]
    table.open.create_table(
        TableName="restored", **{name: properties[name] for name in TABLE_PROPERTIES if name in properties}
    )
    items = [item for page in table.open.get_paginator("scan").paginate(TableName=table.name) for item in page["Items"]]
    rng.shuffle(items)
    for item in items:
        table.open.put_item(TableName="restored", Item=item)
    return "restored"


def answers(table: Table, name: str, organisation: Organisation, book: Book, moment: int) -> list[Any]:
    client: Any = PastTable(table.open, name, organisation.id, moment)
    store, today = LedgerStore(client, name), organisation.today(noon(last_day(book), organisation.timezone))
    reports = [
        answer(store.accounts(organisation, side, day.toordinal(), today), side, day, organisation)
        for side in Side
        for day in interesting_days(book)[:3]
    ]
    return [*reports, sorted(store.collection(organisation, today).items())]


@pytest.mark.parametrize("seed", range(3))
def test_a_restored_table_answers_past_moments_as_before_and_adds_up(table: Table, seed: int) -> None:
    book, rng = random_book(seed, 12), Random(seed)
    organisation = organisation_of(book)
    ledger = table.ledger(organisation)
    for moment, records in arrivals(book):
        ledger.record(records, organisation.today(moment))
    moments = [entry.moment for entry in ChangeLog(table.open, table.name, organisation.id).entries()]
    copy = restored(table, rng)
    for asked in rng.sample(moments, min(5, len(moments))):
        before = answers(table, table.name, organisation, book, asked)
        assert answers(table, copy, organisation, book, asked) == before
    later = noon(last_day(book), organisation.timezone)
    found = Reconciliation(table.open, copy).run(organisation, later)
    assert [one for one in found if type(one).__name__ == "Difference"] == []
