"""Accounts that are large in any way stay small items: what is too much of them is listed, or read whole."""

from datetime import date
from typing import Any

import pytest

from arrears.ledger import accounts
from arrears.ledger.ledger_side import Side
from arrears.reports.aged_page import read_aged
from arrears.reports.book_reading import BookReading
from arrears.reports.overdue_page import read_overdue
from arrears.reports.page_request import PageRequest
from arrears.storage.ledger import open_accounts
from support.records import ORGANISATION, invoice, payment
from support.stored_ledger import StoredLedger, Table, check_sums

NOW = date(2020, 6, 30).toordinal()
CURRENCIES = [
    "AUD",
    "BGN",
    "BRL",
    "CAD",
    "CHF",
    "CNY",
    "CZK",
    "DKK",
    "EUR",
    "GBP",
    "HKD",
    "HUF",
    "IDR",
    "ILS",
    "INR",
    "ISK",
    "JPY",
    "KRW",
    "MXN",
    "MYR",
    "NOK",
    "NZD",
    "PHP",
    "PLN",
    "RON",
    "SEK",
]


@pytest.fixture(autouse=True)
def _small_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_accounts, "_MORE", 0)


def form(table: Table) -> Any:
    """The packed form of the only account, and the beginning of its sort key."""
    [item] = [item for (_, sk), item in table.contents().items() if sk == "a"]
    return item["p"], item["isk"][:2]


def is_whole(table: Table) -> bool:
    packed, start = form(table)
    return packed[1:] == [[], None] and start == "!!"


def check_answers(ledger: StoredLedger) -> None:
    """Pages of one row are the whole answer, today and later; the sums are right."""
    check_sums(ledger)
    for later in (0, 30):
        reading = BookReading(ledger.store, ORGANISATION, Side.RECEIVABLE, NOW + later, NOW)
        for read in (read_overdue, read_aged):
            whole, after, found = read(reading, None), None, []
            while True:
                page = read(reading, PageRequest(after, 1))
                assert page.aging == whole.aging
                found += page.rows[:1]
                if len(page.rows) < 2:
                    break
                after = page.rows[0].sort_key
            assert [row.sort_key for row in found] == [row.sort_key for row in whole.rows]
            assert [sorted(row.documents) for row in found] == [sorted(row.documents) for row in whole.rows]


def days(first: int, count: int) -> list[str]:
    return [date.fromordinal(first + n).isoformat() for n in range(count)]


def test_many_documents_dated_ahead_are_read_whole_and_held_again_when_few_are_left(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "MOST_AHEAD", 20)
    ledger = table.ledger()
    ahead = days(NOW + 2, 30)
    ledger.record([invoice(f"I{n}", issued_on=ahead[n], due_on=ahead[n]) for n in range(30)], NOW)
    assert is_whole(table)
    check_answers(ledger)
    ledger.record([payment(f"P{n}", invoice_id=f"I{n}", amount="100", paid_on=ahead[n]) for n in range(24)], NOW + 40)
    ledger.close_documents(NOW + 40)
    assert not is_whole(table)
    check_sums(ledger)


def test_many_sums_are_given_up(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "MOST_CELLS", 30)
    ledger = table.ledger()
    due = days(NOW - 40, 25)
    for some in (due[:10], due[10:]):
        ledger.record([invoice(f"I{day}", issued_on="2020-01-01", due_on=day) for day in some], NOW)
        check_answers(ledger)
    assert is_whole(table)
    ledger.record(
        [payment(f"P{day}", invoice_id=f"I{day}", amount="100", paid_on="2020-06-01") for day in due[3:]], NOW
    )
    assert not is_whole(table)
    check_answers(ledger)


def test_documents_with_many_payments_are_listed_by_themselves(table: Table) -> None:
    ledger = table.ledger()
    for name in "AB":
        ledger.record([invoice(name)], NOW)
        paid = days(NOW - 90, 80)
        ledger.record([payment(f"{name}{day}", invoice_id=name, amount="1", paid_on=day) for day in paid], NOW)
    packed, start = form(table)
    assert packed[1] == []
    assert start == "!U"
    assert len(str(packed)) < 1_000
    check_answers(ledger)


def test_a_customer_may_owe_in_every_currency(table: Table) -> None:
    """Each is a row; with more than ten, every answer reads all of them."""
    ledger = table.ledger()
    for count in (10, 11, len(CURRENCIES)):
        records = [invoice(f"I{code}", currency=code, total="5", due_on="2020-02-01") for code in CURRENCIES[:count]]
        assert {result.result for result in ledger.record(records, NOW)} <= {"created", "unchanged"}
        assert is_whole(table) == (count > 10)
        check_answers(ledger)


def test_many_customers_with_several_currencies_share_transactions(table: Table) -> None:
    ledger = table.ledger()
    own = [invoice(f"I{n}{code}", customer_id=f"C{n}", currency=code) for n in range(40) for code in CURRENCIES[:4]]
    ledger.record(own, NOW)
    table.gate.operations()
    ledger.record([payment(f"P{n}", invoice_id=f"I{n}EUR", amount="1") for n in range(40)], NOW)
    ledger.record([payment(f"Q{n}", invoice_id=f"I{n}AUD", amount="1") for n in range(40)], NOW)
    assert table.gate.operations().count("TransactWriteItems") <= 16
    check_sums(ledger)


def test_a_large_customer_who_has_paid_since_its_row_was_read_is_passed_over(table: Table) -> None:
    ledger = table.ledger()
    every = [invoice(f"I{n}", customer_id="large", due_on="2020-02-01") for n in range(17)]
    ledger.record([*every, invoice("J", customer_id="other", due_on="2020-03-01")], NOW)

    class Late(open_accounts.StoredOpenBook):
        """A book whose large customer pays before its documents are read."""

        def documents(self, account: Any) -> Any:
            if account.reference == "large":
                paid = [payment(f"P{n}", invoice_id=f"I{n}", amount="100") for n in range(17)]
                ledger.record(paid, NOW)
            return super().documents(account)

    def book(organisation: Any, side: Any, page: int) -> Any:
        return Late(open_accounts.OpenAccounts(table.open, table.name, organisation, side), page)

    ledger.store.open_book = book  # type: ignore[method-assign]
    reading = BookReading(ledger.store, ORGANISATION, Side.RECEIVABLE, NOW, NOW)
    report = read_overdue(reading, PageRequest(None, 1))
    assert [row.account.reference for row in report.rows] == ["other"]
