"""Explains a closed month: which changes since its close make the difference to the same month as known now."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from arrears.close.months import month_as_known
from arrears.ledger.dated_document import MoneyChange
from arrears.ledger.days import month_of
from arrears.ledger.known_at import instant_of, instant_text, moment_of
from arrears.ledger.ledger_side import Side
from arrears.ledger.on_account import money_changes
from arrears.ledger.organisation import Organisation
from arrears.reports.aging import currency_order
from arrears.reports.month_close import from_stored
from arrears.reports.month_explanation import (
    Balance,
    Effects,
    ExplainedChange,
    Explanation,
    NotExplained,
    document_balance,
    money_balances,
    month_balance,
)
from arrears.storage.history.snapshots import Snapshot
from arrears.storage.ledger.item_histories import (
    AccountChange,
    ChangeEntry,
    DocumentChange,
    ItemHistories,
    Named,
    PartyRecords,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from arrears.storage.history.store import HistoryStore
    from arrears.storage.ledger.reader import LedgerStore

type Around = Callable[[Iterable[Any]], Iterable[Any]]
"""Bounds the time that reading takes: see TimeLimit.around."""


class MonthExplanation:
    """Explains closed months of one organisation with the stores it is handed."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        ledger: "LedgerStore",
        history: "HistoryStore",
        around: Around = iter,
    ) -> None:
        self._client = client
        self._table = table
        self._ledger = ledger
        self._history = history
        self._around = around

    def explain(self, organisation: Organisation, month: str, side: Side, now: datetime) -> Explanation:
        """The difference between a closed month (YYYY-MM) and the same month as known at a moment.

        Raises NotExplained for a month that is not closed by then, or was before changes were kept.
        """
        snapshot = self._history.snapshot(organisation.id, month, side)
        if snapshot is None or datetime.fromisoformat(snapshot.recorded_at) > now:
            raise NotExplained(f"{month} is not closed")
        closed_at = moment_of_close(organisation, snapshot)
        explanation = self._explained(organisation, snapshot, side, closed_at, now)
        if explanation.adds_up():
            return explanation
        # Something was being written: the index shows it a moment after the log, or the log has it by now.
        return self._explained(organisation, snapshot, side, closed_at, now)

    def _explained(
        self, organisation: Organisation, snapshot: Snapshot, side: Side, closed_at: datetime, now: datetime
    ) -> Explanation:
        moments = moment_of(closed_at), moment_of(now)
        changes = _Changes(snapshot.end)
        for change in ItemHistories(self._client, self._table, organisation.id, side, moments).changes(self._around):
            changes.add(change)
        ledger = self._ledger.known_at(organisation.id, moments[1])
        figures = month_as_known(ledger, self._history, organisation, snapshot, side, self._around)
        then = {currency: month_balance(one) for currency, one in from_stored(snapshot.figures).items()}
        present = {currency: month_balance(one) for currency, one in figures.items()}
        order = currency_order({**then, **present}, organisation.currency)
        return Explanation(
            snapshot.end,
            closed_at,
            {currency: then.get(currency, Balance()) for currency in order},
            {currency: present.get(currency, Balance()) for currency in order},
            list(changes.explained()),
        )


def moment_of_close(organisation: Organisation, snapshot: Snapshot) -> datetime:
    """The moment as of which a month was closed. Raises NotExplained where changes were not kept yet by then."""
    closed_at, first = datetime.fromisoformat(snapshot.recorded_at), organisation.known_from
    closed = f"{month_of(snapshot.end)} was closed"
    if first is None:
        raise NotExplained(
            f"{closed} before changes are kept: those of this book are not yet; upgrade the organisation"
        )
    if moment_of(closed_at) < first:
        since = instant_of(first)
        raise NotExplained(f"{closed} before {instant_text(since)}, since when changes are kept", since)
    return closed_at


class _Changes:
    """Collects what changes do to the balance of a day, document by document and account by account.

    The excess of a document is money of its account once it is closed, which is no change: it stays with the document
    here, and is taken off what happens to the account.
    """

    def __init__(self, day: int) -> None:
        self._day = day
        self._of_documents: list[tuple[ChangeEntry, list[Named], str | None, str, Balance]] = []
        self._of_accounts: defaultdict[tuple[ChangeEntry, str], Effects] = defaultdict(Effects)
        self._records: dict[tuple[ChangeEntry, str], list[Named]] = {}

    def add(self, change: DocumentChange | AccountChange | PartyRecords) -> None:
        if isinstance(change, DocumentChange):
            self._add_document(change)
        elif isinstance(change, PartyRecords):
            self._records.setdefault((change.entry, change.account), []).extend(change.records)
        elif change.before != change.after:
            self._add_money(change.entry, change.account, change.before, -1)
            self._add_money(change.entry, change.account, change.after, 1)

    def _add_document(self, change: DocumentChange) -> None:
        effects, account = Effects(), None
        for state, sign in ((change.before, -1), (change.after, 1)):
            if state is None or state.account is None:
                continue
            account = state.account
            effects.add(state.dated.currency, document_balance(state.dated, self._day) * sign)
            if state.closed:
                self._add_money(change.entry, account, money_changes(state.dated), -sign)
        for currency, balance in effects.found().items():
            self._of_documents.append((change.entry, change.records(), account, currency, balance))

    def _add_money(self, entry: ChangeEntry, account: str, changes: Iterable[MoneyChange], sign: int) -> None:
        for currency, balance in money_balances(changes, self._day).items():
            self._of_accounts[entry, account].add(currency, balance * sign)

    def explained(self) -> Iterator[ExplainedChange]:
        found = list(self._of_documents)
        for (entry, account), effects in self._of_accounts.items():
            records = self._records.get((entry, account), [])
            found += [(entry, records, account, currency, balance) for currency, balance in effects.found().items()]
        found.sort(key=lambda one: (one[0].number, one[2] or "", one[3], one[1]))
        for entry, named, party, currency, balance in found:
            id_ = None if party is None or party.startswith("n") else party[1:]
            yield ExplainedChange(instant_of(entry.moment), entry.origin, named, id_, currency, balance)
