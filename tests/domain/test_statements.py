"""Statements: opening and movements are the closing, line by line what the oracle works out from the records."""

import pickle
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from arrears.ledger.dated_document import Account as PartyAccount
from arrears.ledger.dated_document import MoneyChange
from arrears.ledger.days import NEVER, parse_day
from arrears.ledger.ledger_side import Side
from arrears.ledger.on_account import unapplied_at
from arrears.ledger.parties import DocumentRecords, MoneyRecord, read_document_records, read_money_record
from arrears.reports.aging import overdue_report
from arrears.reports.money_items import MoneyItem, kind_of, money_items
from arrears.reports.statements import (
    CurrencyStatement,
    InHand,
    Line,
    activity,
    open_items,
    sent_within,
    shown_in_open_items,
)
from oracle.book import Book, Ledger, read
from oracle.generate import interesting_days, random_book
from oracle.on_account import Account, accounts, items, net
from oracle.statements import Statement
from oracle.statements import activity as expected_activity
from oracle.statements import open_item as expected_open_item
from support.books import in_memory, organisation_of
from support.memory_ledger import MemoryLedger
from support.records import ORGANISATION, credit, invoice, payment

SIDES = {"customer": Side.RECEIVABLE, "supplier": Side.PAYABLE}
SEEDS = range(12)


class Books:
    """A book in memory and what the oracle reads in it, party by party."""

    def __init__(self, book: Book) -> None:
        self.ledger = in_memory(book, organisation_of(book))
        self.oracle: Ledger = read(book)
        self.records = records_of(self.ledger)
        self.sent = sent_on_account(self.ledger)
        self.names = {
            (side, account.reference if account.party_id else None, account.name): InHand(account, documents)
            for side in SIDES.values()
            for account, documents in self.ledger.full_accounts(side)
        }

    def named(self, item: MoneyItem, day: int) -> tuple[str, str, int]:
        """Kind, the caller's id and amount of money on account."""
        if not item.of_document:
            return self.sent[item.source].kind, self.sent[item.source].id, item.amount
        records = self.records[item.id]
        return kind_of(records.document, day), records.reference, item.amount

    def parties(self) -> Iterator[tuple[Account, InHand]]:
        """Every party and currency of the oracle, with what a reader has of it."""
        for kind, side in SIDES.items():
            for account in accounts(self.oracle, kind):
                party = account[0]
                yield account, self.names[side, party.id, self.oracle.name(party)]


def records_of(ledger: MemoryLedger) -> dict[str, DocumentRecords]:
    """What the records on every document say."""
    return {
        document.id: read_document_records(
            document.reference, document.dated, {name: part.content for name, part in document.parts.items()}
        )
        for document in ledger.documents()
        if document.head is not None
    }


def sent_on_account(ledger: MemoryLedger) -> dict[str, MoneyRecord]:
    """The payments and credits on account by their sources."""
    found = {}
    for (kind, _), kept in ledger.kept.items():
        if kind.endswith("on account"):
            money = pickle.loads(kept)
            if money.part is not None and money.account is not None:
                content = money.part.content
                record = read_money_record(money.kind, money.reference, content["currency"], content, on_account=True)
                assert record is not None
                found[money.code] = record
    return found


def months(book: Book) -> list[tuple[date, date]]:
    """Some stretches of days around what happened."""
    ends = interesting_days(book)[::4]
    return [(end - timedelta(days=length), end) for end in ends for length in (0, 29, 400)]


def same(found: CurrencyStatement | None, expected: Statement) -> bool:
    """Whether a statement is the oracle's."""
    if found is None:
        return expected == Statement(0, [], 0, dict.fromkeys(expected.buckets, 0), 0)
    lines = [(line.day, line.kind, line.reference, line.amount, line.balance) for line in found.lines]
    return (
        lines == [(line.on.toordinal(), line.kind, line.id, line.amount, line.balance) for line in expected.lines]
        and (found.opening, found.closing, found.unapplied) == (expected.opening, expected.closing, expected.unapplied)
        and found.buckets == list(expected.buckets.values())
    )


def by_hand(*records: dict[str, object]) -> tuple[InHand, dict[str, DocumentRecords]]:
    """What a reader has of the only party of some records."""
    ledger = MemoryLedger(ORGANISATION)
    ledger.record(records, parse_day("2020-06-30"))
    [(account, documents)] = [found for side in SIDES.values() for found in ledger.full_accounts(side)]
    return InHand(account, documents), records_of(ledger)


def of_currency(found: list[CurrencyStatement], currency: str) -> CurrencyStatement | None:
    return next((one for one in found if one.currency == currency), None)


@pytest.mark.parametrize("seed", SEEDS)
def test_activity_is_what_the_oracle_finds_for_every_party_and_month(seed: int) -> None:
    book = random_book(seed, 20)
    books = Books(book)
    for first, last in months(book):
        for account, in_hand in books.parties():
            days = first.toordinal(), last.toordinal()
            sent = [books.sent[source] for source in sent_within(in_hand.account, *days)]
            found = activity(in_hand, books.records, sent, *days, "USD")
            assert same(of_currency(found, account[1]), expected_activity(books.oracle, account, first, last))
            assert all(
                one.adds_up and one.opening + sum(line.amount for line in one.lines) == one.closing for one in found
            )


@pytest.mark.parametrize("seed", SEEDS)
def test_open_items_are_what_the_oracle_finds_and_close_at_the_net(seed: int) -> None:
    book = random_book(seed, 20)
    books = Books(book)
    for day in interesting_days(book)[::3]:
        for account, in_hand in books.parties():
            found = of_currency(open_items(in_hand, books.records, books.sent, day.toordinal(), "USD"), account[1])
            assert same(found, expected_open_item(books.oracle, account, day))
            assert (found.closing if found else 0) == net(books.oracle, account, day)


@pytest.mark.parametrize("seed", SEEDS)
def test_closing_is_outstanding_less_unapplied_of_the_account(seed: int) -> None:
    book = random_book(seed, 20)
    books = Books(book)
    last = book.pivot.toordinal()
    for (_, currency), in_hand in books.parties():
        sent = [books.sent[source] for source in sent_within(in_hand.account, last - 29, last)]
        found = of_currency(activity(in_hand, books.records, sent, last - 29, last, "USD"), currency)
        [*aging] = overdue_report([(in_hand.account, list(in_hand.documents))], last, books.ledger.organisation).aging
        outstanding = sum(sum(entry.amounts) for entry in aging if entry.currency == currency)
        unapplied = unapplied_at(in_hand.account, in_hand.documents, last).get(currency, 0)
        assert (found.closing if found else 0) == outstanding - unapplied


@pytest.mark.parametrize("seed", SEEDS)
def test_money_on_account_is_named_piece_by_piece(seed: int) -> None:
    book = random_book(seed, 20)
    books = Books(book)
    for day in interesting_days(book)[::3]:
        for account, in_hand in books.parties():
            pieces = [
                books.named(item, day.toordinal())
                for item in money_items(in_hand.account, in_hand.documents, day.toordinal())
                if item.currency == account[1]
            ]
            expected = [(item.kind, item.id, item.amount) for item in items(books.oracle, account, day)]
            assert sorted(pieces) == sorted(expected)


def test_write_offs_and_reversals_are_marked() -> None:
    in_hand, records = by_hand(
        invoice(),
        payment(amount="-5", paid_on="2020-03-01"),
        credit("K1", amount="20", credited_on="2020-03-02", kind="write_off", voided_on="2020-03-09"),
        credit("K2", amount="1", credited_on="2020-03-03"),
    )
    [found] = activity(in_hand, records, [], parse_day("2020-03-01"), parse_day("2020-03-31"), "USD")
    assert [(line.kind, line.detail, line.reference, line.amount, line.balance) for line in found.lines] == [
        ("payment", "reversal", "P", 500, 10500),
        ("credit", "write_off", "K1", -2000, 8500),
        ("credit", None, "K2", -100, 8400),
        ("credit_voided", "write_off", "K1", 2000, 10400),
    ]


def test_a_payment_on_a_draft_moves_the_balance_when_it_is_dated() -> None:
    in_hand, records = by_hand(invoice(status="draft"), payment(amount="30", paid_on="2020-03-01"))
    [found] = activity(in_hand, records, [], parse_day("2020-03-01"), parse_day("2020-03-31"), "USD")
    assert [(line.kind, line.amount) for line in found.lines] == [("payment", -3000)]
    assert (found.opening, found.closing, found.unapplied, found.adds_up) == (0, -3000, 3000, True)


def test_a_currency_without_balance_or_movement_has_no_section() -> None:
    in_hand, records = by_hand(invoice(), payment(amount="100"))
    assert activity(in_hand, records, [], parse_day("2020-04-01"), parse_day("2020-04-30"), "USD") == []
    assert open_items(in_hand, records, {}, parse_day("2020-04-30"), "USD") == []


def test_money_sent_on_account_is_a_movement_and_what_is_moved_of_it_is_none() -> None:
    """100 came on 1 March, 30 of it went back on 5 March, 20 were put on an older invoice that is closed since."""
    march = parse_day("2020-03-01")
    money = [
        MoneyChange(march, "USD", march, "Pp", received=10_000),
        MoneyChange(march + 4, "USD", march + 4, "Pr", refunded=3_000),
        MoneyChange(march + 9, "USD", march, "Pp", moved=-2_000),
    ]
    in_hand = InHand(PartyAccount("a", "a", "C", "Ada", money=money), [])
    sent = [
        MoneyRecord("payment", "p", "USD", 10_000, march, NEVER, "wire 7", on_account=True),
        MoneyRecord("payment", "r", "USD", -3_000, march + 4, NEVER, on_account=True),
    ]
    [found] = activity(in_hand, {}, sent, march, march + 8, "USD")
    assert found.lines == [
        Line(march, "payment", None, "p", "wire 7", None, -10_000, -10_000),
        Line(march + 4, "payment", "refund", "r", None, None, 3_000, -7_000),
    ]
    assert (found.opening, found.closing, found.unapplied, found.adds_up) == (0, -7_000, 7_000, True)
    assert shown_in_open_items(in_hand, march + 9) == ([], ["Pp", "Pr"])
    advances = {"Pp": sent[0], "Pr": sent[1]}
    [items_open] = open_items(in_hand, {}, advances, march + 9, "USD")
    assert [(line.kind, line.reference, line.amount, line.balance) for line in items_open.lines] == [
        ("payment", "p", -8_000, -8_000),
        ("payment", "r", 3_000, -5_000),
    ]
