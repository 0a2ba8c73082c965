"""No secret is in any log of a run, nor in what the stack says of itself."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from arrears.runtime import Services
from arrears_cli.deployment import Deployment, administrator
from stack.conftest import Tenant
from support.http import Client
from support.records import customer, invoice

ANY_KEY = re.compile(r"ar_[0-9a-f]{32}_[0-9a-f]{12}_[0-9a-f]{8}|ut_[0-9a-f]{32}_[0-9a-f]{32}_[0-9a-f]{8}")
CUSTOMER = "22222222-2222-4333-8444-555555555555"
PASSWORD, NUMBER, NAME = "a pass word 4711", "account-number-4711", "Ann Onymous"


def logs(stack: Deployment) -> Iterator[tuple[str, str]]:
    """Every line of every log group, and of the emulator's own log; with where it is."""
    client = administrator().client("logs", endpoint_url=stack.endpoint_url)
    for groups in client.get_paginator("describe_log_groups").paginate():
        for group in groups["logGroups"]:
            for events in client.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
                for event in events["events"]:
                    yield group["logGroupName"], event["message"]


def asked(stack: Deployment, services: Services, tenant: Tenant) -> list[str]:
    """Uses every kind of secret, rightly and wrongly; all that must not be repeated anywhere."""
    client = Client(stack.base_url)
    key, id_ = tenant.api_key, tenant.organisation_id
    payload = customer(CUSTOMER, name=NAME, account_number=NUMBER)
    owed = invoice(customer_id=CUSTOMER, currency="GBP", total="1", issued_on="2024-01-01", due_on=None)
    assert client.record(key, payload, owed).status == 200
    integrator = services.users().create_integrator_key(id_)
    token = services.users().create(id_, CUSTOMER, "ann", PASSWORD, integrator, True)
    login = {"Username": "ann", "Password": PASSWORD, "IntegratorKey": integrator}
    statuses = []
    for wrong in ("", "x"):
        credentials = json.dumps({**login, "Password": PASSWORD + wrong})
        statuses += [
            client.dolfin(key + wrong).status,
            client.dolfin(key + wrong, "/payables/overdue").status,
            client.dolfin(key + wrong, "/escalations").status,
            client.lago(key + wrong, "overdue_balance").status,
            client.docusign(NUMBER, {"X-DocuSign-Authentication": credentials}).status,
            client.docusign(NUMBER, {"Authorization": f"Bearer {token}{wrong}"}).status,
            client.send("GET", "/nothing", {"x-dolfin-api-key": key + wrong}).status,
            client.record(key + wrong, {**payload, "name": NAME}).status,
        ]
    assert statuses == [200] * 6 + [404, 200] + [401] * 6 + [404, 401]
    secret = services.organisations().get(id_).cursor_secret
    return [key, key.split("_")[3], token, token.split("_")[3], PASSWORD, integrator, secret, NUMBER, NAME]


@pytest.fixture
def secrets(stack: Deployment, services: Services, tenant: Tenant) -> list[str]:
    return asked(stack, services, tenant)


def test_no_secret_is_in_a_log(stack: Deployment, secrets: list[str], tenant: Tenant) -> None:
    answered = 0
    for group, line in logs(stack):
        assert [secret for secret in secrets if secret in line] == [], group
        assert not ANY_KEY.search(line), group
        answered += '"answered"' in line
    assert answered >= 10, "the logs that were looked through are not the functions'"


def test_no_secret_is_in_what_the_emulator_writes_down(
    stack: Deployment, secrets: list[str], services: Services
) -> None:
    """Nor what functions write past their log, which it shows."""
    import os

    text = (Path(os.environ["TEST_RUN"]) / "ministack.log").read_text(errors="replace")
    assert [secret for secret in secrets if secret in text] == []
    assert not ANY_KEY.search(text)


def test_no_secret_is_in_the_stacks_description(stack: Deployment, secrets: list[str]) -> None:
    session = administrator()
    formation = session.client("cloudformation", endpoint_url=stack.endpoint_url)
    functions = session.client("lambda", endpoint_url=stack.endpoint_url)
    described = json.dumps(formation.describe_stacks(StackName=stack.stack_name), default=str)
    for page in functions.get_paginator("list_functions").paginate():
        described += json.dumps(page, default=str)
    assert "ReceivablesOverdue" in described
    assert [secret for secret in secrets if secret in described] == []
    assert not ANY_KEY.search(described)


def test_keys_are_stored_as_hashes(services: Services, secrets: list[str]) -> None:
    for page in services.client.get_paginator("scan").paginate(TableName=services.settings.access_table):
        text = json.dumps(page["Items"], default=str)
        # The secret that signs cursors is kept, in the table that is encrypted.
        assert [secret for secret in secrets[:6] if secret in text] == []
