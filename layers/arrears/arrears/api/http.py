"""What all endpoints share: requests, routes, limits, and answers in the format of their contract.

An endpoint is the routes of one function. Every error is answered in the contract's error format. An unexpected one is
logged with the request's id, and answered as an internal error that contains nothing but that id.
"""

import base64
import binascii
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote
from uuid import uuid4

import orjson
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from arrears.api.errors import (
    ANSWER_TOO_LARGE,
    INTERNAL,
    MALFORMED_BODY,
    NOT_FOUND,
    REQUEST_TOO_LARGE,
    headers_of,
    kind_of,
)
from arrears.ledger.errors import ArrearsError
from arrears.metrics import measure

MAX_BODY_BYTES = 1_900_000
MAX_ANSWER_BYTES = 5_900_000
"""A Lambda answer may have 6 MB, with its body as JSON text inside JSON."""

_ALWAYS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000",
}

_REPLACED = "\N{REPLACEMENT CHARACTER}"
_DEEPEST_LINK = 8
"""Addresses with more slashes are nobody's, and links from them would outgrow a header."""

logger = Logger(service="arrears")

type Body = Mapping[str, Any]
type Handler = Callable[..., Body | Page]
type AsError = Callable[[Exception], ArrearsError | None]
"""What an exception of the table's client means to the caller, if anything."""


@dataclass(frozen=True, slots=True)
class ErrorFormat:
    """The error format of a contract.

    body: the body for an error and the request's id. trace_header: names the request in every answer. explained: each
    error links to what its code means. too_large: what is said of an answer that one response cannot have.
    """

    body: Callable[[ArrearsError, str], Body]
    content_type: str = "application/json"
    trace_header: str = "X-Correlation-Id"
    explained: bool = False
    too_large: str = "The answer has more than 6 MB; ask for it in pages, with `limit`."


@dataclass(frozen=True, slots=True)
class Page:
    """What is answered as it is, where a body would become JSON."""

    text: str
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """One request. headers: all values by lower-case name. query: all values by name. id: for answer and log.

    address: of the network, where the gateway got the request from; headers that name another are ignored.
    answer_headers: what the answer has beside the headers of every answer.
    """

    id: str
    method: str
    path: str
    headers: Mapping[str, Sequence[str]]
    query: Mapping[str, Sequence[str]]
    raw_body: str
    is_base64: bool
    address: str = ""
    answer_headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "Request":
        """Reads a REST API proxy event; the path is the one that the API defines, without stage and base path."""
        context = event.get("requestContext") or {}
        return cls(
            id=str(context.get("requestId") or uuid4()),
            method=str(event.get("httpMethod", "")).upper(),
            path=_path(event),
            headers=_all_values(event.get("multiValueHeaders"), event.get("headers"), str.lower),
            query=_all_values(
                event.get("multiValueQueryStringParameters"), event.get("queryStringParameters"), lambda name: name
            ),
            raw_body=event.get("body") or "",
            is_base64=bool(event.get("isBase64Encoded")),
            address=str((context.get("identity") or {}).get("sourceIp") or ""),
        )

    def header(self, name: str) -> Sequence[str]:
        """All values of a header, by its lower-case name; empty if it was not sent."""
        return self.headers.get(name, ())

    @property
    def root_path(self) -> str:
        """The relative path from the address asked to the API's root: it holds behind any host, stage and prefix."""
        return "../" * max(self.path.count("/") - 1, 0)

    def last(self, parameter: str) -> str | None:
        """A query parameter's last value; None if it was not sent."""
        values = self.query.get(parameter)
        return values[-1] if values else None

    def body(self) -> bytes:
        """The body. Raises an error if it is larger than MAX_BODY_BYTES or not readable.

        The gateway hands bodies over as text, with U+FFFD for bytes that are no UTF-8: what they were is lost.
        """
        if not self.is_base64 and _REPLACED in self.raw_body:
            raise ArrearsError(MALFORMED_BODY, "The body is not text in UTF-8, or has U+FFFD in it; send UTF-8.")
        try:
            body = base64.b64decode(self.raw_body, validate=True) if self.is_base64 else self.raw_body.encode()
        except (binascii.Error, ValueError):
            raise ArrearsError(MALFORMED_BODY, "The body is not text in UTF-8.") from None
        if len(body) > MAX_BODY_BYTES:
            raise ArrearsError(
                REQUEST_TOO_LARGE, f"A body may have at most {MAX_BODY_BYTES} bytes; send less in each request."
            )
        return body


def _path(event: Mapping[str, Any]) -> str:
    """The resource with its parts filled in, percent-encoded again: the gateway has decoded them.

    So a part with a slash or a question mark in it stays one part, and the endpoint decodes it once.
    """
    resource, values = str(event.get("resource") or ""), event.get("pathParameters") or {}
    if not resource:
        return str(event.get("path") or "/")
    for name, value in values.items():
        one, several = (quote(str(value), safe=safe, errors="replace") for safe in ("", "/"))
        resource = resource.replace(f"{{{name}}}", one).replace(f"{{{name}+}}", several)
    return resource


def _all_values(
    several: Mapping[str, Sequence[str]] | None, single: Mapping[str, str] | None, name_of: Callable[[str], str]
) -> dict[str, Sequence[str]]:
    found: dict[str, Sequence[str]] = {}
    for name, values in (several or {name: [value] for name, value in (single or {}).items()}).items():
        found[name_of(name)] = [*found.get(name_of(name), ()), *(value or "" for value in values)]
    return found


def bearer_tokens(request: Request) -> list[str]:
    """What `Authorization: Bearer` headers carry (RFC 6750); other schemes are not looked at."""
    found = []
    for value in request.header("authorization"):
        scheme, _, token = value.strip().partition(" ")
        if scheme.lower() == "bearer":
            found.append(token.strip())
    return found


def encode(value: Any) -> str:
    """JSON in its shortest form. Text that has no UTF-8 form, which only an error can repeat, is escaped."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return _encode_exactly(value)


def _encode_exactly(value: Any) -> str:
    """The same for what does not fit: whole numbers of more than 64 bits, and half a surrogate pair."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text


def fits_answer(text: str) -> bool:
    """Whether a JSON text, quoted once more as the body of an answer, stays below what Lambda can hand back."""
    if len(text) * 4 <= MAX_ANSWER_BYTES:
        return True
    return len(text.encode()) + text.count('"') + text.count("\\") <= MAX_ANSWER_BYTES


class Endpoint:
    """The routes of one function. Handlers take the request and the path's parts, and return the body of a 200.

    A handler may also return a Page, which is answered as it is.
    """

    def __init__(self, error_format: Callable[[Request], ErrorFormat]) -> None:
        self._error_format = error_format
        self._app = APIGatewayRestResolver(serializer=encode)
        self._app.not_found(self._nothing_here)
        self._request: Request
        self._as_error: AsError

    def get(self, rule: str) -> Callable[[Handler], Handler]:
        """Registers a handler of GET; `<name>` in the rule is a part of the path."""
        return self._route(rule, "GET")

    def post(self, rule: str) -> Callable[[Handler], Handler]:
        """Registers a handler of POST."""
        return self._route(rule, "POST")

    def otherwise(self, handler: Callable[[Request], Body]) -> None:
        """Registers what answers when no route matches."""
        self._app.not_found(lambda _: self._respond(lambda: handler(self._request)))

    def answer(self, event: Mapping[str, Any], context: Any, as_error: AsError = lambda _: None) -> dict[str, Any]:
        """The answer to a REST API proxy event, whatever happens."""
        started = time.perf_counter()
        self._request, self._as_error = Request.from_event(event), as_error
        logger.set_correlation_id(self._request.id)
        answer = self._app.resolve({**event, "path": self._request.path}, context)
        milliseconds = round((time.perf_counter() - started) * 1000)
        # The route and not the path, which can hold an account's number.
        about = {"method": self._request.method, "route": event.get("resource"), "status": answer["statusCode"]}
        logger.info("answered", extra={**about, "milliseconds": milliseconds})
        return answer

    def _route(self, rule: str, method: str) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            def run(**parts: str) -> Response[str]:
                decoded = {name: unquote(part) for name, part in parts.items()}
                return self._respond(lambda: handler(self._request, **decoded))

            self._app.route(rule, method)(run)
            return handler

        return register

    def _respond(self, handle: Callable[[], Body | Page]) -> Response[str]:
        try:
            body = handle()
            page = body if isinstance(body, Page) else Page(encode(body), "application/json")
            if not fits_answer(page.text):
                raise ArrearsError(ANSWER_TOO_LARGE, self._error_format(self._request).too_large)
        except ArrearsError as error:
            return self._error(error)
        except Exception as error:
            return self._error(self._as_error(error) or self._unforeseen(error))
        return self._response(200, page.text, page.content_type, {**page.headers, **self._request.answer_headers})

    def _nothing_here(self, _: Exception) -> Response[str]:
        return self._error(ArrearsError(NOT_FOUND, f"There is no {self._request.method} here."))

    def _unforeseen(self, error: Exception) -> ArrearsError:
        logger.error("failed", exc_info=error)
        return ArrearsError(INTERNAL, f"Something failed on our side; it is logged as {self._request.id}.")

    def _error(self, error: ArrearsError) -> Response[str]:
        status = kind_of(error).status
        if status in (429, 500, 503):
            measure(error.code, 1)
        headers = headers_of(error)
        error_format = self._error_format(self._request)
        if error_format.explained and self._request.path.count("/") <= _DEEPEST_LINK:
            headers["Link"] = f'<{self._request.root_path}problems/{error.code}>; rel="help"'
        text = encode(error_format.body(error, self._request.id))
        return self._response(status, text, error_format.content_type, headers)

    def _response(self, status: int, text: str, content_type: str, headers: Mapping[str, str]) -> Response[str]:
        trace = {self._error_format(self._request).trace_header: self._request.id}
        return Response(
            status_code=status, content_type=content_type, body=text, headers={**_ALWAYS, **trace, **headers}
        )
