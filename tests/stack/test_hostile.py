"""Over HTTP, through the gateway: spoilt requests, and all that the API's own description allows and forbids."""

from random import Random

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.conftest import check
from arrears.runtime import Services
from arrears_cli.deployment import Deployment
from stack.conftest import Tenant
from support.hostile import RECORDS, Credentials, mutated
from support.http import Client
from template import ROOT

TIMES = 300
EXAMPLES = 10
OPERATIONS = [
    found.ok()
    for found in schemathesis.openapi.from_path(
        ROOT / "functions" / "documentation" / "openapi.json"
    ).get_all_operations()
]
AS_DOCUMENTED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture
def who(stack: Deployment, tenant: Tenant, services: Services) -> Credentials:
    assert Client(stack.base_url).record(tenant.api_key, *RECORDS).status == 200
    organisation = services.organisations().get(tenant.organisation_id)
    customer = services.ledger.customer(organisation, "1001")
    assert customer is not None
    integrator = services.users().create_integrator_key(organisation.id)
    token = services.users().create(organisation.id, customer.location.id, "ann", "a long password", integrator, True)
    docusign = f'{{"Username": "ann", "Password": "a long password", "IntegratorKey": "{integrator}"}}'
    return Credentials(tenant.api_key, token, docusign, organisation.id)


def sendable(text: str | None) -> bool:
    """Whether an HTTP client can send it at all."""
    return text is None or not any(char < " " or "\ud800" <= char < "\ue000" or char == "\x7f" for char in text)


def test_a_mutated_request_is_never_answered_by_a_server_error(stack: Deployment, who: Credentials) -> None:
    random, client, ours = Random("hostile over HTTP"), Client(stack.base_url), 0
    for _ in range(TIMES):
        sent = mutated(random, who)
        texts = [
            text for part in (sent.headers, sent.query) for name, values in part.items() for text in (name, *values)
        ]
        if not all(map(sendable, (*texts, sent.path))):
            continue
        body = None if sent.body is None else sent.body.encode("utf-8", "surrogatepass")
        answer = client.send(sent.method, sent.path, sent.headers, sent.query, body)
        assert answer.status < 500, (sent, answer.text)
        if {"X-Correlation-Id", "X-DocuSign-TraceToken"} & answer.headers.keys():
            ours += 1
            if answer.status != 200:
                check(sent.shape, answer.body)
    assert ours > TIMES / 2


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_what_the_description_says(stack: Deployment, who: Credentials, operation: APIOperation) -> None:
    """Schemathesis asks what the description allows; each answer has a status, headers and a body that it describes."""
    docusign = operation.path.startswith("/restapi")
    lago = "/analytics/" in operation.path
    headers = {"x-dolfin-api-key": who.key}
    if docusign or lago:
        headers = {"Authorization": f"Bearer {who.token if docusign else who.key}"}

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(operation.as_strategy())
    def ask(case: schemathesis.Case) -> None:
        case.headers.pop("x-dolfin-organisation-id", None)
        response: Response = case.call(base_url=stack.base_url, headers=headers, timeout=30)
        case.validate_response(response, checks=AS_DOCUMENTED, headers=headers)

    ask()
