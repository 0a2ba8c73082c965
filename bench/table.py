"""The tests' DynamoDB, with what a measurement needs: counts of requests, its own time, and room for a million rows."""

import marshal
import time
from collections import Counter, defaultdict
from types import SimpleNamespace
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse

from bench import here
from support.dynamodb import DynamoDB, Index, Item, Key, Table
from support.expressions import project
from template import create_tables

_COUNTERS = f'"{here.ENVIRONMENT["COUNTERS_TABLE"]}"'.encode()


class Packed(dict[tuple[str, str, str], Any]):
    """Items of a partition as bytes, of which a million fit into memory."""

    def __setitem__(self, key: tuple[str, str, str], item: Item) -> None:
        super().__setitem__(key, marshal.dumps(item))

    def __getitem__(self, key: tuple[str, str, str]) -> Item:
        item: Item = marshal.loads(super().__getitem__(key))
        return item

    def get(self, key: tuple[str, str, str], default: Any = None) -> Any:
        """The item of a key."""
        packed = super().get(key)
        return default if packed is None else marshal.loads(packed)


class Tables(DynamoDB):
    """The template's tables, empty. keep_documents: False keeps of documents only what the indexes show.

    requests: by operation; those of the counters table are beside the others, one a second at most, and left out.
    spent: seconds of processor time that answering took, to be taken off.
    """

    def __init__(self, keep_documents: bool = True) -> None:
        super().__init__()
        self._keep_documents = keep_documents
        self.transcript: list[tuple[str, bytes, bytes]] = []
        self.recording = False
        self.requests: Counter[str] = Counter()
        self.spent = 0.0
        create_tables(SimpleNamespace(create_table=lambda **asked: self._perform("CreateTable", asked)))
        for table in self.tables.values():
            for index in table.indexes.values():
                index.partitions = defaultdict(Packed)

    @property
    def ledger(self) -> Table:
        """The table of documents, accounts and months."""
        return self.tables[here.ENVIRONMENT["LEDGER_TABLE"]]

    @property
    def state(self) -> Index:
        """The index that reports read."""
        return self.ledger.indexes["state"]

    @property
    def write_units(self) -> float:
        """Write units of tables and indexes."""
        return self.units["table"] + self.units["index"]

    def attach(self, client: Any) -> None:
        """Answers this client's requests."""
        client.meta.events.register_first("before-send.dynamodb", self.send)

    def answer(self, operation: str, request: AWSRequest) -> AWSResponse:
        """The HTTP answer to an operation."""
        started = time.process_time()
        answered = super().answer(operation, request)
        body = request.body.encode() if isinstance(request.body, str) else request.body
        if _COUNTERS not in body:
            self.requests[operation] += 1
            if self.recording:
                self.transcript.append((operation, body, answered.content))
        self.spent += time.process_time() - started
        return answered

    def perform(self, operation: str, request: Any) -> Any:
        """What is answered to an operation, without HTTP. Raises Failure."""
        self.requests[operation] += 1
        return self._perform(operation, request)

    def reset(self) -> None:
        """Counts from zero."""
        self.requests.clear()
        self.units.clear()
        self.read_units = self.spent = 0.0

    def _TransactWriteItems(self, asked: Any) -> Any:  # noqa: N802
        answered = super()._TransactWriteItems(asked)
        # Nothing is sent twice here; a million requests would not fit into memory.
        self._tokens.clear()
        return answered

    def _put(self, table: Table, key: Key, after: Item | None, factor: int) -> None:
        super()._put(table, key, after, factor)
        if not self._keep_documents and key[1] == "d" and after is not None:
            table.own.show(key, after, None)


def rows(index: Index, partition: str) -> list[Item]:
    """What an index shows of a partition, in order, without its keys of the table and of the partition."""
    shown = index.partitions[partition]
    asked = {"ProjectionExpression": f"{index.names.order}, p"}
    return [project(shown[place], asked) for place in index.order(partition)]
