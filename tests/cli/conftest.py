"""What the commands are tried on: tables, a stack description that leads to them, and an organisation."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from arrears.runtime import Services, Settings, build
from arrears_cli.connection import DESCRIPTION


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger_tables: Any) -> Services:
    """The stores that the command works on."""
    tables = ("ledger", "access", "history", "counters")
    names = {f"{table}_table": os.environ[f"{table.upper()}_TABLE"] for table in tables}
    (tmp_path / DESCRIPTION).parent.mkdir()
    description = {"stack_name": "arrears", "region": "us-east-1", "base_url": "http://localhost", **names}
    (tmp_path / DESCRIPTION).write_text(json.dumps(description))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVENT_BUS", "")
    return build(Settings.from_environment(os.environ))


@pytest.fixture
def organisation(services: Services) -> str:
    """The id of an organisation in them."""
    return services.organisations().create("Acme", "UTC", "USD").id
