"""What ``GET /receivables/aging`` and ``GET /payables/aging`` must answer."""

from __future__ import annotations

from datetime import date
from typing import Any

from oracle.book import PAYABLE_STATES, Book, Document, Ledger, Policy, exact_minor_units, json_amount, read
from oracle.figures import BUCKETS, aging_of, bucket_of, unapplied_by_currency
from oracle.on_account import Account, accounts, documents_of, unapplied
from oracle.payables import urgency_of
from oracle.receivables import TIERS, counting_promises, is_broken, tier_of

NOT_WAITING = PAYABLE_STATES | {"Paid", "Voided", "Rejected"}


def receivables_aging(book: Book, on: date, policy: Policy | None = None) -> dict[str, Any]:
    """Everything open or on account by customer and currency."""
    return _by_party(read(book), "customer", on, policy or Policy())


def payables_aging(book: Book, on: date, policy: Policy | None = None) -> dict[str, Any]:
    """Everything open or on account by supplier and currency; bills that wait for approval are not in it."""
    return _by_party(read(book), "supplier", on, policy or Policy())


def receivables_documents(book: Book, on: date) -> list[dict[str, Any]]:
    """The open invoices."""
    return _documents(read(book), "customer", on)


def payables_documents(book: Book, on: date) -> list[dict[str, Any]]:
    """The open bills."""
    return _documents(read(book), "supplier", on)


def not_payable(book: Book, on: date) -> dict[tuple[str, str], tuple[int, int]]:
    """Totals and number of the bills that wait for approval, by supplier name and currency, in minor units.

    What was applied to one stands on account, so the whole total is shown.
    """
    ledger = read(book)
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for bill in ledger.of_kind("bill"):
        if bill.exists(on) and bill.state(on) not in NOT_WAITING:
            key = (ledger.name(bill.party), bill.currency)
            amount, count = found.get(key, (0, 0))
            found[key] = (amount + bill.total, count + 1)
    return found


def _by_party(ledger: Ledger, kind: str, on: date, policy: Policy) -> dict[str, Any]:
    keyed, parties = [], set()
    for account in accounts(ledger, kind):
        opened = [document for document in documents_of(ledger, account) if document.open(on)]
        money = unapplied(ledger, account, on)
        if opened or money:
            row = _row(ledger, account, opened, money, on, policy)
            amount = sum(document.outstanding(on) for document in opened)
            order = ledger.currency_order(account[1])
            key = (order, -row["daysOverdue"], -amount, row[f"{kind}Name"], row[f"{kind}Id"] or "")
            keyed.append((key, row))
            parties.add(account[0])
    rows = [row for _, row in sorted(keyed, key=lambda pair: pair[0])]
    currencies = sorted({row["currency"] for row in rows}, key=ledger.currency_order)
    return {
        "asOf": on.isoformat(),
        "totals": {
            f"{kind}Count": len(parties),
            "unappliedByCurrency": unapplied_by_currency(ledger, kind, on),
        },
        "aging": aging_of(ledger, kind, on, currencies),
        f"{kind}s": rows,
    }


def _row(
    ledger: Ledger, account: Account, opened: list[Document], money: int, on: date, policy: Policy
) -> dict[str, Any]:
    party, currency = account
    outstanding = sum(document.outstanding(on) for document in opened)
    overdue = [document for document in opened if document.overdue(on)]
    days = max((document.days_overdue(on) for document in overdue), default=0)
    buckets = {
        bucket: json_amount(sum(d.outstanding(on) for d in opened if bucket_of(d, on) == bucket), currency)
        for bucket in BUCKETS
    }
    row = {
        f"{party.kind}Id": ledger.outward(party.kind, party.id) if party.id is not None else None,
        f"{party.kind}Reference": party.id,
        f"{party.kind}Name": ledger.name(party),
        "currency": currency,
        "buckets": buckets,
        "outstanding": json_amount(outstanding, currency),
        "unapplied": json_amount(money, currency),
        "net": json_amount(outstanding - money, currency),
        "daysOverdue": days,
    }
    if party.kind == "supplier":
        return {**row, "urgency": urgency_of(days, policy) if overdue else None}
    limit = _credit_limit(ledger, account)
    broken = any(is_broken(ledger, party, p, on) for p in counting_promises(ledger, party, currency, on))
    return {
        **row,
        "tier": TIERS[tier_of(overdue, on, policy, broken)] if overdue else None,
        "creditLimit": None if limit is None else json_amount(limit, currency),
        "creditAvailable": None if limit is None else json_amount(limit - (outstanding - money), currency),
    }


def _credit_limit(ledger: Ledger, account: Account) -> int | None:
    party, currency = account
    limits = ledger.stored.get((party.kind, str(party.id)), {}).get("credit_limit") or {}
    return exact_minor_units(limits[currency], currency) if currency in limits else None


def _documents(ledger: Ledger, kind: str, on: date) -> list[dict[str, Any]]:
    """By currency, most days overdue, larger outstanding, id."""
    of_kind = "invoice" if kind == "customer" else "bill"
    opened = [document for document in ledger.of_kind(of_kind) if document.open(on)]
    opened.sort(
        key=lambda d: (ledger.currency_order(d.currency), -d.days_overdue(on), -d.outstanding(on), d.outward),
    )
    return [_document(ledger, kind, document, on) for document in opened]


def _document(ledger: Ledger, kind: str, document: Document, on: date) -> dict[str, Any]:
    def amount(minor: int) -> Any:
        return json_amount(minor, document.currency)

    party, outstanding = document.party, document.outstanding(on)
    return {
        f"{document.kind}Id": document.outward,
        f"{document.kind}Reference": document.id,
        "invoiceNumber": document.number,
        f"{kind}Id": ledger.outward(kind, party.id) if party.id is not None else None,
        f"{kind}Reference": party.id,
        f"{kind}Name": ledger.name(party),
        "currency": document.currency,
        "issuedOn": document.issued.isoformat(),
        "dueDate": document.due.isoformat() if document.due else None,
        "totalAmount": amount(document.total),
        "applied": amount(document.total - outstanding),
        "outstanding": amount(outstanding),
        "daysOverdue": document.days_overdue(on),
        "bucket": bucket_of(document, on),
        "disputedAmount": amount(ledger.disputed_amount(document, on)),
        "state": document.state(on),
    }
