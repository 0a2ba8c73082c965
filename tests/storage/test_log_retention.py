"""Old entries of the change log go, and no moment is answered for which something is missing."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from arrears.close.log_retention import LogRetention, Removed
from arrears.ledger.known_at import NotKnownThen, instant_of, instant_text, moment_of, parse_known_at
from arrears.ledger.organisation import Organisation
from arrears.storage.access.organisations import Organisations
from arrears.storage.dynamodb import get_items
from arrears.storage.ledger import change_entries
from arrears.storage.ledger.change_log import ChangeLog
from arrears.storage.ledger.past_table import PastTable
from arrears.storage.ledger.recorder import Recorder
from support.access import World
from support.closing import Calls, Killed, Tables, kill
from support.records import invoice, payment

DAY = timedelta(days=1)
CREATED = datetime(2020, 6, 1, 12, tzinfo=UTC)


class Book:
    """An organisation that has been written to once a day for forty days. now: the present."""

    def __init__(self, world: World) -> None:
        self.client = world.client
        self.world = world
        self.table = os.environ["LEDGER_TABLE"]
        world.now = CREATED
        self.id = world.organisation()
        recorder = Recorder(self.client, self.table)
        for day in range(40):
            world.now = CREATED + day * DAY
            recorder.record(self.organisation, [invoice(f"I{day}"), payment(f"P{day}", amount="1")], world.now)

    @property
    def organisation(self) -> Organisation:
        return self.organisations.get(self.id)

    @property
    def organisations(self) -> Organisations:
        return self.world.organisations

    @property
    def log(self) -> ChangeLog:
        return ChangeLog(self.client, self.table, self.id)

    def moments(self) -> list[int]:
        return [entry.moment for entry in self.log.entries()]

    def keep(self, days: int, out_of_time: Any = lambda: False) -> Removed:
        retention = LogRetention(self.organisations, lambda _: self.log, days, out_of_time)
        return retention.apply(self.organisation, self.world.now)

    def items(self, moment: int | None = None) -> Any:
        """What documents were, at a past moment or now."""
        found = self.client.scan(TableName=self.table)["Items"]
        keys = [(item["pk"]["S"], item["sk"]["S"]) for item in found if item["sk"]["S"] == "d"]
        return get_items(
            self.client if moment is None else PastTable(self.client, self.table, self.id, moment),  # type: ignore[arg-type]
            self.table,
            keys,
        )


@pytest.fixture
def book(world: World) -> Book:
    return Book(world)


def test_without_a_limit_everything_is_kept(book: Book) -> None:
    before, first = book.moments(), book.organisation.known_from
    assert book.keep(0) == (0, True)
    assert (book.moments(), book.organisation.known_from) == (before, first)


def test_earlier_moments_are_refused_before_what_they_need_is_removed(book: Book) -> None:
    before = book.moments()
    assert book.keep(10) == (0, True)
    first = moment_of(book.world.now - 10 * DAY)
    assert book.organisation.known_from == first
    assert book.moments() == before, "somebody may know the organisation as it was"
    assert book.keep(10) == (0, True), "that was said just now"
    book.world.now += DAY
    assert book.keep(10) == (len([moment for moment in before if moment < first]), True)
    assert book.moments() == [moment for moment in before if moment >= first]
    organisation = book.organisation
    assert organisation.known_from == moment_of(book.world.now - 10 * DAY)
    with pytest.raises(NotKnownThen, match="before the first moment that can be asked for, 2020-07-01T12:00:00"):
        parse_known_at(instant_text(instant_of(first)), organisation, book.world.now)


def test_every_moment_that_is_not_refused_is_answered_as_before(book: Book) -> None:
    asked = [moment_of(CREATED + number * DAY / 2) for number in range(80)]
    then = {moment: book.items(moment) for moment in asked}
    for _ in range(4):
        book.keep(15)
        first = book.organisation.known_from
        assert first is not None
        assert {moment: book.items(moment) for moment in asked if moment >= first} == {
            moment: items for moment, items in then.items() if moment >= first
        }
        book.world.now += DAY
    assert 0 < len(book.moments()) < 30


def test_the_first_moment_never_moves_back(book: Book) -> None:
    book.keep(10)
    first = book.organisation.known_from
    assert first is not None
    book.world.now += DAY
    book.keep(30)
    assert book.organisation.known_from == first
    book.organisations.move_known_from(book.id, first - 1)
    assert book.organisation.known_from == first


def test_a_book_whose_past_is_not_kept_yet_is_left_alone(book: Book) -> None:
    older = replace(book.organisation, known_from=None)
    retention = LogRetention(book.organisations, lambda _: book.log, 1)
    assert retention.apply(older, book.world.now) == (0, True)


def test_it_stops_when_its_time_is_over_and_goes_on_later(book: Book) -> None:
    book.keep(10)
    first = book.organisation.known_from
    book.world.now += DAY
    assert book.keep(10, lambda: True) == (0, False)
    assert book.organisation.known_from == first
    assert book.keep(10).items > 20


def test_it_may_be_killed_at_any_call_and_run_again(book: Book) -> None:
    book.keep(10)
    book.world.now += DAY
    tables = Tables()
    calls = Calls(book.client)
    book.keep(10)
    count = calls.count
    calls.release()
    for number in range(1, count + 1):
        tables.restore()
        calls = Calls(book.client)
        (calls.before if number % 2 else calls.after)[number] = kill
        with pytest.raises(Killed):
            book.keep(10)
        calls.release()
        book.keep(10)
        assert min(book.moments()) >= moment_of(CREATED + 29 * DAY)


def test_an_entry_of_several_parts_of_which_some_are_removed_is_gone(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.keep(10)
    first = book.organisation.known_from
    assert first is not None
    kept = [moment for moment in book.moments() if moment >= first]
    monkeypatch.setattr(change_entries, "PART_BYTES", 100)
    for stored in list(book.log.stored()):
        book.log.rewrite(stored, lambda entry: entry._replace())
    book.world.now += DAY
    tables = Tables()
    calls = Calls(book.client)
    book.keep(10)
    removals = [number for number, name in enumerate(calls.names, 1) if name == "BatchWriteItem"]
    calls.release()
    assert len(removals) > 2
    for number in removals:
        tables.restore()
        calls = Calls(book.client)
        calls.after[number] = kill
        with pytest.raises(Killed):
            book.keep(10)
        calls.release()
        assert [moment for moment in book.moments() if moment >= first] == kept


def test_an_import_that_began_in_the_first_second_that_is_kept_is_kept_whole(book: Book) -> None:
    book.world.now += timedelta(microseconds=700_000)
    book.keep(10)
    first = book.world.now.replace(microsecond=0) - 10 * DAY
    assert book.organisation.known_from == moment_of(first)
    ahead = first - timedelta(minutes=50)
    Recorder(book.client, book.table).record(book.organisation, [invoice("X", customer_id="D")], ahead)
    book.world.now += DAY
    assert book.keep(10).items
    assert min(book.moments()) >= moment_of(ahead)
    assert min(book.moments()) < moment_of(first)


def test_an_organisation_that_was_deleted_meanwhile_is_not_made_again(book: Book) -> None:
    book.organisations.move_known_from("0a0a0a0a-0000-4000-8000-00000000dead", 1)
    assert "dead" not in str(book.world.items())
