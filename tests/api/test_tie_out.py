"""One ledger, three APIs: random books, written and read through the functions, against the oracle and each other."""

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
from oracle.book import Organisation, read
from oracle.generate import random_book
from support.books import arrivals, last_day, noon

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
            for balance in (body, *body["otherCurrencies"]):
                currency = balance["currencyCode"]
                docusign[currency] = docusign.get(currency, Decimal(0)) + Decimal(balance["pastDueBalance"])
        assert dolfin == lago == {currency: amount for currency, amount in docusign.items() if amount}
