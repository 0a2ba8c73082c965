"""What all endpoints share: how a request is read, and that whatever happens is an answer."""

import base64
import gc
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.api import problem, routes
from arrears.api.http import MAX_BODY_BYTES, Endpoint, Request, bearer_tokens, encode
from arrears.ledger.errors import THROTTLED, ArrearsError
from arrears.runtime import lambda_handler
from template import resources


def request(**event: Any) -> Request:
    return Request.from_event(event)


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ({"resource": "/a/b", "path": "/base/a/b"}, "/a/b"),
        ({"resource": "/a/{id}", "path": "/base/a/7", "pathParameters": {"id": "7"}}, "/a/7"),
        ({"resource": "/a/{id}", "pathParameters": {"id": '/#?"\\é%41'}}, "/a/%2F%23%3F%22%5C%C3%A9%2541"),
        ({"resource": "/{proxy+}", "pathParameters": {"proxy": "x é/y"}}, "/x%20%C3%A9/y"),
        ({"resource": "/{proxy+}", "path": "/base/x/y", "pathParameters": {"proxy": "x/y"}}, "/x/y"),
        ({"resource": "/", "path": "/base"}, "/"),
        ({"path": "/direct"}, "/direct"),
        ({}, "/"),
    ],
)
def test_the_path_is_the_one_that_the_api_defines(event: dict[str, Any], path: str) -> None:
    assert request(**event).path == path


def test_headers_and_parameters_have_all_their_values() -> None:
    several = request(
        multiValueHeaders={"X-A": ["1", "2"], "x-a": ["3"]},
        headers={"X-A": "2"},
        multiValueQueryStringParameters={"a": ["1", "2"]},
        queryStringParameters={"a": "2"},
    )
    assert several.header("x-a") == ["1", "2", "3"]
    assert (several.query["a"], several.last("a"), several.last("b")) == (["1", "2"], "2", None)
    single = request(headers={"X-A": "1"}, queryStringParameters={"a": "1", "b": None})
    assert (single.header("x-a"), single.query["a"], single.last("b")) == (["1"], ["1"], "")
    nothing = request(headers=None, multiValueHeaders=None)
    assert (nothing.header("x-a"), nothing.query) == ((), {})


def test_only_bearer_tokens_are_taken_from_authorization() -> None:
    found = bearer_tokens(
        request(multiValueHeaders={"Authorization": ["Bearer a", "bearer  b ", "Basic c", "d", "Bearer"]})
    )
    assert found == ["a", "b", ""]


def test_a_body_of_the_largest_size_is_taken_and_one_byte_more_is_refused() -> None:
    body = "é" * (MAX_BODY_BYTES // 2)
    encoded = base64.b64encode(body.encode()).decode()
    assert len(request(body=body).body()) == MAX_BODY_BYTES
    assert len(request(body=encoded, isBase64Encoded=True).body()) == MAX_BODY_BYTES
    for event in (
        {"body": body + "x"},
        {"body": base64.b64encode(body.encode() + b"x").decode(), "isBase64Encoded": True},
    ):
        with pytest.raises(ArrearsError, match="too_large"):
            request(**event).body()


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_what_is_encoded_reads_as_the_same_json(value: Any) -> None:
    assert json.loads(encode(value)) == value


def test_text_without_a_form_in_utf_8_is_escaped() -> None:
    assert json.loads(encode({"a": "\ud800é"}).encode()) == {"a": "\ud800é"}
    assert encode("é") == '"é"'


def endpoint(fail: Exception | None = None) -> Endpoint:
    made = Endpoint(problem.error_format)

    @made.get("/things/<name>")
    def thing(_: Request, name: str) -> dict[str, Any]:
        if fail is not None:
            raise fail
        return {"name": name}

    return made


def event(path: str = "/things/x", method: str = "GET", **more: Any) -> dict[str, Any]:
    return {"path": path, "httpMethod": method, "requestContext": {"requestId": "r-1", "stage": "live"}, **more}


def test_an_answer_names_its_request_and_is_not_to_be_stored() -> None:
    answer = endpoint().answer(event(), None)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"name": "x"}
    headers = answer["multiValueHeaders"]
    assert headers["X-Correlation-Id"] == ["r-1"]
    assert headers["Cache-Control"] == ["no-store"]


@pytest.mark.parametrize("path", ["/things/x", "/nowhere"])
def test_every_answer_asks_for_tls_and_for_its_type_to_be_believed_as_the_gateways_own_do(path: str) -> None:
    headers = endpoint().answer(event(path), None)["multiValueHeaders"]
    gateways = resources("AWS::Serverless::Api")["Api"]["GatewayResponses"]["THROTTLED"]["ResponseParameters"][
        "Headers"
    ]
    for name in ("Cache-Control", "Strict-Transport-Security", "X-Content-Type-Options"):
        assert headers[name] == [gateways[name].strip("'")]


def test_the_garbage_collector_pauses_while_a_request_is_answered_and_runs_again_whatever_happens() -> None:
    seen = []
    made = Endpoint(problem.error_format)

    @made.get("/things")
    def things(_: Request) -> dict[str, Any]:
        seen.append(gc.isenabled())
        return {}

    handler = lambda_handler(made)
    assert handler(event("/things"), None)["statusCode"] == 200
    assert (seen, gc.isenabled()) == ([False], True)
    with pytest.raises(AttributeError):
        handler(None, None)  # type: ignore[arg-type]
    assert gc.isenabled()


def test_parts_of_the_path_are_decoded_once() -> None:
    answer = endpoint().answer(event("/things/a%20b%2541"), None)
    assert json.loads(answer["body"]) == {"name": "a b%41"}


@pytest.mark.parametrize("name", ["a/b", "#", "?", '"', "\\", "é", "漢", "a%2Fb", " ", "+", "\ud800"])
def test_a_part_that_the_gateway_has_decoded_reaches_its_route_as_it_is(name: str) -> None:
    decoded = event(f"/things/{name}", resource="/things/{name}", pathParameters={"name": name})
    answer = endpoint().answer(decoded, None)
    assert json.loads(answer["body"]) == {"name": name.replace("\ud800", "?")}


@pytest.mark.parametrize(("path", "method"), [("/other", "GET"), ("/things/x", "POST"), ("/things/x/y", "GET")])
def test_what_has_no_route_is_not_found(path: str, method: str) -> None:
    answer = endpoint().answer(event(path, method), None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (404, "not_found")


def test_an_unforeseen_failure_says_its_id_only() -> None:
    answer = endpoint(RuntimeError("secret")).answer(event(), None)
    assert answer["statusCode"] == 500
    assert "r-1" in answer["body"]
    assert "secret" not in str(answer)


def test_a_failure_of_a_lower_layer_is_what_it_means() -> None:
    busy = ArrearsError(THROTTLED, "Wait.", retry_after=1)
    answer = endpoint(RuntimeError("x")).answer(event(), None, lambda error: busy)
    assert (answer["statusCode"], answer["multiValueHeaders"]["Retry-After"]) == (429, ["1"])


@given(st.dictionaries(st.sampled_from(["path", "resource", "httpMethod", "body"]), st.text()))
def test_odd_events_are_answered(odd: dict[str, str]) -> None:
    assert endpoint().answer({**event(), **odd}, None)["statusCode"] in (200, 404)


def test_the_addresses_are_those_of_the_template() -> None:
    deployed = {
        (event["Properties"]["Path"], event["Properties"]["Method"].upper())
        for name, function in resources("AWS::Serverless::Function").items()
        for event in function.get("Events", {}).values()
        if event["Type"] == "Api" and name != "FallbackFunction"
    }
    known = {(re.sub(r"<(\w+)>", "{}", path), method) for path, method in routes.METHODS.items()}
    assert known == {(re.sub(r"{\w+}", "{}", path), method) for path, method in deployed}
