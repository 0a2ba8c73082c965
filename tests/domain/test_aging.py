"""Aging: buckets by days past due, sums per currency, order of rows."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.ledger.dated_document import Account, AllocationChange, DatedDocument
from arrears.ledger.ledger_side import Side
from arrears.reports import aging
from arrears.reports.aging import BUCKETS, Aging, bucket_of
from support.books import answer
from support.memory_ledger import MemoryLedger
from support.records import ORGANISATION, customer, invoice, payment

TODAY = date(2020, 6, 30)
NOW = TODAY.toordinal()


def due(days_ago: int) -> str:
    return (TODAY - timedelta(days=days_ago)).isoformat()


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        *((-400, "current"), (-1, "current"), (0, "current")),
        *((1, "d1To30"), (30, "d1To30"), (31, "d31To60"), (60, "d31To60")),
        *((61, "d61To90"), (90, "d61To90"), (91, "d90Plus"), (4000, "d90Plus")),
    ],
)
def test_a_bucket_holds_its_last_day_and_not_the_next(days: int, bucket: str) -> None:
    assert BUCKETS[bucket_of(days)] == bucket


@given(st.lists(st.tuples(st.integers(1, 10**20), st.integers(-50, 400), st.sampled_from(["USD", "JPY"])), max_size=30))
def test_buckets_add_up_and_currencies_stay_apart(open_documents: list[tuple[int, int, str]]) -> None:
    ages = Aging()
    for owed, days, currency in open_documents:
        ages.add(currency, owed, days)
    for currency in {currency for _, _, currency in open_documents}:
        mine = [(owed, days) for owed, days, other in open_documents if other == currency]
        assert sum(ages.amounts[currency]) == sum(owed for owed, _ in mine)
        late = [owed for owed, days in mine if days > 0]
        [entry] = [one for one in ages.by_currency("USD") if one.currency == currency]
        assert (entry.overdue_amount, entry.overdue_count) == (sum(late), len(late))


def test_a_document_without_a_due_date_is_open_and_never_overdue() -> None:
    account = Account("c", "c", "C", "Ada")
    found = aging.overdue_report(
        [(account, [DatedDocument("i", None, "USD", 500, NOW - 900, None)])], NOW, ORGANISATION
    )
    assert found.rows == []
    assert [(entry.currency, entry.amounts) for entry in found.aging] == [("USD", [500, 0, 0, 0, 0])]


def test_what_is_owed_leaves_out_what_is_dated_later() -> None:
    steps = [AllocationChange(NOW - 1, 100, 0, 1), AllocationChange(NOW + 1, 0, 50, 0)]
    document = DatedDocument("i", None, "USD", 500, NOW - 9, NOW - 5, applied=steps)
    assert [aging.owed_at(document, day) for day in (NOW - 10, NOW - 9, NOW - 1, NOW + 1)] == [0, 500, 400, 350]
    assert aging.owed_at(document._replace(voided=NOW), NOW) == 0


def read(*records: Any) -> dict[str, Any]:
    ledger = MemoryLedger(ORGANISATION)
    ledger.record(records, NOW)
    return answer(ledger.accounts(Side.RECEIVABLE, NOW, NOW), Side.RECEIVABLE, TODAY, ORGANISATION)


def test_rows_are_sorted_by_currency_then_age_then_amount_then_name() -> None:
    late = [
        ("a", "EUR", "9", 500, "Zoë"),
        ("b", "USD", "1", 10, "Ada"),
        ("c", "USD", "7", 10, "Bea"),
        ("d", "USD", "1", 90, "Cy"),
        ("e", "CHF", "1", 1, "Di"),
        ("f", "USD", "7", 10, "Abe"),
    ]
    payloads = [customer(id_, name=name) for id_, _, _, _, name in late]
    payloads += [invoice(id_, customer_id=id_, currency=c, total=t, due_on=due(days)) for id_, c, t, days, _ in late]
    body = read(*payloads)
    assert [row["customerName"] for row in body["customers"]] == ["Cy", "Abe", "Bea", "Ada", "Di", "Zoë"]
    assert [entry["currency"] for entry in body["aging"]] == ["USD", "CHF", "EUR"]


def test_aging_has_currencies_that_are_not_overdue_and_totals_have_not() -> None:
    body = read(invoice(due_on=due(0)), invoice("J", currency="JPY", total="7", due_on=due(1)))
    assert [entry["currency"] for entry in body["aging"]] == ["USD", "JPY"]
    assert body["totals"] == {
        "customerCount": 1,
        "invoiceCount": 1,
        "overdueByCurrency": [{"currency": "JPY", "amount": 7, "count": 1}],
        "unappliedByCurrency": [],
    }
    nothing = {"customerCount": 0, "invoiceCount": 0, "overdueByCurrency": [], "unappliedByCurrency": []}
    assert read()["totals"] == nothing


def test_the_oldest_is_by_due_date_then_amount_and_ids_by_due_date_then_id() -> None:
    ids = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(4)]
    body = read(
        invoice(ids[3], due_on=due(9), total="5"),
        invoice(ids[2], due_on=due(9), total="50"),
        invoice(ids[0], due_on=due(1)),
        invoice(ids[1], due_on=due(4)),
    )
    row = body["customers"][0]
    assert row["oldestInvoice"]["invoiceId"] == ids[2]
    assert row["invoiceIds"] == [ids[2], ids[3], ids[1], ids[0]]


def test_amounts_beyond_fifteen_digits_are_text_and_exact() -> None:
    body = read(invoice(total="9007199254740.93"), invoice("J", total="0.01"), payment(amount="0.02"))
    assert body["customers"][0]["totalOverdue"] == 9007199254740.92
    assert Decimal(repr(body["customers"][0]["totalOverdue"])) == Decimal("9007199254740.92")
    huge = read(invoice(total="9007199254740993.01"))["customers"][0]
    assert (huge["totalOverdue"], huge["oldestInvoice"]["outstanding"]) == ("9007199254740993.01",) * 2
