"""Money on account: what a party has paid or was credited that stands on no existing document.

It is made of payments and credits sent for the party itself, less what is allocated of them; of what a document has
applied beyond its total; and of all that is applied to a document that does not exist on the day (void, a draft, not
issued yet, or a bill that is neither payable nor Paid). Amounts are minor units.
"""

from collections.abc import Iterable, Iterator, Sequence

from arrears.ledger.dated_document import (
    PAYABLE_STATES,
    Account,
    DatedDocument,
    MoneyChange,
    applied_at,
    bill_state_name_at,
    exists_at,
)
from arrears.ledger.days import NEVER

SHOWN_CHANGES = 8
"""So many changes are shown to readers as they are; more are folded into what is left."""
KEPT_SOURCES = 40
"""So many sources are shown with what is left of each; of more the oldest are added up."""
FOLDED_AFTER_DAYS = 400
"""Younger sources are always shown one by one."""

_COUNTING_STATES = PAYABLE_STATES | {"Paid"}


def counts_at(document: DatedDocument, day: int) -> bool:
    """Whether the party owes, or has owed, its total: it exists, and a bill is payable or Paid."""
    if not exists_at(document, day):
        return False
    return not document.states or bill_state_name_at(document, day) in _COUNTING_STATES


def beside_at(document: DatedDocument, day: int) -> int:
    """What is applied that the total does not take up: all of it while the document does not count."""
    applied = applied_at(document, day)
    return max(0, applied - document.total) if counts_at(document, day) else applied


def closed_by_state_at(document: DatedDocument, day: int) -> int:
    """What a bill in state Paid counts as paid beyond what was applied to it."""
    if not document.states or not exists_at(document, day) or bill_state_name_at(document, day) != "Paid":
        return 0
    return max(0, document.total - applied_at(document, day))


def allocated_at(document: DatedDocument, day: int) -> int:
    """How much of what is applied was allocated from money on account."""
    return sum(amount for changed, amount, _, _ in document.allocated if changed <= day)


def unapplied_at(account: Account, documents: Iterable[DatedDocument], day: int) -> dict[str, int]:
    """A party's money on account by currency, nothing that is zero. documents: all of the account's in hand."""
    sums: dict[str, int] = {}
    for change in account.money:
        if change[0] <= day:
            sums[change[1]] = sums.get(change[1], 0) + MoneyChange(*change).amount
    for document in documents:
        if document.applied:
            amount = beside_at(document, day) - allocated_at(document, day)
            sums[document.currency] = sums.get(document.currency, 0) + amount
    return {currency: amount for currency, amount in sums.items() if amount}


def money_changes(document: DatedDocument) -> Iterator[MoneyChange]:
    """How a document changes its party's money on account, day by day; nothing for most documents.

    What is too much is what was dated last: a promise may be kept with it.
    """
    if document.issued == NEVER:
        yield from _own_money(document)
    elif not _takes_up_all(document):
        yield from _moved(document)
    for day, amount, dated_on, of in document.allocated:
        yield MoneyChange(day, document.currency, dated_on, of, moved=-amount)


def _takes_up_all(document: DatedDocument) -> bool:
    """Whether nothing ever stands beside it: it counts from its first allocation on, and never has too much."""
    counts_always = document.voided == NEVER and all(state in _COUNTING_STATES for _, state, _ in document.states)
    applied = 0
    for day, payments, credited, _, _ in document.applied:
        applied += payments + credited
        if day < document.issued or applied > document.total:
            return False
    return counts_always or not document.applied


def _own_money(document: DatedDocument) -> Iterator[MoneyChange]:
    """What is applied to a document that never exists. No reader has it in hand: this is all that is known of it.

    So it says what was received and what was credited. What was allocated to it is no money of its own.
    """
    source = _source(document)
    for day, payments, credited, _, allocated_on in document.applied:
        yield MoneyChange(day, document.currency, allocated_on or day, source, payments, credited)
    for day, amount, dated_on, of in document.allocated:
        received, credited = (amount, 0) if of.startswith("P") else (0, amount)
        yield MoneyChange(day, document.currency, dated_on, source, -received, -credited, moved=amount)


def _moved(document: DatedDocument) -> Iterator[MoneyChange]:
    beside, source = _Beside(document), _source(document)
    for day, amounts in _applied_by_day(document):
        for dated_on, moved in beside.changes_on(day, amounts):
            yield MoneyChange(day, document.currency, dated_on, source, moved=moved)


def _applied_by_day(document: DatedDocument) -> list[tuple[int, dict[int, int]]]:
    """The days on which what stands beside it may change, and what is applied on each by the day the money is dated."""
    days: dict[int, dict[int, int]] = {document.issued: {}, document.voided: {}}
    days |= {entered: {} for entered, _, _ in document.states}
    for day, payments, credited, _, allocated_on in document.applied:
        amounts, dated_on = days.setdefault(day, {}), allocated_on or day
        amounts[dated_on] = amounts.get(dated_on, 0) + payments + credited
    return sorted((day, amounts) for day, amounts in days.items() if day != NEVER)


def _source(document: DatedDocument) -> str:
    return ("b" if document.states else "i") + document.id


class _Beside:
    """What stands beside a document, day after day, by the day on which that money is dated.

    While a document counts, that is what was dated last. So a later payment changes nothing of the earlier ones, as
    long as none of these was taken back; most days are worked out from their own payments alone.
    """

    __slots__ = ("_applied", "_by_date", "_counted", "_document", "_found", "_highest", "_latest")

    def __init__(self, document: DatedDocument) -> None:
        self._document = document
        self._by_date: dict[int, int] = {}
        self._found: dict[int, int] = {}
        self._applied = self._highest = self._latest = 0
        self._counted: bool | None = None

    def changes_on(self, day: int, amounts: dict[int, int]) -> list[tuple[int, int]]:
        """How it changes on the next day, by the day the money is dated. amounts: what is applied on that day."""
        counts, total = counts_at(self._document, day), self._document.total
        as_before, self._counted = self._counted in (None, counts), counts
        adds, before = self._only_adds(amounts), self._applied
        for dated_on, amount in amounts.items():
            self._by_date[dated_on] = self._by_date.get(dated_on, 0) + amount
            self._applied += amount
            self._latest = max(self._latest, dated_on)
        if as_before and not counts:
            changes = amounts
        elif as_before and adds:
            changes = dict.fromkeys(amounts, max(self._applied, total) - max(before, total))
            self._highest = max(self._highest, self._applied)
        else:
            found = self._worked_out() if counts else self._by_date
            dates = self._found.keys() | found.keys()
            changes = {date: found.get(date, 0) - self._found.get(date, 0) for date in dates}
        for dated_on, moved in changes.items():
            self._found[dated_on] = self._found.get(dated_on, 0) + moved
        return sorted((dated_on, moved) for dated_on, moved in changes.items() if moved)

    def _only_adds(self, amounts: dict[int, int]) -> bool:
        """Whether that is one payment, dated after all others, and no more was ever applied before than is now."""
        return all(
            len(amounts) == 1 and amount >= 0 and dated_on >= self._latest and self._applied >= self._highest
            for dated_on, amount in amounts.items()
        )

    def _worked_out(self) -> dict[int, int]:
        """The same from all that is applied; and the most that is applied up to any of the days it is dated."""
        beside = max(0, self._applied - self._document.total)
        found, late, taken, self._highest = {}, 0, 0, 0
        for dated_on in sorted(self._by_date, reverse=True):
            self._highest = max(self._highest, self._applied - late)
            late += self._by_date[dated_on]
            upto = max(0, min(late, beside))
            found[dated_on], taken = upto - taken, upto
        return found


def taken_back(change: MoneyChange, day: int) -> MoneyChange:
    """The change that ends another one on a day."""
    return change._replace(
        day=day, received=-change.received, credited=-change.credited, refunded=-change.refunded, moved=-change.moved
    )


def shown_money(account: Account, today: int) -> Account:
    """The account with few enough changes of its money: from `today` on they say the same.

    What has come to nothing is left out. Of what is left, each source shows its own, or the oldest are added up as
    one, with no source, if there are many; those since the first promise never are, as it may be kept with them.
    """
    if len(account.money) <= SHOWN_CHANGES:
        return account
    past: dict[tuple[str, int, str], list[int]] = {}
    for change in account.money:
        if change.day <= today:
            _add(past, (change.currency, change.dated_on, change.source), change[4:])
    past = {key: sums for key, sums in past.items() if MoneyChange(today, *key, *sums).amount}
    if len(past) > KEPT_SOURCES:
        promised = min((promise.made for promise in account.promises), default=NEVER)
        past = _oldest_added_up(past, min(promised, today - FOLDED_AFTER_DAYS))
    folded = [MoneyChange(today, *key, *sums) for key, sums in sorted(past.items())]
    ahead = [change for change in account.money if change.day > today]
    return account._replace(money=folded + ahead, money_from=today)


def _oldest_added_up(past: dict[tuple[str, int, str], list[int]], before: int) -> dict[tuple[str, int, str], list[int]]:
    kept: dict[tuple[str, int, str], list[int]] = {}
    latest: dict[str, int] = {}
    for currency, dated_on, _ in past:
        if dated_on < before:
            latest[currency] = max(dated_on, latest.get(currency, 0))
    for (currency, dated_on, source), sums in past.items():
        key = (currency, latest[currency], "") if dated_on < before else (currency, dated_on, source)
        _add(kept, key, sums)
    return kept


def _add[Key](sums: dict[Key, list[int]], key: Key, amounts: Sequence[int]) -> None:
    known = sums.get(key, [0, 0, 0, 0])
    sums[key] = [one + more for one, more in zip(known, amounts, strict=True)]
