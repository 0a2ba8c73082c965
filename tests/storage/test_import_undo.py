"""An import that is undone leaves the book that was there before it, but for what others have changed since."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from arrears.ledger.import_ids import import_id
from arrears.ledger.known_at import moment_of
from arrears.ledger.ledger_side import Side
from arrears.ledger.origin import Origin
from arrears.storage.ledger import recorder
from arrears.storage.ledger.change_walk import ChangeWalk
from arrears.storage.ledger.export import LedgerExport
from arrears.storage.ledger.import_undo import ImportUndo, Undone
from arrears.storage.ledger.reconcile import Difference, Reconciliation
from oracle import Book
from oracle.generate import as_it_happened, interesting_days, random_book
from support.books import answer, arrivals, last_day, noon, organisation_of, random_terms
from support.gate import Killed, kill
from support.stored_ledger import StoredLedger, Table

type Records = dict[tuple[str, str], list[dict[str, Any]]]

OPERATOR = Origin("operator", "somebody")
HOUR = timedelta(hours=1)
NOON = datetime(2020, 6, 30, 12, tzinfo=UTC)
LINES = [{"id": "1", "name": "Work", "quantity": "1", "unit_price": "100", "amount": "100"}]


def exported(ledger: StoredLedger) -> Records:
    """Every record; of a bill one for each of its states."""
    found: Records = defaultdict(list)
    for record in LedgerExport(ledger.table.open, ledger.table.name).records(ledger.organisation):
        found[record["type"], record["id"]].append(record)
    return dict(found)


def answers(ledger: StoredLedger, days: Iterable[Any], today: int) -> list[Any]:
    found: list[Any] = [
        answer(ledger.accounts(side, day.toordinal(), today), side, day, ledger.organisation)
        for side in Side
        for day in days
    ]
    return [*found, ledger.collection(today)]


def differences(ledger: StoredLedger, now: datetime) -> list[Any]:
    """What does not add up."""
    found = Reconciliation(ledger.table.open, ledger.table.name).run(ledger.organisation, now)
    return [one for one in found if isinstance(one, Difference)]


def imported(ledger: StoredLedger, records: list[Any], now: datetime) -> str:
    """Imports records, some in a batch; the import's id."""
    id_ = import_id(now, "7f3a2b")
    for start in range(0, len(records), 25):
        origin = OPERATOR._replace(import_id=id_)
        ledger.recorder.record(ledger.organisation, records[start : start + 25], now, origin)
    return id_


def undone(ledger: StoredLedger, id_: str, now: datetime) -> Undone:
    undo = ImportUndo(ledger.table.client, ledger.table.name)
    return undo.run(ledger.organisation, id_, now, OPERATOR)


def halves(book: Book, rng: Random) -> tuple[list[tuple[datetime, list[Any]]], list[Any]]:
    """What was in a book when the import came, and what the import has: later versions, deletions and new records."""
    before, later = [], []
    for moment, records in arrivals(book):
        first = [record for record in records if rng.random() < 0.6]
        before.append((moment, first))
        later += [record for record in records if record not in first]
    known = [record for _, records in before for record in records]
    for record in rng.sample(known, min(6, len(known))):
        later.append({"type": record["type"], "id": record["id"], "deleted": True})
    if rng.random() < 0.5:
        later += [{"type": "payment", "id": "never-seen", "deleted": True}]
        later += rng.sample(known, min(4, len(known)))
    rng.shuffle(later)
    return before, later


def a_book(table: Table, seed: int, monkeypatch: pytest.MonkeyPatch) -> tuple[StoredLedger, list[Any], Book, datetime]:
    """A random book, and what is then imported."""
    monkeypatch.setattr(recorder, "MOST_CHANGES", 8 if seed % 3 else 80)
    book, rng = random_book(seed, 6 + seed % 14), Random(seed)
    if seed % 2:
        book = as_it_happened(book, rng)
    organisation = organisation_of(book, random_terms(seed), shards=1 + seed % 2)
    before, later = halves(book, rng)
    ledger = table.ledger(organisation)
    for moment, records in before:
        ledger.record(records, organisation.today(moment))
    return ledger, later, book, noon(last_day(book), organisation.timezone)


@pytest.mark.parametrize("seed", range(16))
def test_an_undone_import_leaves_the_book_that_was_there_before(
    table: Table, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, records, book, now = a_book(table, seed, monkeypatch)
    days, today = interesting_days(book), ledger.organisation.today(now)
    before, told = exported(ledger), answers(ledger, days, today)
    id_ = imported(ledger, records, now)
    result = undone(ledger, id_, now)
    assert (result.kept, result.put_back) == ([], result.found)
    assert exported(ledger) == before
    assert answers(ledger, days, today) == told
    assert differences(ledger, now) == []
    again = undone(ledger, id_, now)
    assert again.kept == []
    assert exported(ledger) == before


@pytest.mark.parametrize("seed", range(16))
def test_an_undo_that_is_stopped_anywhere_twice_goes_on(
    table: Table, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, records, book, now = a_book(table, seed, monkeypatch)
    days, today = interesting_days(book), ledger.organisation.today(now)
    before, told = exported(ledger), answers(ledger, days, today)
    id_ = imported(ledger, records, now)
    rng = Random(seed)
    for _ in range(2):
        table.gate.operations()
        table.gate.faults = {rng.randint(2, 60): kill}
        with suppress(Killed):
            undone(ledger, id_, now)
        table.gate.faults = {}
    assert undone(ledger, id_, now).kept == []
    assert exported(ledger) == before
    assert answers(ledger, days, today) == told
    assert differences(ledger, now) == []


@pytest.mark.parametrize("seed", range(16))
def test_what_others_have_changed_since_is_kept_and_named(
    table: Table, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, records, _, now = a_book(table, seed, monkeypatch)
    before = exported(ledger)
    id_ = imported(ledger, records, now)
    rng = Random(seed)
    first = moment_of(now + HOUR)
    ledger.recorder.record(ledger.organisation, [changed(one, rng) for one in rng.sample(records, 5)], now + HOUR)
    since = exported(ledger)
    touched = changed_since(ledger, first)
    result = undone(ledger, id_, now + 2 * HOUR)
    expected = {name: (since if name in touched else before).get(name) for name in {**before, **since}}
    assert exported(ledger) == {name: found for name, found in expected.items() if found}
    assert set(result.kept) <= touched
    assert {name for name in touched if before.get(name) != since.get(name)} - by_others_alone(ledger, id_) <= set(
        result.kept
    )
    assert differences(ledger, now) == []
    assert undone(ledger, id_, now + 2 * HOUR).kept == result.kept


def changed(record: dict[str, Any], rng: Random) -> dict[str, Any]:
    plain = {name: value for name, value in record.items() if name != "updated_at"}
    if rng.random() < 0.3:
        return {"type": record["type"], "id": record["id"], "deleted": True}
    if "amount" in plain and not plain.get("deleted"):
        return {**plain, "amount": "3"}
    return {**plain, "number": "changed"} if record["type"] in ("invoice", "bill") and "total" in plain else plain


def changed_since(ledger: StoredLedger, first: int) -> set[tuple[str, str]]:
    walk = ChangeWalk(ledger.table.open, ledger.table.name, ledger.organisation.id)
    steps = walk.newest_first(first)
    return {(change.type, change.id) for step in steps for change in step.changes(ledger.organisation.id)}


def by_others_alone(ledger: StoredLedger, id_: str) -> set[tuple[str, str]]:
    """Records that the import has not changed."""
    walk = ChangeWalk(ledger.table.open, ledger.table.name, ledger.organisation.id)
    steps = list(walk.newest_first())
    changes = [(step.entry.origin.import_id, one) for step in steps for one in step.changes(ledger.organisation.id)]
    own = {(one.type, one.id) for import_, one in changes if import_ == id_}
    return {(one.type, one.id) for _, one in changes} - own
