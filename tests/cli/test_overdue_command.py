"""The overdue reports as people ask for them: filters, orders, documents and CSV, in the tables and over HTTPS."""

import csv
import io
from datetime import UTC, datetime
from urllib.request import Request, urlopen

import pytest

from arrears.api.overdue_query import PAYABLES, RECEIVABLES
from arrears.runtime import Services
from support import records
from support.command_line import run, value

JUNE = ("--as-of", "2020-06-30")
BOOK = [
    records.customer("C1", name="Ada"),
    records.customer("C2", name="=Bob"),
    records.invoice("I1", customer_id="C1", number="2020-1", total="100", due_on="2020-06-20"),
    records.invoice("I2", customer_id="C1", number="2020-2", total="50.50", due_on="2020-06-25"),
    records.invoice("I3", customer_id="C2", total="500", due_on="2020-06-28"),
    records.invoice("I4", customer_id="C2", total="700", currency="JPY", due_on="2020-03-01"),
    records.dispute("D1", invoice_id="I2", amount="20"),
    records.bill("B1", supplier_id="S1", number="B-1", total="80", due_on="2020-06-20"),
    records.bill("B2", supplier_id="S2", total="90", due_on="2020-04-20", state="Scheduled"),
]


@pytest.fixture(autouse=True)
def book(services: Services, organisation: str, where: str) -> None:
    found = services.organisations().get(organisation)
    results = services.recorder().record(found, BOOK, datetime(2020, 6, 30, 12, tzinfo=UTC))
    assert {result.result for result in results} == {"created"}


def customers(*arguments: str) -> list[tuple[str, str]]:
    """References and currencies of the rows of a report."""
    rows = value("receivables", *JUNE, *arguments)["customers"]
    return [(row["customerReference"], row["currency"]) for row in rows]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ((), [("C1", "USD"), ("C2", "USD"), ("C2", "JPY")]),
        (("--sort", "amount"), [("C2", "USD"), ("C1", "USD"), ("C2", "JPY")]),
        (("--sort", "amount", "--limit", "1"), [("C2", "USD")]),
        (("--customer", "C2"), [("C2", "USD"), ("C2", "JPY")]),
        (("--customer", "C2", "--currency", "jpy"), [("C2", "JPY")]),
        (("--tier", "escalation"), [("C2", "JPY")]),
        (("--action", "send_reminder"), [("C1", "USD"), ("C2", "USD")]),
        (("--customer", "nobody"), []),
    ],
)
def test_rows_are_those_that_are_asked_for(arguments: tuple[str, ...], found: list[tuple[str, str]]) -> None:
    assert customers(*arguments) == found


def test_a_filter_leaves_the_sums_of_the_book_and_has_its_own() -> None:
    whole, part = value("receivables", *JUNE), value("receivables", *JUNE, "--customer", "C1", "--limit", "1")
    assert (part["totals"], part["aging"]) == (whole["totals"], whole["aging"])
    assert part["filtered"]["overdueByCurrency"] == [{"currency": "USD", "amount": 150.5, "count": 2}]
    assert "filtered" not in whole
    table = run("receivables", *JUNE, "--customer", "C1").stdout
    [line] = [line.split() for line in table.splitlines() if line.split()[-1:] == ["2"]]
    assert line == ["USD", "150.50", "2"]
    assert "Nothing that is overdue is like that." in run("receivables", *JUNE, "--customer", "nobody").stdout


def test_an_id_that_nobody_has_shows_no_escalations() -> None:
    assert value("escalations", "--customer", "nobody")["escalations"] == []


def test_payables_have_filters_of_their_own() -> None:
    of_one = value("payables", *JUNE, "--supplier", "S2", "--include", "bills")["suppliers"]
    assert [bill["billReference"] for row in of_one for bill in row["bills"]] == ["B2"]
    assert [row["supplierReference"] for row in value("payables", *JUNE, "--urgency", "medium")["suppliers"]] == ["S1"]
    to_schedule = value("payables", *JUNE, "--action", "schedule_payment")["suppliers"]
    assert [row["supplierReference"] for row in to_schedule] == ["S1"]
    shown = run("payables", *JUNE, "--include", "bills").stdout
    [line] = [line.split() for line in shown.splitlines() if "B-1" in line and "80.00" in line and "B1" in line]
    assert line[-3:] == ["80.00", "0.00", "10"]


def test_documents_are_listed_below_the_rows() -> None:
    rows = value("receivables", *JUNE, "--include", "invoices", "--customer", "C1")["customers"]
    assert [(one["invoiceReference"], one["disputedAmount"]) for one in rows[0]["invoices"]] == [("I1", 0), ("I2", 20)]
    shown = run("receivables", *JUNE, "--include", "invoices").stdout
    [line] = [line.split() for line in shown.splitlines() if "I2" in line]
    assert line[-4:] == ["50.50", "50.50", "20.00", "5"]
    assert "I2" not in run("receivables", *JUNE).stdout


@pytest.mark.parametrize(
    ("report", "options", "query"),
    [
        ("receivables", (), ""),
        ("receivables", ("--sort", "amount", "--include", "invoices"), "&sort=amount&include=invoices"),
        ("receivables", ("--customer", "C2"), "&customerId=C2"),
        ("payables", ("--include", "bills"), "&include=bills"),
        ("payables", ("--urgency", "critical"), "&urgency=critical"),
    ],
)
def test_csv_is_what_the_endpoint_answers(
    report: str, options: tuple[str, ...], query: str, services: Services, organisation: str, address: str
) -> None:
    printed = run(report, *JUNE, *options, "--csv")
    assert printed.exit_code == 0, printed.stderr
    url = f"{address}/{report}/overdue?asOf=2020-06-30&format=csv{query}"
    key = services.api_keys().create(organisation)
    with urlopen(Request(url, headers={"Authorization": f"Bearer {key}"})) as answer:
        assert printed.stdout_bytes == answer.read()
    assert len(list(csv.DictReader(io.StringIO(printed.stdout, newline="")))) > 0


@pytest.mark.parametrize("where", ["https"], indirect=True)
def test_pages_that_are_too_large_are_asked_for_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arrears.api.overdue_query.MAX_DOCUMENTS", 2)
    report = value("receivables", *JUNE, "--include", "invoices")
    assert [len(row["invoices"]) for row in report["customers"]] == [2, 1, 1]
    monkeypatch.setattr("arrears.api.overdue_query.MAX_DOCUMENTS", 1)
    refused = run("receivables", *JUNE, "--include", "invoices")
    assert refused.exit_code == 1
    assert "documents" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("receivables", "--tier", "low"), "--tier"),
        (("receivables", "--action", "schedule_payment"), "--action"),
        (("receivables", "--include", "bills"), "--include"),
        (("receivables", "--supplier", "S1"), "--supplier"),
        (("receivables", "--currency", "EURO"), "--currency"),
        (("receivables", "--customer", "\udcff"), "--customer"),
        (("receivables", "--as-of", "today"), "--as-of"),
        (("payables", "--urgency", "firm"), "--urgency"),
        (("payables", "--sort", "name"), "--sort"),
        (("payables", "--limit", "0"), "--limit"),
        (("payables", "--csv", "--json"), "--csv"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_option(arguments: tuple[str, ...], said: str) -> None:
    refused = run(*arguments)
    assert refused.exit_code == 2
    assert said in refused.stderr


@pytest.mark.parametrize("where", ["tables"], indirect=True)
def test_the_help_lists_the_values_that_an_option_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for command, values in (
        ("receivables", (*RECEIVABLES.levels, *RECEIVABLES.actions, "age", "amount")),
        ("payables", (*PAYABLES.levels, *PAYABLES.actions)),
        ("aging", ("customer", "supplier", "document")),
        ("statement", ("receivables", "payables", "activity", "open_item")),
    ):
        shown = run(command, "--help").stdout
        assert [value for value in values if value not in shown] == []
