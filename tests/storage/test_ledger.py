"""A ledger in a table: the same book as in memory and as the oracle's, for any day, in so many requests."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from arrears.ledger.dated_document import added_up
from arrears.ledger.ledger_side import Side
from oracle.generate import interesting_days, random_book
from support.books import answer, disagreements, in_memory, last_day, organisation_of, random_terms
from support.dynamodb import current
from support.figures import recomputed
from support.records import ORGANISATION, OTHER, bill, customer, dispute, invoice, payment, promise, reminder, supplier
from support.stored_ledger import StoredLedger, Table, check_same, in_table

TODAY = date(2020, 6, 30)
NOW = TODAY.toordinal()
LONG_AGO = date(2019, 6, 1).toordinal()


@pytest.mark.parametrize("seed", range(12))
def test_a_random_book_is_the_oracles_on_every_day(table: Table, seed: int) -> None:
    """Each written on one to four days, into one to three shards."""
    book, policy = random_book(seed, 4 + seed % 14), random_terms(seed)
    organisation = organisation_of(book, policy, shards=1 + seed % 3)
    ledger = in_table(table, book, organisation)
    today = last_day(book)
    for _ in ("as written", "after time's work"):
        for day in [*interesting_days(book)[seed % 2 :: 2], today]:
            for side in Side:
                accounts = ledger.accounts(side, day.toordinal(), today.toordinal())
                assert not disagreements(book, policy, accounts, side, day, organisation), (side, day)
        today += timedelta(days=20)
        ledger.close_documents(today.toordinal())


@pytest.mark.parametrize("seed", range(100, 106))
def test_a_table_keeps_the_book_that_memory_keeps(table: Table, seed: int) -> None:
    """The same records to both books: what proves one proves the other."""
    book = random_book(seed, 12)
    organisation = organisation_of(book, shards=1 + seed % 2)
    ledger, memory = in_table(table, book, organisation), in_memory(book, organisation)
    today = last_day(book).toordinal()
    for _ in ("as written", "after time's work"):
        check_same(ledger, memory)
        for later in (0, 1, 40, 400):
            assert ledger.collection(today + later) == memory.collection(today + later)
        today += 30
        assert ledger.close_documents(today) == memory.close_documents(today)


@pytest.mark.parametrize("seed", range(200, 204))
def test_monthly_figures_survive_their_days(table: Table, seed: int) -> None:
    """What was to count from a later day is taken in on that day, once, and readers see no difference."""
    book = random_book(seed, 12)
    organisation = organisation_of(book)
    ledger = in_table(table, book, organisation)
    today = last_day(book).toordinal() + 40
    before = [ledger.collection(today + later) for later in (0, 100, 1000)]
    taken = ledger.recorder.apply_due_effects(organisation, today)
    assert [ledger.collection(today + later) for later in (0, 100, 1000)] == before
    assert ledger.recorder.apply_due_effects(organisation, today) == 0
    assert taken == 0 or before[0]


@pytest.mark.parametrize("state", ["Created", "OcrProcessing", "OcrFailed", "PendingReview", "NeedsApproval"])
def test_a_bill_that_waits_for_approval_is_read_today_however_long_it_has_waited(table: Table, state: str) -> None:
    ledger = table.ledger()
    ledger.record([bill(state=state, state_on="2018-01-01", issued_on="2018-01-01")], NOW)
    assert ledger.close_documents(NOW) == 0
    [(account, [waiting])] = ledger.accounts(Side.PAYABLE, NOW, NOW)
    assert (account.reference, waiting.total) == ("S", 10_000)
    for end in ({"state": "Rejected"}, {"state": "Voided", "voided_on": "2020-06-01"}):
        ledger.record([bill(**{"state_on": "2020-06-01", "issued_on": "2018-01-01", **end})], NOW)
        assert list(ledger.accounts(Side.PAYABLE, NOW, NOW)) == []


@pytest.mark.parametrize("seed", [300, 301])
def test_shards_grow_without_moving_what_is_there(table: Table, seed: int) -> None:
    """Each account keeps its shard; new ones spread over all."""
    book = random_book(seed, 16, order_free=True)
    one, five = organisation_of(book), organisation_of(book, shards=5)
    today = last_day(book)
    half = len(book.records) // 2
    table.ledger(one).record(book.records[:half], today.toordinal())
    ledger = table.ledger(five)
    ledger.record(book.records[half:], today.toordinal())
    for day in (today, book.pivot, book.pivot - timedelta(days=30)):
        for side in Side:
            accounts = ledger.accounts(side, day.toordinal(), today.toordinal())
            assert not disagreements(book, None, accounts, side, day, five), (side, day)
    assert ledger.collection(today.toordinal()) == recomputed(ledger.documents(), today.toordinal())
    assert len({item["b"]["shard"] for item in ledger.account_items().values()}) > 1


# Requests


def counted(table: Table, reading: Any) -> list[str]:
    table.gate.operations()
    if isinstance(reading, Iterator):
        list(reading)
    return table.gate.operations()


def small_book(ledger: StoredLedger) -> None:
    open_ones = [invoice(f"I{n}", customer_id=f"C{n % 5}") for n in range(20)]
    settled = [invoice(f"S{n}", customer_id=f"C{n}", total="1") for n in range(5)]
    payments = [payment(f"P{n}", invoice_id=f"S{n}", amount="1") for n in range(5)]
    ledger.record([*open_ones, *settled, *payments, customer("C1", external_id="X", account_number="N")], NOW)


@pytest.mark.parametrize("shards", [1, 3])
def test_a_small_book_is_one_query_for_each_shard(table: Table, shards: int) -> None:
    organisation = replace(ORGANISATION, shards=shards)
    ledger = table.ledger(organisation)
    small_book(ledger)
    assert counted(table, ledger.accounts(Side.RECEIVABLE, NOW, NOW)) == ["Query"] * shards
    assert counted(table, ledger.accounts(Side.RECEIVABLE, NOW + 90, NOW)) == ["Query"] * shards
    yesterday = ledger.store.accounts(organisation, Side.RECEIVABLE, NOW - 1, NOW)
    assert counted(table, yesterday) == ["Query"] * 2 * shards
    assert counted(table, ledger.accounts(Side.PAYABLE, NOW, NOW)) == ["Query"] * shards


def test_a_customer_is_found_by_its_ids(table: Table) -> None:
    ledger = table.ledger()
    small_book(ledger)
    locations = ledger.store.customers_by_external_id(ORGANISATION, "X")
    assert counted(table, None) == []
    accounts = list(ledger.store.accounts_of(ORGANISATION, Side.RECEIVABLE, locations))
    assert [(account.reference, len(documents)) for account, documents in accounts] == [("C1", 4)]
    assert table.gate.operations() == ["BatchGetItem"]
    by_number = ledger.store.customer(ORGANISATION, "N")
    assert table.gate.operations() == ["BatchGetItem"] * 2
    assert by_number is not None
    assert ledger.store.customer(ORGANISATION, by_number.location.id.upper()) == by_number
    assert table.gate.operations() == ["BatchGetItem"]
    assert ledger.store.customer(ORGANISATION, "nobody") is None
    assert ledger.store.customers_by_external_id(ORGANISATION, "nobody") == []
    assert counted(table, None) == []
    ledger.store.collection(ORGANISATION, NOW)
    assert table.gate.operations() == ["Query"]


def test_a_read_of_today_does_not_grow_with_what_is_settled(table: Table) -> None:
    ledger = table.ledger()
    small_book(ledger)
    before = sum(len(documents) for _, documents in ledger.accounts(Side.RECEIVABLE, NOW, NOW))
    paid = [invoice(f"old {n}", issued_on="2018-01-01", due_on="2018-02-01") for n in range(30)]
    settling = [payment(f"old {n}", invoice_id=f"old {n}", amount="100", paid_on="2018-02-02") for n in range(30)]
    ledger.record([*paid, *settling], NOW)
    assert sum(len(documents) for _, documents in ledger.accounts(Side.RECEIVABLE, NOW, NOW)) == before


@pytest.mark.parametrize(
    ("day", "counted_in"), [("2019-06-29", 0), ("2019-06-30", 1), ("2020-06-28", 1), ("2020-06-29", 1)]
)
def test_behaviour_looks_back_exactly_a_year(table: Table, day: str, counted_in: int) -> None:
    """As of 2020-06-29, yesterday: what was settled from 2019-06-30 on."""
    ledger = table.ledger()
    settled = invoice("S", total="1", issued_on="2019-01-01", due_on="2019-02-01")
    ledger.record([invoice(), settled, payment(invoice_id="S", amount="1", paid_on=day)], NOW)
    row = answer(
        ledger.accounts(Side.RECEIVABLE, NOW - 1, NOW), Side.RECEIVABLE, TODAY - timedelta(days=1), ORGANISATION
    )
    behaviour = row["customers"][0]["paymentBehaviour"]
    assert (behaviour or {"totalInvoicesPaid": 0})["totalInvoicesPaid"] == counted_in


# Pages, and what has items of its own


def test_pages_do_not_tear_accounts_apart(table: Table) -> None:
    book = random_book(7, 20)
    organisation = organisation_of(book)
    ledger = in_table(table, book, organisation)
    today = last_day(book)
    days = [today - timedelta(days=31), today]
    whole = {
        (day, side): answer(ledger.accounts(side, day.toordinal(), today.toordinal()), side, day, organisation)
        for day in days
        for side in Side
    }
    current().page_bytes = 1_000
    table.gate.operations()
    for (day, side), expected in whole.items():
        accounts = ledger.accounts(side, day.toordinal(), today.toordinal())
        assert answer(accounts, side, day, organisation) == expected
    assert len(table.gate.operations()) > 15


def settling(count: int, start: date = date(2020, 1, 1)) -> list[dict[str, Any]]:
    """So many invoices paid on days of their own."""
    records = []
    for n in range(count):
        on = (start + timedelta(days=n)).isoformat()
        records += [invoice(f"H{n}", total="1"), payment(f"H{n}", invoice_id=f"H{n}", amount="1", paid_on=on)]
    return records


def test_a_long_history_has_an_item_of_its_own(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([invoice(), *settling(60)], NOW)
    keys = {sk for _, sk in table.contents()}
    assert "h" in keys
    account, documents = next(iter(ledger.accounts(Side.RECEIVABLE, NOW, NOW)))
    assert len(documents) == 1
    assert added_up(account.history, 0).documents == 60
    assert counted(table, ledger.accounts(Side.RECEIVABLE, NOW, NOW)) == ["Query"]


def test_a_long_history_is_written_only_when_it_changes(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([invoice(), *settling(60)], NOW)
    table.gate.operations()
    ledger.record([invoice("J")], NOW)
    written = [
        action["Put"]["Item"]["sk"]["S"] for action in table.gate.calls[-1][1]["TransactItems"] if "Put" in action
    ]
    assert sorted(written)[1:] == ["a", "d"]  # after the entry of the change log
    assert table.gate.operations() == ["BatchGetItem", "BatchGetItem", "TransactWriteItems"]


def test_a_history_is_there_when_its_account_has_been_away(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([invoice(), *settling(60)], NOW)
    ledger.record([payment(amount="100")], NOW)
    assert not list(ledger.accounts(Side.RECEIVABLE, NOW, NOW))
    ledger.record([payment(amount="99")], NOW)
    account, _ = next(iter(ledger.accounts(Side.RECEIVABLE, NOW, NOW)))
    assert added_up(account.history, 0).documents == 60


def test_a_history_that_is_short_again_is_back_in_its_account(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([invoice(), *settling(40)], NOW)
    assert "h" in {sk for _, sk in table.contents()}
    ledger.record([invoice(f"H{n}", total="1", customer_id="D") for n in range(36)], NOW)
    mine = next(account for account, _ in ledger.accounts(Side.RECEIVABLE, NOW, NOW) if account.reference == "C")
    assert added_up(mine.history, 0).documents == 4
    histories = [pk for pk, sk in table.contents() if sk == "h"]
    assert all(mine.id not in pk for pk in histories)


def test_the_callers_ids_of_documents_are_read_a_hundred_in_a_request(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([*(invoice(f"Nº {n}") for n in range(101)), bill("Nº 1")], NOW)
    [(_, invoices)] = ledger.accounts(Side.RECEIVABLE, NOW, NOW)
    [(_, bills)] = ledger.accounts(Side.PAYABLE, NOW, NOW)
    table.gate.operations()
    found = ledger.store.references(ORGANISATION, Side.RECEIVABLE, [document.id for document in invoices])
    assert sorted(found.values()) == sorted(f"Nº {n}" for n in range(101))
    assert found.keys() == {document.id for document in invoices}
    assert table.gate.operations() == ["BatchGetItem"] * 2
    assert ledger.store.references(ORGANISATION, Side.PAYABLE, [bills[0].id]) == {bills[0].id: "Nº 1"}
    assert ledger.store.references(OTHER, Side.RECEIVABLE, list(found)) == {}
    table.gate.operations()
    assert ledger.store.references(ORGANISATION, Side.RECEIVABLE, []) == {}
    assert table.gate.operations() == []


def test_old_reminders_are_left_out_of_today_and_read_for_the_past(table: Table) -> None:
    ledger = table.ledger()
    reminders = [reminder(f"R{n:02}", sent_at=f"2020-04-{n:02}T10:00:00Z") for n in range(1, 31)]
    ledger.record([invoice(), *reminders], NOW)
    account, _ = next(iter(ledger.accounts(Side.RECEIVABLE, NOW, NOW)))
    assert [reminder.id for reminder in account.reminders] == ["R30"]
    april = date(2020, 4, 12).toordinal()
    account, _ = next(iter(ledger.accounts(Side.RECEIVABLE, april, NOW)))
    assert len(account.reminders) == 30
    assert counted(table, ledger.accounts(Side.RECEIVABLE, april, NOW)) == ["Query", "Query", "BatchGetItem"]


def test_the_index_may_show_the_documents_of_a_large_account_before_it(table: Table) -> None:
    ledger = table.ledger()
    invoices = [invoice(f"I{n}") for n in range(17)]
    bills = [bill(f"B{n}", supplier_id=None, supplier_name="Nemo") for n in range(17)]
    ledger.record([customer(), *invoices, *bills], NOW)
    for side, name in ((Side.RECEIVABLE, "Ada"), (Side.PAYABLE, "Nemo")):
        [(account, documents)] = ledger.accounts(side, NOW, NOW)
        # In the index, only the account's own item has the name.
        table.gate.hidden, table.gate.hidden_for = {name}, 1
        [(found, own)] = ledger.accounts(side, NOW, NOW)
        assert found == account
        assert sorted(own) == sorted(documents)
        assert not table.gate.hidden_for


# Tenants


def test_two_organisations_with_the_same_ids_never_meet(table: Table) -> None:
    mine, theirs = table.ledger(), table.ledger(OTHER)
    said = [
        *(customer(external_id="X", account_number="N"), supplier(), invoice(lines=None), bill()),
        *(payment(), promise(), reminder(), dispute()),
    ]
    mine.record(said, NOW)
    before = table.contents()
    assert {result.result for result in theirs.record(said, NOW)} == {"created"}
    after = table.contents()
    assert {key: after[key] for key in before} == before
    assert len(after) == 2 * len(before)
    theirs.record([invoice(total="7"), payment(amount="1"), customer(name="Other", account_number="M")], NOW)
    assert {key: table.contents()[key] for key in before} == before
    assert [location.id for location in mine.store.customers_by_external_id(ORGANISATION, "X")] != []
    assert theirs.store.customers_by_external_id(OTHER, "X") == []
    assert [mine.store.customer(ORGANISATION, number) is None for number in ("N", "M")] == [False, True]


def test_every_key_that_is_asked_for_starts_with_the_organisation(table: Table) -> None:
    ledger = table.ledger()
    small_book(ledger)
    for side in Side:
        list(ledger.accounts(side, NOW, NOW))
        list(ledger.accounts(side, LONG_AGO, NOW))
    ledger.collection(NOW)
    ledger.store.customer(ORGANISATION, "N")
    ledger.store.customers_by_external_id(ORGANISATION, "X")
    ledger.store.references(ORGANISATION, Side.PAYABLE, [OTHER.id])
    for operation, body in table.gate.calls:
        for key in _partition_keys(operation, body):
            assert key.startswith(ORGANISATION.id + "#"), (operation, key)


def _partition_keys(operation: str, body: Any) -> Iterator[str]:
    if operation == "Query":
        condition = body["KeyConditionExpression"]
        placeholder = condition.split()[2]
        assert condition.split()[:2] in (["pk", "="], ["ipk", "="], ["apk", "="])
        yield body["ExpressionAttributeValues"][placeholder]["S"]
    elif operation == "BatchGetItem":
        for asked in body["RequestItems"].values():
            yield from (key["pk"]["S"] for key in asked["Keys"])
    else:
        for action in body["TransactItems"]:
            change = next(iter(action.values()))
            yield (change.get("Key") or change["Item"])["pk"]["S"]
            if "Put" in action and "ipk" in change["Item"]:
                yield change["Item"]["ipk"]["S"]
