"""What answers cost as a book grows to a million open documents: pages, past days and quiet accounts.

The books are made by the storage layer's own encoders, account by account, and are never recorded: a million documents
take minutes. Answers are measured as in bench.warm, their pages replayed in a process of their own; what takes many
pages is measured in this one, and the table's own time is taken off.

A customer has five open invoices and has settled one every nine days for more than a year. Figures of the last months
are spread over their slots, as writers leave them.

Run: python -m bench.scale [open documents ...]
"""

import gc
import json
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from itertools import batched
from pathlib import Path
from typing import Any

from rich.console import Console

from arrears.ledger import time_limit
from arrears.ledger.accounts import HISTORY_DAYS, AccountState
from arrears.ledger.dated_document import AllocationChange, DatedDocument, Promise, Reminder
from arrears.ledger.days import day_before_month, day_text, month_of
from arrears.ledger.documents import Contribution, Document, NameOrder, contribution_of
from arrears.ledger.figures import add_cells
from arrears.ledger.ledger_side import Side
from arrears.rendering.overdue import receivables_body
from arrears.reports.aging import with_accounts
from arrears.reports.book_reading import BookReading
from arrears.reports.overdue_page import read_overdue
from arrears.reports.receivables import customer_row
from arrears.storage.dynamodb import Item, Key
from arrears.storage.ledger import codec, entities, keys
from arrears.storage.ledger.keys import MonthSortKey
from arrears.storage.ledger.month_figures import MOST_NAMES, SLOTS, addition, cell_name
from bench import here, results
from bench.book import LEDGER, OPEN_PER_ACCOUNT, Paper, document_id, open_papers, organisation_of, party_id, services_of
from bench.results import Result
from bench.table import Packed, Tables
from bench.warm import Book, Measured

SIZES = (10_000, 100_000, 1_000_000)
ROWS = 1_000
DAYS_BETWEEN_SETTLED = 9
VARIANTS = 97
"""Different histories: a customer has one of them, in its own currency."""
QUIET_DAYS = 60
"""The index shows what payment behaviour needs for a month after an account was written."""
MONTHS_IN_SLOTS = 2

console = Console(stderr=True)


class Synthesised(Book):
    """A book of invoices that was never recorded. written: the day on which all of it was. closed: with what closed."""

    def __init__(self, open_count: int, written: int, closed: bool = False) -> None:
        self.kind, self.open, self.history = "invoice", open_count, 1
        self.table = Tables()
        self.table.ledger.own.partitions = defaultdict(Packed)
        self.organisation, self.key = organisation_of(self.table)
        self.today = self.organisation.today(here.now())
        self._without = {}
        self._written = written
        self._sums: dict[MonthSortKey, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for number, papers in enumerate(
            batched(open_papers("invoice", open_count, written), OPEN_PER_ACCOUNT, strict=False)
        ):
            account = self._account(number, papers)
            self._put_account(account)
            if closed:
                self._put_closed(number, account)
        self._put_sums()

    def _account(self, number: int, papers: tuple[Paper, ...]) -> AccountState:
        key = "c" + party_id("invoice", number)
        account = AccountState(key, key[1:], name=f"Customer {number} Trading Ltd")
        _settle(account, number % VARIANTS, self._written)
        if number % 10 == 0:
            sent = self._written - 1 - number % 20
            account.reminders = [Reminder(f"{day_text(sent)}T09:00:00Z", sent, None, f"reminder-{number}")]
        if number % 33 == 0:
            made, promised = self._written - 10, self._written + number % 7 - 3
            account.promises = [Promise(f"promise-{number}", papers[0].currency, 10_000, made, promised)]
        for paper in papers:
            document = Document("invoice", paper.id, paper.id)
            paper.tell(document, account, self._written)
            account.hold(contribution_of(document))
            account.apply(contribution_of(document), 1, self._written - HISTORY_DAYS)
        return account

    def _put_account(self, account: AccountState) -> None:
        rows = entities.rows_of(account, self._written)
        key = keys.account_key(self.organisation.id, account.key)
        item = entities.account_item(self.organisation.id, account, rows, self._written)
        self._put(key, item)
        for currency in rows.further:
            further = entities.further_row_item(self.organisation.id, account, currency, rows, item)
            self._put(keys.row_key(key, currency), further)
        if (history := entities.packed_long_history(account)) is not None:
            self._put(keys.history_key_beside(key), {"b": {"S": history}})
        months: dict[str, dict[Any, int]] = defaultdict(dict)
        for cell, amount in (rows.cells or {}).items():
            add_cells(months[cell.month], [(cell, amount)])
        slot = random.randrange(SLOTS)
        for month, cells in months.items():
            sums = self._sums[MonthSortKey(month, slot if month >= self._first_in_slots else 0, 0)]
            for cell, amount in cells.items():
                sums[cell_name(cell)] += amount

    @property
    def _first_in_slots(self) -> str:
        first = self._written
        for _ in range(MONTHS_IN_SLOTS):
            first = day_before_month(first)
        return month_of(first)

    def _put_closed(self, number: int, account: AccountState) -> None:
        """The documents that its history adds up, as the index has them."""
        partition = keys.closed_partition(self.organisation.id, account.shard, account.side)
        currency = next(iter(account.opened.values())).currency
        for place, settled in enumerate(_settled(number % VARIANTS, self._written)):
            id_ = document_id("invoice", 10_000_000 + number * HISTORY_DAYS + place)
            document = settled._replace(id=id_, currency=currency)
            listed = {"ipk": partition, "isk": keys.closed_sort_key(document.applied[-1][0], account.id, id_)}
            packed = {"p": codec.pack_document(document), **listed}
            item = {name: {"S": text} for name, text in packed.items()}
            self._put(keys.document_key(self.organisation.id, "invoice", id_), item, only_index=True)

    def _put(self, key: Key, attributes: Item, only_index: bool = False) -> None:
        pk, sk = key
        item = {"pk": {"S": pk}, "sk": {"S": sk}, **attributes}
        if not only_index:
            self.table.ledger.own.partitions[pk][sk, pk, sk] = item
        shown = self.table.state.projected(item)
        if shown is not None:
            self.table.state.partitions[item["ipk"]["S"]][item["isk"]["S"], pk, sk] = shown

    def _put_sums(self) -> None:
        for place, sums in self._sums.items():
            for some in batched(sums.items(), MOST_NAMES, strict=False):
                action = addition(LEDGER, self.organisation.id, Side.RECEIVABLE, place, dict(some))
                self.table.perform("UpdateItem", action["Update"])

    def page(self, **query: str) -> Measured:
        """A page of the overdue report."""
        one = self.measure("receivables_overdue", limit=str(ROWS), **query)
        if one.status != 200:
            raise AssertionError(one)
        return one


@cache
def _settled(variant: int, today: int) -> list[DatedDocument]:
    chance = random.Random(f"settled {variant}")
    documents = []
    for number in range(HISTORY_DAYS // DAYS_BETWEEN_SETTLED):
        paid_on = today - 1 - int((number + chance.random()) * DAYS_BETWEEN_SETTLED)
        issued, total = paid_on - chance.randrange(10, 80), chance.randrange(5_000, 2_000_000)
        paid = [AllocationChange(paid_on, total, 0, 1)]
        documents.append(DatedDocument("", f"INV-{number:07d}", "EUR", total, issued, issued + 30, applied=paid))
    return documents


@cache
def _settled_account(variant: int, today: int) -> AccountState:
    account = AccountState("c", "")
    for document in _settled(variant, today):
        contribution = Contribution(None, True, None, NameOrder(0, ""), document)
        account.apply(contribution, 1, today - HISTORY_DAYS)
    return account


def _settle(account: AccountState, variant: int, today: int) -> None:
    """Gives an account one of the histories."""
    settled = _settled_account(variant, today)
    account.documents, account.last_closed_on = settled.documents, settled.last_closed_on
    account.history_start = settled.history_start
    account.closed_by_day, account.history = dict(settled.closed_by_day), dict(settled.history)


# What is measured in this process


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer and what it took, without the table's own time."""

    body: Any
    cpu: float
    requests: int
    read_units: float


def pages(book: Synthesised) -> list[Asked]:
    """All pages of overdue customers, one after another."""
    from arrears.runtime import services

    services.cache_clear()
    book.table.attach(services().client)
    _ask(book, limit="1")
    found = [_ask(book, limit=str(ROWS))]
    while cursor := found[-1].body["nextCursor"]:
        found.append(_ask(book, limit=str(ROWS), cursor=cursor))
    return found


def _ask(book: Synthesised, **query: str) -> Asked:
    handler, table = here.handler("receivables_overdue"), book.table
    table.reset()
    started = time.process_time()
    answer = handler(here.event("/receivables/overdue", book.key, query), None)
    cpu = time.process_time() - started - table.spent
    if answer["statusCode"] != 200:
        raise AssertionError(answer["body"])
    return Asked(json.loads(answer["body"]), cpu, table.requests.total(), table.read_units)


def whole(book: Synthesised) -> Asked:
    """Reads the book once for the report with all its rows, however large; without looking for cycles, as functions."""
    table = book.table
    gc.disable()
    ledger = services_of(table).ledger
    table.reset()
    started = time.process_time()
    reading = BookReading(ledger, book.organisation, Side.RECEIVABLE, book.today, book.today)
    report = read_overdue(reading, None)
    shown = with_accounts(report.rows, reading.complete)
    body = receivables_body(report, (customer_row(row, book.today, report.policy) for row in shown), None, None)
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    cpu = time.process_time() - started - table.spent
    gc.enable()
    return Asked(json.loads(text), cpu, table.requests.total(), table.read_units)


# Figures


def measured(sizes: tuple[int, ...]) -> Iterator[Result]:
    """The figures of all books; those that another one is held against come last."""
    first: dict[int, Measured] = {}
    for size in sizes:
        console.log(f"{size:,} open invoices")
        book = _book(size, 0, closed=size == 100_000)
        first[size] = book.page()
        yield from _first_page(size, first[size])
        every = pages(book)
        yield from _any_page(book, every)
        if size == 100_000:
            yield from _whole_book(book, every)
    if 1_000_000 in first and 100_000 in first:
        for unit, value, floor in _pairs(first[1_000_000], first[100_000]):
            yield Result("first page of 1,000 rows, 1,000,000 open against 100,000", unit, value, floor, 1.3)
    console.log(f"{sizes[-1]:,} open invoices of quiet customers")
    quiet = _book(sizes[-1], QUIET_DAYS).page()
    yield from _costs(f"first page, {sizes[-1]:,} open, quiet accounts", quiet, (None, 25, None, None))


def _book(size: int, days_ago: int, closed: bool = False) -> Synthesised:
    random.seed(size)
    table = Tables()
    today = organisation_of(table)[0].today(here.now())
    return Synthesised(size, today - days_ago, closed)


def _costs(name: str, one: Measured, goals: tuple[float | None, ...]) -> Iterator[Result]:
    values = {"ms CPU": one.cpu_ms, "requests": one.requests, "read units": one.read_units, "MB peak": one.peak_mb}
    for (unit, value), goal in zip(values.items(), goals, strict=True):
        yield Result(name, unit, value, None, goal)


def _pairs(one: Measured, other: Measured) -> Iterator[tuple[str, float, float]]:
    yield "ms CPU", one.cpu_ms, other.cpu_ms
    yield "requests", one.requests, other.requests
    yield "read units", one.read_units, other.read_units


def _first_page(size: int, one: Measured) -> Iterator[Result]:
    goals = (100, 5, 200, 130) if size == 1_000_000 else (None,) * 4
    yield from _costs(f"first page of {ROWS:,} rows, {size:,} open", one, goals)


def _any_page(book: Synthesised, every: list[Asked]) -> Iterator[Result]:
    goals = (6, 450) if book.open == 1_000_000 else (None, None)
    name = f"dearest of {len(every)} pages, {book.open:,} open"
    yield Result(name, "requests", max(page.requests for page in every), None, goals[0])
    yield Result(name, "read units", max(page.read_units for page in every), None, goals[1])
    cursor = every[(len(every) - 1) // 2].body["nextCursor"]
    if cursor:
        middle = book.page(cursor=cursor)
        yield from _costs(f"a middle page, {book.open:,} open", middle, (None,) * 4)


def _whole_book(book: Synthesised, every: list[Asked]) -> Iterator[Result]:
    """Pages against the report with all rows; past days against one page of the open book in another order.

    Both read the open book once.
    """
    once, asked = book.page(sort="amount"), whole(book)
    if asked.body["aging"] != every[0].body["aging"] or sum(len(one.body["customers"]) for one in every) != _rows(
        asked
    ):
        raise AssertionError("pages are not the book")
    yield from _costs(f"the open book read once, {book.open:,} open", once, (None,) * 4)
    name = f"all {len(every)} pages of {book.open:,} open, against reading the book once"
    yield Result(name, "ms CPU", 1000 * sum(page.cpu for page in every), 1000 * asked.cpu, 1.5)
    yield Result(name, "requests", sum(page.requests for page in every), asked.requests)
    yield Result(name, "read units", sum(page.read_units for page in every), asked.read_units, 1.5)
    yield from _balance(book)
    for title, day in (("yesterday", book.today - 1), ("last month end", day_before_month(book.today))):
        past = book.page(asOf=day_text(day))
        for unit, value, floor in _pairs(past, once):
            yield Result(f"{title}, {book.open:,} open, against reading the open book once", unit, value, floor, 1.3)
        yield Result(f"{title}, {book.open:,} open", "MB peak", past.peak_mb)


def _rows(asked: Asked) -> int:
    """Rows of the whole report."""
    found: int = asked.body["totals"]["customerCount"]
    return found


def _balance(book: Synthesised) -> Iterator[Result]:
    balance = book.measure("overdue_balance")
    overdue = sum(papers.due < book.today for papers in open_papers("invoice", book.open, book.today))
    name = f"overdue balance, {book.open:,} open"
    yield Result(f"{name}, {overdue:,} overdue", "µs CPU an invoice", 1000 * balance.cpu_ms / overdue, None, 4)
    yield from _costs(name, balance, (None,) * 4)


def main(*sizes: int) -> None:
    """Measures, and shows what was found, also where something fails on the way."""
    here.set_environment()
    # The table in this process is slower than DynamoDB; what is measured runs in others, which have the limit.
    time_limit.MAX_SECONDS = 3_600
    found: list[Result] = []
    try:
        # The functions log to the standard output.
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            found.extend(measured(sizes or SIZES))
    finally:
        results.write(found, keep=True)
        results.show(found, Console(width=140))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
