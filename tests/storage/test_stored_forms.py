"""Books that are stored already stay readable and changeable: what is stored keeps its names and its order."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from arrears.ledger.accounts import NameEntry
from arrears.ledger.dated_document import (
    Account,
    Allocated,
    AllocationChange,
    BillState,
    DatedDocument,
    Dispute,
    MoneyChange,
    Promise,
    Reminder,
    Settled,
    closed_from,
)
from arrears.ledger.documents import Part, Source, StateEntry
from arrears.ledger.ledger_side import Side
from arrears.ledger.promises import kept_changes
from arrears.reports.payment_behaviour import settled_in_year
from arrears.storage.ledger import codec, entities, keys
from arrears.storage.ledger.export import LedgerExport
from arrears.storage.ledger.reconcile import Reconciliation
from support.records import ORGANISATION
from support.stored_ledger import StoredLedger, Table, check_sums
from template import ROOT

BOOK = replace(ORGANISATION, shards=2, known_from=None)
TODAY, LATER = date(2020, 6, 30).toordinal(), date(2020, 8, 30).toordinal()
DAYS = ("2019-04-03", "2020-01-31", "2020-04-12", "2020-06-29", "2020-06-30", "2020-07-20", "2020-08-30", "2021-02-01")
ADDED_SINCE = ("apk", "ask")
"""Attributes that writers add to what they touch; a book written before has none of them."""


def stored_before(name: str) -> Any:
    """A book as it was stored before the storage rooms were rebuilt, and what was answered for it then."""
    return json.loads((ROOT / "tests" / "data" / "ledger-before" / f"{name}.json").read_text())


@pytest.fixture
def ledger(table: Table) -> StoredLedger:
    for item in stored_before("written")["items"]:
        table.open.put_item(TableName=table.name, Item=item)
    return table.ledger(BOOK)


def answers(ledger: StoredLedger, today: int) -> Any:
    """All that readers see of a book, as plain JSON."""
    found = {
        "accounts": {f"{side}:{day}": list(_accounts(ledger, side, day, today)) for side in Side for day in DAYS},
        "collection": {
            str(day): sorted([*figure, *sums] for figure, sums in ledger.collection(day).items())
            for day in (today, today + 20, today + 100)
        },
        "records": sorted(
            json.dumps(record, sort_keys=True, ensure_ascii=False)
            for record in LedgerExport(ledger.table.client, ledger.table.name).records(BOOK)
        ),
    }
    return json.loads(json.dumps(found))


def _accounts(ledger: StoredLedger, side: Side, day: str, today: int) -> Iterator[Any]:
    accounts = ledger.accounts(side, date.fromisoformat(day).toordinal(), today)
    for account, documents in sorted(accounts, key=lambda found: found[0].id):
        yield _as_before(account), [_as_before(one) for one in sorted(documents, key=lambda document: document.id)]


FIELDS_BEFORE = {Account: 9, DatedDocument: 11}
"""How many fields they had when the books were stored."""


def _as_before(entity: Any) -> Any:
    if isinstance(entity, Account):
        entity = entity._replace(promises=[_kept_as_before(promise) for promise in entity.promises], closed_in_hand=())
    return entity[: FIELDS_BEFORE[type(entity)]]


def _kept_as_before(promise: Sequence[Any]) -> list[Any]:
    """What kept a promise was one sum before it was known by day."""
    *head, kept = promise
    return [*head, sum(amount for _, amount, _ in kept) if kept else 0]


def shown(answers: Any, today: int) -> Any:
    """Answers with what came of promises and how was paid, not what that is worked out from: readers may choose it."""
    accounts = {}
    for place, found in answers["accounts"].items():
        day = date.fromisoformat(place.partition(":")[2]).toordinal()
        every = (_shown(account, documents, day, today) for account, documents in found)
        accounts[place] = [one for one in every if one["documents"]]
    return {**answers, "accounts": accounts}


def _shown(account: list[Any], documents: list[list[Any]], day: int, today: int) -> dict[str, Any]:
    dated = [DatedDocument(*document) for document in documents]
    *own, promises, _, _, _ = account
    return {
        "account": own,
        "promises": [_total_kept(promise, dated) for promise in promises],
        "documents": [one for one in dated if day >= today or closed_from(one) > day],
        "behaviour": settled_in_year(Account(*account), dated, day),
    }


def _total_kept(promise: list[Any], documents: list[DatedDocument]) -> list[Any]:
    """With what all documents have done for it, those in hand included."""
    *head, kept = promise
    return [*head, kept + sum(change.amount for one in documents for change in kept_changes(Promise(*head), one))]


def test_a_book_stored_before_gives_the_answers_it_gave(ledger: StoredLedger) -> None:
    assert shown(answers(ledger, TODAY), TODAY) == shown(stored_before("written")["answers"], TODAY)


def test_a_book_stored_before_is_changed_as_it_would_have_been(ledger: StoredLedger) -> None:
    """Old promises, names worked out anew, moves, closing by time and figures that come due, on the stored book."""
    expected = stored_before("changed")
    assert [result.result for result in ledger.record(expected["records"], TODAY)] == expected["results"]
    assert ledger.close_documents(LATER) == expected["closed"]
    assert ledger.recorder.apply_due_effects(BOOK, LATER) == expected["taken_in"]
    assert shown(answers(ledger, LATER), LATER) == shown(expected["answers"], LATER)
    items, before = stored(ledger), as_before(expected["items"])
    assert months_of(items) == months_of(before)
    assert [item for item in items if not is_month(item)] == [x for x in before if not is_month(x)]
    check_sums(ledger)


def is_month(item: Any) -> bool:
    return str(item["pk"]["S"]) == keys.months_partition(BOOK.id, Side.RECEIVABLE)


def months_of(items: list[Any]) -> dict[tuple[str, int, str], int]:
    """The sums of months and days over all their items, which were one for each shard."""
    sums: Counter[tuple[str, int, str]] = Counter()
    for item in filter(is_month, items):
        month, _, day = keys.read_month_sort_key(item["sk"]["S"])
        sums.update({(month, day, name): int(value["N"]) for name, value in item.items() if ":" in name})
    return {figure: number for figure, number in sums.items() if number}


def stored(ledger: StoredLedger) -> list[Any]:
    """Every item that stored books had, without what came since; see _item_as_before."""
    pages = ledger.table.open.get_paginator("scan").paginate(TableName=ledger.table.name)
    return as_before(item for page in pages for item in page["Items"])


def as_before(items: Iterable[Any]) -> list[Any]:
    """Items in their order, without what differs between an older book and one that was written since."""
    kept = [before for item in items if (before := _item_as_before(item)) is not None]
    return sorted(kept, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


def _item_as_before(item: Any) -> Any:
    """Without versions, the sums of open accounts, and where what is open is listed; None if nothing else is in it.

    Nor was there a change log.
    """
    if item["pk"]["S"] == keys.changes_partition(BOOK.id):
        return None
    item = {name: value for name, value in item.items() if name not in (*ADDED_SINCE, "v")}
    if item["pk"]["S"].endswith(("#m", "#q")):
        item = {name: value for name, value in item.items() if name in ("pk", "sk") or name[:2] in ("n:", "a:")}
        return item if len(item) > 2 else None
    if "b" not in item or not isinstance(kept := json.loads(item["b"]["S"]), dict):
        return item
    if item["sk"]["S"] == keys.ACCOUNT:
        kept, item = _account_as_before(kept, item)
    if kept.get("at_rest") is False or kept.get("open"):
        item = {name: value for name, value in item.items() if name not in ("ipk", "isk")}
    return {**item, "b": {"S": codec.compact(kept)}}


def _account_as_before(kept: Any, item: Any) -> tuple[Any, Any]:
    """An account as it was before it kept what documents that close have too much of, and open documents."""
    packed = json.loads(item["p"]["S"])
    packed = packed if codec.is_older_form(packed) else packed[0]
    packed[4] = [_kept_as_before(promise) if isinstance(promise[-1], list) else promise for promise in packed[4]]
    packed = packed[:8] if kept.pop("money", None) else packed
    kept.pop("counted", None)
    return kept, {**item, "p": {"S": codec.compact(packed)}}


def test_a_book_stored_before_adds_up(ledger: StoredLedger) -> None:
    noon = datetime(2020, 6, 30, 12, tzinfo=UTC)
    assert list(Reconciliation(ledger.table.client, ledger.table.name).run(BOOK, noon)) == []


STORED_ORDER = {
    DatedDocument: ("id", *codec.PACKED_DOCUMENT),
    AllocationChange: ("day", "payments", "credits", "made", "allocated_on"),
    Allocated: ("day", "amount", "dated_on", "source"),
    MoneyChange: ("day", "currency", "dated_on", "source", "received", "credited", "refunded", "moved"),
    Source: ("code", "account", "currency", "day", "voided"),
    Dispute: ("opened", "resolved", "lost", "amount"),
    BillState: ("day", "state", "scheduled"),
    Settled: ("day", "documents", "with_due_day", "late", "on_time", "issued", "to_pay"),
    Reminder: ("sent_at", "day", "invoices", "id"),
    Promise: ("id", "currency", "amount", "made", "promised", "kept"),
    Part: ("content", "updated_at"),
    StateEntry: ("state", "state_on", "scheduled_payment_on", "updated_at"),
    NameEntry: ("issued", "reference", "name"),
}
"""Tuples that are stored as arrays. Stored books have them in this order: add at the end, with a default."""


@pytest.mark.parametrize("stored_tuple", STORED_ORDER, ids=lambda stored_tuple: stored_tuple.__name__)
def test_what_is_stored_as_an_array_keeps_its_order(stored_tuple: Any) -> None:
    assert stored_tuple._fields == STORED_ORDER[stored_tuple]


def test_the_packed_order_and_stored_names_are_those_of_stored_books() -> None:
    assert ",".join(codec.PACKED_DOCUMENT) == (
        "number,currency,total,issued,due,voided,applied,marks,disputes,states,allocated"
    )
    assert ",".join(entities.DOCUMENT_ATTRIBUTES) == (
        "reference,head,updated_at,lines,parts,states,recorded_on,filled_due,account,shard,at_rest,sources,deleted_at"
    )
    assert ",".join(entities.ACCOUNT_ATTRIBUTES) == (
        "reference,shard,name,names,named,open,documents,rest,rested,floor,on_account,latest,limits,counted"
    )
