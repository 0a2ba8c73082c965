"""The overdue reports: totals and aging of the whole book, and the rows of one page."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from arrears.ledger.days import day_text
from arrears.ledger.money import major_number
from arrears.rendering.reasons import reason_bodies
from arrears.reports.aging import BUCKETS, CurrencyAging, Overdue, Report, Unapplied

if TYPE_CHECKING:
    from arrears.reports.payables import PaymentTiming, SupplierRow
    from arrears.reports.receivables import CustomerRow, PaymentBehaviour
    from arrears.reports.row_selection import Totals


def receivables_body(
    report: Report, rows: "Iterable[CustomerRow]", next_cursor: str | None, filtered: "Totals | None" = None
) -> dict[str, Any]:
    """The receivables as of the report's day, with these rows and the cursor of the next page.

    filtered: what the rows that were asked for add up to, where they are not all.
    """
    return {
        "asOf": day_text(report.day),
        "totals": {
            "customerCount": report.party_count,
            "invoiceCount": report.overdue_count,
            "overdueByCurrency": overdue_bodies(report.aging),
            "unappliedByCurrency": unapplied_bodies(report.unapplied),
        },
        **_filtered(filtered, "customerCount", "invoiceCount"),
        "aging": aging_bodies(report.aging),
        "customers": [customer_body(row) for row in rows],
        "nextCursor": next_cursor,
    }


def payables_body(
    report: Report, rows: "Iterable[SupplierRow]", next_cursor: str | None, filtered: "Totals | None" = None
) -> dict[str, Any]:
    """The payables as of the report's day, with these rows and the cursor of the next page.

    filtered: what the rows that were asked for add up to, where they are not all.
    """
    return {
        "asOf": day_text(report.day),
        "totals": {
            "supplierCount": report.party_count,
            "billCount": report.overdue_count,
            "overdueByCurrency": overdue_bodies(report.aging),
            "unappliedByCurrency": unapplied_bodies(report.unapplied),
        },
        **_filtered(filtered, "supplierCount", "billCount"),
        "aging": aging_bodies(report.aging),
        "suppliers": [supplier_body(row) for row in rows],
        "nextCursor": next_cursor,
    }


def _filtered(totals: "Totals | None", party_count: str, overdue_count: str) -> dict[str, Any]:
    """The member with the totals of a filter; nothing where there is no filter."""
    if totals is None:
        return {}
    by_currency = [
        {"currency": total.currency, "amount": major_number(total.amount, total.currency), "count": total.count}
        for total in totals.by_currency
    ]
    filtered = {
        party_count: totals.party_count,
        overdue_count: totals.overdue_count,
        "overdueByCurrency": by_currency,
        "unappliedByCurrency": unapplied_bodies(totals.unapplied),
    }
    return {"filtered": filtered}


def overdue_bodies(aging: Iterable[CurrencyAging]) -> list[dict[str, Any]]:
    """What is overdue per currency, where anything is."""
    return [
        {
            "currency": entry.currency,
            "amount": major_number(entry.overdue_amount, entry.currency),
            "count": entry.overdue_count,
        }
        for entry in aging
        if entry.overdue_count
    ]


def aging_bodies(aging: Iterable[CurrencyAging]) -> list[dict[str, Any]]:
    """Everything open, one entry per currency."""
    return [
        {
            "currency": entry.currency,
            "buckets": bucket_bodies(entry.amounts, entry.counts, entry.currency),
            "unapplied": {
                "amount": major_number(entry.unapplied, entry.currency),
                "count": entry.unapplied_count,
            },
            "net": major_number(entry.net, entry.currency),
        }
        for entry in aging
    ]


def unapplied_bodies(unapplied: Iterable[Unapplied]) -> list[dict[str, Any]]:
    """Money on account per currency; the count is of counterparties."""
    return [
        {"currency": entry.currency, "amount": major_number(entry.amount, entry.currency), "count": entry.party_count}
        for entry in unapplied
    ]


def bucket_bodies(amounts: Sequence[int], counts: Sequence[int], currency: str) -> dict[str, Any]:
    """Amount and count of each bucket."""
    return {
        bucket: {"amount": major_number(amount, currency), "count": count}
        for bucket, amount, count in zip(BUCKETS, amounts, counts, strict=True)
    }


def customer_body(row: "CustomerRow") -> dict[str, Any]:
    """One customer's row in one currency."""
    reminder = row.last_reminder
    return {
        "customerId": row.account.party_id,
        "customerReference": row.account.reference,
        "customerName": row.account.name,
        "currency": row.currency,
        "totalOverdue": major_number(row.total_overdue, row.currency),
        "unapplied": major_number(row.unapplied, row.currency),
        "disputedAmount": major_number(row.disputed_amount, row.currency),
        "amountToChase": major_number(row.amount_to_chase, row.currency),
        "invoiceCount": len(row.invoice_ids),
        "oldestInvoice": {**_document(row.oldest, "invoiceId"), "status": "finalized"},
        "tier": row.tier,
        "suggestedAction": row.action,
        "suggestedTone": row.tone,
        "lastReminderSentAt": None if reminder is None else moment_text(reminder.sent_at),
        "daysSinceLastReminder": row.days_since_last_reminder,
        "paymentBehaviour": None if row.behaviour is None else behaviour_body(row.behaviour),
        "invoiceIds": row.invoice_ids,
        "disputedInvoiceIds": row.disputed_ids,
        "reasons": reason_bodies(row.reasons),
    }


def supplier_body(row: "SupplierRow") -> dict[str, Any]:
    """One supplier's row in one currency. A supplier known by its name only has no id and no reference."""
    account = row.account
    return {
        "supplierId": account.party_id,
        "supplierReference": account.reference if account.party_id else None,
        "supplierName": account.name,
        "currency": row.currency,
        "totalOverdue": major_number(row.total_overdue, row.currency),
        "unapplied": major_number(row.unapplied, row.currency),
        "disputedAmount": major_number(row.disputed_amount, row.currency),
        "amountToChase": major_number(row.amount_to_chase, row.currency),
        "billCount": len(row.bill_ids),
        "oldestBill": {**_document(row.oldest, "billId"), "state": row.oldest_state},
        "urgency": row.urgency,
        "suggestedAction": row.action,
        "scheduledPaymentDate": None if row.scheduled is None else day_text(row.scheduled),
        "paymentTiming": None if row.timing is None else timing_body(row.timing),
        "billIds": row.bill_ids,
        "confirmBillIds": row.confirm_ids,
        "unscheduledBillIds": row.unscheduled_ids,
        "reasons": reason_bodies(row.reasons),
    }


def _document(overdue: Overdue, id_name: str) -> dict[str, Any]:
    document = overdue.document
    return {
        id_name: overdue.id,
        "invoiceNumber": document.number,
        "totalAmount": major_number(document.total, document.currency),
        "outstanding": major_number(overdue.owed, document.currency),
        "dueDate": day_text(overdue.due),
        "daysOverdue": overdue.days,
    }


def moment_text(sent_at: str) -> str:
    """A stored moment (UTC, microseconds) without an empty fraction."""
    return sent_at[:-1].rstrip("0").rstrip(".") + "Z"


def behaviour_body(behaviour: "PaymentBehaviour") -> dict[str, Any]:
    """How a customer has paid within a year. Average and rate are left out where no invoice had a due date."""
    body: dict[str, Any] = {}
    if behaviour.average_days_late is not None:
        body["averageDaysLate"] = behaviour.average_days_late
        body["onTimeRate"] = behaviour.on_time_rate
    body["totalInvoicesPaid"] = behaviour.invoices_paid
    return body


def timing_body(timing: "PaymentTiming") -> dict[str, Any]:
    """How a supplier has been paid within a year."""
    return {
        "averageDaysToPay": timing.average_days_to_pay,
        "onTermsRate": timing.on_terms_rate,
        "billsPaid": timing.bills_paid,
    }
