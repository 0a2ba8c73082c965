"""Reconciliation: compares accounts and monthly figures with the documents that they are sums of.

The documents are the book. Everything else changes by differences, in the transactions that change documents. This adds
everything up anew, reports what differs, and corrects it on request. It also checks that the change log is whole, which
nothing can correct. Run it while nothing else writes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from arrears.ledger import dated_document
from arrears.ledger.accounts import AccountState
from arrears.ledger.days import NEVER, month_of
from arrears.ledger.documents import Document, Part, contribution_of, in_minor
from arrears.ledger.figures import Cells, add_cells, document_cells, without_months
from arrears.ledger.known_at import instant_of, instant_text
from arrears.ledger.ledger_side import Side
from arrears.ledger.on_account import closed_by_state_at, counts_at, unapplied_at
from arrears.ledger.on_account_records import OnAccountRecord
from arrears.ledger.organisation import Organisation
from arrears.ledger.origin import OPERATOR, Origin
from arrears.ledger.payment_status import status_changes
from arrears.ledger.recording import Recording
from arrears.storage.ledger import codec
from arrears.storage.ledger.entities import rows_of, stored_rows
from arrears.storage.ledger.export import LedgerExport
from arrears.storage.ledger.log_check import gaps
from arrears.storage.ledger.month_figures import book_cells, collection_figures, month_items
from arrears.storage.ledger.unit_of_work import StoredUnitOfWork

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

CHANGE_LOG = "change log"
"""The kind of the differences that nothing can mend."""
_ADDED_UP = ("named", "open", "documents", "on_account")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something stored that is not what the documents say. what: an account's key, a document's id or a figure."""

    kind: str
    what: str
    field: str
    stored: Any
    recomputed: Any


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that adds up and wants a look. what: a party's key, or the caller's id of an allocation."""

    kind: str
    what: str
    detail: str


class _MonthFigure(NamedTuple):
    """What an issue month's invoices add up to in one status and currency, from `day` on (0: already)."""

    month: str
    day: int
    status: str
    currency: str


class Reconciliation:
    """Checks one ledger table, an organisation at a time. mender: who mends; asked only then."""

    def __init__(self, client: "DynamoDBClient", table: str, mender: Callable[[], Origin] = lambda: OPERATOR) -> None:
        self._client = client
        self._table = table
        self._mender = mender
        self._origin = OPERATOR
        self._export = LedgerExport(client, table)

    def run(self, organisation: Organisation, now: datetime, mend: bool = False) -> Iterator[Difference | Notice]:
        """Every difference, and notices; with `mend`, each difference is corrected before it is returned."""
        today = organisation.today(now)
        if mend:
            self._origin = self._mender()
        figures: dict[_MonthFigure, list[int]] = {}
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
        yield from self._check_log(organisation)

    def _check_log(self, organisation: Organisation) -> Iterator[Difference]:
        """The change log against the versions of items. What it lacks cannot be mended."""
        for (pk, sk), version, before in gaps(self._client, self._table, organisation):
            found = None if before is None else instant_text(instant_of(before))
            what = f"{pk.partition('#')[2]}#{sk}"
            yield Difference(CHANGE_LOG, what, "latest change", instant_text(instant_of(version)), found)

    def _check_closed(
        self, organisation: Organisation, document: Document, today: int, mend: bool
    ) -> Iterator[Difference]:
        """A document may stay with the open ones after the day from which it is closed; it must not leave before."""
        if document.closed and dated_document.listed_closed_from(document.dated) > today:
            if mend:
                work = self._work(organisation, today)
                Recording(organisation, work, today).close_document(document.kind, document.id)
                work.flush()
                document.closed = False
            yield Difference("document", document.id, "closed", True, False)

    def _check_accounts(
        self, organisation: Organisation, side: Side, documents: dict[str, list[Document]], today: int, mend: bool
    ) -> Iterator[Difference | Notice]:
        cells: Cells = {}
        for key, item in self._export.accounts(organisation, side):
            work = self._work(organisation, today)
            stored = work.account(key, "")
            rows = stored_rows(stored, item)
            own, money = documents.pop(key, []), self._on_account(organisation, key, stored)
            found = _differences(stored, own, money)
            if found and mend:
                work.touch(stored)
                work.flush()
                rows = rows_of(stored, today)
            add_cells(cells, (rows.cells or {}).items())
            yield from found
            yield from self._check_allocations(organisation, own, money, today, mend)
            if stored.known:
                yield from _identity(stored, own, money, today)
        for key, own in documents.items():
            yield Difference("account", key, "missing", None, len(own))
        yield from self._check_cells(organisation, side, cells, today, mend)

    def _check_cells(
        self, organisation: Organisation, side: Side, right: Cells, today: int, mend: bool
    ) -> Iterator[Difference]:
        """The sums of the book against those of its accounts."""
        stored = without_months(book_cells(self._client, self._table, organisation, side))
        right = without_months(right)
        for cell in sorted(stored.keys() | right.keys()):
            kept, own = stored.get(cell, 0), right.get(cell, 0)
            if kept != own:
                if mend:
                    work = self._work(organisation, today)
                    work.add_to_sums(side, {cell: own - kept})
                    work.flush()
                _, kind, currency, due = cell
                yield Difference("sum", f"{side}:{kind}:{currency}:{due}", "amount", kept, own)

    def _on_account(self, organisation: Organisation, key: str, account: AccountState) -> list[OnAccountRecord]:
        return list(self._export.on_account(organisation, key)) if account.on_account else []

    def _check_allocations(
        self,
        organisation: Organisation,
        documents: list[Document],
        money: list[OnAccountRecord],
        today: int,
        mend: bool,
    ) -> Iterator[Difference | Notice]:
        """A change of money on account that stopped half-way has left some of its allocations as they were."""
        for record in money:
            if record.outdated:
                yield Difference("on account", record.reference, "allocations to renew", record.outdated, [])
                if mend:
                    self._renew(organisation, record, today)
        for document in documents:
            for key in document.parts:
                if key.startswith("allocation:") and not document.counts_allocation(key):
                    detail = (
                        f"on {document.kind} {document.reference} waits for money on account of its party and currency"
                    )
                    yield Notice("allocation", key.partition(":")[2], detail)

    def _renew(self, organisation: Organisation, record: OnAccountRecord, today: int) -> None:
        work = self._work(organisation, today)
        recording = Recording(organisation, work, today)
        recording.unfinished = work.on_account(record.kind, record.id, record.reference)
        while recording.unfinished is not None:
            recording.go_on()
            work.flush()

    def _check_figures(
        self, organisation: Organisation, figures: dict[_MonthFigure, list[int]], today: int, mend: bool
    ) -> Iterator[Difference]:
        stored: dict[_MonthFigure, list[int]] = {}
        for item in month_items(self._client, self._table, organisation, Side.RECEIVABLE):
            day = item.place.day if item.place.day > today else 0
            for status, currency, count, amount in collection_figures(item.sums):
                sums = stored.setdefault(_MonthFigure(item.place.month, day, status, currency), [0, 0])
                sums[0] += count
                sums[1] += amount
        work = self._work(organisation, today)
        for figure in sorted(stored.keys() | figures.keys()):
            kept, right = stored.get(figure, [0, 0]), figures.get(figure, [0, 0])
            if kept != right:
                if mend:
                    month, day, status, currency = figure
                    work.add_to_month(month, day, (status, currency), right[0] - kept[0], right[1] - kept[1])
                    work.flush()
                yield Difference("month", ":".join(map(str, figure)), "count, amount", kept, right)

    def _work(self, organisation: Organisation, today: int) -> StoredUnitOfWork:
        return StoredUnitOfWork(self._client, self._table, organisation, today, origin=self._origin)


def _differences(stored: AccountState, documents: list[Document], money: list[OnAccountRecord]) -> list[Difference]:
    """Works an account out from its documents and its money on account, sets what differs, and says what did."""
    anew = AccountState(stored.key, stored.reference, history_start=stored.history_start)
    anew.promises = [promise._replace(kept=[]) for promise in stored.promises]
    for document in documents:
        contribution = contribution_of(document)
        anew.hold(contribution)
        anew.apply(contribution, 1, stored.history_start)
    anew.recompute_names(documents)
    anew.on_account = len(money)
    for record in money:
        for change in record.changes():
            anew.add_money(change, 1)
    found = []
    for name in (*_ADDED_UP, "promises", "history", "closed_by_day", "money"):
        was, right = getattr(stored, name), getattr(anew, name)
        if was != right:
            found.append(Difference("account", stored.key, name, was, right))
            setattr(stored, name, right)
    found += _differences_of_open(stored, anew)
    if stored.names and stored.names != anew.names[: len(stored.names)]:
        found.append(Difference("account", stored.key, "names", stored.names, anew.names))
        stored.names = anew.names
    if stored.last_closed_on < anew.last_closed_on:
        found.append(Difference("account", stored.key, "last_closed_on", stored.last_closed_on, anew.last_closed_on))
        stored.last_closed_on = anew.last_closed_on
    return found


def _differences_of_open(stored: AccountState, anew: AccountState) -> list[Difference]:
    """Compares the open documents that an account holds, and of a large one the cells of all others."""
    right = {id_: codec.pack_document(document) for id_, document in anew.opened.items()}
    held = {id_: codec.pack_document(document) for id_, document in stored.opened.items()}
    cells: Cells = {}
    if stored.whole:
        return []
    if stored.large:
        for id_ in right.keys() - held.keys():
            add_cells(cells, document_cells(anew.opened[id_]))
        right = {id_: packed for id_, packed in right.items() if id_ in held}
    found = []
    if held != right:
        found.append(Difference("account", stored.key, "open documents", held, right))
    if stored.summed != cells:
        found.append(Difference("account", stored.key, "sums of open documents", stored.summed, cells))
    if found:
        stored.opened, stored.summed = anew.opened, {}
    return found


def _identity(
    account: AccountState, documents: list[Document], money: list[OnAccountRecord], today: int
) -> Iterator[Difference | Notice]:
    """Outstanding less money on account must be all totals less all money, wherever it stands, to the minor unit.

    The one is what answers are made of, the other is added up from the records alone.
    """
    answered: dict[str, int] = {}
    recorded: dict[str, int] = {}
    opened = [document.dated for document in documents if not document.closed]
    for document in documents:
        dated = document.dated
        if document.head is not None:
            owed = dated_document.outstanding_at(dated, today) if dated_document.is_open_at(dated, today) else 0
            answered[dated.currency] = answered.get(dated.currency, 0) + owed
            total = (dated.total if counts_at(dated, today) else 0) - closed_by_state_at(dated, today)
            paid = sum(_counted(part, dated.currency, today) for part in document.parts.values())
            recorded[dated.currency] = recorded.get(dated.currency, 0) + total - paid
    for record in money:
        if record.part is not None:
            currency = record.part.content["currency"]
            recorded[currency] = recorded.get(currency, 0) - _counted(record.part, currency, today)
    left = unapplied_at(account.account(), opened, today)
    for currency in sorted(answered.keys() | recorded.keys() | left.keys()):
        net, right = answered.get(currency, 0) - left.get(currency, 0), recorded.get(currency, 0)
        if net != right:
            yield Difference("account", account.key, f"net in {currency}", net, right)
    for currency, amount in left.items():
        if amount < 0:
            detail = (
                f"money on account is {amount} in minor units of {currency}: more was allocated or refunded than came"
            )
            yield Notice("account", account.key, detail)


def _counted(part: Part, currency: str, today: int) -> int:
    """What a payment or credit counts by the end of a day, wherever it stands; allocations only move it."""
    content = part.content
    day = content.get("paid_on", content.get("credited_on"))
    if day is None or not day <= today < content.get("voided_on", NEVER):
        return 0
    return in_minor(content["amount"], currency) or 0


def _add_figures(figures: dict[_MonthFigure, list[int]], invoice: Document, today: int) -> None:
    dated = invoice.dated
    for day, before, after in status_changes(dated):
        for status, sign in ((before, -1), (after, 1)):
            if status is not None:
                effective = day if day > today else 0
                figure = _MonthFigure(month_of(dated.issued), effective, status, dated.currency)
                sums = figures.setdefault(figure, [0, 0])
                sums[0] += sign
                sums[1] += sign * dated.total
