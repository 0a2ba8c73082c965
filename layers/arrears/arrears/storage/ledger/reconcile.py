"""Reconciliation: compares accounts and monthly figures with the documents that they are sums of.

The documents are the book. Everything else changes by differences, in the transactions that change documents. This adds
everything up anew, reports what differs, and corrects it on request. Run it while nothing else writes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from arrears.ledger import dated_document
from arrears.ledger.accounts import AccountState
from arrears.ledger.days import month_of
from arrears.ledger.documents import Document, contribution_of
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.ledger.payment_status import status_changes
from arrears.storage.ledger.export import LedgerExport
from arrears.storage.ledger.month_figures import MonthFigure, month_figures
from arrears.storage.ledger.unit_of_work import StoredUnitOfWork

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
        """Every difference; with `mend`, each is corrected before it is returned."""
        today = organisation.today(now)
        figures: dict[MonthFigure, list[int]] = {}
        for side in Side:
            documents: dict[str, list[Document]] = {}
            for document in self._export.documents(organisation, side):
                if document.account is not None:
                    documents.setdefault(document.account, []).append(document)
                    if side is Side.RECEIVABLE:
                        _add_figures(figures, document, today)
                yield from self._check_closed(organisation, document, today, mend)
            yield from self._check_accounts(organisation, side, documents, today, mend)
        yield from self._check_figures(organisation, figures, today, mend)

    def _check_closed(
        self, organisation: Organisation, document: Document, today: int, mend: bool
    ) -> Iterator[Difference]:
        """A document may stay with the open ones after the day from which it is closed; it must not leave before."""
        if document.closed and dated_document.listed_closed_from(document.dated) > today:
            if mend:
                work = self._work(organisation, today)
                work.touch(work.document(document.kind, document.id, ""))
                work.document(document.kind, document.id, "").refresh(today)
                work.flush()
                document.closed = False
            yield Difference("document", document.id, "closed", True, False)

    def _check_accounts(
        self, organisation: Organisation, side: Side, documents: dict[str, list[Document]], today: int, mend: bool
    ) -> Iterator[Difference]:
        for key, _ in self._export.accounts(organisation, side):
            work = self._work(organisation, today)
            stored = work.account(key, "")
            found = _differences(stored, documents.pop(key, []))
            if found and mend:
                work.touch(stored)
                work.flush()
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
        work = self._work(organisation, today)
        for figure in sorted(stored.keys() | figures.keys()):
            kept, right = stored.get(figure, [0, 0]), figures.get(figure, [0, 0])
            if kept != right:
                month, shard, day, status, currency = figure
                if mend:
                    work.add_to_month(month, shard, day, (status, currency), right[0] - kept[0], right[1] - kept[1])
                    work.flush()
                yield Difference("month", ":".join(map(str, figure)), "count, amount", kept, right)

    def _work(self, organisation: Organisation, today: int) -> StoredUnitOfWork:
        return StoredUnitOfWork(self._client, self._table, organisation, today)


def _differences(stored: AccountState, documents: list[Document]) -> list[Difference]:
    """Works an account out from its documents, sets what differs, and says what did."""
    anew = AccountState(stored.key, stored.reference, history_start=stored.history_start)
    anew.promises = [promise._replace(kept=0) for promise in stored.promises]
    for document in documents:
        anew.apply(contribution_of(document), 1, stored.history_start)
    anew.recompute_names(documents)
    found = []
    for name in (*_ADDED_UP, "promises", "history", "closed_by_day"):
        was, right = getattr(stored, name), getattr(anew, name)
        if was != right:
            found.append(Difference("account", stored.key, name, was, right))
            setattr(stored, name, right)
    if stored.names and stored.names != anew.names[: len(stored.names)]:
        found.append(Difference("account", stored.key, "names", stored.names, anew.names))
        stored.names = anew.names
    if stored.last_closed_on < anew.last_closed_on:
        found.append(Difference("account", stored.key, "last_closed_on", stored.last_closed_on, anew.last_closed_on))
        stored.last_closed_on = anew.last_closed_on
    return found


def _add_figures(figures: dict[MonthFigure, list[int]], invoice: Document, today: int) -> None:
    dated = invoice.dated
    for day, before, after in status_changes(dated):
        for status, sign in ((before, -1), (after, 1)):
            if status is not None:
                effective = day if day > today else 0
                figure = MonthFigure(month_of(dated.issued), invoice.shard, effective, status, dated.currency)
                sums = figures.setdefault(figure, [0, 0])
                sums[0] += sign
                sums[1] += sign * dated.total
