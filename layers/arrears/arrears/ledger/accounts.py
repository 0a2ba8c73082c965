"""An account is a counterparty: what its own records say, and the sums of its documents."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from arrears.ledger import dated_document
from arrears.ledger.dated_document import Account, DatedDocument, MoneyChange, Promise, Reminder, Settled
from arrears.ledger.days import NEVER
from arrears.ledger.documents import Contribution, Document, Part, Parts, name_order
from arrears.ledger.figures import Cells, account_cells, add_cells, document_cells, last_change
from arrears.ledger.ids import name_only_id, outward_id
from arrears.ledger.ledger_side import Side
from arrears.ledger.on_account import money_changes
from arrears.ledger.organisation import Organisation
from arrears.ledger.promises import kept_changes, merged, taken_off
from arrears.ledger.records import Bill, Invoice

HISTORY_DAYS = 400
"""How far back an account keeps settled documents added up: the year that behaviour looks at, and some."""
CLOSED_COUNT_DAYS = 60
"""How far back an account knows on which days its documents closed: promises recorded later than that read more."""
HELD_DOCUMENTS = 16
"""So many open documents are stored with their account; those of an account with more are listed by themselves.

A document with many payments or states counts as several: so an account's item stays small.
"""
_CHANGES_OF_ONE = 4
MOST_CELLS, MOST_AHEAD, MOST_CURRENCIES = 2_000, 200, 10
"""An account with more sums, documents dated ahead or currencies than these is read whole by every answer."""
HELD_AGAIN = 8
"""An account that had more holds its open documents again when it has so few."""
KEPT_NAMES = 4
"""How many of the latest names on its documents an account remembers."""


@dataclass(slots=True)
class CounterpartyRecord:
    """What the records of a counterparty itself say: its own, and its reminders and promises by their ids.

    deleted_at: when its own record was deleted (UNDATED if that was not said), while it is.
    """

    record: Part | None = None
    reminders: Parts = field(default_factory=Parts)
    promises: Parts = field(default_factory=Parts)
    deleted_at: str | None = None


class NameEntry(NamedTuple):
    """A counterparty's name on a document: in this order the latest is the greatest. reference: the document's."""

    issued: int
    reference: str
    name: str


class MoneyKey(NamedTuple):
    """What tells the changes of a party's money on account apart; see MoneyChange."""

    day: int
    currency: str
    dated_on: int
    source: str


@dataclass(slots=True)
class AccountState:
    """A counterparty and what its documents have added up to.

    key: "c" (customer), "s" (supplier) or "n" (supplier known by name only) and its UUID. names: those on its latest
    documents, latest first. named, open, documents: how many documents have a name, are not closed, and are there.
    last_closed_on: the latest day from which one is closed. closed_by_day: how many are closed from each of the latest
    days. history: closed documents by the day they settled, on days after `history_start`. on_account: how many
    payments and credits it has on account. money: received, credited, refunded and moved of each change of its money on
    account, less what its open documents add. credit_limits: as the customer's own record has them, in minor units.
    latest_documents: codes of its latest numbered documents, by which duplicates are noticed. opened: its open
    documents by id; those of a large account only until they are in `summed`, the cells of all its others. whole: it
    is a large account that has neither, and no row: every answer reads all of it.
    counted_on: the day on which its cells were last worked out.
    """

    key: str
    reference: str
    shard: int = 0
    name: str | None = None
    names: list[NameEntry] = field(default_factory=list)
    named: int = 0
    open: int = 0
    documents: int = 0
    last_closed_on: int = 0
    closed_by_day: dict[int, int] = field(default_factory=dict)
    history_start: int = 0
    reminders: list[Reminder] = field(default_factory=list)
    reminders_truncated: bool = False
    promises: list[Promise] = field(default_factory=list)
    history: dict[int, Settled] = field(default_factory=dict)
    on_account: int = 0
    credit_limits: dict[str, int] = field(default_factory=dict)
    money: dict[MoneyKey, list[int]] = field(default_factory=dict)
    latest_documents: str = ""
    opened: dict[str, DatedDocument] = field(default_factory=dict)
    summed: Cells = field(default_factory=dict)
    large: bool = False
    whole: bool = False
    counted_on: int = 0

    @property
    def id(self) -> str:
        """Its UUID."""
        return self.key[1:]

    @property
    def side(self) -> Side:
        """Customers are receivable, suppliers payable."""
        return Side.RECEIVABLE if self.key.startswith("c") else Side.PAYABLE

    @property
    def known(self) -> bool:
        """Whether a record of its own or a document says anything of it."""
        return self.name is not None or self.documents > 0

    def display_name(self) -> str:
        """Its own record's name; else that of its latest-issued document, then largest id; else its id."""
        if self.name is not None:
            return self.name
        return self.names[0].name if self.names else self.reference

    def apply(self, contribution: Contribution, sign: int, history_start: int) -> None:
        """Adds (1) or takes away (-1) a document's contribution; days up to `history_start` leave the history.

        An open document itself comes and goes by `hold` and `release`.
        """
        self.documents += sign
        self.open += 0 if contribution.closed else sign
        if contribution.name:
            self._count_name(NameEntry(*contribution.order, contribution.name), sign)
        dated = contribution.dated
        if dated is None or not contribution.closed:
            return
        self.promises = [_with_kept(promise, dated, sign) for promise in self.promises]
        for change in money_changes(dated):
            self.add_money(change, sign)
        self._forget(history_start)
        self._count_closed(dated_document.closed_from(dated), sign)
        self._count_settled(dated, sign)

    def hold(self, contribution: Contribution) -> None:
        """Adds a document itself if it is open."""
        if contribution.dated is not None and not contribution.closed and not self.whole:
            self.opened[contribution.dated.id] = contribution.dated

    def release(self, contribution: Contribution) -> None:
        """Takes a document away that was open."""
        document = contribution.dated
        if document is None or contribution.closed or self.whole:
            return
        if self.opened.pop(document.id, None) is None and self.large:
            add_cells(self.summed, document_cells(document), -1)

    def has_much_open(self) -> bool:
        """Whether its open documents are to be listed by themselves."""
        if len(self.opened) > HELD_DOCUMENTS:
            return True
        weight = sum(1 + _changes_of(document) // _CHANGES_OF_ONE for document in self.opened.values())
        return weight > HELD_DOCUMENTS or len(self.currencies()) > MOST_CURRENCIES

    def currencies(self) -> set[str]:
        """The currencies of its open documents and of its money on account."""
        found = {document.currency for document in self.opened.values()} | {key.currency for key in self.money}
        return found | {cell.currency for cell in self.summed}

    def bound(self) -> None:
        """Gives up rows and sums of a large account that has too many of them."""
        cells, ahead, currencies = len(self.summed), len(self.opened), len(self.currencies())
        if cells > MOST_CELLS or ahead > MOST_AHEAD or currencies > MOST_CURRENCIES:
            self.opened, self.summed, self.whole = {}, {}, True

    def sum_up(self, today: int) -> None:
        """Of a large account, takes the open documents into the sums whose facts have all come true."""
        for document in [one for one in self.opened.values() if last_change(one) <= today]:
            add_cells(self.summed, document_cells(document))
            del self.opened[document.id]

    def is_steady(self, today: int) -> bool:
        """Whether nothing dated ahead changes what it owes or has on account."""
        if self.whole or (self.known and any(key.day > today for key in self.money)):
            return False
        return all(last_change(document) <= today for document in self.opened.values())

    def cells(self) -> Cells:
        """What it adds to the sums of its book while it is steady."""
        documents = dict(self.summed)
        for document in self.opened.values():
            add_cells(documents, document_cells(document))
        return account_cells(documents, self.money_changes() if self.known else (), self.counted_on)

    def add_money(self, change: MoneyChange, sign: int) -> None:
        """Adds (1) or takes away (-1) a change of its money on account."""
        key, amounts = MoneyKey(*change[:4]), change[4:]
        sums = [old + sign * new for old, new in zip(self.money.get(key, [0] * 4), amounts, strict=True)]
        if any(sums):
            self.money[key] = sums
        else:
            self.money.pop(key, None)

    def money_ends_on(self) -> int:
        """The first day from which it has no money on account for good; NEVER while it has, 0 if it never had.

        Money of a party that is not known yet is pending and counts nowhere.
        """
        if not self.money or not self.known:
            return 0
        left: dict[str, int] = {}
        for change in self.money_changes():
            left[change.currency] = left.get(change.currency, 0) + change.amount
        return NEVER if any(left.values()) else max(key.day for key in self.money)

    def money_changes(self) -> list[MoneyChange]:
        """The changes of its money on account, by day."""
        return [MoneyChange(*key, *self.money[key]) for key in sorted(self.money)]

    def _forget(self, history_start: int) -> None:
        if history_start > self.history_start:
            self.history_start = history_start
            self.history = {day: settled for day, settled in self.history.items() if day > history_start}
            after = self.closed_counts_after
            self.closed_by_day = {day: count for day, count in self.closed_by_day.items() if day > after}

    @property
    def closed_counts_after(self) -> int:
        """The day after which `closed_by_day` counts every closed document; earlier days are forgotten."""
        return self.history_start + HISTORY_DAYS - CLOSED_COUNT_DAYS

    def _count_closed(self, day: int, sign: int) -> None:
        self.last_closed_on = max(self.last_closed_on, day)
        if day > self.closed_counts_after:
            self.closed_by_day[day] = self.closed_by_day.get(day, 0) + sign
            if not self.closed_by_day[day]:
                del self.closed_by_day[day]

    def closed_count_since(self, day: int) -> int | None:
        """How many documents are closed from a day or later; None when that is not known any more."""
        if day <= self.closed_counts_after:
            return None
        return sum(count for closed, count in self.closed_by_day.items() if closed >= day)

    def _count_settled(self, document: DatedDocument, sign: int) -> None:
        settled = dated_document.settlement(document, dated_document.LAST)
        if settled is None or settled.day <= self.history_start:
            return
        day = settled.day
        _, *before = self.history.get(day, Settled(day, 0, 0, 0, 0, 0, 0))
        _, *change = settled
        after = Settled(day, *(old + sign * new for old, new in zip(before, change, strict=True)))
        if after.documents:
            self.history[day] = after
        else:
            del self.history[day]

    def _count_name(self, entry: NameEntry, sign: int) -> None:
        """What is remembered is later than all that was forgotten, so an earlier name is kept only if all are."""
        if sign < 0:
            self.names = [known for known in self.names if known != entry]
        elif len(self.names) == self.named or (self.names and entry > self.names[-1]):
            self.names = sorted([*self.names, entry], reverse=True)[:KEPT_NAMES]
        self.named += sign

    def names_forgotten(self) -> bool:
        """Whether it goes by the names on its documents, and none of those that have one is remembered."""
        return self.name is None and self.named > 0 and not self.names

    def recompute_names(self, documents: Iterable[Document]) -> None:
        """Works the names out anew from all its documents."""
        self.names, self.named = [], 0
        for document in documents:
            name = document.counterparty_name()
            if name:
                self._count_name(NameEntry(*name_order(document), name), 1)

    def account(self) -> Account:
        """What readers see of it."""
        return Account(
            self.id,
            None if self.key.startswith("n") else self.id,
            self.reference,
            self.display_name(),
            self.reminders,
            self.promises,
            [self.history[day] for day in sorted(self.history)],
            self.reminders_truncated,
            money=self.money_changes() if self.known else [],
            credit_limits=sorted(self.credit_limits.items()),
        )


def _changes_of(document: DatedDocument) -> int:
    return len(document.applied) + len(document.states) + len(document.disputes) + len(document.allocated)


def _with_kept(promise: Promise, document: DatedDocument, sign: int) -> Promise:
    """The promise with (1) or without (-1) what a closed document has done for it."""
    changes = list(kept_changes(promise, document))
    if not changes:
        return promise
    return promise._replace(kept=merged([*promise.kept, *(changes if sign > 0 else taken_off(changes))]))


def party_of(organisation: Organisation, record: Invoice | Bill) -> tuple[str, str]:
    """The key of a document's counterparty and the id it was given by; a supplier without one goes by its name."""
    if isinstance(record, Invoice):
        return "c" + outward_id(organisation.id, "customer", record.customer_id), record.customer_id
    if record.supplier_id is not None:
        return "s" + outward_id(organisation.id, "supplier", record.supplier_id), record.supplier_id
    name = record.supplier_name or ""
    return "n" + name_only_id(organisation.id, name), name
