"""Money on account against sums done by hand, and the identity with the control account over random books."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.book import Book, Ledger, PartyKey, Record, read
from oracle.control import balance
from oracle.generate import books, books_and_days, interesting_days, orders, random_book
from oracle.on_account import accounts, items, net, outstanding, unapplied

D = date(2020, 6, 30)
CUSTOMER: Record = {"type": "customer", "id": "C1", "name": "One"}
SUPPLIER: Record = {"type": "supplier", "id": "S1", "name": "Two"}
OWN = (PartyKey("customer", "C1"), "USD")
THEIRS = (PartyKey("supplier", "S1"), "USD")


def ago(days: int) -> str:
    """The day so many days before D, as text."""
    return (D - timedelta(days=days)).isoformat()


def made(record: Record, fields: Record) -> Record:
    """A record with fields changed; ``None`` takes one away."""
    return {key: value for key, value in {**record, **fields}.items() if value is not None}


def invoice(own_id: str = "I1", **fields: Any) -> Record:
    """An invoice of C1 over 100 USD, issued 100 and due 10 days before D."""
    record = {"type": "invoice", "id": own_id, "customer_id": "C1", "currency": "USD", "total": "100"}
    return made({**record, "issued_on": ago(100), "due_on": ago(10)}, fields)


def bill(own_id: str = "B1", **fields: Any) -> Record:
    """An approved bill of S1 over 100 USD, issued 100 and due 10 days before D."""
    record = {"type": "bill", "id": own_id, "supplier_id": "S1", "currency": "USD", "total": "100"}
    return made({**record, "issued_on": ago(100), "due_on": ago(10), "state": "Approved"}, fields)


def advance(amount: str, days_ago: int = 20, own_id: str = "P1", **fields: Any) -> Record:
    """A payment of C1 on account in USD."""
    record = {"type": "payment", "id": own_id, "customer_id": "C1", "currency": "USD", "amount": amount}
    return made({**record, "paid_on": ago(days_ago)}, fields)


def note(amount: str, days_ago: int = 20, own_id: str = "K1", **fields: Any) -> Record:
    """A credit note of C1 on account in USD."""
    record = {"type": "credit", "id": own_id, "customer_id": "C1", "currency": "USD", "amount": amount}
    return made({**record, "credited_on": ago(days_ago)}, fields)


def paid(amount: str, days_ago: int = 20, own_id: str = "P9", **fields: Any) -> Record:
    """A payment on I1."""
    target = {} if "bill_id" in fields else {"invoice_id": "I1"}
    record = {"type": "payment", "id": own_id, **target, "amount": amount, "paid_on": ago(days_ago)}
    return made(record, fields)


def moved(amount: str, days_ago: int = 10, own_id: str = "A1", **fields: Any) -> Record:
    """What an allocation moves from P1 to I1."""
    target = {} if "bill_id" in fields else {"invoice_id": "I1"}
    source = {} if "credit_id" in fields else {"payment_id": "P1"}
    record = {"type": "allocation", "id": own_id, **source, **target, "amount": amount, "applied_on": ago(days_ago)}
    return made(record, fields)


def stand(*records: Record, on: date = D, account: Any = OWN) -> tuple[int, int, int]:
    """Outstanding, on account and net of an account, held against the control account."""
    ledger = read(Book.of(records))
    found = outstanding(ledger, account, on), unapplied(ledger, account, on), net(ledger, account, on)
    assert identity(ledger, on) == []
    return found


def identity(ledger: Ledger, on: date) -> list[str]:
    """Every party and currency, and every currency, whose net is not the control account's."""
    found = []
    for kind in ("customer", "supplier"):
        nets: dict[str, int] = {}
        for account in accounts(ledger, kind):
            mine = net(ledger, account, on)
            nets[account[1]] = nets.get(account[1], 0) + mine
            control = balance(ledger, lambda party, currency, account=account: (party, currency) == account, on).net
            if mine != control:
                found.append(f"{account} at {on}: {mine} is not {control}")
        for currency, mine in nets.items():
            control = balance(ledger, lambda party, code, k=kind, c=currency: (party.kind, code) == (k, c), on).net
            if mine != control:
                found.append(f"{kind}s in {currency} at {on}: {mine} is not {control}")
    return found


class TestWhatOtherProgramsGetWrong:
    def test_an_advance_without_any_invoice(self) -> None:
        assert stand(CUSTOMER, advance("1000")) == (0, 100000, -100000)

    def test_a_credit_note_that_is_not_applied_stands_beside_what_is_left_of_the_invoice(self) -> None:
        assert stand(invoice(), paid("40"), note("100")) == (6000, 10000, -4000)

    def test_a_credit_that_belonged_to_a_paid_invoice_moves_to_another_one(self) -> None:
        book = [invoice(), paid("100"), note("100"), invoice("I2")]
        assert stand(*book) == (10000, 10000, 0)
        moves = moved("100", invoice_id="I2", payment_id=None, credit_id="K1")
        assert stand(*book, moves) == (0, 0, 0)

    def test_a_credit_note_on_a_paid_invoice_is_money_on_account_even_before_it_is_moved(self) -> None:
        on_document = {"type": "credit", "id": "K2", "invoice_id": "I1", "amount": "100", "credited_on": ago(5)}
        assert stand(invoice(), paid("100"), invoice("I2"), on_document) == (10000, 10000, 0)

    def test_one_cent_stays(self) -> None:
        assert stand(invoice(), paid("99.99")) == (1, 0, 1)
        assert stand(invoice(), paid("100.01")) == (0, 1, -1)

    def test_a_document_paid_twice_leaves_its_second_payment_on_account(self) -> None:
        assert stand(invoice(), paid("100"), paid("100", own_id="P8"), invoice("I2")) == (10000, 10000, 0)

    def test_money_of_tomorrow_is_not_seen_today(self) -> None:
        book = [invoice(), note("10", 0), advance("80", -1), moved("80", -1)]
        assert stand(*book) == (10000, 1000, 9000)
        assert stand(*book, on=D + timedelta(days=1)) == (2000, 1000, 1000)

    def test_an_over_payment_of_tomorrow_is_not_seen_today(self) -> None:
        assert stand(invoice(), paid("110", -1)) == (10000, 0, 10000)
        assert stand(invoice(), paid("110", -1), on=D + timedelta(days=1)) == (0, 1000, -1000)

    def test_an_advance_and_then_its_allocation(self) -> None:
        book = [invoice(total="200"), advance("50")]
        assert stand(*book) == (20000, 5000, 15000)
        assert stand(*book, advance("125", own_id="P2"), moved("125", payment_id="P2")) == (7500, 5000, 2500)

    def test_another_currency_is_left_alone(self) -> None:
        book = [invoice(), advance("100", currency="EUR")]
        assert stand(*book) == (10000, 0, 10000)
        assert stand(*book, account=(OWN[0], "EUR")) == (0, 10000, -10000)

    def test_one_payment_split_over_two_invoices_is_not_counted_twice(self) -> None:
        book = [invoice(), invoice("I2"), advance("100"), moved("50"), moved("50", own_id="A2", invoice_id="I2")]
        assert stand(*book) == (10000, 0, 10000)


class TestAllocations:
    def test_it_counts_from_the_later_of_its_day_and_its_source(self) -> None:
        early = [invoice(), advance("60", 5), moved("60", 9)]
        assert stand(*early, on=D - timedelta(days=6)) == (10000, 0, 10000)
        assert stand(*early, on=D - timedelta(days=5)) == (4000, 0, 4000)
        late = [invoice(), advance("60", 9), moved("60", 5)]
        assert stand(*late, on=D - timedelta(days=6)) == (10000, 6000, 4000)
        assert stand(*late, on=D - timedelta(days=5)) == (4000, 0, 4000)

    def test_its_own_void_gives_the_money_back_and_the_void_of_its_source_takes_it_away(self) -> None:
        assert stand(invoice(), advance("60"), moved("60", voided_on=ago(2))) == (10000, 6000, 4000)
        assert stand(invoice(), advance("60", voided_on=ago(2)), moved("60")) == (10000, 0, 10000)
        before = D - timedelta(days=3)
        assert stand(invoice(), advance("60", voided_on=ago(2)), moved("60"), on=before) == (4000, 0, 4000)

    def test_more_moved_than_there_is_leaves_less_than_nothing_on_account(self) -> None:
        assert stand(invoice(), advance("60"), moved("100")) == (0, -4000, 4000)

    def test_more_moved_than_the_document_takes_comes_back_as_its_excess(self) -> None:
        assert stand(invoice(), advance("150"), moved("130")) == (0, 5000, -5000)
        ledger = read(Book.of([invoice(), advance("150"), moved("130")]))
        assert [(item.kind, item.id, item.amount) for item in items(ledger, OWN, D)] == [
            ("payment", "P1", 2000),
            ("excess", "I1", 3000),
        ]

    @pytest.mark.parametrize(
        "source",
        [
            advance("100", customer_id="C2"),
            advance("100", currency="EUR"),
            advance("100", customer_id=None, supplier_id="C1"),
            {**advance("100", customer_id=None, currency=None), "invoice_id": "I2"},
            {"type": "payment", "id": "P1", "deleted": True},
        ],
    )
    def test_it_waits_while_its_source_is_not_on_account_with_its_documents_party_and_currency(
        self, source: Record
    ) -> None:
        known = [CUSTOMER, {**CUSTOMER, "id": "C2"}, {**SUPPLIER, "id": "C1"}, invoice("I2", customer_id="C2")]
        book = [*known, invoice(), source, moved("100")]
        assert stand(*book)[0] == 10000
        assert [record["id"] for record in read(Book.of(book)).pending] == ["A1"]
        assert stand(*book, advance("100"))[0] == 0

    def test_it_waits_for_its_document_and_its_source_in_any_order(self) -> None:
        book = [moved("100"), advance("100"), invoice()]
        assert stand(moved("100"), advance("100"), CUSTOMER) == (0, 10000, -10000)
        for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]):
            assert stand(*(book[index] for index in order)) == (0, 0, 0)

    def test_a_document_that_changes_its_party_leaves_the_money_behind(self) -> None:
        book = [CUSTOMER, invoice(), advance("100"), moved("100"), invoice(customer_id="C2")]
        assert stand(*book) == (0, 10000, -10000)
        assert stand(*book, account=(PartyKey("customer", "C2"), "USD")) == (10000, 0, 10000)

    def test_it_takes_no_negative_amount(self) -> None:
        assert stand(invoice(), advance("100"), moved("0"), moved("-5", own_id="A2")) == (10000, 10000, 0)

    def test_it_is_a_payment_or_a_credit_by_its_source(self) -> None:
        [by_payment] = read(Book.of([invoice(), advance("5"), moved("5")])).documents
        by_credit_note = moved("5", payment_id=None, credit_id="K1")
        [by_credit] = read(Book.of([invoice(), note("5"), by_credit_note])).documents
        assert (by_payment.has_payment(D), by_credit.has_payment(D)) == (True, False)


class TestDocumentsThatDoNotExist:
    @pytest.mark.parametrize("fields", [{"status": "draft"}, {"status": "voided"}, {"issued_on": ago(-1)}])
    def test_what_is_applied_to_them_is_on_account(self, fields: Record) -> None:
        book = [invoice(**fields), paid("30"), advance("70"), moved("20")]
        assert stand(*book) == (0, 10000, -10000)

    def test_a_void_day_turns_what_was_applied_into_money_on_account(self) -> None:
        book = [invoice(status="voided", voided_on=ago(3)), paid("30")]
        assert stand(*book, on=D - timedelta(days=4)) == (7000, 0, 7000)
        assert stand(*book, on=D - timedelta(days=3)) == (0, 3000, -3000)

    def test_what_was_applied_to_a_deleted_document_waits_for_it(self) -> None:
        gone = {"type": "invoice", "id": "I1", "deleted": True}
        assert stand(CUSTOMER, invoice(), paid("30"), gone) == (0, 0, 0)
        assert stand(CUSTOMER, invoice(), paid("30"), advance("5"), moved("5"), gone) == (0, 500, -500)
        assert stand(CUSTOMER, invoice(), paid("30"), gone, invoice()) == (7000, 0, 7000)

    @pytest.mark.parametrize("state", ["NeedsApproval", "Rejected", "Voided"])
    def test_what_was_paid_on_a_bill_that_is_not_payable_is_on_account(self, state: str) -> None:
        assert stand(bill(state=state), paid("30", bill_id="B1"), account=THEIRS) == (0, 3000, -3000)


class TestPaidBills:
    def test_the_state_closes_what_is_not_applied_and_what_is_above_the_total_stays(self) -> None:
        closed = bill(state="Paid", state_on=ago(5))
        assert stand(closed, account=THEIRS) == (0, 0, 0)
        assert stand(closed, paid("30", bill_id="B1"), account=THEIRS) == (0, 0, 0)
        assert stand(closed, paid("130", bill_id="B1"), account=THEIRS) == (0, 3000, -3000)

    def test_the_payments_record_may_come_later(self) -> None:
        ledger = read(Book.of([bill(state="Paid", state_on=ago(5)), paid("100", 2, bill_id="B1")]))
        closed = [balance(ledger, lambda *_: True, D - timedelta(days=days)).closed_by_state for days in (6, 5, 3, 2)]
        assert closed == [0, 10000, 10000, 0]


class TestParties:
    def test_money_of_an_unknown_party_waits_for_it(self) -> None:
        assert stand(advance("100")) == (0, 0, 0)
        assert stand(advance("100"), CUSTOMER) == (0, 10000, -10000)
        assert stand(advance("100"), invoice(status="draft")) == (0, 10000, -10000)
        assert stand(advance("100"), CUSTOMER, {**CUSTOMER, "deleted": True}) == (0, 0, 0)

    def test_a_refund_takes_money_off_the_account(self) -> None:
        assert stand(CUSTOMER, advance("100"), advance("-100", 5, "P2")) == (0, 0, 0)
        assert stand(CUSTOMER, advance("-100")) == (0, -10000, 10000)

    def test_a_document_and_a_party_in_one_record_and_a_write_off_on_account_are_refused(self) -> None:
        assert stand(invoice(), advance("100", invoice_id="I1"), note("5", kind="write_off")) == (10000, 0, 10000)

    def test_a_suppliers_advance(self) -> None:
        to_supplier = advance("40", customer_id=None, supplier_id="S1")
        assert stand(bill(), to_supplier, account=THEIRS) == (10000, 4000, 6000)
        assert stand(bill(), to_supplier, moved("40", bill_id="B1"), account=THEIRS) == (6000, 0, 6000)

    def test_a_supplier_without_id_has_only_what_its_bills_leave(self) -> None:
        account = (PartyKey("supplier", None, "acme ltd"), "USD")
        nameless = bill(supplier_id=None, supplier_name="Acme Ltd")
        assert stand(nameless, paid("130", bill_id="B1"), account=account) == (0, 3000, -3000)


class TestDeletions:
    def test_they_go_by_updated_at_in_any_order(self) -> None:
        first = invoice(updated_at="2020-06-01T00:00:00Z")
        gone: Record = {"type": "invoice", "id": "I1", "deleted": True, "updated_at": "2020-06-02T00:00:00Z"}
        again = invoice(total="70", updated_at="2020-06-03T00:00:00Z")
        assert stand(first, gone) == stand(gone, first) == (0, 0, 0)
        for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]):
            assert stand(*([first, gone, again][index] for index in order)) == (7000, 0, 7000)

    def test_without_a_stamp_the_later_word_counts(self) -> None:
        gone: Record = {"type": "invoice", "id": "I1", "deleted": True}
        assert stand(invoice(), gone) == (0, 0, 0)
        assert stand(gone, invoice()) == (10000, 0, 10000)

    def test_a_deleted_bill_comes_back_without_its_history(self) -> None:
        before = bill(state="Approved", state_on=ago(50), updated_at="2020-06-01T00:00:00Z")
        gone: Record = {"type": "bill", "id": "B1", "deleted": True, "updated_at": "2020-06-02T00:00:00Z"}
        after = bill(state="NeedsApproval", state_on=ago(9), updated_at="2020-06-03T00:00:00Z")
        for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]):
            records = [[before, gone, after][index] for index in order]
            assert stand(*records, on=D - timedelta(days=20), account=THEIRS) == (0, 0, 0)
        assert stand(before, after, on=D - timedelta(days=20), account=THEIRS) == (10000, 0, 10000)

    @pytest.mark.parametrize("kind", ["payment", "allocation"])
    def test_deleted_money_was_never_sent(self, kind: str) -> None:
        own_id = {"payment": "P1", "allocation": "A1"}[kind]
        book = [invoice(), advance("60"), moved("60"), {"type": kind, "id": own_id, "deleted": True}]
        assert stand(*book) == ((10000, 0, 10000) if kind == "payment" else (10000, 6000, 4000))


class TestTheIdentity:
    @settings(max_examples=40, deadline=None)
    @given(books_and_days())
    def test_it_holds_for_any_book_and_day(self, drawn: tuple[Book, date]) -> None:
        book, on = drawn
        assert identity(read(book), on) == []

    @settings(max_examples=25, deadline=None)
    @given(st.data())
    def test_it_and_its_parts_are_the_same_in_any_order_of_arrival(self, data: st.DataObject) -> None:
        book = data.draw(books(max_size=8, order_free=True))
        on = data.draw(st.sampled_from(interesting_days(book)))
        ledger, other = read(book), read(book.reordered(data.draw(orders(book))))
        assert identity(other, on) == []
        for kind in ("customer", "supplier"):
            assert accounts(ledger, kind) == accounts(other, kind)
            for account in accounts(ledger, kind):
                assert items(ledger, account, on) == items(other, account, on)
                assert outstanding(ledger, account, on) == outstanding(other, account, on)

    @pytest.mark.parametrize("seed", range(3))
    def test_it_holds_for_larger_books_on_every_interesting_day(self, seed: int) -> None:
        book = random_book(seed, 40)
        ledger = read(book)
        assert [line for on in interesting_days(book) for line in identity(ledger, on)] == []

    def test_random_books_are_nasty(self) -> None:
        seen: set[str] = set()
        for seed in range(12):
            book = random_book(seed, 40)
            ledger = read(book)
            seen |= {f"pending {record['type']}" for record in ledger.pending}
            seen |= {"deleted" for record in book.records if record.get("deleted")}
            for kind in ("customer", "supplier"):
                for account in accounts(ledger, kind):
                    seen |= {item.kind for item in items(ledger, account, book.pivot)}
                    seen |= {"below zero"} if unapplied(ledger, account, book.pivot) < 0 else set()
            for advance in ledger.advances:
                seen |= {"refund"} if (advance.money.amount or 0) < 0 else set()
                seen |= {"moved"} if advance.moved else set()
        assert seen >= {"pending payment", "pending credit", "pending allocation", "deleted", "refund", "moved"}
        assert seen >= {"payment", "credit", "excess", "without_document", "below zero"}
