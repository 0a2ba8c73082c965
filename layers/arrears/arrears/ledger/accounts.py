"""A counterparty: what was told of it, and what its documents have added up to."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from arrears.ledger import document_facts
from arrears.ledger.document_facts import Facts, Promise, Reminder, Settled
from arrears.ledger.documents import Claim, Document, Part
from arrears.ledger.ids import folded_name, outward_id
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.ledger.records import Bill, Invoice

HISTORY_DAYS = 400
"""How far back an account keeps settled documents added up: the year that behaviour looks at, and some."""
RESTED_DAYS = 60
"""How far back an account knows how many documents came to rest: promises told later than that read more."""
KEPT_NAMES = 4
"""How many of the latest names told by its documents an account remembers."""


@dataclass(slots=True)
class File:
    """What was told of a counterparty itself: its own record, reminders and promises, each [content, updated_at]."""

    record: Part | None = None
    reminders: dict[str, Part] = field(default_factory=dict)
    promises: dict[str, Part] = field(default_factory=dict)


@dataclass(slots=True)
class AccountState:
    """A counterparty and what its documents have added up to.

    key: "c" (customer), "s" (supplier) or "n" (supplier known by name only) and its UUID. names: those told by its
    latest documents, latest first, [issued, document's own id, name]. named, open, documents: how many documents tell
    a name, are not at rest, and are there. rest: the latest day on which one came to rest. rested: how many came to
    rest on each of the latest days. history: documents at rest by the day they settled, back to `floor`.
    """

    key: str
    reference: str
    shard: int = 0
    name: str | None = None
    names: list[list[Any]] = field(default_factory=list)
    named: int = 0
    open: int = 0
    documents: int = 0
    rest: int = 0
    rested: dict[int, int] = field(default_factory=dict)
    floor: int = 0
    reminders: list[Reminder] = field(default_factory=list)
    trimmed: bool = False
    promises: list[Promise] = field(default_factory=list)
    history: dict[int, Settled] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its UUID."""
        return self.key[1:]

    @property
    def side(self) -> Side:
        """Customers are receivable, suppliers payable."""
        return Side.RECEIVABLE if self.key[0] == "c" else Side.PAYABLE

    @property
    def known(self) -> bool:
        """Whether its own record or a document has told of it."""
        return self.name is not None or self.documents > 0

    def display_name(self) -> str:
        """Its own record's name; else that of its latest-issued document, then largest id; else its id."""
        if self.name is not None:
            return self.name
        return str(self.names[0][2]) if self.names else self.reference

    def give(self, claim: Claim, sign: int, floor: int) -> None:
        """Adds (1) or takes away (-1) what a document gives; days up to `floor` fall out of the history."""
        self.documents += sign
        self.open += 0 if claim.at_rest else sign
        if claim.name:
            self._tell_name([*claim.order, claim.name], sign)
        if claim.facts is None:
            return
        self.promises = [
            promise._replace(
                kept=promise.kept + sign * document_facts.applied_since(promise, claim.facts, document_facts.LAST)
            )
            for promise in self.promises
        ]
        self._forget(floor)
        self._rest(document_facts.rest_day(claim.facts), sign)
        self._settle(claim.facts, sign)

    def _forget(self, floor: int) -> None:
        if floor > self.floor:
            self.floor = floor
            self.history = {day: settled for day, settled in self.history.items() if day > floor}
            self.rested = {day: count for day, count in self.rested.items() if day > self._rested_from}

    @property
    def _rested_from(self) -> int:
        return self.floor + HISTORY_DAYS - RESTED_DAYS

    def _rest(self, day: int, sign: int) -> None:
        self.rest = max(self.rest, day)
        if day > self._rested_from:
            self.rested[day] = self.rested.get(day, 0) + sign
            if not self.rested[day]:
                del self.rested[day]

    def rested_since(self, day: int) -> int | None:
        """How many documents came to rest on a day or later; None when that is not known any more."""
        if day <= self._rested_from:
            return None
        return sum(count for rested, count in self.rested.items() if rested >= day)

    def _settle(self, document: Facts, sign: int) -> None:
        settled = document_facts.settlement(document, document_facts.LAST)
        if settled is None or settled.day <= self.floor:
            return
        stood = self.history.get(settled.day, Settled(settled.day, 0, 0, 0, 0, 0, 0))
        moved = Settled(settled.day, *(old + sign * new for old, new in zip(stood[1:], settled[1:], strict=True)))
        if moved.documents:
            self.history[settled.day] = moved
        else:
            del self.history[settled.day]

    def _tell_name(self, entry: list[Any], sign: int) -> None:
        """What is remembered is later than all that was forgotten, so an earlier name has a place only if all are."""
        if sign < 0:
            self.names = [told for told in self.names if told != entry]
        elif len(self.names) == self.named or (self.names and entry > self.names[-1]):
            self.names = sorted([*self.names, entry], reverse=True)[:KEPT_NAMES]
        self.named += sign

    def names_forgotten(self) -> bool:
        """Whether it goes by what its documents tell, and none of those that tell a name is remembered."""
        return self.name is None and self.named > 0 and not self.names

    def retell_names(self, documents: Iterable[Document]) -> None:
        """Works the names out anew from all its documents."""
        self.names, self.named = [], 0
        for document in documents:
            name = document.name_told()
            if name:
                self._tell_name([document.issued_on()[0], document.reference, name], 1)

    def account(self) -> document_facts.Account:
        """What readers see of it."""
        return document_facts.Account(
            self.id,
            None if self.key[0] == "n" else self.id,
            self.reference,
            self.display_name(),
            self.reminders,
            self.promises,
            [self.history[day] for day in sorted(self.history)],
            self.trimmed,
        )


def party_of(organisation: Organisation, record: Invoice | Bill) -> tuple[str, str]:
    """The key of a document's counterparty and the id it was given by; a supplier without one goes by its name."""
    if isinstance(record, Invoice):
        return "c" + outward_id(organisation.id, "customer", record.customer_id), record.customer_id
    if record.supplier_id is not None:
        return "s" + outward_id(organisation.id, "supplier", record.supplier_id), record.supplier_id
    name = record.supplier_name or ""
    return "n" + str(uuid5(UUID(organisation.id), f"supplier name:{folded_name(name)}")), name
