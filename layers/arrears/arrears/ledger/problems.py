"""Refusals: requests that cannot be answered as asked, in one catalogue of codes.

A face turns a refusal into its own shape; the code and the sentence are the same everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of refusal: HTTP status, stable code, and a title that never varies."""

    status: int
    code: str
    title: str


INVALID_PARAMETER = Kind(400, "invalid_parameter", "A query parameter cannot be used")
UNKNOWN_PARAMETER = Kind(400, "unknown_parameter", "The query has a parameter that this endpoint does not know")
INVALID_CURSOR = Kind(400, "invalid_cursor", "The cursor does not belong to this request")
MALFORMED_BODY = Kind(400, "malformed_body", "The body cannot be read")
INVALID_ENVELOPE = Kind(422, "invalid_envelope", "The body is not a batch of records")
TOO_LARGE = Kind(413, "too_large", "The request is too large")
ANSWER_TOO_LARGE = Kind(413, "answer_too_large", "The answer is too large for one response")
UNAUTHORISED = Kind(401, "unauthorised", "The credentials are missing or not valid")
UNKNOWN_INTEGRATOR = Kind(401, "unknown_integrator", "The integrator key is missing or not valid")
UNKNOWN_USER = Kind(401, "unknown_user", "The user's credentials are missing or not valid")
INVALID_TOKEN = Kind(401, "invalid_token", "The user token is not valid")
NO_ADMINISTRATOR = Kind(401, "no_administrator", "The user does not administer this account")
FOREIGN_ACCOUNT = Kind(401, "foreign_account", "The user does not belong to this account")
FORBIDDEN = Kind(403, "forbidden", "The credentials do not allow this")
FEATURE_UNAVAILABLE = Kind(403, "feature_unavailable", "The organisation does not have this feature")
NOT_FOUND = Kind(404, "not_found", "There is nothing at this address")
METHOD_NOT_ALLOWED = Kind(405, "method_not_allowed", "The address does not take this method")
THROTTLED = Kind(429, "throttled", "Too many requests")
RATE_LIMITED = Kind(429, "rate_limited", "Too many requests with these credentials")
INTERNAL = Kind(500, "internal_error", "Something failed on our side")
UNAVAILABLE = Kind(503, "unavailable", "The service is busy")

KINDS = (
    INVALID_PARAMETER,
    UNKNOWN_PARAMETER,
    INVALID_CURSOR,
    MALFORMED_BODY,
    INVALID_ENVELOPE,
    TOO_LARGE,
    ANSWER_TOO_LARGE,
    UNAUTHORISED,
    UNKNOWN_INTEGRATOR,
    UNKNOWN_USER,
    INVALID_TOKEN,
    NO_ADMINISTRATOR,
    FOREIGN_ACCOUNT,
    FORBIDDEN,
    FEATURE_UNAVAILABLE,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    THROTTLED,
    RATE_LIMITED,
    INTERNAL,
    UNAVAILABLE,
)
"""The catalogue, in the order of the documentation."""


@dataclass(slots=True)
class Refusal(Exception):
    """A request refused: what kind, one sentence that says what to change, and the field it is about, if one is."""

    kind: Kind
    detail: str
    about: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind.code}: {self.detail}"
