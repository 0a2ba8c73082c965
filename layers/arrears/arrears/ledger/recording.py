"""Recording: what a record changes in the ledger. Pure: the unit of work is an argument.

A document keeps what its records say, under the caller's ids. Its account and its month are never recomputed. They
change by the difference between what the document contributed before and what it contributes now. So a record costs
the same however much history there is, and records may arrive in any order.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

from arrears.ledger import dated_document, payment_status, record_warnings
from arrears.ledger.accounts import HISTORY_DAYS, AccountState, CounterpartyRecord, party_of
from arrears.ledger.dated_document import DatedDocument, KeptChange, Promise, Reminder
from arrears.ledger.days import LAST_DAY, month_of
from arrears.ledger.documents import (
    Contribution,
    Document,
    Part,
    StateEntry,
    contribution_of,
    in_minor,
    older,
    same_course,
    surviving,
    with_state,
)
from arrears.ledger.duplicates import Mark, forget, mark_of, remember, remembered
from arrears.ledger.ids import outward_id
from arrears.ledger.money import EXPONENTS
from arrears.ledger.on_account_records import MAX_ALLOCATIONS, MAX_MONEY_CHANGES, OnAccountRecord
from arrears.ledger.organisation import Organisation
from arrears.ledger.promises import kept_changes, merged
from arrears.ledger.record_warnings import RecordWarning
from arrears.ledger.records import (
    AllocationRecord,
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

TAKEN = frozenset({"created", "updated", "pending"})
"""Results of records that have been stored: they may carry warnings."""
MAX_PARTS = 1_000
"""Allocations and disputes that one document may have."""
MAX_PROMISES = 200
MAX_REMINDERS = 2_000
MAX_FUTURE_PARTS = 20
"""Allocations and disputes of one document that may be dated after the day of recording."""

MAX_BYTES = 180_000
"""How many bytes one document's parts may have, one customer's reminders, its promises, and the ids of the allocations
of one payment or credit."""
MAX_LIVE_BYTES = 100_000
"""How much of a customer's reminders readers may have to be shown."""
MAX_STATES = 500
"""Different states that one bill may go through."""
DOCUMENTS_AT_ONCE = 20
"""Documents that have their allocations renewed in one transaction, when the payment they come from changes."""

type Applied = Payment | Credit | AllocationRecord | DisputeRecord
"""Records that go onto a document."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one record, in the order of the batch."""

    type: str | None
    id: str | None
    result: str
    field: str | None = None
    reason: str | None = None
    warnings: tuple[RecordWarning, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The result as it is answered; `field`, `reason` and `warnings` only where there are any."""
        answer: dict[str, Any] = {"type": self.type, "id": self.id, "result": self.result}
        if self.field is not None:
            answer["field"] = self.field
        if self.reason is not None:
            answer["reason"] = self.reason
        if self.warnings:
            answer["warnings"] = list(self.warnings)
        return answer


def source_of(record: AllocationRecord) -> tuple[str, str]:
    """Kind and caller's id of the payment or credit on account that an allocation comes from."""
    if record.payment_id is not None:
        return "payment", record.payment_id
    return "credit", record.credit_id or ""


def document_of(record: Applied) -> tuple[str, str]:
    """Kind and caller's id of the document that an allocation or dispute is on."""
    if record.invoice_id is not None:
        return "invoice", record.invoice_id
    return "bill", record.bill_id or ""


class UnitOfWork(Protocol):
    """The part of a ledger that records are applied to. Getters return the one object of its id, made if missing."""

    def document(self, kind: str, id: str, reference: str) -> Document:
        """The invoice or bill of an outward id."""

    def account(self, key: str, reference: str) -> AccountState:
        """The counterparty of a key."""

    def counterparty_record(self, account: AccountState) -> CounterpartyRecord:
        """What the records of a counterparty itself say."""

    def on_account(self, kind: str, id: str, reference: str) -> OnAccountRecord:
        """The payment or credit of an outward id as money on account."""

    def target(self, kind: str, id: str) -> str | None:
        """What a part (a document: "i" or "b" and id), reminder, promise or money on account (an account) is on."""

    def point(self, kind: str, id: str, target: str) -> None:
        """Remembers what it is on."""

    def deleted_at(self, kind: str, id: str) -> str | None:
        """When a payment, credit, dispute, reminder or promise was deleted (see UNDATED); None while it is not."""

    def point_deleted(self, kind: str, id: str, moment: str) -> None:
        """Remembers that it was deleted: it is on nothing then."""

    def account_number(self, number: str) -> str | None:
        """The customer id that holds an account number."""

    def move_number(self, account: AccountState, before: str | None, number: str | None) -> None:
        """Moves a customer's account number."""

    def move_external_id(self, account: AccountState, before: str | None, external_id: str | None) -> None:
        """Moves a customer's external id."""

    def put_lines(self, document: Document, lines: list[list[str | None]]) -> None:
        """Keeps an invoice's lines, apart from it."""

    def documents_of(self, account: AccountState) -> Iterable[Document]:
        """Every document of a counterparty."""

    def closed_since(self, account: AccountState, since: int) -> Iterable[Document]:
        """Its documents that are closed from a day or later."""

    def touch(self, changed: Document | AccountState | CounterpartyRecord | OnAccountRecord) -> None:
        """Marks an object as changed."""

    def add_to_month(self, month: str, shard: int, day: int, figure: tuple[str, str], count: int, amount: int) -> None:
        """Adds to a month's figure (status, currency) from `day` on; 0 for days already past."""


class Recording:
    """Applies records to a unit of work on one day of one organisation."""

    def __init__(self, organisation: Organisation, work: UnitOfWork, today: int) -> None:
        self.organisation = organisation
        self.work = work
        self.today = today
        self.unfinished: OnAccountRecord | None = None
        """Money on account with so many allocations that its change takes more than one transaction; see go_on."""

    def apply(self, record: Record | Rejection, raw: object = None) -> Result:
        """Applies one record and says what became of it. A rejected one changes nothing."""
        if isinstance(record, Rejection):
            payload = raw if isinstance(raw, dict) else {}
            kind, id_ = (payload.get(name) for name in ("type", "id"))
            return Result(_text_or_none(kind), _text_or_none(id_), "rejected", record.field, record.reason)
        result = RECORD_TYPES[type(record)].apply(self, record)
        if result.result not in TAKEN:
            return result
        warnings = tuple(self._warnings(record))
        return replace(result, warnings=result.warnings + warnings) if warnings else result

    def _warnings(self, record: Record) -> Iterator[RecordWarning]:
        """What looks wrong now that the record was taken."""
        yield from record_warnings.far_dates(record, self.today)
        document = self._applied_document(record)
        if document is not None:
            yield from record_warnings.over_applied(document)
        if isinstance(record, ReminderRecord):
            invoices = {
                id_: self.work.document("invoice", self._outward("invoice", id_), id_) for id_ in _about(record)
            }
            unknown = [id_ for id_, invoice in invoices.items() if invoice.head is None]
            yield from record_warnings.unknown_invoices(unknown)

    def _applied_document(self, record: Record) -> Document | None:
        """The document that a record is, or is applied to."""
        if isinstance(record, DisputeRecord):
            return None
        for kind in ("invoice", "bill"):
            reference = record.id if record.type == kind else getattr(record, f"{kind}_id", None)
            if reference is not None:
                return self.work.document(kind, self._outward(kind, reference), reference)
        return None

    def close_document(self, kind: str, id: str) -> bool:
        """Closes a document that time has closed; False when it was closed, or is to stay open, already."""
        document = self.work.document(kind, id, "")
        if document.closed == (dated_document.listed_closed_from(document.dated) <= self.today):
            return False
        self._change(document, lambda: None)
        return True

    # Documents

    def invoice(self, record: Invoice) -> Result:
        """An invoice's own record."""
        lines = [line_content(line) for line in record.lines or ()]
        return self._head("invoice", record, lines, None)

    def bill(self, record: Bill) -> Result:
        """A bill's own record, with the state it entered."""
        since = record.voided_on if record.state_on is None and record.state == "Voided" else record.state_on
        state = StateEntry(record.state, since, record.scheduled_payment_on, record.updated_at)
        return self._head("bill", record, [], state)

    def _head(
        self,
        kind: str,
        record: Invoice | Bill,
        lines: list[list[str | None]],
        state: StateEntry | None,
    ) -> Result:
        document = self.work.document(kind, self._outward(kind, record.id), record.id)
        payload, digest = content(record), lines_digest(lines)
        known_states = surviving(document.states, document.deleted_at)
        states = document.states if state is None else with_state(known_states, state)
        if len(states) > MAX_STATES:
            reason = f"the bill has gone through {MAX_STATES} different states already, the most it can have"
            return Result(kind, record.id, "rejected", "state", reason)
        known = document.head is not None
        if older(record.updated_at, document.updated_at):
            states = surviving(states, document.deleted_at)
            if states != document.states:
                self._change(document, lambda: setattr(document, "states", states))
            return Result(kind, record.id, "stale")
        if known and (document.head, document.lines) == (payload, digest) and same_course(document.states, states):
            self._note_moment(document, record.updated_at, states)
            return Result(kind, record.id, "unchanged")

        def replace_head() -> None:
            if digest != document.lines:
                self.work.put_lines(document, lines)
            document.head, document.lines, document.updated_at = payload, digest, record.updated_at
            document.states = states
            document.deleted_at = document.deleted_at if states else None
            document.recorded_on = document.recorded_on or self.today
            document.filled_due = self._filled_due(document)
            account = self.work.account(*party_of(self.organisation, record))
            document.account, document.shard = account.key, account.shard

        previous = mark_of(document)
        self._change(document, replace_head)
        others = self._move_mark(document, previous)
        warnings = tuple(record_warnings.possible_duplicate(document, others))
        return Result(kind, record.id, "updated" if known else "created", warnings=warnings)

    def _move_mark(self, document: Document, previous: Mark) -> int:
        """Moves a changed document's mark to its account; how many other documents there have the same."""
        now = mark_of(document)
        others = 0
        for mark, change in ((previous, forget), (now, remember)):
            if mark.account is not None and mark.code is not None:
                account = self.work.account(mark.account, "")
                if now != previous:
                    change(account, mark.code)
                    self.work.touch(account)
                if mark is now:
                    others = max(0, remembered(account, mark.code) - 1)
        return others

    def _filled_due(self, document: Document) -> int | None:
        terms = self.organisation.policy.default_terms_days
        if terms is None or "due_on" in (document.head or {}):
            return None
        issued, _ = document.issued_on()
        return min(issued + terms, LAST_DAY)

    def _note_moment(self, document: Document, updated_at: str | None, states: list[StateEntry]) -> None:
        if updated_at is not None and (updated_at, states) != (document.updated_at, document.states):
            document.updated_at, document.states = updated_at, states
            self.work.touch(document)

    def _change(self, document: Document, change: Callable[[], None]) -> None:
        """Changes a document, and moves its account and its month by the difference."""
        before, shard = contribution_of(document), document.shard
        previous = document.dated
        change()
        document.refresh(self.today)
        self.work.touch(document)
        if document.kind == "invoice" and (previous, shard) != (document.dated, document.shard):
            self._add_to_months(document.dated, document.shard, 1)
            self._add_to_months(previous, shard, -1)
        after = contribution_of(document)
        if after != before:
            self._move(before, after)

    def _add_to_months(self, invoice: DatedDocument, shard: int, sign: int) -> None:
        for day, before, after in payment_status.status_changes(invoice):
            effective = day if day > self.today else 0
            for status, change in ((before, -sign), (after, sign)):
                if status is not None:
                    figure, amount = (status, invoice.currency), change * invoice.total
                    self.work.add_to_month(month_of(invoice.issued), shard, effective, figure, change, amount)

    def _move(self, before: Contribution, after: Contribution) -> None:
        if (before.account, before.name, before.order) == (after.account, after.name, after.order):
            before, after = before._replace(name=None), after._replace(name=None)
        moved = [
            (self.work.account(contribution.account, ""), contribution, sign)
            for contribution, sign in ((after, 1), (before, -1))
            if contribution.account is not None
        ]
        for account, contribution, sign in moved:
            account.apply(contribution, sign, self.today - HISTORY_DAYS)
            self.work.touch(account)
        for account, _, _ in moved:
            if account.names_forgotten():
                account.recompute_names(self.work.documents_of(account))

    # Allocations and disputes

    def part(self, record: Applied) -> Result:
        """A payment, credit, allocation or dispute goes onto its document, and off what it was on."""
        kind, reference = document_of(record)
        id_, part_id = self._outward(kind, reference), self._outward(record.type, record.id)
        document = self.work.document(kind, id_, reference)
        target, previous_target = kind[0] + id_, self.work.target(record.type, part_id)
        holder, key, stored = self._stored_part(record, previous_target, document)
        part = Part(content(record), record.updated_at)
        del part.content[f"{kind}_id"]
        outcome = _outcome(stored, part)
        if outcome == "stale":
            return Result(record.type, record.id, outcome)
        if outcome == "unchanged" and isinstance(holder, Document) and holder is document:
            self._note_part_moment(holder, holder.parts, key, record.updated_at)
            return Result(record.type, record.id, outcome)
        rejected = self._rejected_part(record, document, {**document.parts, key: part}, key)
        if rejected is not None:
            return rejected
        if isinstance(holder, OnAccountRecord) and len(holder.allocations) > DOCUMENTS_AT_ONCE:
            reason = f"has {len(holder.allocations)} allocations as money on account; take them back first"
            return Result(record.type, record.id, "rejected", f"{kind}_id", reason)
        if holder is not document:
            self._take_off(holder, key)
        if isinstance(record, AllocationRecord):
            self._link(record, document, key, target)
        self._change(document, lambda: document.parts.__setitem__(key, part))
        if previous_target != target:
            self.work.point(record.type, part_id, target)
        if document.head is None or (isinstance(record, AllocationRecord) and not document.counts_allocation(key)):
            return Result(record.type, record.id, "pending")
        return Result(record.type, record.id, "created" if stored is None else "updated")

    def _stored_part(
        self, record: Applied, previous_target: str | None, document: Document
    ) -> tuple[Document | OnAccountRecord, str, Part | None]:
        """What holds a part now (the document it goes onto, if nothing does), its key there, and the part."""
        key = f"{record.type}:{record.id}"
        if previous_target is None:
            return document, key, document.parts.get(key)
        if is_account(previous_target):
            money = self.work.on_account(record.type, self._outward(record.type, record.id), record.id)
            return money, key, money.part
        holder = document if previous_target == document.target else self._document_at(previous_target)
        key = self._recorded_key(holder.parts, record.type, f"{record.type}:", record.id)
        return holder, key, holder.parts.get(key)

    def _take_off(self, holder: Document | OnAccountRecord, key: str) -> None:
        """Takes a part off its document, or money off its account."""
        if isinstance(holder, OnAccountRecord):
            self._set_money(holder, None, None)
            return
        self._unlink(holder, key)
        self._change(holder, lambda: _remove(holder.parts, key))

    def _link(self, record: AllocationRecord, document: Document, key: str, target: str) -> None:
        """Connects an allocation that goes onto a document with the money it comes from."""
        self._unlink(document, key)
        money = self._money_of(record)
        money.allocations[key] = target
        self.work.touch(money)
        source = money.source()
        if source is not None:
            document.sources[key] = source

    def _unlink(self, document: Document, key: str) -> None:
        part = document.parts.get(key)
        document.sources.pop(key, None)
        if part is None or "applied_on" not in part.content:
            return
        for kind in ("payment", "credit"):
            reference = part.content.get(f"{kind}_id")
            if reference is not None:
                money = self.work.on_account(kind, self._outward(kind, reference), reference)
                money.allocations.pop(key, None)
                if key in money.outdated:
                    money.outdated.remove(key)
                self.work.touch(money)

    # Money on account

    def payment_or_credit(self, record: Payment | Credit) -> Result:
        """A payment or credit: on a document, or on account."""
        return self._on_account(record) if record.on_account else self.part(record)

    def _on_account(self, record: Payment | Credit) -> Result:
        """Money goes onto its party's account, and off what it was on."""
        party, reference = ("customer", record.customer_id) if record.customer_id else ("supplier", record.supplier_id)
        key = party[0] + self._outward(party, reference or "")
        account = self.work.account(key, reference or "")
        id_ = self._outward(record.type, record.id)
        money = self.work.on_account(record.type, id_, record.id)
        previous_target = self.work.target(record.type, id_)
        part = Part(content(record), record.updated_at)
        holder, part_key, stored = self._holder_of_money(record, money, previous_target)
        outcome = _outcome(stored, part)
        if outcome == "unchanged" and holder is money:
            self._note_money_moment(money, record.updated_at)
        if outcome == "stale" or (outcome == "unchanged" and holder is money):
            self._renew_allocations(money)
            return Result(record.type, record.id, outcome)
        if len(account.money) >= MAX_MONEY_CHANGES and (money.account, outcome) != (key, "updated"):
            reason = f"the {party}'s money on account has {MAX_MONEY_CHANGES} changes already, the most it can have"
            return Result(record.type, record.id, "rejected", None, reason)
        if isinstance(holder, Document):
            self._take_off(holder, part_key)
        money.reference = record.id if money.part is None else money.reference
        self._set_money(money, part, key)
        if previous_target != key:
            self.work.point(record.type, id_, key)
        if not account.known:
            return Result(record.type, record.id, "pending")
        return Result(record.type, record.id, "created" if stored is None else "updated")

    def _holder_of_money(
        self, record: Payment | Credit, money: OnAccountRecord, previous_target: str | None
    ) -> tuple[Document | OnAccountRecord, str, Part | None]:
        if previous_target is None or is_account(previous_target):
            return money, "", money.part
        document = self._document_at(previous_target)
        key = self._recorded_key(document.parts, record.type, f"{record.type}:", record.id)
        return document, key, document.parts.get(key)

    def _note_money_moment(self, money: OnAccountRecord, updated_at: str | None) -> None:
        if money.part is not None and updated_at is not None and updated_at != money.part.updated_at:
            money.part = money.part._replace(updated_at=updated_at)
            self.work.touch(money)

    def _set_money(self, money: OnAccountRecord, part: Part | None, account: str | None) -> None:
        """Replaces what is on account, moves its account by the difference, and renews its allocations."""
        source = money.source()
        self._count_money(money, -1)
        money.part, money.account = part, account
        self._count_money(money, 1)
        self.work.touch(money)
        if money.source() != source:
            money.outdated = sorted(money.allocations)
        self._renew_allocations(money)

    def _count_money(self, money: OnAccountRecord, sign: int) -> None:
        if money.part is None or money.account is None:
            return
        account = self.work.account(money.account, "")
        account.on_account += sign
        for change in money.changes():
            account.add_money(change, sign)
        self.work.touch(account)

    def _renew_allocations(self, money: OnAccountRecord) -> None:
        """Brings the state of money on account to the documents it is allocated to, some in each transaction."""
        some, money.outdated = money.outdated[:DOCUMENTS_AT_ONCE], money.outdated[DOCUMENTS_AT_ONCE:]
        source = money.source()
        for key in some:
            document = self._document_at(money.allocations[key])
            self._change(document, lambda document=document, key=key: document.set_source(key, source))  # type: ignore[misc]
        if some:
            self.work.touch(money)
        self.unfinished = money if money.outdated else None

    def go_on(self) -> None:
        """Continues a change that takes more than one transaction, after what it did so far has been written."""
        if self.unfinished is not None:
            self._renew_allocations(self.unfinished)

    def _recorded_key(self, parts: dict[str, Part], kind: str, prefix: str, id: str) -> str:
        """The key under which a part or contact was recorded: its id may be the same UUID in another form.

        It may not be there at all: where it was has been read before it moved away, and no write will succeed.
        """
        if prefix + id not in parts:
            outward = self._outward(kind, id)
            for key in parts:
                if key.startswith(prefix) and self._outward(kind, key.removeprefix(prefix)) == outward:
                    return key
        return prefix + id

    def _note_part_moment(
        self,
        holder: Document | CounterpartyRecord,
        parts: dict[str, Part],
        key: str,
        updated_at: str | None,
    ) -> None:
        """Keeps the moment of a part that is recorded again as it was."""
        if updated_at is not None and updated_at != parts[key].updated_at:
            parts[key] = parts[key]._replace(updated_at=updated_at)
            self.work.touch(holder)

    def _document_at(self, target: str) -> Document:
        return self.work.document("invoice" if target.startswith("i") else "bill", target[1:], "")

    def _rejected_part(self, record: Applied, document: Document, parts: dict[str, Part], key: str) -> Result | None:
        """Why the document cannot have these parts, of which the one of `key` is new."""
        amount, currency = parts[key].content.get("amount"), self._currency_of(record, document)
        if currency is not None and amount is not None and in_minor(amount, currency) is None:
            reason = f"has more decimals than {currency} has ({EXPONENTS[currency]})"
            return Result(record.type, record.id, "rejected", "amount", reason)
        if len(parts) > MAX_PARTS:
            reason = f"the document has {MAX_PARTS} allocations and disputes already, the most it can have"
            return Result(record.type, record.id, "rejected", None, reason)
        if size_of(parts) > MAX_BYTES:
            return Result(record.type, record.id, "rejected", None, "the document has no room for more of them")
        full = self._full_source(record, key) if isinstance(record, AllocationRecord) else None
        if full is not None:
            return Result(record.type, record.id, "rejected", None, full)
        future = self._future(parts[key]) and sum(map(self._future, parts.values()))
        if future > MAX_FUTURE_PARTS:
            reason = f"the document has {MAX_FUTURE_PARTS} allocations and disputes dated in the future already"
            return Result(record.type, record.id, "rejected", None, reason)
        return None

    def _full_source(self, record: AllocationRecord, key: str) -> str | None:
        """Why what an allocation comes from can have no more of them. Its item names each, twice while it changes."""
        known = self._money_of(record).allocations
        if key in known:
            return None
        if len(known) >= MAX_ALLOCATIONS:
            return f"what it comes from has {MAX_ALLOCATIONS} allocations already, the most it can have"
        return "what it comes from has no room for more allocations" if size_of([*known, key]) > MAX_BYTES else None

    def _currency_of(self, record: Applied, document: Document) -> str | None:
        """The currency that an amount must fit: of the money it comes from, else of its document; None if unknown."""
        source = self._money_of(record).source() if isinstance(record, AllocationRecord) else None
        if source is not None:
            return source.currency
        return None if document.head is None else str(document.head["currency"])

    def _money_of(self, record: AllocationRecord) -> OnAccountRecord:
        """The payment or credit on account that an allocation comes from."""
        kind, reference = source_of(record)
        return self.work.on_account(kind, self._outward(kind, reference), reference)

    def _future(self, part: Part) -> bool:
        days = (
            part.content.get(name, 0) for name in ("paid_on", "credited_on", "applied_on", "voided_on", "resolved_on")
        )
        return any(day > self.today for day in days)

    # Counterparties

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
        outcome = _outcome(own.record, part)
        if outcome == "unchanged" and own.record is not None and record.updated_at is not None:
            if record.updated_at != own.record.updated_at:
                own.record = own.record._replace(updated_at=record.updated_at)
                self.work.touch(own)
        elif outcome in ("created", "updated"):
            own.record, own.deleted_at = part, None
            account.name = record.name
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
        contacts_of: Callable[[CounterpartyRecord], dict[str, Part]],
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
        outcome = _outcome(known.get(key), part)
        if outcome in ("stale", "unchanged"):
            if outcome == "unchanged":
                self._note_part_moment(self.work.counterparty_record(holder), known, key, record.updated_at)
            return Result(record.type, record.id, outcome)
        contacts = contacts_of(self.work.counterparty_record(account))
        rejected = self._rejected_contact(record, {**contacts, key: part}, limit)
        if rejected is not None:
            return rejected
        if holder is not account:
            _remove(known, key)
            self._show_contacts(holder, show)
        contacts[key] = part
        self._show_contacts(account, show)
        if previous_target != account.key:
            self.work.point(record.type, contact_id, account.key)
        return Result(record.type, record.id, outcome if account.known else "pending")

    def _rejected_contact(
        self, record: ReminderRecord | PromiseRecord, contacts: dict[str, Part], limit: int
    ) -> Result | None:
        if len(contacts) > limit:
            reason = f"the customer has {limit} {record.type}s already, the most it can have"
            return Result(record.type, record.id, "rejected", None, reason)
        crowded = size_of(contacts) > MAX_BYTES
        if isinstance(record, ReminderRecord) and not crowded:
            shown, _ = self._shown(contacts)
            crowded = size_of(shown) > MAX_LIVE_BYTES
        if crowded:
            return Result(record.type, record.id, "rejected", None, f"the customer has no room for more {record.type}s")
        return None

    def _shown(self, reminders: dict[str, Part]) -> tuple[list[Reminder], bool]:
        """The reminders that readers are shown, and whether there are more."""
        every = read_reminders(self.organisation, {id_: part.content for id_, part in reminders.items()})
        live = live_reminders(every, self.today)
        return live, len(live) < len(every)

    def _show_contacts(self, account: AccountState, show: Callable[[AccountState, CounterpartyRecord], None]) -> None:
        own = self.work.counterparty_record(account)
        show(account, own)
        self.work.touch(own)
        self.work.touch(account)

    def _show_reminders(self, account: AccountState, own: CounterpartyRecord) -> None:
        account.reminders, account.reminders_truncated = self._shown(own.reminders)

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

    def _outward(self, kind: str, id: str) -> str:
        return outward_id(self.organisation.id, kind, id)


# What a record type is


class Named(NamedTuple):
    """Something that a record names: storage reads it ahead.

    what: "document", "account", "counterparty_record", "account_number", "on_account" or "pointer". kind: of the
    document, of the money on account, or of what the pointer leads from; else "". id: outward id, account key or
    account number.
    """

    what: str
    kind: str
    id: str


class RecordType(NamedTuple):
    """What becomes of a type of record, and what it names."""

    apply: Callable[[Recording, Any], Result]
    names: Callable[[Organisation, Any], Iterator[Named]]


def _document_names(organisation: Organisation, record: Invoice | Bill) -> Iterator[Named]:
    yield Named("document", record.type, outward_id(organisation.id, record.type, record.id))
    key, _ = party_of(organisation, record)
    yield Named("account", "", key)


def _counterparty_names(organisation: Organisation, record: Customer | Supplier) -> Iterator[Named]:
    yield from _account_names(organisation, record.type, record.id)
    if isinstance(record, Customer) and record.account_number:
        yield Named("account_number", "", record.account_number)


def _contact_names(organisation: Organisation, record: ReminderRecord | PromiseRecord) -> Iterator[Named]:
    yield Named("pointer", record.type, outward_id(organisation.id, record.type, record.id))
    yield from _account_names(organisation, "customer", record.customer_id)
    if isinstance(record, ReminderRecord):
        for id_ in _about(record):
            yield Named("document", "invoice", outward_id(organisation.id, "invoice", id_))


def _about(reminder: ReminderRecord) -> Sequence[str]:
    """The caller's ids of the invoices that a reminder names."""
    return reminder.invoice_ids or ()


def _part_names(organisation: Organisation, record: Applied) -> Iterator[Named]:
    yield Named("pointer", record.type, outward_id(organisation.id, record.type, record.id))
    kind, id_ = document_of(record)
    yield Named("document", kind, outward_id(organisation.id, kind, id_))
    if isinstance(record, AllocationRecord):
        kind, id_ = source_of(record)
        yield Named("on_account", kind, outward_id(organisation.id, kind, id_))


def _money_names(organisation: Organisation, record: Payment | Credit) -> Iterator[Named]:
    if not record.on_account:
        yield from _part_names(organisation, record)
        return
    id_ = outward_id(organisation.id, record.type, record.id)
    yield Named("pointer", record.type, id_)
    yield Named("on_account", record.type, id_)
    kind, reference = ("customer", record.customer_id) if record.customer_id else ("supplier", record.supplier_id)
    yield Named("account", "", kind[0] + outward_id(organisation.id, kind, reference or ""))


def _account_names(organisation: Organisation, kind: str, id: str) -> Iterator[Named]:
    key = kind[0] + outward_id(organisation.id, kind, id)
    yield Named("account", "", key)
    yield Named("counterparty_record", "", key)


RECORD_TYPES: dict[type, RecordType] = {
    Customer: RecordType(Recording.customer, _counterparty_names),
    Supplier: RecordType(Recording.supplier, _counterparty_names),
    Invoice: RecordType(Recording.invoice, _document_names),
    Bill: RecordType(Recording.bill, _document_names),
    Payment: RecordType(Recording.payment_or_credit, _money_names),
    Credit: RecordType(Recording.payment_or_credit, _money_names),
    AllocationRecord: RecordType(Recording.part, _part_names),
    DisputeRecord: RecordType(Recording.part, _part_names),
    ReminderRecord: RecordType(Recording.reminder, _contact_names),
    PromiseRecord: RecordType(Recording.promise, _contact_names),
}
"""By its model, what becomes of a record and what it names. A new type has its line here and in records.Record."""


def named_by(organisation: Organisation, record: Record | Rejection) -> Iterator[Named]:
    """What a record names; what these lead to is read with them."""
    return iter(()) if isinstance(record, Rejection) else RECORD_TYPES[type(record)].names(organisation, record)


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def lines_digest(lines: list[list[str | None]]) -> str | None:
    """What tells an invoice's lines from others; None when there are none."""
    return sha256(json.dumps(lines).encode()).hexdigest()[:32] if lines else None


def _outcome(stored: Part | None, part: Part) -> str:
    """The result of recording a part where `stored` is."""
    if stored is None:
        return "created"
    if older(part.updated_at, stored.updated_at):
        return "stale"
    return "unchanged" if stored.content == part.content else "updated"


def is_account(target: str) -> bool:
    """Whether the target of a pointer is an account, not a document."""
    return target[0] in "csn"


def _remove(parts: dict[str, Part], key: str) -> None:
    parts.pop(key, None)
