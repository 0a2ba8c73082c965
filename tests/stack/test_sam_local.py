"""Every function in a container, as Lambda runs it, on the local stack's data: the sample events really work."""

import json
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import DockerException

from arrears.cli.containers import invoke, with_facts
from arrears.cli.deployment import Deployment
from arrears.cli.output import Failed
from arrears.runtime import Services
from stack.conftest import Tenant
from template import ROOT, resources

FUNCTIONS = resources("AWS::Serverless::Function")


@pytest.fixture(scope="module", autouse=True)
def engine() -> None:
    try:
        docker.from_env().ping()
    except DockerException:
        pytest.skip("no Docker engine answers, and sam local invoke runs functions in containers")


@pytest.fixture
def facts(stack: Deployment, services: Services, tenant: Tenant) -> dict[str, str]:
    """What the sample events leave open: a tenant with a customer, its key, and a user of the customer's account."""
    organisation = services.access.organisation(tenant.organisation_id)
    customer = {"type": "customer", "id": "C1", "name": "A", "account_number": "1001"}
    services.recorder().record(organisation, [customer], services.clock())
    account = services.ledger.customer(organisation, "1001")
    assert account is not None
    integrator = f"integrator of {organisation.id}"
    return {
        "api_key": tenant.api_key,
        "organisation_id": tenant.organisation_id,
        "account": "1001",
        "user_token": services.access.create_user(organisation.id, account.place.id, "ann", "pw", integrator, True),
        "import_bucket": stack.import_bucket,
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_sample_event_is_answered(stack: Deployment, facts: dict[str, str], function: str) -> None:
    folder = Path(FUNCTIONS[function]["CodeUri"]).name
    event = with_facts((ROOT / "events" / f"{folder}.json").read_text(), facts)
    answer: dict[str, Any] = json.loads(invoke(stack, function, event).stdout)
    if "httpMethod" in event:
        assert answer["statusCode"] == (404 if function == "FallbackFunction" else 200), answer["body"]
    else:
        assert answer.keys() <= {"queued", "batchItemFailures"}
        assert not answer.get("batchItemFailures")


def test_a_function_that_is_not_there_is_named(stack: Deployment) -> None:
    with pytest.raises(Failed, match="no function NobodyFunction"):
        invoke(stack, "NobodyFunction", "{}")
