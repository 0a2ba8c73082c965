"""A ledger in memory: the same records in, the same accounts out, without a table.

It keeps what a table keeps and no more: a record works on copies, and what was not touched is forgotten. So the
pure core can be tried a thousand times where a table is tried ten, and a change that is not marked shows here too.
"""

import pickle
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from arrears.ledger.accounts import AccountState, CounterpartyRecord
from arrears.ledger.dated_document import Account, DatedDocument, closed_from
from arrears.ledger.days import NEVER, year_before
from arrears.ledger.deletions import RecordingWithDeletions
from arrears.ledger.documents import Document
from arrears.ledger.in_hand import without
from arrears.ledger.ledger_side import Side
from arrears.ledger.on_account_records import OnAccountRecord
from arrears.ledger.organisation import Organisation
from arrears.ledger.recording import Recording
from arrears.ledger.records import read_record
from arrears.ledger.reminders import read_reminders
from arrears.ledger.result import Result

type Figures = dict[tuple[str, str, str], tuple[int, int]]
type Touched = Document | AccountState | CounterpartyRecord | OnAccountRecord


class MemoryLedger:
    """One organisation's ledger."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.kept: dict[tuple[str, str], bytes] = {}
        self.pointers: dict[tuple[str, str], str] = {}
        self.deleted: dict[tuple[str, str], str] = {}
        self.numbers: dict[str, str] = {}
        self.externals: set[tuple[str, str]] = set()
        self.lines: dict[str, list[list[str | None]]] = {}
        self.figures: dict[tuple[str, int], dict[tuple[str, str], list[int]]] = {}

    def record(self, records: Iterable[Any], today: int) -> list[Result]:
        """Applies decoded records in their order on a day."""
        results = []
        for raw in records:
            book = MemoryUnitOfWork(self, today)
            recording = RecordingWithDeletions(self.organisation, book, today)
            results.append(recording.apply(read_record(raw), raw))
            while recording.unfinished:
                recording.go_on()
            book.keep()
        return results

    def record_at_once(self, records: Iterable[Any], today: int) -> list[Result]:
        """Applies decoded records in their order on a day, in one unit of work."""
        book = MemoryUnitOfWork(self, today)
        recording = RecordingWithDeletions(self.organisation, book, today)
        results = []
        for raw in records:
            results.append(recording.apply(read_record(raw), raw))
            while recording.unfinished:
                recording.go_on()
        book.keep()
        return results

    def close_documents(self, today: int) -> int:
        """Closes what time has closed; how many documents."""
        moved = 0
        for document in self.documents():
            book = MemoryUnitOfWork(self, today)
            moved += Recording(self.organisation, book, today).close_document(document.kind, document.id)
            book.keep()
        return moved

    def accounts(self, side: Side, day: int, today: int) -> Iterator[tuple[Account, list[DatedDocument]]]:
        """What a reader is given for `day` by the open and the settled set, as they stand on `today`."""
        for account, documents in self._every(side):
            opened = [document.dated for document in documents if not document.closed]
            if day >= today:
                if opened or account.money_ends_on() > today:
                    yield account.account(), opened
                continue
            settled = [d.dated for d in documents if d.closed and closed_from(d.dated) > year_before(day)]
            if opened or settled or account.money_ends_on() > day:
                yield without(self._with_all_reminders(account), settled), [*opened, *settled]

    def full_accounts(self, side: Side) -> Iterator[tuple[Account, list[DatedDocument]]]:
        """Every account with every document, nothing added up: what any day may be judged by."""
        for account, documents in self._every(side):
            settled = [document.dated for document in documents if document.closed]
            yield without(self._with_all_reminders(account), settled), [document.dated for document in documents]

    def account_states(self) -> list[AccountState]:
        """Every counterparty."""
        return [pickle.loads(kept) for (kind, _), kept in sorted(self.kept.items()) if kind == "account"]

    def counterparty_record(self, account: AccountState) -> CounterpartyRecord:
        """What the records of a counterparty itself say."""
        kept = self.kept.get(("counterparty", account.key))
        return CounterpartyRecord() if kept is None else pickle.loads(kept)

    def documents(self) -> list[Document]:
        """Every document, those only heard of too."""
        return [pickle.loads(kept) for (kind, _), kept in sorted(self.kept.items()) if kind in ("invoice", "bill")]

    def collection(self, today: int) -> Figures:
        """Finalized invoices by issue month, payment status and currency: how many, and their gross total."""
        sums: dict[tuple[str, str, str], list[int]] = {}
        for (month, day), figures in self.figures.items():
            for (status, currency), (count, amount) in figures.items():
                if day <= today:
                    entry = sums.setdefault((month, status, currency), [0, 0])
                    entry[0] += count
                    entry[1] += amount
        return {figure: (count, amount) for figure, (count, amount) in sums.items() if count}

    def _every(self, side: Side) -> Iterator[tuple[AccountState, list[Document]]]:
        documents: dict[str | None, list[Document]] = {}
        for document in self.documents():
            documents.setdefault(document.account, []).append(document)
        for account in self.account_states():
            if account.side is side and (account.key in documents or account.money_ends_on()):
                yield account, documents.get(account.key, [])

    def _with_all_reminders(self, account: AccountState) -> Account:
        reminders = read_reminders(
            self.organisation, {id_: part.content for id_, part in self.counterparty_record(account).reminders.items()}
        )
        return account.account()._replace(reminders=reminders)


class MemoryUnitOfWork:
    """A memory ledger as a unit of work (arrears.ledger.unit_of_work.UnitOfWork) for one record."""

    def __init__(self, ledger: MemoryLedger, today: int) -> None:
        self._ledger = ledger
        self._today = today
        self._entities: dict[tuple[str, str], Touched] = {}
        self._keys: dict[int, tuple[str, str]] = {}
        self._touched: dict[tuple[str, str], Touched] = {}

    def keep(self) -> None:
        """Keeps what was touched."""
        for key, entity in self._touched.items():
            self._ledger.kept[key] = pickle.dumps(entity)

    def _entity(self, key: tuple[str, str], new: Touched) -> Any:
        if key not in self._entities:
            kept = self._ledger.kept.get(key)
            self._entities[key] = new if kept is None else pickle.loads(kept)
            self._keys[id(self._entities[key])] = key
        return self._entities[key]

    def document(self, kind: str, id: str, reference: str) -> Document:
        return self._entity((kind, id), Document(kind, id, reference))

    def account(self, key: str, reference: str) -> AccountState:
        shard = int(key[1:9], 16) % self._ledger.organisation.shards
        return self._entity(("account", key), AccountState(key, reference, shard=shard))

    def on_account(self, kind: str, id: str, reference: str) -> OnAccountRecord:
        return self._entity((f"{kind} on account", id), OnAccountRecord(kind, id, reference))

    def counterparty_record(self, account: AccountState) -> CounterpartyRecord:
        return self._entity(("counterparty", account.key), CounterpartyRecord())

    def target(self, kind: str, id: str) -> str | None:
        return self._ledger.pointers.get((kind, id))

    def deleted_at(self, kind: str, id: str) -> str | None:
        return self._ledger.deleted.get((kind, id))

    def point_deleted(self, kind: str, id: str, moment: str) -> None:
        self._ledger.pointers.pop((kind, id), None)
        self._ledger.deleted[kind, id] = moment

    def forget_target(self, kind: str, id: str) -> None:
        self._ledger.pointers.pop((kind, id), None)
        self._ledger.deleted.pop((kind, id), None)

    def point(self, kind: str, id: str, target: str) -> None:
        self._ledger.pointers[kind, id] = target
        self._ledger.deleted.pop((kind, id), None)

    def account_number(self, number: str) -> str | None:
        return self._ledger.numbers.get(number)

    def move_number(self, account: AccountState, before: str | None, number: str | None) -> None:
        if before and before != number:
            del self._ledger.numbers[before]
        if number:
            self._ledger.numbers[number] = account.id

    def move_external_id(self, account: AccountState, before: str | None, external_id: str | None) -> None:
        self._ledger.externals.discard((before or "", account.id))
        if external_id:
            self._ledger.externals.add((external_id, account.id))

    def put_lines(self, document: Document, lines: list[list[str | None]]) -> None:
        self._ledger.lines.pop(document.id, None)
        if lines:
            self._ledger.lines[document.id] = lines

    def documents_of(self, account: AccountState) -> Sequence[Document]:
        kept = [key for key in self._ledger.kept if key[0] in ("invoice", "bill")]
        for kind, id_ in kept:
            self.document(kind, id_, "")
        every = [entity for entity in self._entities.values() if isinstance(entity, Document)]
        return [document for document in every if document.account == account.key]

    def closed_since(self, account: AccountState, since: int) -> Sequence[Document]:
        closed = (document for document in self.documents_of(account) if document.closed)
        return [document for document in closed if closed_from(document.dated) >= since]

    def touch(self, changed: Touched) -> None:
        key = self._keys[id(changed)]
        self._touched[key] = changed

    def add_to_month(self, month: str, day: int, figure: tuple[str, str], count: int, amount: int) -> None:
        assert 0 <= day < NEVER
        sums = self._ledger.figures.setdefault((month, day), {}).setdefault(figure, [0, 0])
        sums[0] += count
        sums[1] += amount
