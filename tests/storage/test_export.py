"""The whole ledger out and in again gives the same answers."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.reports.aging import overdue_report
from arrears.storage.ledger.export import LedgerExport
from arrears.storage.ledger.reader import LedgerStore
from arrears.storage.ledger.recorder import Recorder
from oracle.generate import interesting_days, random_book
from support.books import arrivals, body_of, last_day, noon, organisation_of
from support.records import ORGANISATION, bill

NOON = datetime(2020, 6, 30, 12, tzinfo=UTC)


def answers(client: Any, organisation: Organisation, days: list[int], today: int) -> list[Any]:
    """Every report on every day, and the collection figures, as text."""
    store = LedgerStore(client, os.environ["LEDGER_TABLE"])
    answers: list[Any] = []
    for side in (Side.RECEIVABLE, Side.PAYABLE):
        for day in days:
            report = overdue_report(store.accounts(organisation, side, day, today), day, organisation)
            answers.append(body_of(report, side))
    return [*answers, sorted(store.collection(organisation, today).items())]


@pytest.mark.parametrize("seed", range(8))
def test_an_export_into_an_empty_ledger_gives_the_same_answers(ledger_tables: Any, seed: int) -> None:
    book = random_book(seed, 14)
    organisation = organisation_of(book, shards=1 + seed % 2)
    recorder = Recorder(ledger_tables, os.environ["LEDGER_TABLE"])
    for when, records in arrivals(book):
        recorder.record(organisation, records, when)
    moment = noon(last_day(book), organisation.timezone)
    today = organisation.today(moment)
    days = [day.toordinal() for day in interesting_days(book)]
    before = answers(ledger_tables, organisation, days, today)
    export = LedgerExport(ledger_tables, os.environ["LEDGER_TABLE"])
    lines = [json.dumps(record, sort_keys=True) for record in export.records(organisation)]
    empty(ledger_tables)
    results = recorder.record(organisation, [json.loads(line, parse_float=Decimal) for line in lines], moment)
    assert not [result for result in results if result.result == "rejected"]
    assert json.dumps(answers(ledger_tables, organisation, days, today)) == json.dumps(before)
    again = [json.dumps(record, sort_keys=True) for record in export.records(organisation)]
    assert sorted(again) == sorted(lines)
    other = replace(organisation, id=organisation.id[:-1] + "d")
    later = moment + timedelta(days=3)
    assert not [
        r for r in recorder.record(other, [json.loads(line) for line in lines], later) if r.result == "rejected"
    ]
    moved = answers(ledger_tables, other, days, other.today(later))
    before = answers(ledger_tables, organisation, days, other.today(later))
    totals = [(one["totals"], one["aging"]) for one in before[:-1]]
    assert [(one["totals"], one["aging"]) for one in moved[:-1]] == totals
    assert moved[-1] == before[-1]


@pytest.mark.parametrize("moments", [["2020-03-01", "2020-03-02", "2020-03-03"], [None, None, None]])
def test_an_export_has_the_first_and_the_last_of_equal_states_of_a_bill(
    ledger_tables: Any, moments: list[str | None]
) -> None:
    sent = [
        bill(state=state, state_on="2020-03-01", updated_at=None if moment is None else f"{moment}T00:00:00Z")
        for state, moment in zip(["Approved", "Created", "Approved"], moments, strict=True)
    ]
    table = os.environ["LEDGER_TABLE"]
    recorder, export = Recorder(ledger_tables, table), LedgerExport(ledger_tables, table)
    recorder.record(ORGANISATION, sent, NOON)
    lines = list(export.records(ORGANISATION))
    assert [line["state"] for line in lines] == ["Approved", "Created", "Approved"]
    empty(ledger_tables)
    recorder.record(ORGANISATION, lines, NOON)
    assert list(export.records(ORGANISATION)) == lines


def empty(client: Any) -> None:
    """Deletes everything in the ledger."""
    table = os.environ["LEDGER_TABLE"]
    for item in client.scan(TableName=table)["Items"]:
        client.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
