"""The lines and columns that lists have as CSV, made from the body of the JSON answer: both have the same values."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from arrears.reports.aging import BUCKETS

type Body = Mapping[str, Any]


class Lines(NamedTuple):
    """columns: paths of members in a line, as csv_table.csv_text takes them."""

    columns: Sequence[str]
    rows: Iterable[Mapping[str, Any]]


_CUSTOMER_COLUMNS = (
    "asOf",
    "customerId",
    "customerReference",
    "customerName",
    "currency",
    "totalOverdue",
    "unapplied",
    "disputedAmount",
    "amountToChase",
    "invoiceCount",
    "oldestInvoice.invoiceId",
    "oldestInvoice.invoiceNumber",
    "oldestInvoice.totalAmount",
    "oldestInvoice.outstanding",
    "oldestInvoice.dueDate",
    "oldestInvoice.daysOverdue",
    "oldestInvoice.status",
    "tier",
    "suggestedAction",
    "suggestedTone",
    "lastReminderSentAt",
    "daysSinceLastReminder",
    "paymentBehaviour.averageDaysLate",
    "paymentBehaviour.onTimeRate",
    "paymentBehaviour.totalInvoicesPaid",
    "invoiceIds",
    "disputedInvoiceIds",
    "reasons.code",
)
_SUPPLIER_COLUMNS = (
    "asOf",
    "supplierId",
    "supplierReference",
    "supplierName",
    "currency",
    "totalOverdue",
    "unapplied",
    "disputedAmount",
    "amountToChase",
    "billCount",
    "oldestBill.billId",
    "oldestBill.invoiceNumber",
    "oldestBill.totalAmount",
    "oldestBill.outstanding",
    "oldestBill.dueDate",
    "oldestBill.daysOverdue",
    "oldestBill.state",
    "urgency",
    "suggestedAction",
    "scheduledPaymentDate",
    "paymentTiming.averageDaysToPay",
    "paymentTiming.onTermsRate",
    "paymentTiming.billsPaid",
    "billIds",
    "confirmBillIds",
    "unscheduledBillIds",
    "reasons.code",
)
_DOCUMENT_COLUMNS = (
    "invoiceNumber",
    "issuedOn",
    "dueDate",
    "totalAmount",
    "outstanding",
    "daysOverdue",
    "disputed",
    "disputedAmount",
)
_INVOICE_COLUMNS = (
    "asOf",
    "customerId",
    "customerReference",
    "customerName",
    "currency",
    "tier",
    "suggestedAction",
    "invoiceId",
    "invoiceReference",
    *_DOCUMENT_COLUMNS,
)
_BILL_COLUMNS = (
    "asOf",
    "supplierId",
    "supplierReference",
    "supplierName",
    "currency",
    "urgency",
    "suggestedAction",
    "billId",
    "billReference",
    *_DOCUMENT_COLUMNS,
    "state",
)
_CONTROL_COLUMNS = tuple(
    f"control.{name}"
    for name in (
        *("opening", "restated", "invoiced", "received", "credited", "voided", "refunded"),
        *("closing", "unapplied"),
    )
)
_MONTH_COLUMNS = (
    "month",
    "asOf",
    "policyVersion",
    "currency",
    "openingOverdue",
    "restated",
    "newlyOverdue",
    "collected",
    "credited",
    "noLongerOverdue",
    "closingOverdue",
    "customerCount",
    "invoiceCount",
    *(f"buckets.{bucket}.{part}" for bucket in BUCKETS for part in ("amount", "count")),
    *(f"rollRates.{bucket}" for bucket in BUCKETS[:-1]),
    "dso",
    "cei",
    *_CONTROL_COLUMNS,
)
_PAYABLE_MONTH_COLUMNS = (
    "month",
    "asOf",
    "policyVersion",
    "currency",
    "openingOverdue",
    "restated",
    "newlyOverdue",
    "paid",
    "credited",
    "noLongerOverdue",
    "closingOverdue",
    "supplierCount",
    "billCount",
    *(f"buckets.{bucket}.{part}" for bucket in BUCKETS for part in ("amount", "count")),
    *_CONTROL_COLUMNS,
    "control.closedByState",
)
_ESCALATION_COLUMNS = (
    "id",
    "customerId",
    "currency",
    "from",
    "to",
    "crossedOn",
    "recordedAt",
    "historical",
    "daysOverdue",
    "totalOverdue",
    "reasons.code",
    "policyVersion",
)
_CHANGE_COLUMNS = (
    "recordedAt",
    "type",
    "id",
    "customerId",
    "supplierId",
    "action",
    "by.type",
    "by.id",
    "importId",
    "undoOf",
    "before",
    "after",
)
_AGED_COLUMNS = (
    "currency",
    *(f"buckets.{bucket}" for bucket in BUCKETS),
    "outstanding",
    "unapplied",
    "net",
    "daysOverdue",
)
_AGED_PARTY_COLUMNS = {
    "customer": (*_AGED_COLUMNS, "tier", "creditLimit", "creditAvailable"),
    "supplier": (*_AGED_COLUMNS, "urgency", "notPayable.amount", "notPayable.count"),
}
_AGED_DOCUMENT_COLUMNS = (
    "currency",
    "issuedOn",
    "dueDate",
    "totalAmount",
    "applied",
    "outstanding",
    "daysOverdue",
    "bucket",
    "disputed",
    "disputedAmount",
    "state",
)
_OPEN_COLUMNS = (
    "invoiceNumber",
    "currency",
    "issuedOn",
    "dueDate",
    "totalAmount",
    "applied",
    "outstanding",
    "daysOverdue",
    "bucket",
    "disputedAmount",
)
_STATEMENT_COLUMNS = ("currency", "date", "kind", "detail", "id", "reference", "number", "dueDate", "amount", "balance")


def overdue_customers(body: Body, include: bool = False) -> Lines:
    """A line for each row of the overdue receivables; for each of its invoices, where those are included."""
    rows = ({"asOf": body["asOf"], **row} for row in body["customers"])
    if include:
        return Lines(_INVOICE_COLUMNS, ({**row, **invoice} for row in rows for invoice in row["invoices"]))
    return Lines(_CUSTOMER_COLUMNS, rows)


def overdue_suppliers(body: Body, include: bool = False) -> Lines:
    """A line for each row of the overdue payables; for each of its bills, where those are included."""
    rows = ({"asOf": body["asOf"], **row} for row in body["suppliers"])
    if include:
        return Lines(_BILL_COLUMNS, ({**row, **bill} for row in rows for bill in row["bills"]))
    return Lines(_SUPPLIER_COLUMNS, rows)


def closed_months(body: Body) -> Lines:
    """A line for each currency of each month; none for a month without any."""
    return Lines(_MONTH_COLUMNS, _currencies_of_months(body))


def closed_payable_months(body: Body) -> Lines:
    """The same of bills."""
    return Lines(_PAYABLE_MONTH_COLUMNS, _currencies_of_months(body))


def _currencies_of_months(body: Body) -> Iterator[Mapping[str, Any]]:
    return ({**month, **currency} for month in body["months"] for currency in month["currencies"])


def escalations(body: Body) -> Lines:
    """A line for each escalation."""
    return Lines(_ESCALATION_COLUMNS, body["escalations"])


def changes(body: Body) -> Lines:
    """A line for each change of the ledger, with the records before and after as JSON."""
    return Lines(_CHANGE_COLUMNS, ({**one, **_as_text(one)} for one in body["changes"]))


def _as_text(change: Body) -> dict[str, str | None]:
    return {
        name: None if change[name] is None else json.dumps(change[name], ensure_ascii=False, separators=(",", ":"))
        for name in ("before", "after")
    }


def aged_parties(body: Body, party: str) -> Lines:
    """A line for each row of an aged list by customer or supplier."""
    columns = ("asOf", *_party_columns(party), *_AGED_PARTY_COLUMNS[party])
    return Lines(columns, ({"asOf": body["asOf"], **row} for row in body[f"{party}s"]))


def aged_documents(body: Body, document: str, party: str) -> Lines:
    """A line for each open invoice or bill of an aged list by document."""
    own = (f"{document}Id", f"{document}Reference", "invoiceNumber")
    columns = ("asOf", *own, *_party_columns(party), *_AGED_DOCUMENT_COLUMNS)
    return Lines(columns, ({"asOf": body["asOf"], **row} for row in body["documents"]))


def _party_columns(party: str) -> Sequence[str]:
    return f"{party}Id", f"{party}Reference", f"{party}Name"


def open_invoices(body: Body) -> Lines:
    """A line for each open invoice of a customer's page."""
    columns = ("asOf", "customerId", "customerName", "invoiceId", "invoiceReference", *_OPEN_COLUMNS)
    return Lines(columns, ({**body, **row} for row in body["openInvoices"]))


def open_bills(body: Body) -> Lines:
    """A line for each open bill of a supplier's page."""
    columns = ("asOf", "supplierId", "supplierName", "billId", "billReference", *_OPEN_COLUMNS, "state")
    return Lines(columns, ({**body, **row} for row in body["openBills"]))


def statement(body: Body) -> Lines:
    """A line for each of a statement, in each currency between one with its opening and one with its closing."""
    return Lines(_STATEMENT_COLUMNS, _statement_rows(body))


def _statement_rows(body: Body) -> Iterable[Mapping[str, Any]]:
    for section in body["currencies"]:
        currency = {"currency": section["currency"]}
        if body["from"] is not None:
            yield {**currency, "date": body["from"], "kind": "opening", "balance": section["opening"]}
        yield from ({**currency, **line} for line in section["lines"])
        yield {**currency, "date": body["to"], "kind": "closing", "balance": section["closing"]}
