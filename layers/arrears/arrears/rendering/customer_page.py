"""A customer's page: balances, open invoices, money on account, and everything that was agreed with it."""

from typing import Any

from arrears.ledger.days import day_text
from arrears.ledger.ids import outward_id
from arrears.ledger.money import major_number
from arrears.ledger.organisation import Organisation
from arrears.ledger.parties import Party, ReminderRecord
from arrears.rendering import party as rendering
from arrears.rendering.overdue import behaviour_body, customer_body, moment_text
from arrears.reports.party import Balance
from arrears.reports.party_reading import MAX_LISTED, PartyPage
from arrears.reports.promises import PromiseState, promise_states
from arrears.reports.receivables import behaviour_of, customer_row

_ROW = (
    "totalOverdue",
    "invoiceCount",
    "disputedAmount",
    "amountToChase",
    "tier",
    "suggestedAction",
    "suggestedTone",
    "lastReminderSentAt",
    "daysSinceLastReminder",
    "reasons",
)


def customer_page_body(page: PartyPage, organisation: Organisation, next_cursor: str | None) -> dict[str, Any]:
    """Everything known of a customer as of the report's day, with a page of its open invoices."""
    report = page.report
    party, day = report.party, report.day
    promises = promise_states(report.account, report.documents, day)
    reminders = [reminder for reminder in reversed(party.reminders) if reminder.day <= day]
    behaviour = behaviour_of(report.settled)
    return {
        "asOf": day_text(day),
        **rendering.party_body(party),
        **_contact(party),
        "balances": [_balance(balance, day, organisation) for balance in report.balances],
        "openInvoices": rendering.document_bodies(page),
        "nextCursor": next_cursor,
        "onAccount": rendering.on_account_bodies(page),
        "promises": [_promise(state) for state in promises[:MAX_LISTED]],
        "disputes": rendering.dispute_bodies(page),
        "reminders": [_reminder(reminder, organisation) for reminder in reminders[:MAX_LISTED]],
        "paymentBehaviour": None if behaviour is None else behaviour_body(behaviour),
        "truncated": rendering.truncated_lists(report, {"promises": promises, "reminders": reminders}),
    }


def _contact(party: Party) -> dict[str, Any]:
    content = party.content
    return {
        "externalId": content.get("external_id"),
        "accountNumber": content.get("account_number"),
        "currency": content.get("currency"),
        "email": content.get("email"),
        "address": content.get("address"),
        "language": content.get("language"),
        "paymentBlocked": bool(content.get("payment_blocked")),
    }


def _balance(balance: Balance, day: int, organisation: Organisation) -> dict[str, Any]:
    if balance.row is None:
        return {**rendering.balance_body(balance, {}, _ROW, 0), **_credit(balance)}
    row = customer_row(balance.row, day, organisation.policy)
    return {**rendering.balance_body(balance, customer_body(row), _ROW, row.oldest.days), **_credit(balance)}


def _credit(balance: Balance) -> dict[str, Any]:
    limit, currency = balance.credit_limit, balance.currency
    return {
        "exposure": major_number(balance.net, currency),
        "creditLimit": None if limit is None else major_number(limit, currency),
        "creditAvailable": None if limit is None else major_number(limit - balance.net, currency),
    }


def _promise(state: PromiseState) -> dict[str, Any]:
    promise = state.promise
    return {
        "promiseId": promise.id,
        "currency": promise.currency,
        "amount": None if promise.amount is None else major_number(promise.amount, promise.currency),
        "madeOn": day_text(promise.made),
        "promisedOn": day_text(promise.promised),
        "status": state.status,
        "lacking": major_number(state.lacking, promise.currency),
    }


def _reminder(reminder: ReminderRecord, organisation: Organisation) -> dict[str, Any]:
    """About all invoices where it names none."""
    invoices = list(reminder.invoices)
    return {
        "reminderId": reminder.id,
        "sentAt": moment_text(reminder.sent_at),
        "invoiceIds": [outward_id(organisation.id, "invoice", invoice) for invoice in invoices] or None,
        "invoiceReferences": invoices or None,
    }
