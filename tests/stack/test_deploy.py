"""`make deploy` and `make destroy` with other parameters than the local stack's, as far as the emulator knows them."""

import json
import os
import subprocess
import urllib.error
import urllib.request
from hashlib import sha256

import boto3
import pytest
from samtranslator.yaml_helper import yaml_parse

from arrears_cli.deployment import ADMINISTRATOR, Deployment, administrator, deployed
from template import ROOT, resources, translate

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


def client(stack: Deployment, service: str) -> "boto3.client":
    return administrator().client(service, endpoint_url=stack.endpoint_url)


@pytest.mark.parametrize("kind", COMBINATIONS)
def test_a_stack_is_deployed_as_its_parameters_say_and_destroyed_but_for_its_books(
    stack: Deployment, kind: str
) -> None:
    make("deploy", stack, STAGE=kind, PARAMETERS=given(COMMON | COMBINATIONS[kind]))
    deployment = deployed(f"arrears-{kind}", endpoint_url=stack.endpoint_url)
    status, body = ask(f"{deployment.base_url}/openapi.json")
    assert status == 200
    assert json.loads(body)["openapi"] == "3.1.0"
    assert ask(f"{deployment.base_url}/receivables/overdue")[0] == 401
    check_resources(stack, kind)
    check_destruction(stack, kind, deployment)


def ask(url: str) -> tuple[int, bytes]:
    """Status and body. A machine under load may not start a function within the 28 seconds that it has: asked again."""
    for _ in range(4):
        try:
            with urllib.request.urlopen(url, timeout=90) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return error.code, error.read()
            refused = error
    raise AssertionError(f"{url} fails again and again: {refused.code} {refused.read()!r}")


def check_resources(stack: Deployment, kind: str) -> None:
    name = f"arrears-{kind}"
    cloudformation = client(stack, "cloudformation")
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    kinds = {one["ResourceType"] for page in pages for one in page["StackResourceSummaries"]}
    conditional = {
        "AWS::ApiGateway::DomainName",
        "AWS::ApiGateway::BasePathMapping",
        "AWS::SNS::Topic",
        "AWS::ApiGateway::Account",
    }
    assert conditional & kinds == (conditional if kind == "large" else set())
    [described] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    parameters = {one["ParameterKey"]: one["ParameterValue"] for one in described["Parameters"]}
    assert parameters.items() >= (COMMON | COMBINATIONS[kind] | {"Stage": kind}).items()
    alarms = client(stack, "cloudwatch").describe_alarms(AlarmNamePrefix=name)["MetricAlarms"]
    assert len(alarms) == len(resources("AWS::CloudWatch::Alarm"))
    assert all(bool(alarm["AlarmActions"]) == (kind == "large") for alarm in alarms)
    assert client(stack, "cloudwatch").get_dashboard(DashboardName=f"{name}-us-east-1")["DashboardBody"]


def check_destruction(stack: Deployment, kind: str, deployment: Deployment) -> None:
    """With a subscriber's rule on the bus; what is named as kept is there, and nothing else is."""
    events = client(stack, "events")
    events.put_rule(Name="crm", EventBusName=deployment.event_bus, EventPattern='{"source": ["arrears"]}')
    events.put_targets(
        Rule="crm",
        EventBusName=deployment.event_bus,
        Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}],
    )
    messages = make("destroy", stack, STAGE=kind, YES="1").stderr
    assert "Removing the rule crm" in messages
    kept = [deployment.ledger_table, deployment.access_table, deployment.history_table, deployment.import_bucket]
    assert "Kept, with what is in them: " + ", ".join(kept) in messages.splitlines()
    tables = client(stack, "dynamodb").get_paginator("list_tables").paginate()
    buckets = client(stack, "s3").list_buckets()["Buckets"]
    there = {name for page in tables for name in page["TableNames"]} | {one["Name"] for one in buckets}
    assert {name for name in there if name.startswith(f"arrears-{kind}-")} == set(kept)
    assert deployment.event_bus not in [one["Name"] for one in events.list_event_buses()["EventBuses"]]
    groups = client(stack, "logs").describe_log_groups(logGroupNamePrefix=f"arrears-{kind}-")["logGroups"]
    assert groups == []


def test_a_parameter_of_another_release_reaches_what_the_api_calls(stack: Deployment) -> None:
    """Translated here with the parameters, as CloudFormation does: the emulator's own translator gets none of them,
    sees no release, and so publishes nothing when a parameter changes."""
    cloudformation, functions = client(stack, "cloudformation"), client(stack, "lambda")
    packaged = cloudformation.get_template(StackName=stack.stack_name, TemplateStage="Original")["TemplateBody"]
    name = "arrears-versions"
    found = []
    for change, memory in ((cloudformation.create_stack, 512), (cloudformation.update_stack, 768)):
        given = COMMON | {"Stage": "versions", "ApiGatewayAccount": "existing", "MemorySize": str(memory)}
        given["Release"] = sha256(json.dumps(given).encode()).hexdigest()
        text = json.dumps(translate(yaml_parse(packaged), given))
        client(stack, "s3").put_object(Bucket=stack.import_bucket, Key="translated.json", Body=text)
        change(
            StackName=name,
            TemplateURL=f"{stack.endpoint_url}/{stack.import_bucket}/translated.json",
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        done = cloudformation.get_waiter("stack_create_complete" if memory == 512 else "stack_update_complete")
        done.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
        made = cloudformation.describe_stack_resource(StackName=name, LogicalResourceId="LedgerRecordsFunction")
        function = made["StackResourceDetail"]["PhysicalResourceId"]
        live = functions.get_function_configuration(FunctionName=function, Qualifier="live")
        found.append((live["Version"], live["MemorySize"], live["Description"].endswith(given["Release"])))
    cloudformation.delete_stack(StackName=name)
    assert found == [("1", 512, True), ("2", 768, True)]
