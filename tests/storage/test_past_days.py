"""Past days: what is open and what closed after the day, and of the year before it only what accounts have added up."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from arrears.ledger.accounts import HISTORY_DAYS
from arrears.ledger.dated_document import HISTORY_REACH_DAYS, Account, DatedDocument
from arrears.ledger.days import year_before
from arrears.ledger.ledger_side import Side
from arrears.reports.payment_behaviour import settled_in_year
from arrears.reports.receivables import promise_broken
from oracle.generate import as_it_happened, random_book
from support.books import arrivals, disagreements, last_day, organisation_of, random_terms
from support.records import ORGANISATION, invoice, payment, payment_on_account, promise, reminder
from support.stored_ledger import StoredLedger, Table

TODAY = date(2020, 6, 30)
NOW = TODAY.toordinal()


@pytest.mark.parametrize("seed", range(16))
def test_a_random_book_is_the_oracles_on_the_days_before_today(table: Table, seed: int) -> None:
    """On days that histories reach, and on days that they do not; written today, and quiet since."""
    book, policy = random_book(seed, 10 + seed % 20), random_terms(seed)
    if seed % 2:
        book = as_it_happened(book, Random(seed))
    organisation = organisation_of(book, policy, shards=1 + seed % 2)
    ledger, today = table.ledger(organisation), last_day(book)
    for moment, records in arrivals(book):
        ledger.record(records, organisation.today(moment))
    for _ in ("as written", "after time's work"):
        for back in (1, 2, 9, 20, 30, HISTORY_REACH_DAYS, HISTORY_REACH_DAYS + 1, 60):
            day = today - timedelta(days=back)
            for side in Side:
                accounts = ledger.accounts(side, day.toordinal(), today.toordinal())
                assert not disagreements(book, policy, accounts, side, day, organisation), (side, back)
        today += timedelta(days=20)
        ledger.close_documents(today.toordinal())


def test_a_history_is_kept_for_a_year_before_every_day_that_it_is_taken_for() -> None:
    """Also by a writer whose day has begun already, and over a leap day."""
    for today in range(NOW, NOW + 4 * 366):
        assert today + 1 - HISTORY_DAYS <= year_before(today - HISTORY_REACH_DAYS)


def settled_on_days(count: int, first: date) -> list[dict[str, Any]]:
    """An open invoice, and so many paid on days of their own."""
    records = [invoice("open", due_on="2019-01-01")]
    for n in range(count):
        day = str(first + timedelta(days=n))
        records += [
            invoice(f"H{n}", total="1", issued_on="2018-01-01"),
            payment(f"H{n}", invoice_id=f"H{n}", amount="1", paid_on=day),
        ]
    return records


def test_behaviour_is_right_on_every_past_day_of_an_account_with_a_long_history(table: Table) -> None:
    ledger, first = table.ledger(), TODAY - timedelta(days=430)
    ledger.record(settled_on_days(430, first), NOW)
    for quiet in (0, 20, 200):
        for back in (*range(1, HISTORY_REACH_DAYS + 3), 50):
            day = NOW + quiet - back
            [(account, documents)] = ledger.accounts(Side.RECEIVABLE, day, NOW + quiet)
            found = settled_in_year(account, documents, day)
            assert (found.documents if found else 0) == min(day, NOW - 1) - year_before(day)


def test_a_document_that_closed_late_counts_from_the_day_on_which_it_was_settled(table: Table) -> None:
    """Paid in May, and paid too much in June: it has not changed its settlement, but it closed after June began."""
    ledger = table.ledger()
    paid = [payment("P", amount="100", paid_on="2020-05-20"), payment("Q", amount="5", paid_on="2020-06-25")]
    ledger.record([invoice("open"), invoice(), *paid], NOW)
    for day, settled in (
        (date(2020, 6, 10), 1),
        (date(2020, 6, 26), 1),
        (date(2020, 5, 30), 1),
        (date(2020, 5, 19), 0),
    ):
        [(account, documents)] = ledger.accounts(Side.RECEIVABLE, day.toordinal(), NOW)
        found = settled_in_year(account, documents, day.toordinal())
        assert (found.documents if found else 0) == settled


# What is read


def read_since(table: Table) -> list[str]:
    """From which sort key on each query of what is closed has read."""
    queries = [body["ExpressionAttributeValues"] for operation, body in table.gate.calls if operation == "Query"]
    return [values[":start"]["S"] for values in queries if ":start" in values]


def test_a_recent_day_reads_what_closed_after_it_and_no_history_before_rows_are_shown(table: Table) -> None:
    ledger = table.ledger()
    ledger.record(settled_on_days(400, TODAY - timedelta(days=400)), NOW)
    table.gate.operations()
    [(account, documents)] = ledger.store.accounts(ORGANISATION, Side.RECEIVABLE, NOW - 3, NOW)
    assert read_since(table) == [f"{NOW - 2:07d}"]
    assert table.gate.operations() == ["Query", "Query"]
    assert len(documents) == 1 + 2
    whole = ledger.store.complete(ORGANISATION, Side.RECEIVABLE, [account], NOW - 3, NOW)
    assert table.gate.operations() == ["BatchGetItem"]
    assert settled_in_year(whole[account.id], documents, NOW - 3).documents == NOW - 3 - year_before(NOW - 3)  # type: ignore[union-attr]
    assert ledger.store.complete(ORGANISATION, Side.RECEIVABLE, whole.values(), NOW - 3, NOW) == {}
    assert table.gate.operations() == []


def test_a_day_that_histories_do_not_reach_reads_the_year_before_it_and_no_history(table: Table) -> None:
    ledger, day = table.ledger(), NOW - HISTORY_REACH_DAYS - 1
    ledger.record(settled_on_days(400, TODAY - timedelta(days=400)), NOW)
    table.gate.operations()
    [(account, _)] = ledger.store.accounts(ORGANISATION, Side.RECEIVABLE, day, NOW)
    assert read_since(table) == [f"{year_before(day) + 1:07d}"]
    assert ledger.store.complete(ORGANISATION, Side.RECEIVABLE, [account], day, NOW) == {}
    assert table.gate.operations() == ["Query", "Query"]


def test_a_hundred_accounts_are_completed_two_requests_at_a_time(table: Table) -> None:
    ledger = table.ledger()
    owed = [invoice(f"I{n}", customer_id=f"C{n}") for n in range(100)]
    ledger.record(owed, NOW)
    accounts = [account for account, _ in ledger.store.accounts(ORGANISATION, Side.RECEIVABLE, NOW - 1, NOW)]
    table.gate.operations()
    assert len(ledger.store.complete(ORGANISATION, Side.RECEIVABLE, accounts, NOW - 1, NOW)) == 100
    assert table.gate.operations() == ["BatchGetItem"] * 2
    assert ledger.store.complete(ORGANISATION, Side.RECEIVABLE, accounts, NOW - 1, NOW, behaviour=False) == {}


def promised_with_much_money(ledger: StoredLedger) -> None:
    """A promise that ten payments on account have kept; the index folds them into what they come to today."""
    ledger.record(
        [invoice(due_on="2020-05-01"), promise(amount="50", made_on="2020-06-01", promised_on="2020-06-20")], NOW
    )
    for n in range(10):
        given = payment_on_account(f"A{n}", amount="10", paid_on=f"2020-06-{10 + n}")
        ledger.record([given], NOW)


def test_a_promise_is_judged_by_all_money_of_its_account_once_that_is_complete(table: Table) -> None:
    ledger = table.ledger()
    promised_with_much_money(ledger)
    for day, broken in ((NOW, False), (NOW - 1, False), (date(2020, 6, 21).toordinal(), False)):
        [(account, documents)] = ledger.store.accounts(ORGANISATION, Side.RECEIVABLE, day, NOW)
        whole = ledger.store.complete(ORGANISATION, Side.RECEIVABLE, [account], day, NOW, behaviour=False)
        assert promise_broken(whole.get(account.id, account), documents, "USD", day) is broken


def test_rows_of_today_read_no_reminder_that_the_index_leaves_out_and_those_of_past_days_all(table: Table) -> None:
    ledger = table.ledger()
    sent = [reminder(f"R{n:02}", sent_at=f"2020-06-{n:02}T10:00:00Z") for n in range(1, 30)]
    ledger.record([invoice(), *sent], NOW)
    for day, count in ((NOW, 1), (NOW - 1, 29)):
        [(account, _)] = ledger.accounts(Side.RECEIVABLE, day, NOW)
        assert len(account.reminders) == count


# What is written meanwhile


def paid_between(ledger: StoredLedger, table: Table, request: int) -> None:
    """Pays the invoice before a request is answered."""

    def pay(gate: Any, operation: str, asked: Any) -> Any:
        gate.faults.clear()
        StoredLedger(replace(table, client=table.open), ORGANISATION).record(
            [payment(amount="100", paid_on="2020-06-30")], NOW
        )
        return gate.answer(operation, asked)

    table.gate.operations()
    table.gate.faults[request] = pay


def in_hand(found: Iterable[tuple[Account, list[DatedDocument]]]) -> list[str | None]:
    return [document.number for _, documents in found for document in documents]


@pytest.mark.parametrize("request_number", [1, 2])
def test_a_document_that_is_paid_while_a_book_is_read_is_not_missed(table: Table, request_number: int) -> None:
    ledger = table.ledger()
    ledger.record([invoice(number="Nº 7")], NOW - 10)
    paid_between(ledger, table, request_number)
    assert in_hand(ledger.store.accounts_since(ORGANISATION, Side.RECEIVABLE, NOW - 2)) == ["Nº 7"]


@pytest.mark.parametrize("request_number", [1, 2])
def test_nor_while_a_past_day_is_read(table: Table, request_number: int) -> None:
    ledger = table.ledger()
    ledger.record([invoice(number="Nº 7")], NOW - 10)
    paid_between(ledger, table, request_number)
    assert in_hand(ledger.store.accounts(ORGANISATION, Side.RECEIVABLE, NOW - 2, NOW)) == ["Nº 7"]


def test_an_account_that_its_table_does_not_show_yet_is_answered_as_the_index_has_it(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([invoice()], NOW)
    [(account, _)] = ledger.store.accounts(ORGANISATION, Side.RECEIVABLE, NOW - 1, NOW)
    new = account._replace(id="00000000-0000-4000-8000-000000000000")
    assert ledger.store.complete(ORGANISATION, Side.RECEIVABLE, [new], NOW - 1, NOW) == {}
