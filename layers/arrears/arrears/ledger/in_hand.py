"""An account beside closed documents that are in hand: these are judged one by one, so the account must not count them.

An account adds up what its closed documents have done: for payment behaviour, for promises, for money on account. For a
past day, those that closed after it are read as well, as they were still open then or may have been.
"""

from collections.abc import Iterable, Iterator, Sequence

from arrears.ledger.dated_document import LAST, Account, DatedDocument, MoneyChange, Reminder, Settled, settlement
from arrears.ledger.days import NEVER
from arrears.ledger.on_account import money_changes, taken_back
from arrears.ledger.promises import kept_changes, taken_off


def without(account: Account, closed: Iterable[DatedDocument]) -> Account:
    """The account less what these closed documents have added to it; nothing of its history is shown."""
    documents = list(closed)
    promises = [
        promise._replace(
            kept=[*promise.kept, *taken_off(change for one in documents for change in kept_changes(promise, one))]
        )
        for promise in account.promises
    ]
    return account._replace(
        promises=promises,
        history=(),
        aggregated_after=0,
        money=[*account.money, *_money_taken(documents)],
        closed_in_hand=documents,
    )


def completed(
    account: Account,
    history: Sequence[Settled] | None = None,
    money: Sequence[MoneyChange] | None = None,
    reminders: Sequence[Reminder] | None = None,
) -> Account:
    """The account with all of what was read of it; None leaves a part as it is. Closed documents in hand stay out."""
    if history is not None:
        history = [*history, *_settled_taken(account.closed_in_hand)]
        account = account._replace(history=history, aggregated_after=NEVER)
    if money is not None:
        account = account._replace(money=[*money, *_money_taken(account.closed_in_hand)], money_from=0)
    if reminders is not None:
        account = account._replace(reminders=reminders, reminders_truncated=False)
    return account


def _money_taken(documents: Iterable[DatedDocument]) -> Iterator[MoneyChange]:
    for document in documents:
        for change in money_changes(document):
            yield taken_back(change, change.day)


def _settled_taken(documents: Iterable[DatedDocument]) -> Iterator[Settled]:
    for document in documents:
        settled = settlement(document, LAST)
        if settled is not None:
            day, *sums = settled
            yield Settled(day, *(-one for one in sums))
