"""One counterparty as its page and its statement need it: its own record, and the single payments behind the sums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from arrears.ledger.dated_document import Account, DatedDocument
from arrears.ledger.days import NEVER
from arrears.ledger.ledger_side import Side
from arrears.ledger.money import to_minor


class MoneyRecord(NamedTuple):
    """A payment or credit as it was sent, for a document or for the party itself.

    kind: "payment" or "credit". id: the caller's own. amount: minor units, negative for a reversal or a refund. voided:
    the first day on which it does not count any more, NEVER if there is none. text: the number of a credit note, or
    the reference of a payment.
    """

    kind: str
    id: str
    currency: str
    amount: int
    day: int
    voided: int
    text: str | None = None
    write_off: bool = False
    on_account: bool = False


class DisputeRecord(NamedTuple):
    """A dispute as it was sent, by the caller's own id. amount: the disputed part in minor units, None for all."""

    id: str
    opened: int
    resolved: int | None
    outcome: str | None
    amount: int | None = None
    reason: str | None = None


class ReminderRecord(NamedTuple):
    """A reminder as it was sent, by the caller's own id, on `day` of the organisation. invoices: the caller's ids."""

    id: str
    sent_at: str
    day: int
    invoices: Sequence[str]


class DocumentRecords(NamedTuple):
    """What only the item of an invoice or bill says: the caller's id of it, and the records that name it."""

    reference: str
    document: DatedDocument
    money: Sequence[MoneyRecord]
    disputes: Sequence[DisputeRecord]


@dataclass(frozen=True, slots=True)
class Party:
    """A counterparty and what its own record says, by the names of the record's fields.

    key: letter and UUID of its account. reference: the caller's own id, or the name of a supplier without one.
    account: with all of its settled history. reminders: all of them, in the order they were sent. closed: how many of
    its documents are closed.
    """

    key: str
    shard: int
    reference: str
    account: Account
    content: Mapping[str, Any]
    reminders: Sequence[ReminderRecord]
    closed: int

    @property
    def side(self) -> Side:
        """Customers are receivable, suppliers payable."""
        return Side.RECEIVABLE if self.key.startswith("c") else Side.PAYABLE


def read_document_records(
    reference: str, document: DatedDocument, contents: Mapping[str, Mapping[str, Any]]
) -> DocumentRecords:
    """What the records on a document say. contents: by type and id, as in "payment:P-1".

    What has more decimals than the document's currency does not count, and allocations are no money of their own.
    """
    money, disputes = [], []
    for name, content in contents.items():
        kind, _, id_ = name.partition(":")
        if kind == "dispute":
            dispute = _dispute(id_, document.currency, content)
            disputes += [] if dispute is None else [dispute]
        elif kind in ("payment", "credit"):
            record = read_money_record(kind, id_, document.currency, content)
            money += [] if record is None else [record]
    return DocumentRecords(reference, document, money, disputes)


def read_money_record(
    kind: str, id: str, currency: str, content: Mapping[str, Any], on_account: bool = False
) -> MoneyRecord | None:
    """A payment or credit; None where its amount has more decimals than the currency."""
    amount = to_minor(Decimal(content["amount"]), currency)
    if amount is None:
        return None
    return MoneyRecord(
        kind,
        id,
        currency,
        amount,
        content["paid_on" if kind == "payment" else "credited_on"],
        content.get("voided_on", NEVER),
        content.get("reference" if kind == "payment" else "number"),
        content.get("kind") == "write_off",
        on_account,
    )


def _dispute(id: str, currency: str, content: Mapping[str, Any]) -> DisputeRecord | None:
    amount = to_minor(Decimal(content["amount"]), currency) if "amount" in content else None
    if amount is None and "amount" in content:
        return None
    return DisputeRecord(
        id,
        content["opened_on"],
        content.get("resolved_on"),
        content.get("outcome"),
        amount,
        content.get("reason"),
    )
