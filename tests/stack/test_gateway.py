"""What the gateway answers itself, and what it leaves to the fallback."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping

import pytest

from arrears_cli.deployment import Deployment
from stack.conftest import Tenant
from support.http import Client


def answer(stack: Deployment, method: str, path: str) -> tuple[int, Mapping[str, str], dict[str, object]]:
    request = urllib.request.Request(stack.base_url + path, method=method)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.headers, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, error.headers, json.loads(error.read())


def test_what_no_function_takes_is_a_problem_with_the_members_of_every_error_format(stack: Deployment) -> None:
    status, headers, body = answer(stack, "TRACE", "/receivables/overdue")
    assert status == 404
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["X-DocuSign-TraceToken"]
    assert body["instance"] == f"urn:uuid:{headers['X-DocuSign-TraceToken']}"
    assert (body["status"], body["code"], body["errorCode"]) == (404, "not_found", "NOT_FOUND")


@pytest.mark.parametrize("path", ["", "/", "/receivables", "/nowhere", "/a/b/c", "/restapi/v2"])
def test_unknown_paths_reach_the_fallback(stack: Deployment, path: str) -> None:
    status, headers, body = answer(stack, "GET", path)
    assert status == 404
    # What the gateway answers itself has the members of all APIs, and no correlation id.
    assert "X-Correlation-Id" in headers or body.keys() == {"errorCode", "message"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_of_known_paths_reach_the_fallback(stack: Deployment, method: str) -> None:
    status, headers, _ = answer(stack, method, "/receivables/overdue")
    assert status == 405
    assert headers["Allow"] == "GET"


def test_csv_passes_the_gateway_as_it_is(stack: Deployment, tenant: Tenant) -> None:
    client = Client(stack.base_url)
    dates = {"issued_on": "2024-03-01", "due_on": "2024-03-31"}
    invoices = [
        {
            "type": "invoice",
            "id": name,
            "customer_id": name,
            "customer_name": name,
            "currency": "GBP",
            "total": 1,
            **dates,
        }
        for name in ("Zoë", "=1+1")
    ]
    assert client.record(tenant.api_key, *invoices).status == 200
    headers = {"x-dolfin-api-key": tenant.api_key, "Accept": "text/csv"}
    first = client.send("GET", "/receivables/overdue", headers, {"limit": "1", "sort": "amount"})
    assert first.status == 200
    assert first.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "'=1+1" in first.text
    second = client.send("GET", "/receivables/overdue", headers, {"cursor": first.headers["X-Next-Cursor"]})
    assert "Zoë" in second.text
    assert second.text.endswith("\r\n")
    assert "X-Next-Cursor" not in second.headers
