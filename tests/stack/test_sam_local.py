"""Every function in a container, as Lambda runs it, on the local stack's data: invoked, and served as the API."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import docker
import pytest

from arrears.runtime import Services
from arrears_cli.deployment import Deployment
from arrears_cli.output import Failed
from local_stack.containers import docker_engine, invoke, serving, with_values
from stack.conftest import Tenant, free_port
from template import ROOT, resources

FUNCTIONS = resources("AWS::Serverless::Function")


@pytest.fixture(scope="module", autouse=True)
def engine() -> None:
    try:
        docker_engine()
    except Failed:
        pytest.skip("no Docker engine answers, and sam local runs functions in containers")


@pytest.fixture
def description(stack: Deployment, services: Services, tenant: Tenant) -> dict[str, str]:
    """What the sample events leave open: a tenant with the parties they name, its key, and a user of the account."""
    organisation = services.organisations().get(tenant.organisation_id)
    customer = {"type": "customer", "id": "C-1001", "name": "A", "account_number": "1001"}
    supplier = {"type": "supplier", "id": "S-2001", "name": "B"}
    services.recorder().record(organisation, [customer, supplier], services.clock())
    account = services.ledger.customer(organisation, "1001")
    assert account is not None
    integrator = services.users().create_integrator_key(organisation.id)
    return {
        "api_key": tenant.api_key,
        "organisation_id": tenant.organisation_id,
        "account": "1001",
        "user_token": services.users().create(
            organisation.id, account.location.id, "ann", "a long password", integrator, True
        ),
        "import_bucket": stack.import_bucket,
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_sample_event_is_answered(stack: Deployment, description: dict[str, str], function: str) -> None:
    folder = Path(FUNCTIONS[function]["CodeUri"]).name
    event = with_values((ROOT / "events" / f"{folder}.json").read_text(), description)
    answer: dict[str, Any] = json.loads(invoke(stack, function, event).stdout)
    if "httpMethod" in event:
        assert answer["statusCode"] == (404 if function == "FallbackFunction" else 200), answer["body"]
    else:
        assert answer.keys() <= {"queued", "batchItemFailures"}
        assert not answer.get("batchItemFailures")


def test_a_function_that_is_not_there_is_named(stack: Deployment) -> None:
    with pytest.raises(Failed, match="no function NobodyFunction"):
        invoke(stack, "NobodyFunction", "{}")


@pytest.fixture(scope="module")
def served(stack: Deployment) -> Iterator[str]:
    port = free_port()
    with serving(stack, port):
        yield f"http://127.0.0.1:{port}"


def sample(folder: str, description: dict[str, str]) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(with_values((ROOT / "events" / f"{folder}.json").read_text(), description))
    return event


def answered(base_url: str, event: dict[str, Any]) -> tuple[int, Any]:
    query = "&".join(f"{name}={value}" for name, value in (event["queryStringParameters"] or {}).items())
    own = {name: event["headers"][name] for name in event["headers"] if name not in ("Host", "Accept")}
    body = event["body"].encode() if event["body"] else None
    request = Request(f"{base_url}{event['path']}?{query}", body, own, method=event["httpMethod"])
    try:
        with urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        return error.code, json.load(error)


ROUTED = sorted(
    Path(function["CodeUri"]).name
    for function in FUNCTIONS.values()
    if any(event["Type"] == "Api" for event in function.get("Events", {}).values())
)


@pytest.mark.parametrize("folder", ROUTED)
def test_the_served_api_answers_as_the_gateway_does(
    stack: Deployment, description: dict[str, str], served: str, folder: str
) -> None:
    event = sample(folder, description)
    status, body = answered(served, event)
    assert status == (404 if folder == "fallback" else 200), body
    if event["httpMethod"] == "GET":
        theirs = answered(stack.base_url, event)
        assert _timeless((status, body)) == _timeless(theirs)


def _timeless(answer: tuple[int, Any]) -> tuple[int, Any]:
    """Without what differs from one request to the next."""
    status, body = answer
    return status, {name: value for name, value in body.items() if name != "instance"}


def test_what_sam_leaves_behind_is_taken_away(stack: Deployment, description: dict[str, str]) -> None:
    before = {container.id for container in docker.from_env().containers.list()}
    port = free_port()
    with serving(stack, port) as process:
        answered(f"http://127.0.0.1:{port}", sample("documentation", description))
        assert {container.id for container in docker.from_env().containers.list()} > before
        process.send_signal(signal.SIGSTOP)
    assert {container.id for container in docker.from_env().containers.list()} <= before


def test_a_port_that_is_taken_is_named(stack: Deployment, served: str) -> None:
    port = int(served.rpartition(":")[2])
    with pytest.raises(Failed, match=f"answers on port {port}"), serving(stack, port):
        pass
