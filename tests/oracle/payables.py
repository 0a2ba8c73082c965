"""What ``GET /payables/overdue`` must answer."""

from __future__ import annotations

from datetime import date
from typing import Any

from oracle.book import Book, Document, Ledger, PartyKey, Policy, json_amount, read
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

URGENCIES = ("low", "medium", "high", "critical")


def payables_overdue(book: Book, on: date, policy: Policy | None = None) -> dict[str, Any]:
    """The documented answer for the end of a day, with the two id lists beside it and without ``reasons``."""
    ledger = read(book)
    bills = ledger.of_kind("bill")
    overdue = [bill for bill in bills if bill.overdue(on)]
    totals = {
        "supplierCount": len({bill.party for bill in overdue}),
        "billCount": len(overdue),
        "overdueByCurrency": overdue_by_currency(ledger, overdue, on),
        "unappliedByCurrency": unapplied_by_currency(ledger, "supplier", on),
    }
    return {
        "asOf": on.isoformat(),
        "totals": totals,
        "aging": aging_of(ledger, "supplier", on),
        "suppliers": _rows(ledger, overdue, on, policy or Policy()),
    }


def _rows(ledger: Ledger, overdue: list[Document], on: date, policy: Policy) -> list[dict[str, Any]]:
    keyed = []
    for party, currency in {(bill.party, bill.currency) for bill in overdue}:
        mine = [bill for bill in overdue if (bill.party, bill.currency) == (party, currency)]
        row = _row(ledger, party, currency, mine, on, policy)
        amount = sum(bill.outstanding(on) for bill in mine)
        days = max(bill.days_overdue(on) for bill in mine)
        order = ledger.currency_order(currency)
        keyed.append(((order, -days, -amount, row["supplierName"], row["supplierId"] or ""), row))
    return [row for _, row in sorted(keyed, key=lambda pair: pair[0])]


def _row(
    ledger: Ledger, party: PartyKey, currency: str, mine: list[Document], on: date, policy: Policy
) -> dict[str, Any]:
    waiting = [bill for bill in mine if standing(ledger, bill, on) == "waiting"]
    confirm = [bill for bill in mine if standing(ledger, bill, on) == "confirm"]
    unscheduled = [bill for bill in mine if standing(ledger, bill, on) == "unscheduled"]
    beside = beside_overdue(ledger, mine, on)
    covered = covered_by_unapplied(ledger, mine, on, policy)
    scheduled = [day for bill in mine if (day := scheduled_for(bill, on)) is not None]
    days = max(bill.days_overdue(on) for bill in mine)
    return {
        "supplierId": ledger.outward("supplier", party.id) if party.id is not None else None,
        "supplierName": ledger.name(party),
        "currency": currency,
        "totalOverdue": json_amount(sum(bill.outstanding(on) for bill in mine), currency),
        "billCount": len(mine),
        "oldestBill": _summary(oldest(mine, on), on),
        "urgency": urgency_of(days, policy),
        "suggestedAction": _action(len(mine) == len(waiting), bool(confirm), bool(unscheduled) and not covered),
        "scheduledPaymentDate": min(scheduled).isoformat() if scheduled else None,
        "paymentTiming": payment_timing(ledger, party, on),
        "billIds": outward_ids(mine),
        "confirmBillIds": outward_ids(confirm),
        "unscheduledBillIds": outward_ids(unscheduled),
        **{name: json_amount(amount, currency) for name, amount in beside.items()},
    }


def covered_by_unapplied(ledger: Ledger, overdue: list[Document], on: date, policy: Policy) -> bool:
    """Whether what a supplier owes back covers all that is to schedule and undisputed, and there is some of it."""
    if policy.unapplied_covers == "none":
        return False
    unscheduled = [bill for bill in overdue if standing(ledger, bill, on) == "unscheduled"]
    to_schedule = sum(bill.outstanding(on) - ledger.disputed_amount(bill, on) for bill in unscheduled)
    return 0 < to_schedule <= beside_overdue(ledger, overdue, on)["unapplied"]


def added_reasons(book: Book, on: date, policy: Policy | None = None) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What the rows' ``reasons`` say of money on account, by supplier name and currency."""
    ledger = read(book)
    rows: dict[tuple[PartyKey, str], list[Document]] = {}
    for bill in ledger.of_kind("bill"):
        if bill.overdue(on):
            rows.setdefault((bill.party, bill.currency), []).append(bill)
    return {
        (ledger.name(party), currency): [{"code": "covered_by_unapplied"}]
        if covered_by_unapplied(ledger, mine, on, policy or Policy())
        else []
        for (party, currency), mine in rows.items()
    }


def _summary(bill: Document, on: date) -> dict[str, Any]:
    return {
        "billId": bill.outward,
        "invoiceNumber": bill.number,
        "totalAmount": json_amount(bill.total, bill.currency),
        "dueDate": bill.due.isoformat() if bill.due else None,
        "daysOverdue": bill.days_overdue(on),
        "state": bill.state(on),
    }


def urgency_of(days_overdue: int, policy: Policy) -> str:
    """The urgency of a row by its most days overdue."""
    days = days_overdue - policy.grace_days
    return URGENCIES[sum(days >= start for start in (policy.medium_from, policy.high_from, policy.critical_from))]


def scheduled_for(bill: Document, on: date) -> date | None:
    """The payment day of a bill that stands as Scheduled, ``None`` for others and without a day."""
    entry = bill.state_entry(on)
    return entry.scheduled_for if entry is not None and entry.state == "Scheduled" else None


def standing(ledger: Ledger, bill: Document, on: date) -> str:
    """Whether an overdue bill's payment is ``waiting``, is to ``confirm``, or is ``unscheduled``."""
    state = bill.state(on)
    if state == "PaymentInProgress" or ledger.disputed(bill, on):
        return "waiting"
    if state == "Scheduled":
        planned = scheduled_for(bill, on)
        return "waiting" if planned is not None and planned >= on else "confirm"
    return "confirm" if state == "PaymentFailed" else "unscheduled"


def _action(all_waiting: bool, any_to_confirm: bool, any_to_schedule: bool) -> str:
    if all_waiting or not (any_to_confirm or any_to_schedule):
        return "wait"
    return "schedule_payment" if any_to_schedule else "confirm_or_reschedule"


def payment_timing(ledger: Ledger, party: PartyKey, on: date) -> dict[str, Any] | None:
    """How the organisation paid a supplier in the twelve months up to a day; ``None`` when it did not."""
    mine = [bill for bill in ledger.of_kind("bill") if bill.party == party and bill.state(on) != "Voided"]
    settled = [
        (bill, when) for bill, when in settled_in_window(mine, on) if bill.has_payment(on) or bill.state(on) == "Paid"
    ]
    if not settled:
        return None
    return {
        "averageDaysToPay": mean([(when - b.issued).days for b, when in settled if not b.issued_inferred]),
        "onTermsRate": share_on_time(settled),
        "billsPaid": len(settled),
    }
