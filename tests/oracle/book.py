"""What a list of posted records means: parties, documents and their state at the end of any day.

Money is an ``int`` of minor units, days are :class:`datetime.date`. A record is the dict that is posted, with
its amounts as decimal text, ``Decimal`` or ``int``; it is taken to be valid apart from what the arrival order
can make of it (an allocation with more decimals than its document's currency).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

Record = dict[str, Any]

ONE_DAY = timedelta(days=1)
DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
PAYABLE_STATES = frozenset({"Approved", "Scheduled", "PaymentInProgress", "PaymentFailed"})
SIGNIFICANT = 10**15

CANONICAL_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
TIMESTAMP = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d+))?(?:([Zz])|([+-])(\d{2}):(\d{2}))", re.ASCII
)


@dataclass(frozen=True)
class Organisation:
    """Whose book it is; ``currency`` is its default, ``timezone`` an IANA name."""

    id: str = "0a0a0a0a-0000-4000-8000-000000000001"
    timezone: str = "UTC"
    currency: str = "USD"
    payments_over_api: bool = True


@dataclass(frozen=True)
class Policy:
    """Thresholds in days from which a step holds; ``minimums`` in major units by currency."""

    firm_from: int = 15
    final_from: int = 31
    escalation_from: int = 61
    medium_from: int = 8
    high_from: int = 31
    critical_from: int = 61
    cooldown_days: int = 7
    grace_days: int = 0
    minimums: Mapping[str, str] = field(default_factory=dict)
    unapplied_covers: str = "oldest_first"
    close_after_days: int = 0


@dataclass(frozen=True)
class Entry:
    """One arrival: the record, the organisation's day it came on, the default payment terms of that day."""

    record: Record
    recorded_on: date
    terms_days: int | None = None


@dataclass
class Book:
    """Records in the order they arrived. ``pivot`` is the day a generated book was built around."""

    organisation: Organisation = field(default_factory=Organisation)
    entries: list[Entry] = field(default_factory=list)
    pivot: date = date(2020, 6, 30)

    @classmethod
    def of(
        cls,
        records: Iterable[Record],
        organisation: Organisation | None = None,
        recorded_on: date = date(2020, 6, 30),
        terms_days: int | None = None,
    ) -> Book:
        """A book of records that all arrived on one day."""
        entries = [Entry(record, recorded_on, terms_days) for record in records]
        return cls(organisation or Organisation(), entries, recorded_on)

    @property
    def records(self) -> list[Record]:
        """The records alone, in arrival order."""
        return [entry.record for entry in self.entries]

    def reordered(self, order: Iterable[int]) -> Book:
        """The same arrivals in another order; each keeps its recording day."""
        return replace(self, entries=[self.entries[index] for index in order])


def decimals_of(currency: str) -> int:
    """How many decimals amounts of a currency have."""
    return next((count for count, codes in DECIMALS.items() if currency in codes.split()), 2)


def minor_units(amount: object, currency: str) -> int | None:
    """An amount in major units as minor units; ``None`` when it has more decimals than the currency."""
    scaled = Decimal(str(amount)).scaleb(decimals_of(currency))
    whole = int(scaled)
    return whole if whole == scaled else None


def exact_minor_units(amount: object, currency: str) -> int:
    """As :func:`minor_units`, for amounts that a valid record must carry exactly."""
    minor = minor_units(amount, currency)
    if minor is None:
        raise ValueError(f"{amount} has too many decimals for {currency}")
    return minor


def major_text(minor: int, currency: str) -> str:
    """Minor units as text in major units with all decimals of the currency."""
    return format(Decimal(minor).scaleb(-decimals_of(currency)), "f")


def json_amount(minor: int, currency: str) -> int | float | str:
    """Minor units as the JSON value of an amount: a number up to 15 significant digits, text beyond."""
    text = major_text(minor, currency)
    if abs(minor) >= SIGNIFICANT:
        return text
    number = Decimal(text)
    return int(number) if number == int(number) else float(number)


def day(text: str | None) -> date | None:
    """An optional ``YYYY-MM-DD`` as a date."""
    return date.fromisoformat(text) if text else None


def sure_day(text: str) -> date:
    """A ``YYYY-MM-DD`` as a date."""
    return date.fromisoformat(text)


@dataclass(frozen=True, order=True)
class Instant:
    """A moment: whole seconds in UTC and the fraction of the second as it was written."""

    seconds: datetime
    fraction: Decimal = Decimal(0)
    digits: str = field(default="", compare=False)

    @classmethod
    def parse(cls, text: str) -> Instant:
        """Reads RFC 3339 text with any offset and any number of fraction digits."""
        match = TIMESTAMP.fullmatch(text)
        if match is None:
            raise ValueError(f"not an RFC 3339 time: {text}")
        on, at, digits, _, sign, hours, minutes = match.groups()
        moment = datetime.fromisoformat(f"{on}T{at}+00:00")
        if sign:
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            moment += -offset if sign == "+" else offset
        return cls(moment, Decimal(f"0.{digits or 0}"), digits or "")

    def text(self) -> str:
        """The moment in UTC, its fraction kept."""
        fraction = f".{self.digits}" if self.digits else ""
        return f"{self.seconds:%Y-%m-%dT%H:%M:%S}{fraction}Z"

    def day_in(self, timezone: str) -> date:
        """The calendar day in a time zone."""
        return self.seconds.astimezone(ZoneInfo(timezone)).date()


BEGINNING = Instant(datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True)
class Allocation:
    """A payment, reversal, credit or write-off, or a part of one moved by an allocation record.

    An amount that fits no minor unit is ``None`` and idle.
    """

    is_payment: bool
    amount: int | None
    dated: date
    voided_on: date | None

    def counted(self, on: date) -> int:
        """What it takes off the document at the end of a day."""
        if self.amount is None or self.dated > on or (self.voided_on is not None and self.voided_on <= on):
            return 0
        return self.amount


@dataclass(frozen=True)
class StateEntry:
    """One known state of a bill; ``order`` decides between entries of one day."""

    state: str
    since: date
    scheduled_for: date | None
    order: tuple[Instant, int]


@dataclass
class Document:
    """An invoice or bill as the last word on it says, with everything applied to it."""

    kind: str
    id: str
    outward: str
    party: PartyKey
    currency: str
    total: int
    issued: date
    issued_inferred: bool
    due: date | None
    number: str | None
    party_name: str | None
    never: bool
    void_from: date | None
    record: Record
    allocations: list[Allocation] = field(default_factory=list)
    history: list[StateEntry] = field(default_factory=list)

    def exists(self, on: date) -> bool:
        """Issued, no draft, not void."""
        void = self.void_from is not None and self.void_from <= on
        return not self.never and self.issued <= on and not void

    def outstanding(self, on: date) -> int:
        """Total less what is applied, negative when over-applied, at the end of a day."""
        return self.total - sum(allocation.counted(on) for allocation in self.allocations)

    def stands(self, on: date) -> bool:
        """Exists and counts in the balance of its party: a bill has to be payable or paid."""
        return self.exists(on) and (self.kind == "invoice" or self.state(on) in PAYABLE_STATES | {"Paid"})

    def open(self, on: date) -> bool:
        """Exists with something outstanding; a bill also has to be in a payable state."""
        payable = self.kind == "invoice" or self.state(on) in PAYABLE_STATES
        return self.exists(on) and self.outstanding(on) > 0 and payable

    def days_overdue(self, on: date) -> int:
        """Days since the due date, negative before it; 0 without one, which is never overdue."""
        return 0 if self.due is None else (on - self.due).days

    def overdue(self, on: date) -> bool:
        """Open and at least one day past its due date."""
        return self.open(on) and self.days_overdue(on) >= 1

    def state_entry(self, on: date) -> StateEntry | None:
        """The last known entry of a bill dated on or before a day."""
        known = [entry for entry in self.history if entry.since <= on]
        return max(known, key=lambda entry: (entry.since, entry.order)) if known else None

    def state(self, on: date) -> str | None:
        """A bill's state; ``None`` before a first known entry that does not imply it was approved."""
        entry = self.state_entry(on)
        if entry is not None:
            return entry.state
        if not self.history:
            return None
        first = min(self.history, key=lambda entry: (entry.since, entry.order))
        return "Approved" if first.state in PAYABLE_STATES | {"Paid", "Voided"} else None

    def covered(self, on: date) -> bool:
        """Nothing outstanding, whether or not the document exists yet."""
        return self.outstanding(on) <= 0 or self.state(on) == "Paid"

    def change_days(self) -> set[date]:
        """Every day on which cover can begin or end."""
        voids = {a.voided_on for a in self.allocations if a.voided_on is not None}
        return {a.dated for a in self.allocations} | voids | {entry.since for entry in self.history}

    def settled_on(self, on: date) -> date | None:
        """First day of the covered run that reaches ``on``; the issue day when covered since ever."""
        if not self.covered(on):
            return None
        first = on
        for changed in sorted((d for d in self.change_days() if d <= on), reverse=True):
            first = changed
            if not self.covered(changed - ONE_DAY):
                return first
        return self.issued

    def has_payment(self, on: date) -> bool:
        """Whether a payment of a positive amount stands at the end of a day."""
        return any(a.is_payment and a.counted(on) > 0 for a in self.allocations)


@dataclass(frozen=True, order=True)
class PartyKey:
    """A customer or supplier: by the caller's id, or a supplier without one by its folded name."""

    kind: str
    id: str | None
    folded: str = ""


@dataclass
class Advance:
    """A payment or credit on account of a known party, with the parts of it that were moved onto documents."""

    record: Record
    party: PartyKey
    currency: str
    money: Allocation
    moved: list[Allocation] = field(default_factory=list)

    def left(self, on: date) -> int:
        """What of it is on account at the end of a day; negative for a refund, or where too much was moved."""
        return self.money.counted(on) - sum(part.counted(on) for part in self.moved)


@dataclass
class Ledger:
    """The whole book after the last arrival; ``pending`` are the payments, credits and allocations that are idle."""

    organisation: Organisation
    stored: dict[tuple[str, str], Record]
    documents: list[Document]
    grouped: dict[str, list[Record]]
    advances: list[Advance] = field(default_factory=list)
    pending: list[Record] = field(default_factory=list)

    def records(self, kind: str) -> list[Record]:
        """Every stored record of a type."""
        return self.grouped.get(kind, [])

    def of_kind(self, kind: str) -> list[Document]:
        """Every invoice or every bill."""
        return [document for document in self.documents if document.kind == kind]

    def outward(self, kind: str, own_id: str) -> str:
        """The UUID by which a caller's id is known outside."""
        return outward_id(self.organisation, kind, own_id)

    def name(self, party: PartyKey) -> str:
        """Its own record's name, else its latest-issued named document's, else its id."""
        own = self.stored.get((party.kind, party.id)) if party.id is not None else None
        if own is not None and own.get("name"):
            return str(own["name"])
        named = [d for d in self.documents if d.party == party and d.party_name]
        if named:
            return str(max(named, key=lambda d: (d.issued, d.id)).party_name)
        return party.id or ""

    @cached_property
    def by_key(self) -> dict[tuple[str, str], Document]:
        """The documents by kind and id."""
        return {(document.kind, document.id): document for document in self.documents}

    @cached_property
    def known_parties(self) -> set[PartyKey]:
        """Everybody with a record of their own or a document, as these are now."""
        own = {PartyKey(kind, record["id"]) for kind in ("customer", "supplier") for record in self.records(kind)}
        return own | {document.party for document in self.documents}

    def disputes(self, document: Document) -> list[Record]:
        """Every dispute about a document."""
        return [record for record in self.records("dispute") if document_key(record) == (document.kind, document.id)]

    def disputed_amount(self, document: Document, on: date) -> int:
        """How much of what is outstanding is under dispute at the end of a day, or lost."""
        open_amount = max(0, document.outstanding(on))
        disputed = 0
        for record in self.disputes(document):
            if is_disputed(record, on):
                whole = record.get("amount") is None
                disputed += open_amount if whole else minor_units(record["amount"], document.currency) or 0
        return min(disputed, open_amount)

    def disputed(self, document: Document, on: date) -> bool:
        """All of it under dispute at the end of a day, or lost."""
        return self.disputed_in_part(document, on) and (
            self.disputed_amount(document, on) == max(0, document.outstanding(on))
        )

    def disputed_in_part(self, document: Document, on: date) -> bool:
        """Some or all of it under dispute at the end of a day, or lost."""
        return any(is_disputed(record, on) for record in self.disputes(document))

    def currency_order(self, currency: str) -> tuple[bool, str]:
        """Sort key that puts the default currency first, the others by code."""
        return (currency != self.organisation.currency, currency)


def is_disputed(dispute: Record, on: date) -> bool:
    """Whether one dispute holds its invoice at the end of a day."""
    if sure_day(dispute["opened_on"]) > on:
        return False
    resolved = day(dispute.get("resolved_on"))
    return dispute.get("outcome") == "lost" or resolved is None or on < resolved


def outward_id(organisation: Organisation, kind: str, own_id: str) -> str:
    """A UUID as it is in lower case, anything else as a UUIDv5 in the organisation's namespace."""
    if CANONICAL_UUID.fullmatch(own_id):
        return own_id.lower()
    return str(uuid.uuid5(uuid.UUID(organisation.id), f"{kind}:{own_id}"))


def fold(name: str) -> str:
    """A name without regard to case and spacing."""
    return " ".join(name.split()).casefold()


def stamp(record: Record) -> Instant | None:
    """The record's ``updated_at``."""
    return Instant.parse(record["updated_at"]) if record.get("updated_at") else None


def read(book: Book) -> Ledger:
    """Plays every arrival in order and puts the documents together."""
    stored: dict[tuple[str, str], Record] = {}
    bills: dict[str, list[_Version]] = {}
    for arrival, entry in enumerate(book.entries):
        record = entry.record
        if _unfit(record, stored):
            continue
        if record["type"] == "bill":
            bills.setdefault(record["id"], []).append(_Version(record, arrival, entry.recorded_on))
        key = (record["type"], record["id"])
        if not _stale(record, stored.get(key)):
            stored[key] = {**record, "_terms_days": entry.terms_days, "_arrival": arrival}
    stored = {key: record for key, record in stored.items() if not record.get("deleted")}
    ledger = Ledger(book.organisation, stored, [], {})
    for kind, own_id in sorted(stored):
        ledger.grouped.setdefault(kind, []).append(stored[kind, own_id])
    for record in ledger.records("invoice"):
        ledger.documents.append(_invoice(ledger, record))
    for record in ledger.records("bill"):
        ledger.documents.append(_bill(ledger, record, _surviving(record, bills[record["id"]])))
    _apply(ledger)
    return ledger


def _apply(ledger: Ledger) -> None:
    """Puts payments and credits on their documents or on account, then moves what allocations move."""
    documents = ledger.by_key
    advances = {}
    parties = ledger.known_parties
    for record in ledger.records("payment") + ledger.records("credit"):
        document, party = documents.get(document_key(record) or ("", "")), party_of(record)
        if document is not None:
            document.allocations.append(_allocation(record, document.currency))
        elif party is not None and party in parties:
            currency = record["currency"]
            advance = Advance(record, party, currency, _allocation(record, currency))
            advances[record["type"], record["id"]] = advance
        else:
            ledger.pending.append(record)
    for record in ledger.records("allocation"):
        document, source = documents.get(document_key(record) or ("", "")), advances.get(source_key(record))
        if document is None or source is None or (document.party, document.currency) != (source.party, source.currency):
            ledger.pending.append(record)
            continue
        part = _part(record, source)
        document.allocations.append(part)
        source.moved.append(part)
    ledger.advances = list(advances.values())


def _part(record: Record, source: Advance) -> Allocation:
    """What an allocation moves: from the later of its day and its source's, until either of them is voided."""
    voids = [on for on in (day(record.get("voided_on")), source.money.voided_on) if on is not None]
    return Allocation(
        source.money.is_payment,
        minor_units(record["amount"], source.currency),
        max(sure_day(record["applied_on"]), source.money.dated),
        min(voids, default=None),
    )


@dataclass(frozen=True)
class _Version:
    """One arrival of a bill's record, or of the word that it is deleted."""

    record: Record
    arrival: int
    recorded_on: date

    def before(self, other: _Version) -> bool:
        """Whether the other one is the later word: by ``updated_at``, else by arrival."""
        mine, others = stamp(self.record), stamp(other.record)
        if mine is None or others is None or mine == others:
            return self.arrival < other.arrival
        return mine < others


def _surviving(stored: Record, versions: list[_Version]) -> list[_Version]:
    """The versions of a bill that no deletion took back, whenever that one came."""
    deletions = [version for version in versions if version.record.get("deleted")]
    return [
        version
        for version in versions
        if not version.record.get("deleted")
        and (version.arrival == stored["_arrival"] or not any(version.before(deletion) for deletion in deletions))
    ]


def _stale(record: Record, known: Record | None) -> bool:
    if known is None:
        return False
    new, old = stamp(record), stamp(known)
    return new is not None and old is not None and new < old


def document_key(record: Record) -> tuple[str, str] | None:
    """Kind and id of the document that a record names."""
    for kind in ("invoice", "bill"):
        if record.get(f"{kind}_id"):
            return (kind, record[f"{kind}_id"])
    return None


def party_of(record: Record) -> PartyKey | None:
    """The party that a payment or credit on account names."""
    for kind in ("customer", "supplier"):
        if record.get(f"{kind}_id"):
            return PartyKey(kind, record[f"{kind}_id"])
    return None


def source_key(allocation: Record) -> tuple[str, str]:
    """Type and id of the payment or credit that an allocation moves."""
    if allocation.get("payment_id"):
        return ("payment", allocation["payment_id"])
    return ("credit", allocation["credit_id"])


def _unfit(record: Record, stored: dict[tuple[str, str], Record]) -> bool:
    """Whether money is refused on arrival: what its known currency cannot hold, and what names too much."""
    if record["type"] not in {"payment", "credit", "allocation"} or record.get("deleted"):
        return False
    document = stored.get(document_key(record) or ("", ""))
    currency = None if document is None or document.get("deleted") else document["currency"]
    if record["type"] == "allocation":
        if Decimal(str(record["amount"])) <= 0:
            return True
        source = stored.get(source_key(record))
        currency = source["currency"] if source is not None and source.get("currency") else currency
    elif party_of(record) is not None:
        if document_key(record) is not None or record.get("kind") == "write_off":
            return True
        currency = record["currency"]
    return currency is not None and minor_units(record["amount"], currency) is None


def _due(record: Record, issued: date) -> date | None:
    due = day(record.get("due_on"))
    terms: int | None = record["_terms_days"]
    if due is None and terms is not None:
        return issued + timedelta(days=terms)
    return due


def _allocation(record: Record, currency: str) -> Allocation:
    is_payment = record["type"] == "payment"
    dated = sure_day(record["paid_on"] if is_payment else record["credited_on"])
    return Allocation(is_payment, minor_units(record["amount"], currency), dated, day(record.get("voided_on")))


def _invoice(ledger: Ledger, record: Record) -> Document:
    status = record.get("status") or "finalized"
    void_from = day(record.get("voided_on"))
    issued = sure_day(record["issued_on"])
    return Document(
        kind="invoice",
        id=record["id"],
        outward=ledger.outward("invoice", record["id"]),
        party=PartyKey("customer", record["customer_id"]),
        currency=record["currency"],
        total=exact_minor_units(record["total"], record["currency"]),
        issued=issued,
        issued_inferred=False,
        due=_due(record, issued),
        number=record.get("number") or None,
        party_name=record.get("customer_name") or None,
        never=status == "draft" or (status == "voided" and void_from is None),
        void_from=void_from,
        record=record,
    )


def _bill(ledger: Ledger, record: Record, received: list[_Version]) -> Document:
    issued = day(record.get("issued_on"))
    first_day = min(version.recorded_on for version in received)
    inferred = issued is None or bool(record.get("issued_on_inferred"))
    if issued is None:
        issued = min(first_day, day(record.get("due_on")) or first_day)
    supplier_id = record.get("supplier_id") or None
    name = record.get("supplier_name") or None
    party = PartyKey("supplier", supplier_id, "" if supplier_id else fold(name or ""))
    return Document(
        kind="bill",
        id=record["id"],
        outward=ledger.outward("bill", record["id"]),
        party=party,
        currency=record["currency"],
        total=exact_minor_units(record["total"], record["currency"]),
        issued=issued,
        issued_inferred=inferred,
        due=_due(record, issued),
        number=record.get("number") or None,
        party_name=name,
        never=False,
        void_from=day(record.get("voided_on")),
        record=record,
        history=[_state_entry(version.record, version.arrival, issued) for version in received],
    )


def _state_entry(record: Record, arrival: int, issued: date) -> StateEntry:
    since = day(record.get("state_on"))
    if since is None and record["state"] == "Voided":
        since = day(record.get("voided_on"))
    order = (stamp(record) or BEGINNING, arrival)
    return StateEntry(record["state"], since or issued, day(record.get("scheduled_payment_on")), order)
