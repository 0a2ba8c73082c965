"""Deploying into AWS as far as it can be decided before SAM is run: names, settings, parameters, the release."""

import re

import boto3
import pytest
from moto import mock_aws

from arrears_cli.output import Failed
from local_stack import cloud
from local_stack.cloud import KEPT, Target, given_parameters, overrides, release
from template import template


@pytest.fixture(autouse=True)
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud, "samconfig", lambda _: {})


@pytest.mark.parametrize("stage", ["", "local", "default", "Prod", "a b", "with_underscore", "1st", "end-", "x;ls"])
def test_a_name_that_cannot_be_a_stage_is_refused_with_an_example(stage: str) -> None:
    with pytest.raises(Failed, match="STAGE=prod"):
        Target.of(stage)


def test_a_stage_that_makes_the_name_of_the_bucket_too_long_is_refused_before_anything_is_built() -> None:
    longest = "a" * (63 - len("arrears--imports-000000000000-us-east-1"))
    assert Target.of(longest).stack_name == f"arrears-{longest}"
    with pytest.raises(Failed, match="shorten STAGE by 1"):
        Target.of(longest + "a")


def test_without_a_region_or_credentials_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(Failed, match="AWS_PROFILE"):
        Target.of("prod")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(Failed, match="AWS_REGION=eu-central-1 make deploy STAGE=prod"):
        Target.of("prod")


def test_region_and_stack_name_come_from_the_stage_s_section(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud, "samconfig", lambda _: {"region": "eu-west-1", "stack_name": "books"})
    target = Target.of("prod")
    assert (target.region, target.stack_name) == ("eu-west-1", "books")


def test_the_command_line_counts_before_the_file() -> None:
    settings = {"parameter_overrides": ["MemorySize=512", "ScheduleExpression=cron(5 * * * ? *)"]}
    given = given_parameters(settings, "MemorySize=256 DomainName= LogLevel='DEBUG'", "arm64")
    assert given == {
        "MemorySize": "256",
        "ScheduleExpression": "cron(5 * * * ? *)",
        "DomainName": "",
        "LogLevel": "DEBUG",
        "Architecture": "arm64",
    }
    assert given_parameters({"parameter_overrides": 'LogLevel="INFO"'}, "", None) == {"LogLevel": "INFO"}


@pytest.mark.parametrize(
    ("text", "said"), [("MemorySize", "PARAMETERS="), ("MemorySise=512", "no parameter MemorySise")]
)
def test_parameters_that_cannot_be_are_refused(text: str, said: str) -> None:
    with pytest.raises(Failed, match=re.escape(said)):
        given_parameters({}, text, None)


def test_parameters_reach_sam_as_they_are() -> None:
    from samcli.cli.types import CfnParameterOverridesType

    given = {"ScheduleExpression": "cron(5 * * * ? *)", "DomainName": "", "AlarmAddress": "night@example.com"}
    assert CfnParameterOverridesType().convert(tuple(overrides(given)[1:]), None, None) == given


def test_the_release_is_another_one_for_any_change_of_code_or_parameters() -> None:
    first = release("digest", {"MemorySize": "512"})
    assert re.fullmatch("[0-9a-f]{64}", first)
    assert first == release("digest", {"MemorySize": "512", "Release": "before"})
    assert len({first, release("other", {"MemorySize": "512"}), release("digest", {"MemorySize": "256"})}) == 3


class Sam:
    """SAM as it is called: the architecture that is built for, and the commands with their parameters."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.built: list[str] = []
        self.commands: list[list[str]] = []
        monkeypatch.setattr(cloud, "build", self._build)
        monkeypatch.setattr(Target, "sam", lambda _, command: self.commands.append(command))

    def _build(self, architecture: str) -> str:
        self.built.append(architecture)
        return "digest"

    def parameters(self) -> dict[str, str]:
        """Those of the last deployment."""
        words = self.commands[-1][self.commands[-1].index("--parameter-overrides") + 1 :]
        return {name: value.strip('"') for name, value in (word.split("=", 1) for word in words)}


@pytest.fixture
def sam(monkeypatch: pytest.MonkeyPatch) -> Sam:
    return Sam(monkeypatch)


def test_a_first_deployment_asks_nothing_and_builds_what_the_template_runs_on(
    sam: Sam, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Target, "stack", lambda _: None)
    cloud.deploy("prod")
    assert sam.built == ["x86_64"]
    assert sam.commands[0][:2] == ["deploy", "--no-confirm-changeset"]
    parameters = sam.parameters()
    assert parameters.keys() == {"Stage", "Architecture", "Release"}
    assert (parameters["Stage"], parameters["Architecture"]) == ("prod", "x86_64")


def stack(monkeypatch: pytest.MonkeyPatch, **parameters: str) -> None:
    """A deployed one."""
    kept = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
    monkeypatch.setattr(Target, "stack", lambda _: {"StackStatus": "UPDATE_COMPLETE", "Parameters": kept})


def test_a_later_deployment_builds_for_the_stack_that_is_there(sam: Sam, monkeypatch: pytest.MonkeyPatch) -> None:
    stack(monkeypatch, Architecture="arm64")
    cloud.deploy("prod")
    assert sam.built == ["arm64"]
    assert sam.parameters()["Architecture"] == "arm64"
    cloud.deploy("prod", architecture="x86_64")
    assert (sam.built[-1], sam.parameters()["Architecture"]) == ("x86_64", "x86_64")


def test_the_release_knows_the_parameters_that_the_stack_keeps(sam: Sam, monkeypatch: pytest.MonkeyPatch) -> None:
    stack(monkeypatch, Architecture="arm64", MemorySize="512")
    cloud.deploy("prod")
    kept = sam.parameters()["Release"]
    cloud.deploy("prod", parameters="MemorySize=512")
    assert sam.parameters()["Release"] == kept
    cloud.deploy("prod", parameters="MemorySize=256")
    assert sam.parameters()["Release"] != kept


def test_a_stack_that_is_not_there_cannot_be_deleted(sam: Sam, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Target, "stack", lambda _: None)
    with pytest.raises(Failed, match="no stack arrears-prod"):
        cloud.destroy("prod", yes=True)
    assert not sam.commands


def test_a_deletion_names_what_the_template_keeps_and_nothing_else(
    sam: Sam, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    resources, outputs = template()["Resources"], template()["Outputs"]
    stored = ("AWS::DynamoDB::Table", "AWS::S3::Bucket")
    retained = {
        name
        for name, one in resources.items()
        if one["Type"] in stored and one["DeletionPolicy"] in ("Retain", "RetainExceptOnCreate")
    }
    assert {outputs[name]["Value"]["Ref"] for name in KEPT} == retained
    names = [{"OutputKey": name, "OutputValue": f"{name}-1"} for name in (*KEPT, "CountersTableName")]
    monkeypatch.setattr(Target, "stack", lambda _: {"StackStatus": "UPDATE_COMPLETE", "Outputs": names})
    cloud.destroy("prod", yes=True)
    assert "Kept, with what is in them: " + ", ".join(f"{name}-1" for name in KEPT) in capsys.readouterr().err


@mock_aws
def test_the_rules_of_subscribers_are_removed_from_the_bus(capsys: pytest.CaptureFixture[str]) -> None:
    events = boto3.client("events")
    events.create_event_bus(Name="bus")
    events.put_rule(Name="crm", EventBusName="bus", EventPattern='{"source": ["arrears"]}')
    events.put_targets(Rule="crm", EventBusName="bus", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:1:q"}])
    cloud.remove_rules(Target.of("prod"), "bus")
    assert events.list_rules(EventBusName="bus")["Rules"] == []
    assert "crm" in capsys.readouterr().err
