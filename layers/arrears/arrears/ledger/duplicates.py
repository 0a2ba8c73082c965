"""Possible duplicates: documents of one party with the same number, currency, total and issue day under different ids.

An account remembers its latest numbered documents, as a few characters each that stand for what duplicates share. It is
written with each new document anyway, so noticing what was entered twice costs no read and no write.
"""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import NamedTuple

from arrears.ledger.accounts import AccountState
from arrears.ledger.documents import Document

CODE_LENGTH = 6
"""Characters, 36 bits: that another document has the same by chance happens once in a billion documents."""
REMEMBERED = 30
"""So many of its latest numbered documents an account remembers: with more, a usual account outgrows a write unit."""


class Mark(NamedTuple):
    """What a document leaves in its account. code: None for one without a number, which leaves nothing."""

    account: str | None
    code: str | None


def mark_of(document: Document) -> Mark:
    """The mark of a document as it is now."""
    head = document.head or {}
    if not head.get("number"):
        return Mark(document.account, None)
    shared = [head.get(name) for name in ("number", "currency", "total", "issued_on")]
    code = urlsafe_b64encode(sha256(json.dumps(shared).encode()).digest()).decode()[:CODE_LENGTH]
    return Mark(document.account, code)


def remember(account: AccountState, code: str) -> None:
    """Adds a document to those that an account remembers; the earliest is forgotten."""
    account.latest_documents = (account.latest_documents + code)[-REMEMBERED * CODE_LENGTH :]


def forget(account: AccountState, code: str) -> None:
    """Takes a document away from those that an account remembers."""
    text = account.latest_documents
    codes = [text[start : start + CODE_LENGTH] for start in range(0, len(text), CODE_LENGTH)]
    if code in codes:
        codes.remove(code)
        account.latest_documents = "".join(codes)


def remembered(account: AccountState, code: str) -> int:
    """How many of the documents that an account remembers have a code."""
    return account.latest_documents.count(code)
