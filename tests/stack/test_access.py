"""Keys on the deployed stack, with the functions' own permissions."""

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from arrears.ledger.errors import ArrearsError
from arrears.runtime import Services
from arrears.storage.access.authentication import Authentication
from arrears.storage.access.counters import Counters
from arrears.storage.access.guess_limit import GUESSES
from arrears.storage.access.table import AccessTable
from arrears_cli.deployment import Deployment
from stack.conftest import Tenant
from support.access import CUSTOMER, PASSWORD
from support.http import Answer, Client


def ask(stack: Deployment, key: str) -> int:
    request = urllib.request.Request(f"{stack.base_url}/receivables/overdue", headers={"x-dolfin-api-key": key})
    with urllib.request.urlopen(request, timeout=30) as answer:
        status: int = answer.status
        return status


def test_the_day_a_key_was_last_used_is_noted(stack: Deployment, tenant: Tenant, services: Services) -> None:
    assert ask(stack, tenant.api_key) == 200
    deadline = time.monotonic() + 90
    while (used := services.api_keys().all(tenant.organisation_id)[0].last_used_on) is None:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert abs(used - datetime.now(UTC).date().toordinal()) <= 1


def test_a_revoked_key_that_was_never_cached_is_refused(stack: Deployment, tenant: Tenant, services: Services) -> None:
    services.api_keys().revoke(tenant.organisation_id, tenant.api_key.split("_")[2])
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(stack, tenant.api_key)
    with caught.value as error:
        assert error.code == 401


def test_wrong_passwords_at_once_do_not_pass_the_limit(stack: Deployment, tenant: Tenant, services: Services) -> None:
    """24 containers try a wrong password at the same moment. The table itself counts; then the function asks it."""
    client, users = Client(stack.base_url), services.users()
    customer = {"type": "customer", "id": CUSTOMER, "name": "A", "account_number": "1001"}
    assert client.record(tenant.api_key, customer).status == 200
    integrator = users.create_integrator_key(tenant.organisation_id)
    users.create(tenant.organisation_id, CUSTOMER, "ann", PASSWORD, integrator, True)
    users.create(tenant.organisation_id, CUSTOMER, "bob", PASSWORD, integrator, True)

    def ask(username: str) -> Answer:
        login = {"Username": username, "Password": PASSWORD, "IntegratorKey": integrator}
        return client.docusign("1001", {"X-DocuSign-Authentication": json.dumps(login)})

    def guess(number: int) -> str:
        with pytest.raises(ArrearsError) as caught:
            processes[number].authenticate_user(integrator, "ann", f"wrong guess {number}", "127.0.0.1")
        return caught.value.code

    table = AccessTable(services.client, services.settings.access_table)
    counters = Counters(services.client, services.settings.counters_table)
    processes = [Authentication(table, counters, services.clock) for _ in range(24)]
    with ThreadPoolExecutor(24) as pool:
        codes = list(pool.map(guess, range(24)))
    assert (codes.count("unknown_user"), codes.count("rate_limited")) == (GUESSES, 24 - GUESSES)
    assert ask("ann").status == 429
    assert ask("bob").status == 200
