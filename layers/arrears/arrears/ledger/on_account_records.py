"""Payments and credits on account: what their records say, and what is allocated of them."""

from dataclasses import dataclass, field

from arrears.ledger.dated_document import MoneyChange
from arrears.ledger.days import NEVER
from arrears.ledger.documents import Part, Source, in_minor
from arrears.ledger.on_account import taken_back

MAX_ALLOCATIONS = 1_000
"""Allocations that one payment or credit on account may have."""
MAX_MONEY_CHANGES = 4_000
"""Changes of the money on account of one party beyond which no more payments or credits on account are taken."""
CODES = {"payment": "P", "credit": "K"}
"""By record type, the letter before the id of a source."""


@dataclass(slots=True)
class OnAccountRecord:
    """A payment or credit as the money on account that allocations come from.

    part: its record, None while it is not known or stands on a document. account: its party's. allocations: by their
    key among the parts of a document, that document ("i" or "b" and its outward id). outdated: those of them whose
    documents still have its previous state, which happens only between the transactions of one change.
    """

    kind: str
    id: str
    reference: str
    part: Part | None = None
    account: str | None = None
    allocations: dict[str, str] = field(default_factory=dict)
    outdated: list[str] = field(default_factory=list)

    @property
    def code(self) -> str:
        """The source of its changes: letter and outward id."""
        return CODES[self.kind] + self.id

    @property
    def day(self) -> int:
        """The day on which it is dated."""
        content = {} if self.part is None else self.part.content
        day: int = content.get("paid_on", content.get("credited_on", NEVER))
        return day

    def source(self) -> Source | None:
        """What its allocations have to know of it; None when it is not on account."""
        if self.part is None or self.account is None:
            return None
        content = self.part.content
        return Source(self.code, self.account, content["currency"], self.day, content.get("voided_on", NEVER))

    def changes(self) -> list[MoneyChange]:
        """How it changes the money on account of its party, before anything is allocated of it."""
        source = self.source()
        if self.part is None or source is None or source.voided <= source.day:
            return []
        amount = in_minor(self.part.content["amount"], source.currency) or 0
        if self.kind == "credit":
            change = MoneyChange(source.day, source.currency, source.day, source.code, credited=amount)
        elif amount < 0:
            change = MoneyChange(source.day, source.currency, source.day, source.code, refunded=-amount)
        else:
            change = MoneyChange(source.day, source.currency, source.day, source.code, received=amount)
        return [change] if source.voided == NEVER else [change, taken_back(change, source.voided)]
