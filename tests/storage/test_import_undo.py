"""An import that is undone leaves the book that was there before it, but for what others have changed since."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from arrears.ledger.import_ids import import_id
from arrears.ledger.known_at import NotKnownThen, moment_of
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
from support.records import (
    ORGANISATION,
    allocation,
    bill,
    credit,
    customer,
    dispute,
    invoice,
    payment,
    payment_on_account,
    promise,
    reminder,
    supplier,
)
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
    before, answered = exported(ledger), answers(ledger, days, today)
    id_ = imported(ledger, records, now)
    result = undone(ledger, id_, now)
    assert (result.kept, result.put_back) == ([], result.found)
    assert exported(ledger) == before
    assert answers(ledger, days, today) == answered
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
    before, answered = exported(ledger), answers(ledger, days, today)
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
    assert answers(ledger, days, today) == answered
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


def test_every_type_of_record_is_put_back_as_it_was(table: Table) -> None:
    """Lines, states, what the policy filled in, deletions and moves; what the import created is gone."""
    ledger = table.ledger(replace(ORGANISATION, policy=replace(ORGANISATION.policy, default_terms_days=14)))
    today = ledger.organisation.today(NOON)
    stamp = {"updated_at": "2020-03-01T00:00:00Z"}
    ledger.record(
        [
            customer(account_number="N", external_id="X", credit_limit={"USD": "500"}),
            supplier(),
            invoice(lines=LINES, due_on=None, **stamp),
            invoice("J", customer_id="D", customer_name="Ada"),
            bill(state="Created", state_on="2020-01-02"),
            bill(state="Approved", state_on="2020-01-05"),
            payment(**stamp),
            payment_on_account(),
            allocation(),
            credit(),
            dispute(),
            promise(),
            reminder(),
            {"type": "credit", "id": "gone", "deleted": True, **stamp},
        ],
        today,
    )
    before, answered = exported(ledger), answers(ledger, [NOON.date()], today)
    pointers = pointers_of(ledger)
    id_ = imported(
        ledger,
        [
            customer(account_number="M", name="Other", credit_limit={"USD": "1", "JPY": "7"}),
            customer("D", account_number="N"),
            {"type": "supplier", "id": "S", "deleted": True},
            invoice(lines=[], due_on="2020-09-01", customer_id="D"),
            {"type": "invoice", "id": "J", "deleted": True},
            bill(state="Paid", state_on="2020-02-05", number="B-1"),
            payment(invoice_id="J"),
            payment_on_account(customer_id="D", amount="70"),
            allocation(invoice_id="J"),
            {"type": "credit", "id": "K", "deleted": True},
            credit("gone"),
            {"type": "dispute", "id": "D", "deleted": True},
            promise(amount="12", customer_id="D"),
            {"type": "reminder", "id": "R", "deleted": True},
            {"type": "payment", "id": "never seen", "deleted": True},
            payment("new", invoice_id="unknown"),
        ],
        NOON,
    )
    assert len(undone(ledger, id_, NOON).kept) == 0
    assert exported(ledger) == before
    assert answers(ledger, [NOON.date()], today) == answered
    assert pointers_of(ledger) == pointers
    assert differences(ledger, NOON) == []


def pointers_of(ledger: StoredLedger) -> dict[Any, Any]:
    """What every part, contact and account number is on, or when it was deleted."""
    return {key: item for key, item in ledger.table.contents().items() if key[1] == "p"}


def test_account_numbers_go_back_to_who_had_them(table: Table) -> None:
    ledger = table.ledger()
    today = ledger.organisation.today(NOON)
    ledger.record([customer(account_number="1"), customer("D", account_number="2")], today)
    before = exported(ledger)
    id_ = imported(
        ledger, [customer(account_number="3"), customer("D", account_number="1"), customer(account_number="2")], NOON
    )
    assert undone(ledger, id_, NOON).kept == []
    assert exported(ledger) == before


def test_an_account_number_that_another_customer_was_given_since_stays_there(table: Table) -> None:
    ledger = table.ledger()
    today = ledger.organisation.today(NOON)
    ledger.record([customer(account_number="1")], today)
    id_ = imported(ledger, [customer(account_number="2")], NOON)
    ledger.recorder.record(ledger.organisation, [customer("E", account_number="1")], NOON + HOUR)
    assert undone(ledger, id_, NOON + 2 * HOUR).kept == [("customer", "C")]
    assert exported(ledger)["customer", "C"][0]["account_number"] == "2"


@pytest.mark.parametrize("stop_at", [None, 8, 12, 16, 20])
def test_a_payment_with_many_allocations_is_put_back_with_all_of_them(table: Table, stop_at: int | None) -> None:
    ledger = table.ledger()
    today = ledger.organisation.today(NOON)
    numbers = range(60)
    ledger.record([payment_on_account(), *(invoice(f"I{number}", total="1") for number in numbers)], today)
    ledger.record([allocation(f"L{number}", invoice_id=f"I{number}", amount="1") for number in numbers], today)
    before, answered = exported(ledger), answers(ledger, [NOON.date()], today)
    id_ = imported(ledger, [payment_on_account(paid_on="2020-06-29", amount="77")], NOON)
    if stop_at is not None:
        table.gate.operations()
        table.gate.faults = {stop_at: kill}
        with suppress(Killed):
            undone(ledger, id_, NOON)
        table.gate.faults = {}
    undone(ledger, id_, NOON)
    assert exported(ledger) == before
    assert answers(ledger, [NOON.date()], today) == answered
    assert differences(ledger, NOON) == []


def test_the_undo_is_in_the_log_and_what_it_put_back_is_not_undone_twice(table: Table) -> None:
    ledger = table.ledger()
    id_ = imported(ledger, [invoice()], NOON)
    undone(ledger, id_, NOON)
    walk = ChangeWalk(table.open, table.name, ledger.organisation.id)
    step = next(walk.newest_first())
    assert (step.entry.origin.undo_of, step.entry.origin.import_id) == (id_, "")
    again = imported(ledger, [invoice()], NOON + HOUR)
    assert undone(ledger, id_, NOON + 2 * HOUR).kept == [("invoice", "I")]
    assert undone(ledger, again, NOON + 2 * HOUR).kept == []
    assert exported(ledger) == {}


def test_an_import_of_which_changes_may_have_been_removed_is_not_undone_in_part(table: Table) -> None:
    ledger = table.ledger()
    id_ = imported(ledger, [invoice(), invoice("J")], NOON)
    before = exported(ledger)
    ledger.organisation = replace(ORGANISATION, known_from=moment_of(NOON + timedelta(seconds=1)))
    with pytest.raises(NotKnownThen, match="before the first moment that can be asked for, 2020-06-30T12:00:01"):
        undone(ledger, id_, NOON + HOUR)
    assert exported(ledger) == before
    ledger.organisation = replace(ORGANISATION, known_from=None)
    with pytest.raises(NotKnownThen):
        undone(ledger, id_, NOON + HOUR)
    assert exported(ledger) == before


def test_an_import_right_after_the_organisation_was_created_can_be_undone(table: Table) -> None:
    """Its id has whole seconds."""
    began = NOON + timedelta(milliseconds=400)
    ledger = table.ledger(replace(ORGANISATION, known_from=moment_of(NOON + timedelta(milliseconds=300))))
    assert undone(ledger, imported(ledger, [invoice()], began), NOON + HOUR).put_back == 1
    assert exported(ledger) == {}


def test_what_was_deleted_before_it_came_is_undone_in_order_whatever_the_clocks_say(table: Table) -> None:
    """A deletion of what nobody knows changes nothing but the note of it."""
    ledger = table.ledger()
    deletion = {"type": "payment", "id": "P", "deleted": True}
    ledger.recorder.record(ledger.organisation, [deletion], NOON + timedelta(seconds=5))
    before = pointers_of(ledger)
    id_ = imported(ledger, [payment()], NOON)
    assert undone(ledger, id_, NOON + HOUR).kept == []
    assert (exported(ledger), pointers_of(ledger)) == ({}, before)


def test_what_others_change_while_an_import_is_undone_is_kept_and_named(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = table.ledger()
    id_ = imported(ledger, [invoice(), invoice("J")], NOON)
    undo = ImportUndo(table.client, table.name)
    reading = ChangeWalk.newest_first

    def changed_after_reading(walk: ChangeWalk, *asked: Any) -> Iterator[Any]:
        yield from list(reading(walk, *asked))
        ledger.recorder.record(ledger.organisation, [invoice(number="changed")], NOON + 2 * HOUR)

    monkeypatch.setattr(ChangeWalk, "newest_first", changed_after_reading)
    result = undo.run(ledger.organisation, id_, NOON + HOUR, OPERATOR)
    assert result.kept == [("invoice", "I")]
    assert exported(ledger)["invoice", "I"][0]["number"] == "changed"


@pytest.mark.parametrize("seed", range(8))
def test_an_import_that_is_undone_weeks_later_leaves_the_answers_of_that_day(
    table: Table, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, records, book, now = a_book(table, seed, monkeypatch)
    later = now + 40 * 24 * HOUR
    days, today = interesting_days(book), ledger.organisation.today(later)
    before, answered = exported(ledger), answers(ledger, days, today)
    id_ = imported(ledger, records, now)
    ledger.close_documents(ledger.organisation.today(now + 480 * HOUR))
    assert undone(ledger, id_, later).kept == []
    assert exported(ledger) == before
    assert answers(ledger, days, today) == answered
    assert differences(ledger, later) == []
