"""Reminders in the form in which reports read them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from arrears.ledger.dated_document import Reminder
from arrears.ledger.days import day_of
from arrears.ledger.ids import outward_id
from arrears.ledger.organisation import Organisation

LIVE_REMINDERS = 8
"""Up to so many reminders an account shows readers all of them."""


def read_reminders(organisation: Organisation, contents: Mapping[str, dict[str, Any]]) -> list[Reminder]:
    """All reminders of a customer by their ids, in the order they were sent."""
    every = [read_reminder(organisation, id_, content) for id_, content in contents.items()]
    return sorted(every, key=order)


def order(reminder: Reminder) -> tuple[str, str]:
    """By this they are in the order they were sent."""
    return reminder.sent_at, reminder.id


def read_reminder(organisation: Organisation, id: str, payload: dict[str, Any]) -> Reminder:
    """A reminder from its content."""
    sent_at = payload["sent_at"]
    invoices = payload.get("invoice_ids")
    return Reminder(
        sent_at,
        day_of(datetime.fromisoformat(sent_at), organisation.timezone),
        None if not invoices else [outward_id(organisation.id, "invoice", invoice) for invoice in invoices],
        id,
    )


def live_reminders(reminders: list[Reminder], today: int) -> list[Reminder]:
    """The reminders, or where they are many those that can still be a row's last one on `today` or later."""
    if len(reminders) <= LIVE_REMINDERS:
        return reminders
    live: list[Reminder] = []
    reminded: set[str] = set()
    for reminder in reversed(reminders):
        if reminder.day > today or reminder.invoices is None or not reminded.issuperset(reminder.invoices):
            live.append(reminder)
        if reminder.day <= today:
            if reminder.invoices is None:
                break
            reminded.update(reminder.invoices)
    return live[::-1]
