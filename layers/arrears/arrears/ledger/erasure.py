"""Erasing what is personal of one customer from the ledger. Amounts and days stay, so every figure stays to the cent.

Ids that the caller chose stay where they are keys of the caller's books: of the customer, invoices, lines, payments,
credits, disputes and promises (of two of one day the id says which counts), and the numbers of invoices. Ids of
reminders become the UUIDs under which they are found anyway, so one that is sent again finds its own.
"""

from collections.abc import Iterable
from typing import Any

from arrears.ledger.accounts import AccountState, CounterpartyRecord
from arrears.ledger.documents import Document, Part, Parts
from arrears.ledger.ids import outward_id
from arrears.ledger.recording import Recording
from arrears.ledger.recording_documents import lines_digest

ERASED = "erased"
"""What a name or a text reads after it was erased."""
PERSONAL = {
    "customer": frozenset({"name", "external_id", "account_number", "email", "address", "language"}),
    "invoice": frozenset({"customer_name"}),
    "line": frozenset({"name"}),
    "payment": frozenset({"reference"}),
    "dispute": frozenset({"reason"}),
}
"""Fields of records about a customer that are personal; all others stay."""


class Erasing(Recording):
    """Erases in a unit of work, by the same differences by which records change it."""

    @classmethod
    def of(cls, recording: Recording) -> "Erasing":
        """In the unit of work of another recording."""
        return cls(recording.organisation, recording.work, recording.today)

    def account_of(self, key: str) -> AccountState:
        """The customer of an account's key."""
        return self.work.account(key, "")

    def account_number_of(self, customer: AccountState) -> str | None:
        """The customer's account number, if it has one."""
        record = self.work.counterparty_record(customer).record
        number: str | None = None if record is None else record.content.get("account_number")
        return number

    def invoices_of(self, customer: AccountState) -> Iterable[Document]:
        """All of its invoices."""
        return self.work.documents_of(customer)

    def stored_invoice(self, id: str) -> Document:
        """The invoice of an outward id."""
        return self.work.document("invoice", id, "")

    def erase_money(self, account: AccountState, kind: str, id: str) -> bool:
        """Erases what is written on a payment or credit on account that is the customer's still."""
        money = self.work.on_account(kind, id, "")
        if money.part is None or money.account != account.key:
            return False
        erased = erased_part(kind, money.part)
        if erased == money.part:
            return False
        money.part = erased
        self.work.touch(money)
        return True

    def erase_customer(self, account: AccountState) -> bool:
        """Erases a customer's own record and the ids of its reminders; False when there is nothing to erase."""
        own = self.work.counterparty_record(account)
        erased = CounterpartyRecord(
            None if own.record is None else own.record._replace(content=erased_record(own.record.content)),
            Parts((erased_reminder(self.organisation.id, id_), part) for id_, part in own.reminders.items()),
            own.promises,
            own.deleted_at,
        )
        if erased == own:
            return False
        if own.record is not None:
            record = own.record.content
            self.work.move_number(account, record.get("account_number"), None)
            self.work.move_external_id(account, record.get("external_id"), None)
            account.name = ERASED
        own.record, own.reminders = erased.record, erased.reminders
        self._show_contacts(account, self._show_reminders)
        return True

    def erase_invoice(self, invoice: Document, lines: list[list[str | None]]) -> bool:
        """Erases the name on an invoice, texts of its lines, payments and disputes; False when nothing is to erase.

        It says `erased` even where it named nobody: a customer without a name is shown by its id otherwise.
        """
        head = {**(invoice.head or {}), "customer_name": ERASED}
        parts = Parts((key, erased_part(key, part)) for key, part in invoice.parts.items())
        anonymous = erased_lines(lines)
        digest = lines_digest(anonymous)
        if (head, parts, digest) == (invoice.head, invoice.parts, invoice.lines):
            return False

        def erase() -> None:
            if digest != invoice.lines:
                self.work.put_lines(invoice, anonymous)
            invoice.head, invoice.parts, invoice.lines = head, parts, digest

        self._change(invoice, erase)
        return True


def erased_lines(lines: list[list[str | None]]) -> list[list[str | None]]:
    """The lines of an invoice without what is written on them."""
    return [[id_, ERASED, *amounts] for id_, _, *amounts in lines]


def erased_reminder(organisation: str, id: str) -> str:
    """The id of a reminder after it was erased."""
    return outward_id(organisation, "reminder", id)


def erased_part(key: str, part: Part) -> Part:
    """A payment, credit or dispute without what somebody wrote on it. key: begins with its type."""
    personal = PERSONAL.get(key.partition(":")[0], frozenset())
    if personal.isdisjoint(part.content):
        return part
    return part._replace(content={name: value for name, value in part.content.items() if name not in personal})


def erased_record(record: dict[str, Any]) -> dict[str, Any]:
    """What a customer's own record says, without what is personal."""
    kept = {name: value for name, value in record.items() if name not in PERSONAL["customer"]}
    return {"name": ERASED, **kept}
