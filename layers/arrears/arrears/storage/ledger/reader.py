"""Reading the ledger: accounts with their documents for a day, and figures that need no documents.

What is asked for today or later is read from the open partitions alone, so it costs what is open. A past day is read
from them and from what has come to rest since a year before it.
"""

import json
import random
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import batched
from typing import TYPE_CHECKING, Any, NamedTuple

from arrears.ledger.customers import Customer, InvoiceDetail, Line, Place
from arrears.ledger.days import year_before
from arrears.ledger.document_facts import Account, Facts, Settled, without
from arrears.ledger.errors import THROTTLED, ArrearsError
from arrears.ledger.ids import is_uuid
from arrears.ledger.ledger_side import Side
from arrears.ledger.money import to_minor
from arrears.ledger.organisation import Organisation
from arrears.ledger.reminders import read_reminders
from arrears.storage.ledger import codec, keys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

BATCH = 100
_TRIES = 6

type Item = dict[str, Any]


class LedgerStore:
    """Reads one ledger table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        codec.read_fast(client)

    def accounts(
        self, organisation: Organisation, side: Side, day: int, today: int
    ) -> Iterator[tuple[Account, list[Facts]]]:
        """Every account with a document that may count on `day`, with those documents."""
        for shard in range(organisation.shards):
            if day >= today:
                yield from self._with_histories(organisation, side, self._open(organisation, shard, side), day)
            else:
                yield from self._since(organisation, shard, side, year_before(day))

    def accounts_since(
        self, organisation: Organisation, side: Side, since: int
    ) -> Iterator[tuple[Account, list[Facts]]]:
        """Every account with the documents that were not at rest yet at the end of `since`: what any later day needs.

        Settled documents count one by one, so behaviour is right for days a year after `since` and later.
        """
        for shard in range(organisation.shards):
            yield from self._since(organisation, shard, side, since)

    def accounts_of(
        self, organisation: Organisation, side: Side, places: Sequence[Place]
    ) -> Iterator[tuple[Account, list[Facts]]]:
        """The same for some accounts, for today or later: one query each. Their histories may be merged."""
        for place in places:
            yield from self._open(organisation, place.shard, side, place.id)

    def _open(
        self, organisation: Organisation, shard: int, side: Side, account: str = ""
    ) -> Iterator[tuple[Account, list[Facts]]]:
        partition = keys.open_partition(organisation.id, shard, side)
        current, party = "", None
        documents: list[Facts] = []
        for place, packed in self._places(partition, account):
            if place[:36] != current:
                if current:
                    yield party or self._account(organisation, side, current), documents
                current, party, documents = place[:36], None, []
            if len(place) > 36:
                documents.append(Facts(place[-36:], *packed))
            else:
                party = codec.unpack_account(current, packed)
        if current:
            yield party or self._account(organisation, side, current), documents

    def _with_histories(
        self, organisation: Organisation, side: Side, found: Iterator[tuple[Account, list[Facts]]], day: int
    ) -> Iterator[tuple[Account, list[Facts]]]:
        """With all of an account's history where what the index shows of it is not enough for the year up to `day`.

        So it is with accounts that were not written for a month, and with days more than a month ahead.
        """
        start = year_before(day)
        for some in batched(found, BATCH // 2, strict=False):
            merged = [account for account, _ in some if account.merged_after < start]
            histories = self._histories(organisation, side, merged) if merged else {}
            for account, documents in some:
                history = histories.get(account.id)
                yield (account if history is None else account._replace(history=history)), documents

    def _histories(
        self, organisation: Organisation, side: Side, accounts: Sequence[Account]
    ) -> dict[str, list[Settled]]:
        wanted = {}
        for account in accounts:
            letter = "c" if side is Side.RECEIVABLE else "n" if account.party_id is None else "s"
            wanted[account.id] = [
                keys.account_key(organisation.id, letter + account.id, part) for part in (keys.ACCOUNT, keys.HISTORY)
            ]
        items = self._get([key for pair in wanted.values() for key in pair])
        return {id_: stored_history(items[head], items.get(apart)) for id_, (head, apart) in wanted.items()}

    def _account(self, organisation: Organisation, side: Side, id: str) -> Account:
        """The index may show a document moments before its account."""
        letters = "c" if side is Side.RECEIVABLE else "sn"
        found = self._get([keys.account_key(organisation.id, letter + id) for letter in letters])
        item = next(iter(found.values()))
        return codec.unpack_account(id, json.loads(item["p"]["S"]))

    def _since(
        self, organisation: Organisation, shard: int, side: Side, since: int
    ) -> Iterator[tuple[Account, list[Facts]]]:
        accounts: dict[str, Account] = {}
        documents: dict[str, dict[str, Facts]] = {}
        for account, opened in self._open(organisation, shard, side):
            accounts[account.id] = account
            documents[account.id] = {document.id: document for document in opened}
        settled: dict[str, list[Facts]] = {}
        partition = keys.rest_partition(organisation.id, shard, side)
        for place, packed in self._places(partition, after=f"{since + 1:07d}"):
            id_ = place[8:44]
            if len(place) > 45:
                document = Facts(place[-36:], *packed)
                settled.setdefault(id_, []).append(document)
                documents.setdefault(id_, {})[document.id] = document
            else:
                accounts.setdefault(id_, codec.unpack_account(id_, packed))
        for id_, found in documents.items():
            account = accounts.get(id_) or self._account(organisation, side, id_)
            if account.trimmed:
                account = self._with_all_reminders(organisation, account)
            yield without(account, settled.get(id_, ())), list(found.values())

    def _with_all_reminders(self, organisation: Organisation, account: Account) -> Account:
        item = self._get([keys.account_key(organisation.id, "c" + account.id, keys.FILE)])
        file = json.loads(next(iter(item.values()))["b"]["S"])
        return account._replace(reminders=read_reminders(organisation, file["reminders"]))

    def _places(self, partition: str, prefix: str = "", after: str = "") -> Iterator[tuple[str, list[Any]]]:
        condition, values = "ipk = :partition", {":partition": {"S": partition}}
        if prefix:
            condition, values[":prefix"] = f"{condition} AND begins_with(isk, :prefix)", {"S": prefix}
        elif after:
            condition, values[":after"] = f"{condition} AND isk > :after", {"S": after}
        return codec.places(
            codec.query(
                self._client,
                TableName=self._table,
                IndexName=keys.INDEX,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ProjectionExpression="isk, p",
            )
        )

    def collection(self, organisation: Organisation, today: int) -> dict[tuple[str, str, str], tuple[int, int]]:
        """Finalized invoices by issue month (YYYY-MM), payment status and currency: how many, and their gross total."""
        figures: dict[tuple[str, str, str], list[int]] = {}
        for figure, count, amount in month_figures(self._client, self._table, organisation):
            if figure.day <= today:
                sums = figures.setdefault((figure.month, figure.status, figure.currency), [0, 0])
                sums[0] += count
                sums[1] += amount
        return {key: (count, amount) for key, (count, amount) in figures.items() if count}

    def customers_by_external_id(self, organisation: Organisation, external_id: str) -> list[Place]:
        """The customers that have an external id."""
        if not external_id or len(external_id) > keys.MAX_TEXT_LENGTH:
            return []
        partition = keys.external_key(organisation.id, external_id, "")[0]
        found = codec.query(
            self._client,
            TableName=self._table,
            KeyConditionExpression="pk = :external",
            ExpressionAttributeValues={":external": {"S": partition}},
        )
        return [Place(item["sk"]["S"], int(item["t"]["S"])) for page in found for item in page]

    def customer(self, organisation: Organisation, account: str) -> Customer | None:
        """The customer of a UUID, or else of an account number."""
        if not account or len(account) > keys.MAX_TEXT_LENGTH:
            return None
        number = keys.number_key(organisation.id, account)
        wanted = [number]
        if is_uuid(account):
            wanted += self._customer_keys(organisation, account.lower())
        found = self._get(wanted)
        if wanted[1:] and wanted[1] in found:
            return _customer(account.lower(), found, wanted[1:])
        if number not in found:
            return None
        id_ = found[number]["t"]["S"]
        customer_keys = self._customer_keys(organisation, id_)
        return _customer(id_, self._get(customer_keys), customer_keys)

    def _customer_keys(self, organisation: Organisation, id: str) -> list[keys.Key]:
        return [keys.account_key(organisation.id, "c" + id, part) for part in (keys.ACCOUNT, keys.FILE)]

    def details(self, organisation: Organisation, invoices: Sequence[str]) -> dict[str, InvoiceDetail]:
        """What only their own pages need of some invoices, by id."""
        wanted = {
            id_: (keys.document_key(organisation.id, "invoice", id_), keys.lines_key(organisation.id, id_))
            for id_ in invoices
        }
        found = self._get([key for pair in wanted.values() for key in pair])
        return {id_: _detail(found[head], found.get(lines)) for id_, (head, lines) in wanted.items() if head in found}

    def _get(self, wanted: Sequence[keys.Key]) -> dict[keys.Key, Item]:
        return get_items(self._client, self._table, wanted)


def _wait(tries: int) -> None:
    if tries > _TRIES:
        raise ArrearsError(THROTTLED, "The ledger takes no more requests right now; try again.", retry_after=1)
    time.sleep(random.uniform(0, 0.02 * 2**tries))  # noqa: S311


def get_items(client: "DynamoDBClient", table: str, wanted: Sequence[keys.Key]) -> dict[keys.Key, Item]:
    """The items of these keys that exist, read consistently, a hundred a request.

    Raises ArrearsError (throttled) when a request reads nothing at all, time after time.
    """
    found: dict[keys.Key, Item] = {}
    left: list[Any] = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in dict.fromkeys(wanted)]
    in_vain = 0
    while left:
        answer = client.batch_get_item(RequestItems={table: {"Keys": left[:BATCH], "ConsistentRead": True}})
        for item in answer["Responses"].get(table, []):
            found[item["pk"]["S"], item["sk"]["S"]] = item
        unprocessed: Any = answer.get("UnprocessedKeys") or {}
        unread = unprocessed[table]["Keys"] if table in unprocessed else []
        in_vain = in_vain + 1 if len(unread) == len(left[:BATCH]) else 0
        left = [*unread, *left[BATCH:]]
        if in_vain:
            _wait(in_vain)
    return found


class MonthFigure(NamedTuple):
    """What a shard's invoices of an issue month add up to in one status and currency, from `day` on (0: already)."""

    month: str
    shard: int
    day: int
    status: str
    currency: str


def month_figures(
    client: "DynamoDBClient", table: str, organisation: Organisation
) -> Iterator[tuple[MonthFigure, int, int]]:
    """All stored monthly figures: count and gross amount in minor units."""
    months = codec.query(
        client,
        TableName=table,
        KeyConditionExpression="pk = :months",
        ExpressionAttributeValues={":months": {"S": keys.month_key(organisation.id, "", 0, 0)[0]}},
    )
    for item in (item for page in months for item in page):
        month, shard, day = item["sk"]["S"].split("#")
        for name, value in item.items():
            kind, _, rest = name.partition(":")
            if kind == "n" and rest:
                figure = MonthFigure(month, int(shard), int(day), *rest.split(":"))
                yield figure, int(Decimal(value["N"])), int(Decimal(item[f"a:{rest}"]["N"]))


def stored_history(account: Item, apart: Item | None) -> list[Settled]:
    """All of an account's history: it stands in its item, or apart when that is long."""
    inline = json.loads(account["b"]["S"])["history"]
    stored = inline if inline is not None else json.loads(apart["b"]["S"]) if apart else []
    return [Settled(*settled) for settled in stored]


def _customer(id: str, found: dict[keys.Key, Item], wanted: Sequence[keys.Key]) -> Customer | None:
    account, file = (found.get(key) for key in wanted)
    if account is None:
        return None
    state = json.loads(account["b"]["S"])
    if state["name"] is None and not state["documents"]:
        return None
    record = (json.loads(file["b"]["S"])["record"] if file else None) or [{}, None]
    told = record[0]
    return Customer(
        Place(id, state["shard"]),
        state["reference"],
        state["name"],
        told.get("account_number"),
        told.get("external_id"),
        told.get("currency"),
        bool(told.get("payment_blocked")),
    )


def _detail(item: Item, lines: Item | None) -> InvoiceDetail:
    head = json.loads(item["b"]["S"])["head"]
    currency = head["currency"]

    def minor(amount: str | None) -> int | None:
        return None if amount is None else to_minor(Decimal(amount), currency)

    told = [] if lines is None else json.loads(lines["b"]["S"])
    return InvoiceDetail(
        minor(head.get("taxable_amount")),
        bool(head.get("pdf_available")),
        [
            Line(id_, name, quantity, price, minor(amount) or 0, minor(tax))
            for id_, name, quantity, price, amount, tax in told
        ],
    )
