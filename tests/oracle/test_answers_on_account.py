"""What the documented answers say beside money on account, against sums done by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle import (
    Book,
    Entry,
    Policy,
    invoice_collection,
    overdue_balance,
    past_due,
    payables_overdue,
    random_book,
    receivables_overdue,
    replay,
)
from oracle.aged_lists import payables_aging, receivables_aging
from oracle.book import Record, outward_id, party_of
from oracle.generate import books, books_and_days, interesting_days, orders, random_policy
from oracle.payables import added_reasons as payables_reasons
from oracle.receivables import added_reasons
from oracle.test_on_account import CUSTOMER, D, advance, ago, bill, invoice, moved, note, paid

LEFT_ALONE = Policy(unapplied_covers="none")


def dispute(own_id: str = "D1", **fields: Any) -> Record:
    """A dispute about I1 since 5 days before D."""
    target = {} if "bill_id" in fields else {"invoice_id": "I1"}
    return {"type": "dispute", "id": own_id, **target, "opened_on": ago(5), **fields}


def promise(own_id: str, made: int, until: int, amount: str | None = None) -> Record:
    """A promise of C1 in USD, days counted back from D."""
    record = {"type": "promise", "id": own_id, "customer_id": "C1", "currency": "USD"}
    dates = {"made_on": ago(made), "promised_on": ago(until)}
    return {**record, **dates} if amount is None else {**record, **dates, "amount": amount}


def answer(*records: Record, policy: Policy | None = None) -> dict[str, Any]:
    """The receivables answer."""
    return receivables_overdue(Book.of(records), D, policy)


def row(*records: Record, policy: Policy | None = None) -> dict[str, Any]:
    """The only receivables row."""
    [only] = answer(*records, policy=policy)["customers"]
    return dict(only)


def reasons(*records: Record, policy: Policy | None = None) -> list[dict[str, Any]]:
    """The added reasons of the only row."""
    [only] = added_reasons(Book.of(records), D, policy).values()
    return only


def supplier_row(*records: Record, policy: Policy | None = None) -> dict[str, Any]:
    """The only payables row."""
    [only] = payables_overdue(Book.of(records), D, policy)["suppliers"]
    return dict(only)


def beside(found: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
    """The amounts of a row."""
    return found["totalOverdue"], found["unapplied"], found["disputedAmount"], found["amountToChase"]


class TestRows:
    def test_the_documented_amounts_stay_gross_and_the_others_stand_beside_them(self) -> None:
        found = row(invoice(), invoice("I2", due_on=ago(-5)), advance("30"))
        assert beside(found) == (100, 30, 0, 70)
        assert found["suggestedAction"] == "send_reminder"

    def test_money_taken_twice_counts_as_none_to_chase(self) -> None:
        assert beside(row(invoice(), advance("-30"))) == (100, -30, 0, 100)
        assert beside(row(invoice(), advance("130"))) == (100, 130, 0, 0)

    def test_what_is_disputed_and_on_account_is_not_chased_whatever_the_policy(self) -> None:
        book = [invoice(), dispute(amount="40"), advance("30")]
        assert beside(row(*book)) == beside(row(*book, policy=LEFT_ALONE)) == (100, 30, 40, 30)

    def test_aging_and_totals_of_all_parties(self) -> None:
        other = [{**CUSTOMER, "id": "C2"}, advance("7", own_id="P2", customer_id="C2")]
        found = answer(invoice(), advance("30"), *other, advance("5", own_id="P3", currency="EUR"))
        [entry] = found["aging"]
        assert (entry["unapplied"], entry["net"]) == ({"amount": 37, "count": 2}, 63)
        assert found["totals"]["unappliedByCurrency"] == [
            {"currency": "USD", "amount": 37, "count": 2},
            {"currency": "EUR", "amount": 5, "count": 1},
        ]


class TestCovered:
    @pytest.mark.parametrize(("money", "action"), [("99.99", "send_reminder"), ("100", "wait"), ("500", "wait")])
    def test_money_that_covers_all_that_is_overdue_is_to_be_applied(self, money: str, action: str) -> None:
        book = [invoice(), advance(money)]
        assert row(*book)["suggestedAction"] == action
        assert reasons(*book) == ([{"code": "covered_by_unapplied"}] if action == "wait" else [])

    def test_it_holds_at_escalation_and_leaves_the_tier(self) -> None:
        found = row(invoice(due_on=ago(90)), advance("100"))
        assert (found["tier"], found["suggestedAction"]) == ("escalation", "wait")

    def test_a_policy_may_leave_it_alone(self) -> None:
        book = [invoice(), advance("100")]
        assert row(*book, policy=LEFT_ALONE)["suggestedAction"] == "send_reminder"
        assert reasons(*book, policy=LEFT_ALONE) == []

    def test_what_is_disputed_needs_no_cover(self) -> None:
        assert row(invoice(), dispute(amount="40"), advance("60"))["suggestedAction"] == "wait"

    def test_an_excess_and_an_unapplied_credit_note_cover_too(self) -> None:
        assert row(invoice(), paid("200"), invoice("I2"))["suggestedAction"] == "wait"
        assert row(invoice(), note("100"))["suggestedAction"] == "wait"

    def test_what_a_supplier_owes_back_covers_what_is_to_schedule(self) -> None:
        money = advance("100", customer_id=None, supplier_id="S1")
        assert supplier_row(bill())["suggestedAction"] == "schedule_payment"
        found = supplier_row(bill(), money)
        assert (found["suggestedAction"], found["unscheduledBillIds"]) == (
            "wait",
            [outward_id(Book().organisation, "bill", "B1")],
        )
        assert beside(found) == (100, 100, 0, 0)
        failed = bill("B2", state="PaymentFailed")
        assert supplier_row(bill(), failed, money)["suggestedAction"] == "confirm_or_reschedule"
        assert supplier_row(bill(), money, policy=LEFT_ALONE)["suggestedAction"] == "schedule_payment"
        found_reasons = payables_reasons(Book.of([bill(), money]), D)
        assert list(found_reasons.values()) == [[{"code": "covered_by_unapplied"}]]


class TestDisputes:
    def test_a_part_leaves_the_invoice_to_the_action(self) -> None:
        found = row(invoice(), dispute(amount="99.99"))
        assert (found["suggestedAction"], len(found["disputedInvoiceIds"])) == ("send_reminder", 1)
        assert beside(found) == (100, 0, 99.99, 0.01)

    @pytest.mark.parametrize("amounts", [("100",), ("500",), ("60", "40"), (None,), ("1", None)])
    def test_all_of_what_is_outstanding_takes_it_away(self, amounts: tuple[str | None, ...]) -> None:
        disputes = [
            dispute(f"D{number}", **({} if amount is None else {"amount": amount}))
            for number, amount in enumerate(amounts)
        ]
        found = row(invoice(), *disputes)
        assert found["suggestedAction"] == "wait"
        assert beside(found) == (100, 0, 100, 0)

    def test_a_payment_may_leave_only_the_disputed_part(self) -> None:
        assert row(invoice(), dispute(amount="40"), paid("60"))["suggestedAction"] == "wait"

    def test_an_overdue_disputed_bill_is_waiting(self) -> None:
        found = supplier_row(bill(), dispute(bill_id="B1"))
        assert (found["suggestedAction"], found["unscheduledBillIds"]) == ("wait", [])
        assert beside(found) == (100, 0, 100, 0)
        in_part = supplier_row(bill(), dispute(bill_id="B1", amount="40"))
        assert in_part["suggestedAction"] == "schedule_payment"
        resolved = supplier_row(bill(), dispute(bill_id="B1", resolved_on=ago(0), outcome="won"))
        assert resolved["suggestedAction"] == "schedule_payment"


class TestPromises:
    def test_a_token_promise_does_not_wipe_out_a_broken_one(self) -> None:
        broken = promise("A", 20, 5, "100")
        assert row(invoice(), broken)["tier"] == "firm"
        assert row(invoice(), broken, promise("B", 4, -5, "1"))["tier"] == "firm"
        assert row(invoice(), broken, promise("B", 4, -5, "99.99"))["tier"] == "firm"
        assert row(invoice(), broken, promise("B", 4, -5, "100"))["tier"] == "gentle"
        assert row(invoice(), broken, promise("B", 4, -5))["tier"] == "gentle"

    def test_a_new_one_has_to_be_for_what_was_lacking_on_the_day_it_was_made(self) -> None:
        broken = [invoice(), paid("30", 10), promise("A", 20, 5, "100")]
        assert row(*broken, promise("B", 4, -5, "70"))["tier"] == "gentle"
        assert row(*broken, promise("B", 4, -5, "69.99"))["tier"] == "firm"
        assert row(*broken, promise("B", 4, -5, "60"), paid("10", 3, "P8"))["tier"] == "firm"

    def test_one_without_an_amount_lacks_what_is_open_of_its_documents(self) -> None:
        broken = [invoice(), promise("A", 20, 5), paid("30", 10)]
        assert row(*broken, promise("B", 4, -5, "69"))["tier"] == "firm"
        assert row(*broken, promise("B", 4, -5, "70"))["tier"] == "gentle"

    def test_instalments_of_one_day_do_not_replace_each_other(self) -> None:
        both = [invoice(), promise("A", 20, 5, "50"), promise("B", 20, -5)]
        assert row(*both)["tier"] == "firm"
        assert row(*both, paid("50", 10))["tier"] == "gentle"

    def test_two_broken_ones_raise_the_tier_once(self) -> None:
        assert row(invoice(), promise("A", 20, 5, "50"), promise("B", 20, 6, "50"))["tier"] == "firm"

    def test_money_on_account_from_its_day_counts(self) -> None:
        made = promise("A", 20, 5, "40")
        assert row(invoice(), made, advance("40", 20))["tier"] == "gentle"
        assert row(invoice(), made, advance("40", 21))["tier"] == "firm"
        assert row(invoice(), made, advance("39.99", 20))["tier"] == "firm"
        assert row(invoice(), made, advance("40", 20), advance("-40", 8, "P2"))["tier"] == "firm"
        assert row(invoice(), promise("A", 20, 5), advance("100", 20), policy=LEFT_ALONE)["tier"] == "gentle"

    def test_moved_money_counts_once(self) -> None:
        made = promise("A", 20, 5, "60")
        assert row(invoice(), made, advance("59", 20), moved("59"))["tier"] == "firm"
        assert row(invoice(), made, advance("60", 20), moved("60"))["tier"] == "gentle"
        elsewhere = invoice("I2", issued_on=ago(15), total="60")
        book = [invoice(), elsewhere, made, advance("60", 20)]
        assert row(*book)["tier"] == "gentle"
        assert row(*book, moved("60", invoice_id="I2"))["tier"] == "firm"

    def test_the_excess_of_another_document_counts_as_far_as_it_came_since(self) -> None:
        other = invoice("I2", issued_on=ago(15), total="60")
        book = [invoice(), other, promise("A", 20, 5, "40")]
        assert row(*book, paid("100", 9, invoice_id="I2"))["tier"] == "gentle"
        assert row(*book, paid("100", 25, invoice_id="I2"))["tier"] == "firm"
        assert row(*book, paid("99", 9, invoice_id="I2"))["tier"] == "firm"

    def test_a_promise_for_a_part_is_a_reason_and_leaves_the_action(self) -> None:
        book = [invoice(), promise("A", 3, -5, "40")]
        assert row(*book)["suggestedAction"] == "send_reminder"
        assert reasons(*book) == [{"code": "promise_partial", "amount": 40, "promisedOn": ago(-5)}]
        assert reasons(invoice(), promise("A", 3, -5, "100")) == []
        assert reasons(invoice(), promise("A", 3, 1, "40")) == []

    def test_any_that_counts_may_cover_the_row(self) -> None:
        covering = promise("A", 9, -5)
        assert row(invoice(), covering, promise("B", 3, -5, "1"))["suggestedAction"] == "wait"


class TestAccountBalance:
    def test_it_is_net_and_past_due_stays_gross(self) -> None:
        book = Book.of([invoice(), paid("130"), invoice("I2"), advance("200")])
        found = past_due(book, outward_id(book.organisation, "customer", "C1"), D)
        assert found is not None
        assert (found["pastDueBalance"], found["accountBalance"]) == ("100.00", "-130.00")

    def test_other_currencies_with_money_on_account_are_there(self) -> None:
        book = Book.of([invoice(), advance("200", currency="EUR")])
        found = past_due(book, outward_id(book.organisation, "customer", "C1"), D)
        assert found is not None
        assert found["otherCurrencies"] == [
            {"currencyCode": "EUR", "pastDueBalance": "0.00", "accountBalance": "-200.00"}
        ]

    def test_an_invoice_disputed_in_part_may_be_paid(self) -> None:
        for amount, allowed in (("40", "true"), ("100", "false")):
            book = Book.of([invoice(), dispute(amount=amount)])
            found = past_due(book, outward_id(book.organisation, "customer", "C1"), D)
            assert found is not None
            assert found["paymentAllowed"] == allowed


class TestDocumentedMembers:
    @pytest.mark.parametrize("seed", range(4))
    def test_money_on_account_that_is_not_moved_changes_no_documented_amount(self, seed: int) -> None:
        book = random_book(seed, 20)
        kept = [entry for entry in book.entries if entry.record["type"] != "allocation"]
        names: dict[Any, list[bool]] = {}
        for entry in kept:
            if not entry.record.get("deleted"):
                names.setdefault(_own(entry), []).append(party_of(entry.record) is not None)
        advances = {own for own, found in names.items() if own[0] in {"payment", "credit"} and all(found)}
        without = replace(book, entries=[entry for entry in kept if _own(entry) not in advances])
        assert len(without.entries) < len(kept)
        book = replace(book, entries=kept)
        for days in (-30, 0, 31):
            on = book.pivot + timedelta(days=days)
            assert _documented(receivables_overdue(book, on)) == _documented(receivables_overdue(without, on))

    @settings(max_examples=25, deadline=None)
    @given(books_and_days(max_size=10))
    def test_aging_ties_to_the_rows_and_totals(self, drawn: Any) -> None:
        book, on = drawn
        for found in (receivables_overdue(book, on), payables_overdue(book, on)):
            by_currency = {entry["currency"]: entry for entry in found["totals"]["unappliedByCurrency"]}
            for entry in found["aging"]:
                expected = by_currency.get(entry["currency"], {"amount": 0, "count": 0})
                assert entry["unapplied"] == {"amount": expected["amount"], "count": expected["count"]}


def _own(entry: Entry) -> tuple[str, str]:
    return entry.record["type"], entry.record["id"]


def _documented(found: dict[str, Any]) -> Any:
    """The amounts and ids of an answer that money on account must leave alone: not the judgement of a row."""
    beside = {"tier", "suggestedAction", "suggestedTone", "unapplied", "amountToChase"}
    rows = [{name: value for name, value in row.items() if name not in beside} for row in found["customers"]]
    buckets = [(entry["currency"], entry["buckets"]) for entry in found["aging"]]
    return found["totals"] | {"unappliedByCurrency": None}, buckets, rows


class TestLago:
    def test_figures_stay_gross_of_money_on_account_and_see_what_is_moved(self) -> None:
        def balances(*records: Record) -> list[int]:
            book = Book.of(records)
            return [entry["amount_cents"] for entry in overdue_balance(book, D)["overdue_balances"]]

        assert balances(invoice(), advance("100")) == [10000]
        assert balances(invoice(), advance("100"), moved("30")) == [7000]
        assert balances(invoice(), invoice("I2"), {"type": "invoice", "id": "I2", "deleted": True}) == [10000]

    def test_an_invoice_settled_by_moved_money_has_succeeded(self) -> None:
        book = Book.of([invoice(issued_on=ago(20)), advance("100"), moved("100")])
        [month] = invoice_collection(book, D)["invoice_collections"]
        assert (month["payment_status"], month["amount_cents"]) == ("succeeded", 10000)


class TestBehaviour:
    def test_a_document_is_settled_by_moved_money_from_the_later_of_its_days(self) -> None:
        late = invoice("I2", due_on=ago(5))
        found = row(invoice(due_on=ago(12)), late, advance("100", 20), moved("100", 10))
        assert found["paymentBehaviour"] == {"totalInvoicesPaid": 1, "averageDaysLate": 2, "onTimeRate": 0}
        by_credit = moved("100", 10, payment_id=None, credit_id="K1")
        assert row(invoice(), late, note("100"), by_credit)["paymentBehaviour"] is None


class TestAnyOrder:
    @settings(max_examples=15, deadline=None)
    @given(st.data(), st.randoms(use_true_random=False))
    def test_every_answer_is_the_same_in_any_order_of_arrival(self, data: st.DataObject, rng: Any) -> None:
        book = data.draw(books(max_size=8, order_free=True))
        on = data.draw(st.sampled_from(interesting_days(book)))
        other = book.reordered(data.draw(orders(book)))
        policy = random_policy(rng)
        for asked in (receivables_overdue, payables_overdue, receivables_aging, payables_aging, added_reasons):
            assert asked(book, on, policy) == asked(other, on, policy)
        assert overdue_balance(book, on) == overdue_balance(other, on)
        assert invoice_collection(book, on) == invoice_collection(other, on)


def test_the_collection_effectiveness_takes_the_opening_as_known_at_the_close() -> None:
    # 100 of May stands open; 40 of it turns out to have been paid in May; June brings 60 more, due at once, unpaid.
    entries = [
        Entry(invoice(issued_on="2020-05-01", due_on="2020-05-02"), date(2020, 5, 1)),
        Entry(paid("40", paid_on="2020-05-20"), date(2020, 6, 5)),
        Entry(invoice("I2", issued_on="2020-06-01", due_on="2020-06-02", total="60"), date(2020, 6, 1)),
        Entry(paid("30", own_id="P2", paid_on="2020-06-20"), date(2020, 6, 20)),
    ]
    runs = [date(2020, 6, 1), date(2020, 7, 1)]
    [_, june] = replay(Book(entries=entries), runs).snapshots
    assert june.shown["currencies"][0]["cei"] == 25  # (60 + 60 - 90) / (60 + 60 - 0)
