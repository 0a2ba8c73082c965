"""What the command works on: a stack by name, the local stack, an organisation by name or id."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, NoRegionError

from arrears.runtime import Services
from arrears_cli import connection, deployment
from arrears_cli.connection import DESCRIPTION
from arrears_cli.output import Failed
from support.command_line import run, value

UNKNOWN = "4e0b2b6c-6d9c-4a55-9e8e-0c6a54b8a0a1"


def created(services: Services, name: str) -> str:
    return services.organisations().create(name, "UTC", "EUR").id


def test_an_organisation_is_found_by_its_name_in_any_case_and_spacing(services: Services) -> None:
    id_ = created(services, "Larkfield Coffee")
    created(services, "Larkfield")
    for name in ("Larkfield Coffee", "larkfield  coffee", id_, id_.upper()):
        services.organisations().set_policy(id_, {"grace_days": 3})
        assert value("policy", "show", "--organisation", name)["grace_days"] == 3


def test_a_name_of_several_organisations_lists_their_ids(services: Services) -> None:
    ids = sorted(created(services, name) for name in ("Acme", "ACME"))
    refused = run("key", "list", "--organisation", "acme")
    assert refused.exit_code == 1
    assert f"2 organisations are called acme; name one by its id: {ids[0]}, {ids[1]}." in refused.stderr


def test_an_unknown_name_or_id_is_said(services: Services) -> None:
    for command in (("key", "list"), ("receivables",), ("org", "audit"), ("org", "delete", "--without-export")):
        assert "no organisation called Nobody" in run(*command, "--organisation", "Nobody").stderr
    assert f"There is no organisation {UNKNOWN}." in run("key", "list", "--organisation", UNKNOWN).stderr


def test_the_environment_names_the_organisation_but_not_for_what_cannot_be_undone(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    created(services, "Acme")
    monkeypatch.setenv("ARREARS_ORGANISATION", "Acme")
    assert value("key", "list") == []
    assert value("receivables")["customers"] == []
    for command in (("org", "delete", "--without-export"), ("customer", "erase", "--customer", "C")):
        assert run(*command).exit_code == 2


def test_without_an_organisation_a_report_says_how_to_name_one(services: Services) -> None:
    refused = run("receivables")
    assert refused.exit_code == 1
    assert "--organisation or ARREARS_ORGANISATION" in refused.stderr


def test_where_nothing_is_named_every_choice_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(connection, "CHECKOUT", tmp_path)
    said = run("org", "list").stderr
    for choice in ("--stack", "AWS_REGION", "ARREARS_URL", "ARREARS_API_KEY", "make up"):
        assert choice in said


def test_the_local_stack_of_the_checkout_is_found_from_any_folder(
    services: Services, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = created(services, "Acme")
    monkeypatch.setattr(connection, "CHECKOUT", Path.cwd())
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert [each["organisation_id"] for each in value("org", "list")] == [id_]


def test_a_local_stack_that_does_not_run_is_said(services: Services) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    described = json.loads(DESCRIPTION.read_text())
    DESCRIPTION.write_text(json.dumps({**described, "endpoint_url": f"http://127.0.0.1:{port}"}))
    refused = run("org", "list")
    assert refused.exit_code == 1
    assert "does not run: start it with `make up`" in refused.stderr


def client_error(message: str) -> ClientError:
    return ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStacks")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (client_error("Stack with id live does not exist"), "There is no stack live in eu-central-1"),
        (client_error("User is not authorized"), "AWS does not describe the stack live: .* not authorized"),
        (NoRegionError(), "set AWS_REGION, or write --stack live@"),
        (NoCredentialsError(), "no AWS credentials.*ARREARS_URL and ARREARS_API_KEY"),
        (KeyError("LedgerTableName"), "live is not Arrears: it has no output LedgerTableName"),
    ],
)
def test_what_is_missing_in_aws_is_said(error: Exception, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def deployed(*_: Any) -> None:
        raise error

    monkeypatch.setattr(deployment, "deployed", deployed)
    with pytest.raises(Failed, match=said):
        deployment.find("live", "eu-central-1")


def test_the_region_is_said_with_the_stack_or_by_the_usual_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def find(stack: str, region: str | None) -> None:
        asked.append((stack, region))
        raise Failed("enough")

    monkeypatch.setattr(deployment, "find", find)
    run("org", "list", "--stack", "live@eu-central-1")
    monkeypatch.setenv("ARREARS_STACK", "live")
    run("org", "list")
    assert asked == [("live", "eu-central-1"), ("live", None)]
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    assert deployment.chosen_region() == "eu-west-3"


def test_administration_says_that_it_needs_access_to_aws(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_URL", "https://api.example.com/live")
    for command in (("key", "create", "--organisation", "Acme"), ("org", "list"), ("close", "--organisation", "Acme")):
        refused = run(*command)
        assert refused.exit_code == 1
        assert "needs access to them: name the stack with --stack" in refused.stderr
