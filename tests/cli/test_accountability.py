"""What the audit says of what was done at the command line: by whom, what, and nothing that is secret or personal."""

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError
from typer.testing import CliRunner, Result

from arrears.ledger.errors import ArrearsError
from arrears.runtime import Services, Settings, build
from arrears_cli import command
from arrears_cli.identity import UNKNOWN_IDENTITY, caller_arn
from arrears_cli.output import Failed

INVOICE = {
    "type": "invoice", "id": "I1", "customer_id": "C1", "customer_name": "Jane Doe", "currency": "USD",
    "total": "10.00", "issued_on": "2020-01-01", "due_on": "2020-02-01",
}  # fmt: skip

pytestmark = pytest.mark.usefixtures("s3_and_sts")


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
        patch.setattr("arrears_cli.identity.get_session", type("Session", (), {"create_client": fail}))
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
    services.users().create(
        organisation,
        account,
        "jane@example.com",
        "a long password",
        services.users().create_integrator_key(organisation),
        True,
    )
    [act] = [act for act in acts(organisation) if act["act"] == "create_user"]
    assert act["content"] == {"account": account, "admin": True}
    assert "jane" not in json.dumps(act)


# --- Erasing and deleting -------------------------------------------------------------------------------------------


def test_a_customer_is_erased_once_that_was_confirmed(services: Services, organisation: str) -> None:
    own = services.organisations().get(organisation)
    services.recorder().record(own, [INVOICE], services.clock())
    erase = ["customer", "erase", "--customer", "C1", "--organisation", organisation]
    refused = CliRunner().invoke(command.app, erase, input="n\n")
    assert isinstance(refused.exception, Failed)
    assert "Amounts, days" in refused.stderr
    assert "Jane Doe" in run("export", organisation=organisation).stdout
    erased = json.loads(CliRunner().invoke(command.app, [*erase, "--yes", "--json"]).stdout)
    assert (erased["invoices"], erased["months"], erased["users"]) == (1, 0, 0)
    exported = json.loads(run("export", organisation=organisation).stdout)
    assert (exported["customer_name"], exported["total"], exported["id"]) == ("erased", "10", "I1")
    [act] = [act for act in acts(organisation) if act["act"] == "erase_customer"]
    assert (act["subject"], act["content"]) == (erased["erased"], {})
    again = json.loads(CliRunner().invoke(command.app, [*erase, "--yes", "--json"]).stdout)
    assert again["invoices"] == 0


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No waiting; how long it would have been."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


def delete(*arguments: str, organisation: str, input: str | None = None) -> Result:
    return CliRunner().invoke(command.app, ["org", "delete", "--organisation", organisation, *arguments], input=input)


def test_an_organisation_is_exported_and_deleted(
    services: Services, organisation: str, tmp_path: Path, at_once: list[float]
) -> None:
    own = services.organisations().get(organisation)
    services.recorder().record(own, [INVOICE], services.clock())
    key = services.api_keys().create(organisation)
    done = delete("--export", "kept.ndjson", "--json", organisation=organisation, input="Acme\n")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout.splitlines()[-1])["items"] > 3
    assert 60 in at_once
    kept = tmp_path / "kept.ndjson"
    assert json.loads(kept.read_text())["customer_name"] == "Jane Doe"
    assert kept.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ArrearsError):
        build(Settings.from_environment(os.environ)).authentication.authenticate(key)
    begun, finished = acts(organisation)
    assert begun["act"] == "delete_organisation"
    assert begun["content"]["export"] == hashlib.sha256(kept.read_bytes()).hexdigest()
    assert begun["actor"].startswith("arn:aws:")
    assert finished["act"] == "organisation_deleted"
    every = CliRunner().invoke(command.app, ["org", "audit", "--json"])
    assert [act["subject"] for act in json.loads(every.stdout)] == [organisation, organisation]
    again = delete("--json", organisation=organisation)
    assert json.loads(again.stdout)["items"] == 0


@pytest.mark.parametrize(
    ("arguments", "input"),
    [
        (["--without-export"], "Acne\n"),
        (["--without-export", "--export", "kept.ndjson"], "Acme\n"),
        ([], "Acme\n"),
        (["--export", "there.ndjson"], "Acme\n"),
    ],
)
def test_nothing_is_deleted_unless_it_is_said_twice_and_exported_or_not(
    organisation: str, tmp_path: Path, arguments: list[str], input: str
) -> None:
    (tmp_path / "there.ndjson").write_text("mine")
    assert delete(*arguments, organisation=organisation, input=input).exit_code != 0
    assert [act["act"] for act in acts(organisation)] == ["create_organisation"]
    assert (tmp_path / "there.ndjson").read_text() == "mine"


def test_an_organisation_that_never_was_is_not_deleted(services: Services) -> None:
    never = delete("--without-export", organisation="0a0a0a0a-0000-4000-8000-000000000001")
    assert "no organisation" in str(never.exception)


# --- Revoking after a restore ---------------------------------------------------------------------------------------


def test_all_keys_and_users_made_before_a_moment_are_revoked(services: Services, organisation: str) -> None:
    old = services.api_keys().create(organisation)
    account = "11111111-2222-3333-4444-555555555555"
    token = services.users().create(
        organisation, account, "ann", "a long password", services.users().create_integrator_key(organisation)
    )
    moment = services.clock().isoformat()
    new = services.api_keys().create(organisation)
    for group in ("key", "user"):
        done = run(group, "revoke", "--all", "--created-before", moment, "--json", organisation=organisation)
        assert len(json.loads(done.stdout)["revoked"]) == 1
    authentication = build(Settings.from_environment(os.environ)).authentication
    assert authentication.authenticate(new)
    for ask in (lambda: authentication.authenticate(old), lambda: authentication.authenticate_token(token)):
        with pytest.raises(ArrearsError):
            ask()
    assert json.loads(run("key", "revoke", "--all", "--json", organisation=organisation).stdout)["revoked"] != []
    assert json.loads(run("key", "revoke", "--all", "--json", organisation=organisation).stdout)["revoked"] == []


@pytest.mark.parametrize(
    "arguments",
    [[], ["--all", "--key", "0" * 12], ["--created-before", "2026-01-01"], ["--all", "--created-before", "x"]],
)
def test_what_is_to_be_revoked_has_to_be_clear(organisation: str, arguments: list[str]) -> None:
    done = CliRunner().invoke(command.app, ["key", "revoke", "--organisation", organisation, *arguments])
    assert done.exit_code == 2
