"""The command shows one customer or supplier, and its statement, as the endpoints answer them; over HTTPS too."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from arrears.runtime import Services
from arrears_cli import command, https
from support.records import bill, credit, customer, dispute, invoice, payment, payment_on_account, promise, reminder

JUNE = ("--from", "2020-06-01", "--to", "2020-06-30")


@pytest.fixture(autouse=True)
def book(services: Services, organisation: str, where: str) -> None:
    """Customer C with two invoices and money on account, and a supplier that is known by its name only."""
    services.recorder().record(
        services.organisations().get(organisation),
        [
            customer(account_number="1001"),
            invoice("I1", issued_on="2020-05-01", due_on="2020-05-31", number="2020-1"),
            invoice("I2", issued_on="2020-06-10", due_on="2020-07-10", total="1250"),
            payment("P1", invoice_id="I1", amount="30", paid_on="2020-06-05"),
            credit("K1", invoice_id="I1", amount="5", credited_on="2020-06-06", kind="write_off"),
            payment_on_account("A1", amount="20", paid_on="2020-06-20"),
            promise("M1", made_on="2020-06-01", promised_on="2020-06-10"),
            dispute("D1", invoice_id="I2", opened_on="2020-06-15", amount="50", reason="price"),
            reminder("R1"),
            bill("B1", supplier_id=None, supplier_name="Paper & Co"),
        ],
        datetime(2020, 6, 30, 12, tzinfo=UTC),
    )


def run(organisation: str, *arguments: str) -> Result:
    return CliRunner().invoke(command.app, [*arguments, "--organisation", organisation])


def value(organisation: str, *arguments: str) -> Any:
    found = run(organisation, *arguments, "--json")
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


@pytest.mark.parametrize("words", [("customer",), ("customer", "show")])
def test_a_customer_is_shown_with_all_that_is_known_of_it(organisation: str, words: tuple[str, ...]) -> None:
    shown = run(organisation, *words, "C", "--as-of", "2020-06-30")
    assert shown.exit_code == 0, shown.output
    for said in ("Ada", "Open invoices", "2020-1", "1,250.00", "On account", "A1", "Promises", "broken", "price", "R1"):
        assert said in shown.stdout
    page = value(organisation, *words, "C", "--as-of", "2020-06-30")
    assert [one["invoiceReference"] for one in page["openInvoices"]] == ["I1", "I2"]
    assert page["balances"][0]["net"] == 1295


def test_other_commands_of_customers_keep_their_names(organisation: str) -> None:
    assert run(organisation, "customer", "erase").exit_code == 2
    assert "show" in CliRunner().invoke(command.app, ["customer", "--help"]).stdout


def test_a_supplier_without_an_id_is_shown_by_its_name(organisation: str) -> None:
    shown = run(organisation, "supplier", "paper & co", "--as-of", "2020-06-30")
    assert shown.exit_code == 0, shown.output
    assert "Open bills" in shown.stdout
    assert "critical" in shown.stdout
    assert value(organisation, "supplier", "Paper & Co")["supplierId"] is None


def test_a_statement_is_printed_from_opening_to_closing(organisation: str) -> None:
    shown = run(organisation, "statement", "C", *JUNE)
    assert shown.exit_code == 0, shown.output
    for said in (
        "Ada: USD, from 2020-06-01 to 2020-06-30",
        "opening",
        "credit write off",
        "closing",
        "1,295.00",
        "on account",
    ):
        assert said in shown.stdout
    [section] = value(organisation, "statement", "C", *JUNE)["currencies"]
    assert (section["opening"], section["closing"]) == (100, 1295)
    owed = value(
        organisation, "statement", "Paper & Co", "--side", "payables", "--kind", "open_item", "--to", "2020-06-30"
    )
    assert owed["currencies"][0]["closing"] == 100


def test_a_statement_as_csv_is_what_the_endpoint_answers(organisation: str) -> None:
    printed = run(organisation, "statement", "C", *JUNE, "--csv")
    rows = list(csv.DictReader(io.StringIO(printed.stdout, newline="")))
    assert [row["kind"] for row in rows] == ["opening", "payment", "credit", "invoice", "payment", "closing"]
    assert [row["balance"] for row in rows][-1] == "1295"
    documents = run(organisation, "customer", "C", "--as-of", "2020-06-30", "--csv")
    assert [row["invoiceReference"] for row in csv.DictReader(io.StringIO(documents.stdout, newline=""))] == [
        "I1",
        "I2",
    ]


def test_nothing_is_said_to_be_nothing(organisation: str) -> None:
    assert "no balance and no movement" in run(organisation, "statement", "C", "--to", "2019-12-31").stdout
    assert "nothing is open or on account" in run(organisation, "customer", "C", "--as-of", "2019-12-31").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("statement", "C", "--from", "2020-07-01", "--to", "2020-06-30"), "--from"),
        (("statement", "C", "--to", "2020-02-30"), "--to"),
        (("statement", "C", "--kind", "all"), "--kind"),
        (("statement", "C", "--csv", "--json"), "--csv"),
        (("statement", "\udcff"), "UTF-8"),
        (("statement", "C", "--currency", "EURO"), "--currency"),
        (("customer", "C", "--as-of", "today"), "--as-of"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(organisation: str, arguments: tuple[str, ...], said: str) -> None:
    refused = run(organisation, *arguments)
    assert refused.exit_code == 2
    assert said in refused.output


def test_a_statement_that_begins_after_today_is_refused(organisation: str) -> None:
    refused = run(organisation, "statement", "C", "--from", "2199-01-01")
    assert refused.exit_code == 1
    assert command.explanation(refused.exception) == "--from is after --to, which is today where it is not given."  # type: ignore[arg-type]


@pytest.mark.parametrize("where", ["https"], indirect=True)
def test_a_statement_that_is_too_large_for_the_api_says_where_it_is_not(
    organisation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arrears.api.parties.MAX_STATEMENT", 1)
    refused = run(organisation, "statement", "C", *JUNE)
    assert refused.exit_code == 1
    assert "with --stack and access to AWS" in (command.explanation(refused.exception) or "")  # type: ignore[arg-type]


def test_all_open_documents_are_shown_however_small_the_pages_are(
    organisation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(https, "PAGE", 1)
    page = value(organisation, "customer", "C", "--as-of", "2020-06-30")
    assert [one["invoiceReference"] for one in page["openInvoices"]] == ["I1", "I2"]
    assert page["nextCursor"] is None


@pytest.mark.parametrize("words", [("customer", "nobody"), ("supplier", "C"), ("statement", "a/b"), ("customer", "")])
def test_nobody_is_one_line(organisation: str, words: tuple[str, ...]) -> None:
    refused = run(organisation, *words)
    assert refused.exit_code == 1
    assert refused.exception is not None
    assert (
        command.explanation(refused.exception)
        == f"There is no {'supplier' if words[0] == 'supplier' else 'customer'} {words[1]}."
    )  # type: ignore[arg-type]
