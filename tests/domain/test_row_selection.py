"""Filters and orders of the overdue reports: the rows that have what is asked for, and what they add up to."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import pytest

from arrears.ledger.dated_document import Account
from arrears.ledger.ledger_side import Side
from arrears.reports.aging import RowReference, Unapplied, overdue_report
from arrears.reports.payables import row_urgency, supplier_row
from arrears.reports.receivables import customer_row, row_tier
from arrears.reports.row_selection import AMOUNT, ORDERS, RowFilter, select_rows, totals_of
from oracle.generate import interesting_days, random_book
from support.books import in_memory, last_day, organisation_of, random_terms
from support.memory_ledger import MemoryLedger
from support.records import ORGANISATION, invoice, payment

type LevelOf = Callable[[RowReference, int, Any], str]
SIDES: dict[Side, tuple[LevelOf, Any, str]] = {
    Side.RECEIVABLE: (row_tier, customer_row, "tier"),
    Side.PAYABLE: (row_urgency, supplier_row, "urgency"),
}


def nothing_lacks(_: Iterable[Account]) -> dict[str, Account]:
    return {}


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("seed", range(20))
def test_a_filter_finds_the_rows_that_have_what_it_asks_for(seed: int, side: Side) -> None:
    """Each filter and each pair of them, against the rows that are worked out."""
    book, policy = random_book(seed, 20), random_terms(seed)
    organisation = organisation_of(book, policy)
    ledger, today = in_memory(book, organisation), last_day(book).toordinal()
    level_of, work_out, level = SIDES[side]
    for day in (one.toordinal() for one in interesting_days(book)):
        report = overdue_report(ledger.accounts(side, day, today), day, organisation)
        rows = [work_out(reference, day, report.policy) for reference in report.rows]
        assert [level_of(one, day, report.policy) for one in report.rows] == [getattr(row, level) for row in rows]
        assert [one.owed for one in report.rows] == [row.total_overdue for row in rows]
        assert [one.days for one in report.rows] == [row.oldest.days for row in rows]
        values = [
            RowFilter(row.account.party_id, row.currency, getattr(row, level), row.action)
            for row in rows
            if row.account.party_id is not None
        ]
        for value in values[:4]:
            for asked in ((0,), (1,), (2,), (3,), (0, 1), (1, 2), (2, 3), (0, 1, 2, 3)):
                wanted = RowFilter(*(part if n in asked else None for n, part in enumerate(value)))
                expected = [
                    reference
                    for reference, row in zip(report.rows, rows, strict=True)
                    if all(
                        want in (None, has)
                        for want, has in zip(
                            wanted, (row.account.party_id, row.currency, getattr(row, level), row.action), strict=True
                        )
                    )
                ]
                assert select_rows(report, wanted, level_of, work_out, nothing_lacks) == expected


def test_without_a_filter_no_row_is_looked_at() -> None:
    book = random_book(3, 20)
    organisation, today = organisation_of(book), last_day(book).toordinal()
    report = overdue_report(in_memory(book, organisation).accounts(Side.RECEIVABLE, today, today), today, organisation)

    def never(*_: Any) -> Any:
        raise AssertionError

    assert select_rows(report, RowFilter(), never, never, never) is report.rows
    cheap = RowFilter(report.rows[0].account.party_id, report.rows[0].currency)
    assert report.rows[0] in select_rows(report, cheap, never, never, never)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("seed", range(12))
def test_all_rows_add_up_to_the_totals_of_the_book(seed: int, side: Side) -> None:
    book = random_book(seed, 20)
    organisation, today = organisation_of(book), last_day(book).toordinal()
    report = overdue_report(in_memory(book, organisation).accounts(side, today, today), today, organisation)
    totals = totals_of(report.rows)
    assert (totals.party_count, totals.overdue_count) == (report.party_count, report.overdue_count)
    assert [(one.currency, one.amount, one.count) for one in totals.by_currency] == [
        (entry.currency, entry.overdue_amount, entry.overdue_count) for entry in report.aging if entry.overdue_count
    ]


def test_totals_have_the_money_on_account_beside_the_rows() -> None:
    """Not that of other currencies or of who has nothing overdue."""
    ledger, today = MemoryLedger(ORGANISATION), date(2020, 6, 30).toordinal()
    results = ledger.record(
        [
            invoice("I1", customer_id="C1", due_on="2020-06-01"),
            invoice("I2", customer_id="C2", due_on="2020-06-01"),
            invoice("I3", customer_id="C3", due_on="2020-07-31"),
            *(
                payment(f"{id_}{currency}", invoice_id=None, customer_id=id_, currency=currency, amount=amount)
                for id_, currency, amount in (
                    ("C1", "USD", "30"),
                    ("C1", "EUR", "5"),
                    ("C2", "USD", "2"),
                    ("C3", "USD", "9"),
                )
            ),
        ],
        today,
    )
    assert {result.result for result in results} == {"created"}
    report = overdue_report(ledger.accounts(Side.RECEIVABLE, today, today), today, ORGANISATION)
    assert totals_of(report.rows).unapplied == [Unapplied("USD", 3200, 2)]
    assert totals_of(report.rows[:1]).unapplied == [Unapplied("USD", 3000, 1)]


@pytest.mark.parametrize("seed", range(12))
def test_by_amount_the_larger_one_comes_first_inside_a_currency_and_the_older_one_of_two_equal_ones(seed: int) -> None:
    book = random_book(seed, 30)
    organisation, today = organisation_of(book), last_day(book).toordinal()
    report = overdue_report(in_memory(book, organisation).accounts(Side.RECEIVABLE, today, today), today, organisation)
    found = sorted(report.rows, key=ORDERS[AMOUNT])
    by_currency: dict[str, list[RowReference]] = {}
    for row in found:
        by_currency.setdefault(row.currency, []).append(row)
    assert list(by_currency) == list(dict.fromkeys(row.currency for row in report.rows))
    assert [row for rows in by_currency.values() for row in rows] == found
    for rows in by_currency.values():
        assert [(row.owed, row.days) for row in rows] == sorted(((row.owed, row.days) for row in rows), reverse=True)
