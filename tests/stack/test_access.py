"""Keys on the deployed stack, with the functions' own permissions."""

import time
import urllib.error
import urllib.request
from datetime import UTC, datetime

import pytest

from arrears.runtime import Services
from arrears_cli.deployment import Deployment
from stack.conftest import Tenant


def ask(stack: Deployment, key: str) -> int:
    request = urllib.request.Request(f"{stack.base_url}/receivables/overdue", headers={"x-dolfin-api-key": key})
    with urllib.request.urlopen(request, timeout=30) as answer:
        status: int = answer.status
        return status


def test_the_day_a_key_was_last_used_is_noted(stack: Deployment, tenant: Tenant, services: Services) -> None:
    assert ask(stack, tenant.api_key) == 200
    deadline = time.monotonic() + 20
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
