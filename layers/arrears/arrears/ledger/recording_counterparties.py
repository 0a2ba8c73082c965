"""Recording customers and suppliers: their own records, reminders and promises."""

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping
from decimal import Decimal
from operator import itemgetter
from typing import Any, NamedTuple

from arrears.ledger.accounts import AccountState, CounterpartyRecord
from arrears.ledger.dated_document import KeptChange, Promise, Reminder
from arrears.ledger.documents import (
    Part,
    Parts,
    in_minor,
    older,
)
from arrears.ledger.money import to_minor
from arrears.ledger.organisation import Organisation
from arrears.ledger.promises import kept_changes, merged
from arrears.ledger.recording_documents import MAX_BYTES, DocumentRecording, outcome_of
from arrears.ledger.records import (
    Customer,
    PromiseRecord,
    ReminderRecord,
    Supplier,
    content,
    size_of,
)
from arrears.ledger.reminders import live_reminders, order, read_reminder
from arrears.ledger.result import Result
from arrears.ledger.unit_of_work import UnitOfWork

MAX_PROMISES = 200
MAX_REMINDERS = 2_000
MAX_LIVE_BYTES = 100_000
"""How much of a customer's reminders readers may have to be shown."""


class _Known(NamedTuple):
    content: dict[str, Any]
    reminder: Reminder
    size: int


class _RemindersInOrder:
    """A customer's reminders in the order they were sent, kept so while records add or replace some.

    every: the reminders. size: the bytes that all of them would take if readers were shown all.
    """

    def __init__(self, organisation: Organisation, reminders: Parts) -> None:
        self._organisation = organisation
        self._known: dict[str, _Known] = {}
        self.every: list[Reminder] = []
        self.size = 0
        for id_, part in reminders.items():
            self.replace(id_, part.content)

    def replace(self, id: str, content: dict[str, Any] | None) -> None:
        """Puts a reminder in the place of the one of its id; None takes that away."""
        before = self._known.pop(id, None)
        if before is not None:
            del self.every[bisect_left(self.every, order(before.reminder), key=order)]
            self.size -= before.size
        if content is not None:
            reminder = read_reminder(self._organisation, id, content)
            self._known[id] = _Known(content, reminder, size_of([reminder]))
            self.size += self._known[id].size
            insort(self.every, reminder, key=order)

    def fit_with(self, id: str, content: dict[str, Any], today: int) -> bool:
        """Whether readers may be shown them with this one in the place of the one of its id."""
        before = self._known.get(id)
        self.replace(id, content)
        shown = self.size
        if shown > MAX_LIVE_BYTES:
            shown = sum(self._known[reminder.id].size for reminder in live_reminders(self.every, today))
        self.replace(id, None if before is None else before.content)
        return shown <= MAX_LIVE_BYTES


class CounterpartyRecording(DocumentRecording):
    """Applies what is sent about a counterparty itself."""

    def __init__(self, organisation: Organisation, work: UnitOfWork, today: int) -> None:
        super().__init__(organisation, work, today)
        self._in_order: dict[str, tuple[Parts, _RemindersInOrder]] = {}
        """By account key, its reminders as they were last seen, and the same in order."""

    def customer(self, record: Customer) -> Result:
        """A customer's own record. An account number belongs to one customer."""
        account = self.work.account("c" + self._outward("customer", record.id), record.id)
        before = self.work.counterparty_record(account).record
        holder = self.work.account_number(record.account_number) if record.account_number else None
        stale = before is not None and older(record.updated_at, before.updated_at)
        if holder not in (None, account.id) and not stale:
            return Result(record.type, record.id, "rejected", "account_number", "belongs to another customer")
        result = self._counterparty(record, account)
        if result.result in ("created", "updated"):
            previous = {} if before is None else before.content
            self.work.move_number(account, previous.get("account_number"), record.account_number or None)
            self.work.move_external_id(account, previous.get("external_id"), record.external_id or None)
        return result

    def supplier(self, record: Supplier) -> Result:
        """A supplier's own record."""
        return self._counterparty(record, self.work.account("s" + self._outward("supplier", record.id), record.id))

    def _counterparty(self, record: Customer | Supplier, account: AccountState) -> Result:
        own = self.work.counterparty_record(account)
        part = Part(content(record), record.updated_at)
        outcome = outcome_of(own.record, part)
        if outcome == "unchanged" and own.record is not None and record.updated_at is not None:
            if record.updated_at != own.record.updated_at:
                own.record = own.record._replace(updated_at=record.updated_at)
                self.work.touch(own)
        elif outcome in ("created", "updated"):
            own.record, own.deleted_at = part, None
            account.name = record.name
            account.credit_limits = limits_of(part.content.get("credit_limit") or {})
            self.work.touch(own)
            self.work.touch(account)
        return Result(record.type, record.id, outcome)

    def reminder(self, record: ReminderRecord) -> Result:
        """A reminder sent to a customer."""
        return self._contact(record, lambda own: own.reminders, MAX_REMINDERS, self._show_reminders)

    def promise(self, record: PromiseRecord) -> Result:
        """A customer's promise to pay."""
        return self._contact(record, lambda own: own.promises, MAX_PROMISES, self._show_promises)

    def _contact(
        self,
        record: ReminderRecord | PromiseRecord,
        contacts_of: Callable[[CounterpartyRecord], Parts],
        limit: int,
        show: Callable[[AccountState, CounterpartyRecord], None],
    ) -> Result:
        """A reminder or promise goes to its customer, and away from the one who had it."""
        account = self.work.account("c" + self._outward("customer", record.customer_id), record.customer_id)
        contact_id = self._outward(record.type, record.id)
        previous_target = self.work.target(record.type, contact_id)
        holder = account if previous_target in (None, account.key) else self.work.account(previous_target, "")
        known, key = contacts_of(self.work.counterparty_record(holder)), record.id
        if previous_target is not None:
            key = self._recorded_key(known, record.type, "", record.id)
        part = Part(content(record), record.updated_at)
        outcome = outcome_of(known.get(key), part)
        if outcome in ("stale", "unchanged"):
            if outcome == "unchanged":
                self._note_part_moment(self.work.counterparty_record(holder), known, key, record.updated_at)
            return Result(record.type, record.id, outcome)
        contacts = contacts_of(self.work.counterparty_record(account))
        rejected = self._rejected_contact(record, account, contacts, key, limit)
        if rejected is not None:
            return rejected
        if holder is not account:
            known.remove(key)
            self._show_contacts(holder, show)
        contacts[key] = part
        self._show_contacts(account, show)
        if previous_target != account.key:
            self.work.point(record.type, contact_id, account.key)
        return Result(record.type, record.id, outcome if account.known else "pending")

    def _rejected_contact(
        self, record: ReminderRecord | PromiseRecord, account: AccountState, contacts: Parts, key: str, limit: int
    ) -> Result | None:
        """Why the customer cannot have this one as well."""
        part = Part(content(record), record.updated_at)
        if len(contacts) + (key not in contacts) > limit:
            reason = f"the customer has {limit} {record.type}s already, the most it can have"
            return Result(record.type, record.id, "rejected", None, reason)
        crowded = contacts.size_with(key, part) > MAX_BYTES
        if isinstance(record, ReminderRecord) and not crowded:
            crowded = not self._reminders_of(account).fit_with(key, part.content, self.today)
        if crowded:
            return Result(record.type, record.id, "rejected", None, f"the customer has no room for more {record.type}s")
        return None

    def _shown(self, account: AccountState) -> tuple[list[Reminder], bool]:
        """The reminders that readers are shown, and whether there are more."""
        every = self._reminders_of(account).every
        # A list of its own: the one in order goes on changing.
        live = [*live_reminders(every, self.today)]
        return live, len(live) < len(every)

    def _reminders_of(self, account: AccountState) -> _RemindersInOrder:
        """A customer's reminders in order, kept so from record to record."""
        reminders = self.work.counterparty_record(account).reminders
        seen, in_order = self._in_order.get(account.key, (None, None))
        changed = reminders.take_changed()
        if in_order is None or seen is not reminders:
            in_order = _RemindersInOrder(self.organisation, reminders)
            self._in_order[account.key] = reminders, in_order
            return in_order
        for id_ in changed:
            in_order.replace(id_, reminders[id_].content if id_ in reminders else None)
        return in_order

    def _show_contacts(self, account: AccountState, show: Callable[[AccountState, CounterpartyRecord], None]) -> None:
        own = self.work.counterparty_record(account)
        show(account, own)
        self.work.touch(own)
        self.work.touch(account)

    def _show_reminders(self, account: AccountState, own: CounterpartyRecord) -> None:
        account.reminders, account.reminders_truncated = self._shown(account)

    def _show_promises(self, account: AccountState, own: CounterpartyRecord) -> None:
        kept = {(p.id, p.currency, p.amount is None, p.made, p.promised): p.kept for p in account.promises}
        account.promises = []
        for id_, part in sorted(own.promises.items(), key=itemgetter(0)):
            payload = part.content
            amount = None if "amount" not in payload else in_minor(payload["amount"], payload["currency"])
            promise = Promise(id_, payload["currency"], amount, payload["made_on"], payload["promised_on"])
            known = kept.get((id_, promise.currency, amount is None, promise.made, promise.promised))
            account.promises.append(promise._replace(kept=self._kept(account, promise) if known is None else known))

    def _kept(self, account: AccountState, promise: Promise) -> list[KeptChange]:
        """What closed documents have done for the promise since: nothing by those that closed before it."""
        if account.last_closed_on < promise.made:
            return []
        documents = self.work.closed_since(account, promise.made)
        return merged(change for document in documents for change in kept_changes(promise, document.dated))


def limits_of(amounts: Mapping[str, str]) -> dict[str, int]:
    """Credit limits in minor units, from those in major units that a customer's record has by currency."""
    return {currency: to_minor(Decimal(amount), currency) or 0 for currency, amount in amounts.items()}
