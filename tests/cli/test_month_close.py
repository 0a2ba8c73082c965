"""Closed months in the terminal: figures that a person reads."""

from datetime import UTC, datetime

import pytest

from arrears.runtime import Services
from arrears_cli.output import as_typed
from support import records
from support.command_line import run


@pytest.fixture
def closed(services: Services, organisation: str) -> str:
    """An organisation with May 2020 closed, of which a third is a month older than in April."""
    book = [
        records.invoice("I1", total="1000", issued_on="2020-01-01", due_on="2020-04-15"),
        records.invoice("I2", total="2000.50", issued_on="2020-05-01", due_on="2020-05-20"),
        records.payment("P1", invoice_id="I1", amount="333", paid_on="2020-05-10"),
    ]
    found = services.organisations().get(organisation)
    services.recorder().record(found, book, services.clock())
    services.closing().close(found, datetime(2020, 6, 15, tzinfo=UTC))
    return organisation


def test_rates_are_rounded_and_amounts_have_the_currency_s_decimals(closed: str) -> None:
    shown = run("snapshots", "show", "--organisation", closed, "--month", "2020-05").stdout
    assert "roll rates 1-30" in shown
    assert "66.7 %" in shown
    assert "2,667.50" in shown
    assert "0.66" not in shown
    listed = run("history", "--organisation", closed).stdout
    assert "2,667.50" in listed
    assert " %" in listed


def test_months_of_both_sides_are_listed_with_their_control_account(
    services: Services, organisation: str, closed: str
) -> None:
    found = services.organisations().get(organisation)
    owed = records.bill("B1", total="70", issued_on="2020-05-01", due_on="2020-05-20")
    services.recorder().record(found, [owed], services.clock())
    services.closing().close(found, datetime(2020, 6, 16, tzinfo=UTC))
    listed = run("history", "--organisation", closed, "--side", "payables").stdout
    assert "Overdue payables by month" in listed
    assert "Control account" in listed
    assert "closed by state" in listed
    assert "70.00" in listed
    assert "closed by state" not in run("history", "--organisation", closed).stdout


def test_a_month_that_is_none_is_said(closed: str) -> None:
    refused = run("snapshots", "show", "--organisation", closed, "--month", "March")
    assert refused.exit_code == 2
    assert "March is not a month of the form YYYY-MM." in refused.stderr


def test_fields_are_named_as_their_options() -> None:
    text = "give either invoice_id or bill_id; the amount counts from paid_on"
    assert as_typed(text, ["invoice_id", "bill_id", "paid_on", "amount"]) == (
        "give either --invoice-id or --bill-id; the amount counts from --paid-on"
    )
    assert as_typed(text, []) == text
