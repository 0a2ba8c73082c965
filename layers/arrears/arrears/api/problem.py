"""Problem details (RFC 9457), the errors of the Dolfin contract and of everything that is ours."""

from typing import Any

from arrears.api.http import Request, Wording
from arrears.ledger.problems import Refusal


def _body(refusal: Refusal, request_id: str) -> dict[str, Any]:
    kind = refusal.kind
    body: dict[str, Any] = {
        "type": f"urn:arrears:problem:{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": refusal.detail,
        "instance": f"urn:uuid:{request_id}",
        "code": kind.code,
    }
    if refusal.about is not None:
        body["parameter"] = refusal.about
    return body


WORDING = Wording(_body, content_type="application/problem+json", explained=True)


def wording(_: Request) -> Wording:
    """Problem details, whatever the request."""
    return WORDING
