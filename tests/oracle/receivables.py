"""What ``GET /receivables/overdue`` must answer."""

from __future__ import annotations

from datetime import date
from typing import Any

from oracle.book import (
    Book,
    Document,
    Instant,
    Ledger,
    PartyKey,
    Policy,
    Record,
    exact_minor_units,
    json_amount,
    read,
    sure_day,
)
from oracle.figures import (
    aging,
    mean,
    oldest,
    outward_ids,
    overdue_by_currency,
    settled_in_window,
    share_on_time,
)

TIERS = ("gentle", "firm", "final", "escalation")
FINAL = TIERS.index("final")
ESCALATION = TIERS.index("escalation")
TONES = {"gentle": "friendly", "firm": "direct", "final": "formal", "escalation": "formal"}
INVOICE_STATUS = "finalized"


def receivables_overdue(book: Book, on: date, policy: Policy | None = None) -> dict[str, Any]:
    """The documented answer for the end of a day, with ``disputedInvoiceIds`` and without ``reasons``."""
    ledger = read(book)
    invoices = ledger.of_kind("invoice")
    opened = [invoice for invoice in invoices if invoice.open(on)]
    overdue = [invoice for invoice in opened if invoice.overdue(on)]
    return {
        "asOf": on.isoformat(),
        "totals": {
            "customerCount": len({invoice.party for invoice in overdue}),
            "invoiceCount": len(overdue),
            "overdueByCurrency": overdue_by_currency(ledger, overdue, on),
        },
        "aging": aging(ledger, opened, on),
        "customers": _rows(ledger, overdue, on, policy or Policy()),
    }


def _rows(ledger: Ledger, overdue: list[Document], on: date, policy: Policy) -> list[dict[str, Any]]:
    keyed = []
    for party, currency in {(invoice.party, invoice.currency) for invoice in overdue}:
        mine = [invoice for invoice in overdue if (invoice.party, invoice.currency) == (party, currency)]
        row = _row(ledger, party, currency, mine, on, policy)
        amount = sum(invoice.outstanding(on) for invoice in mine)
        days = max(invoice.days_overdue(on) for invoice in mine)
        key = (ledger.currency_order(currency), -days, -amount, row["customerName"], row["customerId"])
        keyed.append((key, row))
    return [row for _, row in sorted(keyed, key=lambda pair: pair[0])]


def _row(
    ledger: Ledger, party: PartyKey, currency: str, mine: list[Document], on: date, policy: Policy
) -> dict[str, Any]:
    disputed = [invoice for invoice in mine if ledger.disputed(invoice, on)]
    undisputed = [invoice for invoice in mine if invoice not in disputed]
    promise = latest_promise(ledger, party, currency, on)
    raised = promise is not None and is_broken(ledger, party, promise, on)
    reminder = last_reminder(ledger, party, mine, on)
    reminded_on = reminder.day_in(ledger.organisation.timezone) if reminder else None
    tier = TIERS[tier_of(mine, on, policy, raised)]
    total = sum(invoice.outstanding(on) for invoice in mine)
    since = (on - reminded_on).days if reminded_on else None
    return {
        "customerId": ledger.outward("customer", str(party.id)),
        "customerName": ledger.name(party),
        "currency": currency,
        "totalOverdue": json_amount(total, currency),
        "invoiceCount": len(mine),
        "oldestInvoice": _summary(oldest(mine, on), on),
        "tier": tier,
        "suggestedAction": _action(
            tier_of(undisputed, on, policy, raised) if undisputed else None,
            promise is not None and covers(promise, total, on),
            since is not None and since < policy.cooldown_days,
        ),
        "suggestedTone": TONES[tier],
        "lastReminderSentAt": reminder.text() if reminder else None,
        "daysSinceLastReminder": since,
        "paymentBehaviour": payment_behaviour(ledger, party, on),
        "invoiceIds": outward_ids(mine),
        "disputedInvoiceIds": outward_ids(disputed),
    }


def _summary(invoice: Document, on: date) -> dict[str, Any]:
    return {
        "invoiceId": invoice.outward,
        "invoiceNumber": invoice.number,
        "totalAmount": json_amount(invoice.total, invoice.currency),
        "outstanding": json_amount(invoice.outstanding(on), invoice.currency),
        "dueDate": invoice.due.isoformat() if invoice.due else None,
        "daysOverdue": invoice.days_overdue(on),
        "status": INVOICE_STATUS,
    }


def tier_of(invoices: list[Document], on: date, policy: Policy, raised: bool) -> int:
    """The place in :data:`TIERS` of some overdue invoices of one customer and currency, taken as a row."""
    days = max(invoice.days_overdue(on) for invoice in invoices) - policy.grace_days
    tier = sum(days >= start for start in (policy.firm_from, policy.final_from, policy.escalation_from))
    if raised:
        tier = min(tier + 1, ESCALATION)
    currency = invoices[0].currency
    minimum = exact_minor_units(policy.minimums.get(currency, "0"), currency)
    if sum(invoice.outstanding(on) for invoice in invoices) < minimum:
        tier = min(tier, FINAL)
    return tier


def _action(tier: int | None, covered: bool, reminded_lately: bool) -> str:
    """``tier`` is that of the undisputed invoices, ``None`` when there are none."""
    if tier is None or covered:
        return "wait"
    if tier == ESCALATION:
        return "call_or_escalate"
    return "wait" if reminded_lately else "send_reminder"


def latest_promise(ledger: Ledger, party: PartyKey, currency: str, on: date) -> Record | None:
    """The promise that counts for a row: the latest one made by the day."""
    made = [
        record
        for record in ledger.records("promise")
        if (record["customer_id"], record["currency"]) == (party.id, currency) and sure_day(record["made_on"]) <= on
    ]
    return max(made, key=lambda record: (record["made_on"], record["id"]), default=None)


def promised_amount(promise: Record) -> int | None:
    """The amount promised in minor units; ``None`` when it has none."""
    if promise.get("amount") is None:
        return None
    return exact_minor_units(promise["amount"], promise["currency"])


def covers(promise: Record, total_overdue: int, on: date) -> bool:
    """Whether a promise still runs and is large enough."""
    amount = promised_amount(promise)
    return on <= sure_day(promise["promised_on"]) and (amount is None or amount >= total_overdue)


def is_broken(ledger: Ledger, party: PartyKey, promise: Record, on: date) -> bool:
    """Whether a promise's day is over and it is not kept."""
    made, until = sure_day(promise["made_on"]), sure_day(promise["promised_on"])
    if on <= until:
        return False
    about = [
        invoice
        for invoice in ledger.of_kind("invoice")
        if (invoice.party, invoice.currency) == (party, promise["currency"])
        and invoice.exists(on)
        and invoice.issued <= made
        and invoice.due is not None
        and invoice.due <= until
    ]
    amount = promised_amount(promise)
    if amount is None:
        return any(invoice.open(on) for invoice in about)
    received = sum(a.counted(on) for invoice in about for a in invoice.allocations if a.dated >= made)
    return received < amount


def last_reminder(ledger: Ledger, party: PartyKey, overdue: list[Document], on: date) -> Instant | None:
    """When a row was last reminded, up to the end of a day."""
    sent = []
    owned = {invoice.id for invoice in overdue}
    for record in ledger.records("reminder"):
        about = set(record.get("invoice_ids") or owned)
        moment = Instant.parse(record["sent_at"])
        in_time = moment.day_in(ledger.organisation.timezone) <= on
        if record["customer_id"] == party.id and about & owned and in_time:
            sent.append(moment)
    return max(sent, default=None)


def payment_behaviour(ledger: Ledger, party: PartyKey, on: date) -> dict[str, Any] | None:
    """How a customer paid what it settled in the twelve months up to a day; ``None`` when nothing."""
    mine = [invoice for invoice in ledger.of_kind("invoice") if invoice.party == party]
    settled = [(invoice, when) for invoice, when in settled_in_window(mine, on) if invoice.has_payment(on)]
    if not settled:
        return None
    late = [(when - invoice.due).days for invoice, when in settled if invoice.due is not None]
    answer: dict[str, Any] = {"totalInvoicesPaid": len(settled)}
    if late:
        answer["averageDaysLate"] = mean(late)
        answer["onTimeRate"] = share_on_time(settled)
    return answer
