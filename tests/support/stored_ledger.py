"""A ledger in a table, to be held against one in memory."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from random import Random
from typing import Any

from arrears.ledger.accounts import AccountState
from arrears.ledger.dated_document import Account, DatedDocument
from arrears.ledger.documents import Document
from arrears.ledger.figures import Cells, add_cells, positions, without_months
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.ledger.result import Result
from arrears.storage.dynamodb import Key
from arrears.storage.ledger import codec, keys
from arrears.storage.ledger.entities import read_document
from arrears.storage.ledger.month_figures import SLOTS, MonthItem, book_cells, read_month_item
from arrears.storage.ledger.reader import LedgerStore
from arrears.storage.ledger.recorder import Recorder
from arrears.storage.ledger.unit_of_work import StoredUnitOfWork
from oracle import Book
from support.books import arrivals, noon
from support.dynamodb import current
from support.gate import Gate
from support.memory_ledger import Figures, MemoryLedger
from support.records import ORGANISATION

type Contents = dict[tuple[str, str], dict[str, Any]]


@dataclass
class Table:
    """The ledger table: a client behind a gate, and one that sees and does everything."""

    client: Any
    gate: Gate
    open: Any
    name: str

    def ledger(self, organisation: Organisation = ORGANISATION) -> "StoredLedger":
        """The ledger of an organisation in it."""
        return StoredLedger(self, organisation)

    def save(self) -> Callable[[], None]:
        """Remembers what is in the table; what it returns puts it back."""
        put_back = current().save()

        def restore() -> None:
            put_back()
            self.gate.operations()

        restore()
        return restore

    def contents(self) -> Contents:
        """Every item but the change log's, what is packed unpacked, without the versions that only conditions look at.

        The figures of a month are added up and zeros left out: in which slots they are is chance.
        """
        found: Contents = {}
        for page in self.open.get_paginator("scan").paginate(TableName=self.name):
            for item in page["Items"]:
                content = {name: _decoded(name, value) for name, value in item.items() if name not in ("pk", "sk", "v")}
                if not item["pk"]["S"].endswith(("#m", "#q", "#g")):
                    found[item["pk"]["S"], item["sk"]["S"]] = content
        return found | {(partition, f"{month}#{day}"): sums for (partition, month, day), sums in self.months().items()}

    def months(self) -> dict[tuple[str, str, int], dict[str, int]]:
        """What is not zero of the figures of months, by partition, month and the day from which they count."""
        found: dict[tuple[str, str, int], Counter[str]] = defaultdict(Counter)
        for partition, item in self.month_items():
            found[partition, item.place.month, item.place.day].update(item.sums)
        figures = {place: {name: number for name, number in sums.items() if number} for place, sums in found.items()}
        return {place: sums for place, sums in figures.items() if sums}

    def month_items(self) -> Iterator[tuple[str, MonthItem]]:
        """The items of all months' figures, each with its partition."""
        for page in self.open.get_paginator("scan").paginate(TableName=self.name):
            for item in page["Items"]:
                if item["pk"]["S"].endswith(("#m", "#q")):
                    yield item["pk"]["S"], read_month_item(item)


class StoredLedger:
    """One organisation's ledger in a table, by the words of MemoryLedger."""

    def __init__(self, table: Table, organisation: Organisation) -> None:
        self.organisation = organisation
        self.table = table
        self.store = LedgerStore(table.client, table.name)
        self.recorder = Recorder(table.client, table.name, partial(Random(1).randrange, SLOTS))

    def record(self, records: Iterable[Any], today: int) -> list[Result]:
        return self.recorder.record(self.organisation, list(records), self._at_noon(today))

    def close_documents(self, today: int) -> int:
        documents, moment = self.documents(), self._at_noon(today)
        ids = {kind: [d.id for d in documents if d.kind == kind] for kind in ("invoice", "bill")}
        return sum(self.recorder.close_documents(self.organisation, kind, ids[kind], moment) for kind in ids)

    def accounts(self, side: Side, day: int, today: int) -> Iterator[tuple[Account, list[DatedDocument]]]:
        """With all that a row may take: the functions read it for the rows that they show."""
        for account, documents in self.store.accounts(self.organisation, side, day, today):
            whole = self.store.complete(self.organisation, side, [account], day, today)
            yield whole.get(account.id, account), documents

    def collection(self, today: int) -> Figures:
        return self.store.collection(self.organisation, today)

    def documents(self) -> list[Document]:
        return [
            read_document(keys.document_kind(key), keys.document_id(key), {"b": {"S": json.dumps(item["b"])}})
            for key, item in self._mine(keys.DOCUMENT)
        ]

    def account_items(self) -> dict[str, dict[str, Any]]:
        """What is kept of each counterparty, by its key."""
        return {keys.account_in(key): item for key, item in self._mine(keys.ACCOUNT)}

    def _mine(self, sort_key: str) -> Iterator[tuple[Key, dict[str, Any]]]:
        for (pk, sk), item in self.table.contents().items():
            if sk == sort_key and pk.startswith(self.organisation.id + "#"):
                yield (pk, sk), item

    def _at_noon(self, day: int) -> datetime:
        zone = self.organisation.timezone
        return noon(date.fromordinal(day), zone)


def in_table(table: Table, book: Book, organisation: Organisation) -> StoredLedger:
    """A ledger in a table with the book's records, written day by day."""
    ledger = table.ledger(organisation)
    for moment, records in arrivals(book):
        ledger.record(records, organisation.today(moment))
    return ledger


def check_same(ledger: StoredLedger, memory: MemoryLedger) -> None:
    """Raises unless a table keeps the documents and accounts that memory keeps."""
    assert {d.id: d for d in ledger.documents()} == {d.id: d for d in memory.documents()}
    kept = ledger.account_items()
    for state in memory.account_states():
        stored, shown = kept[state.key]["b"], kept[state.key]["p"]
        assert (stored["open"], stored["documents"]) == (state.open, state.documents)
        assert stored["names"] == [list(name) for name in state.names]
        assert {int(day): count for day, count in stored["rested"].items()} == state.closed_by_day
        account = codec.account_in(state.id, shown)
        assert account.name == state.display_name()
        assert list(account.promises) == state.promises
    check_sums(ledger)


def check_sums(ledger: StoredLedger) -> None:
    """Raises unless accounts hold or list their open documents as they are stored, and the sums are those of all.

    What something dated ahead will change is in no sum.
    """
    documents: dict[str | None, dict[str, Document]] = {}
    for document in ledger.documents():
        documents.setdefault(document.account, {})[document.id] = document
    expected: dict[Side, Cells] = {side: {} for side in Side}
    for key, item in ledger.account_items().items():
        own = {id_: one for id_, one in documents.get(key, {}).items() if not one.closed}
        state = _account_state(ledger, key)
        assert state.large or state.opened.keys() == own.keys()
        assert item["b"].get("on_account") is not None or len(own) == state.open
        for id_, held in state.opened.items():
            assert codec.pack_document(held) == codec.pack_document(own[id_].dated)
        if item["isk"].startswith("!") and not item["isk"].startswith("!!"):
            state.large, state.summed = False, {}
            state.opened = {id_: one.dated for id_, one in own.items()}
            cells = state.cells()
            assert [row for row in _rows(ledger, state) if row] == list(positions(cells))
            add_cells(expected[state.side], cells.items())
    for side, cells in expected.items():
        stored = book_cells(ledger.table.client, ledger.table.name, ledger.organisation, side)
        assert without_months(stored) == without_months(cells)


def _account_state(ledger: StoredLedger, key: str) -> AccountState:
    work = StoredUnitOfWork(ledger.table.open, ledger.table.name, ledger.organisation, 0)
    return work.account(key, "")


def _rows(ledger: StoredLedger, account: AccountState) -> list[str]:
    """The currencies in which an account is listed; "" where it has no row."""
    return sorted(
        item["isk"][1:4].replace("~~~", "")
        for (pk, sk), item in ledger.table.contents().items()
        if pk == f"{ledger.organisation.id}#{account.key[0]}#{account.id}" and (sk == "a" or sk.startswith("r"))
    )


def _decoded(name: str, value: dict[str, str]) -> Any:
    kind, text = next(iter(value.items()))
    if kind == "N":
        return int(text)
    return json.loads(text) if name in ("p", "b") else text
