"""Erasing one customer from the ledger table, in transactions like those of recording."""

import json
from collections.abc import Container
from datetime import datetime
from functools import partial
from itertools import batched

from arrears.ledger.erasure import Erasing
from arrears.ledger.organisation import Organisation
from arrears.ledger.origin import OPERATOR, Origin
from arrears.ledger.recording import Recording
from arrears.ledger.recording_documents import lines_digest
from arrears.storage.dynamodb import Key, get_items
from arrears.storage.ledger import keys
from arrears.storage.ledger.change_log import ChangeLog
from arrears.storage.ledger.entities import read_counterparty_record
from arrears.storage.ledger.index_lookup import on_account_keys
from arrears.storage.ledger.log_erasure import LogErasing
from arrears.storage.ledger.past_table import LATE_MICROSECONDS
from arrears.storage.ledger.recorder import READ_AHEAD, Recorder, Session
from arrears.storage.ledger.unit_of_work import Conflict

type _Lines = list[list[str | None]]


class LedgerErasure(Recorder):
    """Erases in one ledger table. What is erased is durable; run again, it goes on where it stopped."""

    def erase(self, organisation: Organisation, customer: str, now: datetime, origin: Origin = OPERATOR) -> int:
        """Erases the customer of a UUID, all its invoices as they are now, and what the change log has of them.

        Returns how many invoices it changed. What the erasure itself writes to the log is erased before. The customer's
        own record comes after its past: as long as some of its past is left, the record says what to look for.
        Raises ArrearsError (unavailable) when others keep changing the customer.
        """
        account, erasing = "c" + customer, LogErasing(organisation.id, customer)
        session = Session(organisation, now, origin, erasing.erased)
        named = [keys.account_key(organisation.id, account, part) for part in (keys.ACCOUNT, keys.COUNTERPARTY)]
        [invoices] = self._run(session, [partial(_invoices_of, account=account)], named)
        erasing.note_documents(invoices)
        changed = self._erase_present(organisation, session, account, invoices)
        log = ChangeLog(self._client, self._table, organisation.id)
        latest = self._erase_log(organisation, log, erasing, account, 0)
        while not all(self._run(session, [partial(_erase_customer, account=account, numbers=erasing.numbers)], named)):
            latest = self._erase_log(organisation, log, erasing, account, 0)
        self._erase_log(organisation, log, erasing, account, max(0, latest - LATE_MICROSECONDS))
        return changed

    def _erase_log(
        self, organisation: Organisation, log: ChangeLog, erasing: LogErasing, account: str, first: int
    ) -> int:
        """Erases the customer from the entries since a moment, oldest first; the moment of the latest one.

        A number is known from what came after it was given, so what is left when this stops is still found.
        """
        latest = first
        for entry in log.entries(first):
            erasing.note(entry)
            latest = max(latest, entry.moment)
        self._note_numbers(organisation, erasing, account)
        for stored in log.stored(first):
            log.rewrite(stored, erasing.erased)
        return latest

    def _note_numbers(self, organisation: Organisation, erasing: LogErasing, account: str) -> None:
        """Notes the customer's present account number, and who has those now that it ever had."""
        own = keys.account_key(organisation.id, account, keys.COUNTERPARTY)
        item = get_items(self._client, self._table, [own]).get(own)
        profile = None if item is None else read_counterparty_record(item).record
        present = None if profile is None else profile.content.get("account_number")
        numbers = erasing.numbers | ({present} if present else set())
        pointers = {number: keys.number_key(organisation.id, number) for number in numbers}
        found = get_items(self._client, self._table, list(pointers.values()))
        for number, key in pointers.items():
            erasing.note_number(number, found[key]["t"]["S"] if key in found else None)

    def _erase_present(self, organisation: Organisation, session: Session, account: str, invoices: list[str]) -> int:
        """Erases its money on account and its invoices; how many invoices it changed."""
        named = [keys.account_key(organisation.id, account, part) for part in (keys.ACCOUNT, keys.COUNTERPARTY)]
        [on_account] = self._run(session, [partial(self._money_of, organisation, account)], named)
        for money in batched(on_account, READ_AHEAD, strict=False):
            self._run(session, [partial(_erase_money, account=account, key=key) for key in money], money)
        changed = 0
        for batch in batched(invoices, READ_AHEAD, strict=False):
            steps = [partial(self._erase_invoice, organisation, account, id_) for id_ in batch]
            wanted = [keys.document_key(organisation.id, "invoice", id_) for id_ in batch]
            changed += sum(self._run(session, steps, wanted))
        return changed

    def _money_of(self, organisation: Organisation, account: str, recording: Recording) -> list[Key]:
        """The keys of what the customer has on account: as many as its account counts, though the index may lag."""
        expected = Erasing.of(recording).account_of(account).on_account
        found = list(on_account_keys(self._client, self._table, organisation.id, account)) if expected else []
        if len(found) < expected:
            raise Conflict
        return found

    def _erase_invoice(self, organisation: Organisation, account: str, id: str, recording: Recording) -> bool:
        """Erases an invoice that is the customer's still."""
        erasing = Erasing.of(recording)
        invoice = erasing.stored_invoice(id)
        if invoice.account != account:
            return False
        lines = [] if invoice.lines is None else self._lines(organisation, id)
        if lines_digest(lines) != invoice.lines:
            raise Conflict  # somebody has written the invoice between the two readings
        return erasing.erase_invoice(invoice, lines)

    def _lines(self, organisation: Organisation, invoice: str) -> _Lines:
        key = keys.lines_key(organisation.id, invoice)
        item = get_items(self._client, self._table, [key]).get(key)
        lines: _Lines = [] if item is None else json.loads(item["b"]["S"])
        return lines


def _erase_money(recording: Recording, account: str, key: Key) -> bool:
    erasing = Erasing.of(recording)
    return erasing.erase_money(erasing.account_of(account), *keys.on_account_id(key))


def _invoices_of(recording: Recording, account: str) -> list[str]:
    """The ids of its invoices."""
    erasing = Erasing.of(recording)
    return [invoice.id for invoice in erasing.invoices_of(erasing.account_of(account))]


def _erase_customer(recording: Recording, account: str, numbers: Container[str]) -> bool:
    """Erases the customer's own record; False if it has an account number by now that is not among these."""
    erasing = Erasing.of(recording)
    customer = erasing.account_of(account)
    number = erasing.account_number_of(customer)
    if number is not None and number not in numbers:
        return False
    erasing.erase_customer(customer)
    return True
