"""What has come of a customer's promises to pay.

A promise is about the documents issued by the day it was made and due by the day promised. What it still lacks at the
end of a day is its amount, less what was applied to them since it was made; without an amount, what is outstanding of
them. Money on account that is dated from the day it was made counts for it too, but not what stands beside its own
documents: all that was applied to those counts anyway.
"""

from collections.abc import Iterable, Iterator, Sequence

from arrears.ledger.dated_document import (
    Account,
    DatedDocument,
    KeptChange,
    MoneyChange,
    Promise,
    is_open_at,
    outstanding_at,
)
from arrears.ledger.days import NEVER
from arrears.ledger.on_account import money_changes


def is_about(promise: Promise, document: DatedDocument) -> bool:
    """Whether the promise is about the document while that is not void."""
    return (
        document.currency == promise.currency
        and document.issued <= promise.made
        and document.due is not None
        and document.due <= promise.promised
    )


def kept_changes(promise: Promise, document: DatedDocument) -> Iterator[KeptChange]:
    """What a document does for a promise, day by day; nothing if the promise is not about it.

    The amounts add up to what was applied since the promise was made; for one without an amount, to what is
    outstanding, below zero.
    """
    if not is_about(promise, document):
        return
    money = list(money_changes(document))
    days = {change[0] for change in document.applied} | {change.day for change in money} | {document.voided}
    before = KeptChange(0, 0)
    for day in sorted({promise.made, *(day for day in days if promise.made < day < NEVER)}):
        done = _done(promise, document, day)
        beside = _beside(promise, document, money, day)
        if (done, beside) != before[1:]:
            yield KeptChange(day, done - before.amount, beside - before.beside)
        before = KeptChange(day, done, beside)


def _done(promise: Promise, document: DatedDocument, day: int) -> int:
    if day >= document.voided:
        return 0
    if promise.amount is None:
        return -outstanding_at(document, day) if is_open_at(document, day) else 0
    return sum(
        payments + credited
        for changed, payments, credited, _, allocated_on in document.applied
        if changed <= day and (allocated_on or changed) >= promise.made
    )


def _beside(promise: Promise, document: DatedDocument, money: Sequence[MoneyChange], day: int) -> int:
    if day >= document.voided:
        return 0
    own = (change for change in money if change.source[1:] == document.id)
    return sum(change.moved for change in own if change.day <= day and change.dated_on >= promise.made)


def merged(changes: Iterable[KeptChange]) -> list[KeptChange]:
    """Changes added up by day, nothing that comes to nothing."""
    sums: dict[int, tuple[int, int]] = {}
    for day, amount, beside in changes:
        known = sums.get(day, (0, 0))
        sums[day] = known[0] + amount, known[1] + beside
    return [KeptChange(day, *sums[day]) for day in sorted(sums) if any(sums[day])]


def taken_off(changes: Iterable[KeptChange]) -> Iterator[KeptChange]:
    """The changes that undo these."""
    for day, amount, beside in changes:
        yield KeptChange(day, -amount, -beside)


class Promises:
    """A customer's promises for one currency, judged by its documents in hand: the open ones at least."""

    def __init__(self, account: Account, documents: Sequence[DatedDocument], currency: str) -> None:
        self._documents = documents
        promises = [promise for promise in account.promises if promise.currency == currency]
        self._promises = sorted(promises, key=lambda promise: (promise.made, promise.id))
        money = [MoneyChange(*change) for change in account.money]
        for document in documents if promises else ():
            money += money_changes(document)
        self._money = [change for change in money if change.currency == currency]
        self._kept: dict[str, list[KeptChange]] = {}

    def counting(self, day: int) -> list[Promise]:
        """Those that count at the end of `day`, by the day they were made.

        A later one replaces an earlier one only if it is for all, or for at least what the earlier one lacked at the
        end of the day on which the later one was made. Those made on one day (instalments) never replace each other.
        """
        made = [promise for promise in self._promises if promise.made <= day]
        return [old for old in made if not any(self._replaces(new, old) for new in made if new.made > old.made)]

    def _replaces(self, new: Promise, old: Promise) -> bool:
        return new.amount is None or new.amount >= self.lacking(old, new.made)

    def lacking(self, promise: Promise, day: int) -> int:
        """What it still lacks at the end of `day`, in minor units; not above zero when it is kept."""
        kept = [change for change in self._changes(promise) if change.day <= day]
        came = sum(
            change.amount for change in self._money if change.day <= day and change.dated_on >= promise.made
        ) - sum(change.beside for change in kept)
        return (promise.amount or 0) - sum(change.amount for change in kept) - max(0, came)

    def is_broken(self, promise: Promise, day: int) -> bool:
        """Whether its day is over and it is not kept."""
        return day > promise.promised and self.lacking(promise, day) > 0

    def _changes(self, promise: Promise) -> list[KeptChange]:
        if promise.id not in self._kept:
            own = (change for document in self._documents for change in kept_changes(promise, document))
            self._kept[promise.id] = merged([*promise.kept, *own])
        return self._kept[promise.id]
