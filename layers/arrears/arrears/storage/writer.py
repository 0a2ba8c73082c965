"""Writing the ledger: records in, results out, in as few transactions as they fit into."""

import random
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from arrears.ledger.ids import outward_id
from arrears.ledger.organisation import Organisation
from arrears.ledger.recording import Recording, Result
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
from arrears.ledger.refusal import UNAVAILABLE, Refusal
from arrears.storage import keys
from arrears.storage.book import Conflict, Crowded, StoredBook
from arrears.storage.keys import Key

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

    def record(self, organisation: Organisation, records: Sequence[Any], now: datetime) -> list[Result]:
        """Applies records in their order, and says what became of each.

        One bad record never stops the others. What is answered is durable. Should this stop half-way, sending the
        same records again completes them: those already in are `unchanged`.
        Raises Refusal (unavailable) when others keep changing the same accounts.
        """
        today = organisation.today(now)
        results: list[Result] = []
        for start in range(0, len(records), READ_AHEAD):
            read = [(read_record(raw), raw) for raw in records[start : start + READ_AHEAD]]
            done = tries = 0
            most = MOST_CHANGES
            while done < len(read):
                try:
                    for chunk in self._chunks(organisation, today, read[done:], most):
                        results += chunk
                        done += len(chunk)
                        tries, most = 0, MOST_CHANGES
                except Crowded:
                    most = 0
                except Conflict:
                    tries += 1
                    _wait(tries)
        return results

    def _chunks(
        self, organisation: Organisation, today: int, read: Sequence[tuple[Record | Rejection, Any]], most: int
    ) -> Iterator[list[Result]]:
        """The results of each transaction, once it is written. What is not yielded when it raises is not written."""
        book = StoredBook(self._client, self._table, organisation, today)
        _prefetch(book, organisation, [record for record, _ in read])
        recording = Recording(organisation, book, today)
        results = []
        for record, raw in read:
            results.append(recording.apply(record, raw))
            if book.changes() > most:
                book.flush()
                yield results
                results = []
        book.flush()
        yield results


def _wait(tries: int) -> None:
    if tries > _TRIES:
        raise Refusal(UNAVAILABLE, "Others keep changing the same accounts; send the batch again.", headers={"Retry-After": "1"})
    time.sleep(random.uniform(0, min(_LONGEST_WAIT_SECONDS, 0.02 * 2**tries)))  # noqa: S311


def _prefetch(book: StoredBook, organisation: Organisation, records: Sequence[Record | Rejection]) -> None:
    """Reads what the records name, and then what that is on, in a few large requests."""
    first = [key for record in records for key in _named(organisation, record)]
    book.prefetch(first)
    book.prefetch(key for found in first for key in book.led_to(found))


def _named(organisation: Organisation, record: Record | Rejection) -> Iterator[Key]:
    org = organisation.id

    def document(kind: str, id: str) -> Key:
        return keys.document_key(org, kind, outward_id(org, kind, id))

    def account(letter: str, kind: str, id: str, part: str = keys.ACCOUNT) -> Key:
        return keys.account_key(org, letter + outward_id(org, kind, id), part)

    match record:
        case Invoice():
            yield document("invoice", record.id)
            yield account("c", "customer", record.customer_id)
        case Bill():
            yield document("bill", record.id)
            if record.supplier_id is not None:
                yield account("s", "supplier", record.supplier_id)
        case Payment() | Credit():
            yield keys.pointer_key(org, record.type, outward_id(org, record.type, record.id))
            kind = "bill" if record.invoice_id is None else "invoice"
            yield document(kind, record.invoice_id or record.bill_id or "")
        case DisputeRecord():
            yield keys.pointer_key(org, record.type, outward_id(org, record.type, record.id))
            yield document("invoice", record.invoice_id)
        case ReminderRecord() | PromiseRecord():
            yield keys.pointer_key(org, record.type, outward_id(org, record.type, record.id))
            yield account("c", "customer", record.customer_id)
            yield account("c", "customer", record.customer_id, keys.FILE)
        case Customer() | Supplier():
            letter = "c" if record.type == "customer" else "s"
            yield account(letter, record.type, record.id)
            yield account(letter, record.type, record.id, keys.FILE)
            if isinstance(record, Customer) and record.account_number:
                yield keys.number_key(org, record.account_number)
