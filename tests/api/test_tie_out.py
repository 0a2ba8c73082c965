"""One ledger, three APIs: random books, written and read through the functions, against the oracle and each other.

Beside them the proof that the lists tie to the control account: what parties owe, less what they have on account, is
the totals of all documents less all money, wherever it stands.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from arrears.ledger.ids import outward_id
from arrears.ledger.money import EXPONENTS
from oracle import (
    Book,
    differences,
    invoice_collection,
    overdue_balance,
    past_due,
    payables_overdue,
    receivables_overdue,
)
from oracle.book import Ledger, Organisation, json_amount, read
from oracle.control import balance
from oracle.generate import interesting_days, random_book
from oracle.on_account import accounts
from oracle.payables import added_reasons as payables_reasons
from oracle.receivables import added_reasons as receivables_reasons
from support.books import arrivals, last_day, noon

LISTS = {"customer": "/receivables/aging", "supplier": "/payables/aging"}
ADDED_REASONS = ("promise_partial", "covered_by_unapplied")
PASSWORD = "correct horse battery staple"


class Written:
    """A random book, written record by record through the API of its own organisation."""

    def __init__(self, api: Any, seed: int, size: int) -> None:
        self.api = api
        created = api.services.organisations().create("Books", "Pacific/Auckland", "USD")
        self.key = api.services.api_keys().create(created.id)
        home = Organisation(id=created.id, timezone=created.timezone, currency=created.currency)
        self.organisation = created
        self.book: Book = random_book(seed, size, organisation=home)
        for moment, records in arrivals(self.book):
            self.at(moment)
            for start in range(0, len(records), 500):
                assert api.record(*records[start : start + 500], key=self.key).status == 200

    def at(self, moment: Any) -> None:
        self.api.clock.now = moment

    def customers(self) -> list[str]:
        """The caller's ids of every customer that the book knows."""
        ledger = read(self.book)
        named = {invoice.party.id for invoice in ledger.of_kind("invoice")}
        return sorted(named | {record["id"] for record in ledger.records("customer")})

    def administrator(self) -> dict[str, str]:
        """The headers of a user who administers every customer."""
        token, integrator = "", self.api.services.users().create_integrator_key(self.organisation.id)
        for customer in self.customers():
            uid = outward_id(self.organisation.id, "customer", customer)
            token = self.api.services.users().create(self.organisation.id, uid, "ada", PASSWORD, integrator, True)
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture(params=range(4))
def written(api: Any, request: pytest.FixtureRequest) -> Written:
    return Written(api, request.param, 16)


def days(written: Written) -> list[Any]:
    """Days of asking: that of the last record, and days on which what is dated later has taken effect."""
    last = last_day(written.book)
    return [last, last + timedelta(days=1), last + timedelta(days=17), last + timedelta(days=95)]


def test_every_api_answers_what_the_oracle_does(written: Written) -> None:
    api, book = written.api, written.book
    headers = written.administrator()
    externals = sorted({r["external_id"] for r in read(book).records("customer") if r.get("external_id")})
    for day in days(written):
        written.at(noon(day, book.organisation.timezone))
        assert not differences(receivables_overdue(book, day), api.dolfin(key=written.key).body)
        assert not differences(payables_overdue(book, day), api.dolfin("/payables/overdue", key=written.key).body)
        for query in ({}, {"months": 3}, {"currency": "usd"}, {"currency": "EUR", "months": 1}):
            asked = {name: value.upper() if isinstance(value, str) else value for name, value in query.items()}
            texts = {name: str(value) for name, value in query.items()}
            balances = api.lago("overdue_balance", key=written.key, **texts).body
            assert balances == overdue_balance(book, day, **asked)
            collections = api.lago("invoice_collection", key=written.key, **texts).body
            assert collections == invoice_collection(book, day, **asked)
        for external in [*externals, "nobody"]:
            answer = api.lago("overdue_balance", key=written.key, external_customer_id=external)
            assert answer.body == overdue_balance(book, day, external_customer_id=external)
        for customer in written.customers():
            uid = outward_id(written.organisation.id, "customer", customer)
            assert not differences(past_due(book, uid, day), api.docusign(uid, headers).body)


def test_the_three_apis_tie_out(written: Written) -> None:
    """Per currency: Dolfin's totals, Lago's overdue months and DocuSign's balances of all customers are one number."""
    api = written.api
    headers = written.administrator()
    for day in days(written):
        written.at(noon(day, written.book.organisation.timezone))
        totals = api.dolfin(key=written.key).body["totals"]["overdueByCurrency"]
        dolfin = {entry["currency"]: Decimal(str(entry["amount"])) for entry in totals}
        lago: dict[str, Decimal] = {}
        for row in api.lago("overdue_balance", key=written.key).body["overdue_balances"]:
            amount = Decimal(row["amount_cents"]).scaleb(-EXPONENTS[row["currency"]])
            lago[row["currency"]] = lago.get(row["currency"], Decimal(0)) + amount
        docusign: dict[str, Decimal] = {}
        for customer in written.customers():
            body = api.docusign(outward_id(written.organisation.id, "customer", customer), headers).body
            for owed in (body, *body["otherCurrencies"]):
                currency = owed["currencyCode"]
                docusign[currency] = docusign.get(currency, Decimal(0)) + Decimal(owed["pastDueBalance"])
        assert dolfin == lago == {currency: amount for currency, amount in docusign.items() if amount}


def amounts(entries: list[Any], name: str) -> dict[str, Decimal]:
    """The sums of a member by currency, nothing that is zero."""
    sums: dict[str, Decimal] = {}
    for entry in entries:
        sums[entry["currency"]] = sums.get(entry["currency"], Decimal(0)) + Decimal(str(entry[name]))
    return {currency: amount for currency, amount in sums.items() if amount}


def control_account(ledger: Ledger, kind: str, day: Any) -> dict[str, Decimal]:
    """What the general ledger's account of a side shows by currency: totals less money, without a look at either's
    allocation.
    """
    nets = {}
    for currency in {code for _, code in accounts(ledger, kind)}:
        net = balance(ledger, lambda party, code, of=currency: (party.kind, code) == (kind, of), day).net
        nets[currency] = Decimal(str(json_amount(net, currency)))
    return {currency: net for currency, net in nets.items() if net}


@pytest.mark.parametrize("kind", LISTS)
def test_the_aged_lists_tie_to_the_control_account_on_every_day(written: Written, kind: str) -> None:
    api, ledger = written.api, read(written.book)
    written.at(noon(last_day(written.book), written.book.organisation.timezone))
    for day in [*interesting_days(written.book)[::2], *days(written)]:
        asked = {"key": written.key, "asOf": day.isoformat()}
        by_party = api.dolfin(LISTS[kind], **asked).body
        expected = control_account(ledger, kind, day)
        assert amounts(by_party[f"{kind}s"], "net") == expected, day
        assert amounts(by_party["aging"], "net") == expected, day
        by_document = api.dolfin(LISTS[kind], by="document", **asked).body
        owed = amounts(by_document["documents"], "outstanding")
        money = amounts(by_document["totals"]["unappliedByCurrency"], "amount")
        nets = {code: owed.get(code, Decimal(0)) - money.get(code, Decimal(0)) for code in owed.keys() | money.keys()}
        assert {code: net for code, net in nets.items() if net} == expected, day


def test_docusigns_account_balances_add_up_to_the_aged_list(written: Written) -> None:
    api, headers = written.api, written.administrator()
    for day in days(written)[::3]:
        written.at(noon(day, written.book.organisation.timezone))
        balances: dict[str, Decimal] = {}
        for customer in written.customers():
            body = api.docusign(outward_id(written.organisation.id, "customer", customer), headers).body
            for one in (body, *body["otherCurrencies"]):
                code = one["currencyCode"]
                balances[code] = balances.get(code, Decimal(0)) + Decimal(one["accountBalance"])
        nets = amounts(api.dolfin(LISTS["customer"], key=written.key).body["customers"], "net")
        assert {code: amount for code, amount in balances.items() if amount} == nets


def test_rows_say_of_promises_and_money_on_account_what_the_oracle_does(written: Written) -> None:
    api, book = written.api, written.book
    written.at(noon(last_day(book), book.organisation.timezone))
    for day in interesting_days(book)[::2]:
        customers = api.dolfin(key=written.key, asOf=day.isoformat()).body["customers"]
        found = {(row["customerId"], row["currency"]): added(row) for row in customers}
        expected = receivables_reasons(book, day)
        assert found.keys() == expected.keys()
        assert [line for key in found for line in differences(expected[key], found[key])] == [], day
        suppliers = api.dolfin("/payables/overdue", key=written.key, asOf=day.isoformat()).body["suppliers"]
        by_name = sorted((row["supplierName"], row["currency"], len(added(row))) for row in suppliers)
        if len({row[:2] for row in by_name}) == len(by_name):
            said = {key: len(reasons) for key, reasons in payables_reasons(book, day).items()}
            assert {(name, code): count for name, code, count in by_name} == said, day


def added(row: dict[str, Any]) -> list[Any]:
    """The reasons of a row that are about a promise for a part or about money on account."""
    return [reason for reason in row["reasons"] if reason["code"] in ADDED_REASONS]
