"""The control account: what a party owes, worked out from totals and money without asking where the money stands.

Nothing here uses :mod:`oracle.on_account` or what :func:`oracle.book.read` put on documents, so that the two can be
held against each other. Amounts are minor units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from oracle.book import PAYABLE_STATES, Document, Ledger, PartyKey, Record, day, minor_units, sure_day

Chosen = Callable[[PartyKey, str], bool]
"""Which parties and currencies are looked at."""


@dataclass(frozen=True)
class Balance:
    """One side of the identity at the end of a day; ``refunded`` is positive where money was given back."""

    totals: int
    received: int
    credited: int
    refunded: int
    closed_by_state: int

    @property
    def net(self) -> int:
        """What the control account shows."""
        return self.totals - self.received - self.credited + self.refunded - self.closed_by_state


def balance(ledger: Ledger, chosen: Chosen, on: date) -> Balance:
    """Totals of existing documents and all money dated by a day, of some parties and currencies."""
    documents = [document for document in ledger.documents if chosen(document.party, document.currency)]
    standing = [document for document in documents if document_counts(document, on)]
    received = credited = refunded = 0
    for record in ledger.records("payment") + ledger.records("credit"):
        account = _account(ledger, record)
        if account is None or not chosen(*account):
            continue
        amount = _counted(record, account[1], on)
        if record["type"] == "credit":
            credited += amount
        elif amount < 0 and _document(ledger, record) is None:
            refunded -= amount
        else:
            received += amount
    return Balance(
        sum(document.total for document in standing),
        received,
        credited,
        refunded,
        sum(closed_by_state(ledger, document, on) for document in standing),
    )


def document_counts(document: Document, on: date) -> bool:
    """Issued, no draft, not void; a bill payable or paid."""
    void = document.void_from is not None and document.void_from <= on
    if document.never or void or document.issued > on:
        return False
    return document.kind == "invoice" or document.state(on) in {*PAYABLE_STATES, "Paid"}


def closed_by_state(ledger: Ledger, document: Document, on: date) -> int:
    """What a bill in state Paid counts as paid beyond what was applied to it."""
    if document.kind != "bill" or document.state(on) != "Paid":
        return 0
    return max(0, document.total - _applied(ledger, document, on))


def changes(ledger: Ledger, chosen: Chosen, first: date, last: date) -> dict[str, int]:
    """What moved the balance from the end of the day before ``first`` to the end of ``last``.

    Documents that began and ceased to exist in between count on both sides, by the ends of days; ``closedByState``
    is negative where the money came after the state.
    """
    before, after = balance(ledger, chosen, first - timedelta(days=1)), balance(ledger, chosen, last)
    invoiced = voided = 0
    documents = [document for document in ledger.documents if chosen(document.party, document.currency)]
    for document in documents:
        today = first
        while today <= last:
            then, now = document_counts(document, today - timedelta(days=1)), document_counts(document, today)
            invoiced += document.total * (now and not then)
            voided += document.total * (then and not now)
            today += timedelta(days=1)
    return {
        "invoiced": invoiced,
        "received": after.received - before.received,
        "credited": after.credited - before.credited,
        "voided": voided,
        "refunded": after.refunded - before.refunded,
        "closedByState": after.closed_by_state - before.closed_by_state,
    }


def _document(ledger: Ledger, record: Record) -> Document | None:
    for kind in ("invoice", "bill"):
        if record.get(f"{kind}_id"):
            return ledger.by_key.get((kind, record[f"{kind}_id"]))
    return None


def _account(ledger: Ledger, record: Record) -> tuple[PartyKey, str] | None:
    """Whose a payment or credit is, and in which currency; nobody's while its document or party is unknown."""
    document = _document(ledger, record)
    if document is not None:
        return document.party, document.currency
    for kind in ("customer", "supplier"):
        party = PartyKey(kind, record.get(f"{kind}_id"))
        if party.id and party in ledger.known_parties:
            return party, record["currency"]
    return None


def _counted(record: Record, currency: str, on: date) -> int:
    voided = day(record.get("voided_on"))
    dated = sure_day(record["paid_on"] if record["type"] == "payment" else record["credited_on"])
    if dated > on or (voided is not None and voided <= on):
        return 0
    return minor_units(record["amount"], currency) or 0


def _applied(ledger: Ledger, document: Document, on: date) -> int:
    """All that was applied to a document, from the records."""
    applied = 0
    for record in ledger.records("payment") + ledger.records("credit"):
        if record.get(f"{document.kind}_id") == document.id:
            applied += _counted(record, document.currency, on)
    for record in ledger.records("allocation"):
        if record.get(f"{document.kind}_id") != document.id:
            continue
        kind = "payment" if record.get("payment_id") else "credit"
        source = ledger.stored.get((kind, record[f"{kind}_id"]))
        if source is None or _document(ledger, source) is not None:
            continue
        if _account(ledger, source) != (document.party, document.currency):
            continue
        own_void = day(record.get("voided_on"))
        in_force = sure_day(record["applied_on"]) <= on and (own_void is None or own_void > on)
        if in_force and _dated_and_not_void(source, on):
            applied += minor_units(record["amount"], document.currency) or 0
    return applied


def _dated_and_not_void(record: Record, on: date) -> bool:
    voided = day(record.get("voided_on"))
    dated = sure_day(record["paid_on"] if record["type"] == "payment" else record["credited_on"])
    return dated <= on and (voided is None or voided > on)
