"""Money on account: what a party has paid or was credited that stands on no existing document.

Everything is worked out per party and currency at the end of a day, in minor units.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from oracle.book import Advance, Document, Ledger, PartyKey

Account = tuple[PartyKey, str]
"""A party and a currency."""


@dataclass(frozen=True)
class Item:
    """One amount on account: of a ``payment`` or ``credit``, the ``excess`` of a document, or ``without_document``."""

    kind: str
    id: str
    amount: int


def accounts(ledger: Ledger, kind: str) -> list[Account]:
    """Every customer, or supplier, and currency with a document or money on account at any time."""
    found = {(document.party, document.currency) for document in ledger.documents}
    found |= {(advance.party, advance.currency) for advance in ledger.advances}
    return sorted(
        (account for account in found if account[0].kind == kind),
        key=lambda account: (account[0].id or "", account[0].folded, account[1]),
    )


def documents_of(ledger: Ledger, account: Account) -> list[Document]:
    """The documents of a party in a currency."""
    return [document for document in ledger.documents if (document.party, document.currency) == account]


def advances_of(ledger: Ledger, account: Account) -> list[Advance]:
    """The payments and credits on account of a party in a currency."""
    return [advance for advance in ledger.advances if (advance.party, advance.currency) == account]


def beside(document: Document, on: date) -> int:
    """What is applied to a document that its total does not take up: all of it while the document does not exist."""
    applied = document.total - document.outstanding(on)
    return max(0, applied - document.total) if document.stands(on) else applied


def items(ledger: Ledger, account: Account, on: date) -> list[Item]:
    """The money on account piece by piece, nothing that is zero."""
    found = [Item(a.record["type"], a.record["id"], a.left(on)) for a in advances_of(ledger, account)]
    for document in documents_of(ledger, account):
        kind = "excess" if document.stands(on) else "without_document"
        found.append(Item(kind, document.id, beside(document, on)))
    return [item for item in found if item.amount]


def unapplied(ledger: Ledger, account: Account, on: date) -> int:
    """What is on account; negative where more was moved or refunded than there was."""
    return sum(item.amount for item in items(ledger, account, on))


def outstanding(ledger: Ledger, account: Account, on: date) -> int:
    """What is outstanding on open documents."""
    return sum(document.outstanding(on) for document in documents_of(ledger, account) if document.open(on))


def net(ledger: Ledger, account: Account, on: date) -> int:
    """What is outstanding less what is on account."""
    return outstanding(ledger, account, on) - unapplied(ledger, account, on)
