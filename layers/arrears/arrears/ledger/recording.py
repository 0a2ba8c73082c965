"""Recording: what a record changes in the book. Pure: the book it works on is handed in.

A document keeps the facts it was told, under the caller's ids. Its account and its month are never recomputed but
moved by the difference between what the document gave them before and what it gives them now, so a record costs the
same however much history there is, and it does not matter in which order records arrive.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from arrears.ledger import document_facts, payment_status
from arrears.ledger.accounts import HISTORY_DAYS, AccountState, File, party_of
from arrears.ledger.days import LAST_DAY, month_of
from arrears.ledger.document_facts import Facts, Promise, Reminder
from arrears.ledger.documents import Claim, Document, Part, claim_of, in_minor, older, same_course, with_state
from arrears.ledger.ids import outward_id
from arrears.ledger.money import EXPONENTS
from arrears.ledger.organisation import Organisation
from arrears.ledger.records import (
    Bill,
    Credit,
    Customer,
    DisputeRecord,
    Invoice,
    Payment,
    PromiseRecord,
    Record,
    Rejection,
    ReminderRecord,
    Supplier,
    content,
    line_content,
    size_of,
)
from arrears.ledger.reminders import live_reminders, read_reminders

MAX_PARTS = 1_000
"""Allocations and disputes that one document may have."""
MAX_PROMISES = 200
MAX_REMINDERS = 2_000
MAX_FUTURE_PARTS = 20
"""Allocations and disputes of one document that may be dated after the day of recording."""

MAX_BYTES = 180_000
"""How much may be told of one document's parts, of one customer's reminders, and of its promises."""
MAX_LIVE_BYTES = 100_000
"""How much of a customer's reminders readers may have to be shown."""
MAX_STATES = 500
"""Different states that one bill may go through."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one record, in the order of the batch."""

    type: str | None
    id: str | None
    result: str
    field: str | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The result as it is answered; `field` and `reason` only where there is one."""
        answer: dict[str, Any] = {"type": self.type, "id": self.id, "result": self.result}
        if self.field is not None:
            answer["field"] = self.field
        if self.reason is not None:
            answer["reason"] = self.reason
        return answer


def document_of(record: Payment | Credit | DisputeRecord) -> tuple[str, str]:
    """Kind and caller's id of the document that an allocation or dispute is on."""
    if record.invoice_id is not None:
        return "invoice", record.invoice_id
    return "bill", record.bill_id or ""


class Book(Protocol):
    """The part of a ledger that records are applied to. Getters return the one object of its id, made if missing."""

    def document(self, kind: str, id: str, reference: str) -> Document:
        """The invoice or bill of an outward id."""

    def account(self, key: str, reference: str) -> AccountState:
        """The counterparty of a key."""

    def file(self, account: AccountState) -> File:
        """What was told of the counterparty itself."""

    def target(self, kind: str, id: str) -> str | None:
        """What a payment, credit, dispute (a document: "i" or "b" and id), reminder or promise (an account) is on."""

    def point(self, kind: str, id: str, target: str) -> None:
        """Remembers what it is on."""

    def account_number(self, number: str) -> str | None:
        """The customer id that holds an account number."""

    def give_number(self, account: AccountState, before: str | None, number: str | None) -> None:
        """Moves a customer's account number."""

    def give_external_id(self, account: AccountState, before: str | None, external_id: str | None) -> None:
        """Moves a customer's external id."""

    def put_lines(self, document: Document, lines: list[list[str | None]]) -> None:
        """Keeps an invoice's lines, apart from it."""

    def documents_of(self, account: AccountState) -> Iterable[Document]:
        """Every document of a counterparty."""

    def rested(self, account: AccountState, since: int) -> Iterable[Document]:
        """Its documents that came to rest on a day or later."""

    def touch(self, changed: Document | AccountState | File) -> None:
        """Marks a document, counterparty or file as changed."""

    def roll(self, month: str, shard: int, day: int, figure: tuple[str, str], count: int, amount: int) -> None:
        """Adds to a month's figure (status, currency) from `day` on; 0 for days already past."""


class Recording:
    """Applies records to a book on one day of one organisation."""

    def __init__(self, organisation: Organisation, book: Book, today: int) -> None:
        self._organisation = organisation
        self._book = book
        self._today = today
        self._appliers: dict[type, Callable[[Any], Result]] = {
            Customer: self._customer,
            Supplier: self._supplier,
            Invoice: self._invoice,
            Bill: self._bill,
            Payment: self._part,
            Credit: self._part,
            DisputeRecord: self._part,
            ReminderRecord: self._reminder,
            PromiseRecord: self._promise,
        }

    def apply(self, record: Record | Rejection, raw: object = None) -> Result:
        """Applies one record and says what became of it. A rejected one changes nothing."""
        if isinstance(record, Rejection):
            told = raw if isinstance(raw, dict) else {}
            kind, id_ = (value if isinstance(value, str) else None for value in (told.get("type"), told.get("id")))
            return Result(kind, id_, "rejected", record.field, record.reason)
        return self._appliers[type(record)](record)

    def settle(self, kind: str, id: str) -> bool:
        """Brings a document to rest that time has; False when it is there, or is not at rest, already."""
        document = self._book.document(kind, id, "")
        if document.at_rest == (document_facts.rest_day(document.facts) <= self._today):
            return False
        self._change(document, lambda: None)
        return True

    # Documents

    def _invoice(self, record: Invoice) -> Result:
        lines = [line_content(line) for line in record.lines or ()]
        return self._head("invoice", record, lines, None)

    def _bill(self, record: Bill) -> Result:
        since = record.voided_on if record.state_on is None and record.state == "Voided" else record.state_on
        state = [record.state, since, record.scheduled_payment_on, record.updated_at]
        return self._head("bill", record, [], state)

    def _head(
        self,
        kind: str,
        record: Invoice | Bill,
        lines: list[list[str | None]],
        state: list[Any] | None,
    ) -> Result:
        document = self._book.document(kind, self._outward(kind, record.id), record.id)
        told, digest = content(record), lines_digest(lines)
        states = document.states if state is None else with_state(document.states, state)
        if len(states) > MAX_STATES:
            reason = f"the bill has gone through {MAX_STATES} different states already, the most it can have"
            return Result(kind, record.id, "rejected", "state", reason)
        known = document.head is not None
        if known and older(record.updated_at, document.updated_at):
            if states != document.states:
                self._change(document, lambda: setattr(document, "states", states))
            return Result(kind, record.id, "stale")
        if known and (document.head, document.lines) == (told, digest) and same_course(document.states, states):
            self._note_moment(document, record.updated_at, states)
            return Result(kind, record.id, "unchanged")

        def tell() -> None:
            if digest != document.lines:
                self._book.put_lines(document, lines)
            document.head, document.lines, document.updated_at = told, digest, record.updated_at
            document.states = states
            document.recorded_on = document.recorded_on or self._today
            document.filled_due = self._filled_due(document)
            account = self._book.account(*party_of(self._organisation, record))
            document.account, document.shard = account.key, account.shard

        self._change(document, tell)
        return Result(kind, record.id, "updated" if known else "created")

    def _filled_due(self, document: Document) -> int | None:
        terms = self._organisation.policy.default_terms_days
        if terms is None or "due_on" in (document.head or {}):
            return None
        return min(document.issued_on()[0] + terms, LAST_DAY)

    def _note_moment(self, document: Document, updated_at: str | None, states: list[list[Any]]) -> None:
        if updated_at is not None and (updated_at, states) != (document.updated_at, document.states):
            document.updated_at, document.states = updated_at, states
            self._book.touch(document)

    def _change(self, document: Document, tell: Callable[[], None]) -> None:
        """Changes a document, and moves its account and its month by the difference."""
        before, shard = claim_of(document), document.shard
        was = document.facts
        tell()
        document.refresh(self._today)
        self._book.touch(document)
        if document.kind == "invoice" and (was, shard) != (document.facts, document.shard):
            self._roll(document.facts, document.shard, 1)
            self._roll(was, shard, -1)
        after = claim_of(document)
        if after != before:
            self._move(before, after)

    def _roll(self, invoice: Facts, shard: int, sign: int) -> None:
        for day, before, after in payment_status.status_changes(invoice):
            effective = day if day > self._today else 0
            for status, change in ((before, -sign), (after, sign)):
                if status is not None:
                    figure = (status, invoice.currency)
                    self._book.roll(month_of(invoice.issued), shard, effective, figure, change, change * invoice.total)

    def _move(self, before: Claim, after: Claim) -> None:
        if (before.account, before.name, before.order) == (after.account, after.name, after.order):
            before, after = before._replace(name=None), after._replace(name=None)
        moved = [
            (self._book.account(claim.account, ""), claim, sign)
            for claim, sign in ((after, 1), (before, -1))
            if claim.account is not None
        ]
        for account, claim, sign in moved:
            account.give(claim, sign, self._today - HISTORY_DAYS)
            self._book.touch(account)
        for account, _, _ in moved:
            if account.names_forgotten():
                account.retell_names(self._book.documents_of(account))

    # Allocations and disputes

    def _part(self, record: Payment | Credit | DisputeRecord) -> Result:
        kind, reference = document_of(record)
        id_, part_id = self._outward(kind, reference), self._outward(record.type, record.id)
        document = self._book.document(kind, id_, reference)
        target, stood = kind[0] + id_, self._book.target(record.type, part_id)
        holder = document if stood in (None, target) else self._document_at(stood)
        key = f"{record.type}:{record.id}"
        if stood is not None:
            key = self._key_told(holder.parts, record.type, f"{record.type}:", record.id)
        stored = holder.parts.get(key)
        told = content(record)
        told.pop(f"{kind}_id")
        if stored is not None:
            if older(record.updated_at, stored[1]):
                return Result(record.type, record.id, "stale")
            if stored[0] == told and holder is document:
                if record.updated_at is not None and record.updated_at != stored[1]:
                    stored[1] = record.updated_at
                    self._book.touch(holder)
                return Result(record.type, record.id, "unchanged")
        part = [told, record.updated_at]
        refused = self._refused_part(record, document, {**document.parts, key: part}, key)
        if refused is not None:
            return refused
        if holder is not document:
            self._change(holder, lambda: _drop(holder.parts, key))
        self._change(document, lambda: document.parts.__setitem__(key, part))
        if stood != target:
            self._book.point(record.type, part_id, target)
        if document.head is None:
            return Result(record.type, record.id, "pending")
        return Result(record.type, record.id, "created" if stored is None else "updated")

    def _key_told(self, told: dict[str, Part], kind: str, prefix: str, id: str) -> str:
        """The key under which a part or contact was told: its id may be the same UUID in another form.

        It may not be there at all: where it was has been read before it moved away, and no write will succeed.
        """
        if prefix + id not in told:
            outward = self._outward(kind, id)
            for key in told:
                if key.startswith(prefix) and self._outward(kind, key.removeprefix(prefix)) == outward:
                    return key
        return prefix + id

    def _document_at(self, target: str) -> Document:
        return self._book.document("invoice" if target[0] == "i" else "bill", target[1:], "")

    def _refused_part(
        self, record: Payment | Credit | DisputeRecord, document: Document, parts: dict[str, Part], key: str
    ) -> Result | None:
        """Why the document cannot have these parts, of which the one of `key` is new."""
        amount = parts[key][0].get("amount")
        if document.head is not None and amount is not None:
            currency = document.head["currency"]
            if in_minor(amount, currency) is None:
                reason = f"has more decimals than {currency} has ({EXPONENTS[currency]})"
                return Result(record.type, record.id, "rejected", "amount", reason)
        if len(parts) > MAX_PARTS:
            reason = f"the document has {MAX_PARTS} allocations and disputes already, the most it can have"
            return Result(record.type, record.id, "rejected", None, reason)
        if size_of(parts) > MAX_BYTES:
            return Result(record.type, record.id, "rejected", None, "the document has no room for more of them")
        future = self._future(parts[key]) and sum(map(self._future, parts.values()))
        if future > MAX_FUTURE_PARTS:
            reason = f"the document has {MAX_FUTURE_PARTS} allocations and disputes dated in the future already"
            return Result(record.type, record.id, "rejected", None, reason)
        return None

    def _future(self, part: Part) -> bool:
        days = (part[0].get(name, 0) for name in ("paid_on", "credited_on", "voided_on", "resolved_on"))
        return any(day > self._today for day in days)

    # Counterparties

    def _customer(self, record: Customer) -> Result:
        account = self._book.account("c" + self._outward("customer", record.id), record.id)
        before = self._book.file(account).record
        holder = self._book.account_number(record.account_number) if record.account_number else None
        stale = before is not None and older(record.updated_at, before[1])
        if holder not in (None, account.id) and not stale:
            return Result(record.type, record.id, "rejected", "account_number", "belongs to another customer")
        result = self._counterparty(record, account)
        if result.result in ("created", "updated"):
            was = {} if before is None else before[0]
            self._book.give_number(account, was.get("account_number"), record.account_number or None)
            self._book.give_external_id(account, was.get("external_id"), record.external_id or None)
        return result

    def _supplier(self, record: Supplier) -> Result:
        return self._counterparty(record, self._book.account("s" + self._outward("supplier", record.id), record.id))

    def _counterparty(self, record: Customer | Supplier, account: AccountState) -> Result:
        file = self._book.file(account)
        outcome = _kept(file.record, content(record), record.updated_at)
        if outcome in ("stale", "unchanged"):
            if outcome == "unchanged" and file.record is not None:
                self._note_part(file, file.record, record.updated_at)
            return Result(record.type, record.id, outcome)
        file.record = [content(record), record.updated_at]
        account.name = record.name
        self._book.touch(file)
        self._book.touch(account)
        return Result(record.type, record.id, outcome)

    def _note_part(self, holder: File, part: Part, updated_at: str | None) -> None:
        if updated_at is not None and updated_at != part[1]:
            part[1] = updated_at
            self._book.touch(holder)

    def _reminder(self, record: ReminderRecord) -> Result:
        return self._contact(record, lambda file: file.reminders, MAX_REMINDERS, self._tell_reminders)

    def _promise(self, record: PromiseRecord) -> Result:
        return self._contact(record, lambda file: file.promises, MAX_PROMISES, self._tell_promises)

    def _contact(
        self,
        record: ReminderRecord | PromiseRecord,
        drawer: Callable[[File], dict[str, Part]],
        limit: int,
        tell: Callable[[AccountState, File], None],
    ) -> Result:
        """A reminder or promise goes into its customer's file, and out of the one it was in."""
        account = self._book.account("c" + self._outward("customer", record.customer_id), record.customer_id)
        contact_id = self._outward(record.type, record.id)
        stood = self._book.target(record.type, contact_id)
        holder = account if stood in (None, account.key) else self._book.account(stood, "")
        standing, key = drawer(self._book.file(holder)), record.id
        if stood is not None:
            key = self._key_told(standing, record.type, "", record.id)
        stored, told = standing.get(key), content(record)
        outcome = _kept(stored, told, record.updated_at)
        if outcome in ("stale", "unchanged"):
            if outcome == "unchanged" and stored is not None:
                self._note_part(self._book.file(holder), stored, record.updated_at)
            return Result(record.type, record.id, outcome)
        kept = drawer(self._book.file(account))
        refused = self._refused_contact(record, {**kept, key: [told, record.updated_at]}, limit)
        if refused is not None:
            return refused
        if holder is not account:
            _drop(standing, key)
            self._touch_file(holder, tell)
        kept[key] = [told, record.updated_at]
        self._touch_file(account, tell)
        if stood != account.key:
            self._book.point(record.type, contact_id, account.key)
        return Result(record.type, record.id, outcome if account.known else "pending")

    def _refused_contact(
        self, record: ReminderRecord | PromiseRecord, kept: dict[str, Part], limit: int
    ) -> Result | None:
        if len(kept) > limit:
            reason = f"the customer has {limit} {record.type}s already, the most it can have"
            return Result(record.type, record.id, "rejected", None, reason)
        crowded = size_of(kept) > MAX_BYTES
        if isinstance(record, ReminderRecord) and not crowded:
            crowded = size_of(self._shown(kept)[0]) > MAX_LIVE_BYTES
        if crowded:
            return Result(record.type, record.id, "rejected", None, f"the customer has no room for more {record.type}s")
        return None

    def _shown(self, kept: dict[str, Part]) -> tuple[list[Reminder], bool]:
        """The reminders that readers are shown, and whether there are more."""
        every = read_reminders(self._organisation, kept)
        live = live_reminders(every, self._today)
        return live, len(live) < len(every)

    def _touch_file(self, account: AccountState, tell: Callable[[AccountState, File], None]) -> None:
        file = self._book.file(account)
        tell(account, file)
        self._book.touch(file)
        self._book.touch(account)

    def _tell_reminders(self, account: AccountState, file: File) -> None:
        account.reminders, account.trimmed = self._shown(file.reminders)

    def _tell_promises(self, account: AccountState, file: File) -> None:
        kept = {(p.id, p.currency, p.made, p.promised): p.kept for p in account.promises}
        account.promises = []
        for id_, (told, _) in sorted(file.promises.items()):
            amount = None if "amount" not in told else in_minor(told["amount"], told["currency"])
            promise = Promise(id_, told["currency"], amount, told["made_on"], told["promised_on"])
            known = kept.get((id_, promise.currency, promise.made, promise.promised))
            account.promises.append(promise._replace(kept=self._kept(account, promise) if known is None else known))

    def _kept(self, account: AccountState, promise: Promise) -> int:
        """What documents at rest have had applied since the promise: none that came to rest before it."""
        if account.rest < promise.made:
            return 0
        documents = self._book.rested(account, promise.made)
        return sum(document_facts.applied_since(promise, document.facts, document_facts.LAST) for document in documents)

    def _outward(self, kind: str, id: str) -> str:
        return outward_id(self._organisation.id, kind, id)


def lines_digest(lines: list[list[str | None]]) -> str | None:
    """What tells an invoice's lines from others; None when there are none."""
    return sha256(json.dumps(lines).encode()).hexdigest()[:32] if lines else None


def _kept(stored: Part | None, told: dict[str, Any], updated_at: str | None) -> str:
    """The result of telling `told` where `stored` stands."""
    if stored is None:
        return "created"
    if older(updated_at, stored[1]):
        return "stale"
    return "unchanged" if stored[0] == told else "updated"


def _drop(parts: dict[str, Part], key: str) -> None:
    parts.pop(key, None)
