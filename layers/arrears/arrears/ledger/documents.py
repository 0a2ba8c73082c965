"""An invoice or bill with all that was told of it, and what it gives its counterparty."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from arrears.ledger import document_facts
from arrears.ledger.days import NEVER
from arrears.ledger.document_facts import BillState, Dispute, Facts, Step
from arrears.ledger.ledger_side import Side
from arrears.ledger.money import to_minor

type Part = list[Any]
"""What was told of one allocation, dispute, reminder or promise: [content, updated_at]."""

_UNTOLD = Facts("", None, "", 0, NEVER, None)


@dataclass(slots=True)
class Document:
    """An invoice or bill with all that was told of it.

    head: content of its own record, None while only others have named it. parts: "payment:ID", "credit:ID" and
    "dispute:ID", without the document they name. lines: digest of its lines, which are kept apart.
    states: [state, state_on, scheduled_payment_on, updated_at] of a bill, in the order that counts within a day.
    recorded_on: the day it was first recorded. at_rest, account, shard: where it stands in the index.
    """

    kind: str
    id: str
    reference: str
    head: dict[str, Any] | None = None
    updated_at: str | None = None
    lines: str | None = None
    parts: dict[str, Part] = field(default_factory=dict)
    states: list[list[Any]] = field(default_factory=list)
    recorded_on: int = 0
    filled_due: int | None = None
    account: str | None = None
    shard: int = 0
    at_rest: bool = True
    facts: Facts = _UNTOLD

    @property
    def side(self) -> Side:
        """Invoices are receivable, bills payable."""
        return Side.RECEIVABLE if self.kind == "invoice" else Side.PAYABLE

    def refresh(self, today: int) -> None:
        """Works its facts out anew, and whether it is at rest on `today`."""
        self.facts = self._facts()
        self.at_rest = document_facts.rest_day(self.facts) <= today

    def _facts(self) -> Facts:
        head = self.head
        if head is None:
            return Facts(self.id, None, "", 0, NEVER, None)
        currency = head["currency"]
        issued, inferred = self.issued_on()
        due = head.get("due_on", self.filled_due)
        marks = document_facts.ISSUED_INFERRED if inferred else 0
        marks |= document_facts.PAYMENT_FAILED if head.get("payment_status") == "failed" else 0
        marks |= document_facts.DUE_FILLED if "due_on" not in head and self.filled_due is not None else 0
        voided = head.get("voided_on", NEVER)
        status = head.get("status")
        if status == "draft" or (status == "voided" and voided == NEVER):
            issued = NEVER
        return Facts(
            self.id,
            head.get("number"),
            currency,
            in_minor(head["total"], currency) or 0,
            issued,
            due,
            voided,
            _steps(self.parts, currency),
            marks,
            _disputes(self.parts),
            self._states(issued),
        )

    def issued_on(self) -> tuple[int, bool]:
        """The day it is issued on, and whether that was inferred: a bill may not say."""
        head = self.head or {}
        due = head.get("due_on", NEVER)
        if "issued_on" in head:
            inferred = bool(head.get("issued_on_inferred"))
            return (min(head["issued_on"], due) if inferred else head["issued_on"]), inferred
        return min(self.recorded_on, due), True

    def _states(self, issued: int) -> list[BillState]:
        dated = [BillState(issued if on is None else on, state, scheduled) for state, on, scheduled, _ in self.states]
        return sorted(dated, key=lambda entry: entry.day)

    def name_told(self) -> str | None:
        """The counterparty's name on it, if any."""
        head = self.head or {}
        return head.get("customer_name") or head.get("supplier_name")


def in_minor(amount: str, currency: str) -> int | None:
    """An amount as it was told in minor units; None with more decimals than the currency has."""
    return to_minor(Decimal(amount), currency)


def _steps(parts: dict[str, Part], currency: str) -> list[Step]:
    """The allocations, by day. One with more decimals than the currency has (it came first) does not count."""
    by_day: dict[tuple[int, int], list[int]] = {}
    for key, (told, _) in parts.items():
        if key.startswith("dispute:"):
            continue
        amount = in_minor(told["amount"], currency)
        paid = "paid_on" in told
        day = told["paid_on"] if paid else told["credited_on"]
        voided = told.get("voided_on", NEVER)
        if amount is None or voided <= day:
            continue
        counts = int(paid and amount > 0)
        for when, origin, sign in ((day, 0, 1), (voided, day, -1)):
            if when < NEVER:
                sums = by_day.setdefault((when, origin), [0, 0, 0])
                sums[0 if paid else 1] += sign * amount
                sums[2] += sign * counts
    return [Step(day, sums[0], sums[1], sums[2], origin) for (day, origin), sums in sorted(by_day.items())]


def misfits(document: Document) -> set[str]:
    """The allocations that do not count as they have more decimals than their document's currency."""
    if document.head is None:
        return set()
    currency = document.head["currency"]
    return {
        key
        for key, (told, _) in document.parts.items()
        if "amount" in told and in_minor(told["amount"], currency) is None
    }


def _disputes(parts: dict[str, Part]) -> list[Dispute]:
    return [
        Dispute(told["opened_on"], told.get("resolved_on"), told.get("outcome") == "lost")
        for key, (told, _) in sorted(parts.items())
        if key.startswith("dispute:")
    ]


class Claim(NamedTuple):
    """What a document gives its account. `facts` only at rest, as nothing else of an open document is added up."""

    account: str | None
    at_rest: bool
    name: str | None
    order: tuple[int, str]
    facts: Facts | None


def claim_of(document: Document) -> Claim:
    """What a document gives its account now."""
    if document.head is None:
        return Claim(None, True, None, (0, ""), None)
    order = (document.issued_on()[0], document.reference)
    at_rest = document.at_rest
    return Claim(document.account, at_rest, document.name_told(), order, document.facts if at_rest else None)


def older(updated_at: str | None, stored: str | None) -> bool:
    """Whether it was told before what is stored; where a moment is missing, what arrives later counts as later."""
    return updated_at is not None and stored is not None and updated_at < stored


def same_course(states: list[list[Any]], others: list[list[Any]]) -> bool:
    """Whether they are the same states in the same order, told at whatever moments."""
    return len(states) == len(others) and all(one[:3] == other[:3] for one, other in zip(states, others, strict=True))


def with_state(states: list[list[Any]], entry: list[Any]) -> list[list[Any]]:
    """A bill's states with one more, in the order that counts within a day: by moment if both have one, else arrival.

    The same state told again keeps one entry, with the later moment.
    """
    same = next((old for old in states if old[:3] == entry[:3]), None)
    if same is not None:
        again = entry[3] is None or entry[3] == same[3]
        if older(entry[3], same[3]) or (again and states[-1] is same):
            return states
    rest = [old for old in states if old is not same]
    place = len(rest)
    while place and older(entry[3], rest[place - 1][3]):
        place -= 1
    return [*rest[:place], entry, *rest[place:]]
