"""Records by hand, in the tables and over HTTPS."""

import json
import re
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
import typer
from pydantic import BaseModel, Field
from typer.testing import CliRunner

from arrears.ledger.records import Amount, Day, Id, Rejection, read_record
from arrears.ledger.result import Result
from arrears.runtime import Services
from arrears_cli.book import StoredBook
from arrears_cli.record_options import fields_of, models, with_options
from support.command_line import run, value

INVOICE = (
    *("invoice", "--id", "I1", "--customer-id", "C1", "--customer-name", "Acme", "--number", "2020-1"),
    *("--currency", "eur", "--total", "100.50", "--issued-on", "2020-01-01", "--due-on", "2020-02-01"),
)


@pytest.fixture
def sent(services: Services, organisation: str, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is written: each record as it is sent, and recorded nowhere."""
    monkeypatch.setenv("ARREARS_ORGANISATION", organisation)
    found: list[dict[str, Any]] = []

    def write(_: StoredBook, records: list[dict[str, Any]]) -> list[Result]:
        found.extend(records)
        return [Result(record["type"], record["id"], "created") for record in records]

    monkeypatch.setattr(StoredBook, "write", write)
    return found


@pytest.mark.usefixtures("where")
def test_an_invoice_and_its_payment_are_recorded_and_reported() -> None:
    recorded = run("record", *INVOICE)
    assert recorded.exit_code == 0, recorded.stderr
    assert recorded.stdout == "Invoice I1 is recorded.\n"
    assert "nothing has changed" in run("record", *INVOICE).stdout
    [row] = value("receivables", "--as-of", "2020-03-01")["customers"]
    assert (row["customerName"], row["totalOverdue"]) == ("Acme", 100.5)
    paid = ("payment", "--invoice-id", "I1", "--amount", "40", "--paid-on", "2020-02-15")
    assert value("record", *paid)["result"] == "created"
    assert value("receivables", "--as-of", "2020-03-01")["customers"][0]["totalOverdue"] == 60.5


@pytest.mark.usefixtures("where")
def test_a_rejected_record_says_which_option_to_change() -> None:
    refused = run("record", "payment", "--invoice-id", "I1", "--amount", "ten")
    assert refused.exit_code == 1
    assert refused.stdout == ""
    assert refused.stderr.startswith("The payment was rejected: --amount is not an amount; write major units")
    neither = run("record", "dispute", "--id", "D", "--invoice-id", "", "--json")
    assert neither.exit_code == 1
    assert json.loads(neither.stdout)["result"] == "rejected"
    both = run("record", "payment", "--invoice-id", "I", "--bill-id", "B", "--amount", "1")
    assert both.exit_code == 1
    assert "--invoice-id" in both.stderr
    assert "invoice_id" not in both.stderr


@pytest.mark.usefixtures("where")
def test_what_waits_for_its_document_is_said() -> None:
    waiting = run("record", "payment", "--id", "P", "--invoice-id", "nowhere", "--amount", "1")
    assert waiting.stdout == "Payment P is kept, and takes effect when what it names is recorded.\n"


def test_an_id_is_made_and_printed(sent: list[dict[str, Any]]) -> None:
    made = value("record", "supplier", "--name", "Supplies")
    assert UUID(made["id"]).version == 4
    assert sent == [{"type": "supplier", "id": made["id"], "name": "Supplies"}]
    printed = run("record", "supplier", "--name", "Supplies").stdout
    assert printed == f"Supplier {sent[1]['id']} is recorded.\n"
    assert sent[1]["id"] != made["id"]


def test_days_are_today_in_the_organisation_s_time_zone(
    sent: list[dict[str, Any]], services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arrears.runtime.now", lambda: datetime.fromisoformat("2026-06-30T20:00:00Z"))
    tokyo = services.organisations().create("Tokyo", "Asia/Tokyo", "JPY").id
    monkeypatch.setenv("ARREARS_ORGANISATION", tokyo)
    value("record", "payment", "--invoice-id", "I", "--amount", "1")
    value("record", "credit", "--invoice-id", "I", "--amount", "1", "--kind", "write_off")
    value("record", "promise", "--customer-id", "C", "--currency", "JPY", "--promised-on", "2026-07-31")
    value("record", "dispute", "--invoice-id", "I")
    value("record", "allocation", "--payment-id", "P", "--invoice-id", "I", "--amount", "1")
    names = ("paid_on", "credited_on", "made_on", "opened_on", "applied_on")
    assert [record[name] for record, name in zip(sent, names, strict=True)] == ["2026-07-01"] * 5
    value("record", "reminder", "--customer-id", "C")
    about = ("--invoice-id", "A", "--invoice-id", "B")
    value("record", "reminder", "--customer-id", "C", "--sent-at", "2026-06-01", *about)
    value("record", "reminder", "--customer-id", "C", "--sent-at", "2026-06-01T09:30:00Z")
    assert [record["sent_at"] for record in sent[5:]] == [
        "2026-07-01T05:00:00+09:00", "2026-06-01T12:00:00+09:00", "2026-06-01T09:30:00Z",
    ]  # fmt: skip
    assert sent[6]["invoice_ids"] == ["A", "B"]
    assert not any(isinstance(read_record(record), Rejection) for record in sent)


def test_a_record_is_taken_back_by_its_id_alone(sent: list[dict[str, Any]]) -> None:
    value("record", "payment", "--delete", "P-1")
    value("record", "payment", "--delete", "P-1", "--updated-at", "2026-01-31T09:30:00Z")
    assert sent == [
        {"type": "payment", "id": "P-1", "deleted": True},
        {"type": "payment", "id": "P-1", "deleted": True, "updated_at": "2026-01-31T09:30:00Z"},
    ]
    for other in (("--amount", "1"), ("--id", "P-2")):
        assert run("record", "payment", "--delete", "P-1", *other).exit_code == 2
    assert len(sent) == 2


def test_what_is_missing_is_said_before_anything_is_sent(sent: list[dict[str, Any]]) -> None:
    refused = run("record", "invoice", "--customer-id", "C")
    assert refused.exit_code == 2
    for option in ("--currency", "--total", "--issued-on"):
        assert option in refused.stderr
    assert run("record", "dispute", "--invoice-id", "I", "--outcome", "drawn").exit_code == 2
    assert run("record", "reminder", "--customer-id", "C", "--sent-at", "2026-02-30").exit_code == 2
    assert run("record", "invoice", *INVOICE[1:], "--line", "{").exit_code == 2
    assert run("record", "telepathy").exit_code == 2
    assert sent == []


def test_lines_are_json_objects(sent: list[dict[str, Any]]) -> None:
    line = {"id": "1", "name": "Beans", "quantity": 2, "unit_price": "50.25", "amount": "100.50"}
    value("record", *INVOICE, "--line", json.dumps(line), "--pdf-available")
    [record] = sent
    assert (record["lines"], record["pdf_available"], record["currency"]) == ([line], True, "EUR")
    assert not isinstance(read_record(record), Rejection)


@pytest.mark.usefixtures("where")
def test_warnings_are_sentences_and_stop_nothing() -> None:
    run("record", *INVOICE)
    again = run("record", "invoice", "--id", "I2", *INVOICE[3:])
    assert again.exit_code == 0
    assert again.stdout == "Invoice I2 is recorded.\n"
    said = "the same party has another with this number, total and day of issue: 2020-1, 100.50 EUR, 2020-01-01."
    assert again.stderr == f"Warning: {said}\n"
    paid = run("record", "payment", "--invoice-id", "I1", "--amount", "1101", "--paid-on", "1969-12-31")
    assert paid.stderr.splitlines() == [
        "Warning: --paid-on is 1969-12-31, before 1970 or more than ten years ahead.",
        "Warning: more is applied to invoice I1 than its total: 1,101.00 of 100.50 EUR.",
    ]
    reminded = run("record", "reminder", "--customer-id", "C1", "--invoice-id", "I1", "--invoice-id", "I9")
    assert reminded.stderr == "Warning: not known: I9. It counts for them when they are recorded.\n"


def test_a_warning_of_a_newer_api_is_said_with_its_inputs(
    sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"type": "payment", "id": "P", "result": "created", "warnings": [{"code": "too_early", "days": 5}]}
    monkeypatch.setattr(Result, "to_json", lambda _: body)
    warned = run("record", "payment", "--invoice-id", "I", "--amount", "1")
    assert warned.exit_code == 0
    assert warned.stderr == "Warning: too early (days 5).\n"


@pytest.mark.usefixtures("where")
def test_money_on_account_is_recorded_allocated_and_taken_back() -> None:
    def sums() -> tuple[float, float]:
        [row] = value("aging", "--as-of", "2020-03-01")["customers"]
        return row["outstanding"], row["unapplied"]

    run("record", *INVOICE)
    on_account = ("--customer-id", "C1", "--currency", "eur", "--amount")
    assert value("record", "payment", "--id", "A", *on_account, "60", "--paid-on", "2020-01-10")["result"] == "created"
    assert value("record", "credit", "--id", "K", *on_account, "5", "--credited-on", "2020-01-10")["id"] == "K"
    assert sums() == (100.5, 65)
    to_invoice = ("--invoice-id", "I1", "--applied-on", "2020-01-20", "--amount")
    assert value("record", "allocation", "--id", "L", "--payment-id", "A", *to_invoice, "40")["result"] == "created"
    assert value("record", "allocation", "--credit-id", "K", *to_invoice, "5")["result"] == "created"
    assert sums() == (55.5, 20)
    assert run("record", "allocation", "--delete", "L").stdout == "Allocation L is taken back.\n"
    assert sums() == (95.5, 60)
    assert run("record", "payment", "--delete", "A").stdout == "Payment A is taken back.\n"
    assert run("record", "payment", "--delete", "A").stdout == "Payment A was taken back before; nothing has changed.\n"
    assert sums() == (95.5, 0)


@pytest.mark.usefixtures("where")
def test_money_on_account_of_a_supplier_is_recorded() -> None:
    run("record", "supplier", "--id", "S1", "--name", "Supplies")
    paid = ("payment", "--supplier-id", "S1", "--currency", "EUR", "--amount", "30", "--paid-on", "2020-01-10")
    assert value("record", *paid)["result"] == "created"
    [row] = value("aging", "--side", "payables", "--as-of", "2020-03-01")["suppliers"]
    assert (row["supplierReference"], row["unapplied"]) == ("S1", 30)


@pytest.mark.usefixtures("where")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("payment", "--customer-id", "C", "--amount", "1"), "--currency is required for money on account."),
        (
            ("payment", "--invoice-id", "I", "--currency", "EUR", "--amount", "1"),
            "--currency is for money on account; a document has its own.",
        ),
        (
            ("credit", "--customer-id", "C", "--invoice-id", "I", "--amount", "1"),
            "give one of --invoice-id, --bill-id (what it is applied to), --customer-id, --supplier-id",
        ),
        (
            ("allocation", "--invoice-id", "I", "--amount", "1"),
            "give either --payment-id or --credit-id, the money on account that it comes from.",
        ),
        (
            ("allocation", "--payment-id", "P", "--invoice-id", "I", "--amount", "-1"),
            "--amount must be above zero; void an allocation to take it back.",
        ),
        (
            (*INVOICE[:7], "--currency", "EUR", "--issued-on", "2020-01-01", "--total", "-1"),
            "--total is below zero; what lowers a debt is a credit record, with --customer-id or --supplier-id if on",
        ),
    ],
)
def test_what_is_rejected_is_explained_in_options(arguments: tuple[str, ...], said: str) -> None:
    refused = run("record", *arguments)
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"The {arguments[0]} was rejected: {said}")


@pytest.mark.parametrize("kind", models())
def test_every_record_has_a_command_whose_help_speaks_of_options(kind: str) -> None:
    assert "--delete" in run("record", kind, "--help").stdout
    fields = fields_of(kind, models()[kind])
    names = {field.name for field in fields if "_" in field.name}
    for field in fields:
        [option] = field.annotation.__metadata__
        assert not names & set(re.findall(r"\w+", option.help))


class Novel(BaseModel):
    """A record as nobody has it yet: whatever is added to the models has options by itself."""

    type: Literal["novel"]
    id: Id
    limit: Annotated[dict[str, Amount], Field(max_length=3)] | None = None
    tags: list[Id] | None = None
    kind_of_novel: Literal["short", "long"] | None = Field(default=None, alias="kind")
    read: bool | None = None
    printed_on: Day
    price: Amount | None = None


def test_a_new_field_has_an_option_by_itself() -> None:
    typed: dict[str, Any] = {}
    fields = fields_of("novel", Novel)
    app = typer.Typer()
    app.command()(with_options("novel", fields, typed.update))
    arguments = ["--limit", "eur=5", "--limit", "USD=7.5", "--tag", "a", "--tag", "b", "--kind", "long", "--no-read"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert {field.name: field.read(typed[field.parameter]) for field in fields if typed[field.parameter]} == {
        "limit": {"EUR": "5", "USD": "7.5"}, "tags": ["a", "b"], "kind": "long",
    }  # fmt: skip
    assert typed["field_read"] is False
    assert [field.name for field in fields if field.required] == ["printed_on"]
    [limit] = [field for field in fields if field.name == "limit"]
    with pytest.raises(typer.BadParameter):
        limit.read(["EUR"])
