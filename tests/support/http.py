"""Plain HTTP to a deployed stack: what was answered, whatever it was."""

import http.client
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    def without_ids(self) -> tuple[int, Any]:
        """What may still differ between two refusals without what names the request."""
        return self.status, {name: value for name, value in self.body.items() if name != "instance"}


class Client:
    """Requests to a base URL, each on a connection of its own."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._prefix, self._host, self._port = parts.path, parts.hostname or "", parts.port

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str | list[str]] | None = None,
        query: Mapping[str, str | list[str]] | None = None,
        body: str | bytes | None = None,
    ) -> Answer:
        target = self._prefix + quote(path, safe="/%") + (f"?{urlencode(query, doseq=True)}" if query else "")
        payload = body.encode() if isinstance(body, str) else body
        connection = http.client.HTTPConnection(self._host, self._port, timeout=30)
        with closing(connection):
            connection.putrequest(method, target)
            for name, values in (headers or {}).items():
                for value in [values] if isinstance(values, str) else values:
                    connection.putheader(name, value.encode())
            if payload is not None:
                connection.putheader("Content-Length", str(len(payload)))
            connection.endheaders(payload)
            with connection.getresponse() as response:
                return Answer(response.status, dict(response.headers), response.read().decode())

    def dolfin(self, key: str, path: str = "/receivables/overdue", **query: str) -> Answer:
        return self.send("GET", path, {"x-dolfin-api-key": key}, query)

    def lago(self, key: str, name: str, **query: str) -> Answer:
        return self.send("GET", f"/analytics/{name}", {"Authorization": f"Bearer {key}"}, query)

    def docusign(self, account: str, headers: Mapping[str, str]) -> Answer:
        return self.send("GET", f"/restapi/v2.1/accounts/{account}/billing_invoices_past_due", headers)

    def record(self, key: str, *records: Mapping[str, Any]) -> Answer:
        headers = {"x-dolfin-api-key": key, "Content-Type": "application/json"}
        return self.send("POST", "/ledger/records", headers, body=json.dumps({"records": records}))
