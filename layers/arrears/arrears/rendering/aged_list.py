"""Aged lists as they are published: balances of the whole book, and the rows of one page."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from arrears.ledger.days import day_text
from arrears.ledger.ledger_side import Side
from arrears.ledger.money import major_number
from arrears.rendering.overdue import aging_bodies, unapplied_bodies
from arrears.reports.aged_list import NOTHING, AgedDocument, AgedList, Counted, PartyBalance
from arrears.reports.aging import BUCKETS

if TYPE_CHECKING:
    from arrears.reports.aged_customers import CustomerBalance
    from arrears.reports.aged_suppliers import SupplierBalance

BY_PARTY = {Side.RECEIVABLE: "customer", Side.PAYABLE: "supplier"}
BY_DOCUMENT = "document"
DOCUMENTS = {Side.RECEIVABLE: "invoice", Side.PAYABLE: "bill"}


def aged_list_body(
    aged: "AgedList[Any]", side: Side, by: str, rows: Iterable[dict[str, Any]], next_cursor: str | None
) -> dict[str, Any]:
    """The list as of its day, with the bodies of these rows and the cursor of the next page."""
    totals: dict[str, Any] = {
        f"{BY_PARTY[side]}Count": aged.party_count,
        f"{DOCUMENTS[side]}Count": aged.document_count,
        "unappliedByCurrency": unapplied_bodies(aged.unapplied),
    }
    if side is Side.PAYABLE:
        totals["notPayableByCurrency"] = [
            {"currency": currency, **_counted_body(counted, currency)} for currency, counted in aged.awaiting.items()
        ]
    return {
        "asOf": day_text(aged.day),
        "totals": totals,
        "aging": _aging_bodies(aged, side),
        f"{by}s": list(rows),
        "nextCursor": next_cursor,
    }


def _counted_body(counted: Counted, currency: str) -> dict[str, Any]:
    return {"amount": major_number(counted.amount, currency), "count": counted.count}


def _aging_bodies(aged: "AgedList[Any]", side: Side) -> list[dict[str, Any]]:
    """Those of the overdue reports, with what is open in all, and the bills that wait for approval."""
    bodies = aging_bodies(aged.aging)
    for body, entry in zip(bodies, aged.aging, strict=True):
        body["outstanding"] = major_number(sum(entry.amounts), entry.currency)
        if side is Side.PAYABLE:
            body["notPayable"] = _counted_body(aged.awaiting.get(entry.currency, NOTHING), entry.currency)
    return bodies


def aged_customer_body(row: "CustomerBalance") -> dict[str, Any]:
    """A customer's row in one currency."""
    account, currency = row.balance.account, row.balance.currency
    return {
        "customerId": account.party_id,
        "customerReference": account.reference,
        "customerName": account.name,
        **_party_members(row.balance),
        "tier": row.tier,
        "creditLimit": _amount(row.credit_limit, currency),
        "creditAvailable": _amount(row.credit_available, currency),
    }


def aged_supplier_body(row: "SupplierBalance") -> dict[str, Any]:
    """A supplier's row in one currency. A supplier known by its name only has no id and no reference."""
    account = row.balance.account
    return {
        "supplierId": account.party_id,
        "supplierReference": account.reference if account.party_id else None,
        "supplierName": account.name,
        **_party_members(row.balance),
        "urgency": row.urgency,
        "notPayable": _counted_body(row.awaiting, row.balance.currency),
    }


def _party_members(balance: PartyBalance) -> dict[str, Any]:
    currency = balance.currency
    return {
        "currency": currency,
        "buckets": {
            bucket: major_number(amount, currency) for bucket, amount in zip(BUCKETS, balance.buckets, strict=True)
        },
        "outstanding": major_number(balance.outstanding, currency),
        "unapplied": major_number(balance.unapplied, currency),
        "net": major_number(balance.net, currency),
        "daysOverdue": balance.days_overdue,
    }


def _amount(minor: int | None, currency: str) -> int | float | str | None:
    return None if minor is None else major_number(minor, currency)


def aged_document_body(row: AgedDocument, side: Side, references: Mapping[str, str]) -> dict[str, Any]:
    """An open document's row. references: the caller's own ids of documents, by outward id."""
    account, document, owed, days, disputed, disputed_amount, state = row
    party, kind, currency = BY_PARTY[side], DOCUMENTS[side], document.currency
    return {
        f"{kind}Id": document.id,
        f"{kind}Reference": references.get(document.id),
        "invoiceNumber": document.number,
        f"{party}Id": account.party_id,
        f"{party}Reference": account.reference if account.party_id else None,
        f"{party}Name": account.name,
        "currency": currency,
        "issuedOn": day_text(document.issued),
        "dueDate": None if document.due is None else day_text(document.due),
        "totalAmount": major_number(document.total, currency),
        "applied": major_number(document.total - owed, currency),
        "outstanding": major_number(owed, currency),
        "daysOverdue": days,
        "bucket": row.bucket,
        "disputed": disputed,
        "disputedAmount": major_number(disputed_amount, currency),
        "state": state,
    }
