"""Every function in a container, as Lambda runs it, on the local stack's data: the sample events really work."""

import json
from collections.abc import Callable
from typing import Any

import docker
import pytest
from docker.errors import DockerException

from arrears.cli.containers import invoke, with_facts
from arrears.cli.deployment import Deployment
from stack.conftest import Tenant
from template import ROOT

STATUS = {
    "ReceivablesOverdueFunction": 200,
    "PayablesOverdueFunction": 200,
    "OverdueBalanceFunction": 200,
    "InvoiceCollectionFunction": 200,
    "LedgerRecordsFunction": 200,
    "FallbackFunction": 404,
}


@pytest.fixture(scope="module", autouse=True)
def engine() -> None:
    try:
        docker.from_env().ping()
    except DockerException:
        pytest.skip("no Docker engine answers, and sam local invoke runs functions in containers")


@pytest.fixture
def run(stack: Deployment, tenant: Tenant) -> Callable[[str], dict[str, Any]]:
    """Run a function on its sample event, with the tenant's key in it."""

    def run(function: str) -> dict[str, Any]:
        [event] = [
            path
            for path in (ROOT / "events").glob("*.json")
            if path.stem.replace("_", "") + "function" == function.lower()
        ]
        facts = {"api_key": tenant.api_key, "organisation_id": tenant.organisation_id}
        answer: dict[str, Any] = json.loads(invoke(stack, function, with_facts(event.read_text(), facts)).stdout)
        return answer

    return run


@pytest.mark.parametrize("function", STATUS)
def test_a_sample_event_is_answered(function: str, run: Callable[[str], dict[str, Any]]) -> None:
    answer = run(function)
    assert answer["statusCode"] == STATUS[function], answer["body"]
    assert isinstance(json.loads(answer["body"]), dict)
