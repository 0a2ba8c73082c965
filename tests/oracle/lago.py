"""What ``GET /analytics/overdue_balance`` and ``GET /analytics/invoice_collection`` must answer."""

from __future__ import annotations

from datetime import date
from typing import Any

from oracle.book import Book, Document, Ledger, day, read, sure_day
from oracle.figures import outward_ids


def month_of(on: date) -> date:
    """The first day of a day's month."""
    return on.replace(day=1)


def month_text(month: date) -> str:
    """A month as the answers write it."""
    return f"{month.isoformat()}T00:00:00.000Z"


def months_back(month: date, count: int) -> date:
    """The month ``count`` months earlier."""
    index = month.year * 12 + month.month - 1 - count
    return date(index // 12, index % 12 + 1, 1) if index >= 12 else date.min


def in_window(month: date, today: date, months: int | None) -> bool:
    """Whether a month is the current one or one of the ``months`` - 1 before; all are without ``months``."""
    return months is None or month >= months_back(month_of(today), months - 1)


def overdue_balance(
    book: Book,
    today: date,
    months: int | None = None,
    currency: str | None = None,
    external_customer_id: str | None = None,
) -> dict[str, Any]:
    """Overdue invoices by the month and currency they were due in."""
    ledger = read(book)
    groups: dict[tuple[date, str], list[Document]] = {}
    for invoice in ledger.of_kind("invoice"):
        if invoice.due is None or not invoice.overdue(today):
            continue
        if external_customer_id is not None and _external_id(ledger, invoice) != external_customer_id:
            continue
        groups.setdefault((month_of(invoice.due), invoice.currency), []).append(invoice)
    return {
        "overdue_balances": [
            {
                "month": month_text(month),
                "amount_cents": sum(invoice.outstanding(today) for invoice in invoices),
                "currency": code,
                "lago_invoice_ids": outward_ids(invoices),
            }
            for (month, code), invoices in sorted(groups.items())
            if in_window(month, today, months) and _wanted(code, currency)
        ]
    }


def _external_id(ledger: Ledger, invoice: Document) -> str | None:
    customer = ledger.stored.get(("customer", str(invoice.party.id)), {})
    return customer.get("external_id") or None


def _wanted(code: str, currency: str | None) -> bool:
    return currency is None or code == currency.upper()


def payment_status(invoice: Document, today: date) -> str:
    """How the collection of an invoice stands."""
    if invoice.outstanding(today) <= 0:
        return "succeeded"
    return "failed" if invoice.record.get("payment_status") == "failed" else "pending"


def finalized(ledger: Ledger, invoice: Document, today: date) -> bool:
    """Whether an invoice is part of the collection report: it exists and no dispute about it is lost."""
    for dispute in ledger.disputes(invoice):
        since = day(dispute.get("resolved_on")) or sure_day(dispute["opened_on"])
        if dispute.get("outcome") == "lost" and since <= today:
            return False
    return invoice.exists(today)


def invoice_collection(
    book: Book, today: date, months: int | None = None, currency: str | None = None
) -> dict[str, Any]:
    """Finalized invoices by the month they were issued in, payment status and currency."""
    ledger = read(book)
    counted = [invoice for invoice in ledger.of_kind("invoice") if finalized(ledger, invoice, today)]
    rows: list[dict[str, Any]] = []
    month = min((month_of(invoice.issued) for invoice in counted), default=None)
    while month is not None and month <= today:
        issued = [invoice for invoice in counted if month_of(invoice.issued) == month]
        if in_window(month, today, months):
            rows += _month_rows(month, issued, today, currency)
        month = months_back(month, -1)
    return {"invoice_collections": rows}


def _month_rows(month: date, issued: list[Document], today: date, currency: str | None) -> list[dict[str, Any]]:
    if not issued and currency is None:
        return [{"month": month_text(month), "invoices_count": 0, "amount_cents": 0}]
    groups: dict[tuple[str, str], list[Document]] = {}
    for invoice in issued:
        if _wanted(invoice.currency, currency):
            groups.setdefault((payment_status(invoice, today), invoice.currency), []).append(invoice)
    return [
        {
            "month": month_text(month),
            "payment_status": status,
            "invoices_count": len(invoices),
            "amount_cents": sum(invoice.total for invoice in invoices),
            "currency": code,
        }
        for (status, code), invoices in sorted(groups.items())
    ]
