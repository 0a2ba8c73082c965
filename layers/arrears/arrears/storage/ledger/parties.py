"""Reads one party: who it is, its documents since a day, and the single records on some of them.

Its open documents are in the index `state`, its closed ones in the index `account`. A book may be older than that
index; so what it lists is counted, and where something lacks all that is closed in the party's shard is read instead.
"""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any

from arrears.ledger.customers import AccountLocation
from arrears.ledger.dated_document import Account, DatedDocument
from arrears.ledger.days import NEVER, day_of, year_before
from arrears.ledger.errors import UNAVAILABLE, ArrearsError
from arrears.ledger.ids import name_only_id, outward_id
from arrears.ledger.in_hand import without
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.ledger.parties import (
    DocumentRecords,
    MoneyRecord,
    Party,
    ReminderRecord,
    read_document_records,
    read_money_record,
)
from arrears.ledger.reminders import read_reminders
from arrears.ledger.time_limit import TimeLimit
from arrears.storage.dynamodb import BATCH, Item, Key, get_items, query
from arrears.storage.ledger import codec, keys
from arrears.storage.ledger.reader import LedgerStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_KINDS = {"P": "payment", "K": "credit"}
"""By the letter of a source, the type of its record."""
_LAG_SECONDS = 0.1
"""How long to wait for the index to catch up before reading the closed documents of the whole shard."""


class PartyStore:
    """Reads single parties of one ledger table."""

    def __init__(
        self, client: "DynamoDBClient", table: str, ledger: LedgerStore, limit: TimeLimit | None = None
    ) -> None:
        self._client = client
        self._table = table
        self._ledger = ledger
        self._limit = limit

    def find(self, organisation: Organisation, side: Side, id: str) -> Party | None:
        """The party of a UUID or of the caller's own id; a supplier without an id also by its name."""
        if not id or len(id) > keys.MAX_TEXT_LENGTH:
            return None
        for key in _candidates(organisation, side, id):
            parts = (keys.ACCOUNT, keys.COUNTERPARTY, keys.HISTORY, keys.MONEY)
            own = [keys.account_key(organisation.id, key, part) for part in parts]
            found = get_items(self._client, self._table, own)
            account, *others = (found.get(one) for one in own)
            if account is not None and codec.is_known(account):
                return _party(organisation, key, account, *others)
        return None

    def as_of(
        self, organisation: Organisation, party: Party, day: int, today: int
    ) -> tuple[Account, list[DatedDocument]]:
        """Its account and the documents that may count on `day`: what a row of the overdue report is made of."""
        if day >= today:
            return party.account, self._open(organisation, party)
        return self.since(organisation, party, year_before(day) + 1)

    def since(self, organisation: Organisation, party: Party, day: int) -> tuple[Account, list[DatedDocument]]:
        """Its account, and its documents that are open, or closed from `day` or later, or never counted.

        What never counted may have money applied to it. Everything else has nothing dated on `day` or later.
        """
        opened = {document.id: document for document in self._open(organisation, party)}
        closed = self._closed(organisation, party, day)
        if not self._has_all(organisation, party, closed, day):
            time.sleep(_LAG_SECONDS)
            opened = {document.id: document for document in self._open(organisation, party)}
            closed = self._closed(organisation, party, day)
            if not self._has_all(organisation, party, closed, day):
                closed = self._closed_among_all(organisation, party, day)
        closed = {id_: document for id_, document in closed.items() if id_ not in opened}
        return without(party.account, closed.values()), [*opened.values(), *closed.values()]

    def _has_all(self, organisation: Organisation, party: Party, closed: dict[str, DatedDocument], day: int) -> bool:
        """Whether the index lists as many closed documents as the account counts."""
        return len(closed) >= party.closed or (
            len(closed) + self._closed_before(organisation, party, day) >= party.closed
        )

    def _open(self, organisation: Organisation, party: Party) -> list[DatedDocument]:
        location = AccountLocation(party.account.id, party.shard)
        found = self._in_time(self._ledger.accounts_of(organisation, party.side, [location]))
        return [document for _, documents in found for document in documents]

    def _closed(self, organisation: Organisation, party: Party, day: int) -> dict[str, DatedDocument]:
        """By the account's own index: closed from `day` or later, or since ever."""
        found = {}
        for first, end in ((keys.closed_since(0), keys.closed_since(1)), keys.closed_from_on(day)):
            for item in self._listed(organisation, party, first, end, ProjectionExpression="ask, p"):
                _, id_ = keys.read_account_sort_key(item["ask"]["S"])
                found[id_] = DatedDocument(id_, *json.loads(item["p"]["S"]))
        return found

    def _closed_before(self, organisation: Organisation, party: Party, day: int) -> int:
        """How many closed documents the index lists between the first day and `day`."""
        first, end = keys.closed_since(1), keys.closed_since(day)
        if first >= end:
            return 0
        answer = 0
        request = self._request(organisation, party, first, end)
        while True:
            page = self._client.query(**request, Select="COUNT")
            answer += page["Count"]
            if "LastEvaluatedKey" not in page:
                return answer
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _listed(self, organisation: Organisation, party: Party, first: str, end: str, **more: str) -> Iterator[Item]:
        for page in self._in_time(query(self._client, **self._request(organisation, party, first, end), **more)):
            yield from page

    def _request(self, organisation: Organisation, party: Party, first: str, end: str) -> dict[str, Any]:
        """A query of the account's index from one sort key to another; what is listed ends after both."""
        values = {
            ":partition": {"S": keys.account_partition(organisation.id, party.key)},
            ":first": {"S": first},
            ":end": {"S": end},
        }
        return {
            "TableName": self._table,
            "IndexName": keys.ACCOUNT_INDEX,
            "KeyConditionExpression": "apk = :partition AND ask BETWEEN :first AND :end",
            "ExpressionAttributeValues": values,
        }

    def _closed_among_all(self, organisation: Organisation, party: Party, day: int) -> dict[str, DatedDocument]:
        """From the closed documents of every account of its shard: for books older than the account's own index."""
        found = {}
        pages = query(
            self._client,
            TableName=self._table,
            IndexName=keys.INDEX,
            KeyConditionExpression="ipk = :partition",
            ExpressionAttributeValues={
                ":partition": {"S": keys.closed_partition(organisation.id, party.shard, party.side)}
            },
            ProjectionExpression="isk, p",
        )
        for sort_key, packed in codec.unpacked_rows(self._in_time(pages)):
            closed = keys.read_closed_sort_key(sort_key)
            mine = closed.document and closed.account == party.account.id
            if mine and (closed.closed_from >= day or closed.closed_from == 0):
                found[closed.document] = DatedDocument(closed.document, *packed)
        return found

    def records(self, organisation: Organisation, party: Party, documents: Iterable[str]) -> dict[str, DocumentRecords]:
        """What the records on some of its documents say, by the documents' ids.

        Raises ArrearsError (unavailable) when one is not there any more: it was written between two reads.
        """
        kind = "invoice" if party.side is Side.RECEIVABLE else "bill"
        wanted = {id_: keys.document_key(organisation.id, kind, id_) for id_ in documents}
        items = self._items(wanted.values())
        if any(key not in items for key in wanted.values()):
            raise ArrearsError(UNAVAILABLE, "The party's documents are being written; try again.", retry_after=1)
        return {id_: _document_records(id_, items[key]) for id_, key in wanted.items()}

    def on_account(self, organisation: Organisation, sources: Iterable[str]) -> dict[str, MoneyRecord]:
        """Payments and credits on account by their sources; see MoneyChange.

        Raises ArrearsError (unavailable) when one is not on account any more: it was written between two reads.
        """
        wanted = {source: keys.source_key(organisation.id, source) for source in sources}
        items = self._items(wanted.values())
        found = {source: _money_record(source, items.get(key)) for source, key in wanted.items()}
        complete = {source: record for source, record in found.items() if record is not None}
        if len(complete) < len(wanted):
            raise ArrearsError(UNAVAILABLE, "The party's payments are being written; try again.", retry_after=1)
        return complete

    def _items(self, wanted: Iterable[Key]) -> dict[Key, Item]:
        found: dict[Key, Item] = {}
        for batch in self._in_time(batched(wanted, BATCH, strict=False)):
            found |= get_items(self._client, self._table, batch)
        return found

    def _in_time[T](self, read: Iterable[T]) -> Iterable[T]:
        return read if self._limit is None else self._limit.around(read)


def _party(
    organisation: Organisation,
    key: str,
    item: Item,
    counterparty: Item | None,
    history: Item | None,
    money: Item | None,
) -> Party:
    state = json.loads(item["b"]["S"])
    stored = {} if counterparty is None else json.loads(counterparty["b"]["S"])
    record = stored.get("record")
    contents = {id_: content for id_, (content, *_) in stored.get("reminders", {}).items()}
    account = codec.stored_account(key[1:], item)
    account = account._replace(
        reminders=read_reminders(organisation, contents),
        history=codec.history_of(item, history) or [],
        money=codec.money_of(item, money) or [],
        aggregated_after=NEVER,
        money_from=0,
    )
    return Party(
        key,
        state["shard"],
        state["reference"],
        account,
        record[0] if record else {},
        _reminders(organisation, contents),
        state["documents"] - state["open"],
    )


def _candidates(organisation: Organisation, side: Side, id: str) -> Sequence[str]:
    """The keys of the accounts that an id may mean, in the order in which they are tried."""
    if side is Side.RECEIVABLE:
        return ["c" + outward_id(organisation.id, "customer", id)]
    return ["s" + outward_id(organisation.id, "supplier", id), "n" + name_only_id(organisation.id, id)]


def _reminders(organisation: Organisation, contents: dict[str, dict[str, Any]]) -> list[ReminderRecord]:
    found = [
        ReminderRecord(
            id_,
            content["sent_at"],
            day_of(datetime.fromisoformat(content["sent_at"]), organisation.timezone),
            content.get("invoice_ids") or (),
        )
        for id_, content in contents.items()
    ]
    return sorted(found, key=lambda reminder: (reminder.sent_at, reminder.id))


def _money_record(source: str, item: Item | None) -> MoneyRecord | None:
    if item is None:
        return None
    reference, part, *_ = json.loads(item["b"]["S"])
    if part is None:
        return None
    content, *_ = part
    return read_money_record(_KINDS[source[0]], reference, content["currency"], content, on_account=True)


def _document_records(id: str, item: Item) -> DocumentRecords:
    stored = json.loads(item["b"]["S"])
    document = DatedDocument(id, *json.loads(item["p"]["S"]))
    contents = {name: content for name, (content, *_) in stored["parts"].items()}
    return read_document_records(stored["reference"], document, contents)
