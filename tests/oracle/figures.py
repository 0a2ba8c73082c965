"""What receivables and payables have in common: aging, totals, windows, means."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import Any

from oracle.book import Document, Ledger, json_amount
from oracle.on_account import accounts, unapplied

BUCKETS = ("current", "d1To30", "d31To60", "d61To90", "d90Plus")


def bucket_of(document: Document, on: date) -> str:
    """The aging bucket of an open document."""
    days = document.days_overdue(on)
    for bucket, last in zip(BUCKETS, (0, 30, 60, 90), strict=False):
        if days <= last:
            return bucket
    return "d90Plus"


def currencies_of(ledger: Ledger, documents: Iterable[Document]) -> list[str]:
    """The currencies of documents, the default first, then by code."""
    return sorted({document.currency for document in documents}, key=ledger.currency_order)


def aging(ledger: Ledger, open_documents: list[Document], on: date) -> list[dict[str, Any]]:
    """One entry per currency with an open document."""
    return [
        {"currency": currency, "buckets": _buckets(open_documents, currency, on)}
        for currency in currencies_of(ledger, open_documents)
    ]


def aging_of(ledger: Ledger, kind: str, on: date, currencies: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """The aging of all customers or suppliers: an entry per currency with an open document, or per given one.

    Each entry has the money on account, the number of parties that have some, and the net.
    """
    of_kind = "invoice" if kind == "customer" else "bill"
    opened = [document for document in ledger.of_kind(of_kind) if document.open(on)]
    answer = []
    for currency in currencies_of(ledger, opened) if currencies is None else currencies:
        buckets = _buckets(opened, currency, on)
        money = unapplied_amounts(ledger, kind, currency, on)
        outstanding = sum(d.outstanding(on) for d in opened if d.currency == currency)
        unapplied = {"amount": json_amount(sum(money), currency), "count": len(money)}
        net = json_amount(outstanding - sum(money), currency)
        answer.append({"currency": currency, "buckets": buckets, "unapplied": unapplied, "net": net})
    return answer


def unapplied_amounts(ledger: Ledger, kind: str, currency: str, on: date) -> list[int]:
    """What each customer or supplier has on account in a currency, of those that have something."""
    mine = [account for account in accounts(ledger, kind) if account[1] == currency]
    return [amount for account in mine if (amount := unapplied(ledger, account, on))]


def unapplied_by_currency(ledger: Ledger, kind: str, on: date) -> list[dict[str, Any]]:
    """Money on account of all parties: one entry per currency in which somebody has some."""
    answer = []
    currencies = {currency for _, currency in accounts(ledger, kind)}
    for currency in sorted(currencies, key=ledger.currency_order):
        money = unapplied_amounts(ledger, kind, currency, on)
        if money:
            answer.append({"currency": currency, "amount": json_amount(sum(money), currency), "count": len(money)})
    return answer


def beside_overdue(ledger: Ledger, overdue: list[Document], on: date) -> dict[str, int]:
    """What stands beside the overdue amount of a row: on account, disputed, and what is left to chase."""
    account = (overdue[0].party, overdue[0].currency)
    money = unapplied(ledger, account, on)
    disputed = sum(ledger.disputed_amount(document, on) for document in overdue)
    total = sum(document.outstanding(on) for document in overdue)
    to_chase = max(0, total - disputed - max(0, money))
    return {"unapplied": money, "disputedAmount": disputed, "amountToChase": to_chase}


def _buckets(open_documents: list[Document], currency: str, on: date) -> dict[str, Any]:
    answer = {}
    for bucket in BUCKETS:
        inside = [d for d in open_documents if d.currency == currency and bucket_of(d, on) == bucket]
        amount = sum(d.outstanding(on) for d in inside)
        answer[bucket] = {"amount": json_amount(amount, currency), "count": len(inside)}
    return answer


def overdue_by_currency(ledger: Ledger, overdue: list[Document], on: date) -> list[dict[str, Any]]:
    """One entry per currency with an overdue document."""
    answer = []
    for currency in currencies_of(ledger, overdue):
        inside = [d for d in overdue if d.currency == currency]
        amount = json_amount(sum(d.outstanding(on) for d in inside), currency)
        answer.append({"currency": currency, "amount": amount, "count": len(inside)})
    return answer


def by_due(documents: Iterable[Document]) -> list[Document]:
    """By due date, then outward id."""
    return sorted(documents, key=lambda d: (d.due or date.max, d.outward))


def outward_ids(documents: Iterable[Document]) -> list[str]:
    """The ids of documents by due date, then id."""
    return [document.outward for document in by_due(documents)]


def oldest(overdue: list[Document], on: date) -> Document:
    """Earliest due date, then larger outstanding, then id."""
    return min(overdue, key=lambda d: (d.due or date.max, -d.outstanding(on), d.outward))


def year_before(on: date) -> date:
    """The same day twelve months earlier; 28 February for 29 February."""
    try:
        return on.replace(year=on.year - 1)
    except ValueError:
        return on.replace(year=on.year - 1, day=28)


def settled_in_window(documents: Iterable[Document], on: date) -> list[tuple[Document, date]]:
    """The documents that exist and were settled in the twelve months up to a day, with that day."""
    found = []
    for document in documents:
        settled = document.settled_on(on) if document.exists(on) else None
        if settled is not None and year_before(on) < settled <= on:
            found.append((document, settled))
    return found


def mean(values: list[int]) -> float | None:
    """The mean of some, ``None`` of none."""
    return float(Fraction(sum(values), len(values))) if values else None


def share_on_time(settled: list[tuple[Document, date]]) -> float | None:
    """Share settled on or before the due date, of those that have one."""
    return mean([int(when <= document.due) for document, when in settled if document.due is not None])
