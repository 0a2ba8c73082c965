"""Problem details (RFC 9457): the error format of the Dolfin contract and of our own endpoints."""

from typing import Any

from arrears.api.errors import kind_of
from arrears.api.http import ErrorFormat, Request
from arrears.ledger.errors import ArrearsError


def _body(error: ArrearsError, request_id: str) -> dict[str, Any]:
    kind = kind_of(error)
    body: dict[str, Any] = {
        "type": f"urn:arrears:problem:{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": error.detail,
        "instance": f"urn:uuid:{request_id}",
        "code": kind.code,
    }
    if error.field is not None:
        body["parameter"] = error.field
    return body | dict(error.members)


ERROR_FORMAT = ErrorFormat(_body, content_type="application/problem+json", explained=True)


def error_format(_: Request) -> ErrorFormat:
    """Problem details, whatever the request."""
    return ERROR_FORMAT
