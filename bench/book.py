"""Books of any size: open documents and the history behind them, written by the storage layer's own encoders.

A customer has five open documents, half of them overdue. What is settled came in at the same rate as what is open, as
much in every 45 days: ten times the open set is the last fifteen months, a hundred times the last twelve years.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import batched
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from botocore.hooks import HierarchicalEmitter

from arrears.ledger import payment_status
from arrears.ledger.accounts import HISTORY_DAYS, AccountState
from arrears.ledger.days import day_text, month_of
from arrears.ledger.documents import Document, Part, StateEntry, contribution_of
from arrears.ledger.organisation import Organisation
from arrears.runtime import Services
from arrears.storage.ledger.recorder import Recorder
from arrears.storage.ledger.unit_of_work import StoredUnitOfWork
from bench import here
from bench.table import Tables

OPEN_PER_ACCOUNT = 5
DAYS_OUTSTANDING = 45
TERMS_DAYS = 30
LEDGER = here.ENVIRONMENT["LEDGER_TABLE"]

type Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Paper:
    """An invoice or bill as the caller's books have it; money in minor units. disputed: when it was, if it is."""

    kind: str
    number: int
    account: int
    currency: str
    total: int
    issued: int
    paid: tuple[tuple[int, int], ...]
    disputed: int | None = None

    @property
    def id(self) -> str:
        """Its UUID."""
        return _uuid(self.kind, self.number)

    @property
    def due(self) -> int:
        """The day it is due."""
        return self.issued + TERMS_DAYS

    def records(self) -> Iterator[Record]:
        """It and its payments as they are sent to be recorded."""
        yield {
            "type": self.kind,
            "id": self.id,
            _PARTY[self.kind] + "_id": party_id(self.kind, self.account),
            "number": f"{self.kind[:3].upper()}-{self.number:07d}",
            "currency": self.currency,
            "total": f"{self.total / 100:.2f}",
            "issued_on": day_text(self.issued),
            "due_on": day_text(self.due),
            **({"state": "Approved", "state_on": day_text(self.issued)} if self.kind == "bill" else {}),
        }
        for place, (day, amount) in enumerate(self.paid):
            yield {
                "type": "payment",
                "id": self._part_id(place),
                f"{self.kind}_id": self.id,
                "amount": f"{amount / 100:.2f}",
                "paid_on": day_text(day),
            }
        if self.disputed is not None:
            opened = day_text(self.disputed)
            yield {"type": "dispute", "id": self._part_id(9), "invoice_id": self.id, "opened_on": opened}

    def tell(self, document: Document, account: AccountState, today: int) -> None:
        """Tells a document of a book all that its records would."""
        document.head = {
            "number": f"{self.kind[:3].upper()}-{self.number:07d}",
            "currency": self.currency,
            "total": f"{self.total / 100:.2f}",
            "issued_on": self.issued,
            "due_on": self.due,
        }
        for place, (day, amount) in enumerate(self.paid):
            told = {"amount": f"{amount / 100:.2f}", "paid_on": day}
            document.parts[f"payment:{self._part_id(place)}"] = Part(told, None)
        if self.disputed is not None:
            document.parts[f"dispute:{self._part_id(9)}"] = Part({"opened_on": self.disputed}, None)
        if self.kind == "bill":
            document.states = [StateEntry("Approved", self.issued, None, None)]
        document.account, document.shard = account.key, account.shard
        document.refresh(today)

    def _part_id(self, place: int) -> str:
        return _uuid(f"part of {self.kind}", self.number * 10 + place)


_PARTY = {"invoice": "customer", "bill": "supplier"}
_FAMILIES = ("", "customer", "supplier", "invoice", "bill", "part of invoice", "part of bill", "reminder")


def document_id(kind: str, number: int) -> str:
    """The UUID of a document."""
    return _uuid(kind, number)


def _uuid(family: str, number: int) -> str:
    """A UUID that looks random, always the same for a number."""
    return str(
        UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC835 + _FAMILIES.index(family)) % (1 << 128), version=4)
    )


def party_id(kind: str, number: int) -> str:
    """The UUID of a document's counterparty."""
    return _uuid(_PARTY[kind], number)


def open_papers(kind: str, count: int, today: int) -> Iterator[Paper]:
    """What is open."""
    chance = random.Random(f"open {kind}")
    for number in range(count):
        total = chance.randrange(5_000, 2_000_000)
        issued = today - min(int(chance.expovariate(1 / DAYS_OUTSTANDING)), 360)
        paid = ((today - chance.randrange(30), total // 3),) if chance.random() < 0.1 else ()
        disputed = today - 5 if kind == "invoice" and chance.random() < 0.03 else None
        account = number // OPEN_PER_ACCOUNT
        yield Paper(kind, number, account, _currency(account), total, issued, paid, disputed)


def settled_papers(kind: str, first: int, count: int, accounts: int, today: int) -> Iterator[Paper]:
    """What was settled, latest first: numbers `first` to `first + count` of all that ever was."""
    chance = random.Random(f"settled {kind} {first}")
    per_day = accounts * OPEN_PER_ACCOUNT / DAYS_OUTSTANDING
    for number in range(first, first + count):
        total = chance.randrange(5_000, 2_000_000)
        paid_on = today - 1 - int(number / per_day)
        issued = paid_on - chance.randrange(10, 80)
        account = chance.randrange(accounts)
        yield Paper(kind, 10_000_000 + number, account, _currency(account), total, issued, ((paid_on, total),))


def _currency(account: int) -> str:
    return "EUR" if account % 20 > 2 else ("USD", "USD", "GBP")[account % 20]


def contacts(kind: str, accounts: int, today: int) -> Iterator[Record]:
    """Counterparties, with the reminders and promises that some customers have."""
    party = _PARTY[kind]
    for number in range(accounts):
        id_ = party_id(kind, number)
        more = {"external_id": f"ext-{number}"} if kind == "invoice" else {}
        yield {"type": party, "id": id_, "name": f"{party.title()} {number} Trading Ltd", **more}
        if kind == "invoice" and number % 10 == 0:
            sent = f"{day_text(today - 1 - number % 20)}T09:00:00Z"
            yield {"type": "reminder", "id": _uuid("reminder", number), "customer_id": id_, "sent_at": sent}
        if kind == "invoice" and number % 33 == 0:
            days = {"made_on": day_text(today - 10), "promised_on": day_text(today + number % 7 - 3)}
            promise = {"type": "promise", "id": f"promise-{number}", "customer_id": id_, "currency": _currency(number)}
            yield {**promise, "amount": "100.00", **days}


class _Direct:
    """The part of a client that a book is written through, without the way over HTTP."""

    def __init__(self, table: Tables) -> None:
        self._table = table
        self.meta = SimpleNamespace(events=HierarchicalEmitter())

    def transact_write_items(self, **request: Any) -> Any:
        """Applies a transaction."""
        return self._ask("TransactWriteItems", request)

    def batch_get_item(self, **request: Any) -> Any:
        """Reads items."""
        return self._ask("BatchGetItem", request)

    def query(self, **request: Any) -> Any:
        """Reads a page."""
        return self._ask("Query", request)

    def _ask(self, operation: str, request: Any) -> Any:
        return self._table.perform(operation, request)


class Bulk:
    """Fills a table with a book of one kind of document, quicker than record by record; the same rows come of it."""

    def __init__(self, table: Tables, organisation: Organisation, kind: str, accounts: int, today: int) -> None:
        self._client: Any = _Direct(table)
        self._organisation = organisation
        self._kind = kind
        self._today = today
        recorder = Recorder(self._client, LEDGER)
        recorder.record(organisation, list(contacts(kind, accounts, today)), here.now())
        self._book = self._new_book()
        self._keys = [_PARTY[kind][0] + party_id(kind, number) for number in range(accounts)]

    def _new_book(self) -> StoredUnitOfWork:
        return StoredUnitOfWork(self._client, LEDGER, self._organisation, self._today)

    @cached_property
    def _accounts(self) -> list[AccountState]:
        return [self._book.account(key, key[1:]) for key in self._keys]

    def add(self, papers: Iterable[Paper]) -> None:
        """Writes documents, then what they change of their accounts and months."""
        figures: dict[tuple[str, int, tuple[str, str]], list[int]] = defaultdict(lambda: [0, 0])
        for some in batched(papers, 95, strict=False):
            book = self._new_book()
            for paper in some:
                document = book.document(self._kind, paper.id, paper.id)
                account = self._accounts[paper.account]
                paper.tell(document, account, self._today)
                contribution = contribution_of(document)
                account.hold(contribution)
                account.apply(contribution, 1, self._today - HISTORY_DAYS)
                book.touch(document)
                self._roll(document, figures)
            book.flush()
        self._flush(figures)

    def _roll(self, document: Document, figures: dict[tuple[str, int, tuple[str, str]], list[int]]) -> None:
        if self._kind != "invoice":
            return
        dated = document.dated
        for day, before, after in payment_status.status_changes(dated):
            for status, sign in ((before, -1), (after, 1)):
                if status is not None:
                    sums = figures[month_of(dated.issued), day if day > self._today else 0, (status, dated.currency)]
                    sums[0] += sign
                    sums[1] += sign * dated.total

    def _flush(self, figures: dict[tuple[str, int, tuple[str, str]], list[int]]) -> None:
        for account in self._accounts:
            self._book.touch(account)
            if self._book.changes() > 80:
                self._book.flush()
        for (month, day, figure), (count, amount) in figures.items():
            self._book.add_to_month(month, day, figure, count, amount)
            if self._book.changes() > 80:
                self._book.flush()
        self._book.flush()


def services_of(table: Tables) -> Services:
    """The services over a table."""
    connected = here.client()
    table.attach(connected)
    return here.services(connected)


def organisation_of(table: Tables) -> tuple[Organisation, str]:
    """The organisation of a table, made there, and its API key."""
    services = services_of(table)
    organisation = services.organisations().create("Bench", "Europe/Berlin", "EUR", here.ORGANISATION)
    return organisation, services.api_keys().create(organisation.id)
