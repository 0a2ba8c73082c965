"""Statements of a party: what moved its balance between two days, or what is open at the end of one.

The balance is the net of the aged list: what is outstanding less what is on account. What a party owes is positive, and
so is what we owe a supplier. An allocation moves money from one to the other, so it is no movement of the balance.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from arrears.ledger.dated_document import Account, DatedDocument, MoneyChange
from arrears.ledger.days import NEVER
from arrears.ledger.on_account import closed_by_state_at, counts_at, unapplied_at
from arrears.ledger.parties import DocumentRecords, MoneyRecord
from arrears.reports.aging import bucket_of, currency_order, owed_at
from arrears.reports.money_items import DOCUMENT_LETTERS, MoneyItem, kind_of, money_items

ACTIVITY, OPEN_ITEM = "activity", "open_item"
KINDS = (ACTIVITY, OPEN_ITEM)
WRITE_OFF, REFUND, REVERSAL = "write_off", "refund", "reversal"


class Line(NamedTuple):
    """One movement, or one open item, and the balance after it, in minor units.

    kind: ``invoice``, ``bill``, ``voided`` and ``closed_by_state`` are of a document; ``payment`` and ``credit``, and
    with ``_voided`` their voids, of a record; ``excess`` and ``without_document`` are on account beside a document.
    detail: ``write_off``, ``refund`` or ``reversal`` where it is one. reference: the caller's own id. number: of the
    document or credit note, or the reference text of a payment.
    """

    day: int
    kind: str
    detail: str | None
    reference: str
    number: str | None
    due: int | None
    amount: int
    balance: int


class CurrencyStatement(NamedTuple):
    """A statement in one currency; amounts in minor units. buckets: what is open on the last day."""

    currency: str
    opening: int
    lines: list[Line]
    closing: int
    buckets: list[int]
    unapplied: int

    @property
    def outstanding(self) -> int:
        """What is open on the last day."""
        return sum(self.buckets)

    @property
    def adds_up(self) -> bool:
        """Whether opening and movements are the net of what is open and on account."""
        return self.closing == self.outstanding - self.unapplied


@dataclass(frozen=True, slots=True)
class InHand:
    """A party's account and documents: those open on some day, and those closed from a day or later."""

    account: Account
    documents: Sequence[DatedDocument]

    def renewed(self, records: Mapping[str, DocumentRecords]) -> "InHand":
        """With the documents as their own items have them: an index that lists them may be moments behind."""
        return replace(
            self, documents=[records[one.id].document if one.id in records else one for one in self.documents]
        )


class _Movement(NamedTuple):
    """A line before its balance. They sort as they are shown: by day, kind and the caller's own id."""

    day: int
    kind: str
    reference: str
    amount: int
    detail: str | None = None
    number: str | None = None
    due: int | None = None


def month_start(day: int) -> int:
    """The first day of the day's month, from which a statement is where nobody says otherwise."""
    return date.fromordinal(day).replace(day=1).toordinal()


def moves_within(document: DatedDocument, first: int, last: int) -> bool:
    """Whether anything about a document is dated on one of the days."""
    days = (document.issued, document.voided, *(change[0] for change in document.applied))
    return any(first <= day <= last for day in (*days, *(entered for entered, _, _ in document.states)))


def activity(
    in_hand: InHand,
    records: Mapping[str, DocumentRecords],
    sent_on_account: Iterable[MoneyRecord],
    first: int,
    last: int,
    default: str,
) -> list[CurrencyStatement]:
    """What moved the balance on the days from `first` to `last`, by currency, the default one first.

    in_hand: all documents that are open on `first` or later, or have anything dated from then on. records: of those
    that move within the days. sent_on_account: the payments and credits for the party itself.
    """
    found: dict[str, list[_Movement]] = {}
    for document in in_hand.documents:
        if moves_within(document, first, last):
            own = records[document.id]
            movements = [*_of_document(document, own.reference, first, last), *_of_money(own.money, first, last)]
            found.setdefault(document.currency, []).extend(movements)
    for record in sent_on_account:
        found.setdefault(record.currency, []).extend(_of_money([record], first, last))
    openings, _ = nets_at(in_hand, first - 1)
    return _statements(in_hand, openings, found, last, default)


def open_items(
    in_hand: InHand, records: Mapping[str, DocumentRecords], advances: Mapping[str, MoneyRecord], day: int, default: str
) -> list[CurrencyStatement]:
    """What is open at the end of a day and what is on account, from nothing.

    records: of the documents that `shown_in_open_items` names. advances: by their source, the payments and credits on
    account.
    """
    found: dict[str, list[_Movement]] = {}
    for document in in_hand.documents:
        owed = owed_at(document, day)
        if owed:
            line = _movement_of(document, records[document.id].reference, document.issued, _kind(document), owed)
            found.setdefault(document.currency, []).append(line)
    for item in money_items(in_hand.account, in_hand.documents, day):
        found.setdefault(item.currency, []).append(_on_account(item, records, advances, day))
    return _statements(in_hand, {}, found, day, default)


def shown_in_open_items(in_hand: InHand, day: int) -> tuple[list[str], list[str]]:
    """The ids of the documents that an open item statement shows, and the sources of its payments and credits."""
    items = money_items(in_hand.account, in_hand.documents, day)
    opened = [document.id for document in in_hand.documents if owed_at(document, day)]
    beside = [item.id for item in items if item.of_document]
    return [*opened, *beside], [item.source for item in items if not item.of_document]


def nets_at(in_hand: InHand, day: int) -> tuple[dict[str, int], dict[str, list[int]]]:
    """Net by currency at the end of a day, in minor units, and what is open by bucket."""
    buckets: dict[str, list[int]] = {}
    for document in in_hand.documents:
        owed = owed_at(document, day)
        if owed:
            amounts = buckets.setdefault(document.currency, [0] * 5)
            amounts[bucket_of(0 if document.due is None else day - document.due)] += owed
    nets = {currency: sum(amounts) for currency, amounts in buckets.items()}
    for currency, amount in unapplied_at(in_hand.account, in_hand.documents, day).items():
        nets[currency] = nets.get(currency, 0) - amount
    return nets, buckets


def _statements(
    in_hand: InHand, openings: Mapping[str, int], found: Mapping[str, list[_Movement]], last: int, default: str
) -> list[CurrencyStatement]:
    nets, buckets = nets_at(in_hand, last)
    shown = {currency for currency, opening in openings.items() if opening}
    shown |= {currency for currency, movements in found.items() if movements} | nets.keys()
    statements = []
    for currency in currency_order(shown, default):
        balance = opening = openings.get(currency, 0)
        lines = []
        for day, kind, reference, amount, detail, number, due in sorted(
            found.get(currency, ()), key=lambda movement: movement[:4]
        ):
            balance += amount
            lines.append(Line(day, kind, detail, reference, number, due, amount, balance))
        amounts = buckets.get(currency, [0] * 5)
        unapplied = sum(amounts) - nets.get(currency, 0)
        statements.append(CurrencyStatement(currency, opening, lines, balance, amounts, unapplied))
    return statements


def _kind(document: DatedDocument) -> str:
    return "bill" if document.states else "invoice"


def _movement_of(document: DatedDocument, reference: str, day: int, kind: str, amount: int) -> _Movement:
    return _Movement(day, kind, reference, amount, None, document.number, document.due)


def _of_document(document: DatedDocument, reference: str, first: int, last: int) -> Iterator[_Movement]:
    """Its total where it begins or ceases to count, and what a bill's state has closed beyond its payments."""
    days = {document.issued, document.voided, *(change[0] for change in document.applied)}
    days |= {entered for entered, _, _ in document.states}
    for day in sorted(day for day in days if first <= day <= last):
        counted, counts = counts_at(document, day - 1), counts_at(document, day)
        if counted != counts and document.total:
            kind, amount = (_kind(document), document.total) if counts else ("voided", -document.total)
            yield _movement_of(document, reference, day, kind, amount)
        closed = closed_by_state_at(document, day) - closed_by_state_at(document, day - 1)
        if closed:
            yield _movement_of(document, reference, day, "closed_by_state", -closed)


def _of_money(records: Iterable[MoneyRecord], first: int, last: int) -> Iterator[_Movement]:
    for record in records:
        if record.voided <= record.day or not record.amount:
            continue
        if first <= record.day <= last:
            yield _Movement(record.day, record.kind, record.id, -record.amount, _detail(record), record.text)
        if first <= record.voided <= last < NEVER:
            kind = f"{record.kind}_voided"
            yield _Movement(record.voided, kind, record.id, record.amount, _detail(record), record.text)


def _detail(record: MoneyRecord) -> str | None:
    if record.write_off:
        return WRITE_OFF
    if record.amount >= 0:
        return None
    return REFUND if record.on_account else REVERSAL


def sent_within(account: Account, first: int, last: int) -> set[str]:
    """The sources of the payments and credits on account that are dated, or voided, on one of the days.

    What is allocated of them changes their money too, and is left out; so is what stands beside documents.
    """
    changes = (MoneyChange(*change) for change in account.money)
    return {
        change.source
        for change in changes
        if first <= change.day <= last
        and (change.received or change.credited or change.refunded)
        and not change.source.startswith(DOCUMENT_LETTERS)
    }


def _on_account(
    item: MoneyItem, records: Mapping[str, DocumentRecords], advances: Mapping[str, MoneyRecord], day: int
) -> _Movement:
    """An amount on account as an open item: like an aged list it is of the day of the statement."""
    if item.of_document:
        own = records[item.id]
        return _Movement(day, kind_of(own.document, day), own.reference, -item.amount, None, own.document.number)
    record = advances[item.source]
    return _Movement(day, record.kind, record.id, -item.amount, _detail(record), record.text)
