"""Reconciliation finds nothing in a book that was written, and everything that was corrupted; mending ends that."""

import json
import os
from dataclasses import replace
from datetime import date
from random import Random
from typing import Any

import pytest

from arrears.ledger import dated_document
from arrears.ledger.ledger_side import Side
from arrears.storage.ledger import keys
from arrears.storage.ledger.change_log import ChangeLog
from arrears.storage.ledger.reader import LedgerStore
from arrears.storage.ledger.reconcile import Difference, Reconciliation
from arrears.storage.ledger.recorder import Recorder
from oracle.generate import random_book
from support.books import arrivals, last_day, noon, organisation_of
from support.records import ORGANISATION, bill


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


def test_a_waiting_bill_that_was_listed_as_closed_is_found_and_listed_as_open(
    ledger_tables: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As books are that were written before aged payables showed it."""
    recorder, moment = Recorder(ledger_tables, os.environ["LEDGER_TABLE"]), noon(date(2020, 6, 30))
    with monkeypatch.context() as before:
        before.setattr(dated_document, "listed_closed_from", dated_document.closed_from)
        recorder.record(ORGANISATION, [bill(state="NeedsApproval"), bill("B2", state="Rejected")], moment)
    [found] = differences(ledger_tables, ORGANISATION, moment)
    assert (found.kind, found.field, found.stored) == ("document", "closed", True)
    assert found in differences(ledger_tables, ORGANISATION, moment, mend=True)
    assert differences(ledger_tables, ORGANISATION, moment) == []
    store = LedgerStore(ledger_tables, os.environ["LEDGER_TABLE"])
    [(_, documents)] = store.accounts(ORGANISATION, Side.PAYABLE, moment.toordinal(), moment.toordinal())
    assert [document.id for document in documents] == [found.what]


@pytest.mark.parametrize("seed", range(4))
def test_every_entry_that_the_change_log_lacks_is_found(ledger_tables: Any, seed: int) -> None:
    """Each in turn: what it says of any item breaks that item's chain. Nothing mends it."""
    organisation, moment = written(ledger_tables, seed)
    table = os.environ["LEDGER_TABLE"]
    log = ChangeLog(ledger_tables, table, organisation.id)
    stored = [item for item in ledger_tables.scan(TableName=table)["Items"] if item["pk"]["S"].endswith("#g")]
    changed = {entry.moment: entry.before for entry in log.entries()}
    for item in Random(seed).sample(stored, min(8, len(stored))):
        ledger_tables.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
        found = differences(ledger_tables, organisation, moment, mend=True)
        before = changed[keys.read_change_sort_key(item["sk"]["S"]).moment]
        named = {difference.what for difference in found}
        listed, all_of_it = (
            {f"{pk.partition('#')[2]}#{sk}" for pk, sk in before if sk in kinds} for kinds in ("daf", "dafs")
        )
        assert listed <= named <= all_of_it
        assert named
        assert {difference.kind for difference in found} <= {"change log"}
        ledger_tables.put_item(TableName=table, Item=item)
        assert differences(ledger_tables, organisation, moment) == []


def test_changes_before_the_first_moment_that_can_be_asked_for_need_no_entries(ledger_tables: Any) -> None:
    organisation, moment = written(ledger_tables, 2)
    log = ChangeLog(ledger_tables, os.environ["LEDGER_TABLE"], organisation.id)
    moments = [entry.moment for entry in log.entries()]
    middle = moments[len(moments) // 2]
    assert log.delete_before(middle) == (len(moments) // 2, True)
    assert differences(ledger_tables, organisation, moment)
    assert differences(ledger_tables, replace(organisation, known_from=middle), moment) == []
    assert differences(ledger_tables, replace(organisation, known_from=None), moment) == []


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
