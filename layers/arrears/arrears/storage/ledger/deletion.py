"""Deleting one organisation from the ledger table, found by its keys alone.

The index lists every document and counterparty; each names what belongs to it: pointers, lines, numbers, its record,
its history. These are deleted before it, so that whatever is left when this stops is still found by the next run.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from arrears.ledger.figures import NO_MONTH
from arrears.ledger.ids import outward_id
from arrears.ledger.ledger_side import Side
from arrears.storage.deletion import delete_items
from arrears.storage.dynamodb import Item, Key, get_items, query
from arrears.storage.import_slots import import_slots_partition
from arrears.storage.ledger import keys
from arrears.storage.ledger.entities import has_on_account, held_documents
from arrears.storage.ledger.index_lookup import on_account_keys
from arrears.storage.ledger.unit_of_work import MOST_ACTIONS, MOST_BYTES
from arrears.storage.transactions import PATIENT_WAITS, Failure, failure_of, transact

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_BATCH = 50
"""Documents and counterparties at once."""


class LedgerDeletion:
    """Deletes in one ledger table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def months(self, organisation: str) -> list[str]:
        """The months (YYYY-MM) that have figures."""
        partition = keys.months_partition(organisation, Side.RECEIVABLE)
        months = {keys.read_month_sort_key(sort_key).month for _, sort_key in self._partition(partition)}
        return sorted(months - {NO_MONTH})

    def delete(self, organisation: str, shards: int) -> int:
        """Deletes everything of the organisation that the index shows now; how many items it asked to delete.

        The index lags by moments, and others may still write: it is run again until it finds nothing.
        """
        deleted = 0
        for shard in range(shards):
            for side in Side:
                for partition in (
                    keys.open_partition(organisation, shard, side),
                    keys.closed_partition(organisation, shard, side),
                ):
                    for batch in batched(self._listed(partition), _BATCH, strict=False):
                        deleted += self._delete_with_parts(organisation, batch)
        months = (keys.months_partition(organisation, side) for side in Side)
        for partition in (*months, import_slots_partition(organisation), keys.changes_partition(organisation)):
            deleted += self._delete(self._partition(partition))
        deleted_before = self._listed(keys.deleted_partition(organisation))
        return deleted + self._delete(part for pk, _ in deleted_before for part in _pointer_parts(pk))

    def _delete_with_parts(self, organisation: str, listed: Sequence[Key]) -> int:
        """Deletes documents and counterparties after all that only they name or hold. Those gone already do not count.

        One that is written meanwhile stays, with what was written, and is found by the next run.
        """
        rows = [key for key in listed if keys.is_row_key(key)]
        wanted = [key for key in listed if not keys.is_row_key(key)]
        wanted += [(pk, keys.COUNTERPARTY) for pk, sk in wanted if sk == keys.ACCOUNT]
        found = get_items(self._client, self._table, wanted)
        accounts = [(key, item) for key, item in found.items() if key[1] == keys.ACCOUNT]
        deleted = self._delete(rows)
        for batch in batched(
            (document for key, item in accounts for document in held_documents(organisation, key, item)),
            _BATCH,
            strict=False,
        ):
            deleted += self._delete_with_parts(organisation, batch)
        if not found:
            return deleted
        parts = [part for key, item in found.items() for part in self._parts_of(organisation, key, item)]
        deleted += self._delete(parts) + len(found)
        for some in _transactions(found):
            try:
                transact(self._client, [self._as_read(key, item) for key, item in some], PATIENT_WAITS)
            except ClientError as error:
                if failure_of(error) is not Failure.CONFLICT:
                    raise
        return deleted

    def _parts_of(self, organisation: str, key: Key, item: Item) -> Iterator[Key]:
        yield from _parts(organisation, key, item)
        if key[1] == keys.ACCOUNT and has_on_account(item):
            for pk, _ in on_account_keys(self._client, self._table, organisation, keys.account_in(key)):
                yield from _pointer_parts(pk)

    def _as_read(self, key: Key, item: Item) -> Any:
        """Deletes an item if nobody has written it since it was read."""
        return {
            "Delete": {
                "TableName": self._table,
                "Key": {"pk": {"S": key[0]}, "sk": {"S": key[1]}},
                "ConditionExpression": "v = :v",
                "ExpressionAttributeValues": {":v": item["v"]},
            }
        }

    def _delete(self, items: Iterable[Key]) -> int:
        return delete_items(self._client, self._table, items)

    def _listed(self, partition: str) -> Iterator[Key]:
        return self._keys(IndexName=keys.INDEX, **_of("ipk", partition))

    def _partition(self, partition: str) -> Iterator[Key]:
        return self._keys(ConsistentRead=True, **_of("pk", partition))

    def _keys(self, **request: Any) -> Iterator[Key]:
        for page in query(self._client, TableName=self._table, ProjectionExpression="pk, sk", **request):
            for item in page:
                yield item["pk"]["S"], item["sk"]["S"]


def _of(attribute: str, partition: str) -> dict[str, Any]:
    return {
        "KeyConditionExpression": f"{attribute} = :partition",
        "ExpressionAttributeValues": {":partition": {"S": partition}},
    }


def _transactions(items: dict[Key, Item]) -> Iterator[list[tuple[Key, Item]]]:
    """Items in as many transactions as they need: DynamoDB counts the size of what is deleted, too."""
    some: list[tuple[Key, Item]] = []
    size = 0
    for key, item in items.items():
        own = sum(len(value["S"].encode()) for value in item.values() if "S" in value)
        if some and (len(some) == MOST_ACTIONS or size + own > MOST_BYTES):
            yield some
            some, size = [], 0
        some.append((key, item))
        size += own
    yield some


def _parts(organisation: str, key: Key, item: Item) -> Iterator[Key]:
    """The keys of all that an item names and nothing else does."""
    pk, sk = key
    content = json.loads(item["b"]["S"])
    if sk == keys.DOCUMENT:
        yield pk, keys.LINES
        for part, (own, *_) in content["parts"].items():
            kind, _, id_ = part.partition(":")
            yield from _pointed(organisation, kind, id_)
            for source in ("payment", "credit"):
                if f"{source}_id" in own:
                    yield from _pointed(organisation, source, own[f"{source}_id"])
    elif sk == keys.ACCOUNT:
        yield pk, keys.HISTORY
        yield pk, keys.MONEY
    elif sk == keys.COUNTERPARTY:
        yield from _named_by_record(organisation, keys.account_in(key)[1:], (content["record"] or [{}])[0])
        for kind in ("reminder", "promise"):
            for id_ in content[f"{kind}s"]:
                yield from _pointed(organisation, kind, id_)


def _pointed(organisation: str, kind: str, id: str) -> Iterator[Key]:
    """The items of a record that has a pointer, by the caller's id."""
    pk, _ = keys.pointer_key(organisation, kind, outward_id(organisation, kind, id))
    yield from _pointer_parts(pk)


def _pointer_parts(pk: str) -> Iterator[Key]:
    """A pointer, and what a payment or credit is, or was, as money on account."""
    yield pk, keys.POINTER
    yield pk, keys.ON_ACCOUNT


def _named_by_record(organisation: str, customer: str, record: dict[str, Any]) -> Iterator[Key]:
    if record.get("account_number"):
        yield keys.number_key(organisation, record["account_number"])
    if record.get("external_id"):
        yield keys.external_key(organisation, record["external_id"], customer)
