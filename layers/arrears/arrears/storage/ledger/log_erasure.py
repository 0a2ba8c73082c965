"""Erasing one customer from entries of the change log: what was stored before has amounts and days, no name.

What is a customer's in an entry follows from the entry: its own items, and the documents and money that were its when
the entry was written. Two things follow from other entries only, so these are read first: the account numbers that the
customer had (a key names one, also where nothing was stored under it before), and the lines of a document at a moment,
of which the document has a digest.
"""

import json
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from arrears.ledger.documents import Part
from arrears.ledger.erasure import ERASED, erased_lines, erased_part, erased_record, erased_reminder
from arrears.ledger.recording_documents import lines_digest
from arrears.storage.dynamodb import Item, Key
from arrears.storage.ledger import codec, keys
from arrears.storage.ledger.change_entries import Entry

_NAME, _REMINDERS = 2, 3
"""Positions in a packed account."""

type _Before = Mapping[Key, Item | None]


class LogErasing:
    """Erases one customer, by UUID, from entries.

    numbers: the account numbers that it is known to have had. shared: those of them that others have had, too.
    """

    def __init__(self, organisation: str, customer: str) -> None:
        self._organisation = organisation
        self._customer = customer
        self._account = "c" + customer
        self._own = {keys.account_key(organisation, self._account)[0]}
        self._documents: set[str] = set()
        """The partitions of what was ever its document."""
        self._digests: defaultdict[str, list[tuple[int, str | None]]] = defaultdict(list)
        """By a document's partition, when its lines changed, and the digest of what they were before, erased."""
        self._of_others: set[str] = set()
        self.numbers: set[str] = set()
        self.shared: set[str] = set()

    def note_documents(self, ids: Iterable[str]) -> None:
        """Notes the outward ids of invoices that are its now."""
        self._documents.update(keys.document_key(self._organisation, "invoice", id_)[0] for id_ in ids)

    def note_number(self, number: str, holder: str | None) -> None:
        """Notes an account number of the customer, and who has it now: a UUID, None for nobody."""
        self.numbers.add(number)
        if number in self._of_others or holder not in (None, self._customer):
            self.shared.add(number)

    def note(self, entry: Entry) -> None:
        """Notes what other entries need to know of this one."""
        for key, item in entry.before.items():
            if item is None:
                continue
            number, place = keys.number_in(key), (entry.moment, self._digest_before(entry.before, key))
            if number is not None:
                (self.numbers if item["t"]["S"] == self._customer else self._of_others).add(number)
            elif key[0] in self._own and key[1] == keys.COUNTERPARTY:
                record = json.loads(item["b"]["S"])["record"]
                if record is not None and record[0].get("account_number"):
                    self.numbers.add(record[0]["account_number"])
            elif key[1] == keys.DOCUMENT and _account_of(item) == self._account:
                self._documents.add(key[0])
                if place[1] is not None and place not in self._digests[key[0]]:
                    insort(self._digests[key[0]], place)

    def erased(self, entry: Entry) -> Entry:
        """The entry without what is personal of the customer; the same one where there is nothing."""
        before: dict[Key, Item | None] = {}
        for key, item in entry.before.items():
            number = keys.number_in(key)
            is_own_number = number in self.numbers or (item is not None and item.get("t") == {"S": self._customer})
            if number is not None and is_own_number:
                if number in self.shared:
                    before[key] = None if item is not None and item["t"]["S"] == self._customer else item
            elif not keys.is_external_key_of(self._customer, key):
                before[key] = None if item is None else self._erased_item(entry, key, item)
        return entry if before == entry.before else entry._replace(before=before)

    def _erased_item(self, entry: Entry, key: Key, item: Item) -> Item:
        pk, sk = key
        if pk in self._own:
            return self._erased_own(entry.before, key, item)
        if sk == keys.DOCUMENT and self._is_its(pk, item):
            return _erased_document(item, self._digest_at(entry, key))
        if sk == keys.LINES and self._has_lines(entry.before, key):
            return _with_content(item, erased_lines(json.loads(item["b"]["S"])))
        if sk == keys.ON_ACCOUNT:
            kind, _ = keys.on_account_id(key)
            return _erased_money(kind, item, self._account)
        return item

    def _is_its(self, document: str, item: Item) -> bool:
        """Whether a document was the customer's, or nobody's yet before it was."""
        account = _account_of(item)
        return account == self._account or (account is None and document in self._documents)

    def _has_lines(self, before: _Before, lines: Key) -> bool:
        document = before.get((lines[0], keys.DOCUMENT))
        return document is not None and self._is_its(lines[0], document)

    def _digest_before(self, before: _Before, document: Key) -> str | None:
        """The digest of the erased lines that an entry has of a document; None where it has none."""
        lines = before.get((document[0], keys.LINES))
        return None if lines is None else lines_digest(erased_lines(json.loads(lines["b"]["S"])))

    def _digest_at(self, entry: Entry, document: Key) -> str | None:
        """The digest of a document's lines as they were before an entry; None where they have not changed since."""
        own = self._digest_before(entry.before, document)
        if own is not None:
            return own
        changes = self._digests.get(document[0], [])
        place = bisect_left(changes, entry.moment, key=lambda change: change[0])
        return changes[place][1] if place < len(changes) else None

    def _erased_own(self, before: _Before, key: Key, item: Item) -> Item:
        """An item of the customer's account."""
        pk, sk = key
        if sk == keys.COUNTERPARTY:
            stored = json.loads(item["b"]["S"])
            if stored["record"] is not None:
                stored["record"][0] = erased_record(stored["record"][0])
            stored["reminders"] = {self._reminder(id_): part for id_, part in stored["reminders"].items()}
            return _with_content(item, stored)
        if sk == keys.ACCOUNT:
            stored = json.loads(item["b"]["S"])
            named = _is_named(stored)
            stored["name"] = stored["name"] and ERASED
            stored["names"] = [[issued, reference, ERASED] for issued, reference, _ in stored["names"]]
            return _with_content(self._erased_shown(item, named), stored)
        if keys.is_row_key(key):
            account = before.get((pk, keys.ACCOUNT))
            return self._erased_shown(item, account is None or _is_named(json.loads(account["b"]["S"])))
        return item

    def _erased_shown(self, item: Item, named: bool) -> Item:
        """What readers are shown of the account. named: else its own id stands for a name."""
        packed = json.loads(item["p"]["S"])
        account = packed if codec.is_older_form(packed) else packed[0]
        if named:
            account[_NAME] = ERASED
        account[_REMINDERS] = [[*sent, self._reminder(id_)] for *sent, id_ in account[_REMINDERS]]
        return {**item, "p": {"S": codec.compact(packed)}}

    def _reminder(self, id: str) -> str:
        return erased_reminder(self._organisation, id)


def _account_of(document: Item) -> str | None:
    account: str | None = json.loads(document["b"]["S"])["account"]
    return account


def _is_named(account: dict[str, Any]) -> bool:
    return account["name"] is not None or bool(account["names"])


def _erased_document(item: Item, digest: str | None) -> Item:
    """A document without names; digest: of its erased lines, None where it stays."""
    stored = json.loads(item["b"]["S"])
    if stored["head"] is not None and stored["head"].get("customer_name") is not None:
        stored["head"]["customer_name"] = ERASED
    stored["parts"] = {key: erased_part(key, Part(*part)) for key, part in stored["parts"].items()}
    if stored["lines"] is not None and digest is not None:
        stored["lines"] = digest
    return _with_content(item, stored)


def _erased_money(kind: str, item: Item, account: str) -> Item:
    """Money on account, if it was the account's."""
    reference, part, holder, *others = json.loads(item["b"]["S"])
    if holder != account or part is None:
        return item
    return _with_content(item, [reference, erased_part(kind, Part(*part)), holder, *others])


def _with_content(item: Item, content: Any) -> Item:
    return {**item, "b": {"S": codec.compact(content)}}
