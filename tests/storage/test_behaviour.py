"""Payment behaviour from what the index shows of a settled history: right on every day, small whatever its length."""

from datetime import date, timedelta
from typing import Any

import pytest

from arrears.ledger.dated_document import added_up
from arrears.ledger.days import year_before
from arrears.ledger.ledger_side import Side
from arrears.reports.payment_behaviour import settled_in_year
from support.records import invoice, payment
from support.stored_ledger import Table

FIRST = date(2019, 7, 10)
NOW = date(2020, 6, 30).toordinal()


def settling(count: int) -> list[dict[str, Any]]:
    """An open invoice, and so many paid on days of their own."""
    records = [invoice("open")]
    for n in range(count):
        on = str(FIRST + timedelta(days=n))
        records += [invoice(f"H{n}", total="1"), payment(f"H{n}", invoice_id=f"H{n}", amount="1", paid_on=on)]
    return records


def asked(table: Table, day: int, today: int) -> list[str]:
    """The requests for all accounts and all that their rows take."""
    table.gate.operations()
    assert list(table.ledger().accounts(Side.RECEIVABLE, day, today))
    return table.gate.operations()


def test_the_index_shows_the_month_that_leaves_the_year_next_and_what_follows_as_one(table: Table) -> None:
    ledger = table.ledger()
    ledger.record(settling(300), NOW)
    [(account, _)] = ledger.accounts(Side.RECEIVABLE, NOW, NOW)
    assert len(account.history) == 22
    assert added_up(account.history, 0).documents == 300
    assert all("ipk" not in item for (_, sk), item in table.contents().items() if sk == "h")


@pytest.mark.parametrize("count", [10, 30, 300])
def test_behaviour_is_right_on_every_day_to_come(table: Table, count: int) -> None:
    """Also when nothing was written for long, and the index shows less than a year needs."""
    ledger = table.ledger()
    ledger.record(settling(count), NOW)
    for day in (*range(NOW, NOW + 40, 3), NOW + 31, NOW + 32, NOW + 100, NOW + 366):
        [(account, documents)] = ledger.accounts(Side.RECEIVABLE, day, NOW)
        found = settled_in_year(account, documents, day)
        left = FIRST.toordinal() + count - max(year_before(day) + 1, FIRST.toordinal())
        assert (found.documents if found else 0) == max(left, 0)


def test_histories_are_read_apart_only_where_the_index_shows_too_little(table: Table) -> None:
    table.ledger().record(settling(300), NOW)
    assert asked(table, NOW, NOW) == ["Query"]
    assert asked(table, NOW + 29, NOW + 29) == ["Query"]
    assert asked(table, NOW + 32, NOW) == ["Query", "BatchGetItem"]
    assert asked(table, NOW + 200, NOW + 200) == ["Query", "BatchGetItem"]
