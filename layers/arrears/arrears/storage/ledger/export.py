"""The whole ledger as records, in the form in which they can be recorded again."""

import json
from collections.abc import Iterator
from itertools import batched
from typing import TYPE_CHECKING

from arrears.ledger.documents import Document, misfits
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
from arrears.storage.ledger.rendered_records import (
    Lines,
    Record,
    contact_records,
    head_record,
    on_account_record,
    part_records,
    party_record,
    state_fields,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_BATCH = 50


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
                    record = read_counterparty_record(found[own[account]])
                    party = party_record(account[0], reference, record)
                    yield from [] if party is None else [party]
                    yield from contact_records(record)
                if has_on_account(item):
                    for money in self.on_account(organisation, account):
                        record_on_account = on_account_record(money)
                        if record_on_account is not None:
                            yield record_on_account

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
        yield from part_records(document, ((key, part) for key, part in document.parts.items() if key in early))
        yield from self._heads(organisation, document)
        yield from part_records(document, ((key, part) for key, part in document.parts.items() if key not in early))

    def _heads(self, organisation: Organisation, document: Document) -> Iterator[Record]:
        record = head_record(document, self._lines(organisation, document))
        if record is None:
            return
        if document.kind == "bill":
            before = {name: value for name, value in record.items() if name not in ("voided_on", "updated_at")}
            for entry in document.states[:-1]:
                yield before | state_fields(entry)
        yield record

    def _lines(self, organisation: Organisation, document: Document) -> Lines:
        if document.lines is None:
            return []
        key = keys.lines_key(organisation.id, document.id)
        lines: Lines = json.loads(get_items(self._client, self._table, [key])[key]["b"]["S"])
        return lines


def _keys_in(organisation: Organisation, item: Item) -> Iterator[Key]:
    """The key of a listed item, and those of the open documents that an account holds."""
    key = item["pk"]["S"], item["sk"]["S"]
    yield key
    if key[1] == keys.ACCOUNT and "p" in item:
        yield from held_documents(organisation.id, key, item)
