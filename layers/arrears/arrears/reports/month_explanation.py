"""What has become of a closed month since: which changes make the difference to the same month as known now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from arrears.ledger.dated_document import DatedDocument, MoneyChange
from arrears.ledger.on_account import money_changes
from arrears.ledger.origin import Origin
from arrears.reports.aging import owed_at
from arrears.reports.month_close import CurrencyMonth


class NotExplained(ValueError):
    """A month that cannot be explained. first: the first moment since which changes are kept, if that is why."""

    def __init__(self, reason: str, first: datetime | None = None) -> None:
        super().__init__(reason)
        self.first = first


@dataclass(frozen=True, slots=True)
class Balance:
    """What is open, overdue and on account at the end of a day, in minor units of one currency."""

    outstanding: int = 0
    overdue: int = 0
    unapplied: int = 0

    @property
    def net(self) -> int:
        """What is open less the money on account."""
        return self.outstanding - self.unapplied

    def __bool__(self) -> bool:
        """Whether any of it is not zero."""
        return bool(self.outstanding or self.overdue or self.unapplied)

    def __add__(self, other: "Balance") -> "Balance":
        """Both together."""
        return Balance(
            self.outstanding + other.outstanding, self.overdue + other.overdue, self.unapplied + other.unapplied
        )

    def __sub__(self, other: "Balance") -> "Balance":
        """The difference."""
        return self + other * -1

    def __mul__(self, sign: int) -> "Balance":
        """It, added (1) or taken away (-1)."""
        return Balance(self.outstanding * sign, self.overdue * sign, self.unapplied * sign)


class Effects:
    """Sums of balances by currency."""

    def __init__(self) -> None:
        self._sums: dict[str, Balance] = {}

    def add(self, currency: str, balance: Balance) -> None:
        """Adds to a currency."""
        self._sums[currency] = self._sums.get(currency, Balance()) + balance

    def found(self) -> dict[str, Balance]:
        """What is not zero."""
        return {currency: balance for currency, balance in self._sums.items() if balance}


def document_balance(document: DatedDocument, day: int) -> Balance:
    """What a document adds to the book on a day; what stands beside it is money on account."""
    owed = owed_at(document, day)
    late = document.due is not None and day > document.due
    return Balance(owed, owed if late else 0, _until(money_changes(document), day))


def money_balances(changes: Iterable[MoneyChange], day: int) -> dict[str, Balance]:
    """What changes of money on account come to on a day, by currency."""
    effects = Effects()
    for change in changes:
        if change.day <= day:
            effects.add(change.currency, Balance(unapplied=change.amount))
    return effects.found()


def _until(changes: Iterable[MoneyChange], day: int) -> int:
    return sum(change.amount for change in changes if change.day <= day)


def month_balance(month: CurrencyMonth) -> Balance:
    """The balance at the end of a closed month."""
    return Balance(month.outstanding, month.closing, 0 if month.control is None else month.control.unapplied)


@dataclass(frozen=True, slots=True)
class ExplainedChange:
    """What one transaction did to the balance of a month's end through one document, or one party's money on account.

    recorded_at: when. records: type and the caller's id of those that it changed. party: outward id of the customer or
    supplier; None where there is none, or a supplier has a name only.
    """

    recorded_at: datetime
    origin: Origin
    records: Sequence[tuple[str, str]]
    party: str | None
    currency: str
    effect: Balance


@dataclass(frozen=True, slots=True)
class Explanation:
    """A closed month and the same month as known now, by currency, and the changes that lead from one to the other.

    end: the month's last day. known_at: the moment as of which it was closed. The changes are in their order.
    """

    end: int
    known_at: datetime
    closed: Mapping[str, Balance]
    now: Mapping[str, Balance]
    changes: Sequence[ExplainedChange]

    def difference(self, currency: str) -> Balance:
        """Now less then."""
        return self.now.get(currency, Balance()) - self.closed.get(currency, Balance())

    def explained(self, currency: str) -> Balance:
        """What the changes add up to: the difference."""
        return sum((one.effect for one in self.changes if one.currency == currency), Balance())

    def adds_up(self) -> bool:
        """Whether the changes of every currency add up to its difference, as they do when nobody writes meanwhile."""
        currencies = {*self.closed, *self.now, *(change.currency for change in self.changes)}
        return all(self.explained(currency) == self.difference(currency) for currency in currencies)
