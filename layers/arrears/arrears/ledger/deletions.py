"""Deletions: a record of any type is taken back, as if it had never been sent, until a later record brings it back.

What was deleted leaves a moment behind, so that an older record that arrives late changes nothing. A document keeps it
in its own item, with what was applied to it: that waits for its return. A counterparty keeps it in its counterparty
record. Payments, credits, disputes, reminders and promises leave what they are on, and their pointer keeps it.
"""

from collections.abc import Iterator

from arrears.ledger import recording
from arrears.ledger.accounts import CounterpartyRecord
from arrears.ledger.documents import UNDATED, Document, Part, older
from arrears.ledger.duplicates import mark_of
from arrears.ledger.ids import outward_id
from arrears.ledger.organisation import Organisation
from arrears.ledger.recording import Named, Recording
from arrears.ledger.recording_money import is_account
from arrears.ledger.records import Bill, Customer, Deletion, Invoice, Record, Rejection, Supplier
from arrears.ledger.result import Result

_DOCUMENTS = ("invoice", "bill")
_COUNTERPARTIES = ("customer", "supplier")
_CONTACTS = ("reminder", "promise")
_MONEY = ("payment", "credit")


class RecordingWithDeletions(Recording):
    """Applies records to a unit of work, deletions too."""

    def apply(self, record: Record | Deletion | Rejection, raw: object = None) -> Result:
        """Applies one record and says what became of it: a deletion is `deleted`, `unchanged` or `stale`."""
        if isinstance(record, Deletion):
            return Result(record.type, record.id, self._delete(record))
        if isinstance(record, Rejection) or record.updated_at is None:
            return super().apply(record, raw)
        if older(record.updated_at, self._deleted_at(record)):
            return Result(record.type, record.id, "stale")
        return super().apply(record, raw)

    def _deleted_at(self, record: Record) -> str | None:
        """When the record was deleted, while it is. Documents compare it themselves."""
        if isinstance(record, Invoice | Bill):
            return None
        if isinstance(record, Customer | Supplier):
            return self._counterparty_record(record).deleted_at
        return self.work.deleted_at(record.type, self._outward(record.type, record.id))

    def _delete(self, deletion: Deletion) -> str:
        if deletion.type in _DOCUMENTS:
            return self._delete_document(deletion)
        if deletion.type in _COUNTERPARTIES:
            return self._delete_counterparty(deletion)
        return self._delete_part(deletion)

    # Documents

    def _delete_document(self, deletion: Deletion) -> str:
        kind, moment = deletion.type, deletion.updated_at
        document = self.work.document(kind, self._outward(kind, deletion.id), deletion.id)
        known, latest = document.head is not None, max(document.deleted_at or UNDATED, moment or UNDATED)
        if older(moment, document.updated_at):
            self._take_back_states(document, moment or UNDATED, latest)
            return "stale"
        if document.deleted_at is not None and not known:
            if moment not in (None, document.updated_at):
                document.updated_at, document.deleted_at = moment, latest
                self.work.touch(document)
            return "unchanged"

        def delete() -> None:
            if document.lines is not None:
                self.work.put_lines(document, [])
            document.head = document.lines = document.filled_due = document.account = None
            document.states, document.recorded_on = [], 0
            document.updated_at, document.deleted_at = moment, latest

        previous = mark_of(document)
        self._change(document, delete)
        self._move_mark(document, previous)
        return "deleted"

    def _take_back_states(self, bill: Document, moment: str, latest: str) -> None:
        """Of a bill that was sent again since it was deleted: what it had been through before never counts."""
        left = [entry for entry in bill.states if entry.updated_at is not None and entry.updated_at > moment]
        if bill.kind == "bill" and bill.head is not None and (left, latest) != (bill.states, bill.deleted_at):

            def take_back() -> None:
                bill.states, bill.deleted_at = left, latest

            self._change(bill, take_back)

    # Counterparties

    def _counterparty_record(self, record: Customer | Supplier | Deletion) -> CounterpartyRecord:
        account = self.work.account(record.type[0] + self._outward(record.type, record.id), record.id)
        return self.work.counterparty_record(account)

    def _delete_counterparty(self, deletion: Deletion) -> str:
        account = self.work.account(deletion.type[0] + self._outward(deletion.type, deletion.id), deletion.id)
        own, moment = self.work.counterparty_record(account), deletion.updated_at
        if older(moment, own.deleted_at if own.record is None else own.record.updated_at):
            return "stale"
        if own.deleted_at is not None:
            if moment not in (None, own.deleted_at):
                own.deleted_at = moment
                self.work.touch(own)
            return "unchanged"
        previous = {} if own.record is None else own.record.content
        self.work.move_number(account, previous.get("account_number"), None)
        self.work.move_external_id(account, previous.get("external_id"), None)
        own.record, own.deleted_at = None, moment or UNDATED
        account.name, account.credit_limits = None, {}
        if account.names_forgotten():
            account.recompute_names(self.work.documents_of(account))
        self.work.touch(own)
        self.work.touch(account)
        return "deleted"

    # What is on a document or an account

    def _delete_part(self, deletion: Deletion) -> str:
        kind, moment = deletion.type, deletion.updated_at
        id_ = self._outward(kind, deletion.id)
        before = self.work.deleted_at(kind, id_)
        if before is None:
            target = self.work.target(kind, id_)
            if target is not None and not self._take_off_target(deletion, target):
                return "stale"
            self.work.point_deleted(kind, id_, moment or UNDATED)
            return "deleted"
        if kind in _MONEY:
            self._renew_allocations(self.work.on_account(kind, id_, deletion.id))
        if older(moment, before):
            return "stale"
        if moment not in (None, before):
            self.work.point_deleted(kind, id_, moment or UNDATED)
        return "unchanged"

    def _take_off_target(self, deletion: Deletion, target: str) -> bool:
        """Takes a part off its document, or a contact off its customer; False when that was recorded later."""
        if deletion.type in _CONTACTS:
            return self._take_off_customer(deletion, target)
        if is_account(target):
            money = self.work.on_account(deletion.type, self._outward(deletion.type, deletion.id), deletion.id)
            if _is_later(money.part, deletion):
                return False
            self._take_off(money, "")
            return True
        document = self._document_at(target)
        key = self._recorded_key(document.parts, deletion.type, f"{deletion.type}:", deletion.id)
        if _is_later(document.parts.get(key), deletion):
            return False
        self._take_off(document, key)
        return True

    def _take_off_customer(self, deletion: Deletion, target: str) -> bool:
        account = self.work.account(target, "")
        own = self.work.counterparty_record(account)
        reminding = deletion.type == "reminder"
        contacts = own.reminders if reminding else own.promises
        key = self._recorded_key(contacts, deletion.type, "", deletion.id)
        if _is_later(contacts.get(key), deletion):
            return False
        contacts.remove(key)
        self._show_contacts(account, self._show_reminders if reminding else self._show_promises)
        return True


def _is_later(stored: Part | None, deletion: Deletion) -> bool:
    return stored is not None and older(deletion.updated_at, stored.updated_at)


def named_by(organisation: Organisation, record: Record | Deletion | Rejection) -> Iterator[Named]:
    """What a record names, or is about when it is deleted."""
    if isinstance(record, Deletion):
        return _named_by_deletion(organisation, record)
    return recording.named_by(organisation, record)


def _named_by_deletion(organisation: Organisation, record: Deletion) -> Iterator[Named]:
    id_ = outward_id(organisation.id, record.type, record.id)
    if record.type in _DOCUMENTS:
        yield Named("document", record.type, id_)
    elif record.type in _COUNTERPARTIES:
        yield Named("account", "", record.type[0] + id_)
        yield Named("counterparty_record", "", record.type[0] + id_)
    else:
        yield Named("pointer", record.type, id_)
        if record.type in _MONEY:
            yield Named("on_account", record.type, id_)
