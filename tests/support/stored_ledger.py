"""A ledger in a table, to be held against one in memory."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from arrears.ledger.dated_document import Account, DatedDocument
from arrears.ledger.documents import Document
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.ledger.result import Result
from arrears.storage.dynamodb import Key
from arrears.storage.ledger import codec, keys
from arrears.storage.ledger.entities import read_document
from arrears.storage.ledger.reader import LedgerStore
from arrears.storage.ledger.recorder import Recorder
from support.books import noon
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
        """Every item, what is packed in it unpacked, without the versions that only conditions look at."""
        found: Contents = {}
        for page in self.open.get_paginator("scan").paginate(TableName=self.name):
            for item in page["Items"]:
                found[item["pk"]["S"], item["sk"]["S"]] = {
                    name: _decoded(name, value) for name, value in item.items() if name not in ("pk", "sk", "v")
                }
        return found


class StoredLedger:
    """One organisation's ledger in a table, by the words of MemoryLedger."""

    def __init__(self, table: Table, organisation: Organisation) -> None:
        self.organisation = organisation
        self.table = table
        self.store = LedgerStore(table.client, table.name)
        self.recorder = Recorder(table.client, table.name)

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


def check_same(ledger: StoredLedger, memory: MemoryLedger) -> None:
    """Raises unless a table keeps the documents and accounts that memory keeps."""
    assert {d.id: d for d in ledger.documents()} == {d.id: d for d in memory.documents()}
    kept = ledger.account_items()
    for state in memory.account_states():
        stored, shown = kept[state.key]["b"], kept[state.key]["p"]
        assert (stored["open"], stored["documents"]) == (state.open, state.documents)
        assert stored["names"] == [list(name) for name in state.names]
        assert {int(day): count for day, count in stored["rested"].items()} == state.closed_by_day
        assert shown[2] == state.display_name()
        assert list(codec.unpack_account(state.id, shown).promises) == state.promises


def _decoded(name: str, value: dict[str, str]) -> Any:
    kind, text = next(iter(value.items()))
    if kind == "N":
        return int(text)
    return json.loads(text) if name in ("p", "b") else text
