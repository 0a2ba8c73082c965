"""Payment behaviour: how documents settled in the last twelve months were paid."""

from collections.abc import Iterable

from arrears.ledger.dated_document import Account, DatedDocument, Settled, added_up, settlement
from arrears.ledger.days import year_before
from arrears.reports.aging import owed_at


def settled_in_year(account: Account, documents: Iterable[DatedDocument], day: int) -> Settled | None:
    """All documents settled with a payment in the twelve months up to `day`, added up; None when there are none.

    documents: those in hand; what else was settled is in the account's history. Of closed documents in hand, that may
    have counter-entries: what they settled is taken from the documents themselves.
    """
    after = year_before(day)
    found = [settled for settled in account.history if after < settled[0] <= day]
    for document in documents:
        if (document.applied or document.states) and not owed_at(document, day):
            settled = settlement(document, day)
            if settled is not None and after < settled.day:
                found.append(settled)
    settled_all = added_up(found, day) if found else None
    return settled_all if settled_all and settled_all.documents > 0 else None
