"""Erasing one customer everywhere that Arrears keeps data: ledger, closed months, users, and the audit that says so."""

from dataclasses import dataclass
from datetime import datetime

from arrears.ledger.organisation import Organisation
from arrears.ledger.origin import Origin
from arrears.storage.access.audit import Audit
from arrears.storage.access.erasure import erase_users
from arrears.storage.access.table import AccessTable
from arrears.storage.history.erasure import HistoryErasure
from arrears.storage.ledger.erasure import LedgerErasure


@dataclass(frozen=True, slots=True)
class Erased:
    """How many invoices, closed months and users were changed; all 0 when there was nothing left to erase."""

    invoices: int
    months: int
    users: int


@dataclass(frozen=True, slots=True)
class CustomerErasure:
    """Erases in the three tables of one deployment."""

    ledger: LedgerErasure
    history: HistoryErasure
    access: AccessTable
    audit: Audit

    def erase(self, organisation: Organisation, customer: str, now: datetime) -> Erased:
        """Erases the customer of a UUID. It may stop anywhere and run again, while others write.

        The audit says it first: what is half done was begun by somebody. The ledger comes before the closed months, as
        these are made from it.
        """
        self.audit.write(organisation.id, "erase_customer", customer, {})
        users = erase_users(self.access, organisation.id, customer)
        invoices = self.ledger.erase(organisation, customer, now, Origin("operator", self.audit.actor()))
        return Erased(invoices, self.history.erase(organisation.id, customer), users)
