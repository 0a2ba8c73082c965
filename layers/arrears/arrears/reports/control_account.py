"""The control account of receivables or of payables: what its balance is made of, and what has moved it in a month.

Its balance is the net of the book: what is outstanding less the money on account. Documents that begin or cease to
exist move it, and money does, wherever it is applied; moving money from an account to a document does not:

    opening + restated + invoiced - received - credited - voided + refunded - closed by state = closing
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields

from arrears.ledger.dated_document import Account, DatedDocument, MoneyChange
from arrears.ledger.days import NEVER
from arrears.ledger.on_account import closed_by_state_at, counts_at


@dataclass(slots=True)
class Movements:
    """What has moved the account, in minor units.

    invoiced, voided: totals of documents that began and ceased to exist (bills: to be payable or Paid). received,
    credited: amounts dated then, less reversals and voids. refunded: negative payments sent on account.
    closed_by_state: what bills in state Paid count as paid beyond what is applied to them.
    """

    invoiced: int = 0
    received: int = 0
    credited: int = 0
    voided: int = 0
    refunded: int = 0
    closed_by_state: int = 0

    def add(self, other: "Movements") -> None:
        """Adds others to these."""
        for part in fields(other):
            setattr(self, part.name, getattr(self, part.name) + getattr(other, part.name))


@dataclass(slots=True)
class Control(Movements):
    """One currency's month, in minor units: what has moved the account in it, and its balances.

    opening: the previous snapshot's closing. restated: the balance at the end of the month before as known at this
    close, less `opening`. closing: the balance at close. unapplied: the money on account at close.
    """

    opening: int = 0
    restated: int = 0
    closing: int = 0
    unapplied: int = 0

    def is_empty(self) -> bool:
        """Whether every figure is zero."""
        return not any(astuple(self))


class ControlMovements:
    """What has moved the control account of one ledger side, and its money on account, by currency and day.

    It has a month whole if it was given every document that was not closed yet when the month began, and the money of
    every account. A document closed before then has no dated change in the month, and what it had too much of by then
    is in its account's money.
    """

    def __init__(self) -> None:
        self._moved: defaultdict[str, defaultdict[int, Movements]] = defaultdict(lambda: defaultdict(Movements))
        self._unapplied: defaultdict[str, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))

    def currencies(self) -> Iterable[str]:
        """Every currency with a document or money."""
        return self._moved.keys()

    def month(self, currency: str, before: int, end: int) -> Control:
        """The movements on the days after `before` up to `end`, and the money on account; no balance yet."""
        control = Control(unapplied=self.unapplied_at(currency, end))
        for day, moved in self._moved[currency].items():
            if before < day <= end:
                control.add(moved)
        return control

    def unapplied_at(self, currency: str, day: int) -> int:
        """The money on account at the end of a day."""
        return sum(amount for on, amount in self._unapplied[currency].items() if on <= day)

    def add_account(self, account: Account) -> None:
        """Adds the money of an account."""
        for change in account.money:
            money = MoneyChange(*change)
            moved = self._moved[money.currency][money.day]
            moved.received += money.received
            moved.credited += money.credited
            moved.refunded += money.refunded
            self._unapplied[money.currency][money.day] += money.amount

    def add_document(self, document: DatedDocument, changes: Iterable[MoneyChange]) -> None:
        """Adds a document. changes: how it changes the money on account."""
        moved = self._moved[document.currency]
        for day, payments, credited, _, _ in document.applied:
            moved[day].received += payments
            moved[day].credited += credited
        for day, amount, _, source in document.allocated:
            # Applied, but no money of its own: it was received or credited where it was sent for the party.
            if source.startswith("P"):
                moved[day].received -= amount
            else:
                moved[day].credited -= amount
        for day in _days_of_existence(document):
            _add_existence(moved[day], document, day)
        for day, amount in _closed_by_state(document):
            moved[day].closed_by_state += amount
        for change in changes:
            self._unapplied[document.currency][change.day] += change.amount


def _add_existence(moved: Movements, document: DatedDocument, day: int) -> None:
    was, is_ = counts_at(document, day - 1), counts_at(document, day)
    if is_ and not was:
        moved.invoiced += document.total
    elif was and not is_:
        moved.voided += document.total


def _days_of_existence(document: DatedDocument) -> Sequence[int]:
    """The days on which it may begin or cease to exist."""
    days = {document.issued, document.voided, *(entered for entered, _, _ in document.states)}
    return sorted(days - {NEVER})


def _closed_by_state(document: DatedDocument) -> Iterator[tuple[int, int]]:
    """How what it counts as paid by its state alone changes, by day."""
    if not any(state == "Paid" for _, state, _ in document.states):
        return
    days = {*_days_of_existence(document), *(change[0] for change in document.applied)}
    before = 0
    for day in sorted(days):
        after = closed_by_state_at(document, day)
        if after != before:
            yield day, after - before
        before = after
