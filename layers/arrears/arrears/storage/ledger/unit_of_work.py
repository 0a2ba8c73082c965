"""The book that records are applied to: what was read of the ledger, and what has changed since.

Everything that a flush changes goes into one transaction, each item on the condition that nobody has changed it since
it was read. Applied or not at all, a retry finds either the old versions or its own work.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from arrears.ledger.accounts import AccountState, File
from arrears.ledger.document_facts import merged, rest_day
from arrears.ledger.documents import Document
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.storage.ledger import codec, keys
from arrears.storage.ledger.keys import Key
from arrears.storage.ledger.reader import Item, get_items, stored_history
from arrears.storage.transactions import Failure, failure_of, transact

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

INLINE_HISTORY_BYTES = 600
"""A longer history has an item of its own, so that what changes without it does not pay for it."""
INLINE_HISTORY_DAYS = 12
"""So many days never take that much."""
MOST_ACTIONS = 100
MOST_BYTES = 3_500_000
"""What one transaction may hold: DynamoDB takes 100 actions and 4 MB, of which keys and names take a part."""
_INDEX_WAIT_SECONDS = (0.05, 0.2, 0.5, 1.0, 2.0)

type Entity = Document | AccountState | File


class Conflict(Exception):
    """Somebody else has changed what this book was read from; read it again."""


class Crowded(Exception):
    """More has changed than one transaction can hold; flush more often."""


class StoredBook:
    """A ledger table seen as a book (arrears.ledger.recording.Book), for one organisation and one chunk of work."""

    def __init__(self, client: "DynamoDBClient", table: str, organisation: Organisation, today: int) -> None:
        self._client = client
        self._table = table
        self._organisation = organisation
        self._today = today
        self._items: dict[Key, Item | None] = {}
        self._entities: dict[Key, Entity] = {}
        self._keys: dict[int, Key] = {}
        self._versions: dict[Key, int] = {}
        self._histories: dict[str, str] = {}
        self._stood: dict[str, AccountState] = {}
        self._touched: dict[Key, Entity] = {}
        self._lines: dict[Key, str | None] = {}
        self._pointers: dict[Key, tuple[str | None, str | None]] = {}
        self._external: dict[Key, int | None] = {}
        self._figures: dict[Key, dict[str, int]] = {}

    # What is read

    def prefetch(self, wanted: Iterable[Key]) -> None:
        """Reads these items, and what they lead to, in as few requests as there are hundreds of them."""
        while missing := [key for key in wanted if key not in self._items and key not in self._entities]:
            found = get_items(self._client, self._table, missing)
            for key in missing:
                self._items[key] = found.get(key)
            wanted = [further for key, item in found.items() for further in self._led_to(key, item)]

    def _led_to(self, key: Key, item: Item) -> list[Key]:
        """A document leads to its account, an account to a long history, a pointer to what it is on."""
        organisation = self._organisation.id
        if key[1] == keys.DOCUMENT:
            account = json.loads(item["b"]["S"])["account"]
            return [] if account is None else [keys.account_key(organisation, account)]
        if key[1] == keys.ACCOUNT and json.loads(item["b"]["S"])["history"] is None:
            return [(key[0], keys.HISTORY)]
        if key[1] == keys.POINTER and item["t"]["S"][0] in "ib":
            target = item["t"]["S"]
            return [keys.document_key(organisation, target[0], target[1:])]
        return []

    def _item(self, key: Key) -> Item | None:
        if key not in self._items:
            self.prefetch([key])
        return self._items[key]

    def document(self, kind: str, id: str, reference: str) -> Document:
        """The invoice or bill of an outward id."""
        key = keys.document_key(self._organisation.id, kind, id)

        def read(item: Item | None) -> Document:
            return Document(kind, id, reference) if item is None else read_document(kind, id, item)

        return self._entity(key, read)

    def account(self, key: str, reference: str) -> AccountState:
        """The counterparty of a key."""

        def read(item: Item | None) -> AccountState:
            known = self._new_account(key, reference) if item is None else self._account(key, item)
            self._stood[key] = _as_it_stands(known)
            return known

        return self._entity(keys.account_key(self._organisation.id, key), read)

    def _new_account(self, key: str, reference: str) -> AccountState:
        return AccountState(key, reference, shard=int(key[1:9], 16) % self._organisation.shards)

    def _account(self, key: str, item: Item) -> AccountState:
        account = codec.unpack_account(key[1:], json.loads(item["p"]["S"]))
        state = json.loads(item["b"]["S"])
        apart = None
        if state.pop("history") is None:
            apart = self._item(keys.account_key(self._organisation.id, key, keys.HISTORY))
            self._histories[key] = apart["b"]["S"] if apart else ""
        history = stored_history(item, apart)
        state["rested"] = {int(day): count for day, count in state["rested"].items()}
        return AccountState(
            key,
            reminders=list(account.reminders),
            promises=list(account.promises),
            trimmed=account.trimmed,
            history={settled.day: settled for settled in history},
            **state,
        )

    def file(self, account: AccountState) -> File:
        """What was told of the counterparty itself."""

        def read(item: Item | None) -> File:
            return File() if item is None else File(**json.loads(item["b"]["S"]))

        return self._entity(keys.account_key(self._organisation.id, account.key, keys.FILE), read)

    def _entity[E: Entity](self, key: Key, read: Callable[[Item | None], E]) -> E:
        """The one object of a key; a key's kind of object never varies."""
        known = self._entities.get(key)
        if known is None:
            item = self._item(key)
            known = self._entities[key] = read(item)
            self._keys[id(known)] = key
            self._versions[key] = 0 if item is None else int(item["v"]["N"])
        return cast("E", known)

    def target(self, kind: str, id: str) -> str | None:
        """What a payment, credit, dispute, reminder or promise is on."""
        return self._pointed(keys.pointer_key(self._organisation.id, kind, id))

    def account_number(self, number: str) -> str | None:
        """The customer id that holds an account number."""
        return self._pointed(keys.number_key(self._organisation.id, number))

    def _pointed(self, key: Key) -> str | None:
        if key in self._pointers:
            return self._pointers[key][1]
        item = self._item(key)
        return None if item is None else str(item["t"]["S"])

    def documents_of(self, account: AccountState) -> list[Document]:
        """Every document of a counterparty."""
        opened, settled = self._partitions(account)
        stood = self._stood[account.key]
        found = self._listed(account, [(opened, account.id), (settled, "")], lambda _: True, stood.documents)
        return [document for document in found if document.account == account.key]

    def rested(self, account: AccountState, since: int) -> list[Document]:
        """Its documents that came to rest on a day or later."""
        settled = self._partitions(account)[1]
        start = f"{since:07d}"

        def counts(item: Item) -> bool:
            return bool(item["ipk"]["S"] == settled and item["isk"]["S"] >= start)

        expected = self._stood[account.key].rested_since(since)
        if expected is None:
            return [d for d in self.documents_of(account) if d.at_rest and rest_day(d.facts) >= since]
        found = self._listed(account, [(settled, start)], counts, expected)
        return [d for d in found if d.account == account.key and d.at_rest and rest_day(d.facts) >= since]

    def _partitions(self, account: AccountState) -> tuple[str, str]:
        place = self._organisation.id, account.shard, account.side
        return keys.open_partition(*place), keys.rest_partition(*place)

    def _listed(
        self,
        account: AccountState,
        ranges: Iterable[tuple[str, str]],
        counts: Callable[[Item], bool],
        expected: int,
    ) -> list[Document]:
        """The documents that the index has in some ranges, and those in hand.

        The index lags by moments: it is asked until as many that count are there as the account knows of. Raises
        Conflict when that is in vain, or the account itself is not what was read any more.
        """
        kind = "invoice" if account.side is Side.RECEIVABLE else "bill"
        for wait in _INDEX_WAIT_SECONDS:
            indexed = [id_ for partition, start in ranges for id_ in self._indexed(account.id, partition, start)]
            listed = [keys.document_key(self._organisation.id, kind, id_) for id_ in indexed]
            self.prefetch(listed)
            for id_ in indexed:
                self.document(kind, id_, "")
            in_hand = [key for key, entity in self._entities.items() if isinstance(entity, Document)]
            stored = [item for key in dict.fromkeys([*listed, *in_hand]) if (item := self._items.get(key))]
            if sum(_stands_with(item, account) and counts(item) for item in stored) >= expected:
                return [entity for entity in self._entities.values() if isinstance(entity, Document)]
            if self._is_outdated(account):
                break
            time.sleep(wait)
        raise Conflict

    def _is_outdated(self, account: AccountState) -> bool:
        key = keys.account_key(self._organisation.id, account.key)
        stands = get_items(self._client, self._table, [key]).get(key)
        return (0 if stands is None else int(stands["v"]["N"])) != self._versions[key]

    def _indexed(self, account: str, partition: str, start: str) -> list[str]:
        """Ids of the documents that the index has under an account: from a rest day on, or among the open ones."""
        condition, values = "ipk = :partition", {":partition": {"S": partition}}
        if start:
            comparison = "begins_with(isk, :start)" if start == account else "isk >= :start"
            condition, values[":start"] = f"{condition} AND {comparison}", {"S": start}
        return [
            place[-36:]
            for page in codec.query(
                self._client,
                TableName=self._table,
                IndexName=keys.INDEX,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ProjectionExpression="isk",
            )
            for place in (item["isk"]["S"] for item in page)
            if len(place) > 45 and account in place[:44]
        ]

    # What is changed

    def touch(self, changed: Entity) -> None:
        """Marks a document, counterparty or file as changed."""
        key = self._keys[id(changed)]
        self._touched[key] = changed

    def point(self, kind: str, id: str, target: str) -> None:
        """Remembers what a payment, credit, dispute, reminder or promise is on."""
        self._point(keys.pointer_key(self._organisation.id, kind, id), target)

    def _point(self, key: Key, target: str | None) -> None:
        stood = self._pointers[key][0] if key in self._pointers else self._pointed(key)
        self._pointers[key] = (stood, target)

    def give_number(self, account: AccountState, before: str | None, number: str | None) -> None:
        """Moves a customer's account number."""
        if before != number:
            if before:
                self._point(keys.number_key(self._organisation.id, before), None)
            if number:
                self._point(keys.number_key(self._organisation.id, number), account.id)

    def give_external_id(self, account: AccountState, before: str | None, external_id: str | None) -> None:
        """Moves a customer's external id."""
        if before != external_id:
            if before:
                self._external[keys.external_key(self._organisation.id, before, account.id)] = None
            if external_id:
                self._external[keys.external_key(self._organisation.id, external_id, account.id)] = account.shard

    def put_lines(self, document: Document, lines: list[list[str | None]]) -> None:
        """Keeps an invoice's lines, apart from it."""
        self._lines[keys.lines_key(self._organisation.id, document.id)] = codec.compact(lines) if lines else None

    def roll(self, month: str, shard: int, day: int, figure: tuple[str, str], count: int, amount: int) -> None:
        """Adds to a month's figure (status, currency) from `day` on; 0 for days already past."""
        sums = self._figures.setdefault(keys.month_key(self._organisation.id, month, shard, day), {})
        name = ":".join(figure)
        for kind, change in (("n:", count), ("a:", amount)):
            sums[kind + name] = sums.get(kind + name, 0) + change

    def changes(self) -> int:
        """How many items a flush would write; a history counts that may have an item of its own."""
        histories = sum(
            isinstance(entity, AccountState) and self._may_split(entity) for entity in self._touched.values()
        )
        rest = len(self._pointers) + len(self._external) + len(self._lines) + len(self._figures)
        return len(self._touched) + histories + rest

    def _may_split(self, account: AccountState) -> bool:
        return len(account.history) > INLINE_HISTORY_DAYS or account.key in self._histories

    # How it is written

    def flush(self) -> None:
        """Writes all changes in one transaction. Raises Conflict when something read has changed since, or Crowded."""
        actions = self._actions()
        if not actions:
            return
        if len(actions) > MOST_ACTIONS or sum(map(_size, actions)) > MOST_BYTES:
            raise Crowded
        try:
            transact(self._client, actions)
        except ClientError as error:
            if failure_of(error) is Failure.CONFLICT:
                raise Conflict from error
            raise
        self._settle_versions(actions)

    def _settle_versions(self, actions: Iterable[Any]) -> None:
        for key, entity in self._touched.items():
            self._versions[key] += 1
            if isinstance(entity, AccountState):
                self._stood[entity.key] = _as_it_stands(entity)
                self._note_history(entity)
        for action in actions:
            if "Put" in action:
                item = action["Put"]["Item"]
                self._items[item["pk"]["S"], item["sk"]["S"]] = item
        for key, (_, target) in self._pointers.items():
            if target is None:
                self._items[key] = None
        for changed in (self._touched, self._pointers, self._external, self._lines, self._figures):
            changed.clear()

    def _note_history(self, account: AccountState) -> None:
        history = _long_history(account)
        if history:
            self._histories[account.key] = history
        else:
            self._histories.pop(account.key, None)

    def _actions(self) -> list[Any]:
        actions = []
        for key, entity in self._touched.items():
            actions += self._puts(key, entity)
        for key, (stood, target) in self._pointers.items():
            if stood != target:
                actions.append(self._pointer_action(key, stood, target))
        for key, shard in self._external.items():
            actions.append(self._plain(key, None if shard is None else {"t": {"S": str(shard)}}))
        for key, lines in self._lines.items():
            actions.append(self._plain(key, None if lines is None else {"b": {"S": lines}}))
        actions += [_add(self._table, key, sums) for key, sums in self._figures.items() if any(sums.values())]
        return actions

    def _puts(self, key: Key, entity: Entity) -> list[Any]:
        if isinstance(entity, Document):
            return [self._put(key, self._document_item(entity))]
        if isinstance(entity, File):
            file = {"record": entity.record, "reminders": entity.reminders, "promises": entity.promises}
            return [self._put(key, {"b": {"S": codec.compact(file)}})]
        return [self._put(key, self._account_item(entity)), *self._history_action(entity)]

    def _put(self, key: Key, attributes: Item) -> Any:
        version = self._versions[key]
        put: dict[str, Any] = {
            "TableName": self._table,
            "Item": {"pk": {"S": key[0]}, "sk": {"S": key[1]}, "v": {"N": str(version + 1)}, **attributes},
            "ConditionExpression": "v = :v" if version else "attribute_not_exists(pk)",
        }
        if version:
            put["ExpressionAttributeValues"] = {":v": {"N": str(version)}}
        return {"Put": put}

    def _document_item(self, document: Document) -> Item:
        organisation, facts = self._organisation.id, document.facts
        if document.account is None:
            place = (
                keys.rest_partition(organisation, 0, document.side),
                keys.rest_place(0, keys.NO_ACCOUNT, document.id),
            )
        elif document.at_rest:
            rest = keys.rest_place(rest_day(facts), document.account[1:], document.id)
            place = keys.rest_partition(organisation, document.shard, document.side), rest
        else:
            open_place = keys.open_place(document.account[1:], facts.due, document.id)
            place = keys.open_partition(organisation, document.shard, document.side), open_place
        told = {name: getattr(document, name) for name in _TOLD_OF_DOCUMENT}
        return _indexed_item(place, codec.pack_document(facts), told)

    def _account_item(self, account: AccountState) -> Item:
        organisation = self._organisation.id
        if account.open:
            place = keys.open_partition(organisation, account.shard, account.side), account.id
        else:
            rest = keys.rest_place(account.rest, account.id)
            place = keys.rest_partition(organisation, account.shard, account.side), rest
        told = {name: getattr(account, name) for name in _TOLD_OF_ACCOUNT}
        read = account.account()
        packed = codec.pack_account(merged(read, self._today), account.key[0])
        return _indexed_item(place, packed, {**told, "history": None if _long_history(account) else read.history})

    def _history_action(self, account: AccountState) -> list[Any]:
        """A long history stands apart, out of the index."""
        key = keys.account_key(self._organisation.id, account.key, keys.HISTORY)
        history, stood = _long_history(account), self._histories.get(account.key)
        if not history:
            return [] if stood is None else [self._plain(key, None)]
        return [] if history == stood else [self._plain(key, {"b": {"S": history}})]

    def _pointer_action(self, key: Key, stood: str | None, target: str | None) -> Any:
        """A pointer is put or deleted on the condition that it still says what it was read to say."""
        if stood is None:
            condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        else:
            values = {":stood": {"S": stood}}
            condition = {"ConditionExpression": "t = :stood", "ExpressionAttributeValues": values}
        action = self._plain(key, None if target is None else {"t": {"S": target}})
        next(iter(action.values())).update(condition)
        return action

    def _plain(self, key: Key, attributes: Item | None) -> Any:
        """A put, or a delete where there is nothing to keep; safe as it goes with an item that has a condition."""
        place = {"pk": {"S": key[0]}, "sk": {"S": key[1]}}
        if attributes is None:
            return {"Delete": {"TableName": self._table, "Key": place}}
        return {"Put": {"TableName": self._table, "Item": {**place, **attributes}}}


def _as_it_stands(account: AccountState) -> AccountState:
    """A copy that later changes of the account do not reach: its days are counted in place."""
    return replace(account, rested=dict(account.rested), history=dict(account.history))


def _add(table: str, key: Key, sums: Mapping[str, int]) -> Any:
    """Adds to a month's figures; their version tells one who reads and deletes them of an addition in between."""
    moved = {**sums, "v": 1}
    return {
        "Update": {
            "TableName": table,
            "Key": {"pk": {"S": key[0]}, "sk": {"S": key[1]}},
            "UpdateExpression": "ADD " + ", ".join(f"#{place} :{place}" for place in range(len(moved))),
            "ExpressionAttributeNames": {f"#{place}": name for place, name in enumerate(moved)},
            "ExpressionAttributeValues": {
                f":{place}": {"N": str(change)} for place, change in enumerate(moved.values())
            },
        }
    }


def take_in(client: "DynamoDBClient", table: str, item: Item) -> bool:
    """Moves figures that were to count from a later day to those of today; False if somebody else changed them."""
    pk, sk = item["pk"]["S"], item["sk"]["S"]
    month, shard, _ = sk.split("#")
    sums = {name: int(Decimal(value["N"])) for name, value in item.items() if ":" in name}
    delete: Any = {
        "TableName": table,
        "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
        "ConditionExpression": "v = :v",
        "ExpressionAttributeValues": {":v": item["v"]},
    }
    today = (pk, f"{month}#{shard}#{0:07d}")
    try:
        transact(client, [{"Delete": delete}, _add(table, today, sums)])
    except ClientError as error:
        if failure_of(error) is Failure.CONFLICT:
            return False
        raise
    return True


_TOLD_OF_DOCUMENT = (
    "reference",
    "head",
    "updated_at",
    "lines",
    "parts",
    "states",
    "recorded_on",
    "filled_due",
    "account",
    "shard",
    "at_rest",
)
_TOLD_OF_ACCOUNT = ("reference", "shard", "name", "names", "named", "open", "documents", "rest", "rested", "floor")


def _indexed_item(place: tuple[str, str], packed: str, told: dict[str, Any]) -> Item:
    return {
        "ipk": {"S": place[0]},
        "isk": {"S": place[1]},
        "p": {"S": packed},
        "b": {"S": codec.compact(told)},
    }


def read_document(kind: str, id: str, item: Item) -> Document:
    """A stored invoice or bill, with its facts and at rest or not as it was when written."""
    told = json.loads(item["b"]["S"])
    at_rest = told.pop("at_rest")
    document = Document(kind, id, **told)
    document.refresh(0)
    document.at_rest = at_rest
    return document


def _size(action: dict[str, Any]) -> int:
    item = action["Put"]["Item"] if "Put" in action else {}
    return sum(len(value["S"].encode()) for value in item.values() if "S" in value)


def _stands_with(item: Item, account: AccountState) -> bool:
    return bool(json.loads(item["b"]["S"])["account"] == account.key)


def _long_history(account: AccountState) -> str:
    """An account's packed history when that is long, else nothing."""
    if len(account.history) <= INLINE_HISTORY_DAYS:
        return ""
    packed = codec.compact([account.history[day] for day in sorted(account.history)])
    return packed if len(packed) > INLINE_HISTORY_BYTES else ""
