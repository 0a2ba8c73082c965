"""Keys of the ledger table and its index: where every item is.

Every key starts with the organisation's id, so no read can leave it. In the index, documents and accounts stand in
exactly one of two partitions of their shard and side:

- open, by (account, due day, document): an account right before its documents, so that one ordered query reads both;
- at rest, by (rest day, account, document): what is never open again, by the day from which that is so.
"""

from arrears.ledger.ledger_side import Side

INDEX = "state"
DOCUMENT, LINES = "d", "l"
ACCOUNT, FILE, HISTORY = "a", "f", "h"
POINTER = "p"
MAX_TEXT_LENGTH = 500
"""Characters of a caller's text that a key can hold beside the organisation (2,048 bytes in all)."""
NO_ACCOUNT = "-" * 36
NO_DUE = 9_999_999
_POINTER_LETTERS = {"payment": "P", "credit": "K", "dispute": "D", "reminder": "R", "promise": "M"}

type Key = tuple[str, str]
"""Partition and sort key of an item."""


def document_key(organisation: str, kind: str, id: str) -> Key:
    """An invoice or bill, by outward id."""
    return f"{organisation}#{kind[0]}#{id}", DOCUMENT


def lines_key(organisation: str, invoice: str) -> Key:
    """An invoice's lines, apart from it: later writes of the invoice do not pay for them."""
    return document_key(organisation, "invoice", invoice)[0], LINES


def account_key(organisation: str, account: str, part: str = ACCOUNT) -> Key:
    """A counterparty ("c", "s" or "n" and its UUID): itself, its file or its history."""
    return f"{organisation}#{account[0]}#{account[1:]}", part


def pointer_key(organisation: str, kind: str, id: str) -> Key:
    """What a payment, credit, dispute, reminder or promise is on."""
    return f"{organisation}#{_POINTER_LETTERS[kind]}#{id}", POINTER


def number_key(organisation: str, number: str) -> Key:
    """The customer who holds an account number."""
    return f"{organisation}#N#{number}", POINTER


def external_key(organisation: str, external_id: str, customer: str) -> Key:
    """A customer under its external id; several may share one."""
    return f"{organisation}#E#{external_id}", customer


def month_key(organisation: str, month: str, shard: int, day: int) -> Key:
    """A month's collection figures of a shard: those of today (day 0), or what is added from a later day on."""
    return f"{organisation}#m", f"{month}#{shard}#{day:07d}"


def open_partition(organisation: str, shard: int, side: Side) -> str:
    """The index partition of what is or may be open."""
    return f"{organisation}#{shard}#{side}#o"


def rest_partition(organisation: str, shard: int, side: Side) -> str:
    """The index partition of what is never open again."""
    return f"{organisation}#{shard}#{side}#r"


def open_place(account: str, due: int | None, document: str) -> str:
    """A document's place among the open ones; account and document are UUIDs."""
    return f"{account}#{NO_DUE if due is None else due:07d}#{document}"


def rest_place(rest: int, account: str, document: str = "") -> str:
    """A document's place among those at rest, or an account's (no document)."""
    return f"{rest:07d}#{account}#{document}"
