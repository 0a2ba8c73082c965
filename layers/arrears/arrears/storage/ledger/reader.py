"""Reading the ledger: accounts with their documents for a day, and figures that need no documents.

Today and later days are read from the open partitions alone, so the cost depends on what is open. A past day is read
from them and from everything closed since a year before it.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any

from arrears.ledger.customers import AccountLocation, CustomerProfile, InvoiceDetail
from arrears.ledger.dated_document import Account, DatedDocument, MoneyChange, Settled
from arrears.ledger.days import year_before
from arrears.ledger.ids import is_uuid
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.ledger.reminders import read_reminders
from arrears.storage.client import read_fast
from arrears.storage.dynamodb import BATCH, Item, Key, get_items, query
from arrears.storage.ledger import codec, keys
from arrears.storage.ledger.month_figures import collection_figures, month_items
from arrears.storage.ledger.open_accounts import OpenAccounts, StoredOpenBook

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class LedgerStore:
    """Reads one ledger table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        read_fast(client)

    def accounts(
        self, organisation: Organisation, side: Side, day: int, today: int
    ) -> Iterator[tuple[Account, list[DatedDocument]]]:
        """Every account with a document or money on account that may count on `day`, with those documents."""
        for shard in range(organisation.shards):
            if day >= today:
                yield from self._with_histories(organisation, side, self._open(organisation, shard, side), day)
            else:
                yield from self._since(organisation, shard, side, year_before(day))

    def accounts_since(
        self, organisation: Organisation, side: Side, since: int
    ) -> Iterator[tuple[Account, list[DatedDocument]]]:
        """Every account with the documents that were not closed yet at the end of `since`: what any later day needs.

        Settled documents count one by one, so behaviour is right for days a year after `since` and later.
        """
        for shard in range(organisation.shards):
            yield from self._since(organisation, shard, side, since)

    def accounts_of(
        self, organisation: Organisation, side: Side, locations: Sequence[AccountLocation]
    ) -> Iterator[tuple[Account, list[DatedDocument]]]:
        """The same for some accounts, for today or later, each read by its key. Their histories may be aggregated."""
        return OpenAccounts(self._client, self._table, organisation, side).some(locations)

    def open_book(self, organisation: Organisation, side: Side, page: int) -> StoredOpenBook:
        """What is open or on account today or later, to be read a page of rows at a time."""
        return StoredOpenBook(OpenAccounts(self._client, self._table, organisation, side), page)

    def _open(
        self, organisation: Organisation, shard: int, side: Side
    ) -> Iterator[tuple[Account, list[DatedDocument]]]:
        return OpenAccounts(self._client, self._table, organisation, side).of_shard(shard)

    def _with_histories(
        self, organisation: Organisation, side: Side, found: Iterator[tuple[Account, list[DatedDocument]]], day: int
    ) -> Iterator[tuple[Account, list[DatedDocument]]]:
        """With all of an account's history where what the index shows of it is not enough for the year up to `day`.

        With all changes of its money, too, where a promise is judged by earlier ones than are shown.
        So it is with accounts that were not written for a month, and with days more than a month ahead.
        """
        start = year_before(day)
        for some in batched(found, BATCH // 2, strict=False):
            accounts = [account for account, _ in some]
            aggregated = [account for account in accounts if account.aggregated_after < start]
            histories = self._histories(organisation, side, aggregated) if aggregated else {}
            money = self._folded_money(organisation, side, accounts, day)
            for account, documents in some:
                yield _with_all(account, histories.get(account.id), money.get(account.id)), documents

    def _histories(
        self, organisation: Organisation, side: Side, accounts: Sequence[Account]
    ) -> dict[str, list[Settled]]:
        found = self._items_of(organisation, side, accounts, keys.HISTORY)
        return {id_: codec.stored_history(item, apart) for id_, (item, apart) in found.items()}

    def _folded_money(
        self, organisation: Organisation, side: Side, accounts: Iterable[Account], day: int
    ) -> dict[str, list[MoneyChange]]:
        """All changes of money of the accounts that show too few for `day`, or to judge their promises by; by id."""
        folded = [
            account
            for account in accounts
            if account.money_from and account.money_from > min([day, *(promise.made for promise in account.promises)])
        ]
        money: dict[str, list[MoneyChange]] = {}
        for some in batched(folded, BATCH // 2, strict=False):
            money |= self._money(organisation, side, some)
        return money

    def _money(
        self, organisation: Organisation, side: Side, accounts: Sequence[Account]
    ) -> dict[str, list[MoneyChange]]:
        found = self._items_of(organisation, side, accounts, keys.MONEY)
        return {id_: codec.stored_money(item, apart) for id_, (item, apart) in found.items()}

    def _items_of(
        self, organisation: Organisation, side: Side, accounts: Sequence[Account], part: str
    ) -> dict[str, tuple[Item, Item | None]]:
        """The items of some accounts, each with the one beside it that holds a long part of it, by id."""
        wanted = {}
        for account in accounts:
            letter = "c" if side is Side.RECEIVABLE else "n" if account.party_id is None else "s"
            own = letter + account.id
            wanted[account.id] = [keys.account_key(organisation.id, own, sort_key) for sort_key in (keys.ACCOUNT, part)]
        items = self._get([key for pair in wanted.values() for key in pair])
        return {id_: (items[head], items.get(apart)) for id_, (head, apart) in wanted.items()}

    def _account(self, organisation: Organisation, side: Side, id: str) -> Account:
        """The index may show a document moments before its account."""
        letters = "c" if side is Side.RECEIVABLE else "sn"
        found = self._get([keys.account_key(organisation.id, letter + id) for letter in letters])
        return codec.stored_account(id, next(iter(found.values())))

    def _since(
        self, organisation: Organisation, shard: int, side: Side, since: int
    ) -> Iterator[tuple[Account, list[DatedDocument]]]:
        from arrears.ledger.promises import without

        accounts: dict[str, Account] = {}
        documents: dict[str, dict[str, DatedDocument]] = {}
        for account, opened in self._open(organisation, shard, side):
            accounts[account.id] = account
            documents[account.id] = {document.id: document for document in opened}
        settled: dict[str, list[DatedDocument]] = {}
        partition = keys.closed_partition(organisation.id, shard, side)
        for sort_key, packed in self._rows(partition, start=keys.closed_since(since + 1)):
            _, id_, document_id = keys.read_closed_sort_key(sort_key)
            if document_id:
                document = DatedDocument(document_id, *packed)
                settled.setdefault(id_, []).append(document)
                documents.setdefault(id_, {})[document.id] = document
            else:
                accounts.setdefault(id_, codec.account_in(id_, packed))
        money = self._folded_money(organisation, side, accounts.values(), since)
        for id_ in {
            **documents,
            **{account.id: {} for account in accounts.values() if account.money or account.id in money},
        }:
            account = accounts.get(id_) or self._account(organisation, side, id_)
            if account.reminders_truncated:
                account = self._with_all_reminders(organisation, account)
            account = _with_all(account, None, money.get(id_))
            yield without(account, settled.get(id_, ())), list(documents.get(id_, {}).values())

    def _with_all_reminders(self, organisation: Organisation, account: Account) -> Account:
        found = self._get([keys.account_key(organisation.id, "c" + account.id, keys.COUNTERPARTY)])
        contents = codec.reminder_contents(next(iter(found.values())))
        return account._replace(reminders=read_reminders(organisation, contents))

    def _rows(self, partition: str, start: str) -> Iterator[tuple[str, list[Any]]]:
        return codec.unpacked_rows(
            query(
                self._client,
                TableName=self._table,
                IndexName=keys.INDEX,
                KeyConditionExpression="ipk = :partition AND isk >= :start",
                ExpressionAttributeValues={":partition": {"S": partition}, ":start": {"S": start}},
                ProjectionExpression="isk, p",
            )
        )

    def collection(self, organisation: Organisation, today: int) -> dict[tuple[str, str, str], tuple[int, int]]:
        """Finalized invoices by issue month (YYYY-MM), payment status and currency: how many, and their gross total."""
        figures: dict[tuple[str, str, str], list[int]] = {}
        for item in month_items(self._client, self._table, organisation, Side.RECEIVABLE):
            if item.place.day <= today:
                for status, currency, count, amount in collection_figures(item.sums):
                    sums = figures.setdefault((item.place.month, status, currency), [0, 0])
                    sums[0] += count
                    sums[1] += amount
        return {key: (count, amount) for key, (count, amount) in figures.items() if count}

    def customers_by_external_id(self, organisation: Organisation, external_id: str) -> list[AccountLocation]:
        """The customers that have an external id."""
        if not external_id or len(external_id) > keys.MAX_TEXT_LENGTH:
            return []
        partition = keys.external_partition(organisation.id, external_id)
        found = query(
            self._client,
            TableName=self._table,
            KeyConditionExpression="pk = :external",
            ExpressionAttributeValues={":external": {"S": partition}},
        )
        return [AccountLocation(item["sk"]["S"], int(item["t"]["S"])) for page in found for item in page]

    def customer(self, organisation: Organisation, account: str) -> CustomerProfile | None:
        """The customer of a UUID, or else of an account number."""
        if not account or len(account) > keys.MAX_TEXT_LENGTH:
            return None
        number = keys.number_key(organisation.id, account)
        own = self._customer_keys(organisation, account.lower()) if is_uuid(account) else []
        found = self._get([number, *own])
        if own and own[0] in found:
            return self._profile(account.lower(), found, own)
        if number not in found:
            return None
        id_ = found[number]["t"]["S"]
        own = self._customer_keys(organisation, id_)
        return self._profile(id_, self._get(own), own)

    def _customer_keys(self, organisation: Organisation, id: str) -> list[Key]:
        return [keys.account_key(organisation.id, "c" + id, part) for part in (keys.ACCOUNT, keys.COUNTERPARTY)]

    def _profile(self, id: str, found: dict[Key, Item], own: Sequence[Key]) -> CustomerProfile | None:
        account, counterparty = (found.get(key) for key in own)
        return codec.customer_profile(id, account, counterparty)

    def details(self, organisation: Organisation, invoices: Sequence[str]) -> Iterator[tuple[str, InvoiceDetail]]:
        """What only their own pages need of some invoices, with their ids, a hundred after another.

        It costs one read of each invoice's item, and another one of its lines if it has any.
        """
        for some in batched(invoices, BATCH, strict=False):
            heads = {keys.document_key(organisation.id, "invoice", id_): id_ for id_ in some}
            found = self._get_as_shown(list(heads))
            stored = {heads[key]: invoice for key, item in found.items() if (invoice := codec.stored_invoice(item))}
            lines = {id_: keys.lines_key(organisation.id, id_) for id_ in stored if codec.has_lines(stored[id_])}
            found = self._get_as_shown(list(lines.values()))
            for id_, invoice in stored.items():
                yield id_, codec.invoice_detail(invoice, found.get(lines[id_]) if id_ in lines else None)

    def references(self, organisation: Organisation, side: Side, documents: Sequence[str]) -> dict[str, str]:
        """The caller's own ids of some invoices or bills, by their outward ids.

        The index has no room for them: they cost one read of each document's item, a hundred in a request.
        """
        kind = "invoice" if side is Side.RECEIVABLE else "bill"
        wanted = {keys.document_key(organisation.id, kind, id_): id_ for id_ in documents}
        return {wanted[key]: codec.document_reference(item) for key, item in self._get(list(wanted)).items()}

    def _get_as_shown(self, wanted: Sequence[Key]) -> dict[Key, Item]:
        """What the index has shown, read as late as it is and for half; what is missing then, as of now."""
        found = get_items(self._client, self._table, wanted, consistent=False)
        return found | self._get([key for key in wanted if key not in found])

    def _get(self, wanted: Sequence[Key]) -> dict[Key, Item]:
        return get_items(self._client, self._table, wanted)


def _with_all(account: Account, history: list[Settled] | None, money: list[MoneyChange] | None) -> Account:
    """The account with the whole of its history and of its money, where these were read."""
    if history is not None:
        account = account._replace(history=history)
    return account if money is None else account._replace(money=money, money_from=0)
