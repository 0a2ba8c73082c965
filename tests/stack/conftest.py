"""The deployed local stack that these tests share: one for a whole run, on a port and with data of its own."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from arrears.runtime import Services, Settings, build
from arrears_cli.deployment import Deployment
from local_stack.local import LocalStack


@pytest.fixture(scope="session")
def stack() -> Deployment:
    """The template as it is, deployed; the first test that asks starts it, whichever worker runs it."""
    run = Path(os.environ["TEST_RUN"])
    run.mkdir(parents=True, exist_ok=True)
    with FileLock(run / "starting.lock"):
        known = LocalStack(run, port=0).read_description()
        if not known:
            return LocalStack(run, free_port()).up()
    return Deployment(**known)


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def services(stack: Deployment) -> Services:
    """The stack's stores, by the administrator's hand: to prepare books, and to look behind the endpoints."""
    environment = stack.environment()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        return build(Settings.from_environment(environment))


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organisation of the stack and a key that may do everything in it."""

    organisation_id: str
    api_key: str


@pytest.fixture
def new_tenant(services: Services) -> Callable[..., Tenant]:
    """Make an organisation with an empty book: new_tenant(), new_tenant(timezone="Asia/Tokyo", currency="JPY")."""

    def make(timezone: str = "Europe/London", currency: str = "GBP") -> Tenant:
        organisation = services.organisations().create("Test", timezone, currency)
        return Tenant(organisation.id, services.api_keys().create(organisation.id))

    return make


@pytest.fixture
def tenant(new_tenant: Callable[..., Tenant]) -> Tenant:
    """An organisation of the test's own, with an empty book in pounds."""
    return new_tenant()
