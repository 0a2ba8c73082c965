"""Tables behind a gate that counts and fails."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from arrears.storage.access import passwords
from arrears.storage.client import connect
from support.access import World
from support.dynamodb import serving
from support.gate import Gate
from support.stored_ledger import Table
from template import create_tables


@pytest.fixture
def make_table() -> Iterator[Callable[[], Table]]:
    """Makes the template's tables, empty each time."""

    def make() -> Table:
        behind = boto3.client("dynamodb")
        for name in behind.list_tables()["TableNames"]:
            behind.delete_table(TableName=name)
        client = connect()
        return Table(client, Gate(client), behind, create_tables(behind)["LedgerTable"])

    with serving():
        yield make


@pytest.fixture
def table(make_table: Callable[[], Table]) -> Table:
    """The ledger table, empty."""
    return make_table()


@pytest.fixture
def world(ledger_tables: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    """The access table and what works on it. What a password's hash costs is tested where it matters."""
    monkeypatch.setattr(passwords, "_MEMORY_COST", 2**4)
    monkeypatch.setattr(passwords, "_PASSES", 1)
    return World(ledger_tables)
