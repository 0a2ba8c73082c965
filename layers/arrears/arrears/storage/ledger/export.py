"""The whole ledger as records, in the form in which they can be recorded again."""

import json
from collections.abc import Iterable, Iterator
from itertools import batched
from typing import TYPE_CHECKING, Any

from arrears.ledger.accounts import CounterpartyRecord
from arrears.ledger.days import day_text
from arrears.ledger.documents import Document, Part, StateEntry, misfits
from arrears.ledger.ledger_side import Side
from arrears.ledger.on_account_records import OnAccountRecord
from arrears.ledger.organisation import Organisation
from arrears.storage.dynamodb import Item, Key, get_items, query
from arrears.storage.ledger import keys
from arrears.storage.ledger.entities import (
    has_on_account,
    held_documents,
    read_counterparty_record,
    read_document,
    read_on_account,
)
from arrears.storage.ledger.index_lookup import on_account_keys

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
        """Every record of the ledger, counterparties first; importing them leads to the same answers.

        A bill comes as often as it has states, its latest record last. An issue day that was inferred is marked so, and
        a due date that the policy filled in is there as any other.
        """
        for side in Side:
            yield from self._parties(organisation, side)
        for side in Side:
            for document in self.documents(organisation, side):
                yield from self._document_records(organisation, document)

    def documents(self, organisation: Organisation, side: Side) -> Iterator[Document]:
        """Every document of a side, pending ones too, dated as of recording."""
        kind = "invoice" if side is Side.RECEIVABLE else "bill"
        for batch in batched(self._listed(organisation, side, keys.DOCUMENT), _BATCH, strict=False):
            found = get_items(self._client, self._table, batch)
            for key in batch:
                if key in found:
                    yield read_document(kind, keys.document_id(key), found[key])

    def accounts(self, organisation: Organisation, side: Side) -> Iterator[tuple[str, Item]]:
        """Every counterparty's key and item."""
        for batch in batched(self._listed(organisation, side, keys.ACCOUNT), _BATCH, strict=False):
            found = get_items(self._client, self._table, batch)
            for key in batch:
                if key in found:
                    yield keys.account_in(key), found[key]

    def versioned(self, organisation: Organisation) -> Iterator[Key]:
        """The keys of all items that have a version: documents, accounts, counterparty records, money on account.

        Whether there is a counterparty record is not looked up. Money that is not on account any more is not listed; it
        never changes alone.
        """
        for side in Side:
            yield from self._listed(organisation, side, keys.DOCUMENT)
            for account, item in self.accounts(organisation, side):
                yield keys.account_key(organisation.id, account)
                yield keys.account_key(organisation.id, account, keys.COUNTERPARTY)
                if has_on_account(item):
                    yield from on_account_keys(self._client, self._table, organisation.id, account)

    def _listed(self, organisation: Organisation, side: Side, sort_key: str) -> Iterator[Key]:
        """The keys of a side's documents or accounts, each once though it may move while the index is read."""
        seen = set()
        for shard in range(organisation.shards):
            for partition in (
                keys.open_partition(organisation.id, shard, side),
                keys.closed_partition(organisation.id, shard, side),
            ):
                for page in query(
                    self._client,
                    TableName=self._table,
                    IndexName=keys.INDEX,
                    KeyConditionExpression="ipk = :partition",
                    ExpressionAttributeValues={":partition": {"S": partition}},
                    ProjectionExpression="pk, sk, p" if sort_key == keys.DOCUMENT else "pk, sk",
                ):
                    for key in (key for item in page for key in _keys_in(organisation, item)):
                        if key[1] == sort_key and key not in seen:
                            seen.add(key)
                            yield key

    def _parties(self, organisation: Organisation, side: Side) -> Iterator[Record]:
        for batch in batched(self.accounts(organisation, side), _BATCH, strict=False):
            own = {account: keys.account_key(organisation.id, account, keys.COUNTERPARTY) for account, _ in batch}
            found = get_items(self._client, self._table, list(own.values()))
            for account, item in batch:
                if own[account] in found:
                    reference = json.loads(item["b"]["S"])["reference"]
                    yield from _party(account[0], reference, read_counterparty_record(found[own[account]]))
                if has_on_account(item):
                    for money in self.on_account(organisation, account):
                        if money.part is not None:
                            yield _record(money.kind, money.reference, money.part)

    def on_account(self, organisation: Organisation, account: str) -> Iterator[OnAccountRecord]:
        """A party's payments and credits on account."""
        listed = on_account_keys(self._client, self._table, organisation.id, account)
        for batch in batched(listed, _BATCH, strict=False):
            found = get_items(self._client, self._table, batch)
            for key in batch:
                if key in found:
                    yield read_on_account(*keys.on_account_id(key), found[key])

    def _document_records(self, organisation: Organisation, document: Document) -> Iterator[Record]:
        """A document between the allocations that could only come before it and all others."""
        early = misfits(document)
        yield from _parts(document, ((key, part) for key, part in document.parts.items() if key in early))
        if document.head is not None:
            yield from self._heads(organisation, document, document.head)
        yield from _parts(document, ((key, part) for key, part in document.parts.items() if key not in early))

    def _heads(self, organisation: Organisation, document: Document, head: Record) -> Iterator[Record]:
        record = _record(document.kind, document.reference, Part(head, document.updated_at))
        if document.dated.due is not None:
            record["due_on"] = day_text(document.dated.due)
        if document.kind == "bill":
            issued, inferred = document.issued_on()
            record |= {"issued_on": day_text(issued)} | ({"issued_on_inferred": True} if inferred else {})
            before = {name: value for name, value in record.items() if name not in ("voided_on", "updated_at")}
            for entry in document.states[:-1]:
                yield before | _state(entry) | ({"updated_at": entry.updated_at} if entry.updated_at else {})
        if document.lines is not None:
            key = keys.lines_key(organisation.id, document.id)
            lines = json.loads(get_items(self._client, self._table, [key])[key]["b"]["S"])
            record["lines"] = [_line(line) for line in lines]
        yield record


def _keys_in(organisation: Organisation, item: Item) -> Iterator[Key]:
    """The key of a listed item, and those of the open documents that an account holds."""
    key = item["pk"]["S"], item["sk"]["S"]
    yield key
    if key[1] == keys.ACCOUNT and "p" in item:
        yield from held_documents(organisation.id, key, item)


def _line(line: list[Any]) -> Record:
    return {name: value for name, value in zip(_LINE_FIELDS, line, strict=True) if value is not None}


def _state(entry: StateEntry) -> Record:
    """A state as its record had it; null clears what the bill's latest record says."""
    return {
        "state": entry.state,
        "state_on": None if entry.state_on is None else day_text(entry.state_on),
        "scheduled_payment_on": None if entry.scheduled_payment_on is None else day_text(entry.scheduled_payment_on),
    }


def _party(letter: str, reference: str, own: CounterpartyRecord) -> Iterator[Record]:
    if own.record is not None:
        yield _record(_PARTY_TYPES[letter], reference, own.record)
    for kind, parts in (("reminder", own.reminders), ("promise", own.promises)):
        for id_, part in parts.items():
            yield _record(kind, id_, part)


def _parts(document: Document, parts: Iterable[tuple[str, Part]]) -> Iterator[Record]:
    for key, part in parts:
        kind, _, id_ = key.partition(":")
        yield {**_record(kind, id_, part), f"{document.kind}_id": document.reference}


def _record(kind: str, id: str, part: Part) -> Record:
    """A record from its stored content: days become dates again."""
    record = {"type": kind, "id": id}
    for name, value in part.content.items():
        is_day = name.endswith("_on") and not isinstance(value, bool)
        record[name] = day_text(value) if is_day else value
    return record if part.updated_at is None else {**record, "updated_at": part.updated_at}
