"""One organisation's escalations over several partitions: spread, read in one order, and older items still found."""

import os
from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from arrears.storage.history.table import SHARDS, Spread
from support.books import noon
from support.closing import Stored
from support.records import ORGANISATION, invoice, payment

HOME = replace(ORGANISATION, created_on=date(2020, 3, 1).toordinal())
FIRST, SECOND = noon(date(2020, 4, 2)), noon(date(2020, 5, 4))
CUSTOMERS = 40


@pytest.fixture
def book(ledger_tables: Any) -> Stored:
    one = Stored(ledger_tables, HOME)
    late = [invoice(f"I{n}", customer_id=f"C{n}", due_on=f"2020-03-{n % 28 + 1:02}") for n in range(CUSTOMERS)]
    one.recorder.record(HOME, late, noon(date(2020, 4, 1)))
    return one


def partitions(book: Stored, kind: str) -> Counter[str]:
    """How many items of a kind each partition has."""
    items = book.client.scan(TableName=os.environ["HISTORY_TABLE"])["Items"]
    return Counter(item["pk"]["S"] for item in items if item["pk"]["S"].startswith(f"{HOME.id}#{kind}"))


def in_one_partition(patch: pytest.MonkeyPatch) -> None:
    """As items were written before there were several."""
    patch.setattr(Spread, "partition", lambda spread, _: spread.whole)


def pages(book: Stored, limit: int, **chosen: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page, after = book.history.escalations(HOME.id, limit, after=after, **chosen)
        assert len(page) <= limit
        found += page
        if after is None:
            return found


@pytest.mark.parametrize("kind", ["tier", "escalation"])
def test_no_partition_takes_most_of_what_a_run_writes(book: Stored, kind: str) -> None:
    book.close(FIRST)
    found = partitions(book, kind)
    assert len(found) == SHARDS
    assert max(found.values()) < found.total() / 2


@pytest.mark.parametrize("older", [True, False])
def test_records_come_in_one_order_in_pages_of_any_size(
    book: Stored, monkeypatch: pytest.MonkeyPatch, older: bool
) -> None:
    with monkeypatch.context() as patch:
        if older:
            in_one_partition(patch)
        book.close(FIRST)
    book.close(SECOND)
    every = book.records()
    assert len(every) > CUSTOMERS
    assert every == sorted(every, key=lambda one: (_reversed(one["recordedAt"]), one["id"]))
    for limit in (1, 7, 50):
        assert pages(book, limit) == every
        assert pages(book, limit, tier="firm") == [one for one in every if one["to"] == "firm"]
    one = every[0]["customerId"]
    assert pages(book, 1, customer=one) == [record for record in every if record["customerId"] == one]


def _reversed(moment: str) -> list[int]:
    return [-ord(letter) for letter in moment]


def test_a_row_from_before_goes_on_where_it_is_and_is_recorded_once(
    book: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        in_one_partition(patch)
        book.close(FIRST)
    book.close(SECOND)
    assert partitions(book, "tier") == {f"{HOME.id}#tier": CUSTOMERS}
    moves = [(one["customerId"], one["crossedOn"], one["from"], one["to"]) for one in book.records()]
    assert len(moves) == len(set(moves))
    paid = [payment(f"P{n}", invoice_id=f"I{n}", amount="100", paid_on="2020-05-05") for n in range(CUSTOMERS)]
    book.recorder.record(HOME, paid, noon(date(2020, 5, 6)))
    book.close(noon(date(2020, 6, 2)))
    assert not partitions(book, "tier")


def test_what_waited_in_the_outbox_from_before_is_sent_and_taken_out(
    book: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        in_one_partition(patch)
        book.bus.refusing = 10_000
        with pytest.raises(Exception, match="the bus refused"):
            book.close(FIRST)
    assert partitions(book, "outbox")
    book.bus.refusing = 0
    book.close(FIRST)
    assert not partitions(book, "outbox")
    assert {one["id"] for one in book.records() if not one["historical"]} == book.seen().keys()


def test_the_outbox_is_emptied_25_at_a_time_and_what_stays_behind_is_asked_for_again(
    book: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    write = book.client.batch_write_item

    def partly(RequestItems: dict[str, list[Any]]) -> Any:  # noqa: N803
        """Every second delete is left over, as under load."""
        [(table, deletes)] = RequestItems.items()
        asked.append(len(deletes))
        now, later = deletes[: (len(deletes) + 1) // 2], deletes[(len(deletes) + 1) // 2 :]
        write(RequestItems={table: now})
        return {"UnprocessedItems": {table: later} if later else {}}

    monkeypatch.setattr(book.client, "batch_write_item", partly)
    monkeypatch.setattr("time.sleep", lambda _: None)
    book.close(FIRST)
    assert not partitions(book, "outbox")
    assert max(asked) == 25
    assert len(asked) < len(book.sent)
