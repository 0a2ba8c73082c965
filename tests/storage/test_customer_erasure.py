"""Erasing a customer: nothing personal is left in any table, every figure stays, whatever happens meanwhile."""

import json
import os
import time
import zlib
from datetime import UTC, date, datetime
from typing import Any

import pytest

from arrears.ledger.erasure import ERASED, PERSONAL
from arrears.ledger.ids import outward_id
from arrears.ledger.ledger_side import Side
from arrears.ledger.records import _MODELS, Line
from arrears.storage.access import passwords
from arrears.storage.access.audit import Audit
from arrears.storage.access.organisations import Organisations
from arrears.storage.access.table import AccessTable
from arrears.storage.access.users import Users
from arrears.storage.customer_erasure import CustomerErasure, Erased
from arrears.storage.history.erasure import HistoryErasure
from arrears.storage.ledger import recorder
from arrears.storage.ledger.change_log import ChangeLog
from arrears.storage.ledger.erasure import LedgerErasure
from arrears.storage.ledger.reconcile import Reconciliation
from support.books import answer, noon
from support.closing import Calls, Killed, Stored, Tables, kill
from support.records import (
    ORGANISATION,
    allocation,
    credit,
    credit_on_account,
    customer,
    dispute,
    invoice,
    payment,
    payment_on_account,
    promise,
    reminder,
)

RECORDED, CLOSED, NOW = (noon(day) for day in (date(2020, 4, 1), date(2020, 6, 2), date(2020, 6, 30)))
ID = outward_id(ORGANISATION.id, "customer", "C")
OTHER_ID = outward_id(ORGANISATION.id, "customer", "E")
LINES = [{"id": "1", "name": "Zane's knee", "quantity": "1", "unit_price": "100", "amount": "100"}]
ZANE = customer(
    name="Zane Zuse",
    account_number="Zane 1",
    external_id="zane@example.com",
    email="zane@example.com",
    address="1 Zane Street\nZaneville",
    language="de",
    credit_limit={"USD": "500"},
)
BOOK = [
    ZANE,
    invoice(customer_name="Zane Z.", lines=LINES),
    invoice("nameless", total="33"),
    invoice("closed", customer_name="Zane Older", total="40", issued_on="2019-12-01"),
    payment("closed", invoice_id="closed", paid_on="2020-02-20"),
    payment(amount="30", paid_on="2020-02-20", method="transfer", reference="Zane pays I"),
    credit(credited_on="2020-05-02"),
    payment_on_account(amount="7", method="transfer", reference="Zane in advance"),
    credit_on_account(amount="3"),
    allocation(amount="2"),
    dispute(invoice_id="nameless", amount="3", reason="Zane never got it"),
    promise("Zane promised", made_on="2020-04-02", promised_on="2020-04-06"),
    reminder("mail to Zane", sent_at="2020-04-03T12:00:00Z"),
    customer("E", name="Eve", account_number="Eve 1", external_id="zane-not"),
    invoice("other", customer_id="E", customer_name="Eve", lines=[{**LINES[0], "name": "Ear"}]),
]
KEPT_IDS = ("Zane promised", "zane-not")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting, cheap passwords, and transactions so small that there are several."""
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(passwords, "_MEMORY_COST", 2**4)
    monkeypatch.setattr(recorder, "MOST_CHANGES", 4)


@pytest.fixture
def book(ledger_tables: Any) -> Stored:
    """A book with closed months, and users of both customers."""
    one = Stored(ledger_tables, ORGANISATION)
    organisations(one).create(ORGANISATION.name, ORGANISATION.timezone, ORGANISATION.currency, ORGANISATION.id)
    one.recorder.record(ORGANISATION, BOOK, RECORDED)
    one.close(CLOSED)
    return one


def audit(book: Stored) -> Audit:
    return Audit(access(book), lambda: datetime(2020, 6, 30, tzinfo=UTC))


def access(book: Stored) -> AccessTable:
    return AccessTable(book.client, os.environ["ACCESS_TABLE"])


def organisations(book: Stored) -> Organisations:
    return Organisations(access(book), audit(book), lambda: NOW, os.environ["LEDGER_TABLE"])


def users(book: Stored) -> Users:
    return Users(access(book), audit(book), lambda: NOW)


def erase(book: Stored) -> Erased:
    ledger = LedgerErasure(book.client, os.environ["LEDGER_TABLE"])
    history = HistoryErasure(book.client, os.environ["HISTORY_TABLE"])
    return CustomerErasure(ledger, history, access(book), audit(book)).erase(ORGANISATION, ID, NOW)


def contents(book: Stored) -> dict[tuple[str, str, str], Any]:
    """Every item of the tables, unpacked, without versions; stored rows without their digest. Not the change log."""
    found = {}
    for table in ("LEDGER_TABLE", "HISTORY_TABLE", "ACCESS_TABLE"):
        for item in book.client.scan(TableName=os.environ[table])["Items"]:
            plain = {name: next(iter(value.values())) for name, value in item.items() if name != "v"}
            if plain["pk"].endswith("#g"):
                continue
            if plain["pk"].endswith(("#m", "#q")):
                _add_to_month(found.setdefault((table, plain["pk"], plain["sk"][:7]), {}), plain)
                continue
            if "z" in plain:
                plain["z"] = json.loads(zlib.decompress(bytes(plain["z"])))
                plain["sk"] = "rows"
            plain.pop("part", None)
            found[table, plain["pk"], plain["sk"]] = plain
    return found


def everything(book: Stored) -> str:
    """All that is stored, the change log included, as a text, but for ids that stay."""
    log = ChangeLog(book.client, os.environ["LEDGER_TABLE"], ORGANISATION.id)
    text = json.dumps(list(contents(book).values()), default=str) + str([entry.before for entry in log.entries()])
    for kept in KEPT_IDS:
        text = text.replace(kept, "")
    return text.lower()


def _add_to_month(sums: dict[str, int], item: dict[str, Any]) -> None:
    """Adds the figures of an item: in which slots they are is chance."""
    for name in item.keys() - {"pk", "sk"}:
        sums[name] = sums.get(name, 0) + int(item[name])


def answers(book: Stored) -> list[Any]:
    """Rows, totals and aging on several days, months and collection figures, without the customer's name."""
    today = ORGANISATION.today(NOW)
    answered: list[Any] = [book.months(), sorted(book.ledger.collection(ORGANISATION, today).items())]
    for day in (date(2020, 2, 10), date(2020, 4, 20), date(2020, 6, 30)):
        accounts = book.ledger.accounts(ORGANISATION, Side.RECEIVABLE, day.toordinal(), today)
        body = answer(accounts, Side.RECEIVABLE, day, ORGANISATION)
        for row in body["customers"]:
            if row["customerId"] == ID:
                row.pop("customerName")
        body["customers"].sort(key=lambda row: row["customerId"])
        answered.append(body)
    return answered


def names(book: Stored) -> set[str]:
    """The erased customer's name wherever rows are answered or kept."""
    today = ORGANISATION.today(NOW)
    accounts = book.ledger.accounts(ORGANISATION, Side.RECEIVABLE, today, today)
    rows = answer(accounts, Side.RECEIVABLE, date.fromordinal(today), ORGANISATION)["customers"]
    for month in book.months()["months"]:
        snapshot = book.history.snapshot(ORGANISATION.id, month["month"])
        assert snapshot is not None
        rows += book.history.snapshot_rows(ORGANISATION.id, month["month"], snapshot)
    return {row["customerName"] for row in rows if row["customerId"] == ID}


def differences(book: Stored) -> list[Any]:
    return list(Reconciliation(book.client, os.environ["LEDGER_TABLE"]).run(ORGANISATION, NOW))


def test_nothing_personal_is_left_in_any_table_and_every_figure_stays(book: Stored) -> None:
    before, others = answers(book), {key: item for key, item in contents(book).items() if OTHER_ID in str(item)}
    assert names(book) == {"Zane Zuse"}
    erased = erase(book)
    assert (erased.invoices, erased.months > 1) == (3, True)
    assert "zane" not in everything(book)
    assert names(book) == {ERASED}
    assert answers(book) == before
    assert differences(book) == []
    now = contents(book)
    assert {key for key, item in others.items() if ID not in str(item) and now[key] != item} == set()
    assert book.ledger.customer(ORGANISATION, "Zane 1") is None
    assert book.ledger.customers_by_external_id(ORGANISATION, "zane@example.com") == []


def test_erasing_again_changes_nothing_more(book: Stored) -> None:
    erase(book)
    before = {key: item for key, item in contents(book).items() if "AUDIT#" not in key[2]}
    assert erase(book) == Erased(0, 0, 0)
    assert {key: item for key, item in contents(book).items() if "AUDIT#" not in key[2]} == before
    assert [act.act for act in audit(book).acts(ORGANISATION.id)].count("erase_customer") == 2


def test_it_may_be_killed_at_any_call_and_run_again(book: Stored) -> None:
    tables = Tables()

    def outcome() -> Any:
        return {key: item for key, item in contents(book).items() if "AUDIT#" not in key[2]}

    calls = Calls(book.client)
    erase(book)
    count = calls.count
    calls.release()
    expected = outcome()
    assert count > 20
    for number in range(1, count + 1, 3):
        tables.restore()
        calls = Calls(book.client)
        (calls.before if number % 2 else calls.after)[number] = kill
        with pytest.raises(Killed):
            erase(book)
        calls.release()
        erase(book)
        assert outcome() == expected, number
        assert "zane" not in everything(book), number


def test_what_others_write_meanwhile_is_neither_lost_nor_in_the_way(book: Stored) -> None:
    tables = Tables()
    for number in range(2, 30, 3):
        tables.restore()
        calls = Calls(book.client)
        sent = [invoice(f"new {number}", customer_name="Newly Told"), payment("late", amount="5", paid_on="2020-06-10")]
        calls.before[number] = lambda sent=sent: book.recorder.record(ORGANISATION, sent, NOW)  # type: ignore[misc]
        erase(book)
        calls.release()
        erase(book) if number > 25 else None
        assert "zane" not in everything(book), number
        assert differences(book) == []
        again = book.recorder.record(ORGANISATION, sent[1:], NOW)
        assert [result.result for result in again] == ["unchanged"]


@pytest.mark.parametrize("begun", [True, False])
def test_a_run_that_read_the_book_before_writes_no_name_after(ledger_tables: Any, begun: bool) -> None:
    book = Stored(ledger_tables, ORGANISATION)
    organisations(book).create(ORGANISATION.name, ORGANISATION.timezone, ORGANISATION.currency, ORGANISATION.id)
    book.recorder.record(ORGANISATION, BOOK, RECORDED)
    if begun:
        book.close(RECORDED)
    tables, number = Tables(), 0
    while True:
        number += 1
        tables.restore()
        book.sent.clear()
        calls = Calls(book.client)
        calls.before[number] = lambda: erase(book)
        book.close(CLOSED)
        calls.release()
        if calls.count < number:
            return
        erase_was_last = names(book)
        assert erase_was_last <= {ERASED}, number
        number += 2


def test_records_that_are_sent_later_are_taken_like_any_other(book: Stored) -> None:
    erase(book)
    sent = [
        ZANE,
        invoice(customer_name="Zane Z.", lines=LINES),
        reminder("mail to Zane", sent_at="2020-04-03T12:00:00Z"),
    ]
    results = book.recorder.record(ORGANISATION, sent, NOW)
    assert [result.result for result in results] == ["updated", "updated", "unchanged"]
    assert [result.result for result in book.recorder.record(ORGANISATION, sent, NOW)] == ["unchanged"] * 3
    found = book.ledger.customer(ORGANISATION, "Zane 1")
    assert found is not None
    assert (found.name, found.external_id) == ("Zane Zuse", "zane@example.com")
    [(_, detail)] = book.ledger.details(ORGANISATION, [outward_id(ORGANISATION.id, "invoice", "I")])
    [line] = detail.lines
    assert line.name == "Zane's knee"
    assert differences(book) == []


@pytest.mark.parametrize("named", ["Zane Z.", None])
def test_a_customer_known_from_its_invoices_only_reads_erased_too(ledger_tables: Any, named: str | None) -> None:
    book = Stored(ledger_tables, ORGANISATION)
    organisations(book).create(ORGANISATION.name, ORGANISATION.timezone, ORGANISATION.currency, ORGANISATION.id)
    sent = [invoice(f"I{number}", issued_on=f"2020-01-{number + 10}", customer_name=named) for number in range(6)]
    book.recorder.record(ORGANISATION, sent, RECORDED)
    erase(book)
    assert names(book) == {ERASED}
    book.recorder.record(ORGANISATION, [invoice("later", issued_on="2020-01-30", customer_name="Zane Y.")], NOW)
    assert names(book) == {"Zane Y."}


def test_its_users_go_and_those_of_others_stay(book: Stored) -> None:
    made = users(book)
    integrator_key = made.create_integrator_key(ORGANISATION.id)
    made.create(ORGANISATION.id, ID, "zane@example.com", "a long password", integrator_key)
    for account in (ID, OTHER_ID):
        made.create(ORGANISATION.id, account, "both", "a long password", integrator_key)
    audit(book).write(ORGANISATION.id, "create_user", "0" * 32, {"username": "zane", "account": ID, "admin": False})
    assert erase(book).users == 2
    [left] = made.all(ORGANISATION.id)
    assert (left.username, left.accounts) == ("both", {OTHER_ID: False})
    [old] = [act for act in audit(book).acts(ORGANISATION.id) if act.subject == "0" * 32]
    assert old.content == {"username": ERASED, "account": ID, "admin": False}
    assert erase(book).users == 0


MONEY = {
    *("id", "type", "updated_at", "invoice_id", "bill_id", "customer_id", "supplier_id", "currency", "amount"),
    "voided_on",
}
KEPT = {
    "customer": {"id", "type", "updated_at", "currency", "payment_blocked", "credit_limit"},
    "invoice": {
        *("id", "type", "updated_at", "customer_id", "number", "currency", "total", "issued_on", "due_on", "status"),
        *("voided_on", "payment_status", "taxable_amount", "pdf_available", "lines"),
    },
    "payment": {*MONEY, "paid_on", "method"},
    "credit": {*MONEY, "credited_on", "kind_of_credit", "number"},
    "allocation": {
        *("id", "type", "updated_at", "payment_id", "credit_id", "invoice_id", "bill_id", "amount", "applied_on"),
        "voided_on",
    },
    "reminder": {"id", "type", "updated_at", "customer_id", "sent_at", "invoice_ids"},
    "promise": {"id", "type", "updated_at", "customer_id", "currency", "amount", "made_on", "promised_on"},
    "dispute": {"id", "type", "updated_at", "invoice_id", "bill_id", "opened_on", "amount", "resolved_on", "outcome"},
}
"""What stays of a record about a customer. A new field has to be put here or among the personal ones."""


@pytest.mark.parametrize("kind", KEPT)
def test_every_field_about_a_customer_is_known_to_be_personal_or_not(kind: str) -> None:
    assert set(_MODELS[kind].model_fields) == KEPT[kind] | PERSONAL.get(kind, frozenset())


def test_every_field_of_a_line_is_known_to_be_personal_or_not() -> None:
    assert set(Line.model_fields) == {"id", "quantity", "unit_price", "amount", "tax_amount"} | PERSONAL["line"]
