"""Reconciliation finds nothing in a book that was written, and everything that was corrupted; mending ends that."""

import json
import os
from typing import Any

import pytest

from arrears.storage.ledger.reconcile import Difference, Reconciliation
from arrears.storage.ledger.recorder import Recorder
from oracle.generate import random_book
from support.books import arrivals, last_day, noon, organisation_of


def written(client: Any, seed: int) -> tuple[Any, Any]:
    book = random_book(seed, 25)
    organisation = organisation_of(book, shards=1 + seed % 2)
    recorder = Recorder(client, os.environ["LEDGER_TABLE"])
    for when, records in arrivals(book):
        recorder.record(organisation, records, when)
    return organisation, noon(last_day(book), organisation.timezone)


def differences(client: Any, organisation: Any, moment: Any, mend: bool = False) -> list[Difference]:
    found = Reconciliation(client, os.environ["LEDGER_TABLE"]).run(organisation, moment, mend)
    return [difference for difference in found if isinstance(difference, Difference)]


@pytest.mark.parametrize("seed", range(6))
def test_what_was_written_adds_up(ledger_tables: Any, seed: int) -> None:
    organisation, moment = written(ledger_tables, seed)
    assert differences(ledger_tables, organisation, moment) == []


def test_corrupted_figures_are_found_and_mended(ledger_tables: Any) -> None:
    organisation, moment = written(ledger_tables, 1)
    spoiled = spoil(ledger_tables)
    found = differences(ledger_tables, organisation, moment)
    assert {difference.kind for difference in found} == {"account", "month"}
    assert spoiled <= {difference.what if difference.kind == "account" else "month" for difference in found}
    assert differences(ledger_tables, organisation, moment, mend=True) == found
    assert differences(ledger_tables, organisation, moment) == []


def spoil(client: Any) -> set[str]:
    """Changes every account's count of open documents and every month's figures; says what was changed."""
    table = os.environ["LEDGER_TABLE"]
    spoiled = set()
    for item in client.scan(TableName=table)["Items"]:
        if item["sk"]["S"] == "a":
            stored = json.loads(item["b"]["S"])
            item["b"]["S"] = json.dumps({**stored, "open": stored["open"] + 1})
            spoiled.add("".join(item["pk"]["S"].split("#")[1:]))
        elif item["pk"]["S"].endswith("#m"):
            for name, value in item.items():
                if ":" in name:
                    value["N"] = str(int(value["N"]) + 7)
            spoiled.add("month")
        client.put_item(TableName=table, Item=item)
    return spoiled
