"""Writing the ledger: records in, results out, in as few transactions as they fit into."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any

from arrears.ledger.accounts import party_of
from arrears.ledger.errors import UNAVAILABLE, ArrearsError
from arrears.ledger.ids import outward_id
from arrears.ledger.organisation import Organisation
from arrears.ledger.recording import Recording, Result, document_of
from arrears.ledger.records import (
    Bill,
    Credit,
    Customer,
    DisputeRecord,
    Invoice,
    Payment,
    PromiseRecord,
    Record,
    Rejection,
    ReminderRecord,
    Supplier,
    read_record,
)
from arrears.storage.ledger import codec, keys
from arrears.storage.ledger.keys import Key
from arrears.storage.ledger.unit_of_work import Conflict, Crowded, StoredBook, take_in

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

MOST_CHANGES = 80
"""Items in one transaction before it is sent: DynamoDB takes 100, and one more record may change about fifteen."""
READ_AHEAD = 500
_TRIES = 12
_LONGEST_WAIT_SECONDS = 1.5


class Recorder:
    """Writes to one ledger table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        codec.write_fast(client)

    def record(self, organisation: Organisation, records: Sequence[Any], now: datetime) -> list[Result]:
        """Applies records in their order, and says what became of each.

        One bad record never stops the others. What is answered is durable. Should this stop half-way, sending the
        same records again completes them: those already in are `unchanged`.
        Raises ArrearsError (unavailable) when others keep changing the same accounts.
        """
        results: list[Result] = []
        for batch in batched(records, READ_AHEAD, strict=False):
            read = [read_record(raw) for raw in batch]
            steps = [partial(_apply, record=record, raw=raw) for record, raw in zip(read, batch, strict=True)]
            named = [key for record in read for key in _named(organisation, record)]
            results += self._run(organisation, organisation.today(now), steps, named)
        return results

    def settle(self, organisation: Organisation, kind: str, ids: Iterable[str], now: datetime) -> int:
        """Moves invoices or bills that time has brought to rest out of the open set; how many it moved."""
        moved = 0
        for batch in batched(ids, READ_AHEAD, strict=False):
            steps = [partial(_settle, kind=kind, id=id_) for id_ in batch]
            named = [keys.document_key(organisation.id, kind, id_) for id_ in batch]
            moved += sum(self._run(organisation, organisation.today(now), steps, named))
        return moved

    def take_in_due_effects(self, organisation: Organisation, today: int) -> int:
        """Adds what was to count from a day that has come to its month's figures for good; how many it added.

        Readers see no difference: they add the one to the other anyway. What somebody else has changed stays for
        the next time.
        """
        taken = 0
        for page in codec.query(
            self._client,
            TableName=self._table,
            KeyConditionExpression="pk = :months",
            ExpressionAttributeValues={":months": {"S": keys.month_key(organisation.id, "", 0, 0)[0]}},
        ):
            for item in page:
                if 0 < int(item["sk"]["S"].split("#")[2]) <= today:
                    taken += take_in(self._client, self._table, item)
        return taken

    def _run[Outcome](
        self,
        organisation: Organisation,
        today: int,
        steps: Sequence[Callable[[Recording], Outcome]],
        named: Sequence[Key],
    ) -> list[Outcome]:
        """Takes steps in their order until all are written. Steps not written yet are taken again on a new reading."""
        outcomes: list[Outcome] = []
        tries, most = 0, MOST_CHANGES
        while len(outcomes) < len(steps):
            try:
                for written in self._transactions(organisation, today, steps[len(outcomes) :], named, most):
                    outcomes += written
                    tries, most = 0, MOST_CHANGES
            except Crowded:
                if not most:
                    raise
                most = 0
            except Conflict:
                tries += 1
                _wait(tries)
        return outcomes

    def _transactions[Outcome](
        self,
        organisation: Organisation,
        today: int,
        steps: Sequence[Callable[[Recording], Outcome]],
        named: Sequence[Key],
        most: int,
    ) -> Iterator[list[Outcome]]:
        """The outcomes of each transaction, once it is written. What is not yielded when it raises is not written."""
        book = StoredBook(self._client, self._table, organisation, today)
        book.prefetch(named)
        recording = Recording(organisation, book, today)
        outcomes = []
        for step in steps:
            outcomes.append(step(recording))
            if book.changes() > most:
                book.flush()
                yield outcomes
                outcomes = []
        book.flush()
        yield outcomes


def _apply(recording: Recording, record: Record | Rejection, raw: Any) -> Result:
    return recording.apply(record, raw)


def _settle(recording: Recording, kind: str, id: str) -> bool:
    return recording.settle(kind, id)


def _wait(tries: int) -> None:
    if tries > _TRIES:
        raise ArrearsError(UNAVAILABLE, "Others keep changing the same accounts; send the batch again.", retry_after=1)
    time.sleep(random.uniform(0, min(_LONGEST_WAIT_SECONDS, 0.02 * 2**tries)))  # noqa: S311


def _named(organisation: Organisation, record: Record | Rejection) -> Iterator[Key]:
    """The items that a record names; what these lead to is read with them."""
    org = organisation.id
    match record:
        case Invoice() | Bill():
            yield keys.document_key(org, record.type, outward_id(org, record.type, record.id))
            yield keys.account_key(org, party_of(organisation, record)[0])
        case Customer() | Supplier():
            yield from _account(org, record.type, record.id)
            if isinstance(record, Customer) and record.account_number:
                yield keys.number_key(org, record.account_number)
        case ReminderRecord() | PromiseRecord():
            yield keys.pointer_key(org, record.type, outward_id(org, record.type, record.id))
            yield from _account(org, "customer", record.customer_id)
        case Payment() | Credit() | DisputeRecord():
            yield keys.pointer_key(org, record.type, outward_id(org, record.type, record.id))
            kind, id_ = document_of(record)
            yield keys.document_key(org, kind, outward_id(org, kind, id_))


def _account(organisation: str, kind: str, id: str) -> Iterator[Key]:
    key = kind[0] + outward_id(organisation, kind, id)
    yield keys.account_key(organisation, key)
    yield keys.account_key(organisation, key, keys.FILE)
