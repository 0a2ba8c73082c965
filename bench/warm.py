"""What answers cost as books and their history grow: processor time, memory, requests and read units."""

import json
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import here
from bench.book import OPEN_PER_ACCOUNT, Bulk, open_papers, organisation_of, settled_papers
from bench.table import Tables

SIZES = (1_000, 10_000, 100_000)
MOST_DOCUMENTS = {"invoice": 1_100_000, "bill": 110_000}
FUNCTIONS = {
    "receivables_overdue": ("invoice", "/receivables/overdue"),
    "payables_overdue": ("bill", "/payables/overdue"),
    "receivables_aging": ("invoice", "/receivables/aging"),
    "overdue_balance": ("invoice", "/analytics/overdue_balance"),
    "invoice_collection": ("invoice", "/analytics/invoice_collection"),
}


type Transcript = list[tuple[str, bytes, bytes]]
"""Requests, each an operation and its body, with the answers to them."""


@dataclass(frozen=True, slots=True)
class Measured:
    """An answer of a book: its cost. history: settled documents per open one. cold_requests: with nothing cached.

    other_ms: processor time of the answer that was measured in turns with it, if one was.
    """

    function: str
    what: str
    open: int
    history: int
    status: int
    cpu_ms: float
    wall_ms: float
    floor_ms: float
    other_ms: float | None
    peak_mb: float
    requests: int
    cold_requests: int
    read_units: float
    documents: int
    bytes: int
    aging: dict[str, list[int]]

    @property
    def ratio(self) -> float:
        """To the floor."""
        return self.cpu_ms / self.floor_ms


class Book:
    """A book of one kind of document in a table of its own, growing backwards."""

    def __init__(self, kind: str, open_count: int) -> None:
        self.kind, self.open, self.history = kind, open_count, 0
        self.table = Tables(keep_documents=False)
        self.organisation, self.key = organisation_of(self.table)
        self.today = self.organisation.today(here.now())
        self._bulk = Bulk(self.table, self.organisation, kind, open_count // OPEN_PER_ACCOUNT, self.today)
        self._bulk.add(open_papers(kind, open_count, self.today))
        self._without: dict[tuple[str, str], Transcript] = {}

    def grow(self, history: int) -> None:
        """Makes it so many settled documents per open one."""
        first, accounts = self.history * self.open, self.open // OPEN_PER_ACCOUNT
        more = history * self.open - first
        self._bulk.add(settled_papers(self.kind, first, more, accounts, self.today))
        self.history = history

    def measure(self, function: str, what: str = "", against: Transcript | None = None, **query: str) -> Measured:
        """An answer's cost, in a process of its own, in turns with another book's answer or that without history."""
        event = here.event(FUNCTIONS[function][1], self.key, query)
        cold, warm, read_units, documents, transcript = self._traced(function, event)
        if self.history == 0:
            self._without[function, what] = transcript
        elif against is None:
            against = self._without.get((function, what))
        figures = _in_process_of_its_own(function, event, transcript, against)
        return Measured(
            function,
            what,
            self.open,
            self.history,
            requests=warm,
            cold_requests=cold,
            read_units=read_units,
            documents=documents,
            **figures,
        )

    def transcript(self, function: str) -> Transcript:
        """What the tables answer to a function's requests."""
        return self._traced(function, here.event(FUNCTIONS[function][1], self.key))[-1]

    def _traced(self, function: str, event: dict[str, Any]) -> tuple[int, int, float, int, Transcript]:
        """Requests with nothing cached and with the key cached, read units, documents read, and what was answered.

        A key's first request of a day notes that it was used; that one is not counted.
        """
        handler, table = answered_by(self.table, function)
        handler(event, None)
        handler, table = answered_by(self.table, function)
        table.reset()
        table.recording, table.transcript = True, []
        handler(event, None)
        cold = table.requests.total()
        table.recording = False
        table.reset()
        handler(event, None)
        pages = [json.loads(answer)["Items"] for operation, _, answer in table.transcript if operation == "Query"]
        documents = sum(len(item["isk"]["S"]) > 45 for page in pages for item in page if "isk" in item)
        return cold, table.requests.total(), table.read_units, documents, table.transcript


def answered_by(table: Tables, function: str) -> tuple[here.Handler, Tables]:
    """A function whose requests a table answers, with nothing cached."""
    from arrears import runtime

    runtime.services.cache_clear()
    table.attach(runtime.services().client)
    return here.handler(function), table


def _in_process_of_its_own(
    function: str, event: dict[str, Any], transcript: Transcript, against: Transcript | None
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _keep(transcript, folder / "own")
        if against is not None:
            _keep(against, folder / "against")
        asked = json.dumps({"folder": temporary, "function": function, "event": event})
        command = [sys.executable, "-m", "bench.answer", asked]
        subprocess.run(command, cwd=here.ROOT, check=True, stdout=subprocess.DEVNULL)
        figures: dict[str, Any] = json.loads((folder / "figures.json").read_text())
        return figures


def _keep(transcript: Transcript, folder: Path) -> None:
    folder.mkdir()
    known = {}
    for number, (operation, body, answer) in enumerate(transcript):
        path = folder / str(number)
        path.write_bytes(answer)
        known[operation, body] = path
    (folder / "requests").write_bytes(pickle.dumps(known))


def today() -> int:
    """The organisation's today."""
    table = Tables()
    return organisation_of(table)[0].today(here.now())


def measured(say: Callable[[str], None]) -> Iterator[Measured]:
    """Every answer of every book."""
    here.set_environment()
    collections: dict[int, Transcript] = {}
    for kind in ("invoice", "bill"):
        for size in SIZES:
            book = Book(kind, size)
            for history in (0, 10, 100):
                if size * (history + 1) <= MOST_DOCUMENTS[kind]:
                    say(f"{size:,} open {kind}s, {size * history:,} settled")
                    book.grow(history)
                    yield from _answers(book, collections)
    yield from _past(say)


def _answers(book: Book, collections: dict[int, Transcript]) -> Iterator[Measured]:
    """The full report while it fits into an answer, and its first page beyond that; what is overdue and collected.

    collections: by history, what the smallest book of as many months collected, to hold larger ones against.
    """
    report = "receivables_overdue" if book.kind == "invoice" else "payables_overdue"
    if book.open > 10_000:
        yield book.measure(report, "too large")
        yield book.measure(report, "page", limit="1000")
    else:
        yield book.measure(report)
        if book.kind == "invoice":
            yield book.measure("receivables_aging")
    if book.kind == "invoice":
        yield book.measure("overdue_balance")
        yield book.measure("overdue_balance", "one customer", external_customer_id="ext-7")
        yield book.measure("invoice_collection", against=collections.get(book.history))
        collections.setdefault(book.history, book.transcript("invoice_collection"))


def _past(say: Callable[[str], None]) -> Iterator[Measured]:
    """A day a year back, with as much settled since as is open."""
    from arrears.ledger.days import day_text

    say("10,000 open invoices, as much settled since a year ago and in the year before")
    book = Book("invoice", 10_000)
    book.grow(2)
    yield book.measure("receivables_overdue", "past: today")
    yield book.measure("receivables_overdue", "past", asOf=day_text(book.today - 365))
