"""What an administrator does on the command line: organisations, keys and users over their whole life."""

import json
import re
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from arrears.ledger.caller import Scope
from arrears.ledger.errors import ArrearsError
from arrears.ledger.known_at import NotKnownThen, instant_of, instant_text, moment_of, parse_known_at
from arrears.runtime import Services
from arrears_cli import command
from arrears_cli.output import Failed
from support.records import invoice


def run(*arguments: str, organisation: str, input: str | None = None) -> Result:
    return CliRunner().invoke(command.app, [*arguments, "--organisation", organisation], input=input)


def value(*arguments: str, organisation: str, input: str | None = None) -> Any:
    result = run(*arguments, "--json", organisation=organisation, input=input)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_an_organisation_is_changed(services: Services, organisation: str) -> None:
    body = value("org", "set", "--feature", "none", "--no-payments-over-api", organisation=organisation)
    assert (body["features"], body["payments_over_api"]) == ([], False)
    body = value("org", "set", "--feature", "analytics", organisation=organisation)
    assert (body["features"], body["payments_over_api"]) == (["analytics"], False)
    assert services.organisations().get(organisation).features == {"analytics"}
    assert "payments over api: False" in run("org", "set", "--feature", "analytics", organisation=organisation).stdout


@pytest.mark.usefixtures("s3_and_sts")
def test_the_list_of_organisations_says_from_when_the_past_can_be_asked_for(
    services: Services, organisation: str
) -> None:
    first = services.organisations().get(organisation).known_from
    assert first is not None
    listed = CliRunner().invoke(command.app, ["org", "list", "--json"])
    assert [each["known_from"] for each in json.loads(listed.stdout)] == [instant_text(instant_of(first))]
    assert value("org", "set", "--feature", "none", organisation=organisation)["known_from"] == instant_text(
        instant_of(first)
    )
    table, client = services.settings.access_table, services.client
    client.update_item(
        TableName=table,
        Key={"pk": {"S": f"O#{organisation}"}, "sk": {"S": "ORGANISATION"}},
        UpdateExpression="REMOVE known_from",
    )
    assert "not kept yet" in CliRunner().invoke(command.app, ["org", "list"]).stdout


def test_an_organisation_that_cannot_be_like_that(organisation: str) -> None:
    assert isinstance(run("org", "set", "--feature", "telepathy", organisation=organisation).exception, Failed)
    assert run("org", "set", organisation=organisation).exit_code == 2


@pytest.mark.usefixtures("s3_and_sts")
def test_every_act_is_shown(organisation: str) -> None:
    value("org", "set", "--feature", "none", organisation=organisation)
    acts = value("org", "audit", organisation=organisation)
    assert [act["act"] for act in acts] == ["create_organisation", "set_features"]
    assert acts[1]["actor"].startswith("arn:aws:")
    assert acts[1]["content"] == {"features": []}
    assert "create_organisation" in run("org", "audit", organisation=organisation).stdout


def test_a_key_is_rotated(services: Services, organisation: str) -> None:
    old = services.api_keys().create(organisation, ["receivables:read"])
    rotated = value("key", "rotate", "--key", old.split("_")[2], "--overlap-hours", "0", organisation=organisation)
    assert rotated["replaces"] == old.split("_")[2]
    assert services.authentication.authenticate(rotated["api_key"]).scopes == {"receivables:read"}
    with pytest.raises(ArrearsError):
        services.authentication.authenticate(old)
    again = run("key", "rotate", "--key", old.split("_")[2], organisation=organisation)
    assert isinstance(again.exception, Failed)


def test_users_are_listed_and_revoked(services: Services, organisation: str) -> None:
    account = "11111111-2222-3333-4444-555555555555"
    integrator = services.users().create_integrator_key(organisation)
    token = services.users().create(organisation, account, "ann", "a long password", integrator, True)
    [known] = value("user", "list", organisation=organisation)
    assert (known["username"], known["accounts"]) == ("ann", [{"account_id": account, "admin": True}])
    shown = run("user", "list", organisation=organisation).stdout
    assert "ann" in shown
    assert "a long password" not in shown
    assert value("user", "revoke", "--user", known["user_id"], organisation=organisation) == {
        "revoked": known["user_id"]
    }
    with pytest.raises(ArrearsError):
        services.authentication.authenticate_token(token)
    assert value("user", "list", organisation=organisation)[0]["revoked_at"] is not None
    assert isinstance(run("user", "revoke", "--user", "0" * 32, organisation=organisation).exception, Failed)


def test_an_integrator_key_is_created_and_one_account_of_a_user_taken_away(
    services: Services, organisation: str
) -> None:
    integrator = value("integrator", "create", organisation=organisation)["integrator_key"]
    same = value("integrator", "create", "--existing-stdin", organisation=organisation, input=f"{integrator}\n")
    assert same == {"integrator_key": integrator}
    chosen = run("integrator", "create", "--existing-stdin", organisation=organisation, input="chosen\n")
    assert isinstance(chosen.exception, Failed)
    first, second = (f"11111111-2222-3333-4444-55555555555{digit}" for digit in "56")
    for account in (first, second):
        token = services.users().create(organisation, account, "ann", "a long password", integrator, True)
    [known] = value("user", "list", organisation=organisation)
    revoke = ("user", "revoke", "--user", known["user_id"], "--account", first)
    assert value(*revoke, organisation=organisation) == {"user_id": known["user_id"], "revoked_account": first}
    assert services.authentication.authenticate_token(token).accounts == {second: True}
    assert isinstance(run(*revoke, organisation=organisation).exception, Failed)


def test_a_key_that_only_reads_reads_everything(services: Services, organisation: str) -> None:
    key = value("key", "create", "--read-only", organisation=organisation)["api_key"]
    scopes = services.authentication.authenticate(key).scopes
    assert scopes == {scope for scope in Scope if scope.endswith(":read")}
    assert Scope.WRITE_LEDGER not in scopes
    both = run("key", "create", "--read-only", "--scope", "ledger:write", organisation=organisation)
    assert both.exit_code == 2


def test_the_help_of_a_key_lists_every_scope() -> None:
    shown = CliRunner().invoke(command.app, ["key", "create", "--help"]).stdout
    assert all(scope in shown for scope in Scope)


def test_messages_name_options_as_they_are_typed(organisation: str) -> None:
    refused = run("policy", "set", "--firm-from-days", "90", organisation=organisation)
    assert str(refused.exception).startswith("--firm-from-days, --final-from-days, --escalation-from-days must ascend")
    late = run("key", "create", "--expires-on", "2030-02-30", organisation=organisation)
    assert late.exit_code == 2
    assert "--expires-on" in late.stderr


def test_a_book_of_an_older_version_is_upgraded(services: Services, organisation: str) -> None:
    """Pages of its reports are read alone from then on; the second time there is nothing to do."""
    client, table = services.client, services.settings.access_table
    key = {"pk": {"S": f"O#{organisation}"}, "sk": {"S": "ORGANISATION"}}
    client.update_item(TableName=table, Key=key, UpdateExpression="REMOVE paged, known_from")
    assert not services.organisations().get(organisation).paged
    for _ in range(2):
        assert value("org", "upgrade", organisation=organisation) == {"upgraded": 0}
        assert services.organisations().get(organisation).paged
    assert [act.act for act in services.audit().acts(organisation)].count("set_paged") == 1


def test_what_was_known_in_an_older_book_can_be_asked_from_its_first_upgrade_on(
    services: Services, organisation: str
) -> None:
    client, table = services.client, services.settings.access_table
    key = {"pk": {"S": f"O#{organisation}"}, "sk": {"S": "ORGANISATION"}}
    client.update_item(TableName=table, Key=key, UpdateExpression="REMOVE known_from")
    older, before = services.organisations().get(organisation), services.clock()
    with pytest.raises(NotKnownThen, match="upgrade the organisation"):
        parse_known_at(instant_text(before), older, before)
    found = []
    for _ in range(2):
        value("org", "upgrade", organisation=organisation)
        upgraded = services.organisations().get(organisation)
        assert upgraded.known_from is not None
        assert upgraded.known_from >= moment_of(before)
        found.append(upgraded.known_from)
    assert found[0] == found[1]
    assert parse_known_at(instant_text(instant_of(found[0])), upgraded, services.clock()) == instant_of(found[0])
    with pytest.raises(NotKnownThen, match=instant_text(instant_of(found[0]))):
        parse_known_at(instant_text(instant_of(found[0] - 1)), upgraded, services.clock())
    assert [act.act for act in services.audit().acts(organisation)].count("set_known_from") == 1


def test_what_the_change_log_lacks_is_said_and_cannot_be_mended(services: Services, organisation: str) -> None:
    services.recorder().record(services.organisations().get(organisation), [invoice()], services.clock())
    assert run("reconcile", organisation=organisation).exit_code == 0
    services.change_log(organisation).delete_before(moment_of(services.clock()) + 1)
    for mend in ([], ["--mend"]):
        found = run("reconcile", *mend, organisation=organisation)
        assert found.exit_code == 1
        assert re.search(r"change log: the change of i#[-0-9a-f]+#d at .+Z is missing; before it is none", found.stderr)
    assert "0 differences mended; 2 cannot be mended." in found.stdout
