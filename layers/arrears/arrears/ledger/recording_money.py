"""Recording payments, credits, allocations and disputes: what goes onto documents, and money on account."""

from arrears.ledger.documents import (
    Document,
    Part,
    in_minor,
)
from arrears.ledger.money import EXPONENTS
from arrears.ledger.on_account_records import MAX_ALLOCATIONS, MAX_MONEY_CHANGES, OnAccountRecord
from arrears.ledger.organisation import Organisation
from arrears.ledger.recording_documents import MAX_BYTES, DocumentRecording, outcome_of
from arrears.ledger.records import (
    AllocationRecord,
    Credit,
    DisputeRecord,
    Payment,
    content,
    size_of,
)
from arrears.ledger.result import Result
from arrears.ledger.unit_of_work import UnitOfWork

MAX_PARTS = 1_000
"""Allocations and disputes that one document may have."""
MAX_FUTURE_PARTS = 20
"""Allocations and disputes of one document that may be dated after the day of recording."""
DOCUMENTS_AT_ONCE = 20
"""Documents that have their allocations renewed in one transaction, when the payment they come from changes."""

type Applied = Payment | Credit | AllocationRecord | DisputeRecord
"""Records that go onto a document."""


def source_of(record: AllocationRecord) -> tuple[str, str]:
    """Kind and caller's id of the payment or credit on account that an allocation comes from."""
    if record.payment_id is not None:
        return "payment", record.payment_id
    return "credit", record.credit_id or ""


def document_of(record: Applied) -> tuple[str, str]:
    """Kind and caller's id of the document that an allocation or dispute is on."""
    if record.invoice_id is not None:
        return "invoice", record.invoice_id
    return "bill", record.bill_id or ""


class MoneyRecording(DocumentRecording):
    """Applies what goes onto documents and accounts."""

    def __init__(self, organisation: Organisation, work: UnitOfWork, today: int) -> None:
        super().__init__(organisation, work, today)
        self.unfinished: OnAccountRecord | None = None
        """Money on account with so many allocations that its change takes more than one transaction; see go_on."""

    # Allocations and disputes

    def part(self, record: Applied) -> Result:
        """A payment, credit, allocation or dispute goes onto its document, and off what it was on."""
        kind, reference = document_of(record)
        id_, part_id = self._outward(kind, reference), self._outward(record.type, record.id)
        document = self.work.document(kind, id_, reference)
        target, previous_target = kind[0] + id_, self.work.target(record.type, part_id)
        holder, key, stored = self._stored_part(record, previous_target, document)
        part = Part(content(record), record.updated_at)
        del part.content[f"{kind}_id"]
        outcome = outcome_of(stored, part)
        if outcome == "stale":
            return Result(record.type, record.id, outcome)
        if outcome == "unchanged" and isinstance(holder, Document) and holder is document:
            self._note_part_moment(holder, holder.parts, key, record.updated_at)
            return Result(record.type, record.id, outcome)
        rejected = self._rejected_part(record, document, key, part)
        if rejected is not None:
            return rejected
        if isinstance(holder, OnAccountRecord) and len(holder.allocations) > DOCUMENTS_AT_ONCE:
            reason = f"has {len(holder.allocations)} allocations as money on account; take them back first"
            return Result(record.type, record.id, "rejected", f"{kind}_id", reason)
        if holder is not document:
            self._take_off(holder, key)
        if isinstance(record, AllocationRecord):
            self._link(self._money_of(record), document, key, target)
        self._change(document, lambda: document.parts.__setitem__(key, part))
        if previous_target != target:
            self.work.point(record.type, part_id, target)
        if document.head is None or (isinstance(record, AllocationRecord) and not document.counts_allocation(key)):
            return Result(record.type, record.id, "pending")
        return Result(record.type, record.id, "created" if stored is None else "updated")

    def _stored_part(
        self, record: Applied, previous_target: str | None, document: Document
    ) -> tuple[Document | OnAccountRecord, str, Part | None]:
        """What holds a part now (the document it goes onto, if nothing does), its key there, and the part."""
        key = f"{record.type}:{record.id}"
        if previous_target is None:
            return document, key, document.parts.get(key)
        if is_account(previous_target):
            money = self.work.on_account(record.type, self._outward(record.type, record.id), record.id)
            return money, key, money.part
        holder = document if previous_target == document.target else self._document_at(previous_target)
        key = self._recorded_key(holder.parts, record.type, f"{record.type}:", record.id)
        return holder, key, holder.parts.get(key)

    def _take_off(self, holder: Document | OnAccountRecord, key: str) -> None:
        """Takes a part off its document, or money off its account."""
        if isinstance(holder, OnAccountRecord):
            self._set_money(holder, None, None)
            return
        self._unlink(holder, key)
        self._change(holder, lambda: holder.parts.remove(key))

    def _link(self, money: OnAccountRecord, document: Document, key: str, target: str) -> None:
        """Connects an allocation that goes onto a document with the money it comes from."""
        self._unlink(document, key)
        money.allocations[key] = target
        self.work.touch(money)
        source = money.source()
        if source is not None:
            document.sources[key] = source

    def _unlink(self, document: Document, key: str) -> None:
        part = document.parts.get(key)
        document.sources.pop(key, None)
        if part is None or "applied_on" not in part.content:
            return
        for kind in ("payment", "credit"):
            reference = part.content.get(f"{kind}_id")
            if reference is not None:
                money = self.work.on_account(kind, self._outward(kind, reference), reference)
                money.allocations.pop(key, None)
                if key in money.outdated:
                    money.outdated.remove(key)
                self.work.touch(money)

    # Money on account

    def payment_or_credit(self, record: Payment | Credit) -> Result:
        """A payment or credit: on a document, or on account."""
        return self._on_account(record) if record.on_account else self.part(record)

    def _on_account(self, record: Payment | Credit) -> Result:
        """Money goes onto its party's account, and off what it was on."""
        party, reference = ("customer", record.customer_id) if record.customer_id else ("supplier", record.supplier_id)
        key = party[0] + self._outward(party, reference or "")
        account = self.work.account(key, reference or "")
        id_ = self._outward(record.type, record.id)
        money = self.work.on_account(record.type, id_, record.id)
        previous_target = self.work.target(record.type, id_)
        part = Part(content(record), record.updated_at)
        holder, part_key, stored = self._holder_of_money(record, money, previous_target)
        outcome = outcome_of(stored, part)
        if outcome == "unchanged" and holder is money:
            self._note_money_moment(money, record.updated_at)
        if outcome == "stale" or (outcome == "unchanged" and holder is money):
            self._renew_allocations(money)
            return Result(record.type, record.id, outcome)
        if len(account.money) >= MAX_MONEY_CHANGES and (money.account, outcome) != (key, "updated"):
            reason = f"the {party}'s money on account has {MAX_MONEY_CHANGES} changes already, the most it can have"
            return Result(record.type, record.id, "rejected", None, reason)
        if isinstance(holder, Document):
            self._take_off(holder, part_key)
        money.reference = record.id if money.part is None else money.reference
        self._set_money(money, part, key)
        if previous_target != key:
            self.work.point(record.type, id_, key)
        if not account.known:
            return Result(record.type, record.id, "pending")
        return Result(record.type, record.id, "created" if stored is None else "updated")

    def _holder_of_money(
        self, record: Payment | Credit, money: OnAccountRecord, previous_target: str | None
    ) -> tuple[Document | OnAccountRecord, str, Part | None]:
        if previous_target is None or is_account(previous_target):
            return money, "", money.part
        document = self._document_at(previous_target)
        key = self._recorded_key(document.parts, record.type, f"{record.type}:", record.id)
        return document, key, document.parts.get(key)

    def _note_money_moment(self, money: OnAccountRecord, updated_at: str | None) -> None:
        if money.part is not None and updated_at is not None and updated_at != money.part.updated_at:
            money.part = money.part._replace(updated_at=updated_at)
            self.work.touch(money)

    def _set_money(self, money: OnAccountRecord, part: Part | None, account: str | None) -> None:
        """Replaces what is on account, moves its account by the difference, and renews its allocations."""
        source = money.source()
        self._count_money(money, -1)
        money.part, money.account = part, account
        self._count_money(money, 1)
        self.work.touch(money)
        if money.source() != source:
            money.outdated = sorted(money.allocations)
        self._renew_allocations(money)

    def _count_money(self, money: OnAccountRecord, sign: int) -> None:
        if money.part is None or money.account is None:
            return
        account = self.work.account(money.account, "")
        account.on_account += sign
        for change in money.changes():
            account.add_money(change, sign)
        self.work.touch(account)

    def _renew_allocations(self, money: OnAccountRecord) -> None:
        """Brings the state of money on account to the documents it is allocated to, some in each transaction."""
        some, money.outdated = money.outdated[:DOCUMENTS_AT_ONCE], money.outdated[DOCUMENTS_AT_ONCE:]
        source = money.source()
        for key in some:
            document = self._document_at(money.allocations[key])
            self._change(document, lambda document=document, key=key: document.set_source(key, source))  # type: ignore[misc]
        if some:
            self.work.touch(money)
        self.unfinished = money if money.outdated else None

    def go_on(self) -> None:
        """Continues a change that takes more than one transaction, after what it did so far has been written."""
        if self.unfinished is not None:
            self._renew_allocations(self.unfinished)

    def _rejected_part(self, record: Applied, document: Document, key: str, part: Part) -> Result | None:
        """Why the document cannot have this part as well."""
        amount, currency = part.content.get("amount"), self._currency_of(record, document)
        if currency is not None and amount is not None and in_minor(amount, currency) is None:
            reason = f"has more decimals than {currency} has ({EXPONENTS[currency]})"
            return Result(record.type, record.id, "rejected", "amount", reason)
        if len(document.parts) + (key not in document.parts) > MAX_PARTS:
            reason = f"the document has {MAX_PARTS} allocations and disputes already, the most it can have"
            return Result(record.type, record.id, "rejected", None, reason)
        if document.parts.size_with(key, part) > MAX_BYTES:
            return Result(record.type, record.id, "rejected", None, "the document has no room for more of them")
        full = self._full_source(record, key) if isinstance(record, AllocationRecord) else None
        if full is not None:
            return Result(record.type, record.id, "rejected", None, full)
        if self._future(part) and self._future_beside(document, key) >= MAX_FUTURE_PARTS:
            reason = f"the document has {MAX_FUTURE_PARTS} allocations and disputes dated in the future already"
            return Result(record.type, record.id, "rejected", None, reason)
        return None

    def _future_beside(self, document: Document, key: str) -> int:
        """How many other parts of a document are dated in the future."""
        return sum(self._future(part) for other, part in document.parts.items() if other != key)

    def _full_source(self, record: AllocationRecord, key: str) -> str | None:
        """Why what an allocation comes from can have no more of them. Its item names each, twice while it changes."""
        known = self._money_of(record).allocations
        if key in known:
            return None
        if len(known) >= MAX_ALLOCATIONS:
            return f"what it comes from has {MAX_ALLOCATIONS} allocations already, the most it can have"
        return "what it comes from has no room for more allocations" if size_of([*known, key]) > MAX_BYTES else None

    def _currency_of(self, record: Applied, document: Document) -> str | None:
        """The currency that an amount must fit: of the money it comes from, else of its document; None if unknown."""
        source = self._money_of(record).source() if isinstance(record, AllocationRecord) else None
        if source is not None:
            return source.currency
        return None if document.head is None else str(document.head["currency"])

    def _money_of(self, record: AllocationRecord) -> OnAccountRecord:
        """The payment or credit on account that an allocation comes from."""
        kind, reference = source_of(record)
        return self.work.on_account(kind, self._outward(kind, reference), reference)

    def _future(self, part: Part) -> bool:
        days = (
            part.content.get(name, 0) for name in ("paid_on", "credited_on", "applied_on", "voided_on", "resolved_on")
        )
        return any(day > self.today for day in days)


def is_account(target: str) -> bool:
    """Whether the target of a pointer is an account, not a document."""
    return target[0] in "csn"
