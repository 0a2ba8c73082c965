"""The command over HTTPS: with an API key, and without access to AWS."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, get_args
from urllib.parse import parse_qsl

import pytest

from arrears.api import overdue_query
from arrears.reports.row_selection import ORDERS
from arrears.reports.tiers import TIERS, URGENCIES
from arrears.runtime import Services
from arrears_cli import https, reports
from arrears_cli.book import Order
from support import records
from support.command_line import run, value
from support.files import DATA
from support.http import Client

KEY = f"ar_{'1' * 32}_{'2' * 12}_{'3' * 48}"


@pytest.fixture
def key(services: Services, organisation: str, address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The key and the address as the environment says them; nothing else leads to the tables."""
    made = services.api_keys().create(organisation)
    monkeypatch.setenv("ARREARS_API_KEY", made)
    monkeypatch.setenv("ARREARS_URL", address)
    return made


@pytest.fixture
def book(services: Services, organisation: str) -> list[dict[str, Any]]:
    """Recorded: three overdue customers and a supplier."""
    sent = [
        {"type": "customer", "id": f"C{number}", "name": f"Customer {number}"} for number in (1, 2, 3)
    ] + [
        records.invoice(
            f"I{number}", customer_id=f"C{number}", number=f"2020-{number}", currency="EUR", total=str(number * 100),
            issued_on="2020-01-01", due_on=f"2020-02-0{number}",
        )
        for number in (1, 2, 3)
    ] + [
        {
            "type": "bill", "id": "B1", "supplier_id": "S1", "supplier_name": "Supplies", "number": "B-77",
            "currency": "JPY", "total": 500, "issued_on": "2020-01-01", "due_on": "2020-01-31", "state": "Approved",
        }
    ]  # fmt: skip
    services.recorder().record(services.organisations().get(organisation), sent, datetime(2020, 6, 14, tzinfo=UTC))
    return sent


def alike(*arguments: str, organisation: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a command prints over HTTPS, and from the tables."""
    remote = value(*arguments)
    with monkeypatch.context() as patch:
        patch.delenv("ARREARS_URL")
        assert value(*arguments, "--organisation", organisation) == remote
    return remote


@pytest.mark.usefixtures("key", "book")
def test_reports_are_the_same_over_https(organisation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    same: dict[str, Any] = {"organisation": organisation, "monkeypatch": monkeypatch}
    for report in ("receivables", "payables"):
        for options in ((), ("--as-of", "2020-03-01"), ("--as-of", "2020-03-01", "--limit", "2")):
            alike(report, *options, **same)
    for options in ((), ("--by", "document"), ("--side", "payables"), ("--by", "document", "--limit", "2")):
        alike("aging", "--as-of", "2020-03-01", *options, **same)
    assert len(value("receivables", "--as-of", "2020-03-01", "--limit", "2")["customers"]) == 2
    table = run("receivables", "--as-of", "2020-03-01").stdout
    assert "Customer 1" in table
    assert "2020-1" in table


@pytest.mark.usefixtures("key", "book")
def test_filters_orders_and_documents_are_the_same_over_https(
    organisation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    same: dict[str, Any] = {"organisation": organisation, "monkeypatch": monkeypatch}
    at = ("--as-of", "2020-03-01")
    by_amount = alike("receivables", *at, "--sort", "amount", **same)["customers"]
    assert [row["customerReference"] for row in by_amount] == ["C3", "C2", "C1"]
    of_one = alike("receivables", *at, "--customer", "C2", "--include", "invoices", **same)
    assert [one["invoiceReference"] for row in of_one["customers"] for one in row["invoices"]] == ["I2"]
    assert of_one["filtered"]["invoiceCount"] == 1
    for options in (("--tier", "firm"), ("--currency", "usd"), ("--action", "wait"), ("--customer", "nobody")):
        alike("receivables", *at, *options, **same)
    for options in (("--supplier", "S1", "--include", "bills"), ("--urgency", "low"), ("--action", "schedule_payment")):
        alike("payables", *at, *options, **same)
    assert "2020-2" in run("receivables", *at, "--include", "invoices").stdout
    assert "B-77" in run("payables", *at, "--include", "bills").stdout
    assert "Nothing that is overdue is like that." in run("receivables", *at, "--customer", "nobody").stdout
    for wrong in (("--tier", "angry"), ("--currency", "euros"), ("--sort", "name"), ("--include", "bills")):
        assert run("receivables", *wrong).exit_code == 2


@pytest.mark.usefixtures("key", "book")
def test_aged_lists_pages_and_statements_are_the_same_over_https(
    organisation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    same: dict[str, Any] = {"organisation": organisation, "monkeypatch": monkeypatch}
    monkeypatch.setattr(https, "PAGE", 2)
    assert len(alike("aging", "--as-of", "2020-03-01", **same)["customers"]) == 3
    assert len(alike("aging", "--by", "document", "--limit", "1", **same)["documents"]) == 1
    assert len(alike("aging", "--side", "payables", **same)["suppliers"]) == 1
    assert alike("customer", "C2", "--as-of", "2020-03-01", **same)["customerName"] == "Customer 2"
    assert alike("supplier", "S1", **same)["supplierName"] == "Supplies"
    days = ("--from", "2020-01-01", "--to", "2020-03-31")
    [section] = alike("statement", "C3", *days, **same)["currencies"]
    assert section["closing"] == 300
    alike("statement", "S1", "--side", "payables", "--kind", "open_item", "--currency", "jpy", **same)
    assert "Customer 2" in run("aging", "--as-of", "2020-03-01").stdout
    assert "300.00" in run("statement", "C3", *days).stdout
    for unknown in (("customer", "a/b"), ("statement", "nobody")):
        refused = run(*unknown)
        assert refused.exit_code == 1
        assert "no customer" in refused.stderr
    assert run("statement", "C3", "--from", "2020-02-01", "--to", "2020-01-01").exit_code == 2


@pytest.mark.usefixtures("key", "book")
def test_lists_are_csv_as_the_endpoints_answer_it(
    services: Services, organisation: str, address: str, key: str
) -> None:
    services.closing().close(services.organisations().get(organisation), datetime(2020, 6, 15, tzinfo=UTC))
    client = Client(address)
    lists = (
        (("receivables", "--as-of", "2020-03-01"), "/receivables/overdue?asOf=2020-03-01&format=csv"),
        (("receivables", "--include", "invoices"), "/receivables/overdue?include=invoices&format=csv"),
        (("payables", "--include", "bills"), "/payables/overdue?include=bills&format=csv"),
        (("history",), "/receivables/overdue/history?format=csv"),
        (("history", "--side", "payables"), "/payables/history?format=csv"),
        (("escalations",), "/escalations?format=csv"),
        (("aging",), "/receivables/aging?format=csv"),
        (("customer", "C1"), "/receivables/customers/C1?format=csv"),
        (("statement", "C1", "--from", "2020-01-01"), "/receivables/customers/C1/statement?from=2020-01-01&format=csv"),
    )
    for arguments, target in lists:
        path, _, query = target.partition("?")
        answered = client.dolfin(key, path, **dict(parse_qsl(query))).text
        assert answered.count("\r\n") > 1
        assert run(*arguments, "--csv").stdout_bytes.decode() == answered
    assert run("receivables", "--csv", "--json").exit_code == 2


def test_filters_take_what_the_endpoints_take() -> None:
    for literal, values in (
        (reports.Tier, TIERS),
        (reports.Urgency, URGENCIES),
        (reports.CustomerAction, overdue_query.RECEIVABLES.actions),
        (reports.SupplierAction, overdue_query.PAYABLES.actions),
        (Order, tuple(ORDERS)),
    ):
        assert get_args(literal) == values


@pytest.mark.usefixtures("key", "book")
def test_months_and_escalations_are_the_same_over_https(
    services: Services, organisation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.closing().close(services.organisations().get(organisation), datetime(2020, 6, 15, tzinfo=UTC))
    same: dict[str, Any] = {"organisation": organisation, "monkeypatch": monkeypatch}
    assert len(alike("history", "--months", "3", **same)["months"]) == 3
    assert "2020-05" in run("history").stdout
    assert len(alike("history", "--side", "payables", **same)["months"]) > 3
    shown = run("history", "--side", "payables").stdout
    assert "Control account of payables" in shown
    assert "closed by state" in shown
    of_one = alike("escalations", "--customer", "C1", "--tier", "firm", **same)["escalations"]
    assert [one["to"] for one in of_one] == ["firm"]
    assert len(alike("escalations", "--since", "2020-01-01", **same)["escalations"]) > 3
    assert len(alike("escalations", "--limit", "2", **same)["escalations"]) == 2
    assert "escalation" in run("escalations").stdout
    assert run("escalations", "--tier", "angry").exit_code == 2
    assert run("escalations", "--since", "yesterday").exit_code == 2


@pytest.mark.usefixtures("key", "book")
def test_all_rows_come_however_small_the_pages_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https, "PAGE", 1)
    report = value("receivables", "--as-of", "2020-03-01")
    assert [row["customerName"] for row in report["customers"]] == ["Customer 1", "Customer 2", "Customer 3"]
    assert report["nextCursor"] is None
    assert len(value("receivables", "--as-of", "2020-03-01", "--limit", "2")["customers"]) == 2


@pytest.mark.usefixtures("key")
def test_files_are_imported_over_https(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https, "MAX_BYTES", 1_000)
    lines = [{"type": "supplier", "id": str(number), "name": "S"} for number in range(30)]
    Path("book.ndjson").write_text("".join(json.dumps(line) + "\n" for line in [*lines, {**lines[0], "name": 1.5}]))
    imported = run("import", "book.ndjson", "--json")
    assert imported.exit_code == 1
    [file] = json.loads(imported.stdout)["files"]
    assert (file["created"], file["rejected_rows"]) == (30, 1)


@pytest.mark.usefixtures("key")
def test_a_mapping_over_https_needs_what_the_api_does_not_say(organisation: str) -> None:
    arguments = ("import", str(DATA / "xero" / "xero_contact_data.csv"), "--mapping", "xero", "--dry-run")
    refused = run(*arguments)
    assert refused.exit_code == 2
    assert "--timezone and --currency" in refused.stderr
    assert value(*arguments, "--timezone", "Europe/Berlin", "--currency", "eur")["rejected_rows"] == 0
    assert run(*arguments, "--timezone", "Mars/Base", "--currency", "EUR").exit_code == 2


def test_an_import_from_the_tables_takes_no_time_zone(services: Services, organisation: str) -> None:
    Path("book.ndjson").write_text("{}\n")
    refused = run("import", "book.ndjson", "--organisation", organisation, "--timezone", "UTC")
    assert refused.exit_code == 2
    assert "go with --url" in refused.stderr


def test_what_the_api_refuses_is_said_in_options(
    services: Services, organisation: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARREARS_API_KEY", services.api_keys().create(organisation, ["payables:read"]))
    refused = run("receivables")
    assert refused.exit_code == 1
    assert refused.stderr.strip() == "The API key lacks the scope receivables:read."
    monkeypatch.setenv("ARREARS_API_KEY", KEY)
    assert run("receivables").exit_code == 1


@pytest.mark.parametrize(
    ("environment", "arguments", "said"),
    [
        ({"ARREARS_API_KEY": ""}, (), "ARREARS_API_KEY holds no API key"),
        ({"ARREARS_API_KEY": "secret"}, (), "does not hold an API key of Arrears"),
        ({}, ("--organisation", "Acme"), "belongs to the organisation 11111111-"),
        ({}, ("--stack", "live"), "not both"),
        ({"ARREARS_URL": "http://api.example.com"}, (), "begins with https://"),
        ({"ARREARS_URL": "api.example.com"}, (), "begins with https://"),
        ({"ARREARS_URL": "http://127.0.0.1:1"}, (), "127.0.0.1:1 cannot be reached"),
    ],
)
def test_what_cannot_be_is_said(
    environment: dict[str, str], arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in ({"ARREARS_URL": "https://127.0.0.1:1", "ARREARS_API_KEY": KEY} | environment).items():
        monkeypatch.setenv(name, text)
    refused = run("receivables", *arguments)
    assert refused.exit_code == 1
    assert said in refused.stderr
    assert KEY not in refused.stderr


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, dict[str, str], str]]]:
    """An address that gives these answers, the last of them for ever."""
    given: list[tuple[int, dict[str, str], str]] = []

    class Scripted(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = given.pop(0) if len(given) > 1 else given[0]
            self.send_response(status)
            for name, text in headers.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Scripted)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("ARREARS_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("ARREARS_API_KEY", KEY)
    yield given
    server.shutdown()
    thread.join()
    server.server_close()


BUSY = (429, {"Retry-After": "7"}, json.dumps({"code": "rate_limited", "detail": "Too many requests."}))


def test_a_busy_api_is_asked_again_when_it_says(
    answers: list[tuple[int, dict[str, str], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    answers += [BUSY, (503, {}, "<html>"), (200, {}, '{"months": []}')]
    assert value("history") == {"months": []}
    assert waited == [7, 2]
    answers[:] = [BUSY]
    refused = run("history")
    assert refused.exit_code == 1
    assert refused.stderr.strip() == "Too many requests."


def test_a_key_goes_nowhere_else(answers: list[tuple[int, dict[str, str], str]]) -> None:
    answers += [(302, {"Location": "http://127.0.0.1:1/stolen"}, "")]
    refused = run("history")
    assert refused.exit_code == 1
    assert "answered 302, and not as Arrears does" in refused.stderr
