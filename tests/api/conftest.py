"""The whole API in one process: the template's routes, the functions' own code, and tables in it behind them."""

import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote, unquote
from uuid import uuid4

import boto3
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from arrears import runtime
from arrears.api.http import logger
from arrears.storage.access import passwords
from support import records
from support.dynamodb import serving
from support.http import Answer
from template import ROOT, create_tables, resources

SCHEMAS = Path(__file__).parent / "schemas"
NOON = datetime(2020, 6, 30, 12, tzinfo=UTC)


def check(name: str, body: Any) -> None:
    """Raises unless the body is what schemas/NAME.json says."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(body)


def load_function(folder: str) -> ModuleType:
    """A function's module, imported anew."""
    path = ROOT / folder / "app.py"
    spec = importlib.util.spec_from_file_location(f"functions_{path.parent.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _routes() -> list[tuple[str, str, str]]:
    """(method, path, folder of the function), those with fixed paths first, the greedy one last."""
    found = [
        (event["Properties"]["Method"].upper(), event["Properties"]["Path"], properties["CodeUri"])
        for properties in resources("AWS::Serverless::Function").values()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "Api"
    ]
    return sorted(found, key=lambda route: (route[1].endswith("+}"), "{" in route[1]))


ROUTES = _routes()


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


class Api:
    """Calls the functions as the gateway would."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.services = runtime.services()
        self.organisation = self.services.organisations().create("Acme", "Europe/Berlin", "EUR")
        self.key = self.services.api_keys().create(self.organisation.id)
        self.integrator = self.services.users().create_integrator_key(self.organisation.id)
        self._modules: dict[str, ModuleType] = {}

    def call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: str | None = None,
        **changes: Any,
    ) -> Answer:
        """One request. Values of query that are lists repeat the parameter."""
        folder, resource, parts = _matched(method, path)
        if folder not in self._modules:
            self._modules[folder] = load_function(folder)
        several = {name: value if isinstance(value, list) else [value] for name, value in (query or {}).items()}
        event = {
            "resource": resource,
            "path": path,
            "httpMethod": method,
            "headers": dict(headers or {}),
            "multiValueHeaders": {name: [value] for name, value in (headers or {}).items()},
            "queryStringParameters": {name: values[-1] for name, values in several.items()} or None,
            "multiValueQueryStringParameters": several or None,
            "pathParameters": parts or None,
            "requestContext": {
                "requestId": str(uuid4()),
                "stage": "live",
                "path": f"/live{path}",
                "resourcePath": resource,
                "httpMethod": method,
            },
            "body": body,
            "isBase64Encoded": False,
            **changes,
        }
        answer = self._modules[folder].handler(event, None)
        headers = {name: ", ".join(values) for name, values in answer["multiValueHeaders"].items()}
        text = folder == "functions/documentation/" or headers["Content-Type"] == "text/csv; charset=utf-8"
        assert headers["Content-Type"] in ("application/json", "application/problem+json") or text
        return Answer(answer["statusCode"], headers, answer["body"])

    def function(self, name: str) -> ModuleType:
        """The module of a function that has been called."""
        return self._modules[f"functions/{name}/"]

    def dolfin(self, path: str = "/receivables/overdue", key: str | None = None, **query: Any) -> Answer:
        return self.call("GET", path, {"x-dolfin-api-key": key or self.key}, query)

    def lago(self, name: str, key: str | None = None, **query: Any) -> Answer:
        return self.call("GET", f"/analytics/{name}", {"Authorization": f"Bearer {key or self.key}"}, query)

    def docusign(self, account: str, headers: Mapping[str, str], version: str = "v2.1") -> Answer:
        path = f"/restapi/{version}/accounts/{quote(account, safe='')}/billing_invoices_past_due"
        return self.call("GET", path, headers)

    def record(self, *records: Mapping[str, Any], key: str | None = None) -> Answer:
        headers = {"x-dolfin-api-key": key or self.key, "Content-Type": "application/json"}
        return self.call("POST", "/ledger/records", headers, body=json.dumps({"records": records}))

    def stored(self, *records: Mapping[str, Any]) -> None:
        """Records what must be accepted."""
        for start in range(0, len(records), 500):
            results = self.record(*records[start : start + 500]).body["results"]
            assert [result for result in results if result["result"] in ("rejected", "stale")] == []

    def forget(self) -> None:
        """Another process: nothing is cached."""
        runtime.services.cache_clear()
        self.services = runtime.services()


def _matched(method: str, path: str) -> tuple[str, str, dict[str, str]]:
    for wanted, template, folder in ROUTES:
        pattern = re.sub(r"\{(\w+)\\\+\}", r"(?P<\1>.+)", re.escape(template).replace(r"\{", "{").replace(r"\}", "}"))
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
        match = re.fullmatch(pattern, path)
        if match and wanted in (method, "ANY"):
            return folder, template, {name: unquote(part) for name, part in match.groupdict().items()}
    raise LookupError(f"the template has no route for {method} {path}")


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Clock, Any]]:
    """The present of all services of a module's tests, and a client of their tables: both take a while to make."""
    clock = Clock()
    with serving(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEDGER_TABLE", "LedgerTable")
        patch.setenv("ACCESS_TABLE", "AccessTable")
        patch.setenv("HISTORY_TABLE", "HistoryTable")
        patch.setenv("COUNTERS_TABLE", "CountersTable")
        patch.setattr(runtime, "now", clock)
        connected = runtime.connect()
        patch.setattr(runtime, "connect", lambda: connected)
        # What a password's hash costs is tested where it matters.
        patch.setattr(passwords, "_MEMORY_COST", 2**4)
        patch.setattr(passwords, "_PASSES", 1)
        runtime.services.cache_clear()
        yield clock, boto3.client("dynamodb")
        runtime.services.cache_clear()


@pytest.fixture
def api(shared: tuple[Clock, Any]) -> Iterator[Api]:
    clock, client = shared
    clock.now = NOON
    names = create_tables(client)
    api = Api(clock)
    yield api
    api.forget()
    for name in names.values():
        client.delete_table(TableName=name)


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What the endpoints log."""
    written = StringIO()
    handler = logger.registered_handler
    before = handler.setStream(written)
    yield written
    handler.setStream(before)


def invoice(id: str, **fields: Any) -> dict[str, Any]:
    """An invoice of C1 over 100 EUR, issued and due in May 2020, with fields changed or (None) left out."""
    dates = {"issued_on": "2020-05-01", "due_on": "2020-05-31"}
    return records.invoice(id, **{"customer_id": "C1", "currency": "EUR", "total": "100.00", **dates, **fields})
