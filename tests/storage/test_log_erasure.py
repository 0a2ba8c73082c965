"""Erasing a customer from the change log: no text of it is left, and the past answers the same but for `erased`."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest, AWSResponse

from arrears.ledger.erasure import ERASED
from arrears.ledger.ids import outward_id
from arrears.ledger.ledger_side import Side
from arrears.storage.dynamodb import Item, Key, get_items
from arrears.storage.ledger import change_entries, keys
from arrears.storage.ledger.change_log import ChangeLog
from arrears.storage.ledger.erasure import LedgerErasure
from arrears.storage.ledger.past_table import PastTable
from arrears.storage.ledger.reader import LedgerStore
from arrears.storage.ledger.recorder import Recorder
from oracle import Book
from oracle.generate import as_it_happened, interesting_days, random_book
from support.books import answer, arrivals, last_day, noon, organisation_of
from support.gate import Gate, Killed, kill
from support.stored_ledger import StoredLedger, Table

TEXTS = {
    "customer": ("name", "external_id", "account_number", "email", "address"),
    "invoice": ("customer_name",),
    "payment": ("reference",),
    "dispute": ("reason",),
}


@dataclass
class Written:
    """A book whose every text is random.

    texts: those on records of customers, by customer. personal: those on customers and invoices. beside: those on
    payments and disputes of invoices and customers.
    """

    book: Book
    ledger: StoredLedger
    moments: list[int] = field(default_factory=list)
    texts: dict[str, set[str]] = field(default_factory=dict)
    personal: set[str] = field(default_factory=set)
    beside: set[str] = field(default_factory=set)

    @property
    def log(self) -> ChangeLog:
        return ChangeLog(self.ledger.table.open, self.ledger.table.name, self.ledger.organisation.id)

    def log_text(self) -> str:
        """All that the log holds, keys included, unpacked."""
        return json.dumps([[list(map(str, entry.before.items())), entry.months] for entry in self.log.entries()])

    def customers(self) -> list[str]:
        return sorted(key[1:] for key in self.ledger.account_items() if key.startswith("c"))

    @property
    def later(self) -> datetime:
        return noon(last_day(self.book) + timedelta(1), self.ledger.organisation.timezone)

    def erase(self, customer: str, client: Any = None) -> int:
        table = self.ledger.table
        return LedgerErasure(client or table.client, table.name).erase(self.ledger.organisation, customer, self.later)

    def meanwhile(self, act: Callable[[Any], object]) -> Callable[[Gate, str, AWSRequest], AWSResponse]:
        """Does something with a client of its own before a request is sent."""

        def fault(gate: Gate, operation: str, request: AWSRequest) -> AWSResponse:
            act(self.ledger.table.open)
            return gate.answer(operation, request)

        return fault


def written(table: Table, seed: int) -> Written:
    rng = Random(seed)
    book = random_book(seed, 6 + seed % 9)
    if seed % 2:
        book = as_it_happened(book, rng)
    done = Written(book, table.ledger(organisation_of(book, shards=1 + seed % 2)))
    customers: list[dict[str, Any]] = []
    for moment, records in arrivals(book):
        again = [rng.choice(customers)] if customers and rng.random() < 0.4 else []
        customers += [record for record in records if record["type"] == "customer"]
        sent = [_sent(done, record, rng) for record in (*records, *again)]
        done.ledger.record(sent, done.ledger.organisation.today(moment))
        if not done.moments or rng.random() < 0.2:
            done.moments.append(max((entry.moment for entry in done.log.entries()), default=0))
    return done


def _sent(done: Written, record: dict[str, Any], rng: Random) -> dict[str, Any]:
    """The record with texts of its own, known as whose they are."""
    of_supplier = any(name in record for name in ("bill_id", "supplier_id"))
    texts = {}
    for name in () if of_supplier else TEXTS.get(record["type"], ()):
        if rng.random() < 0.6 or name in record:
            texts[name] = f"{name} {rng.getrandbits(60):x}"
            if name == "account_number" and rng.random() < 0.3:
                texts[name] = f"shared {rng.randrange(3)}"
    sent = {**record, **texts}
    if "lines" in record:
        sent["lines"] = [{**line, "name": f"line {rng.getrandbits(60):x}"} for line in record["lines"]]
        texts["lines"] = " ".join(line["name"] for line in sent["lines"])
    if record["type"] in ("customer", "invoice"):
        done.personal |= {text for text in texts.values() if not text.startswith(("shared", "line "))}
        done.personal |= {line["name"] for line in sent.get("lines") or ()}
    invoices = {entry.record["id"] for entry in done.book.entries if entry.record["type"] == "invoice"}
    if record.get("invoice_id") in invoices or "customer_id" in record:
        done.beside |= set(texts.values()) - done.personal
    if record["type"] == "customer":
        own = done.texts.setdefault(outward_id(done.ledger.organisation.id, "customer", record["id"]), set())
        own |= {text for text in texts.values() if not text.startswith("shared")}
    return sent


def past(done: Written, moment: int) -> Any:
    return PastTable(done.ledger.table.open, done.ledger.table.name, done.ledger.organisation.id, moment)


def items_then(done: Written, moment: int, wanted: list[Key]) -> dict[Key, Item]:
    return get_items(past(done, moment), done.ledger.table.name, wanted)


def answers(done: Written, moment: int) -> list[Any]:
    """Rows, totals and aging of both sides and the months' figures, without names of customers."""
    organisation, client = done.ledger.organisation, past(done, moment)
    store, found = LedgerStore(client, done.ledger.table.name), []
    today = organisation.today(noon(last_day(done.book), organisation.timezone))
    for side in Side:
        for day in interesting_days(done.book)[:3]:
            accounts = store.accounts(organisation, side, day.toordinal(), today)
            body = answer(accounts, side, day, organisation)
            for row in body.get("customers", ()):
                row.pop("customerName")
            body.get("customers", []).sort(key=json.dumps)
            found.append(body)
    return [json.loads(json.dumps(found)), sorted(store.collection(organisation, today).items())]


def differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two contents differ; texts that are packed JSON are looked into."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in before.keys() | after.keys():
            yield from differences(before.get(name), after.get(name), f"{path}/{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{path}/{number}")
    elif isinstance(before, str) and isinstance(after, str) and before[:1] in "[{" and before != after:
        yield from differences(json.loads(before), json.loads(after), path)
    elif before != after:
        yield path, before, after


def may_differ(path: str, before: Any, after: Any) -> bool:
    """Only what is personal: a text that reads `erased`, one that is gone, an id of a reminder, a digest of lines."""
    if after == ERASED:
        return isinstance(before, str)
    if path.startswith("/b/S/lines"):
        return isinstance(before, str) and isinstance(after, str)
    if "/reminders/" in path or path.startswith("/p/"):
        return isinstance(before, str | list) or before is None
    return after is None and path.rpartition("/")[2] in {name for names in TEXTS.values() for name in names}


@pytest.mark.parametrize("seed", range(8))
def test_nothing_that_was_written_on_a_customer_is_in_the_log_and_the_past_is_the_same_but_for_that(
    table: Table, seed: int
) -> None:
    done, rng = written(table, seed), Random(seed)
    moments = rng.sample(done.moments, min(4, len(done.moments)))
    every = [key for key in _every_key(done) if "#N#" not in key[0] and "#E#" not in key[0]]
    before = {moment: (items_then(done, moment, every), answers(done, moment)) for moment in moments}
    customers = done.customers()
    erased = rng.choice(customers)
    done.erase(erased)
    text = done.log_text()
    assert [one for one in done.texts.get(erased, ()) if one in text] == []
    for moment in moments:
        items, answered = before[moment]
        now = items_then(done, moment, every)
        assert now.keys() == items.keys()
        found = [(key, *one) for key in items for one in differences(items[key], now[key])]
        assert [one for one in found if not may_differ(*one[1:])] == []
        others = {keys.account_key(done.ledger.organisation.id, f"c{one}")[0] for one in customers if one != erased}
        assert [one for one in found if one[0][0] in others] == []
        assert answers(done, moment) == answered
    for customer in customers:
        done.erase(customer)
    text = done.log_text()
    assert [one for one in done.personal if one in text] == []
    present = str(done.ledger.table.open.scan(TableName=done.ledger.table.name)["Items"])
    assert [one for one in done.beside if one in text and one not in present] == []
    assert [answers(done, moment) for moment in moments] == [before[moment][1] for moment in moments]
    assert "shared" not in text


def test_it_may_be_killed_at_any_call_and_run_again_and_then_no_text_is_left(table: Table) -> None:
    done = written(table, 3)
    erased = max(done.customers(), key=lambda one: len(done.texts.get(one, ())))
    assert len([text for text in done.texts[erased] if text.startswith("account_number")]) > 2
    restore, latest = table.save(), max(entry.moment for entry in done.log.entries())
    done.erase(erased)
    calls = len(table.gate.operations())
    assert calls > 20
    for number in range(1, calls + 1):
        restore()
        table.gate.faults = {number: kill}
        with pytest.raises(Killed):
            done.erase(erased)
        table.gate.operations()
        own = str([entry.before for entry in done.log.entries(latest + 1)])
        assert [one for one in done.texts[erased] if one in own] == [], "what the erasure writes is erased before"
        done.erase(erased)
        text = done.log_text()
        assert [one for one in done.texts[erased] if one in text] == [], number


def test_a_number_that_is_given_meanwhile_is_found_too(table: Table) -> None:
    """Somebody changes the customer's record at any moment of an erasure; the second erasure has it all."""
    done = written(table, 3)
    erased = max(done.customers(), key=lambda one: len(done.texts.get(one, ())))
    reference = next(
        entry.record["id"]
        for entry in done.book.entries
        if outward_id(done.ledger.organisation.id, "customer", str(entry.record.get("id"))) == erased
    )
    restore = table.save()
    done.erase(erased)
    calls = len(table.gate.operations())
    for number in range(1, calls + 1, 2):
        restore()
        records = [
            {"type": "customer", "id": reference, "name": f"Meanwhile {name}", "account_number": f"Meanwhile {name}"}
            for name in ("first", "second")
        ]

        def change(client: Any) -> None:
            Recorder(client, table.name).record(done.ledger.organisation, records, done.later)  # noqa: B023

        table.gate.faults = {number: done.meanwhile(change)}
        done.erase(erased)
        table.gate.operations()
        done.erase(erased)
        assert "Meanwhile" not in done.log_text(), number


def test_an_entry_of_several_parts_is_erased_and_read_as_a_whole(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_entries, "PART_BYTES", 150)
    done = written(table, 5)
    erased = max(done.customers(), key=lambda one: len(done.texts.get(one, ())))
    before = sum(1 for _ in done.log.entries())
    read = answers(done, done.moments[0])
    done.erase(erased)
    text = done.log_text()
    assert [one for one in done.texts[erased] if one in text] == []
    assert sum(1 for _ in done.log.entries()) >= before
    assert answers(done, done.moments[0]) == read


class PartByPart:
    """A client that reads one item at a time, and does something before it reads one of them."""

    def __init__(self, client: Any, number: int, act: Callable[[], object]) -> None:
        self.client, self.number, self.act = client, number, act

    def query(self, **request: Any) -> Any:
        self.number -= 1
        if not self.number:
            self.act()
        return self.client.query(**request, Limit=1)


def test_an_entry_that_is_erased_while_it_is_read_is_read_before_or_after(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_entries, "PART_BYTES", 150)
    done = written(table, 1)
    erased = max(done.customers(), key=lambda one: len(done.texts.get(one, ())))
    restore, before = table.save(), list(done.log.entries())
    done.erase(erased)
    after = list(done.log.entries())
    assert sum(one != other for one, other in zip(before, after, strict=False)) > 2
    for number in range(2, 120, 9):
        restore()
        client: Any = PartByPart(table.open, number, partial(done.erase, erased))
        found = list(ChangeLog(client, table.name, done.ledger.organisation.id).entries(last=before[-1].moment))
        assert len(found) == len(before)
        assert all(entry in before or entry in after for entry in found), number


def test_two_erasures_of_the_same_entries_do_not_undo_each_other(table: Table) -> None:
    done = written(table, 4)
    one, other = sorted(done.customers(), key=lambda each: -len(done.texts.get(each, ())))[:2]
    restore = table.save()
    done.erase(one)
    calls = len(table.gate.operations())
    for number in range(1, calls + 1, 3):
        restore()
        table.gate.faults = {number: done.meanwhile(partial(done.erase, other))}
        done.erase(one)
        table.gate.operations()
        text = done.log_text()
        assert [each for each in done.texts[one] | done.texts[other] if each in text] == [], number


def _every_key(done: Written) -> list[Key]:
    found = {key for entry in done.log.entries() for key in entry.before}
    for page in done.ledger.table.open.get_paginator("scan").paginate(TableName=done.ledger.table.name):
        found |= {(item["pk"]["S"], item["sk"]["S"]) for item in page["Items"] if item["pk"]["S"][37:] not in "gmq"}
    return sorted(found)
