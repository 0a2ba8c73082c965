"""The template deployed with other parameters than the local stack's, as far as the emulator knows the resources."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import boto3
import pytest

from arrears_cli.deployment import ADMINISTRATOR, Deployment, administrator, deployed
from local_stack.sam import building, sam

COMMON = {"Stage": "prod", "DeletionProtection": "off", "ApiGatewayAccount": "existing"}
COMBINATIONS = {
    "small": {"MemorySize": "512", "LogRetentionDays": "1", "LogLevel": "ERROR", "ThrottlingRate": "1"},
    "large": {
        "SnapStart": "on",
        "AlarmAddress": "night@example.com",
        "DomainName": "arrears.example.com",
        "CertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/1",
        "LogRetentionDays": "365",
    },
}


@pytest.fixture(params=COMBINATIONS)
def other(request: pytest.FixtureRequest, stack: Deployment) -> Iterator[tuple[str, Deployment]]:
    """Another stack in the emulator, deleted in the end."""
    name = f"arrears-{request.param}"
    parameters = [f"{key}={value}" for key, value in {**COMMON, **COMBINATIONS[request.param]}.items()]
    environment = ADMINISTRATOR | {"AWS_ENDPOINT_URL": str(stack.endpoint_url)}
    with building():
        deploy = ["deploy", "--config-env", "local", "--stack-name", name, "--parameter-overrides", *parameters]
        sam(deploy, environment)
    yield request.param, deployed(name, endpoint_url=stack.endpoint_url)
    client(stack, "cloudformation").delete_stack(StackName=name)


def client(stack: Deployment, service: str) -> "boto3.client":
    return administrator().client(service, endpoint_url=stack.endpoint_url)


def test_it_answers_and_is_as_the_parameters_say(stack: Deployment, other: tuple[str, Deployment]) -> None:
    kind, deployment = other
    with urllib.request.urlopen(f"{deployment.base_url}/openapi.json", timeout=30) as answer:
        assert json.loads(answer.read())["openapi"] == "3.1.0"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{deployment.base_url}/receivables/overdue", timeout=30)
    assert refused.value.code == 401
    name = f"arrears-{kind}"
    found = client(stack, "cloudformation").describe_stack_resources(StackName=name)["StackResources"]
    kinds = {resource["ResourceType"] for resource in found}
    conditional = {"AWS::ApiGateway::DomainName", "AWS::ApiGateway::BasePathMapping", "AWS::SNS::Topic"}
    assert conditional & kinds == (conditional if kind == "large" else set())
    assert "AWS::ApiGateway::Account" not in kinds
    alarms = client(stack, "cloudwatch").describe_alarms(AlarmNamePrefix=name)["MetricAlarms"]
    assert len(alarms) == 10
    assert all(bool(alarm["AlarmActions"]) == (kind == "large") for alarm in alarms)
    assert client(stack, "cloudwatch").get_dashboard(DashboardName=f"{name}-us-east-1")["DashboardBody"]
