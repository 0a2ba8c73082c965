"""Stored forms that readers decode: the packed JSON arrays that the indexes project, customer records and invoices.

Decoding is most of the cost of reading. So a page is decoded by the C parser only, once as a response and then some
fifty of its packed arrays together. botocore's own parser would take three times as long as everything else.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import batched, chain
from typing import Any, NamedTuple

from arrears.ledger.customers import AccountLocation, CustomerProfile, InvoiceDetail, InvoiceLine
from arrears.ledger.dated_document import Account, DatedDocument, KeptChange, MoneyChange, Promise, Reminder, Settled
from arrears.ledger.days import NEVER
from arrears.ledger.figures import Cell, Cells
from arrears.ledger.money import to_minor
from arrears.storage.dynamodb import Item

PACKED_DOCUMENT = (
    "number",
    "currency",
    "total",
    "issued",
    "due",
    "voided",
    "applied",
    "marks",
    "disputes",
    "states",
    "allocated",
)
"""The fields of DatedDocument after its id, in their stored order, so that DatedDocument(id, *packed) unpacks them."""
_DEFAULTS = tuple(DatedDocument._field_defaults.values())
_DUE_AFTER_ID = 1 + PACKED_DOCUMENT.index("due")
_UNPACKED_TOGETHER = 50
"""Items of a page. One by one takes a fifth longer; a whole page, which no cache of a processor holds, three times."""


def compact(value: Any) -> str:
    """JSON in its shortest form."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pack_document(document: DatedDocument) -> str:
    """A dated document without its id, which the index key has, and without trailing defaults."""
    return compact(packed_document(document))


def packed_document(document: DatedDocument) -> list[Any]:
    """The same before it is text."""
    if document.disputes:
        disputes: list[Any] = [one[:3] if one[3:] == (None,) else one for one in map(tuple, document.disputes)]
        document = document._replace(disputes=disputes)
    packed = [getattr(document, name) for name in PACKED_DOCUMENT]
    defaults = list(_DEFAULTS)
    while defaults and packed[-1] in (defaults[-1], []):
        packed.pop()
        defaults.pop()
    return packed


class OpenAccount(NamedTuple):
    """An account as the open partition has it. summed: the cells of a large one's documents that are not here."""

    account: Account
    documents: list[DatedDocument]
    summed: Cells | None


def unpack_open_account(id: str, packed: list[Any]) -> OpenAccount:
    """What was packed."""
    account, documents, *summed = packed
    return OpenAccount(
        unpack_account(id, account),
        [DatedDocument(*document) for document in documents],
        {Cell(*cell): amount for *cell, amount in summed[0] or ()} if summed else None,
    )


def account_in(id: str, packed: list[Any]) -> Account:
    """The account alone, as an index has it."""
    return unpack_account(id, packed if is_older_form(packed) else packed[0])


def stored_account(id: str, item: Item) -> Account:
    """The account alone, as its item has it."""
    return account_in(id, json.loads(item["p"]["S"]))


def is_older_form(packed: list[Any]) -> bool:
    """Whether an account was stored before accounts held their open documents."""
    return isinstance(packed[0], str)


def is_large(packed: list[Any]) -> bool:
    """Whether an open account's documents are listed by themselves; of one in the present form."""
    return len(packed) > 2


def is_whole(packed: list[Any]) -> bool:
    """Whether a large account has neither sums nor rows."""
    return len(packed) > 2 and packed[2] is None


def held_due_before(packed: list[Any], day: int) -> list[DatedDocument]:
    """The documents that an open account holds which are due before a day."""
    documents = packed[1]
    return [
        DatedDocument(*document) for document in documents if (due := document[_DUE_AFTER_ID]) is not None and due < day
    ]


def packed_account(account: Account, letter: str) -> list[Any]:
    """An account without its id."""
    promises = [(*promise[:-1], promise.kept or 0) for promise in account.promises]
    packed = [letter, account.reference, account.name, account.reminders, promises, account.history]
    more: list[Any] = [] if account.aggregated_after == NEVER else [account.aggregated_after]
    if account.money or account.money_from or account.credit_limits:
        more = [account.aggregated_after, packed_money(account.money), account.money_from]
    if account.credit_limits:
        more.append(account.credit_limits)
    return [*packed, account.reminders_truncated, *more]


def packed_money(changes: Iterable[MoneyChange]) -> list[list[Any]]:
    """Changes of money on account without their trailing zeros."""
    packed = []
    for change in changes:
        values = list(change)
        while not values[-1]:
            values.pop()
        packed.append(values)
    return packed


def money_in(state: dict[str, Any], apart: str | None) -> list[MoneyChange]:
    """An account's changes of money on account from what its item and the one beside it hold."""
    inline = state.get("money", ())
    stored = inline if inline is not None else json.loads(apart or "[]")
    return [MoneyChange(*change) for change in stored]


def unpack_account(id: str, packed: list[Any]) -> Account:
    """The account that was packed."""
    letter, reference, name, reminders, promises, history, *more = packed
    return Account(
        id,
        None if letter == "n" else id,
        reference,
        name,
        [Reminder(*reminder) for reminder in reminders],
        [_promise(promise) for promise in promises],
        history,
        *more,
    )


def _promise(packed: list[Any]) -> Promise:
    """Older books have one sum of what kept the promise, with no day: it counts from the day the promise was made."""
    id_, currency, amount, made, promised, kept = packed
    if isinstance(kept, list):
        return Promise(id_, currency, amount, made, promised, [KeptChange(*change) for change in kept])
    return Promise(id_, currency, amount, made, promised, [KeptChange(made, kept)] if kept else [])


def unpacked_rows(pages: Iterable[list[Item]]) -> Iterator[tuple[str, list[Any]]]:
    """Sort key and unpacked array of each item of the index, in order."""
    parts = (part for page in pages for part in batched(page, _UNPACKED_TOGETHER, strict=False))
    return chain.from_iterable(map(_unpacked, parts))


def _unpacked(items: Sequence[Item]) -> Iterator[tuple[str, list[Any]]]:
    packed = json.loads("[" + ",".join([item["p"]["S"] for item in items]) + "]")
    return zip([item["isk"]["S"] for item in items], packed, strict=True)


def history_of(account: Item | None, apart: Item | None) -> list[Settled] | None:
    """All of an account's history: in its item, or apart when that is long; None where neither was read."""
    stored = _inline_or_apart("history", account, apart)
    return None if stored is None else [Settled(*settled) for settled in stored]


def money_of(account: Item | None, apart: Item | None) -> list[MoneyChange] | None:
    """All changes of an account's money on account: in its item, or apart when there are many; None as above."""
    stored = _inline_or_apart("money", account, apart)
    return None if stored is None else [MoneyChange(*change) for change in stored]


def _inline_or_apart(name: str, account: Item | None, apart: Item | None) -> Sequence[Any] | None:
    inline = None if account is None else json.loads(account["b"]["S"]).get(name, ())
    if inline is None and apart is not None:
        return list(json.loads(apart["b"]["S"]))
    return inline


def history_in(state: dict[str, Any], apart: str | None) -> list[Settled]:
    """An account's history from what its item and the one beside it hold."""
    inline = state["history"]
    stored = inline if inline is not None else json.loads(apart or "[]")
    return [Settled(*settled) for settled in stored]


def reminder_contents(counterparty: Item) -> dict[str, dict[str, Any]]:
    """What a counterparty's reminders say, by their ids."""
    return {id_: content for id_, (content, _) in json.loads(counterparty["b"]["S"])["reminders"].items()}


def is_known(account: Item) -> bool:
    """Whether a record of a counterparty's own or a document says anything of it."""
    state = json.loads(account["b"]["S"])
    return state["name"] is not None or state["documents"] > 0


def customer_profile(id: str, account: Item | None, counterparty: Item | None) -> CustomerProfile | None:
    """A customer from its account's item and its own record's; None while there is neither that nor a document."""
    if account is None:
        return None
    state = json.loads(account["b"]["S"])
    if state["name"] is None and not state["documents"]:
        return None
    record = json.loads(counterparty["b"]["S"])["record"] if counterparty else None
    content: dict[str, Any] = record[0] if record else {}
    return CustomerProfile(
        AccountLocation(id, state["shard"]),
        state["reference"],
        state["name"],
        content.get("account_number"),
        content.get("external_id"),
        content.get("currency"),
        bool(content.get("payment_blocked")),
    )


def document_reference(document: Item) -> str:
    """The caller's own id of an invoice or bill, from its item."""
    return str(json.loads(document["b"]["S"])["reference"])


def stored_invoice(invoice: Item) -> dict[str, Any] | None:
    """What an invoice's item holds; None when the invoice was deleted."""
    stored: dict[str, Any] = json.loads(invoice["b"]["S"])
    return stored if stored["head"] is not None else None


def has_lines(stored: dict[str, Any]) -> bool:
    """Whether a stored invoice has lines, which are in an item of their own."""
    return stored["lines"] is not None


def invoice_detail(stored: dict[str, Any], lines: Item | None) -> InvoiceDetail:
    """What only an invoice's own page needs, from what its item holds and the item of its lines."""
    head = stored["head"]
    currency = head["currency"]
    listed: Sequence[list[Any]] = [] if lines is None else json.loads(lines["b"]["S"])
    return InvoiceDetail(
        _minor(head.get("taxable_amount"), currency),
        bool(head.get("pdf_available")),
        [
            InvoiceLine(id_, name, quantity, price, _minor(amount, currency) or 0, _minor(tax, currency))
            for id_, name, quantity, price, amount, tax in listed
        ],
    )


def _minor(amount: str | None, currency: str) -> int | None:
    return None if amount is None else to_minor(Decimal(amount), currency)
