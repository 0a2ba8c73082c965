"""Lists of rows as JSON or CSV: who asks for which, and what a page of CSV has beside its rows."""

import csv
import io
import json
from typing import Any

import pytest

from arrears.api import http, problem
from arrears.api.http import Endpoint, Page, Request
from arrears.api.listing import csv_page, wants_csv

ROWS = [{"id": "1", "name": "Äpfel"}, {"id": "2", "name": "=A1"}]


def endpoint(cursor: str | None = None) -> Endpoint:
    made = Endpoint(problem.error_format)

    @made.get("/things")
    def things(request: Request) -> dict[str, Any] | Page:
        as_csv = wants_csv(request)
        return csv_page(["id", "name"], ROWS, cursor) if as_csv else {"things": ROWS, "nextCursor": cursor}

    return made


def ask(accept: str | None = None, cursor: str | None = None, **query: str) -> Any:
    return endpoint(cursor).answer(
        {
            "path": "/things",
            "httpMethod": "GET",
            "headers": {} if accept is None else {"Accept": accept},
            "queryStringParameters": query or None,
            "requestContext": {"requestId": "r-1", "stage": "live"},
        },
        None,
    )


def is_csv(answer: Any) -> bool:
    kind = answer["multiValueHeaders"]["Content-Type"][0]
    assert kind in ("text/csv; charset=utf-8", "application/json")
    return kind.startswith("text/csv")


@pytest.mark.parametrize(
    "accept",
    [
        "text/csv",
        "TEXT/CSV; charset=utf-8",
        "text/*",
        "text/csv, */*",
        "text/csv, application/json;q=0.9",
        "application/json; q=0.2, text/csv;q=0.30",
        "text/csv;header=present;q=0.9, */*;q=0.8",
    ],
)
def test_csv_is_answered_to_who_prefers_it(accept: str) -> None:
    assert is_csv(ask(accept))


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "application/json",
        "application/json, text/plain, */*",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "text/csv, application/json",
        "text/csv;q=0.5, application/json",
        "text/csv;q=0, */*",
        "text/csv;q=0",
        "image/png",
        "text/csvx",
        ";,;q=",
    ],
)
def test_json_is_answered_to_everybody_else(accept: str | None) -> None:
    assert not is_csv(ask(accept))


def test_the_parameter_goes_before_the_header() -> None:
    assert is_csv(ask("application/json", format="csv"))
    assert not is_csv(ask("text/csv", format="json"))


@pytest.mark.parametrize("format", ["", "CSV", "xlsx"])
def test_a_format_that_does_not_exist_is_refused_as_a_problem(format: str) -> None:
    answer = ask("text/csv", format=format)
    assert answer["statusCode"] == 400
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]
    body = json.loads(answer["body"])
    assert (body["code"], body["parameter"]) == ("invalid_parameter", "format")
    assert body["detail"] == "format is not one of json, csv."


def test_a_csv_page_has_its_rows_in_utf_8_and_its_cursor_in_a_header() -> None:
    answer = ask(format="csv", cursor="abc")
    assert list(csv.reader(io.StringIO(answer["body"], newline=""))) == [["id", "name"], ["1", "Äpfel"], ["2", "'=A1"]]
    assert answer["multiValueHeaders"]["X-Next-Cursor"] == ["abc"]
    assert "X-Next-Cursor" not in ask(format="csv")["multiValueHeaders"]
    assert "X-Next-Cursor" not in ask(cursor="abc")["multiValueHeaders"]


def test_a_csv_that_is_too_large_says_to_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_ANSWER_BYTES", 10)
    answer = ask(format="csv")
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (413, "answer_too_large")
