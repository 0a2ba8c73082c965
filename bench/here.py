"""The product in this process: its functions, their clients answered by a table that is here too."""

import importlib.util
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arrears.runtime import Services

ROOT = Path(__file__).parent.parent
ORGANISATION = "5f0c2f8e-2f5d-4b8e-9d53-8a5f6a3f0b11"
ENVIRONMENT = {
    "ACCESS_TABLE": "AccessTable",
    "LEDGER_TABLE": "LedgerTable",
    "HISTORY_TABLE": "HistoryTable",
    "COUNTERS_TABLE": "CountersTable",
    "REQUESTS_PER_KEY": "1000000",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_SERVICE_NAME": "arrears",
    "POWERTOOLS_METRICS_NAMESPACE": "Arrears",
    "POWERTOOLS_LOG_LEVEL": "INFO",
}

type Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def set_environment() -> None:
    """What a function's environment has."""
    os.environ.update(ENVIRONMENT)


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def client() -> Any:
    """A client as the functions have it."""
    from arrears.storage.client import connect

    return connect()


def services(connected: Any, access_table: str = ENVIRONMENT["ACCESS_TABLE"]) -> "Services":
    """The product's services over a client."""
    from arrears.runtime import Services, Settings
    from arrears.storage.access.authentication import Authentication
    from arrears.storage.access.counters import Counters
    from arrears.storage.access.table import AccessTable
    from arrears.storage.ledger.reader import LedgerStore

    settings = Settings(access_table, ENVIRONMENT["LEDGER_TABLE"], ENVIRONMENT["HISTORY_TABLE"])
    counters = Counters(connected, ENVIRONMENT["COUNTERS_TABLE"])
    authentication = Authentication(AccessTable(connected, access_table), counters, now)
    return Services(connected, settings, authentication, LedgerStore(connected, settings.ledger_table), now)


@cache
def handler(function: str) -> Handler:
    """The handler of a function, by its folder's name."""
    path = ROOT / "functions" / function / "app.py"
    spec = importlib.util.spec_from_file_location(f"bench_{function}", path)
    if spec is None or spec.loader is None:
        raise LookupError(function)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Handler = module.handler
    return found


def event(resource: str, api_key: str, query: dict[str, str] | None = None, body: Any = None) -> dict[str, Any]:
    """A request as the gateway hands it over."""
    headers = {"Authorization": f"Bearer {api_key}", "Accept": "application/json", "Host": "bench"}
    given = query or {}
    return {
        "resource": resource,
        "path": resource,
        "httpMethod": "GET" if body is None else "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": given or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in given.items()} or None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {"requestId": "00000000-0000-4000-8000-000000000000", "identity": {"sourceIp": "192.0.2.1"}},
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }
