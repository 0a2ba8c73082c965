"""Figures over months, without a table behind them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.ledger.dated_document import AllocationChange, DatedDocument, Dispute
from arrears.reports.invoice_collection import MonthCollection, invoice_collection
from arrears.reports.months import months_between, window_start
from arrears.reports.overdue_balance import MonthBalance, overdue_balance, page_of

TODAY = date(2020, 6, 30).toordinal()


def invoice(id: str, due: date | None, total: int = 100, currency: str = "EUR", **more: object) -> DatedDocument:
    issued = date(2020, 1, 1).toordinal()
    return DatedDocument(id, None, currency, total, issued, due and due.toordinal(), **more)  # type: ignore[arg-type]


def test_a_balance_is_what_is_outstanding_of_what_is_overdue() -> None:
    documents = [
        invoice("late", date(2020, 6, 29)),
        invoice("due today", date(2020, 6, 30)),
        invoice("no due date", None),
        invoice("paid", date(2020, 5, 1), applied=[AllocationChange(TODAY, 100, 0, 1)]),
        invoice(
            "partly paid",
            date(2020, 5, 1),
            applied=[AllocationChange(TODAY, 30, 20, 1), AllocationChange(TODAY + 1, 50, 0, 1)],
        ),
        invoice("over-applied", date(2020, 5, 1), applied=[AllocationChange(TODAY, 130, 0, 1)]),
        invoice("void", date(2020, 5, 1), voided=TODAY),
        invoice("void tomorrow", date(2020, 5, 2), voided=TODAY + 1),
        invoice("disputed", date(2020, 5, 3), disputes=[Dispute(TODAY, None, False)]),
    ]
    assert overdue_balance(documents, TODAY) == [
        MonthBalance("2020-05", "EUR", 250, ["partly paid", "void tomorrow", "disputed"]),
        MonthBalance("2020-06", "EUR", 100, ["late"]),
    ]


def test_balances_are_sorted_by_month_then_currency() -> None:
    documents = [
        invoice("3", date(2020, 6, 1), currency="USD"),
        invoice("2", date(2020, 6, 1), currency="EUR"),
        invoice("1", date(2019, 12, 31), currency="USD"),
        invoice("0", date(2020, 6, 1), currency="EUR"),
    ]
    found = overdue_balance(documents, TODAY)
    assert [(row.month, row.currency, row.invoice_ids) for row in found] == [
        ("2019-12", "USD", ["1"]),
        ("2020-06", "EUR", ["0", "2"]),
        ("2020-06", "USD", ["3"]),
    ]
    assert [row.month for row in overdue_balance(documents, TODAY, "USD", 7)] == ["2019-12", "2020-06"]
    assert [row.month for row in overdue_balance(documents, TODAY, "USD", 6)] == ["2020-06"]


def test_pages_list_every_invoice_once_in_rows_with_their_full_amounts() -> None:
    rows = [
        MonthBalance("2020-04", "EUR", 300, ["1", "2", "3"]),
        MonthBalance("2020-04", "USD", 100, ["4"]),
        MonthBalance("2020-05", "EUR", 200, ["5", "6"]),
    ]
    assert [page_of(rows, number, 2) for number in (1, 2, 3, 4)] == [
        [MonthBalance("2020-04", "EUR", 300, ["1", "2"])],
        [MonthBalance("2020-04", "EUR", 300, ["3"]), MonthBalance("2020-04", "USD", 100, ["4"])],
        [MonthBalance("2020-05", "EUR", 200, ["5", "6"])],
        [],
    ]
    assert page_of(rows, 1, 100) == rows
    assert page_of([], 1, 100) == []


FIGURES = {
    ("2020-02", "pending", "EUR"): (1, 100),
    ("2020-02", "succeeded", "EUR"): (2, 0),
    ("2020-02", "pending", "AED"): (1, 7),
    ("2020-04", "failed", "USD"): (3, 300),
    ("2020-03", "pending", "EUR"): (0, 0),
    ("2020-07", "pending", "EUR"): (1, 1),
}


def test_months_without_invoices_are_there_with_zeros() -> None:
    assert invoice_collection(FIGURES, TODAY) == [
        MonthCollection("2020-02", "pending", "AED", 1, 7),
        MonthCollection("2020-02", "pending", "EUR", 1, 100),
        MonthCollection("2020-02", "succeeded", "EUR", 2, 0),
        MonthCollection("2020-03", None, None, 0, 0),
        MonthCollection("2020-04", "failed", "USD", 3, 300),
        MonthCollection("2020-05", None, None, 0, 0),
        MonthCollection("2020-06", None, None, 0, 0),
    ]


def test_one_currency_has_only_its_own_months() -> None:
    assert invoice_collection(FIGURES, TODAY, "USD") == [MonthCollection("2020-04", "failed", "USD", 3, 300)]
    assert invoice_collection(FIGURES, TODAY, "USD", 2) == []


def test_a_window_begins_no_earlier_than_the_first_invoice() -> None:
    assert [row.month for row in invoice_collection(FIGURES, TODAY, months=4)] == [
        "2020-03",
        "2020-04",
        "2020-05",
        "2020-06",
    ]
    assert invoice_collection(FIGURES, TODAY, months=10**6) == invoice_collection(FIGURES, TODAY)
    assert invoice_collection({}, TODAY, months=12) == []
    assert invoice_collection({("2020-07", "pending", "EUR"): (1, 1)}, TODAY) == []


@pytest.mark.parametrize(
    ("current", "months", "start"),
    [("2020-06", 1, "2020-06"), ("2020-06", 6, "2020-01"), ("2020-06", 7, "2019-12"), ("2020-01", 13, "2019-01")],
)
def test_a_window_ends_with_the_current_month(current: str, months: int, start: str) -> None:
    assert window_start(current, months) == start


@given(st.dates(min_value=date(1, 1, 1)), st.integers(1, 500))
def test_a_window_has_as_many_months_as_were_asked_for(day: date, months: int) -> None:
    current = day.isoformat()[:7]
    window = list(months_between(window_start(current, months), current))
    assert window[-1] == current
    assert window == sorted(set(window))
    assert len(window) == months or window[0] <= "0001-01"
