"""What the template promises to who operates it: nothing is lost unseen, and every alarm says where to read on."""

import json
import re
from typing import Any

import pytest

from arrears.metrics import NAMESPACE
from template import ROOT, resources, template, translated

FUNCTIONS = resources("AWS::Serverless::Function")
QUEUES = resources("AWS::SQS::Queue")
ALARMS = resources("AWS::CloudWatch::Alarm")
DEAD_LETTERS = sorted(name for name in QUEUES if name.endswith("DeadLetters"))
OURS = {"RecordsWritten", "RecordsRejected", "Escalations", "SnapshotLag"}
REFUSALS = {"throttled", "unavailable", "internal_error"}


def events(kind: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        (name, event["Properties"])
        for name, function in FUNCTIONS.items()
        for event in function.get("Events", {}).values()
        if event["Type"] == kind
    ]


def target(reference: dict[str, Any]) -> str:
    """The resource that a Fn::GetAtt names."""
    name: str = reference["Fn::GetAtt"][0]
    return name


# --- nothing asynchronous ends nowhere


def test_functions_are_called_in_three_ways() -> None:
    assert {event["Type"] for one in FUNCTIONS.values() for event in one["Events"].values()} == {
        "Api",
        "ScheduleV2",
        "SQS",
    }


@pytest.mark.parametrize(("function", "event"), events("ScheduleV2"))
def test_what_the_schedule_calls_has_a_queue_for_failures(function: str, event: dict[str, Any]) -> None:
    on_failure = FUNCTIONS[function]["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]
    assert target(on_failure["Destination"]) in DEAD_LETTERS
    assert target(event["DeadLetterConfig"]["Arn"]) in DEAD_LETTERS


@pytest.mark.parametrize(("function", "event"), events("SQS"))
def test_what_a_queue_calls_has_a_queue_for_failures(function: str, event: dict[str, Any]) -> None:
    queue = QUEUES[target(event["Queue"])]
    assert target(queue["RedrivePolicy"]["deadLetterTargetArn"]) in DEAD_LETTERS
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # A message that is worked on is not given to another; what cannot be started yet stays in the queue.
    assert queue["VisibilityTimeout"] >= FUNCTIONS[function]["Timeout"] + 300
    assert event["ScalingConfig"]["MaximumConcurrency"] >= 2


@pytest.mark.parametrize(("function", "event"), events("SQS"))
def test_what_keeps_failing_is_a_dead_letter_within_two_hours(function: str, event: dict[str, Any]) -> None:
    queue = QUEUES[target(event["Queue"])]
    assert queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"] <= 2 * 3600


def test_one_retry_is_no_alarm() -> None:
    """A file that failed at the end of a run and is then worked on for a whole run is younger than the alarm's age."""
    retried = QUEUES["ImportQueue"]["VisibilityTimeout"] + FUNCTIONS["ImportDropFunction"]["Timeout"]
    assert ALARMS["ImportsWaitingAlarm"]["Threshold"] > retried


@pytest.mark.parametrize("queue", QUEUES)
def test_a_queue_is_encrypted_and_keeps_its_letters(queue: str) -> None:
    assert QUEUES[queue]["SqsManagedSseEnabled"] is True
    assert queue in DEAD_LETTERS or "RedrivePolicy" in QUEUES[queue]
    if queue in DEAD_LETTERS:
        assert QUEUES[queue]["MessageRetentionPeriod"] == 14 * 86_400


@pytest.mark.parametrize("queue", DEAD_LETTERS)
def test_a_dead_letter_sets_off_an_alarm(queue: str) -> None:
    alarm = ALARMS[f"{queue}Alarm"]
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}]
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")


# --- alarms and the dashboard


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_somebody_and_names_its_section_of_the_runbook(name: str) -> None:
    alarm = ALARMS[name]
    expected = {"Fn::If": ["NotifyOperators", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]}
    assert alarm["AlarmActions"] == alarm["OKActions"] == expected
    assert alarm["TreatMissingData"] in ("breaching", "notBreaching")
    named = re.search(r"Runbook: docs/operations\.md#([a-z-]+)$", alarm["AlarmDescription"])
    assert named is not None
    headings = re.findall(r"^#+ (.*)$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    assert named[1] in {heading.lower().replace(" ", "-") for heading in headings}


def test_alarms_and_dashboard_name_only_metrics_that_the_code_writes() -> None:
    ours = {alarm["MetricName"] for alarm in ALARMS.values() if alarm["Namespace"] == NAMESPACE}
    assert ours <= OURS | REFUSALS
    code = "".join(
        path.read_text() for folder in ("functions", "layers/arrears/arrears") for path in (ROOT / folder).rglob("*.py")
    )
    assert {name for name in OURS if f'measure("{name}"' in code} == OURS


def dashboard() -> dict[str, Any]:
    body = resources("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Fn::Sub"]
    shown: dict[str, Any] = json.loads(body)
    return shown


def test_the_dashboard_shows_every_metric_of_ours_and_every_alarm() -> None:
    text = json.dumps(dashboard())
    assert {name for name in OURS | REFUSALS if name in text} == OURS | REFUSALS
    assert {name for name in ALARMS if f"${{{name}.Arn}}" in text} == ALARMS.keys()
    assert {name for name in QUEUES if f"${{{name}.QueueName}}" in text} == QUEUES.keys()


def test_the_widgets_of_the_dashboard_do_not_overlap() -> None:
    places = [
        (x, y)
        for widget in dashboard()["widgets"]
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) < 24


# --- what parameters switch on


def test_canary_deployments_are_a_switch_and_watch_alarms() -> None:
    kinds = {one["Type"] for one in translated()["Resources"].values()}
    assert not any(kind.startswith("AWS::CodeDeploy") for kind in kinds)
    canary = translated(CanaryDeployment="true")["Resources"]
    groups = [one for one in canary.values() if one["Type"] == "AWS::CodeDeploy::DeploymentGroup"]
    assert len(groups) == len(FUNCTIONS)
    for group in groups:
        alarms = group["Properties"]["AlarmConfiguration"]["Alarms"]
        assert [alarm["Name"]["Ref"] for alarm in alarms] == ["ApiFailuresAlarm", "InternalErrorsAlarm"]


@pytest.mark.parametrize(
    ("switch", "on"),
    [
        ("UseDomain", {"ApiDomain", "ApiDomainMapping"}),
        ("UseHostedZone", {"ApiDomainRecord"}),
        ("CreateWebAcl", {"ManagedWebAcl"}),
        ("UseWebAcl", {"WebAclOfStage"}),
        ("NotifyOperators", {"AlarmTopic"}),
        ("UseOwnKey", {"TableKeyPolicy"}),
        ("CreateApiGatewayAccount", {"ApiGatewayAccountSetting", "ApiGatewayLogsRole"}),
    ],
)
def test_a_switch_has_its_resources(switch: str, on: set[str]) -> None:
    conditional = {name for name, one in template()["Resources"].items() if one.get("Condition") == switch}
    assert conditional == on


def test_every_parameter_is_explained_and_grouped() -> None:
    groups = template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(template()["Parameters"])
    assert all(parameter["Description"] for parameter in template()["Parameters"].values())


def test_only_endings_that_somebody_wants_are_wildcards() -> None:
    """Beside functions' policies: what queues and buckets allow others."""
    for kind in ("AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy"):
        for policy in resources(kind).values():
            for statement in policy["PolicyDocument"]["Statement"]:
                wild = "*" in json.dumps([statement["Action"], statement["Principal"]])
                assert not wild or statement["Effect"] == "Deny"
