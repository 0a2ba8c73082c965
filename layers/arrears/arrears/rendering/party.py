"""What the pages of customers and suppliers share: who it is, balances, open documents, money on account, disputes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from arrears.ledger.dated_document import bill_state_name_at
from arrears.ledger.days import day_text
from arrears.ledger.ledger_side import Side
from arrears.ledger.money import major_number
from arrears.ledger.parties import DisputeRecord, DocumentRecords, Party
from arrears.reports.aging import BUCKETS
from arrears.reports.money_items import MoneyItem, kind_of
from arrears.reports.party import Balance, OpenDocument, PartyReport, bucket_index
from arrears.reports.party_reading import MAX_LISTED, PartyPage, disputed_documents

_NOTHING_OVERDUE = {
    "totalOverdue": 0,
    "invoiceCount": 0,
    "billCount": 0,
    "disputedAmount": 0,
    "amountToChase": 0,
    "reasons": [],
}
"""What a balance has of a row that is not there; everything else is null."""


def party_body(party: Party) -> dict[str, Any]:
    """Who it is. A supplier known by its name only has no id and no reference."""
    account = party.account
    if party.side is Side.RECEIVABLE:
        return {"customerId": account.id, "customerReference": party.reference, "customerName": account.name}
    known = account.party_id is not None
    return {
        "supplierId": account.party_id,
        "supplierReference": party.reference if known else None,
        "supplierName": account.name,
    }


def balance_body(balance: Balance, row: Mapping[str, Any], names: Iterable[str], days: int) -> dict[str, Any]:
    """The balance in one currency. row: its row in the overdue report, of which `names` are shown; empty if none."""
    currency = balance.currency
    return {
        "currency": currency,
        "buckets": bucket_amounts(balance.buckets, currency),
        "outstanding": major_number(balance.outstanding, currency),
        "unapplied": major_number(balance.unapplied, currency),
        "net": major_number(balance.net, currency),
        "daysOverdue": days,
        **{name: row.get(name, _NOTHING_OVERDUE.get(name)) for name in names},
    }


def bucket_amounts(amounts: Sequence[int], currency: str) -> dict[str, Any]:
    """Plain amounts by bucket."""
    return {bucket: major_number(amount, currency) for bucket, amount in zip(BUCKETS, amounts, strict=True)}


def document_bodies(page: PartyPage) -> list[dict[str, Any]]:
    """The open documents of a page, in their order."""
    return [_document(one, page.records[one.document.id], page.report.day) for one in page.documents]


def _document(one: OpenDocument, records: DocumentRecords, day: int) -> dict[str, Any]:
    document, currency = one.document, one.document.currency
    kind = _kind_of(document.states)
    return {
        f"{kind}Id": document.id,
        f"{kind}Reference": records.reference,
        "invoiceNumber": document.number,
        "currency": currency,
        "issuedOn": day_text(document.issued),
        "dueDate": None if document.due is None else day_text(document.due),
        "totalAmount": major_number(document.total, currency),
        "applied": major_number(one.applied(day), currency),
        "outstanding": major_number(one.owed, currency),
        "daysOverdue": one.days,
        "bucket": BUCKETS[bucket_index(one)],
        "disputedAmount": major_number(one.disputed(day), currency),
        "state": bill_state_name_at(document, day) if document.states else None,
    }


def _kind_of(states: Sequence[Any]) -> str:
    return "bill" if states else "invoice"


def on_account_bodies(page: PartyPage) -> list[dict[str, Any]]:
    """Money on account item by item, as many as a page lists."""
    return [_on_account(item, page) for item in page.report.on_account[:MAX_LISTED]]


def _on_account(item: MoneyItem, page: PartyPage) -> dict[str, Any]:
    if item.of_document:
        own = page.records[item.id]
        kind, reference, number = kind_of(own.document, page.report.day), own.reference, own.document.number
    else:
        sent = page.advances[item.source]
        kind, reference, number = sent.kind, sent.id, sent.text
    return {
        "kind": kind,
        "id": item.id,
        "reference": reference,
        "number": number,
        "date": None if item.dated_on is None else day_text(item.dated_on),
        "currency": item.currency,
        "amount": major_number(item.amount, item.currency),
    }


def dispute_bodies(page: PartyPage) -> list[dict[str, Any]]:
    """The disputes about open documents, the latest first. What is dated after the day is not seen."""
    day = page.report.day
    found = [
        (dispute, one, page.records[one.document.id])
        for one in disputed_documents(page.report)
        for dispute in page.records[one.document.id].disputes
        if dispute.opened <= day
    ]
    found.sort(key=lambda entry: (-entry[0].opened, entry[0].id))
    return [_dispute(dispute, one, records, day) for dispute, one, records in found[:MAX_LISTED]]


def _dispute(dispute: DisputeRecord, one: OpenDocument, records: DocumentRecords, day: int) -> dict[str, Any]:
    document, resolved = one.document, dispute.resolved is not None and dispute.resolved <= day
    kind = _kind_of(document.states)
    amount = dispute.amount
    return {
        "disputeId": dispute.id,
        f"{kind}Id": document.id,
        f"{kind}Reference": records.reference,
        "currency": document.currency,
        "amount": None if amount is None else major_number(amount, document.currency),
        "reason": dispute.reason,
        "openedOn": day_text(dispute.opened),
        "resolvedOn": day_text(dispute.resolved) if resolved and dispute.resolved is not None else None,
        "outcome": dispute.outcome if resolved or dispute.resolved is None else None,
        "holds": not resolved or dispute.outcome == "lost",
    }


def truncated_lists(report: PartyReport, lists: Mapping[str, Sequence[Any]]) -> list[str]:
    """The lists that are longer than a page shows."""
    disputed = [one for one in report.open_documents if one.document.disputes]
    every: dict[str, Sequence[Any]] = {"onAccount": report.on_account, "disputes": disputed, **lists}
    return [name for name, entries in every.items() if len(entries) > MAX_LISTED]
