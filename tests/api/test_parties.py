"""One party's page and statements: random books through the functions, against the oracle and the other endpoints."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from api.conftest import Answer, Api, check, invoice
from arrears.api import parties
from oracle.aged_lists import payables_aging, payables_documents, receivables_aging, receivables_documents
from oracle.book import Book, Ledger, Organisation, json_amount, read
from oracle.generate import random_book
from oracle.on_account import Account, accounts, items
from oracle.statements import activity, open_item
from support.books import arrivals, last_day, noon
from support.hostile import WEIRD_TEXTS
from support.records import bill, credit, customer, payment, payment_on_account, promise, reminder, supplier

PATHS = {"customer": "/receivables/customers", "supplier": "/payables/suppliers"}
LISTS = {"customer": "openInvoices", "supplier": "openBills"}
LEVELS = {"customer": "tier", "supplier": "urgency"}
OVERDUE = {"customer": "/receivables/overdue", "supplier": "/payables/overdue"}


class Written:
    """A random book with money on account, written through the API of an organisation of its own."""

    def __init__(self, api: Api, seed: int, size: int) -> None:
        self.api = api
        created = api.services.organisations().create("Books", "Pacific/Auckland", "USD")
        self.key = api.services.api_keys().create(created.id)
        home = Organisation(id=created.id, timezone=created.timezone, currency=created.currency)
        self.book: Book = random_book(seed, size, organisation=home)
        for moment, records in arrivals(self.book):
            api.clock.now = moment
            for start in range(0, len(records), 500):
                assert api.record(*records[start : start + 500], key=self.key).status == 200
        self.today = last_day(self.book)
        api.clock.now = noon(self.today, created.timezone)
        self.ledger: Ledger = read(self.book)

    def parties(self, kind: str) -> list[Any]:
        """Everybody with a document or money on account."""
        return list(dict.fromkeys(party for party, _ in accounts(self.ledger, kind)))

    def id_of(self, party: Any) -> str:
        """What a caller knows a party by: its own id, or its name."""
        return party.id if party.id is not None else self.ledger.name(party)

    def ask(self, party: Any, more: str = "", **query: Any) -> dict[str, Any]:
        """The answer about a party."""
        path = f"{PATHS[party.kind]}/{quote(self.id_of(party), safe='')}{more}"
        answer = self.api.dolfin(path, key=self.key, **query)
        assert answer.status == 200, answer.text
        check(party.kind + more.replace("/", "_"), answer.body)
        return dict(answer.body)

    def statement(self, account: Account, **query: Any) -> dict[str, Any]:
        """The only section of a party's statement in a currency."""
        [section] = self.ask(account[0], "/statement", currency=account[1], **query)["currencies"]
        return dict(section)


@pytest.fixture(params=range(4))
def written(api: Api, request: pytest.FixtureRequest) -> Written:
    return Written(api, request.param, 12)


def section_of(account: Account, expected: Any) -> dict[str, Any]:
    """A statement of the oracle as a section is answered, without what only the product says."""

    def amount(minor: int) -> Any:
        return json_amount(minor, account[1])

    return {
        "currency": account[1],
        "opening": amount(expected.opening),
        "lines": [
            (line.on.isoformat(), line.kind, line.id, amount(line.amount), amount(line.balance))
            for line in expected.lines
        ],
        "closing": amount(expected.closing),
        "buckets": {bucket: amount(minor) for bucket, minor in expected.buckets.items()},
        "unapplied": amount(expected.unapplied),
    }


def shown(section: dict[str, Any]) -> dict[str, Any]:
    """A section without what the oracle does not say."""
    names = ("date", "kind", "reference", "amount", "balance")
    lines = [tuple(line[name] for name in names) for line in section["lines"]]
    kept = {name: value for name, value in section.items() if name not in ("outstanding", "net")}
    return {**kept, "lines": lines}


def test_statements_are_the_oracles_for_every_party_and_month(written: Written) -> None:
    first = written.book.pivot.replace(day=1)
    months = [(first - timedelta(days=one), first - timedelta(days=one) + timedelta(days=30)) for one in (0, 91, 366)]
    for kind in PATHS:
        for account in accounts(written.ledger, kind):
            for since, last in months:
                found = written.statement(account, **{"from": since.isoformat(), "to": last.isoformat()})
                expected = activity(written.ledger, account, since, last)
                assert shown(found) == section_of(account, expected), (account, since)
                items_open = written.statement(account, kind="open_item", to=last.isoformat())
                assert shown(items_open) == section_of(account, open_item(written.ledger, account, last))


def test_a_statement_closes_at_the_net_of_the_aged_list(written: Written) -> None:
    today = written.today
    aged = {"customer": receivables_aging(written.book, today), "supplier": payables_aging(written.book, today)}
    for kind, found in aged.items():
        rows = {(row[f"{kind}Reference"], row["currency"]): row for row in found[f"{kind}s"]}
        for party in written.parties(kind):
            for section in written.ask(party, "/statement")["currencies"]:
                if party.id is not None:
                    row = rows.get((party.id, section["currency"]))
                    assert section["closing"] == section["net"] == (0 if row is None else row["net"])


@pytest.mark.parametrize("days", [0, -40, 35])
def test_a_page_has_the_partys_balances_open_documents_and_money_on_account(written: Written, days: int) -> None:
    day = written.today + timedelta(days=days)
    listed = {
        "customer": (receivables_aging(written.book, day), receivables_documents(written.book, day)),
        "supplier": (payables_aging(written.book, day), payables_documents(written.book, day)),
    }
    for kind, (aged, documents) in listed.items():
        overdue = written.api.dolfin(OVERDUE[kind], key=written.key, asOf=day.isoformat()).body[f"{kind}s"]
        for party in written.parties(kind):
            page = written.ask(party, asOf=day.isoformat())
            if party.id is None:
                continue
            names = ("currency", "buckets", "outstanding", "unapplied", "net", "daysOverdue")
            rows = [row for row in aged[f"{kind}s"] if row[f"{kind}Reference"] == party.id]
            balances = [one for one in page["balances"] if one["outstanding"] or one["unapplied"]]
            assert [[one[name] for name in names] for one in balances] == [
                [row[name] for name in names]
                for row in sorted(rows, key=lambda row: written.ledger.currency_order(row["currency"]))
            ]
            for one in page["balances"]:
                row = next(
                    (r for r in overdue if r[f"{kind}Reference"] == party.id and r["currency"] == one["currency"]), None
                )
                for name in (
                    "suggestedAction",
                    "totalOverdue",
                    "disputedAmount",
                    "amountToChase",
                    "reasons",
                    LEVELS[kind],
                ):
                    assert row is None or one[name] == row[name]
            expected = [document for document in documents if document[f"{kind}Reference"] == party.id]
            assert page[LISTS[kind]] == [_without_party(document, kind) for document in expected]
            assert sorted(
                (o["kind"], o["reference"], o["currency"], str(o["amount"])) for o in page["onAccount"]
            ) == sorted(
                (item.kind, item.id, account[1], str(json_amount(item.amount, account[1])))
                for account in accounts(written.ledger, kind)
                if account[0] == party
                for item in items(written.ledger, account, day)
            )


def _without_party(document: dict[str, Any], kind: str) -> dict[str, Any]:
    names = (f"{kind}Id", f"{kind}Reference", f"{kind}Name")
    return {name: value for name, value in document.items() if name not in names}


CUSTOMER = {"email": "ada@example.com", "address": "1 High St", "language": "en-GB", "credit_limit": {"EUR": "500"}}


@pytest.fixture
def ada(api: Api) -> Api:
    """Customer C with an overdue and a disputed invoice, money on account, a broken promise and two reminders."""
    api.stored(
        customer(external_id="crm-1", account_number="1001", **CUSTOMER),
        {**invoice("I1", customer_id="C", number="2020-1")},
        invoice("I2", customer_id="C", due_on="2020-07-31", total="40"),
        invoice("I3", customer_id="C", total="10", due_on="2020-04-01"),
        payment("P1", invoice_id="I1", amount="30", paid_on="2020-06-05", reference="wire 7"),
        payment_on_account("A1", currency="EUR", amount="25", paid_on="2020-06-07"),
        credit("K1", invoice_id="I3", amount="10", credited_on="2020-06-08", kind="write_off", number="CN-1"),
        promise("M1", currency="EUR", amount="60", made_on="2020-06-01", promised_on="2020-06-10"),
        promise("M2", currency="EUR", made_on="2020-06-20", promised_on="2020-07-10"),
        {
            "type": "dispute",
            "id": "D1",
            "invoice_id": "I1",
            "opened_on": "2020-06-12",
            "amount": "20",
            "reason": "price",
        },
        reminder("R1", sent_at="2020-06-09T08:00:00Z"),
        reminder("R2", sent_at="2020-06-11T08:00:00Z", invoice_ids=["I1"]),
    )
    return api


def page(api: Api, **query: Any) -> dict[str, Any]:
    answer = api.dolfin("/receivables/customers/C", **query)
    assert answer.status == 200, answer.text
    check("customer", answer.body)
    return dict(answer.body)


def test_everything_known_of_a_customer_is_on_its_page(ada: Api) -> None:
    found = page(ada)
    assert (found["customerReference"], found["customerName"], found["accountNumber"]) == ("C", "Ada", "1001")
    assert (found["externalId"], found["email"], found["language"]) == ("crm-1", "ada@example.com", "en-GB")
    [balance] = found["balances"]
    assert (balance["outstanding"], balance["unapplied"], balance["net"]) == (110, 25, 85)
    assert (balance["creditLimit"], balance["exposure"], balance["creditAvailable"]) == (500, 85, 415)
    assert [one["invoiceReference"] for one in found["openInvoices"]] == ["I1", "I2"]
    assert found["openInvoices"][0]["disputedAmount"] == 20
    [money] = found["onAccount"]
    assert (money["kind"], money["reference"], money["date"], money["amount"]) == ("payment", "A1", "2020-06-07", 25)
    assert [(one["promiseId"], one["status"], one["lacking"]) for one in found["promises"]] == [
        ("M2", "ahead", 70),
        ("M1", "replaced", 0),
    ]
    [dispute] = found["disputes"]
    assert (dispute["disputeId"], dispute["invoiceReference"], dispute["amount"], dispute["holds"]) == (
        "D1",
        "I1",
        20,
        True,
    )
    assert [(one["reminderId"], one["invoiceReferences"]) for one in found["reminders"]] == [
        ("R2", ["I1"]),
        ("R1", None),
    ]
    assert found["truncated"] == []


def test_what_is_dated_after_the_day_is_not_on_the_page(ada: Api) -> None:
    found = page(ada, asOf="2020-06-08")
    assert [one["promiseId"] for one in found["promises"]] == ["M1"]
    assert (found["disputes"], found["reminders"]) == ([], [])
    before = page(ada, asOf="2020-05-31")
    assert (before["onAccount"], [one["invoiceReference"] for one in before["openInvoices"]]) == (
        [],
        ["I3", "I1", "I2"],
    )


def test_a_statement_says_what_each_line_is(ada: Api) -> None:
    answer = ada.dolfin("/receivables/customers/C/statement", **{"from": "2020-06-01", "to": "2020-06-30"})
    check("customer_statement", answer.body)
    [section] = answer.body["currencies"]
    assert section["opening"] == 150
    assert [
        (line["kind"], line["detail"], line["reference"], line["number"], line["balance"]) for line in section["lines"]
    ] == [
        ("payment", None, "P1", "wire 7", 120),
        ("payment", None, "A1", None, 95),
        ("credit", "write_off", "K1", "CN-1", 85),
    ]
    assert section["closing"] == section["net"] == 85


def test_a_payment_on_a_draft_is_a_movement_and_stands_on_account(api: Api) -> None:
    api.stored(customer(), invoice("I9", customer_id="C", status="draft"))
    api.stored(payment("P9", invoice_id="I9", amount="30", paid_on="2020-06-05"))
    [section] = api.dolfin("/receivables/customers/C/statement").body["currencies"]
    assert [(line["kind"], line["reference"], line["balance"]) for line in section["lines"]] == [("payment", "P9", -30)]
    [money] = page(api)["onAccount"]
    assert (money["kind"], money["reference"], money["amount"]) == ("without_document", "I9", 30)


def test_the_days_of_a_statement_are_those_of_the_month_so_far_unless_asked_for(ada: Api) -> None:
    found = ada.dolfin("/receivables/customers/C/statement").body
    assert (found["kind"], found["from"], found["to"]) == ("activity", "2020-06-01", "2020-06-30")
    past = ada.dolfin("/receivables/customers/C/statement", to="2020-02-29").body
    assert (past["from"], past["to"], past["currencies"]) == ("2020-02-01", "2020-02-29", [])
    open_items = ada.dolfin("/receivables/customers/C/statement", kind="open_item").body
    assert (open_items["from"], [line["kind"] for line in open_items["currencies"][0]["lines"]]) == (
        None,
        ["invoice", "invoice", "payment"],
    )


def test_a_currency_that_is_asked_for_has_a_section_even_without_anything_in_it(ada: Api) -> None:
    [section] = ada.dolfin("/receivables/customers/C/statement", currency="jpy").body["currencies"]
    assert (section["currency"], section["opening"], section["lines"], section["closing"]) == ("JPY", 0, [], 0)


def test_open_documents_come_in_pages(api: Api) -> None:
    api.stored(*(invoice(f"I{number}", total=str(100 + number)) for number in range(250)))
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        found = api.dolfin("/receivables/customers/C1", **cursor).body
        assert found["balances"][0]["invoiceCount"] == 250
        seen += [one["invoiceReference"] for one in found["openInvoices"]]
        if found["nextCursor"] is None:
            break
        cursor = {"cursor": found["nextCursor"]}
    assert seen == [f"I{number}" for number in reversed(range(250))]
    assert len(api.dolfin("/receivables/customers/C1", limit="7").body["openInvoices"]) == 7


def test_a_cursor_of_another_customer_is_refused(api: Api) -> None:
    api.stored(*(invoice(f"I{number}", customer_id=f"C{number % 2}") for number in range(4)))
    cursor = api.dolfin("/receivables/customers/C1", limit="1").body["nextCursor"]
    refused = api.dolfin("/receivables/customers/C0", cursor=cursor)
    assert (refused.status, refused.body["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize("kind", ["activity", "open_item"])
def test_a_statement_that_is_too_large_for_an_answer_names_the_command(
    ada: Api, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(parties, "MAX_STATEMENT", 2)
    answer = ada.dolfin("/receivables/customers/C/statement", kind=kind)
    assert (answer.status, answer.body["code"]) == (413, "answer_too_large")
    assert "arrears statement" in answer.body["detail"]


def test_a_party_is_found_by_our_id_and_the_callers(ada: Api) -> None:
    own = page(ada)["customerId"]
    assert ada.dolfin(f"/receivables/customers/{own.upper()}").body == page(ada)
    ada.stored(supplier(), bill("B1", supplier_id=None, supplier_name="Paper & Co", currency="EUR"))
    assert ada.dolfin("/payables/suppliers/S").body["supplierName"] == "Bolt"
    by_name = ada.dolfin("/payables/suppliers/" + quote("paper  & co", safe="")).body
    assert (by_name["supplierId"], by_name["supplierReference"]) == (None, None)
    assert by_name["openBills"][0]["billReference"] == "B1"


@pytest.mark.parametrize("path", ["/receivables/customers/S", "/payables/suppliers/C", "/receivables/customers/none"])
@pytest.mark.parametrize("more", ["", "/statement"])
def test_nobody_is_not_found(ada: Api, path: str, more: str) -> None:
    ada.stored(supplier())
    answer = ada.dolfin(path + more)
    assert (answer.status, answer.body["code"]) == (404, "not_found")


@pytest.mark.parametrize("more", ["", "/statement"])
def test_no_id_is_too_odd_to_be_looked_for(ada: Api, more: str) -> None:
    for id_ in filter(None, WEIRD_TEXTS):
        for path in PATHS.values():
            answer = ada.dolfin(f"{path}/{quote(id_, safe='', errors='replace')}{more}")
            assert (answer.status, answer.body["code"]) == (404, "not_found"), id_


def test_another_organisations_customer_is_nobody(ada: Api) -> None:
    own = page(ada)["customerId"]
    other = ada.services.organisations().create("Other", "UTC", "EUR")
    key = ada.services.api_keys().create(other.id)
    assert ada.dolfin(f"/receivables/customers/{own}", key=key).status == 404
    assert ada.dolfin("/receivables/customers/C/statement", key=key).status == 404


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"kind": "all"}, "kind"),
        ({"from": "2020-07-01", "to": "2020-06-30"}, "from"),
        ({"from": "2020-02-30"}, "from"),
        ({"to": "yesterday"}, "to"),
        ({"currency": "EURO"}, "currency"),
        ({"asOf": "2020-06-30"}, "asOf"),
        ({"format": "pdf"}, "format"),
    ],
)
def test_a_statement_that_cannot_be_is_refused(ada: Api, query: dict[str, str], parameter: str) -> None:
    answer = ada.dolfin("/receivables/customers/C/statement", **query)
    assert (answer.status, answer.body["parameter"]) == (400, parameter)


def rows(answer: Answer) -> list[dict[str, str]]:
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_a_statement_as_csv_goes_from_opening_to_closing(ada: Api) -> None:
    found = rows(ada.dolfin("/receivables/customers/C/statement", format="csv"))
    assert [row["kind"] for row in found] == ["opening", "payment", "payment", "credit", "closing"]
    assert (found[0]["balance"], found[-1]["balance"]) == ("150", "85")
    moved = sum(Decimal(row["amount"]) for row in found[1:-1])
    assert Decimal(found[0]["balance"]) + moved == Decimal(found[-1]["balance"])
    assert [
        row["kind"] for row in rows(ada.dolfin("/receivables/customers/C/statement", format="csv", kind="open_item"))
    ] == [
        "invoice",
        "invoice",
        "payment",
        "closing",
    ]


def test_a_page_as_csv_is_its_open_documents(ada: Api) -> None:
    first = ada.dolfin("/receivables/customers/C", format="csv", limit="1")
    assert [row["invoiceReference"] for row in rows(first)] == ["I1"]
    second = ada.dolfin("/receivables/customers/C", format="csv", limit="1", cursor=first.headers["X-Next-Cursor"])
    assert [row["invoiceReference"] for row in rows(second)] == ["I2"]
    assert "X-Next-Cursor" not in second.headers


def test_a_key_for_the_other_side_is_refused(ada: Api) -> None:
    key = ada.services.api_keys().create(ada.organisation.id, ["payables:read"])
    assert ada.dolfin("/receivables/customers/C", key=key).status == 403
    assert (
        ada.dolfin(
            "/payables/suppliers/S/statement",
            key=ada.services.api_keys().create(ada.organisation.id, ["receivables:read"]),
        ).status
        == 403
    )
