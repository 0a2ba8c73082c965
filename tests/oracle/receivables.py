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
    aging_of,
    beside_overdue,
    mean,
    oldest,
    outward_ids,
    overdue_by_currency,
    settled_in_window,
    share_on_time,
    unapplied_by_currency,
)
from oracle.on_account import Account, advances_of, beside, documents_of

TIERS = ("gentle", "firm", "final", "escalation")
FINAL = TIERS.index("final")
ESCALATION = TIERS.index("escalation")
TONES = {"gentle": "friendly", "firm": "direct", "final": "formal", "escalation": "formal"}
INVOICE_STATUS = "finalized"


def receivables_overdue(book: Book, on: date, policy: Policy | None = None) -> dict[str, Any]:
    """The documented answer for the end of a day, with ``disputedInvoiceIds`` and without ``reasons``."""
    ledger = read(book)
    invoices = ledger.of_kind("invoice")
    overdue = [invoice for invoice in invoices if invoice.overdue(on)]
    totals = {
        "customerCount": len({invoice.party for invoice in overdue}),
        "invoiceCount": len(overdue),
        "overdueByCurrency": overdue_by_currency(ledger, overdue, on),
        "unappliedByCurrency": unapplied_by_currency(ledger, "customer", on),
    }
    return {
        "asOf": on.isoformat(),
        "totals": totals,
        "aging": aging_of(ledger, "customer", on),
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
    disputed = [invoice for invoice in mine if ledger.disputed_in_part(invoice, on)]
    undisputed = [invoice for invoice in mine if not ledger.disputed(invoice, on)]
    promises = counting_promises(ledger, party, currency, on)
    raised = any(is_broken(ledger, party, promise, on) for promise in promises)
    reminder = last_reminder(ledger, party, mine, on)
    reminded_on = reminder.day_in(ledger.organisation.timezone) if reminder else None
    tier = TIERS[tier_of(mine, on, policy, raised)]
    total = sum(invoice.outstanding(on) for invoice in mine)
    since = (on - reminded_on).days if reminded_on else None
    beside = beside_overdue(ledger, mine, on)
    promised = any(covers(promise, total, on) for promise in promises)
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
            promised or covered_by_unapplied(ledger, mine, on, policy),
            since is not None and since < policy.cooldown_days,
        ),
        "suggestedTone": TONES[tier],
        "lastReminderSentAt": reminder.text() if reminder else None,
        "daysSinceLastReminder": since,
        "paymentBehaviour": payment_behaviour(ledger, party, on),
        "invoiceIds": outward_ids(mine),
        "disputedInvoiceIds": outward_ids(disputed),
        **{name: json_amount(amount, currency) for name, amount in beside.items()},
    }


def covered_by_unapplied(ledger: Ledger, overdue: list[Document], on: date, policy: Policy) -> bool:
    """Whether money on account covers all that is overdue and undisputed of a row, and there is some of it."""
    if policy.unapplied_covers == "none":
        return False
    beside = beside_overdue(ledger, overdue, on)
    undisputed = sum(invoice.outstanding(on) for invoice in overdue) - beside["disputedAmount"]
    return 0 < undisputed <= beside["unapplied"]


def added_reasons(book: Book, on: date, policy: Policy | None = None) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What the rows' ``reasons`` say of promises for a part and of money on account, by customer id and currency."""
    ledger = read(book)
    answer: dict[tuple[str, str], list[dict[str, Any]]] = {}
    rows: dict[tuple[PartyKey, str], list[Document]] = {}
    for invoice in ledger.of_kind("invoice"):
        if invoice.overdue(on):
            rows.setdefault((invoice.party, invoice.currency), []).append(invoice)
    for (party, currency), mine in rows.items():
        total = sum(invoice.outstanding(on) for invoice in mine)
        found: list[dict[str, Any]] = []
        for promise in counting_promises(ledger, party, currency, on):
            if on <= sure_day(promise["promised_on"]) and not covers(promise, total, on):
                amount = json_amount(promised_amount(promise) or 0, currency)
                found.append({"code": "promise_partial", "amount": amount, "promisedOn": promise["promised_on"]})
        if covered_by_unapplied(ledger, mine, on, policy or Policy()):
            found.append({"code": "covered_by_unapplied"})
        answer[ledger.outward("customer", str(party.id)), currency] = found
    return answer


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


def counting_promises(ledger: Ledger, party: PartyKey, currency: str, on: date) -> list[Record]:
    """The promises made by the day that no later one has replaced."""
    made = [
        record
        for record in ledger.records("promise")
        if (record["customer_id"], record["currency"]) == (party.id, currency) and sure_day(record["made_on"]) <= on
    ]
    made.sort(key=lambda record: (record["made_on"], record["id"]))
    return [old for old in made if not any(replaces(ledger, party, new, old) for new in made)]


def replaces(ledger: Ledger, party: PartyKey, new: Record, old: Record) -> bool:
    """Whether a promise made on a later day is for all, or for all that the earlier one lacked on that day."""
    if new["made_on"] <= old["made_on"]:
        return False
    amount = promised_amount(new)
    return amount is None or amount >= lacking(ledger, party, old, sure_day(new["made_on"]))


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
    return on > sure_day(promise["promised_on"]) and lacking(ledger, party, promise, on) > 0


def lacking(ledger: Ledger, party: PartyKey, promise: Record, on: date) -> int:
    """What a promise still lacks at the end of a day, not above 0 when it is kept.

    Without an amount that is what is open of the documents it is about, less money on account that came since.
    """
    made, until = sure_day(promise["made_on"]), sure_day(promise["promised_on"])
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
    since = _on_account_since(ledger, (party, promise["currency"]), about, made, on)
    if amount is None:
        return sum(invoice.outstanding(on) for invoice in about if invoice.open(on)) - since
    received = sum(a.counted(on) for invoice in about for a in invoice.allocations if a.dated >= made)
    return amount - received - since


def _on_account_since(ledger: Ledger, account: Account, about: list[Document], made: date, on: date) -> int:
    """Money on account at the end of a day that is dated from another day; the latest money is what is too much.

    An excess of the documents that a promise is about is left out: all that was applied to them counts anyway.
    """
    found = sum(advance.left(on) for advance in advances_of(ledger, account) if advance.money.dated >= made)
    for document in documents_of(ledger, account):
        if document not in about:
            late = sum(a.counted(on) for a in document.allocations if a.dated >= made)
            found += max(0, min(late, beside(document, on))) if document.stands(on) else late
    return max(0, found)


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
