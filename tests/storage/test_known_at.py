"""The ledger as it was known at a past moment: item by item what the table held then, whatever has changed since."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from arrears.ledger.ledger_side import Side
from arrears.storage.dynamodb import Item, Key, get_items, query
from arrears.storage.ledger import keys
from arrears.storage.ledger.change_log import ChangeLog
from arrears.storage.ledger.month_figures import month_items
from arrears.storage.ledger.past_table import PastTable
from arrears.storage.ledger.reader import LedgerStore
from oracle.generate import as_it_happened, random_book
from storage.test_pages import check_aged, check_due_before, check_overdue
from support.books import arrivals, disagreements, in_memory, organisation_of, random_terms
from support.stored_ledger import StoredLedger, Table

INDEXES = {keys.INDEX: ("ipk", "isk"), keys.ACCOUNT_INDEX: ("apk", "ask")}


@dataclass
class Then:
    """What a table held at a moment."""

    moment: int
    items: dict[Key, Item]
    months: dict[tuple[str, str, int], dict[str, int]]


def items_of(table: Table) -> dict[Key, Item]:
    """Every item but those of the change log and of months' figures."""
    found = {}
    for page in table.open.get_paginator("scan").paginate(TableName=table.name):
        for item in page["Items"]:
            if not item["pk"]["S"].endswith(("#g", "#m", "#q")):
                found[item["pk"]["S"], item["sk"]["S"]] = item
    return found


def as_it_is(ledger: StoredLedger) -> Then:
    log = ChangeLog(ledger.table.open, ledger.table.name, ledger.organisation.id)
    moment = max((entry.moment for entry in log.entries()), default=0)
    return Then(moment, items_of(ledger.table), ledger.table.months())


def past(ledger: StoredLedger, moment: int) -> Any:
    return PastTable(ledger.table.open, ledger.table.name, ledger.organisation.id, moment)


def check(ledger: StoredLedger, then: Then, rng: Random) -> None:
    """Raises unless reading the past by key, by every partition of both indexes, and by months, is as it was."""
    client, name = past(ledger, then.moment), ledger.table.name
    every = list(then.items.keys() | items_of(ledger.table).keys())
    assert get_items(client, name, every) == then.items
    for index, (partition, sort_key) in INDEXES.items():
        listed = defaultdict(list)
        for item in (*then.items.values(), *items_of(ledger.table).values()):
            if partition in item:
                listed[item[partition]["S"]].append(item)
        for value in listed:
            expected = sorted(
                (item for item in then.items.values() if item.get(partition) == {"S": value}),
                key=lambda item: item[sort_key]["S"],
            )
            descending = rng.random() < 0.3
            found = list(pages(client, name, index, partition, value, rng.randint(1, 5), descending))
            assert [_key(item) for item in found] == [_key(item) for item in expected[:: -1 if descending else 1]]
            assert [item.get("p") for item in found] == [item.get("p") for item in expected[:: -1 if descending else 1]]
    months: dict[tuple[str, str, int], dict[str, int]] = {}
    for side in Side:
        for one in month_items(client, name, ledger.organisation, side):
            place = keys.months_partition(ledger.organisation.id, side), one.place.month, one.place.day
            sums = months.setdefault(place, {})
            for figure, number in one.sums.items():
                sums[figure] = sums.get(figure, 0) + number
    nonzero = {place: {name: number for name, number in sums.items() if number} for place, sums in months.items()}
    assert {place: sums for place, sums in nonzero.items() if sums} == then.months


def pages(
    client: Any, name: str, index: str, partition: str, value: str, limit: int, descending: bool
) -> Iterator[Item]:
    request = {
        "TableName": name,
        "IndexName": index,
        "KeyConditionExpression": f"{partition} = :partition",
        "ExpressionAttributeValues": {":partition": {"S": value}},
        "Limit": limit,
        "ScanIndexForward": not descending,
    }
    for page in query(client, **request):
        yield from page


def _key(item: Item) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


@pytest.mark.parametrize("seed", range(12))
def test_the_table_at_every_past_moment_is_item_by_item_what_it_was_then(table: Table, seed: int) -> None:
    """Late, changed, moved and deleted records, and what time alone has changed, in random books."""
    book, rng = random_book(seed, 6 + seed % 14), Random(seed)
    if seed % 2:
        book = as_it_happened(book, rng)
    organisation = organisation_of(book, random_terms(seed), shards=1 + seed % 2)
    ledger = table.ledger(organisation)
    thens = [as_it_is(ledger)]
    for moment, records in arrivals(book):
        ledger.record(records, organisation.today(moment))
        thens.append(as_it_is(ledger))
        if rng.random() < 0.1:
            ledger.close_documents(organisation.today(moment))
            thens.append(as_it_is(ledger))
    for then in rng.sample(thens, min(6, len(thens))):
        check(ledger, then, rng)


def test_a_condition_that_the_past_is_not_read_by_is_refused_and_not_passed_over(table: Table) -> None:
    with pytest.raises(ValueError, match="isk < :end"):
        past(table.ledger(), 0).query(
            TableName=table.name,
            IndexName=keys.INDEX,
            KeyConditionExpression="ipk = :partition AND isk < :end",
            ExpressionAttributeValues={":partition": {"S": "p"}, ":end": {"S": "e"}},
        )


class Busy:
    """A client of the table; somebody else writes before and after some of its answers."""

    def __init__(self, client: Any, write: Callable[[], None], rng: Random) -> None:
        self.meta = client.meta
        self._client = client
        self._write = write
        self._rng = rng

    def query(self, **request: Any) -> Any:
        return self._between(lambda: self._client.query(**{"Limit": self._rng.randint(2, 9), **request}))

    def batch_get_item(self, **request: Any) -> Any:
        return self._between(lambda: self._client.batch_get_item(**request))

    def _between(self, ask: Callable[[], Any]) -> Any:
        for number in range(2):
            if self._rng.random() < 0.2:
                self._write()
            if not number:
                answer = ask()
        return answer


@pytest.mark.parametrize("seed", range(30, 42))
def test_answers_of_a_past_moment_are_the_oracles_of_what_had_arrived_by_then(table: Table, seed: int) -> None:
    """On days before and after it, and while others go on writing."""
    book, policy, rng = random_book(seed, 6 + seed % 14), random_terms(seed), Random(seed)
    if seed % 2:
        book = as_it_happened(book, rng)
    organisation = organisation_of(book, policy, shards=1 + seed % 2)
    ledger, arrived, known = table.ledger(organisation), 0, []
    waiting = list(arrivals(book))
    late = [waiting.pop() for _ in range(len(waiting) // 3)] if seed % 3 == 0 else []
    for moment, records in waiting:
        ledger.record(records, organisation.today(moment))
        arrived += len(records)
        known.append((as_it_is(ledger).moment, moment, arrived))

    def write() -> None:
        if late:
            moment, records = late.pop()
            ledger.record(records, organisation.today(moment))

    for instant, moment, count in rng.sample(known, min(5, len(known))):
        today, then = moment.astimezone(ZoneInfo(organisation.timezone)).date(), known_then(ledger, instant, write, rng)
        heard = replace(book, entries=book.entries[:count])
        for back in (0, rng.randint(1, 40), rng.randint(41, 500), -rng.randint(1, 90)):
            day = today - timedelta(days=back)
            for side in Side:
                accounts = then.accounts(side, day.toordinal(), today.toordinal())
                assert not disagreements(heard, policy, accounts, side, day, organisation), (side, back)
        for side in Side:
            check_due_before(then, side, today.toordinal())
            check_overdue(then, side, today.toordinal(), today.toordinal(), rng.randint(1, 4))
            check_aged(then, side, today.toordinal(), today.toordinal(), rng.randint(1, 4))
        assert then.collection(today.toordinal()) == in_memory(heard, organisation).collection(today.toordinal())


def known_then(ledger: StoredLedger, instant: int, write: Callable[[], None], rng: Random) -> StoredLedger:
    """The ledger as it was known at a moment, while somebody writes."""
    then = ledger.table.ledger(ledger.organisation)
    busy: Any = Busy(ledger.table.open, write, rng)
    client: Any = PastTable(busy, ledger.table.name, ledger.organisation.id, instant)
    then.store = LedgerStore(client, ledger.table.name)
    return then
