"""The catalogue of errors: the HTTP status and title of every code, and the headers that an error brings.

Codes for requests are defined here. The codes of the layers below are in `arrears.ledger.errors`, which also says how
errors pass through the layers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from arrears.ledger.errors import (
    FORBIDDEN,
    INVALID_TOKEN,
    RATE_LIMITED,
    THROTTLED,
    TOO_LARGE,
    UNAUTHORISED,
    UNAVAILABLE,
    UNKNOWN_INTEGRATOR,
    UNKNOWN_USER,
    ArrearsError,
)

INVALID_PARAMETER = "invalid_parameter"
UNKNOWN_PARAMETER = "unknown_parameter"
INVALID_CURSOR = "invalid_cursor"
MALFORMED_BODY = "malformed_body"
INVALID_ENVELOPE = "invalid_envelope"
INVALID_POLICY = "invalid_policy"
REQUEST_TOO_LARGE = "request_too_large"
ANSWER_TOO_LARGE = "answer_too_large"
NO_ADMINISTRATOR = "no_administrator"
FOREIGN_ACCOUNT = "foreign_account"
FEATURE_UNAVAILABLE = "feature_unavailable"
NOT_FOUND = "not_found"
METHOD_NOT_ALLOWED = "method_not_allowed"
INTERNAL = "internal_error"
LAGO_INVALID_VALUES = "validation_errors"


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One kind of error: HTTP status, stable code, and a title that never varies."""

    status: int
    code: str
    title: str


KINDS = (
    ErrorKind(400, INVALID_PARAMETER, "A parameter cannot be used"),
    ErrorKind(400, UNKNOWN_PARAMETER, "The query has a parameter that this endpoint does not know"),
    ErrorKind(400, INVALID_CURSOR, "The cursor does not belong to this request"),
    ErrorKind(400, MALFORMED_BODY, "The body cannot be read"),
    ErrorKind(422, INVALID_ENVELOPE, "The body does not have the members that the address takes"),
    ErrorKind(422, INVALID_POLICY, "The policy cannot be used"),
    ErrorKind(413, REQUEST_TOO_LARGE, "The request is too large"),
    ErrorKind(413, ANSWER_TOO_LARGE, "The answer is too large for one response"),
    ErrorKind(422, TOO_LARGE, "The answer takes too long to work out"),
    ErrorKind(401, UNAUTHORISED, "The credentials are missing or not valid"),
    ErrorKind(401, UNKNOWN_INTEGRATOR, "The integrator key is missing or not valid"),
    ErrorKind(401, UNKNOWN_USER, "The user's credentials are missing or not valid"),
    ErrorKind(401, INVALID_TOKEN, "The user token is not valid"),
    ErrorKind(401, NO_ADMINISTRATOR, "The user does not administer this account"),
    ErrorKind(401, FOREIGN_ACCOUNT, "The user does not belong to this account"),
    ErrorKind(403, FORBIDDEN, "The credentials do not allow this"),
    ErrorKind(403, FEATURE_UNAVAILABLE, "The organisation does not have this feature"),
    ErrorKind(404, NOT_FOUND, "There is nothing at this address"),
    ErrorKind(405, METHOD_NOT_ALLOWED, "The address does not take this method"),
    ErrorKind(429, THROTTLED, "Too many requests"),
    ErrorKind(429, RATE_LIMITED, "Too many requests with these credentials"),
    ErrorKind(500, INTERNAL, "Something failed on our side"),
    ErrorKind(503, UNAVAILABLE, "The service is busy"),
)
"""The catalogue, in the order of the documentation."""

_BY_CODE: Mapping[str, ErrorKind] = {
    kind.code: kind for kind in (*KINDS, ErrorKind(422, LAGO_INVALID_VALUES, "A query parameter cannot be used"))
}


class MethodNotAllowed(ArrearsError):
    """The address takes `allowed`, and not the method of the request."""

    def __init__(self, allowed: str, asked: str) -> None:
        super().__init__(METHOD_NOT_ALLOWED, f"This address takes {allowed}, not {asked}.")
        self.allowed = allowed


def kind_of(error: ArrearsError) -> ErrorKind:
    """The status and title of an error."""
    return _BY_CODE[error.code]


def headers_of(error: ArrearsError) -> dict[str, str]:
    """What an error says in headers, in every contract."""
    headers = {"WWW-Authenticate": "Bearer"} if kind_of(error).status == 401 else {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = error.allowed
    return headers
