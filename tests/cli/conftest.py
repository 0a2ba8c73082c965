"""What the commands are tried on: tables, a stack description that leads to them, and an organisation."""

import json
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from api.conftest import Api, Clock
from arrears import metrics, runtime
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


@pytest.fixture
def address(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The API's address: the functions' own code answers there, from the same tables."""
    # Metrics go to stdout, where a command's result is.
    monkeypatch.setattr(metrics, "measure", lambda *_, **__: None)
    runtime.services.cache_clear()
    api = Api(Clock())

    class Gateway(BaseHTTPRequestHandler):
        def answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode() or None
            answer = api.call(self.command, parts.path, dict(self.headers), parse_qs(parts.query), body)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.text.encode())

        do_GET = do_POST = answer  # noqa: N815 - so the standard library calls them

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Gateway)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    runtime.services.cache_clear()


@pytest.fixture(params=["tables", "https"])
def where(
    request: pytest.FixtureRequest, services: Services, organisation: str, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Both places where a book can be; the environment says its organisation: by its id, or by a key."""
    if request.param == "https":
        monkeypatch.setenv("ARREARS_URL", request.getfixturevalue("address"))
        monkeypatch.setenv("ARREARS_API_KEY", services.api_keys().create(organisation))
    else:
        monkeypatch.setenv("ARREARS_ORGANISATION", organisation)
    return organisation
