"""The deployed local stack that these tests share: one for a whole run, on a port and with data of its own."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from filelock import FileLock

from arrears.cli.deployment import Deployment
from arrears.cli.local import LocalStack

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture(scope="session")
def stack() -> Deployment:
    """The template as it is, deployed; the first test that asks starts it, whichever worker runs it."""
    run = Path(os.environ["TEST_RUN"])
    run.mkdir(parents=True, exist_ok=True)
    with FileLock(run / "starting.lock"):
        known = LocalStack(run, port=0).facts()
        if not known:
            return LocalStack(run, _free_port()).up()
    return Deployment(**known)


@pytest.fixture(scope="session")
def dynamodb(stack: Deployment) -> Iterator["DynamoDBClient"]:
    """A client of the stack's tables that may do everything, to look behind the endpoints."""
    client = boto3.client("dynamodb", endpoint_url=stack.endpoint_url)
    yield client
    client.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
