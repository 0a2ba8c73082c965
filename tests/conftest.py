"""What all tests share: no test reaches AWS, sample events, and tables for the fast storage tests."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, settings
from moto import mock_aws

from local_stack.local import LocalStack
from support.dynamodb import serving
from template import ROOT, create_tables

RUNS = ROOT / ".local" / "test-runs"
"""One folder per test run, named by its process, for the local stack that its tests share."""


def pytest_configure(config: pytest.Config) -> None:
    """Name the run's folder before pytest-xdist starts workers, and clear up after runs that were killed."""
    if hasattr(config, "workerinput"):
        return
    for run in RUNS.glob("*"):
        if not Path(f"/proc/{run.name}").exists():
            clear(run)
    os.environ["TEST_RUN"] = str(RUNS / str(os.getpid()))


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        clear(RUNS / str(os.getpid()))


def clear(run: Path) -> None:
    """Stop the stack of a test run and delete its data."""
    if run.exists():
        LocalStack(run, port=0).reset()
        shutil.rmtree(run)


# The same examples in every run, so that a run says something of the change; "thorough" has other ones each time.
settings.register_profile(
    "default", deadline=None, print_blob=True, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", settings.get_profile("default"), derandomize=False, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(autouse=True, scope="session")
def no_aws() -> Iterator[None]:
    """Settings of the person who runs the tests never take part in them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "ARREARS_"))]:
            patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield


@pytest.fixture
def ledger_tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A DynamoDB client with the template's tables, empty; their names are in the environment as in AWS."""
    with serving():
        client = boto3.client("dynamodb")
        names = create_tables(client)
        monkeypatch.setenv("LEDGER_TABLE", names["LedgerTable"])
        monkeypatch.setenv("ACCESS_TABLE", names["AccessTable"])
        monkeypatch.setenv("HISTORY_TABLE", names["HistoryTable"])
        monkeypatch.setenv("COUNTERS_TABLE", names["CountersTable"])
        yield client


@pytest.fixture
def s3_and_sts() -> Iterator[None]:
    """Simulated S3 and STS. Tables answer as everywhere in these tests."""
    with mock_aws():
        yield


@pytest.fixture(scope="session")
def event() -> Callable[[str], dict[str, Any]]:
    """The sample event of a function, by the name of its file under events/, a fresh copy each time."""

    def load(name: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
        return loaded

    return load
