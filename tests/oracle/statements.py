"""Statements of one party and currency: what moved its balance between two days, and what is open at the end.

Amounts are minor units; what a party owes is positive.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from oracle.book import Allocation, Document, Ledger
from oracle.figures import BUCKETS, bucket_of
from oracle.on_account import Account, advances_of, documents_of, items, net


@dataclass(frozen=True)
class Line:
    """One movement, or one open item, and the balance after it."""

    on: date
    kind: str
    id: str
    amount: int
    balance: int


@dataclass(frozen=True)
class Statement:
    """Opening and closing balance, the lines between them, the aging of what is open at the foot."""

    opening: int
    lines: list[Line]
    closing: int
    buckets: dict[str, int]
    unapplied: int


Movement = tuple[date, str, str, int]


def activity(ledger: Ledger, account: Account, first: date, last: date) -> Statement:
    """Every movement of some days: documents, voids, payments, credits, and what a state closed."""
    opening = net(ledger, account, first - timedelta(days=1))
    return _statement(ledger, account, opening, sorted(movements(ledger, account, first, last)), last)


def open_item(ledger: Ledger, account: Account, last: date) -> Statement:
    """What is open at the end of a day and what is on account, from nothing."""
    opened = [document for document in documents_of(ledger, account) if document.open(last)]
    found = [(document.issued, document.kind, document.id, document.outstanding(last)) for document in opened]
    found += [(last, item.kind, item.id, -item.amount) for item in items(ledger, account, last)]
    return _statement(ledger, account, 0, sorted(found), last)


def _statement(ledger: Ledger, account: Account, opening: int, found: list[Movement], last: date) -> Statement:
    lines, balance = [], opening
    for on, kind, own_id, amount in found:
        balance += amount
        lines.append(Line(on, kind, own_id, amount, balance))
    buckets = dict.fromkeys(BUCKETS, 0)
    for document in documents_of(ledger, account):
        if document.open(last):
            buckets[bucket_of(document, last)] += document.outstanding(last)
    unapplied = sum(item.amount for item in items(ledger, account, last))
    return Statement(opening, lines, balance, buckets, unapplied)


def movements(ledger: Ledger, account: Account, first: date, last: date) -> list[Movement]:
    """Day by day what changed, each with its sign on the balance."""
    found: list[Movement] = []
    today = first
    while today <= last:
        for document in documents_of(ledger, account):
            found += _of_document(document, today)
            for record, money in _direct(ledger, document):
                found += _of_money(record, money, today)
        for advance in advances_of(ledger, account):
            found += _of_money((advance.record["type"], advance.record["id"]), advance.money, today)
        today += timedelta(days=1)
    return [movement for movement in found if movement[3]]


def _direct(ledger: Ledger, document: Document) -> list[tuple[tuple[str, str], Allocation]]:
    """The payments and credits sent for a document itself, in the order in which they were put on it."""
    records = [
        (record["type"], record["id"])
        for record in ledger.records("payment") + ledger.records("credit")
        if record.get(f"{document.kind}_id") == document.id
    ]
    return list(zip(records, document.allocations, strict=False))


def _of_document(document: Document, today: date) -> list[Movement]:
    yesterday = today - timedelta(days=1)
    then, now = document.stands(yesterday), document.stands(today)
    found = []
    if now and not then:
        found.append((today, document.kind, document.id, document.total))
    if then and not now:
        found.append((today, "voided", document.id, -document.total))
    closed = _closed_by_state(document, today) - _closed_by_state(document, yesterday)
    return [*found, (today, "closed_by_state", document.id, -closed)]


def _closed_by_state(document: Document, on: date) -> int:
    paid = document.kind == "bill" and document.stands(on) and document.state(on) == "Paid"
    return max(0, document.outstanding(on)) if paid else 0


def _of_money(record: tuple[str, str], money: Allocation, today: date) -> list[Movement]:
    change = money.counted(today) - money.counted(today - timedelta(days=1))
    kind = record[0] if money.dated == today else f"{record[0]}_voided"
    return [(today, kind, record[1], -change)]
