"""The command as a person or a script runs it, on tables in this process."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from arrears.ledger import recording
from arrears.ledger.organisation import Organisation
from arrears.storage.ledger.recorder import Recorder
from arrears_cli import command, connection, deployment
from arrears_cli.connection import DESCRIPTION
from support.command_line import run, value
from support.files import DATA


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger_tables: Any) -> Path:
    """A working folder below one that a local stack is described in."""
    described = {
        "stack_name": "arrears", "region": "us-east-1", "base_url": "http://localhost", "organisation_id": "x",
        "ledger_table": os.environ["LEDGER_TABLE"], "access_table": os.environ["ACCESS_TABLE"],
        "history_table": os.environ["HISTORY_TABLE"], "counters_table": os.environ["COUNTERS_TABLE"],
    }  # fmt: skip
    (tmp_path / DESCRIPTION).parent.mkdir()
    (tmp_path / DESCRIPTION).write_text(json.dumps(described))
    inside = tmp_path / "books" / "2020"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    monkeypatch.setenv("EVENT_BUS", "")
    return inside


@pytest.fixture
def organisation(folder: Path) -> str:
    created: str = value("org", "create", "--name", "Demo", "--timezone", "Europe/London", "--currency", "gbp")[
        "organisation_id"
    ]
    return created


def records(folder: Path, *payloads: dict[str, Any], name: str = "book.ndjson") -> str:
    (folder / name).write_text("".join(json.dumps(record) + "\n" for record in payloads))
    return name


CUSTOMER = {"type": "customer", "id": "C 1", "name": "Acme", "account_number": "A-1"}
INVOICE = {
    "type": "invoice", "id": "I1", "customer_id": "C 1", "currency": "GBP", "total": "1250.50",
    "issued_on": "2020-01-01", "due_on": "2020-02-01",
}  # fmt: skip
BILL = {
    "type": "bill", "id": "B1", "supplier_id": "S", "supplier_name": "Supplies", "currency": "JPY", "total": 500,
    "issued_on": "2020-01-01", "due_on": "2020-01-31", "state": "Approved",
}  # fmt: skip


def test_an_organisation_with_an_id_of_its_own(folder: Path) -> None:
    own = "4E0B2B6C-6D9C-4A55-9E8E-0C6A54B8A0A1"
    arguments = ("org", "create", "--name", "Own", "--timezone", "Asia/Tokyo", "--currency", "JPY", "--id", own)
    assert value(*arguments) == {"organisation_id": own.lower()}
    again = run(*arguments)
    assert again.exit_code == 1
    assert "already" in again.stderr
    [listed] = value("org", "list")
    assert (listed["organisation_id"], listed["timezone"]) == (own.lower(), "Asia/Tokyo")
    assert "Own" in run("org", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--timezone", "Mars/Base", "--currency", "EUR"), "not an IANA time zone"),
        (("--timezone", "UTC", "--currency", "EURO"), "not a currency"),
        (("--timezone", "UTC", "--currency", "EUR", "--id", "7"), "not a UUID"),
    ],
)
def test_an_organisation_that_cannot_be_is_refused(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    refused = run("org", "create", "--name", "N", *arguments)
    assert refused.exit_code == 1
    assert said in refused.stderr
    assert refused.stdout == ""


def test_keys_are_created_listed_and_revoked(organisation: str) -> None:
    of = ("--organisation", organisation)
    key = value("key", "create", *of, "--scope", "ledger:write", "--expires-on", "2030-01-31", "--label", "import")[
        "api_key"
    ]
    assert run("key", "create", *of).stdout.strip().startswith("ar_")
    listed = value("key", "list", *of)
    mine = next(entry for entry in listed if entry["label"] == "import")
    assert mine["scopes"] == ["ledger:write"]
    assert mine["expires_at"] == "2030-02-01T00:00:00Z"
    assert key.rpartition("_")[2] not in run("key", "list", *of).stdout
    assert value("key", "revoke", *of, "--key", mine["key_id"]) == {"revoked": mine["key_id"]}
    assert next(entry for entry in value("key", "list", *of) if entry["label"] == "import")["revoked_at"]
    assert run("key", "revoke", *of, "--key", "000000000000").exit_code == 1
    assert run("key", "create", *of, "--scope", "everything").exit_code == 1
    assert run("key", "create", *of, "--expires-on", "2019-01-01").exit_code == 1


def test_an_unknown_organisation_is_one_line(folder: Path) -> None:
    refused = run("key", "list", "--organisation", "4e0b2b6c-6d9c-4a55-9e8e-0c6a54b8a0a1")
    assert refused.exit_code == 1
    assert refused.stderr.strip() == "There is no organisation 4e0b2b6c-6d9c-4a55-9e8e-0c6a54b8a0a1."


@pytest.mark.parametrize("account", ["A-1", "C 1"])
def test_a_user_by_any_name_of_the_account(folder: Path, organisation: str, account: str) -> None:
    run("import", records(folder, CUSTOMER), "--organisation", organisation)
    arguments = ("user", "create", "--organisation", organisation, "--account", account, "--username", "ada")
    integrator = ("--integrator-key", value("integrator", "create", "--organisation", organisation)["integrator_key"])
    made = value(*arguments, *integrator, "--admin", "--password-stdin", input="a pässword that is long\n")
    assert made["user_token"].startswith("ut_")


def test_a_user_of_nobody_is_refused(folder: Path, organisation: str) -> None:
    arguments = ("user", "create", "--organisation", organisation, "--account", "A-9", "--username", "ada")
    refused = run(*arguments, "--integrator-key", "ik", "--password-stdin", input="secret\n")
    assert refused.exit_code == 1
    assert "no customer A-9" in refused.stderr
    assert "secret" not in refused.stderr + refused.stdout
    assert run(*arguments, "--integrator-key", "ik").exit_code == 1


def test_a_policy_part_is_set_and_the_others_stay(organisation: str) -> None:
    of = ("--organisation", organisation)
    assert value("policy", "show", *of)["version"] == 1
    changed = value("policy", "set", *of, "--grace-days", "2", "--minimum", "gbp=50", "--minimum", "JPY=900")
    assert (changed["version"], changed["grace_days"]) == (2, 2)
    assert changed["minimums"] == {"GBP": 5000, "JPY": 900}
    assert value("policy", "set", *of, "--default-terms-days", "30")["default_terms_days"] == 30
    assert value("policy", "set", *of, "--default-terms-days", "none")["default_terms_days"] is None
    assert value("policy", "set", *of, "--minimum", "none")["minimums"] == {}
    changed = value("policy", "set", *of, "--close-after-days", "0", "--unapplied-covers", "none")
    assert (changed["close_after_days"], changed["unapplied_covers"], changed["grace_days"]) == (0, "none", 2)
    assert "28" in run("policy", "set", *of, "--close-after-days", "29").stderr
    assert "escalation from days" in run("policy", "show", *of).stdout
    refused = run("policy", "set", *of, "--firm-from-days", "40")
    assert refused.exit_code == 1
    assert "ascend" in refused.stderr
    for usage in (("--minimum", "GBP"), ("--minimum", "GBP=0.001"), ("--default-terms-days", "x"), ()):
        assert run("policy", "set", *of, *usage).exit_code == 2


def test_what_is_imported_is_reported(folder: Path, organisation: str) -> None:
    of = ("--organisation", organisation)
    imported = value("import", records(folder, CUSTOMER, INVOICE, BILL), *of)
    assert imported["rejected_rows"] == 0
    assert imported["files"][0]["created"] == 3
    owed = value("receivables", *of, "--as-of", "2020-02-02")
    assert owed["totals"]["overdueByCurrency"] == [{"currency": "GBP", "amount": 1250.5, "count": 1}]
    assert owed["customers"][0]["customerName"] == "Acme"
    assert value("payables", *of, "--as-of", "2020-01-31")["suppliers"] == []
    table = run("receivables", *of, "--as-of", "2020-02-02").stdout
    assert "1,250.50" in table
    assert "gentle" in table
    bills = run("payables", *of, "--as-of", "2020-02-10").stdout
    assert "500" in bills
    assert "Supplies" in bills
    assert "Nothing is overdue." in run("receivables", *of, "--as-of", "2019-01-01").stdout
    assert run("receivables", *of, "--as-of", "2020-02-30").exit_code == 2


def test_rejected_rows_are_beside_the_input(folder: Path, organisation: str) -> None:
    of = ("--organisation", organisation)
    name = records(folder, CUSTOMER, {**INVOICE, "total": "ten"}, {**INVOICE, "id": "I2"})
    rejected = run("import", name, *of, "--json")
    assert rejected.exit_code == 1
    [file] = json.loads(rejected.stdout)["files"]
    assert file["rejected_file"] == f"{name}.rejected.csv"
    assert file["first_rejections"][0]["field"] == "total"
    with (folder / f"{name}.rejected.csv").open(newline="") as stream:
        assert [row[:2] for row in csv.reader(stream)] == [["line", "field"], ["2", "total"]]
    assert "book.ndjson:2: total:" in rejected.stderr
    assert not list(folder.glob("*.import-state.json*"))
    mended = value("import", records(folder, CUSTOMER, INVOICE), *of)
    assert mended["rejected_rows"] == 0
    assert not (folder / f"{name}.rejected.csv").exists()


def test_what_looks_wrong_is_counted_and_shown(folder: Path, organisation: str) -> None:
    of = ("--organisation", organisation)
    twice = [{**INVOICE, "id": id_, "number": "7"} for id_ in ("I8", "I9")]
    name = records(folder, CUSTOMER, *twice)
    [file] = value("import", name, *of)["files"]
    assert file["warnings"] == {"possible_duplicate": 1}
    [warning] = file["first_warnings"]
    assert (warning["line"], warning["id"], warning["number"]) == (3, "I9", "7")
    assert "warnings:" not in run("import", name, *of).stdout
    name = records(folder, {**twice[0], "id": "I10"})
    assert "warnings: 1 possible_duplicate" in run("import", name, *of).stdout


def test_a_dry_run_leaves_nothing_behind(folder: Path, organisation: str) -> None:
    of = ("--organisation", organisation)
    checked = run("import", records(folder, CUSTOMER, {**INVOICE, "total": "ten"}), *of, "--dry-run", "--json")
    assert checked.exit_code == 1
    [file] = json.loads(checked.stdout)["files"]
    assert (file["valid"], file["rejected_rows"], file["rejected_file"]) == (1, 1, None)
    assert [path.name for path in folder.iterdir()] == ["book.ndjson"]
    assert value("import", records(folder, CUSTOMER), *of)["files"][0]["created"] == 1


def test_an_interrupted_import_goes_on_where_it_stopped(
    folder: Path, organisation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = ("--organisation", organisation)
    name = records(folder, *({"type": "supplier", "id": str(number), "name": "S"} for number in range(1_100)))
    calls = []

    def interrupted(_: Recorder, of: Organisation, sent: list[dict[str, Any]], *_by: Any) -> list[recording.Result]:
        calls.append(len(sent))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return [recording.Result(record["type"], record["id"], "created") for record in sent]

    monkeypatch.setattr(Recorder, "record", interrupted)
    stopped = CliRunner().invoke(command.app, ["import", name, *of])
    assert stopped.exit_code == 130
    assert "Run the same command again" in stopped.stderr
    assert (folder / f"{name}.import-state.json").exists()
    resumed = run("import", name, *of, "--json")
    assert "going on after 500 rows" in resumed.stderr
    assert json.loads(resumed.stdout)["files"][0]["created"] == 1_100
    assert calls == [500, 500, 500, 100]
    assert not (folder / f"{name}.import-state.json").exists()


def test_a_folder_that_takes_no_files_stops_no_import(
    folder: Path, organisation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = folder / "sealed"
    sealed.mkdir()
    records(sealed, {**INVOICE, "total": "ten"})
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).resolve() != sealed and allowed(path, mode))
    result = run("import", "sealed/book.ndjson", "--organisation", organisation, "--json")
    assert json.loads(result.stdout)["files"][0]["rejected_file"] == str(folder / "book.ndjson.rejected.csv")
    assert [path.name for path in sealed.iterdir()] == ["book.ndjson"]
    assert "takes no files" in result.stderr


def test_files_of_one_export_are_imported_together(folder: Path, organisation: str) -> None:
    (folder / "payments.csv").write_text(
        "id,customer_id,total_amount,transaction_date,unapplied_amount\n7,C,30,2020-03-01,0\n"
    )
    (folder / "lines.csv").write_text("payment_id,index,amount,invoice_id\n7,0,30,1\n")
    (folder / "invoices.csv").write_text(
        "id,customer_id,total_amount,transaction_date,due_date,currency_id\n1,C,100,2020-01-01,2020-02-01,\n"
    )
    of = ("--organisation", organisation, "--mapping", "quickbooks")
    alone = value("import", "lines.csv", *of)
    assert alone["files"][0]["pending"] == 1
    both = value("import", "invoices.csv", "lines.csv", "payments.csv", *of)
    assert [file["table"] for file in both["files"]] == ["invoices", "payment lines", "payments"]
    assert both["files"][2]["skipped_rows"] == 1
    owed = value("receivables", "--organisation", organisation, "--as-of", "2020-03-01")
    assert owed["totals"]["overdueByCurrency"] == [{"currency": "GBP", "amount": 70, "count": 1}]


def test_what_cannot_be_read_is_refused_before_anything_is_written(folder: Path, organisation: str) -> None:
    of = ("--organisation", organisation)
    good = records(folder, CUSTOMER)
    (folder / "dates.csv").write_text("type,id,customer_id,currency,total,issued_on\ninvoice,1,C,EUR,1,1/2/2020\n")
    refused = run("import", good, "dates.csv", *of)
    assert refused.exit_code == 1
    assert 'dates.csv: The column "issued_on" has dates such as' in refused.stderr
    assert value("import", good, *of)["files"][0]["created"] == 1
    assert value("import", "dates.csv", *of, "--dates", "D/M/YYYY")["files"][0]["created"] == 1
    assert run("import", "nowhere.csv", *of).exit_code == 2
    assert run("import", "dates.csv", *of, "--dates", "daily").exit_code == 2
    assert run("import", "dates.csv", *of, "--decimal", ";").exit_code == 2
    assert run("import", "dates.csv", *of, "--mapping", "nobody").exit_code == 1


def test_mappings_are_listed_shown_and_checked(folder: Path) -> None:
    assert [entry["name"] for entry in value("mapping", "list")] == [
        "lago", "quickbooks", "sage-intacct", "stripe", "xero", "xero-screens",
    ]  # fmt: skip
    assert "Xero" in run("mapping", "list").stdout
    sample = str(DATA / "xero" / "xero_invoice_data.csv")
    checked = value("mapping", "check", "xero", sample)
    assert (checked["table"], checked["rows_checked"], checked["rejected_rows"]) == ("invoices", 117, 0)
    assert checked["rows"][0]["records"][0]["type"] == "invoice"
    assert "117 rows checked, 0 rejected." in run("mapping", "check", "xero", sample).stdout
    (folder / "bad.csv").write_text(
        "invoice_id,contact_id,type,status,date,total,currency_code\n1,C,ACCREC,PAID,2020-13-01,5,EUR\n"
    )
    assert run("mapping", "check", "xero", "bad.csv").exit_code == 1
    assert run("mapping", "check", "bad.csv", "bad.csv").exit_code == 1


def test_an_export_is_what_import_reads(folder: Path, organisation: str) -> None:
    run("import", records(folder, CUSTOMER, INVOICE, BILL), "--organisation", organisation)
    exported = run("export", "--organisation", organisation)
    assert exported.exit_code == 0
    (folder / "export.ndjson").write_text(exported.stdout)
    other = value("org", "create", "--name", "Copy", "--timezone", "Europe/London", "--currency", "GBP")
    assert value("import", "export.ndjson", "--organisation", other["organisation_id"])["rejected_rows"] == 0
    owed = [
        value("receivables", "--organisation", each, "--as-of", "2020-03-01")["totals"]
        for each in (organisation, other["organisation_id"])
    ]
    assert owed[0] == owed[1]
    assert json.loads(exported.stdout.splitlines()[0])["type"] == "customer"


def test_closing_by_hand_and_what_has_changed_since(folder: Path, organisation: str) -> None:
    of = ("--organisation", organisation)
    run("import", records(folder, CUSTOMER, INVOICE, BILL), *of)
    closed = value("close", *of, "--through", "2020-03")
    assert closed["through"] == "2020-03-31"
    assert closed["months"] == ["2020-01", "2020-02", "2020-03"]
    assert closed["payablesMonths"] == closed["months"]
    assert "No month closed" in run("close", *of, "--through", "2020-03").stdout
    late = {"type": "payment", "id": "P", "invoice_id": "I1", "amount": "250.50", "paid_on": "2020-03-15"}
    run("import", records(folder, late), *of)
    shown = value("snapshots", "show", *of, "--month", "2020-03")
    assert shown["difference"]["currencies"][0]["closingOverdue"] == -250.5
    assert "-250.5" in run("snapshots", "show", *of, "--month", "2020-03").stdout
    payables = value("snapshots", "show", *of, "--month", "2020-03", "--side", "payables")
    assert payables["then"]["currencies"][0]["control"]["closedByState"] == 0
    assert "control closing" in run("snapshots", "show", *of, "--month", "2020-03", "--side", "payables").stdout
    assert run("snapshots", "show", *of, "--month", "2021-03").exit_code == 1
    assert run("snapshots", "show", *of, "--month", "March").exit_code == 2


def test_reconciling_says_what_differs(folder: Path, organisation: str) -> None:
    run("import", records(folder, CUSTOMER, INVOICE), "--organisation", organisation)
    assert value("reconcile", "--organisation", organisation) == {"differences": [], "notices": [], "mended": False}
    assert "Everything adds up." in run("reconcile", "--organisation", organisation).stdout


def test_without_a_stack_it_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(connection, "CHECKOUT", tmp_path)
    for content in (None, "{", "{}"):
        if content is not None:
            (tmp_path / DESCRIPTION).parent.mkdir(exist_ok=True)
            (tmp_path / DESCRIPTION).write_text(content)
        refused = run("org", "list")
        assert refused.exit_code == 1
        assert "make up" in refused.stderr


def test_a_stack_in_aws_is_found_by_name(organisation: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    described = json.loads((tmp_path / DESCRIPTION).read_text())

    def deployed(stack_name: str, region: str | None) -> deployment.Deployment:
        if stack_name != "live":
            error = {"Error": {"Code": "ValidationError", "Message": f"Stack {stack_name} does not exist"}}
            raise ClientError(error, "DescribeStacks")
        return deployment.Deployment(**{name: value for name, value in described.items() if name != "organisation_id"})

    monkeypatch.setattr(deployment, "deployed", deployed)
    (tmp_path / DESCRIPTION).unlink()
    [listed] = value("org", "list", "--stack", "live")
    assert listed["organisation_id"] == organisation
    refused = run("org", "list", "--stack", "nowhere")
    assert refused.exit_code == 1
    assert "There is no stack nowhere in us-east-1 of this AWS account." in refused.stderr


def test_it_starts_without_what_few_commands_need() -> None:
    """Whoever completes a command line or asks for help does not wait for the AWS SDK."""
    loaded = "import sys, arrears_cli.command; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    modules = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert "typer" in modules
    assert {"boto3", "botocore", "pydantic", "ijson", "sqlite3"}.isdisjoint(modules)


def test_wrong_usage_exits_with_code_two() -> None:
    for arguments in ((), ("fly",), ("import",), ("org", "create"), ("key", "create")):
        assert run(*arguments).exit_code == 2
