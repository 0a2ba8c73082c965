"""Recording: what a record changes in the ledger. Pure: the unit of work is an argument.

A document keeps what its records say, under the caller's ids. Its account and its month are never recomputed. They
change by the difference between what the document contributed before and what it contributes now. So a record costs
the same however much history there is, and records may arrive in any order.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from arrears.ledger import record_warnings
from arrears.ledger.accounts import party_of
from arrears.ledger.documents import (
    Document,
)
from arrears.ledger.ids import outward_id
from arrears.ledger.organisation import Organisation
from arrears.ledger.record_warnings import RecordWarning
from arrears.ledger.recording_counterparties import CounterpartyRecording
from arrears.ledger.recording_money import Applied, MoneyRecording, document_of, source_of
from arrears.ledger.records import (
    AllocationRecord,
    Bill,
    Credit,
    Customer,
    DisputeRecord,
    Invoice,
    Payment,
    PromiseRecord,
    Record,
    Rejection,
    ReminderRecord,
    Supplier,
)
from arrears.ledger.result import Result

TAKEN = frozenset({"created", "updated", "pending"})
"""Results of records that have been stored: they may carry warnings."""


class Recording(MoneyRecording, CounterpartyRecording):
    """Applies records to a unit of work on one day of one organisation."""

    def apply(self, record: Record | Rejection, raw: object = None) -> Result:
        """Applies one record and says what became of it. A rejected one changes nothing."""
        if isinstance(record, Rejection):
            payload = raw if isinstance(raw, dict) else {}
            kind, id_ = (payload.get(name) for name in ("type", "id"))
            return Result(_text_or_none(kind), _text_or_none(id_), "rejected", record.field, record.reason)
        result = RECORD_TYPES[type(record)].apply(self, record)
        if result.result not in TAKEN:
            return result
        warnings = tuple(self._warnings(record))
        return replace(result, warnings=result.warnings + warnings) if warnings else result

    def _warnings(self, record: Record) -> Iterator[RecordWarning]:
        """What looks wrong now that the record was taken."""
        yield from record_warnings.far_dates(record, self.today)
        document = self._applied_document(record)
        if document is not None:
            yield from record_warnings.over_applied(document)
        if isinstance(record, ReminderRecord):
            invoices = {
                id_: self.work.document("invoice", self._outward("invoice", id_), id_) for id_ in _about(record)
            }
            unknown = [id_ for id_, invoice in invoices.items() if invoice.head is None]
            yield from record_warnings.unknown_invoices(unknown)

    def _applied_document(self, record: Record) -> Document | None:
        """The document that a record is, or is applied to."""
        if isinstance(record, DisputeRecord):
            return None
        for kind in ("invoice", "bill"):
            reference = record.id if record.type == kind else getattr(record, f"{kind}_id", None)
            if reference is not None:
                return self.work.document(kind, self._outward(kind, reference), reference)
        return None


# What a record type is


class Named(NamedTuple):
    """Something that a record names: storage reads it ahead.

    what: "document", "account", "counterparty_record", "account_number", "on_account" or "pointer". kind: of the
    document, of the money on account, or of what the pointer leads from; else "". id: outward id, account key or
    account number.
    """

    what: str
    kind: str
    id: str


class RecordType(NamedTuple):
    """What becomes of a type of record, and what it names."""

    apply: Callable[[Recording, Any], Result]
    names: Callable[[Organisation, Any], Iterator[Named]]


def _document_names(organisation: Organisation, record: Invoice | Bill) -> Iterator[Named]:
    yield Named("document", record.type, outward_id(organisation.id, record.type, record.id))
    key, _ = party_of(organisation, record)
    yield Named("account", "", key)


def _counterparty_names(organisation: Organisation, record: Customer | Supplier) -> Iterator[Named]:
    yield from _account_names(organisation, record.type, record.id)
    if isinstance(record, Customer) and record.account_number:
        yield Named("account_number", "", record.account_number)


def _contact_names(organisation: Organisation, record: ReminderRecord | PromiseRecord) -> Iterator[Named]:
    yield Named("pointer", record.type, outward_id(organisation.id, record.type, record.id))
    yield from _account_names(organisation, "customer", record.customer_id)
    if isinstance(record, ReminderRecord):
        for id_ in _about(record):
            yield Named("document", "invoice", outward_id(organisation.id, "invoice", id_))


def _about(reminder: ReminderRecord) -> Sequence[str]:
    """The caller's ids of the invoices that a reminder names."""
    return reminder.invoice_ids or ()


def _part_names(organisation: Organisation, record: Applied) -> Iterator[Named]:
    yield Named("pointer", record.type, outward_id(organisation.id, record.type, record.id))
    kind, id_ = document_of(record)
    yield Named("document", kind, outward_id(organisation.id, kind, id_))
    if isinstance(record, AllocationRecord):
        kind, id_ = source_of(record)
        yield Named("on_account", kind, outward_id(organisation.id, kind, id_))


def _money_names(organisation: Organisation, record: Payment | Credit) -> Iterator[Named]:
    if not record.on_account:
        yield from _part_names(organisation, record)
        return
    id_ = outward_id(organisation.id, record.type, record.id)
    yield Named("pointer", record.type, id_)
    yield Named("on_account", record.type, id_)
    kind, reference = ("customer", record.customer_id) if record.customer_id else ("supplier", record.supplier_id)
    yield Named("account", "", kind[0] + outward_id(organisation.id, kind, reference or ""))


def _account_names(organisation: Organisation, kind: str, id: str) -> Iterator[Named]:
    key = kind[0] + outward_id(organisation.id, kind, id)
    yield Named("account", "", key)
    yield Named("counterparty_record", "", key)


RECORD_TYPES: dict[type, RecordType] = {
    Customer: RecordType(Recording.customer, _counterparty_names),
    Supplier: RecordType(Recording.supplier, _counterparty_names),
    Invoice: RecordType(Recording.invoice, _document_names),
    Bill: RecordType(Recording.bill, _document_names),
    Payment: RecordType(Recording.payment_or_credit, _money_names),
    Credit: RecordType(Recording.payment_or_credit, _money_names),
    AllocationRecord: RecordType(Recording.part, _part_names),
    DisputeRecord: RecordType(Recording.part, _part_names),
    ReminderRecord: RecordType(Recording.reminder, _contact_names),
    PromiseRecord: RecordType(Recording.promise, _contact_names),
}
"""By its model, what becomes of a record and what it names. A new type has its line here and in records.Record."""


def named_by(organisation: Organisation, record: Record | Rejection) -> Iterator[Named]:
    """What a record names; what these lead to is read with them."""
    return iter(()) if isinstance(record, Rejection) else RECORD_TYPES[type(record)].names(organisation, record)


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None
