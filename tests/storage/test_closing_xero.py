"""Twelve months of the Xero book: closed month by month, in one late run, and by several runs at once."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.ledger.policy import Policy
from arrears.rendering.overdue import aging_bodies, overdue_bodies
from arrears.reports.aging import overdue_report
from support.books import noon
from support.closing import Calls, Stored, Tables
from support.files import records, sample

ENDS = [date(2020 + n // 12, n % 12 + 1, 1) - timedelta(days=1) for n in range(1, 13)]
"""The last days of January to December 2020."""
HOME = Organisation(
    "0e0e0e0e-0000-4000-8000-000000000001",
    "Xero",
    "GBP",
    "Europe/London",
    date(2020, 5, 1).toordinal(),
    "00",
    policy=Policy(close_after_days=0),
)


@pytest.fixture
def book(ledger_tables: Any, monkeypatch: pytest.MonkeyPatch) -> Stored:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    one = Stored(ledger_tables, replace(HOME))
    payloads = records(sample("xero", "xero_invoice_data.csv"), "xero")
    one.recorder.record(HOME, payloads, datetime(2019, 12, 31, 12, tzinfo=UTC))
    return one


def closed_monthly(book: Stored) -> None:
    for end in ENDS:
        book.close(noon(end + timedelta(days=1), HOME.timezone))


def closed_late(book: Stored) -> None:
    book.close(noon(ENDS[-1] + timedelta(days=1), HOME.timezone))


def closed_at_once(book: Stored) -> None:
    calls = Calls(book.client, book.bus)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(closed_late, book) for _ in range(2)]:
            done.result()
    calls.release()


def test_however_it_is_closed_it_is_the_same(book: Stored) -> None:
    kept = Tables()
    ways: list[Callable[[Stored], None]] = [closed_monthly, closed_late, closed_at_once]
    states = []
    for close in ways:
        kept.restore()
        book.sent.clear()
        close(book)
        states.append(book.state())
    monthly, late, at_once = states
    assert [month["asOf"] for month in monthly["months"]["months"]][-12:] == [end.isoformat() for end in ENDS]
    assert monthly["escalations"]
    assert monthly["seen"]
    assert late == monthly
    assert at_once == monthly


def test_each_month_is_what_was_answered_on_its_last_day(book: Stored) -> None:
    closed_monthly(book)
    now = HOME.today(noon(ENDS[-1] + timedelta(days=1)))
    for month, end in zip(book.months()["months"][-12:], ENDS, strict=True):
        day = end.toordinal()
        report = overdue_report(book.ledger.accounts(HOME, Side.RECEIVABLE, day, now), day, HOME)
        closing = {entry["currency"]: entry["closingOverdue"] for entry in month["currencies"]}
        answered = {entry["currency"]: entry["amount"] for entry in overdue_bodies(report.aging)}
        assert answered == {currency: amount for currency, amount in closing.items() if amount}
        assert {entry["currency"]: entry["buckets"] for entry in aging_bodies(report.aging)} == {
            entry["currency"]: entry["buckets"]
            for entry in month["currencies"]
            if any(bucket["count"] for bucket in entry["buckets"].values())
        }


def test_the_figures_of_june_are_those_of_an_independent_calculation(book: Stored) -> None:
    closed_monthly(book)
    [june] = [month for month in book.months()["months"] if month["month"] == "2020-06"]
    gbp = june["currencies"][0]
    assert (gbp["currency"], gbp["closingOverdue"], gbp["invoiceCount"], gbp["customerCount"]) == ("GBP", 4500, 2, 1)
    assert gbp["buckets"]["current"] == {"amount": 7200, "count": 3}
    assert gbp["buckets"]["d61To90"] == gbp["buckets"]["d90Plus"] == {"amount": 2250, "count": 1}
