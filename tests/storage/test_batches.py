"""Records in batches of all sizes, several on one day: a table keeps the book that memory keeps, record by record."""

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from arrears.ledger import accounts
from arrears.storage.ledger import unit_of_work
from oracle.generate import random_book
from support.books import organisation_of
from support.memory_ledger import MemoryLedger
from support.records import ORGANISATION, invoice, payment, promise
from support.stored_ledger import Table, check_same

TODAY = date(2020, 6, 30)


def batches(records: list[dict[str, Any]], random: Random) -> list[list[dict[str, Any]]]:
    """The records in their order, one to twelve at a time."""
    found = []
    while records:
        size = random.choice((1, 1, 2, 3, 5, 12))
        found.append(records[:size])
        records = records[size:]
    return found


def busy_week(random: Random, count: int) -> list[dict[str, Any]]:
    """Records of two customers who are invoiced, pay in full, take payments back, promise, and swap invoices."""
    payloads: list[dict[str, Any]] = []
    for number in range(count):
        day = (TODAY - timedelta(days=random.choice((0, 0, 1, 3, 20, 70)))).isoformat()
        owner, invoices = random.choice("CD"), [record for record in payloads if record["type"] == "invoice"]
        kind = random.choice(("invoice", "invoice", "settled", "settled", "promise", "reversed", "moved"))
        if kind == "invoice" or not invoices:
            payloads.append(invoice(f"I{number}", customer_id=owner, customer_name=f"{owner}{number}"))
        elif kind == "settled":
            payloads.append(payment(f"P{number}", invoice_id=random.choice(invoices)["id"], amount="100", paid_on=day))
        elif kind == "reversed":
            payloads.append(payment(f"P{number}", invoice_id=random.choice(invoices)["id"], amount="-100", paid_on=day))
        elif kind == "promise":
            payloads.append(promise(f"M{number}", customer_id=owner, made_on=day, promised_on="2020-12-31"))
        else:
            payloads.append({**random.choice(invoices), "customer_id": owner})
    return payloads


@pytest.mark.parametrize("seed", range(24))
def test_any_batches_on_any_days_keep_the_book_of_single_records(
    table: Table, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Some with accounts that list their documents by themselves from the third one on, and hold one again."""
    if seed % 3 == 0:
        monkeypatch.setattr(accounts, "HELD_DOCUMENTS", 2)
        monkeypatch.setattr(unit_of_work, "HELD_AGAIN", 1)
    random = Random(seed)
    if seed % 2:
        records, organisation = busy_week(random, 40), ORGANISATION
    else:
        book = random_book(seed, 4 + seed % 9, pivot=TODAY)
        records, organisation = [entry.record for entry in book.entries], organisation_of(book)
    ledger, memory = table.ledger(organisation), MemoryLedger(organisation)
    today = TODAY.toordinal()
    for batch in batches(records, random):
        today += random.choice((0, 0, 0, 0, 1, 30) if seed % 2 == 0 else (0, 0, 0, 1))
        expected = memory.record(batch, today)
        assert ledger.record(batch, today) == expected
    check_same(ledger, memory)


def test_a_payment_and_a_promise_after_a_settlement_of_the_same_day_count(table: Table) -> None:
    """What the account counted as closed before the batch must not change while the batch is worked out."""
    ledger = table.ledger()
    settling = [payment(f"P{name}", invoice_id=name, amount="100", paid_on="2020-06-30") for name in ("1", "2")]
    ledger.record([invoice("1"), invoice("2"), settling[0]], TODAY.toordinal())
    promised = promise(amount="200", made_on="2020-06-30", promised_on="2020-07-10")
    results = ledger.record([settling[1], promised], TODAY.toordinal())
    assert [result.result for result in results] == ["created", "created"]
    [account] = ledger.account_items().values()
    assert account["p"][0][4][0][-1] == [[TODAY.toordinal(), 20_000, 0]]
