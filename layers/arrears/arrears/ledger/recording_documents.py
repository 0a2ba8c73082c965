"""Recording invoices and bills: their own records, and how every change of one moves its account and its month."""

import json
from collections.abc import Callable
from hashlib import sha256

from arrears.ledger import dated_document, payment_status, record_warnings
from arrears.ledger.accounts import HISTORY_DAYS, CounterpartyRecord, party_of
from arrears.ledger.dated_document import DatedDocument
from arrears.ledger.days import LAST_DAY, month_of
from arrears.ledger.documents import (
    Contribution,
    Document,
    Part,
    Parts,
    StateEntry,
    contribution_of,
    different_states,
    older,
    same_course,
    surviving,
    with_state,
)
from arrears.ledger.duplicates import Mark, forget, mark_of, remember, remembered
from arrears.ledger.ids import outward_id
from arrears.ledger.organisation import Organisation
from arrears.ledger.records import (
    Bill,
    Invoice,
    content,
    line_content,
)
from arrears.ledger.result import Result
from arrears.ledger.unit_of_work import UnitOfWork

MAX_BYTES = 180_000
"""How many bytes one document's parts may have, one customer's reminders, its promises, and the ids of the allocations
of one payment or credit."""
MAX_STATES = 500
"""Different states that one bill may go through."""


class DocumentRecording:
    """Applies the records of documents to a unit of work on one day of one organisation."""

    def __init__(self, organisation: Organisation, work: UnitOfWork, today: int) -> None:
        self.organisation = organisation
        self.work = work
        self.today = today

    def close_document(self, kind: str, id: str) -> bool:
        """Closes a document that time has closed; False when it was closed, or is to stay open, already."""
        document = self.work.document(kind, id, "")
        if document.closed == (dated_document.listed_closed_from(document.dated) <= self.today):
            return False
        self._change(document, lambda: None)
        return True

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
        if different_states(states) > MAX_STATES:
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
        before, previous = contribution_of(document), document.dated
        change()
        document.refresh(self.today)
        self.work.touch(document)
        if document.kind == "invoice" and previous != document.dated:
            self._add_to_months(document.dated, 1)
            self._add_to_months(previous, -1)
        after = contribution_of(document)
        if after != before:
            self._move(before, after)

    def _add_to_months(self, invoice: DatedDocument, sign: int) -> None:
        for day, before, after in payment_status.status_changes(invoice):
            effective = day if day > self.today else 0
            for status, change in ((before, -sign), (after, sign)):
                if status is not None:
                    figure, amount = (status, invoice.currency), change * invoice.total
                    self.work.add_to_month(month_of(invoice.issued), effective, figure, change, amount)

    def _move(self, before: Contribution, after: Contribution) -> None:
        if before.account is not None:
            self.work.account(before.account, "").release(before)
        if after.account is not None:
            self.work.account(after.account, "").hold(after)
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

    # What is on a document or a counterparty

    def _recorded_key(self, parts: Parts, kind: str, prefix: str, id: str) -> str:
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
        parts: Parts,
        key: str,
        updated_at: str | None,
    ) -> None:
        """Keeps the moment of a part that is recorded again as it was."""
        if updated_at is not None and updated_at != parts[key].updated_at:
            parts[key] = parts[key]._replace(updated_at=updated_at)
            self.work.touch(holder)

    def _document_at(self, target: str) -> Document:
        return self.work.document("invoice" if target.startswith("i") else "bill", target[1:], "")

    def _outward(self, kind: str, id: str) -> str:
        return outward_id(self.organisation.id, kind, id)


def lines_digest(lines: list[list[str | None]]) -> str | None:
    """What tells an invoice's lines from others; None when there are none."""
    return sha256(json.dumps(lines).encode()).hexdigest()[:32] if lines else None


def outcome_of(stored: Part | None, part: Part) -> str:
    """The result of recording a part where `stored` is."""
    if stored is None:
        return "created"
    if older(part.updated_at, stored.updated_at):
        return "stale"
    return "unchanged" if stored.content == part.content else "updated"
