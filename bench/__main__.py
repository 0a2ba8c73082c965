"""Measures everything, prints one table and writes bench/results.json. Takes about half an hour."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import cold, here, known, money, neighbour, proof, results, warm
from bench.book import OPEN_PER_ACCOUNT
from bench.results import Result
from bench.warm import Measured
from bench.writes import BATCH

console = Console(stderr=True)

CUSTOMERS = 200
"""Of whom a batch of 500 records is; the more there are, the fewer records share the write of an account."""

NAMES = {
    "receivables_overdue": "receivables",
    "payables_overdue": "payables",
    "receivables_aging": "aged receivables",
    "overdue_balance": "overdue balance",
    "invoice_collection": "invoice collection",
}
BOOKS = {1_000: "small", 10_000: "middle", 100_000: "large"}


def say(text: str) -> None:
    """Tells what is going on."""
    console.log(text)


def measured(parts: Sequence[str]) -> Iterator[Result]:
    """The figures of all parts, or of those that are named."""
    here.set_environment()
    answers: list[Measured] = []
    if not parts or "proof" in parts:
        say(f"{proof.bulk_is_recording()} rows of bulk and recorded books are the same")
        say(f"{proof.answers_are_the_stacks()} answers and their pages are the local stack's, byte for byte")
    if not parts or "cold" in parts:
        yield from _cold()
    if not parts or "warm" in parts:
        answers = list(warm.measured(say))
        yield from _warm(answers)
    if not parts or "writes" in parts:
        yield from _writes()
    if not parts or "known" in parts:
        say("known at")
        yield from known.measured(10_000)
    if answers:
        yield from _money(answers)
        yield from _neighbour(answers)


def _cold() -> Iterator[Result]:
    starts = cold.measured(say)
    floor = starts.pop("floor")
    for name, start in starts.items():
        goal = 1.4 if name in cold.READING else None
        yield Result(f"cold start, {name}", "ms wall", start.wall_ms, floor.wall_ms, goal)
    for name, start in starts.items():
        yield Result(f"cold start, {name}, processor", "ms CPU", start.cpu_ms, floor.cpu_ms)


def _warm(measured: Sequence[Measured]) -> Iterator[Result]:
    for one in measured:
        if not one.what or one.what == "page":
            yield from _answer(one)
    yield from _growth(measured)
    yield from _aged(measured)
    yield from _single(measured)
    yield from _past(measured)
    yield from _limits(measured)


def _title(one: Measured) -> str:
    what = ", first 1,000 rows" if one.what == "page" else ""
    return f"{NAMES[one.function]}{what}, {one.open:,} open, history x{one.history}"


def _answer(one: Measured) -> Iterator[Result]:
    report = one.function in ("receivables_overdue", "payables_overdue")
    goal = 2.5 if report and one.open >= 10_000 else None
    yield Result(_title(one), "ms CPU", one.cpu_ms, one.floor_ms, goal)
    yield Result(_title(one), "read units", one.read_units)
    yield Result(_title(one), "requests", one.requests)
    if report:
        yield Result(_title(one), "MB peak", one.peak_mb, None, 512 if one.open == 100_000 else None)


def _growth(measured: Sequence[Measured]) -> Iterator[Result]:
    by_book = {(one.function, one.what, one.open, one.history): one for one in measured}
    for (function, what, open_count, history), one in by_book.items():
        without = by_book.get((function, what, open_count, 0))
        if history < 10 or without is None or function != "receivables_overdue" or what == "too large":
            continue
        name = f"{_title(one)}, against none"
        goal = 1.1 if history == 100 else None
        yield Result(name, "ms CPU", one.cpu_ms, one.other_ms, goal)
        yield Result(name, "requests", one.requests, without.requests, goal)
        yield Result(name, "read units", one.read_units, without.read_units, goal)


def _aged(measured: Sequence[Measured]) -> Iterator[Result]:
    """An aged list has about as many rows as the overdue report of the same book."""
    overdue = {(one.open, one.history): one for one in measured if one.function == "receivables_overdue"}
    for one in measured:
        if one.function == "receivables_aging":
            against = overdue[one.open, one.history].cpu_ms
            yield Result(f"{_title(one)}, against the overdue report", "ms CPU", one.cpu_ms, against, 1.0)


def _single(measured: Sequence[Measured]) -> Iterator[Result]:
    customer = [one for one in measured if one.what == "one customer"]
    for one in (customer[0], max(customer, key=lambda one: one.open * one.history)):
        name = f"overdue balance of one customer, {one.open:,} open, history x{one.history}"
        yield Result(name, "requests, nothing cached", one.cold_requests, None, 3)
    small = next(one for one in measured if one.function == "receivables_overdue")
    yield Result("small book, one answer", "requests, key cached", small.requests, None, 1)
    yield Result("small book, one answer", "requests, nothing cached", small.cold_requests, None, 2)
    collections = {one.open * one.history: one for one in measured if one.function == "invoice_collection"}
    million = collections[1_000_000]
    yield Result("invoice collection, 1 million invoices", "requests, nothing cached", million.cold_requests, None, 5)
    name = "invoice collection, 1 million invoices against 10,000 in as many months"
    yield Result(name, "ms CPU", million.cpu_ms, million.other_ms, 1.2)


def _past(measured: Sequence[Measured]) -> Iterator[Result]:
    today = next(one for one in measured if one.what == "past: today")
    past = next(one for one in measured if one.what == "past")
    per_document = past.cpu_ms / past.documents * 1000
    name = f"a year back, {past.documents:,} documents read, against today's {today.documents:,}"
    yield Result(name, "µs CPU a document", per_document, today.cpu_ms / today.documents * 1000, 1.3)


def _limits(measured: Sequence[Measured]) -> Iterator[Result]:
    for one in measured:
        if one.what == "too large":
            name = f"{NAMES[one.function]} over 6 MB, {one.open:,} open, history x{one.history}"
            yield Result(name, "status, 413 refuses", one.status, None, 413)
            yield Result(name, "MB peak", one.peak_mb, None, 512)


def _writes() -> Iterator[Result]:
    say("writes")
    single, batch = _recorded(1, 600, 400), _recorded(BATCH, 10_000, 5_000)
    yield Result("records, batches of 500", "per CPU second", batch["records_per_cpu_second"], None, 2_500, least=True)
    yield Result("records, batches of 500", "write units", batch["write_units_per_record"], None, 7.6)
    yield Result("records, batches of 500", "requests", batch["requests_per_record"])
    for customers in (100, 2_000):
        units = _recorded(BATCH, 5_000, 5_000, customers)["write_units_per_record"]
        yield Result(f"records, batches of 500, {customers:,} customers", "write units", units, None, 9.1)
    yield Result("records, one by one", "per CPU second", single["records_per_cpu_second"])
    yield Result("records, one by one", "write units", single["write_units_per_record"], None, 13.5)
    yield Result("records, one by one", "requests", single["requests_per_record"])
    for name, figures, size in (("one by one", single, 1), ("in batches of 500", batch, BATCH)):
        dollars = money.per_million(
            1000 * size / figures["records_per_cpu_second"],
            size * figures["requests_per_record"] / 2,
            size * figures["requests_per_record"] / 2,
            size * figures["read_units_per_record"],
            size * figures["write_units_per_record"],
        )
        yield Result(f"million records {name}", "USD", dollars / size)


def _recorded(size: int, records: int, warm_up: int, customers: int = CUSTOMERS) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "figures.json")
        command = [sys.executable, "-m", "bench.writes", str(size), str(records), str(warm_up), str(customers)]
        command.append(str(target))
        subprocess.run(command, cwd=here.ROOT, check=True, stdout=subprocess.DEVNULL)
        figures: dict[str, Any] = json.loads(target.read_text())
        return figures


def _money(measured: Sequence[Measured]) -> Iterator[Result]:
    for one in measured:
        if one.history == 10 and one.what in ("", "page"):
            dollars = money.per_million(one.cpu_ms, one.requests, 0, one.read_units, 0)
            yield Result(f"million answers, {BOOKS[one.open]} book, {_title(one)}", "USD", dollars)


def _neighbour(measured: Sequence[Measured]) -> Iterator[Result]:
    say("the neighbour")
    size = 10_000
    ours = [one for one in measured if (one.function, one.open, one.what) == ("receivables_overdue", size, "")]
    histories = [one.history for one in ours]
    theirs = list(neighbour.measured(size, histories, size // OPEN_PER_ACCOUNT, warm.today()))
    for one, their in zip(ours, theirs, strict=True):
        if one.aging != their.aging:
            raise proof.Unequal(f"the neighbour finds {their.aging}, not {one.aging}")
        yield Result(f"neighbour: SQL (DuckDB) on the book of {_title(one)}", "ms CPU", their.cpu_ms)
    for one, their in zip(ours, theirs, strict=True):
        if one.history:
            name = f"growth with history x{one.history}"
            yield Result(f"{name}: the neighbour", "ms CPU", their.cpu_ms, theirs[0].cpu_ms)
            yield Result(f"{name}: Arrears", "ms CPU", one.cpu_ms, one.other_ms)


def main(parts: Sequence[str]) -> None:
    """Measures, and shows what was found, also where something fails on the way."""
    found: list[Result] = []
    try:
        # The functions log to the standard output.
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            found.extend(measured(parts))
    finally:
        results.write(found, keep=bool(parts))
        results.show(found, Console(width=140))


if __name__ == "__main__":
    main(sys.argv[1:])
