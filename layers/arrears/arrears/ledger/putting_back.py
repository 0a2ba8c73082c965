"""Putting back what was stored before a change: the opposite of recording, by the same differences.

Whether a record is newer is not asked: what was stored before is older by its nature. A record that is not as the
change left it is not touched, so what was put back once is passed over the second time.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from arrears.ledger.accounts import AccountState, CounterpartyRecord
from arrears.ledger.documents import Document, Part, StateEntry
from arrears.ledger.duplicates import mark_of
from arrears.ledger.on_account_records import OnAccountRecord
from arrears.ledger.recording import Recording
from arrears.ledger.recording_counterparties import limits_of
from arrears.ledger.recording_money import is_account

PUT_BACK = "put back"
PASSED_OVER = "passed over"
"""It is not as the change left it: it was put back already, or somebody has changed it."""
BLOCKED = "blocked"
"""It cannot be as it was: another customer has its account number."""

_MONEY = ("payment", "credit")


class HeadState(NamedTuple):
    """What an invoice's or bill's own records have left in it."""

    head: dict[str, Any] | None
    updated_at: str | None
    lines: str | None
    states: Sequence[StateEntry]
    recorded_on: int
    filled_due: int | None
    account: str | None
    deleted_at: str | None

    @classmethod
    def of(cls, document: Document) -> "HeadState":
        """That of a document."""
        return cls(*(getattr(document, name) for name in cls._fields))


class OwnState(NamedTuple):
    """What a customer's or supplier's own records have left."""

    record: Part | None
    deleted_at: str | None


class Located(NamedTuple):
    """A part, reminder or promise where it stands. target: a document ("i" or "b" and id) or an account's key."""

    target: str
    key: str
    part: Part


class HeadChange(NamedTuple):
    """How an invoice's or bill's own record was changed. lines: those before, as they are stored."""

    kind: str
    id: str
    reference: str
    before: HeadState
    after: HeadState
    lines: list[list[str | None]]

    @property
    def name(self) -> tuple[str, str]:
        """Type and outward id of the record."""
        return self.kind, self.id


class OwnChange(NamedTuple):
    """How a customer's or supplier's own record was changed. account: its key."""

    kind: str
    account: str
    reference: str
    before: OwnState
    after: OwnState

    @property
    def name(self) -> tuple[str, str]:
        """Type and outward id of the record."""
        return self.kind, self.account[1:]


class PartChange(NamedTuple):
    """How a payment, credit, allocation, dispute, reminder or promise was changed.

    before, after: where it was stored; None where it was not. repointed: whether what it is on was changed.
    deleted_at: when it was deleted, if it was deleted before.
    """

    kind: str
    id: str
    reference: str
    before: Located | None
    after: Located | None
    repointed: bool
    deleted_at: str | None

    @property
    def name(self) -> tuple[str, str]:
        """Type and outward id of the record."""
        return self.kind, self.id


type Change = HeadChange | OwnChange | PartChange


class PuttingBack(Recording):
    """Puts back in a unit of work."""

    @classmethod
    def of(cls, recording: Recording) -> "PuttingBack":
        """In the unit of work of another recording."""
        return cls(recording.organisation, recording.work, recording.today)

    def put_back(self, change: Change) -> str:
        """Puts a record back to what it was before a change, if it is as the change left it."""
        match change:
            case HeadChange():
                return self._put_back_head(change)
            case OwnChange():
                return self._put_back_own(change)
        return self._put_back_part(change)

    # Invoices and bills

    def _put_back_head(self, change: HeadChange) -> str:
        document, before = self.work.document(change.kind, change.id, change.reference), change.before
        if HeadState.of(document) != change.after:
            return PASSED_OVER

        def restore() -> None:
            if before.lines != document.lines:
                self.work.put_lines(document, change.lines)
            for name, value in before._asdict().items():
                setattr(document, name, value)
            document.states = list(before.states)
            if before.account is not None:
                document.shard = self.work.account(before.account, "").shard

        previous = mark_of(document)
        self._change(document, restore)
        self._move_mark(document, previous)
        return PUT_BACK

    # Customers and suppliers

    def put_back_together(self, changes: Sequence[OwnChange]) -> list[str]:
        """Puts customers back of which some have the account numbers of others: first they give them up."""
        ready = {change.account: change for change in changes if self._is_as_left(change)}
        while left := [key for key, change in ready.items() if self._holder_of_number(change) not in (None, *ready)]:
            for key in left:
                del ready[key]
        for key, change in ready.items():
            self.work.move_number(self._holder(key), _number(change.after), None)
        outcomes = []
        for change in changes:
            if change.account in ready:
                outcomes.append(self._restore_own(change, previous_number=None))
            else:
                outcomes.append(BLOCKED if self._is_as_left(change) else PASSED_OVER)
        return outcomes

    def _is_as_left(self, change: OwnChange) -> bool:
        own = self.work.counterparty_record(self.work.account(change.account, change.reference))
        return OwnState(own.record, own.deleted_at) == change.after

    def _holder_of_number(self, change: OwnChange) -> str | None:
        """The account that has the account number from before a change."""
        number = _number(change.before)
        holder = None if number is None else self.work.account_number(number)
        return None if holder is None else change.account[0] + holder

    def _put_back_own(self, change: OwnChange) -> str:
        if not self._is_as_left(change):
            return PASSED_OVER
        if self._holder_of_number(change) not in (None, change.account):
            return BLOCKED
        return self._restore_own(change, _number(change.after))

    def _restore_own(self, change: OwnChange, previous_number: str | None) -> str:
        account = self._holder(change.account)
        own = self.work.counterparty_record(account)
        previous, content = ({} if one.record is None else one.record.content for one in (change.after, change.before))
        self.work.move_number(account, previous_number, _number(change.before))
        self.work.move_external_id(account, previous.get("external_id"), content.get("external_id"))
        own.record, own.deleted_at = change.before
        account.name = content.get("name")
        account.credit_limits = limits_of(content.get("credit_limit") or {})
        if account.names_forgotten():
            account.recompute_names(self.work.documents_of(account))
        self.work.touch(own)
        self.work.touch(account)
        return PUT_BACK

    # What is on a document or an account

    def _put_back_part(self, change: PartChange) -> str:
        if change.kind in _MONEY:
            # What an earlier run has begun to bring to many documents goes on.
            self._renew_allocations(self.work.on_account(change.kind, change.id, change.reference))
        if self._located(change) != change.after:
            return PASSED_OVER
        if change.after is not None:
            self._take_away(change, change.after, change.before)
        if change.before is not None:
            self._put(change, change.before)
        if change.repointed:
            self._point(change)
        return PUT_BACK

    def _located(self, change: PartChange) -> Located | None:
        """Where it stands now."""
        target = self.work.target(change.kind, change.id)
        if target is None:
            return None
        expected = change.after or change.before
        key = change.reference if expected is None else expected.key
        if change.kind in ("reminder", "promise"):
            part = self._contacts(change, self._holder(target)).get(key)
        elif is_account(target):
            part = self.work.on_account(change.kind, change.id, change.reference).part
        else:
            part = self._document_at(target).parts.get(key)
        return None if part is None else Located(target, key, part)

    def _take_away(self, change: PartChange, now: Located, then: Located | None) -> None:
        if then is not None and (then.target, then.key) == (now.target, now.key):
            return  # it is replaced where it is
        if change.kind in ("reminder", "promise"):
            account = self._holder(now.target)
            self._contacts(change, account).remove(now.key)
            self._show(change, account)
        elif is_account(now.target):
            self._take_off(self.work.on_account(change.kind, change.id, change.reference), now.key)
        else:
            self._take_off(self._document_at(now.target), now.key)

    def _put(self, change: PartChange, then: Located) -> None:
        if change.kind in ("reminder", "promise"):
            account = self._holder(then.target)
            self._contacts(change, account)[then.key] = then.part
            self._show(change, account)
        elif is_account(then.target):
            money = self.work.on_account(change.kind, change.id, change.reference)
            money.reference = money.reference or change.reference
            self._set_money(money, then.part, then.target)
        else:
            document = self._document_at(then.target)
            if change.kind == "allocation":
                self._link(self._source_of(then.part), document, then.key, then.target)
            self._change(document, lambda: document.parts.__setitem__(then.key, then.part))

    def _source_of(self, allocation: Part) -> OnAccountRecord:
        kind = "payment" if "payment_id" in allocation.content else "credit"
        reference = allocation.content[f"{kind}_id"]
        return self.work.on_account(kind, self._outward(kind, reference), reference)

    def _point(self, change: PartChange) -> None:
        if change.before is not None:
            self.work.point(change.kind, change.id, change.before.target)
        elif change.deleted_at is not None:
            self.work.point_deleted(change.kind, change.id, change.deleted_at)
        else:
            self.work.forget_target(change.kind, change.id)

    def _holder(self, target: str) -> AccountState:
        return self.work.account(target, "")

    def _contacts(self, change: PartChange, account: AccountState) -> Any:
        own: CounterpartyRecord = self.work.counterparty_record(account)
        return own.reminders if change.kind == "reminder" else own.promises

    def _show(self, change: PartChange, account: AccountState) -> None:
        self._show_contacts(account, self._show_reminders if change.kind == "reminder" else self._show_promises)


def _number(state: OwnState) -> str | None:
    """The account number in a customer's own record."""
    return None if state.record is None else state.record.content.get("account_number")
