"""Reconciliation: accounts and monthly figures against the documents that they were added up from.

The documents are the book; everything else is moved along by difference in the transactions that change them. This
works it all out anew and says, and mends, what is not the same. Run it while nothing else writes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from arrears.ledger import document_facts
from arrears.ledger.accounts import AccountState
from arrears.ledger.days import month_of
from arrears.ledger.documents import Document, claim_of
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.ledger.payment_status import status_changes
from arrears.storage.ledger.export import LedgerExport
from arrears.storage.ledger.reader import MonthFigure, month_figures
from arrears.storage.ledger.unit_of_work import StoredBook

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_ADDED_UP = ("named", "open", "documents")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something stored that is not what the documents say. what: an account's key, a document's id or a figure."""

    kind: str
    what: str
    field: str
    stored: Any
    recomputed: Any


class Reconciliation:
    """Checks one ledger table, an organisation at a time."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._export = LedgerExport(client, table)

    def run(self, organisation: Organisation, now: datetime, mend: bool = False) -> Iterator[Difference]:
        """Every difference there is; with `mend`, each is mended before it is given."""
        today = organisation.today(now)
        figures: dict[MonthFigure, list[int]] = {}
        for side in Side:
            documents: dict[str, list[Document]] = {}
            for document in self._export.documents(organisation, side):
                if document.account is not None:
                    documents.setdefault(document.account, []).append(document)
                    if side is Side.RECEIVABLE:
                        _add_figures(figures, document, today)
                yield from self._check_place(organisation, document, today, mend)
            yield from self._check_accounts(organisation, side, documents, today, mend)
        yield from self._check_figures(organisation, figures, today, mend)

    def _check_place(
        self, organisation: Organisation, document: Document, today: int, mend: bool
    ) -> Iterator[Difference]:
        """A document may stay with the open ones after its rest day; it must not rest before it."""
        rests = document_facts.rest_day(document.facts) <= today
        if document.at_rest and not rests:
            if mend:
                book = self._book(organisation, today)
                book.touch(book.document(document.kind, document.id, ""))
                book.document(document.kind, document.id, "").refresh(today)
                book.flush()
                document.at_rest = False
            yield Difference("document", document.id, "at_rest", True, False)

    def _check_accounts(
        self, organisation: Organisation, side: Side, documents: dict[str, list[Document]], today: int, mend: bool
    ) -> Iterator[Difference]:
        for key, _ in self._export.accounts(organisation, side):
            book = self._book(organisation, today)
            stored = book.account(key, "")
            found = _differences(stored, documents.pop(key, []))
            if found and mend:
                book.touch(stored)
                book.flush()
            yield from found
        for key, own in documents.items():
            yield Difference("account", key, "missing", None, len(own))

    def _check_figures(
        self, organisation: Organisation, figures: dict[MonthFigure, list[int]], today: int, mend: bool
    ) -> Iterator[Difference]:
        stored: dict[MonthFigure, list[int]] = {}
        for figure, count, amount in month_figures(self._client, self._table, organisation):
            sums = stored.setdefault(figure._replace(day=figure.day if figure.day > today else 0), [0, 0])
            sums[0] += count
            sums[1] += amount
        book = self._book(organisation, today)
        for figure in sorted(stored.keys() | figures.keys()):
            kept, right = stored.get(figure, [0, 0]), figures.get(figure, [0, 0])
            if kept != right:
                month, shard, day, status, currency = figure
                if mend:
                    book.roll(month, shard, day, (status, currency), right[0] - kept[0], right[1] - kept[1])
                    book.flush()
                yield Difference("month", ":".join(map(str, figure)), "count, amount", kept, right)

    def _book(self, organisation: Organisation, today: int) -> StoredBook:
        return StoredBook(self._client, self._table, organisation, today)


def _differences(stored: AccountState, documents: list[Document]) -> list[Difference]:
    """Works an account out from its documents, sets what differs, and says what did."""
    anew = AccountState(stored.key, stored.reference, floor=stored.floor)
    anew.promises = [promise._replace(kept=0) for promise in stored.promises]
    for document in documents:
        anew.give(claim_of(document), 1, stored.floor)
    anew.retell_names(documents)
    found = []
    for name in (*_ADDED_UP, "promises", "history", "rested"):
        was, right = getattr(stored, name), getattr(anew, name)
        if was != right:
            found.append(Difference("account", stored.key, name, was, right))
            setattr(stored, name, right)
    if stored.names and stored.names != anew.names[: len(stored.names)]:
        found.append(Difference("account", stored.key, "names", stored.names, anew.names))
        stored.names = anew.names
    if stored.rest < anew.rest:
        found.append(Difference("account", stored.key, "rest", stored.rest, anew.rest))
        stored.rest = anew.rest
    return found


def _add_figures(figures: dict[MonthFigure, list[int]], invoice: Document, today: int) -> None:
    told = invoice.facts
    for day, before, after in status_changes(told):
        for status, sign in ((before, -1), (after, 1)):
            if status is not None:
                effective = day if day > today else 0
                figure = MonthFigure(month_of(told.issued), invoice.shard, effective, status, told.currency)
                sums = figures.setdefault(figure, [0, 0])
                sums[0] += sign
                sums[1] += sign * told.total
