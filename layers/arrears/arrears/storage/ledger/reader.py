"""Reading the ledger: accounts with their documents for a day, and figures that need no documents.

Today and later days are read from the open partitions alone, so the cost depends on what is open. A past day is read
from them and from everything closed after it; only where the accounts' histories do not reach back to a year before the
day, from everything closed since then. What an account keeps apart is read for the rows that are shown: `complete`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import batched, chain
from typing import TYPE_CHECKING, Any, cast

from arrears.ledger.customers import AccountLocation, CustomerProfile, InvoiceDetail
from arrears.ledger.dated_document import Account, DatedDocument, history_reaches
from arrears.ledger.days import NEVER, year_before
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

    def known_at(self, organisation: str, moment: int) -> "LedgerStore":
        """An organisation's ledger as it was known at a moment (microseconds since 1970), whoever writes meanwhile."""
        from arrears.storage.ledger.past_table import PastTable

        return LedgerStore(
            cast("DynamoDBClient", PastTable(self._client, self._table, organisation, moment)), self._table
        )

    def written_up_to(self, organisation: str, moment: int) -> set[keys.ChangeSortKey]:
        """What names the changes of the last minute up to a moment: one that is written late comes to them."""
        from arrears.storage.ledger.change_log import ChangeLog
        from arrears.storage.ledger.past_table import LATE_MICROSECONDS

        return ChangeLog(self._client, self._table, organisation).keys(moment - LATE_MICROSECONDS, moment)

    def accounts(
        self, organisation: Organisation, side: Side, day: int, today: int
    ) -> Iterator[tuple[Account, list[DatedDocument]]]:
        """Every account with a document or money on account that may count on `day`, with those documents.

        Totals are exact. What a row shows beside them may need `complete` first.
        """
        for shard in range(organisation.shards):
            if day >= today:
                yield from self._open_accounts(organisation, side).of_shard(shard)
            else:
                yield from self._past(organisation, shard, side, day, today)

    def _past(
        self, organisation: Organisation, shard: int, side: Side, day: int, today: int
    ) -> Iterator[tuple[Account, list[DatedDocument]]]:
        since = day if history_reaches(day, today) else year_before(day)
        # What is open is read first: what closes meanwhile is then found among the closed documents, too.
        opened = self._open_accounts(organisation, side).of_shard(shard)
        found = self._merged(organisation, side, opened, self._closed(organisation, shard, side, since))
        for some in batched(found, _COMPLETED_TOGETHER, strict=False):
            folded = [account for account, _ in some if account.money_from > day]
            whole = self.complete(organisation, side, folded, day, today, behaviour=False)
            yield from ((whole.get(account.id, account), documents) for account, documents in some)

    def accounts_since(
        self, organisation: Organisation, side: Side, since: int
    ) -> Iterator[tuple[Account, list[DatedDocument]]]:
        """Every account with the documents that were not closed yet at the end of `since`: what any later day needs.

        Promises can be judged on every day; behaviour takes `complete`. In memory is a part of the book at a time.
        """
        from arrears.storage.ledger.compressed import Compressed

        for shard in range(organisation.shards):
            opened: Compressed[tuple[Account, list[DatedDocument]]] = Compressed()
            for account, documents in self._open_accounts(organisation, side).of_shard(shard):
                opened.add(account.id, (account, documents))
            closed: Compressed[_Row] = Compressed()
            for row in self._closed(organisation, shard, side, since):
                closed.add(keys.read_closed_sort_key(row[0]).account, row)
            for some_opened, some_closed in zip(opened.parts(), closed.parts(), strict=True):
                found = self._merged(organisation, side, some_opened, some_closed)
                for some in batched(found, _COMPLETED_TOGETHER, strict=False):
                    accounts = [account for account, _ in some]
                    whole = self.complete(organisation, side, accounts, since, NEVER, behaviour=False)
                    yield from ((whole.get(account.id, account), documents) for account, documents in some)

    def accounts_of(
        self, organisation: Organisation, side: Side, locations: Sequence[AccountLocation]
    ) -> Iterator[tuple[Account, list[DatedDocument]]]:
        """The same for some accounts, for today or later, each read by its key. Their histories may be aggregated."""
        return self._open_accounts(organisation, side).some(locations)

    def documents_due_before(self, organisation: Organisation, side: Side, day: int) -> Iterator[DatedDocument]:
        """Every document that may be open today or later and is due before `day`, each once."""
        accounts = self._open_accounts(organisation, side)
        found = (accounts.due_before(shard, day) for shard in range(organisation.shards))
        return chain.from_iterable(chain.from_iterable(found))

    def open_book(self, organisation: Organisation, side: Side, page: int) -> StoredOpenBook:
        """What is open or on account today or later, to be read a page of rows at a time."""
        return StoredOpenBook(self._open_accounts(organisation, side), page)

    def _open_accounts(self, organisation: Organisation, side: Side) -> OpenAccounts:
        return OpenAccounts(self._client, self._table, organisation, side)

    def complete(
        self,
        organisation: Organisation,
        side: Side,
        accounts: Iterable[Account],
        day: int,
        today: int,
        behaviour: bool = True,
    ) -> dict[str, Account]:
        """Those of some accounts that the index shows too little of for rows of `day`, complete, by id.

        That is the history for payment behaviour of accounts that were not written for a month, on days more than a
        month ahead and on past days; all changes of money where a promise is judged by earlier ones than are shown; and
        all reminders on past days. behaviour: False leaves the history out, where it is not shown.
        """
        wanted = {account.id: (account, _missing(account, day, today, behaviour)) for account in accounts}
        lacking = [(account, parts) for account, parts in wanted.values() if parts]
        found = {}
        for some in batched(lacking, _COMPLETED_TOGETHER, strict=False):
            parts = {account.id: _parts_of(organisation, side, account, parts) for account, parts in some}
            # Like the index, this may miss the last second's writes, an account's first too; it costs half as much.
            items = self._shown(key for own in parts.values() for part, key in own.items() if part != keys.ACCOUNT)
            # What is long is in an item of its own; only what is not there is in the account's.
            items |= self._shown(own[keys.ACCOUNT] for own in parts.values() if _is_short(own, items))
            for account, _ in some:
                beside = {part: items.get(key) for part, key in parts[account.id].items()}
                complete = _completed(organisation, account, beside)
                if complete is not account:
                    found[account.id] = complete
        return found

    def _shown(self, wanted: Iterable[Key]) -> dict[Key, Item]:
        return get_items(self._client, self._table, list(wanted), consistent=False)

    def _account(self, organisation: Organisation, side: Side, id: str) -> Account:
        """The index may show a document moments before its account."""
        letters = "c" if side is Side.RECEIVABLE else "sn"
        found = self._get([keys.account_key(organisation.id, letter + id) for letter in letters])
        return codec.stored_account(id, next(iter(found.values())))

    def _closed(self, organisation: Organisation, shard: int, side: Side, since: int) -> "Iterator[_Row]":
        """What has closed after a day: documents, and accounts that have nothing open any more."""
        return self._rows(keys.closed_partition(organisation.id, shard, side), start=keys.closed_since(since + 1))

    def _merged(
        self,
        organisation: Organisation,
        side: Side,
        opened: Iterable[tuple[Account, list[DatedDocument]]],
        closed: "Iterable[_Row]",
    ) -> Iterator[tuple[Account, list[DatedDocument]]]:
        """Accounts with their documents, open and closed, and those that have nothing but money."""
        from arrears.ledger.in_hand import without

        accounts: dict[str, Account] = {}
        documents: dict[str, dict[str, DatedDocument]] = {}
        for account, own in opened:
            accounts[account.id] = account
            documents[account.id] = {document.id: document for document in own}
        settled: dict[str, list[DatedDocument]] = {}
        for sort_key, packed in closed:
            _, id_, document_id = keys.read_closed_sort_key(sort_key)
            if document_id:
                document = DatedDocument(document_id, *packed)
                settled.setdefault(id_, []).append(document)
                documents.setdefault(id_, {})[document.id] = document
            elif id_ not in accounts:
                account = accounts[id_] = codec.account_in(id_, packed)
                if account.money or account.money_from:
                    documents.setdefault(id_, {})
        for id_, own_documents in documents.items():
            account = accounts.get(id_) or self._account(organisation, side, id_)
            yield without(account, settled.get(id_, ())), list(own_documents.values())

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
        for item in month_items(self._client, self._table, organisation, Side.RECEIVABLE, collected=True):
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
        found = self._shown(wanted)
        return found | self._get([key for key in wanted if key not in found])

    def _get(self, wanted: Sequence[Key]) -> dict[Key, Item]:
        return get_items(self._client, self._table, wanted)


type _Row = tuple[str, list[Any]]
"""Sort key and unpacked array of an item of the index."""

_COMPLETED_TOGETHER = 500
"""Accounts whose items are in memory at a time."""


def _missing(account: Account, day: int, today: int, behaviour: bool) -> list[str]:
    """The items that have more of an account than the index shows, of what a row of `day` needs."""
    parts = []
    if behaviour and account.aggregated_after < year_before(day) and history_reaches(day, today):
        parts.append(keys.HISTORY)
    if account.money_from and account.money_from > min([day, *(promise.made for promise in account.promises)]):
        parts.append(keys.MONEY)
    if account.reminders_truncated and day < today:
        parts.append(keys.COUNTERPARTY)
    return parts


def _parts_of(organisation: Organisation, side: Side, account: Account, parts: Sequence[str]) -> dict[str, Key]:
    """The keys of some items of an account, and of its own: that holds what is short."""
    letter = "c" if side is Side.RECEIVABLE else "n" if account.party_id is None else "s"
    return {part: keys.account_key(organisation.id, letter + account.id, part) for part in (keys.ACCOUNT, *parts)}


def _is_short(parts: Mapping[str, Key], found: Mapping[Key, Item]) -> bool:
    """Whether the history or the money that is wanted was not found apart."""
    return any(part in parts and parts[part] not in found for part in (keys.HISTORY, keys.MONEY))


def _completed(organisation: Organisation, account: Account, items: Mapping[str, Item | None]) -> Account:
    """The account with what its items have, by their parts; with what the index shows where one is not there yet."""
    from arrears.ledger.in_hand import completed

    own, contacts = items[keys.ACCOUNT], items.get(keys.COUNTERPARTY)
    return completed(
        account,
        codec.history_of(own, items[keys.HISTORY]) if keys.HISTORY in items else None,
        codec.money_of(own, items[keys.MONEY]) if keys.MONEY in items else None,
        read_reminders(organisation, codec.reminder_contents(contacts)) if contacts else None,
    )
