"""The unit of work that records are applied to: the items read from the ledger, and what has changed in them since.

Everything that a flush changes goes into one transaction, each item on the condition that nobody has changed it since
it was read. The transaction is applied whole or not at all, so a retry finds either the old versions or its own work.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from botocore.exceptions import ClientError

from arrears.ledger.accounts import HELD_AGAIN, AccountState, CounterpartyRecord
from arrears.ledger.dated_document import DatedDocument, closed_from
from arrears.ledger.days import NEVER, month_of
from arrears.ledger.documents import Document
from arrears.ledger.figures import Cells, add_cells
from arrears.ledger.ledger_side import Side
from arrears.ledger.on_account_records import OnAccountRecord
from arrears.ledger.organisation import Organisation
from arrears.ledger.origin import OPERATOR, Origin
from arrears.storage.client import write_fast
from arrears.storage.dynamodb import Item, Key, get_items
from arrears.storage.ledger import codec, entities, keys
from arrears.storage.ledger.change_entries import Entry
from arrears.storage.ledger.change_log import entry_actions, present_moment
from arrears.storage.ledger.entities import Entity, StoredRows, StoredStanding
from arrears.storage.ledger.index_lookup import IndexLookup
from arrears.storage.ledger.month_figures import CollectionFigure, MonthChanges
from arrears.storage.transactions import BRIEF_WAITS, Failure, error_codes, failure_of, transact

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

MOST_ACTIONS = 100
MOST_BYTES = 3_500_000
"""What one transaction may hold: DynamoDB takes 100 actions and 4 MB, of which keys and names take a part."""


class Conflict(Exception):
    """Somebody else has changed what this was read from; read it again. in_months: or adds to the same months' slot."""

    def __init__(self, in_months: bool = False) -> None:
        super().__init__()
        self.in_months = in_months


class Crowded(Exception):
    """More has changed than one transaction can hold; flush more often."""


@dataclass(slots=True)
class _Entry:
    """An item as it is stored, and the one object that was made of it.

    previous, history, money: of an account, its counts, its long history and its many changes of money on account
    (None: it has none) as they are stored.
    rows, held: of an account, where it is listed as it is stored, and whether it holds its open documents.
    standing: of a document, as it is stored.
    """

    key: Key
    item: Item | None
    entity: Entity | None = None
    version: int = 0
    previous: AccountState | None = None
    history: str | None = None
    money: str | None = None
    rows: StoredRows = entities.NOT_LISTED
    held: bool = True
    standing: StoredStanding | None = None

    def packed(self) -> str:
        """What an item beside an account's holds."""
        return "" if self.item is None else str(self.item["b"]["S"])


class _PointerChange(NamedTuple):
    """What a pointer was read to lead to, and what it is to lead to."""

    previous: str | None
    target: str | None


class _Write(NamedTuple):
    """What a transaction does to an item, and the item before it."""

    action: Any
    key: Key
    before: Item | None


class StoredUnitOfWork:
    """A ledger table as a unit of work (arrears.ledger.unit_of_work.UnitOfWork) for one organisation on one day.

    slot: of the months whose figures it adds to. waits: before a throttled transaction is sent again.
    origin: who changes it. clock: the present in microseconds since 1970. kept: what the change log is to have of a
    change, if that is not all of it.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        organisation: Organisation,
        today: int,
        slot: int = 0,
        waits: Sequence[float] = BRIEF_WAITS,
        origin: Origin = OPERATOR,
        clock: Callable[[], int] = present_moment,
        kept: Callable[[Entry], Entry] | None = None,
    ) -> None:
        self._client = client
        self._table = table
        self._organisation = organisation
        self._today = today
        self._origin = origin
        self._clock = clock
        self._kept = kept
        self._moment = 0
        self._slot = slot
        self._waits = waits
        write_fast(client)
        self._index = IndexLookup(client, table, organisation)
        self._entries: dict[Key, _Entry] = {}
        self._entry_of: dict[int, _Entry] = {}
        self._documents: defaultdict[str | None, dict[Key, _Entry]] = defaultdict(dict)
        """The documents that were read or written, by the account that they are stored with."""
        self._changed: dict[Key, _Entry] = {}
        self._items_apart: dict[Key, int] = {}
        self._pointers: dict[Key, _PointerChange] = {}
        self._unconditional: dict[Key, Item | None] = {}
        self._before: dict[Key, Item | None] = {}
        """What is stored under the keys of these."""
        self._rows: dict[Key, StoredRows] = {}
        self._months = MonthChanges(organisation.id)
        self._touched_months: set[tuple[Side, str, int]] = set()

    # What is read

    def prefetch(self, wanted: Iterable[Key]) -> None:
        """Reads these items, and what they lead to, in as few requests as there are hundreds of them."""
        while missing := [key for key in dict.fromkeys(wanted) if key not in self._entries]:
            found = get_items(self._client, self._table, missing)
            for key in missing:
                self._keep(key, found.get(key))
            wanted = [further for key, item in found.items() for further in self._led_to(key, item)]

    def _led_to(self, key: Key, item: Item) -> list[Key]:
        """A document leads to its account, an account to a long history, a pointer to what it is on."""
        organisation, (_, part) = self._organisation.id, key
        standing = self._entries[key].standing
        if standing is not None:
            account = standing.account
            return [] if account is None else [keys.account_key(organisation, account)]
        if part == keys.ACCOUNT:
            return entities.kept_apart(key, item)
        if part == keys.POINTER:
            document = keys.document_target(item["t"]["S"])
            return [] if document is None else [keys.document_key(organisation, *document)]
        return []

    def _entry(self, key: Key) -> _Entry:
        if key not in self._entries:
            self.prefetch([key])
        return self._entries[key]

    def document(self, kind: str, id: str, reference: str) -> Document:
        """The invoice or bill of an outward id."""

        def read(item: Item | None) -> Document:
            return Document(kind, id, reference) if item is None else entities.read_document(kind, id, item)

        return self._entity(keys.document_key(self._organisation.id, kind, id), read)

    def account(self, key: str, reference: str) -> AccountState:
        """The counterparty of a key."""
        account_key = keys.account_key(self._organisation.id, key)

        def read(item: Item | None) -> AccountState:
            if item is None:
                return AccountState(key, reference, shard=int(key[1:9], 16) % self._organisation.shards)
            history, money = self._kept_apart(account_key)
            return entities.read_account(key, item, history, money)

        account = self._entity(account_key, read)
        entry = self._entries[account_key]
        if entry.previous is None:
            entry.previous = _counts(account)
            entry.history, entry.money = self._kept_apart(account_key)
            entry.rows = entities.stored_rows(account, entry.item)
            entry.held = not (account.large or entry.rows.older)
            if entry.rows.older:
                account.opened = self._listed_documents(account)
        return account

    def _listed_documents(self, account: AccountState) -> dict[str, DatedDocument]:
        """The open documents of an account as they are stored, by id; they are listed by themselves."""

        def counts(standing: StoredStanding) -> bool:
            return standing.closed_from is None

        self._look_up(account, self._index.opened(account), counts, self._previous(account).open)
        stored = {}
        for entry in self._documents[account.key].values():
            if entry.item is not None and entry.standing is not None and counts(entry.standing):
                id_ = keys.document_id(entry.key)
                stored[id_] = DatedDocument(id_, *json.loads(entry.item["p"]["S"]))
        return stored

    def _kept_apart(self, account: Key) -> tuple[str | None, str | None]:
        """What the items of its history and of its money on account hold; they were read with it, if it has them."""
        beside = keys.history_key_beside(account), keys.money_key_beside(account)
        history, money = map(self._entries.get, beside)
        return None if history is None else history.packed(), None if money is None else money.packed()

    def on_account(self, kind: str, id: str, reference: str) -> OnAccountRecord:
        """The payment or credit of an outward id as money on account."""

        def read(item: Item | None) -> OnAccountRecord:
            return OnAccountRecord(kind, id, reference) if item is None else entities.read_on_account(kind, id, item)

        return self._entity(keys.on_account_key(self._organisation.id, kind, id), read)

    def counterparty_record(self, account: AccountState) -> CounterpartyRecord:
        """What the records of the counterparty itself say."""

        def read(item: Item | None) -> CounterpartyRecord:
            return CounterpartyRecord() if item is None else entities.read_counterparty_record(item)

        return self._entity(keys.account_key(self._organisation.id, account.key, keys.COUNTERPARTY), read)

    def _entity[E: Entity](self, key: Key, read: Callable[[Item | None], E]) -> E:
        """The one object of a key; a key's kind of object never varies."""
        entry = self._entry(key)
        if entry.entity is None:
            entry.entity = read(entry.item)
            entry.version = 0 if entry.item is None else int(entry.item["v"]["N"])
            self._entry_of[id(entry.entity)] = entry
        return cast("E", entry.entity)

    def target(self, kind: str, id: str) -> str | None:
        """What a payment, credit, dispute, reminder or promise is on."""
        target = self._target(keys.pointer_key(self._organisation.id, kind, id))
        return None if target is None or keys.deleted_at(target) is not None else target

    def deleted_at(self, kind: str, id: str) -> str | None:
        """When a payment, credit, dispute, reminder or promise was deleted; None while it is not."""
        target = self._target(keys.pointer_key(self._organisation.id, kind, id))
        return None if target is None else keys.deleted_at(target)

    def account_number(self, number: str) -> str | None:
        """The customer id that holds an account number."""
        return self._target(keys.number_key(self._organisation.id, number))

    def _target(self, key: Key) -> str | None:
        if key in self._pointers:
            return self._pointers[key].target
        item = self._entry(key).item
        return None if item is None else str(item["t"]["S"])

    def documents_of(self, account: AccountState) -> list[Document]:
        """Every document of a counterparty."""
        expected = self._previous(account).documents
        self._look_up(account, self._index.documents(account), lambda _: True, expected)
        return list(self._documents_in_hand(account))

    def closed_since(self, account: AccountState, since: int) -> list[Document]:
        """Its documents that are closed from a day or later."""
        previous = self._previous(account)
        expected, start = previous.closed_count_since(since), since
        if expected is None:
            # How many closed since then is not known, only how many ever did: all are read, to know that none lacks.
            expected, start = previous.documents - previous.open, 0

        def counts(standing: StoredStanding) -> bool:
            return standing.closed_from is not None and standing.closed_from >= start

        self._look_up(account, self._index.closed_since(account, start), counts, expected)
        in_hand = self._documents_in_hand(account)
        return [document for document in in_hand if document.closed and closed_from(document.dated) >= since]

    def _previous(self, account: AccountState) -> AccountState:
        """The account's counts as they are stored."""
        previous = self._entry_of[id(account)].previous
        if previous is None:
            raise LookupError(account.key)
        return previous

    def _documents_in_hand(self, account: AccountState) -> Iterator[Document]:
        """The account's documents: those that are stored as its, and those that have changed since."""
        for entry in {**self._documents[account.key], **self._changed}.values():
            if isinstance(entry.entity, Document) and entry.entity.account == account.key:
                yield entry.entity

    def _look_up(
        self,
        account: AccountState,
        listings: Iterator[list[str]],
        counts: Callable[[StoredStanding], bool],
        expected: int,
    ) -> None:
        """Reads what is listed of an account until as many documents that count are in hand as it knows of.

        Raises Conflict when that is in vain, or the account itself is not what was read any more.
        """
        kind = "invoice" if account.side is Side.RECEIVABLE else "bill"
        while self._count_in_hand(account, counts) < expected:
            if (listed := next(listings, None)) is None:
                raise Conflict
            self.prefetch(keys.document_key(self._organisation.id, kind, id_) for id_ in listed)
            for id_ in listed:
                self.document(kind, id_, "")
            if self._count_in_hand(account, counts) < expected and self._is_outdated(account):
                raise Conflict

    def _count_in_hand(self, account: AccountState, counts: Callable[[StoredStanding], bool]) -> int:
        """How many documents that were read are stored as the account's, and count."""
        stored = self._documents[account.key].values()
        return sum(counts(entry.standing) for entry in stored if entry.standing and entry.entity is not None)

    def _is_outdated(self, account: AccountState) -> bool:
        key = keys.account_key(self._organisation.id, account.key)
        item = get_items(self._client, self._table, [key]).get(key)
        return (0 if item is None else int(item["v"]["N"])) != self._entries[key].version

    # What is changed

    def touch(self, changed: Entity) -> None:
        """Marks an object as changed."""
        entry = self._entry_of[id(changed)]
        self._changed[entry.key] = entry
        if isinstance(changed, Document) and changed.dated.issued < NEVER:
            self._touched_months.add((changed.side, month_of(changed.dated.issued), 0))
        if isinstance(changed, AccountState):
            history = entry.history is not None or entities.may_have_long_history(changed)
            money = entry.money is not None or entities.has_much_money(changed)
            # Documents change with their account where it begins or ceases to hold them.
            listed_anew = len(changed.opened) if entry.held == (changed.large or changed.has_much_open()) else 0
            rows = 1 if changed.large else len(changed.currencies())
            self._items_apart[entry.key] = history + money + listed_anew + max(0, rows - 1)

    def point(self, kind: str, id: str, target: str) -> None:
        """Remembers what a payment, credit, dispute, reminder or promise is on."""
        self._point(keys.pointer_key(self._organisation.id, kind, id), target)

    def point_deleted(self, kind: str, id: str, moment: str) -> None:
        """Remembers that it was deleted."""
        self._point(keys.pointer_key(self._organisation.id, kind, id), keys.deleted_target(moment))

    def forget_target(self, kind: str, id: str) -> None:
        """Forgets what it was on, and that it was deleted."""
        self._point(keys.pointer_key(self._organisation.id, kind, id), None)

    def _point(self, key: Key, target: str | None) -> None:
        previous = self._pointers[key].previous if key in self._pointers else self._target(key)
        self._pointers[key] = _PointerChange(previous, target)

    def move_number(self, account: AccountState, before: str | None, number: str | None) -> None:
        """Moves a customer's account number."""
        if before != number:
            if before:
                self._point(keys.number_key(self._organisation.id, before), None)
            if number:
                self._point(keys.number_key(self._organisation.id, number), account.id)

    def move_external_id(self, account: AccountState, before: str | None, external_id: str | None) -> None:
        """Moves a customer's external id."""
        if before != external_id:
            leading: Item = {"t": {"S": str(account.shard)}}
            if before:
                self._write_later(keys.external_key(self._organisation.id, before, account.id), leading, None)
            if external_id:
                self._write_later(keys.external_key(self._organisation.id, external_id, account.id), None, leading)

    def put_lines(self, document: Document, lines: list[list[str | None]]) -> None:
        """Keeps an invoice's lines, apart from it."""
        key = keys.lines_key(self._organisation.id, document.id)
        stored = None if self._entry_of[id(document)].item is None else self._entry(key).item
        self._write_later(key, stored, {"b": {"S": codec.compact(lines)}} if lines else None)

    def _write_later(self, key: Key, stored: Item | None, attributes: Item | None) -> None:
        """Writes an item without a condition; it is deleted where there is nothing to keep."""
        self._before.setdefault(key, stored)
        self._unconditional[key] = attributes

    def add_to_month(self, month: str, day: int, figure: tuple[str, str], count: int, amount: int) -> None:
        """Adds to a month's figure (status, currency) from `day` on; 0 for days already past."""
        self._months.add(Side.RECEIVABLE, month, day, CollectionFigure(*figure, count, amount).sums())
        self._touched_months.add((Side.RECEIVABLE, month, day))

    def add_to_sums(self, side: Side, cells: Cells) -> None:
        """Adds to the sums of the book."""
        self._months.add_cells(side, cells)

    def changes(self) -> int:
        """How many items a flush would write; what may have an item of its own beside an account's counts."""
        others = len(self._pointers) + len(self._unconditional) + len(self._touched_months)
        return len(self._changed) + sum(self._items_apart.values()) + others

    @contextmanager
    def one_change(self) -> Iterator[None]:
        """What is written meanwhile is one change: it takes several transactions, microseconds apart."""
        clock, moment = self._clock, self._clock()
        self._clock = lambda: moment
        try:
            yield
        finally:
            self._clock = clock

    # How it is written

    def flush(self) -> None:
        """Writes all changes in one transaction. Raises Conflict when something read has changed since, or Crowded."""
        self._list_documents()
        self._count_rows()
        self._moment = max(self._clock(), self._latest_read() + 1)
        months, writes = self._months.actions(self._table, self._slot), list(self._writes())
        if not writes and not months:
            return
        actions = [*(write.action for write in writes), *self._logged(writes), *months]
        if len(actions) > MOST_ACTIONS or sum(map(_size, actions)) > MOST_BYTES:
            raise Crowded
        try:
            transact(self._client, actions, self._waits)
        except ClientError as error:
            if failure_of(error) is Failure.CONFLICT:
                of_months = error_codes(error)[len(actions) - len(months) :]
                raise Conflict(any(code != "None" for code in of_months)) from error
            raise
        self._note_written(actions)

    def _latest_read(self) -> int:
        """The moment of the last change of what this changes, as it was read: it is a later change."""
        pointers = (self._entries[key].item for key in self._pointers)
        deleted = (int(item["v"]["N"]) for item in pointers if item is not None and "v" in item)
        return max([0, *(entry.version for entry in self._changed.values()), *deleted])

    def _logged(self, writes: Iterable[_Write]) -> list[Any]:
        before = {write.key: write.before for write in writes}
        entry = Entry(self._moment, self._origin, before, self._months.changes())
        return entry_actions(self._table, self._organisation.id, entry if self._kept is None else self._kept(entry))

    def _list_documents(self) -> None:
        """Decides which changed accounts hold their open documents; where that changes, the documents change with it.

        An account that has many lists them by themselves, so that a write of one does not pay for all.
        """
        for entry in list(self._changed.values()):
            account = entry.entity
            if not isinstance(account, AccountState):
                continue
            if account.large and account.open <= HELD_AGAIN:
                self._hold_again(account)
            if not account.large:
                account.large = account.has_much_open()
            if account.large == entry.held:
                kind = "invoice" if account.side is Side.RECEIVABLE else "bill"
                self.prefetch(keys.document_key(self._organisation.id, kind, id_) for id_ in account.opened)
                for id_ in account.opened:
                    self.touch(self.document(kind, id_, ""))
            if account.large:
                account.sum_up(self._today)
                account.bound()

    def _hold_again(self, account: AccountState) -> None:
        self._listed_documents(account)
        in_hand = self._documents_in_hand(account)
        account.opened = {document.id: document.dated for document in in_hand if not document.closed}
        account.summed, account.large, account.whole = {}, False, False

    def _note_written(self, actions: Iterable[Any]) -> None:
        """From now on what was written is what is stored."""
        for entry in self._changed.values():
            entry.version = self._moment
            if isinstance(entry.entity, AccountState):
                entry.previous = _counts(entry.entity)
                entry.rows, entry.held = self._rows[entry.key], not entry.entity.large
                entry.history = entities.packed_long_history(entry.entity)
                entry.money = entities.packed_much_money(entry.entity)
        for action in actions:
            item = action["Put"]["Item"] if "Put" in action else {}
            if item and "z" not in item:
                self._keep((item["pk"]["S"], item["sk"]["S"]), item)
        for key, (_, target) in self._pointers.items():
            if target is None:
                self._keep(key, None)
        for key, attributes in self._unconditional.items():
            if attributes is None:
                self._keep(key, None)
        self._months.clear()
        self._touched_months.clear()
        for written in (self._changed, self._items_apart, self._pointers, self._unconditional, self._before):
            written.clear()

    def _keep(self, key: Key, item: Item | None) -> None:
        """Takes an item as what is stored now."""
        entry = self._entries.setdefault(key, _Entry(key, item))
        if entry.standing is not None:
            del self._documents[entry.standing.account][key]
        entry.item, entry.standing = item, None
        if item is not None and key[1] == keys.DOCUMENT:
            if isinstance(entry.entity, Document):
                entry.standing = entities.standing_of(entry.entity)
            else:
                entry.standing = entities.stored_standing(item)
            self._documents[entry.standing.account][key] = entry

    def _writes(self) -> Iterator[_Write]:
        for entry in self._changed.values():
            yield from self._entity_writes(entry)
        for key, change in self._pointers.items():
            if change.previous != change.target:
                yield _Write(self._pointer_action(key, change), key, self._entries[key].item)
        for key, attributes in self._unconditional.items():
            yield _Write(self._unconditional_action(key, attributes), key, self._before[key])

    def _count_rows(self) -> None:
        """Works out where changed accounts are listed, and adds the difference to the sums of the book."""
        self._rows = {}
        cells: dict[Side, Cells] = {}
        for entry in self._changed.values():
            account = entry.entity
            if isinstance(account, AccountState):
                rows = self._rows[entry.key] = entities.rows_of(account, self._today)
                sums = cells.setdefault(account.side, {})
                add_cells(sums, (rows.cells or {}).items())
                add_cells(sums, (entry.rows.cells or {}).items(), -1)
        for side, sums in cells.items():
            self.add_to_sums(side, sums)

    def _entity_writes(self, entry: _Entry) -> Iterator[_Write]:
        entity = entry.entity
        if isinstance(entity, Document):
            yield self._put(entry, entities.document_item(self._organisation.id, entity, self._is_held(entity)))
        elif isinstance(entity, CounterpartyRecord):
            yield self._put(entry, entities.counterparty_item(entity))
        elif isinstance(entity, OnAccountRecord):
            yield self._put(entry, entities.on_account_item(self._organisation.id, entity))
        elif entity is not None:
            rows = self._rows[entry.key]
            item = entities.account_item(self._organisation.id, entity, rows, self._today)
            yield self._put(entry, item)
            yield from self._further_rows(entry, entity, rows, item)
            yield from self._apart(
                keys.history_key_beside(entry.key), entry.history, entities.packed_long_history(entity)
            )
            yield from self._apart(keys.money_key_beside(entry.key), entry.money, entities.packed_much_money(entity))

    def _is_held(self, document: Document) -> bool:
        """Whether its account holds it while it is open."""
        if document.account is None:
            return False
        account = self.account(document.account, "")
        entry = self._entry_of[id(account)]
        return entry.held if entry.key not in self._changed else not account.large

    def _further_rows(self, entry: _Entry, account: AccountState, rows: StoredRows, item: Item) -> Iterator[_Write]:
        for currency in sorted(rows.further | entry.rows.further):
            key = keys.row_key(entry.key, currency)
            before = self._row_item(account, currency, entry.rows, entry.item)
            further = self._row_item(account, currency, rows, item)
            yield _Write(self._unconditional_action(key, further), key, before)

    def _row_item(self, account: AccountState, currency: str, rows: StoredRows, item: Item | None) -> Item | None:
        if item is None or currency not in rows.further:
            return None
        return entities.further_row_item(self._organisation.id, account, currency, rows, item)

    def _put(self, entry: _Entry, attributes: Item) -> _Write:
        (pk, sk), version = entry.key, entry.version
        put: dict[str, Any] = {
            "TableName": self._table,
            "Item": {"pk": {"S": pk}, "sk": {"S": sk}, "v": {"N": str(self._moment)}, **attributes},
            "ConditionExpression": "v = :v" if version else "attribute_not_exists(pk)",
        }
        if version:
            put["ExpressionAttributeValues"] = {":v": {"N": str(version)}}
        return _Write({"Put": put}, entry.key, entry.item)

    def _apart(self, key: Key, stored: str | None, packed: str | None) -> Iterator[_Write]:
        """What is long has an item of its own, out of the index; it is written only when it changes."""
        if packed != stored:
            before, attributes = (None if text is None else {"b": {"S": text}} for text in (stored, packed))
            yield _Write(self._unconditional_action(key, attributes), key, before)

    def _pointer_action(self, key: Key, change: _PointerChange) -> Any:
        """A pointer is put or deleted on the condition that it still leads where it was read to lead."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if change.previous is not None:
            values = {":previous": {"S": change.previous}}
            condition = {"ConditionExpression": "t = :previous", "ExpressionAttributeValues": values}
        action = self._unconditional_action(key, self._pointer_attributes(key, change.target))
        next(iter(action.values())).update(condition)
        return action

    def _pointer_attributes(self, key: Key, target: str | None) -> Item | None:
        """One whose record was deleted is in the index: it is how the organisation's deletion finds it.

        It has a version, as it may be all that is left of the record: what is written after it has a later moment.
        """
        if target is None:
            return None
        if keys.deleted_at(target) is None:
            return {"t": {"S": target}}
        partition = keys.deleted_partition(self._organisation.id)
        index = {"ipk": {"S": partition}, "isk": {"S": keys.deleted_sort_key(key)}}
        return {"v": {"N": str(self._moment)}, "t": {"S": target}, **index}

    def _unconditional_action(self, key: Key, attributes: Item | None) -> Any:
        """A put, or a delete where there is nothing to keep; safe as it goes with an item that has a condition."""
        pk, sk = key
        item_key = {"pk": {"S": pk}, "sk": {"S": sk}}
        if attributes is None:
            return {"Delete": {"TableName": self._table, "Key": item_key}}
        return {"Put": {"TableName": self._table, "Item": {**item_key, **attributes}}}


def _counts(account: AccountState) -> AccountState:
    """A copy of an account's counts that later changes do not reach: its days are counted in place."""
    return replace(
        account,
        closed_by_day=dict(account.closed_by_day),
        history={},
        money={},
        promises=[],
        reminders=[],
        names=[],
        opened={},
        summed={},
    )


def _size(action: dict[str, Any]) -> int:
    item = action["Put"]["Item"] if "Put" in action else {}
    return sum(len(text.encode()) for value in item.values() if (text := value.get("S") or value.get("B")))
