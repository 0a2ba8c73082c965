"""The Bruno collection: one request per operation, for people who click."""

import json
from pathlib import Path
from typing import Any

from arrears.api import routes
from generate.answers import BODIES
from generate.openapi import address
from generate.operations import OPERATIONS, Operation
from template import ROOT

FOLDER = ROOT / "bruno"
_EXAMPLES = {
    "by": "document",
    "asOf": "2020-06-30",
    "knownAt": "2026-06-30T18:00:00Z",
    "format": "csv",
    "months": "12",
    "limit": "100",
    "currency": "GBP",
    "tier": "escalation",
    "urgency": "critical",
    "action": "wait",
    "sort": "amount",
}
_CREDENTIALS = {
    "apiKey": "x-dolfin-api-key: {{api_key}}",
    "bearer": "Authorization: Bearer {{api_key}}",
    "docusignCredentials": "Authorization: Bearer {{user_token}}",
}
_PARTS = {"apiVersion": "v2.1", "accountId": "{{account}}", "name": "start.js", "code": "invalid_parameter"}
_ENVIRONMENT = """vars {
  base_url: http://127.0.0.1:4566/_aws/execute-api/API_ID/local
  account: 1001
}
vars:secret [
  api_key,
  user_token
]
"""


def files() -> dict[Path, str]:
    """The collection's files, by path."""
    collection = {"version": "1", "name": "Arrears", "type": "collection", "ignore": []}
    found = {
        FOLDER / "bruno.json": json.dumps(collection, indent=2) + "\n",
        FOLDER / "environments" / "local.bru": _ENVIRONMENT,
    }
    for position, (path, operation) in enumerate(OPERATIONS.items(), 1):
        found[FOLDER / operation.tag / f"{operation.id}.bru"] = _request(position, path, operation)
    return found


def _request(position: int, path: str, operation: Operation) -> str:
    method = routes.METHODS[path].lower()
    url = "{{base_url}}" + address(path)
    for part, value in _PARTS.items():
        url = url.replace("{" + part + "}", value)
    url = url.replace("{id}", "S-2001" if path.startswith("/payables") else "C-1001")
    blocks = [
        _block("meta", [f"name: {operation.summary}", "type: http", f"seq: {position}"]),
        _block(method, [f"url: {url}", f"body: {'json' if method == 'post' else 'none'}", "auth: none"]),
    ]
    asked = [_parameter(one) for one in operation.parameters if one["in"] == "query"]
    if asked:
        blocks.append(_block("params:query", asked))
    if operation.security:
        blocks.append(_block("headers", [_CREDENTIALS[operation.security[0]]]))
    if method == "post":
        blocks.append(_block("body:json", json.dumps(BODIES[path], indent=2).splitlines()))
    blocks.append(_block("docs", operation.description.splitlines()))
    return "\n".join(blocks)


def _parameter(parameter: dict[str, Any]) -> str:
    """A parameter is switched off until somebody wants it: the demo company's book is of today."""
    name, allowed = parameter["name"], parameter["schema"].get("enum", [""])
    return f"~{name}: {_EXAMPLES.get(name, allowed[0])}"


def _block(name: str, lines: list[str]) -> str:
    return "\n".join([f"{name} {{", *(f"  {line}" for line in lines), "}\n"])


def write() -> None:
    """Writes them."""
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
