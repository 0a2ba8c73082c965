"""What the audit says of what was done at the command line: by whom, what, and nothing that is secret or personal."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError
from typer.testing import CliRunner, Result

from arrears.runtime import Services, Settings, build
from arrears.storage.identity import UNKNOWN_IDENTITY, caller_arn
from arrears_cli import command
from arrears_cli.connection import DESCRIPTION

INVOICE = {
    "type": "invoice", "id": "I1", "customer_id": "C1", "customer_name": "Jane Doe", "currency": "USD",
    "total": "10.00", "issued_on": "2020-01-01", "due_on": "2020-02-01",
}  # fmt: skip


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger_tables: Any) -> Services:
    """The stores that the command works on."""
    names = {f"{table}_table": os.environ[f"{table.upper()}_TABLE"] for table in ("ledger", "access", "history")}
    (tmp_path / DESCRIPTION).parent.mkdir()
    described = {"stack_name": "arrears", "region": "us-east-1", "base_url": "http://localhost", **names}
    (tmp_path / DESCRIPTION).write_text(json.dumps(described))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVENT_BUS", "")
    return build(Settings.from_environment(os.environ))


@pytest.fixture
def organisation(services: Services) -> str:
    return services.organisations().create("Acme", "UTC", "USD").id


def run(*arguments: str, organisation: str, input: str | None = None) -> Result:
    result = CliRunner().invoke(command.app, [*arguments, "--organisation", organisation], input=input)
    assert result.exit_code == 0, result.output
    return result


def acts(organisation: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("org", "audit", "--json", organisation=organisation).stdout)
    return found


def test_whoever_runs_the_command_is_named_as_aws_knows_them(organisation: str) -> None:
    run("org", "set", "--feature", "none", organisation=organisation)
    assert acts(organisation)[-1]["actor"].startswith("arn:aws:sts::")


def test_an_identity_that_cannot_be_found_out_holds_nothing_up(
    organisation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise NoCredentialsError

    with monkeypatch.context() as patch:
        patch.setattr("arrears.storage.identity.get_session", type("Session", (), {"create_client": fail}))
        assert caller_arn() == UNKNOWN_IDENTITY
        run("org", "set", "--feature", "none", organisation=organisation)
    assert acts(organisation)[-1]["actor"] == UNKNOWN_IDENTITY


def test_what_takes_data_in_and_out_is_recorded(services: Services, organisation: str, tmp_path: Path) -> None:
    (tmp_path / "jane-doe.ndjson").write_text(json.dumps(INVOICE) + "\n")
    run("import", "jane-doe.ndjson", "--dry-run", organisation=organisation)
    run("import", "jane-doe.ndjson", organisation=organisation)
    assert json.loads(run("export", organisation=organisation).stdout)["id"] == "I1"
    run("close", "--through", "2020-01", organisation=organisation)
    run("reconcile", organisation=organisation)
    run("reconcile", "--mend", organisation=organisation)
    run("policy", "set", "--cooldown-days", "3", organisation=organisation)
    run("key", "create", "--label", "Jane's laptop", organisation=organisation)
    done = acts(organisation)[1:]
    assert [act["act"] for act in done] == ["import", "export", "close", "reconcile_mend", "set_policy", "create_key"]
    imported, _, closed, _, policy, _ = (act["content"] for act in done)
    assert imported["files"][0]["size"] == (tmp_path / "jane-doe.ndjson").stat().st_size
    assert closed == {"through": "2020-01"}
    assert policy["version"] == services.organisations().get(organisation).policy.version == 2
    assert "jane" not in json.dumps(done).lower()


def test_the_audit_names_a_user_by_id_only(services: Services, organisation: str) -> None:
    account = "11111111-2222-3333-4444-555555555555"
    services.users().create(organisation, account, "jane@example.com", "pass word", "IK", True)
    [act] = [act for act in acts(organisation) if act["act"] == "create_user"]
    assert act["content"] == {"account": account, "admin": True}
    assert "jane" not in json.dumps(act)
