"""A company's real book of sixteen months ties from its statements to the aged lists to the control account.

Once as its own receivables, and once more as bills: what it invoiced is what its customers had to pay.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from api.conftest import Api
from arrears.close.run import Closing
from arrears.storage.events import EventSender
from support.closing import RECORDING, Bus
from support.files import records, sample

ENDS = [date(2019 + n // 12, n % 12 + 1, 1) - timedelta(days=1) for n in range(11, 28)]
"""The last days of November 2019, with the first invoice, to March 2021, with the last payment."""
LISTS = {"customer": "/receivables/aging", "supplier": "/payables/aging"}
PARTIES = {"customer": "/receivables/customers", "supplier": "/payables/suppliers"}
HISTORIES = {"customer": "/receivables/overdue/history", "supplier": "/payables/history"}
ADDED, TAKEN = ("opening", "restated", "invoiced", "refunded"), ("received", "credited", "voided", "closedByState")


def as_bill(record: dict[str, Any]) -> dict[str, Any]:
    """The record as the other side's books have it."""
    if record["type"] == "payment":
        kept = {name: record[name] for name in ("type", "amount", "paid_on")}
        return {**kept, "id": f"own {record['id']}", "bill_id": f"own {record['invoice_id']}"}
    kept = {name: record.get(name) for name in ("number", "currency", "total", "issued_on", "due_on")}
    state = "Voided" if record.get("status") == "voided" else "Approved"
    return {**kept, "type": "bill", "id": f"own {record['id']}", "supplier_id": record["customer_id"], "state": state}


@pytest.fixture
def book(api: Api) -> Api:
    """The book on both sides, in an organisation of its own, in its last month."""
    api.organisation = api.services.organisations().create("Agency", "Europe/London", "GBP")
    api.key = api.services.api_keys().create(api.organisation.id)
    invoices = records(sample("xero", "xero_invoice_data.csv"), "xero")
    api.clock.now = datetime(2021, 4, 20, 12, tzinfo=UTC)
    api.stored(*invoices)
    api.stored(*map(as_bill, invoices))
    return api


def exact(value: Any) -> Decimal:
    return Decimal(str(value))


def nets(book: Api, kind: str, end: date) -> dict[tuple[str, str], Decimal]:
    """What each party owes, by its own id and currency."""
    body = book.dolfin(LISTS[kind], asOf=end.isoformat()).body
    return {(row[f"{kind}Reference"], row["currency"]): exact(row["net"]) for row in body[f"{kind}s"]}


def parties() -> list[str]:
    invoices = records(sample("xero", "xero_invoice_data.csv"), "xero")
    return sorted({record["customer_id"] for record in invoices if record["type"] == "invoice"})


@pytest.mark.parametrize("kind", LISTS)
def test_statements_go_from_month_to_month_and_close_at_the_aged_list(book: Api, kind: str) -> None:
    before: dict[tuple[str, str], Decimal] = {}
    for end in ENDS:
        closing: dict[tuple[str, str], Decimal] = {}
        for party in parties():
            days = {"from": end.replace(day=1).isoformat(), "to": end.isoformat()}
            for section in book.dolfin(f"{PARTIES[kind]}/{party}/statement", **days).body["currencies"]:
                account = party, section["currency"]
                balance = exact(section["opening"])
                assert balance == before.get(account, Decimal(0)), (account, end)
                for line in section["lines"]:
                    assert days["from"] <= line["date"] <= days["to"]
                    balance += exact(line["amount"])
                    assert exact(line["balance"]) == balance
                assert balance == exact(section["closing"])
                assert balance == sum(map(exact, section["buckets"].values())) - exact(section["unapplied"])
                closing[account] = balance
        before = {account: amount for account, amount in closing.items() if amount}
        assert before == nets(book, kind, end), end


@pytest.mark.parametrize("kind", LISTS)
def test_the_control_account_rolls_forward_to_the_net_of_the_aged_list(book: Api, kind: str) -> None:
    close(book)
    months = book.dolfin(HISTORIES[kind], months="36").body["months"]
    assert [month["asOf"] for month in months[: len(ENDS)]] == [end.isoformat() for end in ENDS]
    before: dict[str, Decimal] = {}
    invoiced = received = Decimal(0)
    for month in months:
        found: dict[str, Decimal] = {}
        for entry in month["currencies"]:
            control = {name: exact(amount) for name, amount in entry["control"].items()}
            assert control["opening"] == before.get(entry["currency"], Decimal(0))
            moved = sum(control[name] for name in ADDED) - sum(control.get(name, Decimal(0)) for name in TAKEN)
            assert moved == control["closing"], (month["month"], entry["currency"])
            found[entry["currency"]] = control["closing"]
            invoiced, received = invoiced + control["invoiced"], received + control["received"]
        before = {currency: amount for currency, amount in found.items() if amount}
        owed: dict[str, Decimal] = {}
        for (_, currency), net in nets(book, kind, date.fromisoformat(month["asOf"])).items():
            owed[currency] = owed.get(currency, Decimal(0)) + net
        assert before == owed, month["month"]
    sent = records(sample("xero", "xero_invoice_data.csv"), "xero")
    assert invoiced == sum(exact(record["total"]) for record in sent if counts(record))
    assert received == sum(exact(record["amount"]) for record in sent if record["type"] == "payment")


def counts(record: dict[str, Any]) -> bool:
    return record["type"] == "invoice" and record.get("status") != "voided"


def close(book: Api) -> None:
    """Closes every month that has ended, in one run."""
    services = book.services
    organisation = replace(services.organisations().get(book.organisation.id), created_on=date(2020, 5, 1).toordinal())
    sender = EventSender("bus", Bus([]))  # type: ignore[arg-type]
    Closing(services.ledger, services.history(), services.recorder(), sender).close(
        organisation, book.clock() + RECORDING
    )
