"""The whole ledger as records: what was told, in the form in which it can be told again."""

import json
from collections.abc import Iterable, Iterator
from itertools import batched
from typing import TYPE_CHECKING, Any

from arrears.ledger.days import day_text
from arrears.ledger.documents import Document, Part, misfits
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.storage.ledger import codec, keys
from arrears.storage.ledger.reader import Item, get_items
from arrears.storage.ledger.unit_of_work import read_document

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

type Record = dict[str, Any]

_BATCH = 50
_LINE_FIELDS = ("id", "name", "quantity", "unit_price", "amount", "tax_amount")
_PARTY_TYPES = {"c": "customer", "s": "supplier"}


class LedgerExport:
    """Reads one ledger table whole, an organisation at a time, with the index as its list."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def records(self, organisation: Organisation) -> Iterator[Record]:
        """Every record of the ledger, counterparties first; importing them gives the same answers.

        A bill comes as often as it has states, its last word last. An issue day that was inferred is marked so, and
        a due date that the policy filled in is there as any other.
        """
        for side in Side:
            yield from self._parties(organisation, side)
        for side in Side:
            for document in self.documents(organisation, side):
                yield from self._told(organisation, document)

    def documents(self, organisation: Organisation, side: Side) -> Iterator[Document]:
        """Every document of a side, pending ones too, with its facts as of recording."""
        kind = "invoice" if side is Side.RECEIVABLE else "bill"
        for batch in batched(self._listed(organisation, side, keys.DOCUMENT), _BATCH, strict=False):
            found = get_items(self._client, self._table, batch)
            for key in batch:
                if key in found:
                    yield read_document(kind, key[0][-36:], found[key])

    def accounts(self, organisation: Organisation, side: Side) -> Iterator[tuple[str, Item]]:
        """Every counterparty's key and item."""
        for batch in batched(self._listed(organisation, side, keys.ACCOUNT), _BATCH, strict=False):
            found = get_items(self._client, self._table, batch)
            for key in batch:
                if key in found:
                    yield "".join(key[0].split("#")[1:]), found[key]

    def _listed(self, organisation: Organisation, side: Side, sort_key: str) -> Iterator[keys.Key]:
        """The keys of a side's documents or accounts, each once though it may move while the index is read."""
        seen = set()
        for shard in range(organisation.shards):
            for partition in (
                keys.open_partition(organisation.id, shard, side),
                keys.rest_partition(organisation.id, shard, side),
            ):
                for page in codec.query(
                    self._client,
                    TableName=self._table,
                    IndexName=keys.INDEX,
                    KeyConditionExpression="ipk = :partition",
                    ExpressionAttributeValues={":partition": {"S": partition}},
                    ProjectionExpression="pk, sk",
                ):
                    for item in page:
                        key = item["pk"]["S"], item["sk"]["S"]
                        if key[1] == sort_key and key not in seen:
                            seen.add(key)
                            yield key

    def _parties(self, organisation: Organisation, side: Side) -> Iterator[Record]:
        for batch in batched(self.accounts(organisation, side), _BATCH, strict=False):
            files = {key: keys.account_key(organisation.id, key, keys.FILE) for key, _ in batch}
            found = get_items(self._client, self._table, list(files.values()))
            for key, item in batch:
                if files[key] in found:
                    reference = json.loads(item["b"]["S"])["reference"]
                    yield from _party(key[0], reference, json.loads(found[files[key]]["b"]["S"]))

    def _told(self, organisation: Organisation, document: Document) -> Iterator[Record]:
        """A document between the allocations that could only come before it and all others."""
        early = misfits(document)
        yield from _parts(document, ((key, part) for key, part in document.parts.items() if key in early))
        if document.head is not None:
            yield from self._heads(organisation, document, document.head)
        yield from _parts(document, ((key, part) for key, part in document.parts.items() if key not in early))

    def _heads(self, organisation: Organisation, document: Document, head: Record) -> Iterator[Record]:
        told = _record(document.kind, document.reference, [head, document.updated_at])
        if document.facts.due is not None:
            told["due_on"] = day_text(document.facts.due)
        if document.kind == "bill":
            issued, inferred = document.issued_on()
            told |= {"issued_on": day_text(issued)} | ({"issued_on_inferred": True} if inferred else {})
            before = {name: value for name, value in told.items() if name not in ("voided_on", "updated_at")}
            for state, on, scheduled, updated_at in document.states[:-1]:
                yield before | _state(state, on, scheduled) | ({"updated_at": updated_at} if updated_at else {})
        if document.lines is not None:
            key = keys.lines_key(organisation.id, document.id)
            lines = json.loads(get_items(self._client, self._table, [key])[key]["b"]["S"])
            told["lines"] = [_line(line) for line in lines]
        yield told


def _line(line: list[Any]) -> Record:
    return {name: value for name, value in zip(_LINE_FIELDS, line, strict=True) if value is not None}


def _state(state: str, on: int | None, scheduled: int | None) -> Record:
    """A state as its record told it; null clears what the bill's last word says."""
    return {
        "state": state,
        "state_on": None if on is None else day_text(on),
        "scheduled_payment_on": None if scheduled is None else day_text(scheduled),
    }


def _party(letter: str, reference: str, file: Record) -> Iterator[Record]:
    if file["record"] is not None:
        yield _record(_PARTY_TYPES[letter], reference, file["record"])
    for kind in ("reminder", "promise"):
        for id_, part in file[f"{kind}s"].items():
            yield _record(kind, id_, part)


def _parts(document: Document, parts: Iterable[tuple[str, Part]]) -> Iterator[Record]:
    for key, part in parts:
        kind, _, id_ = key.partition(":")
        yield {**_record(kind, id_, part), f"{document.kind}_id": document.reference}


def _record(kind: str, id: str, part: Part) -> Record:
    """A record from its stored content: days become dates again."""
    told, updated_at = part
    record = {"type": kind, "id": id}
    for name, value in told.items():
        is_day = name.endswith("_on") and not isinstance(value, bool)
        record[name] = day_text(value) if is_day else value
    return record if updated_at is None else {**record, "updated_at": updated_at}
