"""The OpenAPI document: made from the code, equal to what is checked in and served, and true of every answer."""

import html
import json
import re
from typing import Any
from urllib.parse import urljoin

import pytest
import schemathesis
from jsonschema import Draft202012Validator, FormatChecker

from api.conftest import Api
from arrears.api import errors, routes
from arrears.api.documentation import ADVICE
from generate import openapi
from generate.answers import BATCH, BOOK
from generate.operations import HEADERS, OPERATIONS, SECURITY

CHECKED_IN: dict[str, Any] = json.loads(openapi.PATH.read_text())
METHODS_OF_A_PATH = {"get", "post"}
RESPONSES = [
    (path, status)
    for path, methods in CHECKED_IN["paths"].items()
    for operation in methods.values()
    for status in operation["responses"]
]


def validate(schema: Any, value: Any) -> None:
    whole = {**schema, "components": CHECKED_IN["components"]}
    Draft202012Validator(whole, format_checker=FormatChecker()).validate(value)


def responses(path: str) -> dict[str, Any]:
    [operation] = CHECKED_IN["paths"][path].values()
    return operation["responses"]


def test_it_is_what_the_code_and_its_answers_say_today() -> None:
    assert openapi.text() == openapi.PATH.read_text(), "run `make docs`"


def test_it_is_openapi() -> None:
    schemathesis.openapi.from_dict(CHECKED_IN).validate()


def test_every_endpoint_is_in_it_with_its_method() -> None:
    described = {(path, method) for path, methods in CHECKED_IN["paths"].items() for method in methods}
    assert described == {(openapi.address(path), method.lower()) for path, method in routes.METHODS.items()}
    assert OPERATIONS.keys() == routes.METHODS.keys()


@pytest.mark.parametrize(("path", "status"), RESPONSES)
def test_the_answer_of_a_status_is_of_its_schema(path: str, status: str) -> None:
    for content in responses(path)[status]["content"].values():
        if "example" in content:
            validate(content["schema"], content["example"])


def test_the_records_of_the_examples_are_of_their_schema() -> None:
    for record in [*BOOK, *BATCH]:
        validate({"$ref": "#/components/schemas/Record"}, record)


def test_a_deletion_is_of_its_schema() -> None:
    for kind in ("invoice", "promise"):
        validate({"$ref": "#/components/schemas/DeletionRecord"}, {"type": kind, "id": "1", "deleted": True})


def test_every_parameter_of_a_path_is_described() -> None:
    for path, methods in CHECKED_IN["paths"].items():
        for operation in methods.values():
            documented = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert documented == set(re.findall("{(.*?)}", path))
            assert {name for one in operation["security"] for name in one} <= SECURITY.keys()


def test_every_answer_names_its_request() -> None:
    for path, status in RESPONSES:
        named = {"X-Correlation-Id", "X-DocuSign-TraceToken"} & responses(path)[status]["headers"].keys()
        assert len(named) == 1
    for path, status in RESPONSES:
        assert ("Retry-After" in responses(path)[status]["headers"]) == (status in ("429", "503"))
    assert HEADERS.keys() > responses("/receivables/overdue")["401"]["headers"].keys()


# --- as it is served


def test_the_document_is_served(api: Api) -> None:
    answer = api.call("GET", "/openapi.json")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.body == CHECKED_IN


def test_the_page_and_its_files_are_served_and_name_no_other_host(api: Api) -> None:
    page = api.call("GET", "/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "//" not in page.text
    for name in re.findall(r'(?:src|href)="docs/(.*?)"', page.text):
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        answer = api.call("GET", f"/docs/{name}")
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith(kind)
    assert "//" not in api.call("GET", "/docs/start.js").text


@pytest.mark.parametrize("name", ["none", "..%2Fapp.py", "swagger-ui-bundle.min.js"])
def test_no_other_file_is_served(api: Api, name: str) -> None:
    assert api.call("GET", f"/docs/{name}").status == 404


@pytest.mark.parametrize("kind", errors.KINDS, ids=lambda kind: kind.code)
def test_every_code_has_a_page(api: Api, kind: errors.ErrorKind) -> None:
    answer = api.call("GET", f"/problems/{kind.code}")
    assert answer.status == 200
    assert kind.title in html.unescape(answer.text)
    assert ADVICE.keys() == {kind.code for kind in errors.KINDS}


@pytest.mark.parametrize("path", ["/escalations", "/receivables/overdue", "/receivables/overdue/history", "/none", "/"])
def test_a_refusal_links_to_the_page_of_its_code_behind_any_prefix(api: Api, path: str) -> None:
    answer = api.call("GET", path, {"x-dolfin-api-key": "none"})
    assert answer.status in (401, 404)
    link = re.fullmatch(r'<(.*)>; rel="help"', answer.headers["Link"])
    assert link is not None
    for root in ("https://a.example", "https://b.example/live", "http://127.0.0.1:4566/_aws/execute-api/1/local"):
        assert urljoin(root + path, link[1]) == f"{root}/problems/{answer.body['code']}"


def test_an_address_too_deep_for_anyone_has_no_link(api: Api) -> None:
    assert "Link" not in api.call("GET", "/a" * 2000).headers
