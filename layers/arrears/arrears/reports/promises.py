"""A customer's promises as of a day: what came of each."""

from collections.abc import Sequence
from typing import NamedTuple

from arrears.ledger.dated_document import Account, DatedDocument, Promise
from arrears.ledger.promises import Promises

AHEAD, KEPT, BROKEN, REPLACED = "ahead", "kept", "broken", "replaced"


class PromiseState(NamedTuple):
    """A promise as of a day: ahead, kept, broken or replaced by a later one.

    lacking: what it still lacks, in minor units; 0 when it is kept.
    """

    promise: Promise
    status: str
    lacking: int


def promise_states(account: Account, documents: Sequence[DatedDocument], day: int) -> list[PromiseState]:
    """The promises made by the day, the latest first. documents: all of the account's in hand."""
    found = []
    for currency in {promise.currency for promise in account.promises}:
        promises = Promises(account, documents, currency)
        counting = promises.counting(day)
        for promise in account.promises:
            if promise.currency == currency and promise.made <= day:
                lacking = promises.lacking(promise, day)
                status = _status(promise, lacking, day) if promise in counting else REPLACED
                found.append(PromiseState(promise, status, max(0, lacking)))
    return sorted(found, key=lambda state: (state.promise.made, state.promise.id), reverse=True)


def _status(promise: Promise, lacking: int, day: int) -> str:
    if day <= promise.promised:
        return AHEAD
    return BROKEN if lacking > 0 else KEPT
