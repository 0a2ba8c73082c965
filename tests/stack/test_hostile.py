"""Some hundred spoilt requests over HTTP, through the gateway: the answers are the functions' own or the gateway's."""

from random import Random

import pytest

from arrears.cli.deployment import Deployment
from arrears.runtime import Services
from contract.conftest import check
from stack.conftest import Tenant
from support.hostile import RECORDS, Credentials, mutated
from support.http import Client

TIMES = 300


@pytest.fixture
def who(stack: Deployment, tenant: Tenant, services: Services) -> Credentials:
    assert Client(stack.base_url).record(tenant.api_key, *RECORDS).status == 200
    organisation = services.access.organisation(tenant.organisation_id)
    customer = services.ledger.customer(organisation, "1001")
    assert customer is not None
    integrator = f"IK-{organisation.id}"
    token = services.access.create_user(organisation.id, customer.place.id, "ann", "pw", integrator, True)
    docusign = f'{{"Username": "ann", "Password": "pw", "IntegratorKey": "{integrator}"}}'
    return Credentials(tenant.api_key, token, docusign, organisation.id)


def sendable(text: str | None) -> bool:
    """Whether an HTTP client can send it at all."""
    return text is None or not any(char < " " or "\ud800" <= char < "\ue000" or char == "\x7f" for char in text)


def test_mutated_requests(stack: Deployment, who: Credentials) -> None:
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
