"""The oracle's books as readers yield them, money on account included, without recording anything."""

from collections import defaultdict
from collections.abc import Iterator

from arrears.ledger.dated_document import (
    Account,
    Allocated,
    AllocationChange,
    BillState,
    DatedDocument,
    MoneyChange,
    closed_from,
)
from arrears.ledger.days import NEVER
from arrears.ledger.on_account import money_changes
from oracle.book import Advance, Document, Ledger, PartyKey

KINDS = {"customer": "invoice", "supplier": "bill"}


def accounts_since(ledger: Ledger, kind: str, since: int) -> Iterator[tuple[Account, list[DatedDocument]]]:
    """Every customer or supplier with the documents that were not closed yet at the end of `since`.

    What the others have too much of is in their account's money.
    """
    documents: defaultdict[PartyKey, list[DatedDocument]] = defaultdict(list)
    money: defaultdict[PartyKey, list[MoneyChange]] = defaultdict(list)
    for advance in ledger.advances:
        if advance.party.kind == kind:
            money[advance.party] += _own_money(ledger, advance)
    for document in ledger.of_kind(KINDS[kind]):
        dated = dated_document(ledger, document)
        if closed_from(dated) > since:
            documents[document.party].append(dated)
        else:
            money[document.party] += money_changes(dated)
    for party in documents.keys() | money.keys():
        id_ = f"{party.id or ''}{party.folded}"
        yield Account(id_, party.id, id_, id_, money=money[party]), documents[party]


def dated_document(ledger: Ledger, document: Document) -> DatedDocument:
    """An oracle's document as dated changes."""
    sources = {id(part): advance for advance in ledger.advances for part in advance.moved}
    sums: defaultdict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    allocated = []
    for one in document.allocations:
        day, voided = one.dated.toordinal(), NEVER if one.voided_on is None else one.voided_on.toordinal()
        if one.amount is None or voided <= day:
            continue
        changes = [(day, 0, one.amount)] + ([] if voided == NEVER else [(voided, day, -one.amount)])
        for on, allocated_on, amount in changes:
            own = sums[on, allocated_on]
            own[0 if one.is_payment else 1] += amount
            own[2] += one.is_payment and (1 if amount == one.amount else -1)
            if id(one) in sources:
                source = sources[id(one)]
                allocated.append(Allocated(on, amount, source.money.dated.toordinal(), _source(ledger, source)))
    return DatedDocument(
        document.outward,
        document.number,
        document.currency,
        document.total,
        NEVER if document.never else document.issued.toordinal(),
        None if document.due is None else document.due.toordinal(),
        NEVER if document.void_from is None else document.void_from.toordinal(),
        [AllocationChange(on, *own, of) for (on, of), own in sorted(sums.items())],
        states=[
            BillState(entry.since.toordinal(), entry.state, None)
            for entry in sorted(document.history, key=lambda entry: (entry.since, entry.order))
        ],
        allocated=allocated,
    )


def _source(ledger: Ledger, advance: Advance) -> str:
    kind = advance.record["type"]
    return ("P" if kind == "payment" else "K") + ledger.outward(kind, advance.record["id"])


def _own_money(ledger: Ledger, advance: Advance) -> Iterator[MoneyChange]:
    amount, day = advance.money.amount, advance.money.dated.toordinal()
    voided = NEVER if advance.money.voided_on is None else advance.money.voided_on.toordinal()
    if amount is None or voided <= day:
        return
    for on, sign in ((day, 1), (voided, -1)):
        if on < NEVER:
            of = (on, advance.currency, day, _source(ledger, advance))
            if not advance.money.is_payment:
                yield MoneyChange(*of, credited=sign * amount)
            elif amount < 0:
                yield MoneyChange(*of, refunded=-sign * amount)
            else:
                yield MoneyChange(*of, received=sign * amount)
