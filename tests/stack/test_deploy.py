"""`make deploy` and `make destroy` with other parameters than the local stack's, as far as the emulator knows them."""

import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator

import boto3
import pytest

from arrears_cli.deployment import ADMINISTRATOR, Deployment, administrator, deployed
from local_stack.cloud import KEPT
from template import ROOT, resources

COMMON = {"DeletionProtection": "off", "PlainHttp": "allowed"}
COMBINATIONS = {
    "small": {
        "MemorySize": "512",
        "LogRetentionDays": "1",
        "LogLevel": "ERROR",
        "ThrottlingRate": "1",
        "ApiGatewayAccount": "existing",
    },
    "large": {
        "SnapStart": "on",
        "AlarmAddress": "night@example.com",
        "DomainName": "arrears.example.com",
        "CertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/1",
        "LogRetentionDays": "365",
        "ScheduleExpression": "cron(5 3 * * ? *)",
    },
}


def make(target: str, stack: Deployment, **settings: str) -> subprocess.CompletedProcess[str]:
    """make with the AWS settings of the emulator's administrator, and nobody there to answer a question."""
    environment = os.environ | ADMINISTRATOR | {"AWS_ENDPOINT_URL": str(stack.endpoint_url)}
    words = [f"{name}={value}" for name, value in settings.items()]
    run = subprocess.run(
        ["make", target, *words],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run


def given(parameters: dict[str, str]) -> str:
    return " ".join(f"{name}='{value}'" for name, value in parameters.items())


@pytest.fixture(scope="module", params=COMBINATIONS)
def other(request: pytest.FixtureRequest, stack: Deployment) -> Iterator[tuple[str, Deployment]]:
    """Another stack in the emulator, deployed and destroyed as a newcomer would."""
    kind = request.param
    make("deploy", stack, STAGE=kind, PARAMETERS=given(COMMON | COMBINATIONS[kind]))
    yield kind, deployed(f"arrears-{kind}", endpoint_url=stack.endpoint_url)
    bus = f"arrears-{kind}-escalations"
    events = client(stack, "events")
    events.put_rule(Name="crm", EventBusName=bus, EventPattern='{"source": ["arrears"]}')
    events.put_targets(
        Rule="crm", EventBusName=bus, Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}]
    )
    kept = client(stack, "cloudformation").describe_stacks(StackName=f"arrears-{kind}")["Stacks"][0]["Outputs"]
    destroyed = make("destroy", stack, STAGE=kind, YES="1")
    assert "Removing the rule crm" in destroyed.stderr
    assert all(one["OutputValue"] in destroyed.stderr for one in kept if one["OutputKey"] in KEPT)
    assert bus not in [one["Name"] for one in events.list_event_buses()["EventBuses"]]


def client(stack: Deployment, service: str) -> "boto3.client":
    return administrator().client(service, endpoint_url=stack.endpoint_url)


def test_it_answers_and_is_as_the_parameters_say(stack: Deployment, other: tuple[str, Deployment]) -> None:
    kind, deployment = other
    with urllib.request.urlopen(f"{deployment.base_url}/openapi.json", timeout=90) as answer:
        assert json.loads(answer.read())["openapi"] == "3.1.0"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{deployment.base_url}/receivables/overdue", timeout=90)
    assert refused.value.code == 401
    name = f"arrears-{kind}"
    cloudformation = client(stack, "cloudformation")
    kinds = {one["ResourceType"] for one in cloudformation.describe_stack_resources(StackName=name)["StackResources"]}
    conditional = {
        "AWS::ApiGateway::DomainName",
        "AWS::ApiGateway::BasePathMapping",
        "AWS::SNS::Topic",
        "AWS::ApiGateway::Account",
    }
    assert conditional & kinds == (conditional if kind == "large" else set())
    [described] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    told = {one["ParameterKey"]: one["ParameterValue"] for one in described["Parameters"]}
    assert told.items() >= (COMMON | COMBINATIONS[kind] | {"Stage": kind}).items()
    alarms = client(stack, "cloudwatch").describe_alarms(AlarmNamePrefix=name)["MetricAlarms"]
    assert len(alarms) == len(resources("AWS::CloudWatch::Alarm"))
    assert all(bool(alarm["AlarmActions"]) == (kind == "large") for alarm in alarms)
    assert client(stack, "cloudwatch").get_dashboard(DashboardName=f"{name}-us-east-1")["DashboardBody"]
