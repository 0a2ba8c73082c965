"""An invoice or bill: what its records say, and what it contributes to the sums of its account."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from arrears.ledger import dated_document
from arrears.ledger.dated_document import Allocated, AllocationChange, BillState, DatedDocument, Dispute
from arrears.ledger.days import NEVER
from arrears.ledger.ledger_side import Side
from arrears.ledger.money import to_minor
from arrears.ledger.records import size_of


class Part(NamedTuple):
    """What a record says of one thing, and when it said so. content: plain JSON values, days as ordinals."""

    content: dict[str, Any]
    updated_at: str | None


class Parts(dict[str, Part]):
    """The parts of a document, or a customer's reminders or promises, by key.

    They tell their size, and which of them have changed, without going through all of them: a batch of records may
    change each of a thousand.
    """

    _bytes: int | None = None
    _changed: set[str] | None = None

    def __setitem__(self, key: str, part: Part) -> None:
        """Sets a part."""
        self._leave(key)
        super().__setitem__(key, part)
        if self._bytes is not None:
            self._bytes += _size_of_entry(key, part)

    def remove(self, key: str) -> None:
        """Takes a part off, if it is there."""
        self._leave(key)
        self.pop(key, None)

    def _leave(self, key: str) -> None:
        self.mark(key)
        part = self.get(key)
        if self._bytes is not None and part is not None:
            self._bytes -= _size_of_entry(key, part)

    def mark(self, key: str) -> None:
        """Marks a part as changed: what it means has."""
        if self._changed is None:
            self._changed = set()
        self._changed.add(key)

    def take_changed(self) -> Iterable[str]:
        """The keys of the parts that have changed since this was last asked."""
        changed, self._changed = self._changed, None
        return changed or ()

    def size_with(self, key: str, part: Part) -> int:
        """The bytes that they take where they are stored, with this part."""
        if self._bytes is None:
            self._bytes = sum(_size_of_entry(*entry) for entry in self.items())
        known = self.get(key)
        return self._bytes + _size_of_entry(key, part) - (0 if known is None else _size_of_entry(key, known))


def _size_of_entry(key: str, part: Part) -> int:
    """The bytes of an entry. The braces around it here are as many as divide it from the next one there."""
    return size_of({key: part})


type Entered = tuple[str, int | None, int | None]
"""A state, the day it was entered on, and the day its payment is scheduled for."""


class StateEntry(NamedTuple):
    """A state that a bill entered, as its record says. updated_at: of that record."""

    state: str
    state_on: int | None
    scheduled_payment_on: int | None
    updated_at: str | None

    @property
    def entered(self) -> Entered:
        """What it says, whenever that was recorded."""
        return self.state, self.state_on, self.scheduled_payment_on


class Source(NamedTuple):
    """A payment or credit on account as its allocations see it. code: "P" or "K" and its outward id."""

    code: str
    account: str
    currency: str
    day: int
    voided: int


UNDATED = "0"
"""The moment of a deletion that has none: before all others."""
_NOTHING_DATED = DatedDocument("", None, "", 0, NEVER, None)


@dataclass(slots=True)
class Document:
    """An invoice or bill with all that its records say.

    head: content of its own record, None while only others have named it. parts: "payment:ID", "credit:ID",
    "allocation:ID" and "dispute:ID", without the document they name. sources: of its allocations, by the same key, the
    money on account that each comes from; none while that is not known. lines: digest of its lines, kept apart.
    states: those of a bill, in the order that counts within a day; of equal ones the first and the last. recorded_on:
    the day it was first recorded. closed, account, shard: by these the index lists it. deleted_at: when it was deleted,
    UNDATED if that was not said. A later record brings it back; a bill then keeps the moment, for states that arrive
    late.
    """

    kind: str
    id: str
    reference: str
    head: dict[str, Any] | None = None
    updated_at: str | None = None
    lines: str | None = None
    parts: Parts = field(default_factory=Parts)
    sources: dict[str, Source] = field(default_factory=dict)
    states: list[StateEntry] = field(default_factory=list)
    recorded_on: int = 0
    filled_due: int | None = None
    account: str | None = None
    shard: int = 0
    closed: bool = True
    deleted_at: str | None = None
    dated: DatedDocument = _NOTHING_DATED
    _sums: "_AppliedSums | None" = field(default=None, init=False, repr=False, compare=False)

    @property
    def side(self) -> Side:
        """Invoices are receivable, bills payable."""
        return Side.RECEIVABLE if self.kind == "invoice" else Side.PAYABLE

    @property
    def target(self) -> str:
        """How pointers name it: "i" or "b" and its outward id."""
        return self.kind[0] + self.id

    def set_source(self, key: str, source: Source | None) -> None:
        """Sets what one of its allocations knows of the money it comes from."""
        if source is None:
            self.sources.pop(key, None)
        else:
            self.sources[key] = source
        self.parts.mark(key)

    def refresh(self, today: int) -> None:
        """Builds its dated document anew, and decides whether the index lists it as closed on `today`."""
        self.dated = self._dated_document()
        self.closed = dated_document.listed_closed_from(self.dated) <= today

    def _dated_document(self) -> DatedDocument:
        head = self.head
        if head is None:
            return DatedDocument(self.id, None, "", 0, NEVER, None)
        currency = head["currency"]
        applied, allocated = self._allocation_changes(currency)
        issued, inferred = self.issued_on()
        due = head.get("due_on", self.filled_due)
        marks = dated_document.ISSUED_INFERRED if inferred else 0
        marks |= dated_document.PAYMENT_FAILED if head.get("payment_status") == "failed" else 0
        marks |= dated_document.DUE_FILLED if "due_on" not in head and self.filled_due is not None else 0
        voided = head.get("voided_on", NEVER)
        status = head.get("status")
        if status == "draft" or (status == "voided" and voided == NEVER):
            issued = NEVER
        return DatedDocument(
            self.id,
            head.get("number"),
            currency,
            in_minor(head["total"], currency) or 0,
            issued,
            due,
            voided,
            applied,
            marks,
            _disputes(self.parts, currency),
            self._states(issued),
            allocated,
        )

    def _allocation_changes(self, currency: str) -> tuple[list[AllocationChange], list[Allocated]]:
        """What is applied, by day, and what of that was allocated from money on account."""
        changed, sums = self.parts.take_changed(), self._sums
        if sums is None or not sums.is_of(self.parts, currency, self.account):
            changed, sums = self.parts, _AppliedSums(self.parts, currency, self.account)
            self._sums = sums
        for key in changed:
            sums.replace(key, _applied_by(self, key, currency))
        return sums.by_day(), sums.allocated()

    def counts_allocation(self, key: str) -> bool:
        """Whether an allocation's source stands on account with the document's party and currency."""
        source = self.sources.get(key)
        if source is None or self.head is None:
            return False
        return (source.account, source.currency) == (self.account, self.head["currency"])

    def issued_on(self) -> tuple[int, bool]:
        """The day it is issued on, and whether that was inferred: a bill may not say."""
        head = self.head or {}
        due = head.get("due_on", NEVER)
        if "issued_on" in head:
            inferred = bool(head.get("issued_on_inferred"))
            return (min(head["issued_on"], due) if inferred else head["issued_on"]), inferred
        return min(self.recorded_on, due), True

    def _states(self, issued: int) -> list[BillState]:
        dated = [
            BillState(issued if entry.state_on is None else entry.state_on, entry.state, entry.scheduled_payment_on)
            for entry in self.states
        ]
        return [state for state, _ in groupby(sorted(dated, key=lambda entry: entry.day))]

    def counterparty_name(self) -> str | None:
        """The counterparty's name on it, if any."""
        head = self.head or {}
        return head.get("customer_name") or head.get("supplier_name")


def in_minor(amount: str, currency: str) -> int | None:
    """A recorded amount in minor units; None with more decimals than the currency has."""
    return to_minor(Decimal(amount), currency)


class _Sums:
    """What is applied on a day, added up."""

    __slots__ = ("amounts", "credits", "made", "payments")

    def __init__(self) -> None:
        self.payments = self.credits = self.made = self.amounts = 0

    def add(self, amount: int, payment: bool, sign: int) -> None:
        """Applies an allocation (1) or takes it back (-1)."""
        if payment:
            self.payments += sign * amount
            self.made += sign * int(amount > 0)
        else:
            self.credits += sign * amount


class _Applied(NamedTuple):
    """One amount applied to a document (minor units) from a day on, and the day on which it is taken back."""

    amount: int
    is_payment: bool
    day: int
    voided: int
    source: Source | None


def _applied_by(document: Document, key: str, currency: str) -> _Applied | None:
    """What a part applies; None when it is none, is a dispute, does not count, or has too many decimals."""
    part = document.parts[key].content if key in document.parts else {}
    if "amount" not in part or key.startswith("dispute:"):
        return None
    amount = in_minor(part["amount"], currency)
    if amount is None:
        return None
    voided = part.get("voided_on", NEVER)
    if "applied_on" not in part:
        is_payment = "paid_on" in part
        return _Applied(amount, is_payment, part["paid_on" if is_payment else "credited_on"], voided, None)
    if not document.counts_allocation(key):
        return None
    source = document.sources[key]
    day, voided = max(part["applied_on"], source.day), min(voided, source.voided)
    return _Applied(amount, "payment_id" in part, day, voided, source)


class _AppliedSums:
    """What a document's parts apply, added up by day, and moved by difference when one of them changes."""

    __slots__ = ("_allocated", "_basis", "_by_day", "_by_key", "_parts")

    def __init__(self, parts: Parts, currency: str, account: str | None) -> None:
        self._parts = parts
        self._basis = (currency, account)
        self._by_key: dict[str, _Applied] = {}
        self._by_day: dict[tuple[int, int], _Sums] = {}
        self._allocated: dict[tuple[int, int, str], int] = {}

    def is_of(self, parts: Parts, currency: str, account: str | None) -> bool:
        """Whether they are of these parts, in this currency, for an account whose money they may come from."""
        return self._parts is parts and self._basis == (currency, account)

    def replace(self, key: str, applied: _Applied | None) -> None:
        """Counts what a part applies now in place of what it applied."""
        before = self._by_key.pop(key, None)
        if before is not None:
            self._add(before, -1)
        if applied is not None and applied.day < applied.voided:
            self._by_key[key] = applied
            self._add(applied, 1)

    def _add(self, applied: _Applied, sign: int) -> None:
        self._change(applied, applied.day, 0, sign, sign)
        if applied.voided != NEVER:
            self._change(applied, applied.voided, applied.day, -sign, sign)

    def _change(self, applied: _Applied, day: int, allocated_on: int, sign: int, count: int) -> None:
        sums = self._by_day.setdefault((day, allocated_on), _Sums())
        sums.add(applied.amount, applied.is_payment, sign)
        sums.amounts += count
        if not sums.amounts:
            del self._by_day[day, allocated_on]
        source = applied.source
        if source is not None:
            moved = (day, source.day, source.code)
            self._allocated[moved] = self._allocated.get(moved, 0) + sign * applied.amount

    def by_day(self) -> list[AllocationChange]:
        """What is applied and taken back, by day."""
        return [
            AllocationChange(day, sums.payments, sums.credits, sums.made, allocated_on)
            for (day, allocated_on), sums in sorted(self._by_day.items(), key=itemgetter(0))
        ]

    def allocated(self) -> list[Allocated]:
        """What of that was allocated from money on account, by day."""
        moved = sorted(self._allocated.items())
        return [Allocated(day, amount, dated_on, code) for (day, dated_on, code), amount in moved if amount]


def misfits(document: Document) -> set[str]:
    """The allocations and disputes that do not count as they have more decimals than their document's currency."""
    if document.head is None:
        return set()
    currency = document.head["currency"]
    return {
        key
        for key, part in document.parts.items()
        if "amount" in part.content and in_minor(part.content["amount"], currency) is None
    }


def _disputes(parts: dict[str, Part], currency: str) -> list[Dispute]:
    """The disputes, by id. One with more decimals than the currency has (it came first) does not count."""
    found = []
    for key in sorted(key for key in parts if key.startswith("dispute:")):
        content = parts[key].content
        amount = in_minor(content["amount"], currency) if "amount" in content else None
        if amount is not None or "amount" not in content:
            lost = content.get("outcome") == "lost"
            found.append(Dispute(content["opened_on"], content.get("resolved_on"), lost, amount))
    return found


class NameOrder(NamedTuple):
    """By this the latest of several names is found: the day the document was issued, then the caller's id of it."""

    issued: int
    reference: str


class Contribution(NamedTuple):
    """What a document adds to its account: of a closed one sums, of an open one itself."""

    account: str | None
    closed: bool
    name: str | None
    order: NameOrder
    dated: DatedDocument | None


_NOTHING = Contribution(None, True, None, NameOrder(0, ""), None)


def name_order(document: Document) -> NameOrder:
    """The position of a document's name among the names on other documents."""
    issued, _ = document.issued_on()
    return NameOrder(issued, document.reference)


def contribution_of(document: Document) -> Contribution:
    """What a document adds to its account now."""
    if document.head is None:
        return _NOTHING
    name, order = document.counterparty_name(), name_order(document)
    return Contribution(document.account, document.closed, name, order, document.dated)


def older(updated_at: str | None, stored: str | None) -> bool:
    """Whether it was recorded before what is stored; where a moment is missing, what arrives later counts as later."""
    return updated_at is not None and stored is not None and updated_at < stored


def surviving(states: list[StateEntry], deleted_at: str | None) -> list[StateEntry]:
    """The states that count: not those recorded before their bill was deleted."""
    return [entry for entry in states if not older(entry.updated_at, deleted_at)]


def same_course(states: list[StateEntry], others: list[StateEntry]) -> bool:
    """Whether they are the same states in the same order, recorded however often and at whatever moments."""
    return _course(states) == _course(others)


def _course(states: list[StateEntry]) -> list[Entered]:
    return [entered for entered, _ in groupby(entry.entered for entry in states)]


def different_states(states: list[StateEntry]) -> int:
    """How many of a bill's states differ in more than the moment."""
    return len({entry.entered for entry in states})


def with_state(states: list[StateEntry], entry: StateEntry) -> list[StateEntry]:
    """A bill's states with one more, in the order that counts within a day: by moment if both have one, else arrival.

    Of equal states the first and the last are kept. The last of a day is the bill's state from then on, and by the
    first of all is known what it was before; no other is asked for, unless a deletion that arrives late takes back the
    first. Then the last stands for those between them, too.
    """
    position = len(states)
    while position and older(entry.updated_at, states[position - 1].updated_at):
        position -= 1
    return _first_and_last([*states[:position], entry, *states[position:]])


def _first_and_last(states: list[StateEntry]) -> list[StateEntry]:
    """Of equal states the first and the last; one of them, if their moments are equal and no other is between them."""
    last = {entry.entered: position for position, entry in enumerate(states)}
    first = {entry.entered: position for position, entry in reversed([*enumerate(states)])}
    ends = {*first.values(), *last.values()}
    return [entry for entry, _ in groupby(states[position] for position in sorted(ends))]
