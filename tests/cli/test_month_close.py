"""Closed months in the terminal: figures that a person reads."""

from datetime import UTC, datetime

import pytest

from arrears.ledger.origin import Origin
from arrears.runtime import Services
from arrears_cli.connection import connect
from arrears_cli.output import as_typed
from support import records
from support.command_line import run, value


@pytest.fixture
def closed(services: Services, organisation: str) -> str:
    """An organisation with May 2020 closed, of which a third is a month older than in April."""
    book = [
        records.invoice("I1", total="1000", issued_on="2020-01-01", due_on="2020-04-15"),
        records.invoice("I2", total="2000.50", issued_on="2020-05-01", due_on="2020-05-20"),
        records.payment("P1", invoice_id="I1", amount="333", paid_on="2020-05-10"),
    ]
    found = services.organisations().get(organisation)
    services.recorder().record(found, book, datetime(2020, 6, 14, tzinfo=UTC))
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


def test_a_month_that_is_none_is_said(closed: str) -> None:
    refused = run("snapshots", "show", "--organisation", closed, "--month", "March")
    assert refused.exit_code == 2
    assert "March is not a month of the form YYYY-MM." in refused.stderr


def test_closing_asks_before_a_month_loses_its_days_for_late_postings(
    closed: str, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arrears.runtime.now", lambda: datetime(2020, 7, 2, tzinfo=UTC))
    of = ("close", "--organisation", closed, "--through")
    refused = run(*of, "2020-06", input="n\n")
    assert refused.exit_code == 1
    assert "2020-06 waits for late postings, and would be closed on 2020-07-04." in refused.stderr
    assert "Nothing was closed." in refused.stderr
    found = services.organisations().get(closed)
    assert services.history().snapshot(closed, "2020-06") is None
    assert value(*of, "2020-05")["through"] is not None, "a month that waits no longer is closed without a question"
    assert value(*of, "2020-06", "--yes")["through"] == "2020-06-30"
    services.organisations().set_policy(found.id, {"close_after_days": 0})
    assert run(*of, "2020-06").exit_code == 0


def test_fields_are_named_as_their_options() -> None:
    text = "give either invoice_id or bill_id; the amount counts from paid_on"
    assert as_typed(text, ["invoice_id", "bill_id", "paid_on", "amount"]) == (
        "give either --invoice-id or --bill-id; the amount counts from --paid-on"
    )
    assert as_typed(text, []) == text


@pytest.fixture
def changed(services: Services, monkeypatch: pytest.MonkeyPatch) -> str:
    """An organisation with May 2020 closed, and a payment of May that arrived after it."""
    moment = datetime(2020, 5, 1, tzinfo=UTC)
    monkeypatch.setattr("arrears.runtime.now", lambda: moment)
    organisation = connect(None).organisations().create("Late", "UTC", "USD")
    book = [
        records.invoice("I1", total="1000", issued_on="2020-01-01", due_on="2020-04-15", number="N-1"),
        records.bill("B1", total="70", issued_on="2020-01-01", due_on="2020-04-15"),
    ]
    recorder = services.recorder()
    recorder.record(organisation, book, moment)
    services.closing().close(organisation, datetime(2020, 6, 15, tzinfo=UTC))
    paid = records.payment("P1", invoice_id="I1", amount="333", paid_on="2020-05-10")
    recorder.record(organisation, [paid], datetime(2020, 6, 20, tzinfo=UTC), Origin("key", "k-7", "import-9"))
    moment = datetime(2020, 7, 1, tzinfo=UTC)
    return organisation.id


def test_a_closed_month_is_explained_change_by_change(changed: str) -> None:
    of = ("--organisation", changed, "--month", "2020-05")
    body = value("explain", *of)
    assert body["currencies"][0]["difference"] == {"outstanding": -333, "overdue": -333, "unapplied": 0, "net": -333}
    [change] = body["changes"]
    assert (change["by"], change["importId"]) == ({"type": "key", "id": "k-7"}, "import-9")
    shown = run("explain", *of).stdout
    assert "payment P1" in shown
    assert "667.00" in shown
    assert "key k-7 import-9" in " ".join(shown.split())
    payables = run("explain", *of, "--side", "payables").stdout
    assert "70.00" in payables
    assert "No change since its close has an effect on it." in payables


def test_a_month_is_explained_as_known_at_a_past_moment(changed: str) -> None:
    of = ("--organisation", changed, "--month", "2020-05", "--known-at")
    assert value("explain", *of, "2020-06-19")["changes"] == []
    assert len(value("explain", *of, "2020-06-20")["changes"]) == 1
    refused = run("explain", *of, "2020-06-10")
    assert (refused.exit_code, refused.stderr.strip()) == (1, "2020-05 is not closed.")
    assert "in the future" in run("explain", *of, "2020-07-02").stderr


def test_a_month_that_cannot_be_explained_is_said(changed: str) -> None:
    of = ("--organisation", changed, "--month")
    refused = run("explain", *of, "2020-06")
    assert (refused.exit_code, refused.stderr.strip()) == (1, "2020-06 is not closed.")
    assert run("explain", *of, "May").exit_code == 2


def test_the_documents_of_a_closed_month_are_those_known_at_its_close(changed: str) -> None:
    of = ("snapshots", "show", "--organisation", changed, "--month", "2020-05", "--documents")
    body = value(*of)
    assert body["asOf"] == "2020-05-31"
    [document] = body["documents"]
    assert (document["invoiceReference"], document["outstanding"]) == ("I1", 1000)
    shown = run(*of).stdout
    assert "N-1" in shown
    assert "1,000.00" in shown
    assert "B1" in run(*of, "--side", "payables").stdout


def test_the_documents_of_a_month_closed_before_changes_were_kept_are_not_known(
    closed: str, services: Services
) -> None:
    assert services.organisations().get(closed).known_from is not None
    for command in (("snapshots", "show", "--documents"), ("explain",)):
        refused = run(*command, "--organisation", closed, "--month", "2020-05")
        assert refused.exit_code == 1
        assert "2020-05 was closed before" in refused.stderr


def test_a_month_is_closed_by_the_policy_that_was_known_when_the_run_began(
    changed: str, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is changed between the moment that the run fixes and its reading of the organisation."""
    began, later = datetime(2020, 7, 10, tzinfo=UTC), datetime(2020, 7, 10, 0, 0, 1, tzinfo=UTC)
    monkeypatch.setattr("arrears.runtime.now", lambda: later)
    connect(None).organisations().set_policy(changed, {"grace_days": 5})
    monkeypatch.setattr("arrears.runtime.now", lambda: began)
    assert value("close", "--organisation", changed)["months"] == ["2020-06"]
    snapshot = services.history().snapshot(changed, "2020-06")
    assert snapshot is not None
    assert snapshot.recorded_at == "2020-07-10T00:00:00.000000Z"
    assert snapshot.policy_version == 1
    assert services.organisations().get(changed).policy.version == 2
