"""The schedule on the deployed stack: it fires, the worker closes months, and escalations reach a subscriber."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from arrears.runtime import Services
from arrears_cli.deployment import Deployment, administrator
from stack.conftest import Tenant
from support.records import invoice

TODAY = datetime.now(UTC).date()
PATIENCE_SECONDS = 300


@pytest.fixture(scope="module")
def aws(stack: Deployment) -> Callable[[str], Any]:
    """Clients of what stands in for AWS, by service."""
    session: boto3.Session = administrator()
    return lambda service: session.client(service, endpoint_url=stack.endpoint_url)


@pytest.fixture(scope="module")
def outputs(stack: Deployment, aws: Callable[[str], Any]) -> dict[str, str]:
    [deployed] = aws("cloudformation").describe_stacks(StackName=stack.stack_name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in deployed["Outputs"]}


@pytest.fixture
def subscribed(aws: Callable[[str], Any], outputs: dict[str, str]) -> Iterator[str]:
    """A queue that a rule on the stack's bus sends escalations to."""
    sqs, events = aws("sqs"), aws("events")
    queue: str = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    where = {"EventBusName": outputs["EventBusName"]}
    pattern = {"source": ["arrears"], "detail-type": ["Escalation recorded"]}
    events.put_rule(Name="subscription", EventPattern=json.dumps(pattern), **where)
    events.put_targets(Rule="subscription", Targets=[{"Id": "queue", "Arn": arn}], **where)
    yield queue
    events.remove_targets(Rule="subscription", Ids=["queue"], **where)
    events.delete_rule(Name="subscription", **where)
    sqs.delete_queue(QueueUrl=queue)


@pytest.fixture
def schedule(aws: Callable[[str], Any], outputs: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The deployed schedule, which a test may set; afterwards it is as it was."""
    scheduler = aws("scheduler")
    every = [
        scheduler.get_schedule(Name=found["Name"], GroupName=found["GroupName"])
        for found in scheduler.list_schedules()["Schedules"]
    ]
    [own] = [one for one in every if outputs["DailyRunFunctionName"] in one["Target"]["Arn"]]
    known = ("Name", "GroupName", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target")
    settings = {name: own[name] for name in known if name in own}
    yield settings
    scheduler.update_schedule(**settings)


@pytest.fixture
def old_tenant(services: Services) -> Tenant:
    """An organisation that is a year old, so that what its customers have crossed lately is sent."""
    a_year_ago = datetime.now(UTC) - timedelta(days=365)
    then = replace(services, clock=lambda: a_year_ago)
    organisation = then.organisations().create("Old", "Pacific/Kiritimati", "GBP")
    return Tenant(organisation.id, services.api_keys().create(organisation.id))


def ask(stack: Deployment, tenant: Tenant, path: str, records: list[Any] | None = None) -> Any:
    headers = {"x-dolfin-api-key": tenant.api_key, "Content-Type": "application/json"}
    body = None if records is None else json.dumps({"records": records}).encode()
    request = urllib.request.Request(stack.base_url + path, headers=headers, data=body)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def until(done: Callable[[], Any]) -> Any:
    """What `done` gives once it is something."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := done()):
        assert time.monotonic() < deadline
        time.sleep(1)
    return found


def received(aws: Callable[[str], Any], queue: str) -> list[Any]:
    """The escalations that have come so far, taken from the queue."""
    found = []
    while messages := aws("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            found.append(json.loads(message["Body"]))
            aws("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return found


def late_invoice(id: str, days_overdue: int) -> dict[str, Any]:
    due = TODAY - timedelta(days=days_overdue)
    dates = {"issued_on": str(due - timedelta(days=30)), "due_on": str(due)}
    return invoice(id, customer_id=f"C-{id}", currency="GBP", total="10.00", **dates)


def test_the_schedule_closes_months_and_sends_escalations(
    stack: Deployment,
    aws: Callable[[str], Any],
    outputs: dict[str, str],
    schedule: dict[str, Any],
    subscribed: str,
    old_tenant: Tenant,
) -> None:
    assert schedule["ScheduleExpression"] == "cron(5 * * * ? *)"
    results = ask(stack, old_tenant, "/ledger/records", [late_invoice("1", 70), late_invoice("2", 20)])["results"]
    assert {result["result"] for result in results} == {"created"}
    aws("scheduler").update_schedule(**{**schedule, "ScheduleExpression": "rate(1 minute)"})

    # Late postings are waited for on the first three days of a month.
    last_month = ((TODAY - timedelta(days=3)).replace(day=1) - timedelta(days=1)).isoformat()[:7]

    def closed() -> list[Any]:
        months: list[Any] = ask(stack, old_tenant, "/receivables/overdue/history")["months"]
        return months if last_month in {month["month"] for month in months} else []

    # Escalations are written before months are closed, so with the last month all of them are there.
    months = until(closed)
    escalations = ask(stack, old_tenant, "/escalations")["escalations"]

    moves = [(record["to"], record["historical"]) for record in escalations]
    assert sorted(moves) == [
        ("escalation", False),
        ("final", False),
        ("firm", False),
        ("firm", False),
        ("gentle", False),
        ("gentle", False),
    ]
    customer = escalations[0]["customerId"]
    own = ask(stack, old_tenant, f"/escalations?customerId={customer}")["escalations"]
    assert own == [record for record in escalations if record["customerId"] == customer]
    assert months[-1]["currencies"][0]["closingOverdue"] > 0

    events: dict[str, Any] = {}

    def all_arrived() -> bool:
        for event in received(aws, subscribed):
            if event["detail"]["organisationId"] == old_tenant.organisation_id:
                events[event["detail"]["id"]] = event
        return len(events) == len(escalations)

    until(all_arrived)
    for record in escalations:
        event = events[record["id"]]
        assert (event["source"], event["detail-type"]) == ("arrears", "Escalation recorded")
        assert event["detail"] == {"organisationId": old_tenant.organisation_id, **record}

    # The queue itself may still hold what another test's organisation left: a failed message is hidden for 20 minutes.
    letters = aws("sqs").receive_message(QueueUrl=outputs["CloseDeadLettersUrl"], MaxNumberOfMessages=10)
    assert old_tenant.organisation_id not in json.dumps(letters.get("Messages", []))
