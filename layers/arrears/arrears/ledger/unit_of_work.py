"""What records are applied to: the part of a ledger that recording reads and changes."""

from collections.abc import Iterable
from typing import Protocol

from arrears.ledger.accounts import AccountState, CounterpartyRecord
from arrears.ledger.documents import (
    Document,
)
from arrears.ledger.on_account_records import OnAccountRecord


class UnitOfWork(Protocol):
    """The part of a ledger that records are applied to. Getters return the one object of its id, made if missing."""

    def document(self, kind: str, id: str, reference: str) -> Document:
        """The invoice or bill of an outward id."""

    def account(self, key: str, reference: str) -> AccountState:
        """The counterparty of a key."""

    def counterparty_record(self, account: AccountState) -> CounterpartyRecord:
        """What the records of a counterparty itself say."""

    def on_account(self, kind: str, id: str, reference: str) -> OnAccountRecord:
        """The payment or credit of an outward id as money on account."""

    def target(self, kind: str, id: str) -> str | None:
        """What a part (a document: "i" or "b" and id), reminder, promise or money on account (an account) is on."""

    def point(self, kind: str, id: str, target: str) -> None:
        """Remembers what it is on."""

    def deleted_at(self, kind: str, id: str) -> str | None:
        """When a payment, credit, dispute, reminder or promise was deleted (see UNDATED); None while it is not."""

    def point_deleted(self, kind: str, id: str, moment: str) -> None:
        """Remembers that it was deleted: it is on nothing then."""

    def forget_target(self, kind: str, id: str) -> None:
        """Forgets what it was on, and that it was deleted: as if it had never been there."""

    def account_number(self, number: str) -> str | None:
        """The customer id that holds an account number."""

    def move_number(self, account: AccountState, before: str | None, number: str | None) -> None:
        """Moves a customer's account number."""

    def move_external_id(self, account: AccountState, before: str | None, external_id: str | None) -> None:
        """Moves a customer's external id."""

    def put_lines(self, document: Document, lines: list[list[str | None]]) -> None:
        """Keeps an invoice's lines, apart from it."""

    def documents_of(self, account: AccountState) -> Iterable[Document]:
        """Every document of a counterparty."""

    def closed_since(self, account: AccountState, since: int) -> Iterable[Document]:
        """Its documents that are closed from a day or later."""

    def touch(self, changed: Document | AccountState | CounterpartyRecord | OnAccountRecord) -> None:
        """Marks an object as changed."""

    def add_to_month(self, month: str, day: int, figure: tuple[str, str], count: int, amount: int) -> None:
        """Adds to a month's figure (status, currency) from `day` on; 0 for days already past."""
