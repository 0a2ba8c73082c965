"""Aged lists: everything open or on account, by counterparty or document; random books against the oracle."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.ledger.dated_document import Account, AllocationChange, BillState, DatedDocument, MoneyChange
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.ledger.policy import Policy
from arrears.rendering.aged_list import (
    BY_DOCUMENT,
    BY_PARTY,
    aged_customer_body,
    aged_document_body,
    aged_list_body,
    aged_supplier_body,
)
from arrears.reports.aged_customers import customer_balance
from arrears.reports.aged_list import aged_document, aged_documents, aged_parties
from arrears.reports.aged_suppliers import supplier_balance
from arrears.reports.aging import Accounts
from oracle import Book, differences
from oracle.aged_lists import (
    not_payable,
    payables_aging,
    payables_documents,
    receivables_aging,
    receivables_documents,
)
from oracle.book import json_amount
from oracle.generate import interesting_days, random_book
from support.books import in_memory, organisation_of, random_terms
from support.memory_ledger import MemoryLedger
from support.records import ORGANISATION, bill, customer, dispute, invoice, payment, promise, supplier

TODAY = date(2020, 6, 30)
NOW = TODAY.toordinal()
LISTS = {Side.RECEIVABLE: receivables_aging, Side.PAYABLE: payables_aging}
DOCUMENTS = {Side.RECEIVABLE: receivables_documents, Side.PAYABLE: payables_documents}


def ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


def by_party(accounts: Accounts, side: Side, day: int, organisation: Organisation) -> dict[str, Any]:
    """The list by customer or supplier in one page."""
    aged = aged_parties(accounts, day, organisation)
    if side is Side.RECEIVABLE:
        rows = [aged_customer_body(customer_balance(one, day, aged.policy)) for one in aged.rows]
    else:
        rows = [aged_supplier_body(supplier_balance(one, day, aged.policy)) for one in aged.rows]
    return aged_list_body(aged, side, BY_PARTY[side], rows, None)


def by_document(
    accounts: Accounts, side: Side, day: int, organisation: Organisation, references: dict[str, str]
) -> dict[str, Any]:
    """The list by document in one page."""
    aged = aged_documents(accounts, day, organisation)
    rows = [aged_document_body(aged_document(one, day), side, references) for one in aged.rows]
    return aged_list_body(aged, side, BY_DOCUMENT, rows, None)


def recorded(*records: Any, organisation: Organisation = ORGANISATION) -> MemoryLedger:
    ledger = MemoryLedger(organisation)
    assert "rejected" not in {result.result for result in ledger.record(records, NOW)}
    return ledger


def customers(*records: Any, day: int = NOW) -> dict[str, Any]:
    ledger = recorded(*records)
    return by_party(ledger.full_accounts(Side.RECEIVABLE), Side.RECEIVABLE, day, ORGANISATION)


def suppliers(*records: Any, day: int = NOW) -> dict[str, Any]:
    ledger = recorded(*records)
    return by_party(ledger.full_accounts(Side.PAYABLE), Side.PAYABLE, day, ORGANISATION)


# --- random books ---------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(0, 16))
def test_a_random_book_is_the_oracles_on_every_day(seed: int, size: int) -> None:
    book, policy = random_book(seed, size), random_terms(seed)
    organisation = organisation_of(book, policy)
    ledger = in_memory(book, organisation)
    references = {document.id: document.reference for document in ledger.documents()}
    for day in interesting_days(book):
        for side in Side:
            accounts = list(ledger.full_accounts(side))
            found = by_party(accounts, side, day.toordinal(), organisation)
            assert not differences(expected_list(book, side, day, policy), found), (side, day)
            documents = by_document(accounts, side, day.toordinal(), organisation, references)
            assert not differences(DOCUMENTS[side](book, day), documents["documents"]), (side, day)
            assert (documents["totals"], documents["aging"]) == (found["totals"], found["aging"])


def expected_list(book: Book, side: Side, day: date, policy: Any) -> dict[str, Any]:
    """The oracle's list. It gives suppliers known by name only no reference, and bills that wait for approval apart."""
    expected = LISTS[side](book, day, policy)
    if side is Side.RECEIVABLE:
        return expected
    awaiting = not_payable(book, day)
    shown: dict[str, Any] = {}
    for (_, currency), (amount, count) in awaiting.items():
        entry = shown.setdefault(currency, [0, 0])
        entry[0] += amount
        entry[1] += count
    for entry in expected["aging"]:
        amount, count = shown.get(entry["currency"], (0, 0))
        entry["notPayable"] = {"amount": json_amount(amount, entry["currency"]), "count": count}
    expected["totals"]["notPayableByCurrency"] = [
        {"currency": currency, "amount": json_amount(amount, currency), "count": count}
        for currency, (amount, count) in sorted(
            shown.items(), key=lambda item: (item[0] != book.organisation.currency, item[0])
        )
    ]
    return expected


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 16))
def test_what_waits_for_approval_is_in_hand_on_every_day(seed: int, size: int) -> None:
    """By the open and the settled set, whether time's work on them was done or not."""
    book = random_book(seed, size)
    organisation = organisation_of(book)
    ledger = in_memory(book, organisation)
    today = max(interesting_days(book)[-1], *(entry.recorded_on for entry in book.entries), TODAY).toordinal()
    for _ in ("as written", "after time's work"):
        for day in [*interesting_days(book), date.fromordinal(today), date.fromordinal(today + 30)]:
            accounts = list(ledger.accounts(Side.PAYABLE, day.toordinal(), today))
            found = aged_parties(accounts, day.toordinal(), organisation).awaiting
            full = aged_parties(ledger.full_accounts(Side.PAYABLE), day.toordinal(), organisation).awaiting
            assert found == full
        ledger.close_documents(today)


# --- by customer or supplier ----------------------------------------------------------------------------------------


def test_a_row_has_its_buckets_and_what_is_not_due_yet() -> None:
    [row] = customers(
        customer(),
        *(invoice(f"I{days}", due_on=ago(days), issued_on=ago(200)) for days in (-5, 0, 1, 31, 61, 91)),
        invoice("I", due_on=None),
        payment(invoice_id="I31", amount="40"),
    )["customers"]
    assert row["buckets"] == {"current": 300, "d1To30": 100, "d31To60": 60, "d61To90": 100, "d90Plus": 100}
    assert (row["outstanding"], row["unapplied"], row["net"]) == (660, 0, 660)
    assert (row["daysOverdue"], row["tier"]) == (91, "escalation")
    assert (row["customerReference"], row["customerName"]) == ("C", "Ada")


def test_a_row_without_anything_overdue_has_no_tier_and_no_urgency() -> None:
    [row] = customers(invoice(due_on=ago(0)))["customers"]
    assert (row["daysOverdue"], row["tier"]) == (0, None)
    [row] = suppliers(bill(due_on=ago(-1)))["suppliers"]
    assert (row["daysOverdue"], row["urgency"]) == (0, None)


def test_a_broken_promise_raises_the_tier_and_a_minimum_holds_it() -> None:
    late = invoice(due_on=ago(35), issued_on=ago(90))
    broken = promise(made_on=ago(50), promised_on=ago(20), amount="100")
    assert customers(late)["customers"][0]["tier"] == "final"
    assert customers(late, broken)["customers"][0]["tier"] == "escalation"
    held = replace(ORGANISATION, policy=Policy(minimums={"USD": 10_001}))
    accounts = recorded(late, broken).full_accounts(Side.RECEIVABLE)
    assert by_party(accounts, Side.RECEIVABLE, NOW, held)["customers"][0]["tier"] == "final"


def test_rows_are_in_the_order_of_the_overdue_reports_and_the_default_currency_comes_first() -> None:
    def owes(id: str, currency: str, days: int, total: str = "100", name: str | None = None) -> list[dict[str, Any]]:
        owed = invoice(f"I{id}", customer_id=id, currency=currency, total=total, due_on=ago(days), issued_on=ago(300))
        return [customer(id, name=name or id), owed]

    book = [
        *owes("EUR1", "EUR", 50),
        *owes("AUD1", "AUD", 1),
        *owes("late", "USD", 20),
        *owes("later", "USD", 90),
        *owes("small", "USD", 5, "10"),
        *owes("large", "USD", 5, "11"),
        *owes("b", "USD", -9, "7", "Zoe"),
        *owes("a", "USD", -3, "7", "Ann"),
    ]
    rows = customers(*book)["customers"]
    assert [row["customerReference"] for row in rows] == [
        *("later", "late", "large", "small", "a", "b"),
        *("AUD1", "EUR1"),
    ]


@pytest.mark.parametrize(("limit", "available"), [(50_000, 440), (6_000, 0), (1_000, -50), (None, None)])
def test_what_is_left_of_a_credit_limit_is_the_limit_less_the_net(limit: int | None, available: int | None) -> None:
    limits = {} if limit is None else {"USD": f"{limit / 100:.2f}", "EUR": "0.01"}
    [row] = customers(customer(credit_limit=limits), invoice(), payment())["customers"]
    assert row["creditLimit"] == (None if limit is None else limit // 100)
    assert row["creditAvailable"] == available


def test_a_credit_limit_of_another_currency_is_none() -> None:
    [row] = customers(customer(credit_limit={"EUR": "1"}), invoice())["customers"]
    assert (row["creditLimit"], row["creditAvailable"]) == (None, None)


# --- money on account -----------------------------------------------------------------------------------------------


def party(*money: MoneyChange) -> Account:
    return Account("c", "c", "C", "Ada", money=money)


def received(amount: int, day: int = NOW, currency: str = "USD") -> MoneyChange:
    return MoneyChange(day, currency, day, "Pp", received=amount)


OWED = DatedDocument("i", None, "USD", 10_000, NOW - 40, NOW - 10)


def aged(*accounts: tuple[Account, list[DatedDocument]], day: int = NOW) -> dict[str, Any]:
    return by_party(accounts, Side.RECEIVABLE, day, ORGANISATION)


def test_money_on_account_stands_beside_what_is_open() -> None:
    found = aged((party(received(3_000)), [OWED]))
    [row] = found["customers"]
    assert (row["outstanding"], row["unapplied"], row["net"]) == (100, 30, 70)
    assert (row["buckets"]["d1To30"], row["tier"]) == (100, "gentle")
    [entry] = found["aging"]
    assert (entry["outstanding"], entry["unapplied"], entry["net"]) == (100, {"amount": 30, "count": 1}, 70)
    assert found["totals"] == {
        "customerCount": 1,
        "invoiceCount": 1,
        "unappliedByCurrency": [{"currency": "USD", "amount": 30, "count": 1}],
    }


def test_who_has_only_money_on_account_has_a_row_and_its_currency_an_entry() -> None:
    found = aged((party(received(100_000, currency="JPY")), []))
    [row] = found["customers"]
    assert (row["currency"], row["outstanding"], row["unapplied"], row["net"]) == ("JPY", 0, 100_000, -100_000)
    assert (row["daysOverdue"], row["tier"]) == (0, None)
    [entry] = found["aging"]
    assert entry["buckets"]["current"] == {"amount": 0, "count": 0}
    assert (entry["unapplied"], entry["net"]) == ({"amount": 100_000, "count": 1}, -100_000)
    assert (found["totals"]["customerCount"], found["totals"]["invoiceCount"]) == (1, 0)


def test_money_on_account_counts_from_its_day() -> None:
    account = (party(received(3_000, NOW + 5)), [])
    assert aged(account)["customers"] == []
    assert aged(account, day=NOW + 5)["customers"][0]["unapplied"] == 30


def test_what_is_applied_beyond_a_total_is_on_account_and_two_customers_may_cancel_out() -> None:
    overpaid = DatedDocument("j", None, "USD", 1_000, NOW - 40, NOW - 10, applied=[AllocationChange(NOW, 1_500, 0, 1)])
    refunded = MoneyChange(NOW, "USD", NOW, "Pp", refunded=500)
    found = aged((party(), [overpaid]), (Account("d", "d", "D", "Bob", money=[refunded]), []))
    assert [(row["customerReference"], row["unapplied"], row["net"]) for row in found["customers"]] == [
        ("C", 5, -5),
        ("D", -5, 5),
    ]
    assert found["aging"][0]["unapplied"] == {"amount": 0, "count": 2}
    assert found["totals"]["unappliedByCurrency"] == [{"currency": "USD", "amount": 0, "count": 2}]


def test_the_credit_that_is_left_counts_money_on_account() -> None:
    limited = party(received(3_000))._replace(credit_limits=[("USD", 20_000)])
    [row] = by_party([(limited, [OWED])], Side.RECEIVABLE, NOW, ORGANISATION)["customers"]
    assert row["creditAvailable"] == 130


def test_a_list_by_document_has_the_money_on_account_in_its_balances_only() -> None:
    accounts = [(party(received(3_000)), [OWED]), (Account("d", "d", "D", "Bob", money=[received(100)]), [])]
    found = by_document(accounts, Side.RECEIVABLE, NOW, ORGANISATION, {"i": "I"})
    assert [row["invoiceReference"] for row in found["documents"]] == ["I"]
    assert found["aging"][0]["unapplied"] == {"amount": 31, "count": 2}
    assert found["totals"]["customerCount"] == 2


# --- bills that wait for approval -----------------------------------------------------------------------------------


def test_bills_that_wait_for_approval_are_apart() -> None:
    book = [bill(f"B{state}", state=state) for state in ("Created", "NeedsApproval", "Rejected", "Paid", "Voided")]
    found = suppliers(supplier(), bill(), *book, bill("B2", state="NeedsApproval", currency="EUR"))
    [row] = found["suppliers"]
    assert (row["currency"], row["outstanding"], row["net"]) == ("USD", 100, 100)
    assert row["notPayable"] == {"amount": 200, "count": 2}
    [entry] = found["aging"]
    assert (entry["net"], entry["notPayable"]) == (100, {"amount": 200, "count": 2})
    assert found["totals"] == {
        "supplierCount": 1,
        "billCount": 1,
        "unappliedByCurrency": [],
        "notPayableByCurrency": [
            {"currency": "USD", "amount": 200, "count": 2},
            {"currency": "EUR", "amount": 100, "count": 1},
        ],
    }


def test_a_bill_waits_from_its_issue_until_its_approval() -> None:
    states = [BillState(NOW - 9, "NeedsApproval", None), BillState(NOW, "Approved", None)]
    account = Account("s", "s", "S", "Bolt")
    owed = DatedDocument("b", None, "USD", 10_000, NOW - 10, NOW + 20, states=states)
    for day, waits in ((NOW - 11, False), (NOW - 10, True), (NOW - 1, True), (NOW, False)):
        found = by_party([(account, [owed])], Side.PAYABLE, day, ORGANISATION)
        assert bool(found["totals"]["notPayableByCurrency"]) == waits
        assert bool(found["suppliers"]) == (day == NOW)


# --- by document ----------------------------------------------------------------------------------------------------


def test_a_supplier_without_an_id_comes_before_one_of_the_same_name() -> None:
    named, known = Account("f", None, "Bolt", "Bolt"), Account("a", "a", "S", "Bolt")
    beside = [received(500)]
    accounts = [(one._replace(money=beside), []) for one in (known, named)]
    found = by_party(accounts, Side.PAYABLE, NOW, ORGANISATION)["suppliers"]
    assert [row["supplierId"] for row in found] == [None, "a"]


def test_a_row_of_a_document_says_what_is_left_of_it() -> None:
    ledger = recorded(
        customer(), invoice(number="2020-1", due_on=ago(31)), payment(), dispute(), invoice("I2", due_on=None)
    )
    references = {document.id: document.reference for document in ledger.documents()}
    found = by_document(ledger.full_accounts(Side.RECEIVABLE), Side.RECEIVABLE, NOW, ORGANISATION, references)
    first, second = found["documents"]
    [(account, _)] = ledger.full_accounts(Side.RECEIVABLE)
    assert first == {
        "invoiceId": first["invoiceId"],
        "invoiceReference": "I",
        "invoiceNumber": "2020-1",
        "customerId": account.id,
        "customerReference": "C",
        "customerName": "Ada",
        "currency": "USD",
        "issuedOn": "2020-01-01",
        "dueDate": ago(31),
        "totalAmount": 100,
        "applied": 40,
        "outstanding": 60,
        "daysOverdue": 31,
        "bucket": "d31To60",
        "disputed": True,
        "disputedAmount": 60,
        "state": None,
    }
    assert (second["dueDate"], second["daysOverdue"], second["bucket"]) == (None, 0, "current")
    assert (second["disputed"], second["disputedAmount"]) == (False, 0)


def test_a_bill_of_a_supplier_known_by_name_has_its_state_and_no_supplier_id() -> None:
    ledger = recorded(bill(supplier_id=None, supplier_name="Corner Shop", state="PaymentFailed", due_on=ago(-3)))
    [row] = by_document(ledger.full_accounts(Side.PAYABLE), Side.PAYABLE, NOW, ORGANISATION, {})["documents"]
    assert (row["state"], row["daysOverdue"], row["bucket"]) == ("PaymentFailed", -3, "current")
    assert (row["supplierId"], row["supplierReference"], row["supplierName"]) == (None, None, "Corner Shop")
    assert row["billReference"] is None
