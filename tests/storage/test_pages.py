"""Pages of rows, read without the rest of the book: together they are the answer that reading all of it gives."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from arrears.ledger import accounts
from arrears.ledger.known_at import moment_of
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.rendering.aged_list import aged_customer_body, aged_list_body
from arrears.reports.aged_customers import customer_balance
from arrears.reports.aged_list import AgedList, PartyReference
from arrears.reports.aged_page import read_aged
from arrears.reports.aging import Report, with_accounts
from arrears.reports.book_reading import BookReading
from arrears.reports.overdue_page import read_overdue
from arrears.reports.page_request import PageRequest
from arrears.storage.ledger import open_accounts, unit_of_work
from oracle import Book
from oracle.generate import random_book
from support.books import body_of, last_day, noon, organisation_of, random_terms
from support.dynamodb import current
from support.records import ORGANISATION, bill, invoice, payment
from support.stored_ledger import StoredLedger, Table, check_sums, in_table

NOW = date(2020, 6, 30).toordinal()


@pytest.fixture(autouse=True)
def _small_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a book of ten rows takes several requests."""
    monkeypatch.setattr(open_accounts, "_MORE", 0)


def reading(ledger: StoredLedger, side: Side, day: int, today: int) -> BookReading:
    return BookReading(ledger.store, ledger.organisation, side, day, today)


def overdue_pages(ledger: StoredLedger, side: Side, day: int, today: int, limit: int) -> Iterator[Report]:
    """The pages of an overdue report, each with its own rows only."""
    after = None
    while True:
        report = read_overdue(reading(ledger, side, day, today), PageRequest(after, limit))
        rows = [row for row in report.rows if after is None or row.sort_key > after]
        more, rows = len(rows) > limit, rows[:limit]
        report.rows[:] = with_accounts(rows, reading(ledger, side, day, today).complete)
        yield report
        if not more:
            return
        after = rows[-1].sort_key


def check_overdue(ledger: StoredLedger, side: Side, day: int, today: int, limit: int) -> int:
    """Raises unless pages have the rows and the totals of the whole report; how many pages there were."""
    report = read_overdue(reading(ledger, side, day, today), None)
    report.rows[:] = list(with_accounts(report.rows, reading(ledger, side, day, today).complete))
    whole = body_of(report, side)
    pages = [body_of(page, side) for page in overdue_pages(ledger, side, day, today, limit)]
    rows = "customers" if side is Side.RECEIVABLE else "suppliers"
    assert [row for page in pages for row in page[rows]] == whole[rows]
    for page in pages:
        assert {**page, rows: whole[rows]} == whole
    return len(pages)


def aged_body(aged: AgedList[PartyReference], side: Side) -> dict[str, Any]:
    body = aged_list_body(aged, side, "customer" if side is Side.RECEIVABLE else "supplier", [], None)
    return {name: value for name, value in body.items() if name not in ("customers", "suppliers")}


def check_aged(ledger: StoredLedger, side: Side, day: int, today: int, limit: int) -> int:
    """The same for the aged list by counterparty."""
    whole = read_aged(reading(ledger, side, day, today), None)
    policy = ledger.organisation.policy
    expected, found, pages, after = aged_body(whole, side), [], 0, None
    while True:
        page = read_aged(reading(ledger, side, day, today), PageRequest(after, limit))
        assert aged_body(page, side) == expected
        rows = [row for row in page.rows if after is None or row.sort_key > after]
        found += rows[:limit]
        pages += 1
        if len(rows) <= limit:
            break
        after = rows[limit - 1].sort_key
    assert [row.sort_key for row in found] == [row.sort_key for row in whole.rows]
    complete = reading(ledger, side, day, today).judgeable
    bodies = [
        [aged_customer_body(customer_balance(row, day, policy)) for row in with_accounts(rows, complete)]
        for rows in (found, whole.rows)
    ]
    assert bodies[0] == bodies[1]
    return pages


def check_due_before(ledger: StoredLedger, side: Side, day: int) -> None:
    """Raises unless the documents due before a day are those of all accounts, each once."""
    found = ledger.store.accounts(ledger.organisation, side, day, day)
    documents = [document for _, own in found for document in own]
    due = [document for document in documents if document.due is not None and document.due < day]
    assert sorted(map(str, ledger.store.documents_due_before(ledger.organisation, side, day))) == sorted(map(str, due))


def check_all(ledger: StoredLedger, today: int, limits: tuple[int, ...] = (1, 3, 50)) -> None:
    for side in Side:
        check_due_before(ledger, side, today)
        for later in (0, 1, 25, 400):
            for limit in limits:
                check_overdue(ledger, side, today + later, today, limit)
                check_aged(ledger, side, today + later, today, limit)


def a_book(seed: int) -> tuple[Book, Organisation]:
    book = random_book(seed, 4 + seed % 14)
    return book, organisation_of(book, random_terms(seed), shards=1 + seed % 3)


@pytest.mark.parametrize("seed", range(200, 210))
def test_pages_of_random_books_are_the_whole_answer(table: Table, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with accounts that list their documents by themselves from the third one on."""
    if seed % 2:
        monkeypatch.setattr(accounts, "HELD_DOCUMENTS", 2)
        monkeypatch.setattr(unit_of_work, "HELD_AGAIN", 1)
    book, organisation = a_book(seed)
    ledger, today = in_table(table, book, organisation), last_day(book).toordinal()
    check_sums(ledger)
    check_all(ledger, today)
    ledger.close_documents(today + 30)
    check_sums(ledger)
    check_all(ledger, today + 30, (2,))


def test_a_page_costs_three_requests_however_large_the_book(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums, what something dated ahead will change, and the rows; a book of one page costs one."""
    monkeypatch.setattr(open_accounts, "_MORE", 10)
    ledger = table.ledger()
    day = date.fromordinal
    due = [{"due_on": day(NOW - 20 - n).isoformat(), "issued_on": day(NOW - 60).isoformat()} for n in range(40)]
    ledger.record([invoice(f"I{n}", customer_id=f"C{n}", **due[n]) for n in range(40)], NOW)
    for limit, expected in ((5, ["Query"] * 2), (50, ["Query"])):
        table.gate.operations()
        report = read_overdue(reading(ledger, Side.RECEIVABLE, NOW, NOW), PageRequest(None, limit))
        assert (report.party_count, report.overdue_count) == (40, 40)
        assert table.gate.operations() == expected
    after = report.rows[20].sort_key
    table.gate.operations()
    page = read_overdue(reading(ledger, Side.RECEIVABLE, NOW, NOW), PageRequest(after, 5))
    assert [row.sort_key for row in page.rows] == [row.sort_key for row in report.rows[21:27]]
    assert table.gate.operations() == ["Query"] * 3


def test_a_cursor_goes_on_right_in_a_book_that_changes_meanwhile(table: Table) -> None:
    """Who is behind it is shown as the book is now; who has moved before it is not shown again."""
    ledger = table.ledger()
    due = [date.fromordinal(NOW - 50 + n).isoformat() for n in range(12)]
    ledger.record(
        [invoice(f"I{n}", customer_id=f"C{n}", issued_on="2020-01-01", due_on=due[n]) for n in range(12)], NOW
    )
    first = read_overdue(reading(ledger, Side.RECEIVABLE, NOW, NOW), PageRequest(None, 4))
    after = first.rows[3].sort_key
    changes = [
        payment("1", invoice_id="I1", amount="100"),
        payment("6", invoice_id="I6", amount="100"),
        invoice("older", customer_id="C9", issued_on="2020-01-01", due_on="2020-01-02"),
        invoice("later", customer_id="C2", issued_on="2020-01-01", due_on="2020-06-20"),
        invoice("dollars", customer_id="C8", currency="EUR", issued_on="2020-01-01", due_on=due[0]),
    ]
    ledger.record(changes, NOW)
    whole = read_overdue(reading(ledger, Side.RECEIVABLE, NOW, NOW), None)
    expected = [row.sort_key for row in whole.rows if row.sort_key > after]
    found = []
    while True:
        page = read_overdue(reading(ledger, Side.RECEIVABLE, NOW, NOW), PageRequest(after, 2))
        assert (page.aging, page.party_count) == (whole.aging, whole.party_count)
        found += [row.sort_key for row in page.rows[:2]]
        if len(page.rows) < 3:
            break
        after = found[-1]
    assert found == expected


@pytest.mark.parametrize("moved", ["C0", "C7", "C19"])
def test_nobody_is_missed_or_seen_twice_who_moves_while_the_close_reads(make_table: Any, moved: str) -> None:
    """An invoice that is older than all others arrives, or all is paid: the customer moves in what is being read.

    Whichever request it comes before, what is read is the book as it was known before.
    """
    began = noon(date.fromordinal(NOW)) + timedelta(minutes=5)
    for number in range(1, 14):
        table = make_table()
        ledger, other = table.ledger(), replace(table, client=table.open).ledger()
        due = [date.fromordinal(NOW - 50 + n).isoformat() for n in range(20)]
        ledger.record(
            [invoice(f"I{n}", customer_id=f"C{n}", issued_on="2020-01-01", due_on=due[n]) for n in range(20)], NOW
        )
        current().page_bytes = 1_000
        before = ledger.store.known_at(ORGANISATION.id, moment_of(began))
        expected = sorted(before.accounts_since(ORGANISATION, Side.RECEIVABLE, NOW - 1))
        table.gate.operations()

        older = invoice("older", customer_id=moved, issued_on="2020-01-01", due_on="2020-01-02")
        record = older if number % 2 else payment("all", invoice_id=f"I{moved[1:]}", amount="100")

        def between(gate: Any, operation: str, request: Any, other: StoredLedger = other, record: Any = record) -> Any:
            other.recorder.record(ORGANISATION, [record], began)
            return gate.answer(operation, request)

        table.gate.faults = {number: between}
        reading = ledger.store.known_at(ORGANISATION.id, moment_of(began))
        found = sorted(reading.accounts_since(ORGANISATION, Side.RECEIVABLE, NOW - 1))
        assert found == expected
        assert number not in table.gate.faults


def test_what_has_come_true_is_listed_where_its_row_is_shown(table: Table) -> None:
    """An invoice dated ahead, a payment dated ahead of a large customer: until then they are read whole."""
    ledger = table.ledger()
    later = date.fromordinal(NOW + 3).isoformat()
    many = [invoice(f"B{n}", customer_id="large") for n in range(20)]
    ahead = [invoice("I", issued_on=later, due_on=later), payment(invoice_id="B0", amount="10", paid_on=later)]
    ledger.record([*many, *ahead, bill(), payment("Q", bill_id="B", invoice_id=None, amount="1", paid_on=later)], NOW)

    def listed() -> list[str]:
        return sorted(item["isk"][:2] for (_, sk), item in table.contents().items() if sk == "a")

    assert listed() == ["!!"] * 3
    assert ledger.recorder.list_steady(ORGANISATION, noon(date.fromordinal(NOW + 2))) == 0
    assert listed() == ["!!"] * 3
    assert ledger.recorder.list_steady(ORGANISATION, noon(date.fromordinal(NOW + 3))) == 3
    assert "!!" not in listed()
    check_sums(ledger)
    check_all(ledger, NOW + 3, (1,))
    assert ledger.recorder.list_steady(ORGANISATION, noon(date.fromordinal(NOW + 3))) == 0
