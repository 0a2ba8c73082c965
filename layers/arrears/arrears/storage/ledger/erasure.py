"""Erasing one customer from the ledger table, in transactions like those of recording."""

import json
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
from arrears.storage.ledger.index_lookup import on_account_keys
from arrears.storage.ledger.recorder import READ_AHEAD, Recorder, Session
from arrears.storage.ledger.unit_of_work import Conflict

type _Lines = list[list[str | None]]


class LedgerErasure(Recorder):
    """Erases in one ledger table. What is erased is durable; run again, it goes on where it stopped."""

    def erase(self, organisation: Organisation, customer: str, now: datetime, origin: Origin = OPERATOR) -> int:
        """Erases the customer of a UUID and all its invoices as they are now; how many invoices it changed.

        The customer's own item comes first: nobody finds it by number or external id from then on.
        Raises ArrearsError (unavailable) when others keep changing the customer.
        """
        session, account = Session(organisation, now, origin), "c" + customer
        named = [keys.account_key(organisation.id, account, part) for part in (keys.ACCOUNT, keys.COUNTERPARTY)]
        [invoices] = self._run(session, [partial(_erase_customer, account=account)], named)
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


def _erase_customer(recording: Recording, account: str) -> list[str]:
    """Erases the customer's own record; the ids of its invoices."""
    erasing = Erasing.of(recording)
    customer = erasing.account_of(account)
    erasing.erase_customer(customer)
    return [invoice.id for invoice in erasing.invoices_of(customer)]
