"""The documentation that the API serves: its OpenAPI document, a page that shows it, and a page per error.

All of it is public. Links are relative, so they work behind any host, stage and prefix. Nothing is loaded from
another host: the page's script and style are the Swagger UI that Powertools ships.
"""

import html
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import aws_lambda_powertools

from arrears.api.errors import KINDS, NOT_FOUND, ErrorKind
from arrears.api.http import Page
from arrears.ledger.errors import ArrearsError

_ASSETS = Path(aws_lambda_powertools.__file__).parent / "event_handler" / "openapi" / "swagger_ui"
_A_DAY = {"Cache-Control": "public, max-age=86400"}
_FIVE_MINUTES = {"Cache-Control": "public, max-age=300"}
_ONLY_OURS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}
_HTML = "text/html; charset=utf-8"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Arrears API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<main id="api"></main>
<script src="docs/swagger-ui.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  presets: [SwaggerUIBundle.presets.apis],
});
"""

ADVICE: Mapping[str, str] = {
    "invalid_parameter": "Correct the parameter that the answer names; its message says what is allowed.",
    "unknown_parameter": "Leave the parameter out, or correct its spelling.",
    "invalid_cursor": "Start again without a cursor, and send the same filters with each page.",
    "malformed_body": "Send JSON or NDJSON in UTF-8; the message names line and column.",
    "invalid_envelope": "Send the members that the message names, and nothing else.",
    "invalid_policy": "Correct the part of the policy that the message names; it says what the part may be.",
    "request_too_large": "Send fewer records in each request; the message names the limit.",
    "answer_too_large": "Ask for the answer in pages, with limit and cursor, or for fewer days of a statement.",
    "too_large": "Use the command that the message names, with access to the stack, not over HTTPS: it has no limit.",
    "unauthorised": "Send a key that exists, is not revoked and has not expired.",
    "unknown_integrator": "Send the integrator key of the organisation that has the account.",
    "unknown_user": "Send one of the two credential headers, well-formed, with the user's name and password.",
    "invalid_token": "Create a new user token; the old one was revoked or never existed.",
    "no_administrator": "Make the user an administrator of the account, or ask as one who is.",
    "foreign_account": "Ask for an account that the user belongs to.",
    "forbidden": "Use a key with the scope that the message names, or leave out the other organisation's id.",
    "feature_unavailable": "Switch the feature on for the organisation: arrears org set.",
    "not_found": "Correct the address; the API's page lists all addresses.",
    "method_not_allowed": "Use the method that the Allow header names.",
    "throttled": "Wait for the seconds that Retry-After names, then send the request again.",
    "rate_limited": (
        "One API key or user may send only so many requests a second, and try only so many wrong passwords. Wait for "
        "the seconds that Retry-After names, then send more slowly."
    ),
    "internal_error": "Send the request again; if it fails again, look up the request id in the logs.",
    "unavailable": "Wait for the seconds that Retry-After names, then send the request again.",
}
"""What to do about each kind of error, by its code."""


def page() -> Page:
    """The page that shows the OpenAPI document."""
    return Page(_PAGE, _HTML, _FIVE_MINUTES | _ONLY_OURS)


@cache
def page_file(name: str) -> Page:
    """A script or style of the page. Raises an error for any other name."""
    if name == "start.js":
        return Page(_START, "text/javascript; charset=utf-8", _FIVE_MINUTES)
    if name == "swagger-ui.js":
        return Page(_asset("swagger-ui-bundle.min.js"), "text/javascript; charset=utf-8", _A_DAY)
    if name == "swagger-ui.css":
        return Page(_asset("swagger-ui.min.css"), "text/css; charset=utf-8", _A_DAY)
    raise ArrearsError(NOT_FOUND, "The page has no file of that name.")


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def openapi(document: Path) -> Page:
    """The OpenAPI document of the file."""
    return Page(document.read_text(encoding="utf-8"), "application/json", _FIVE_MINUTES)


def problem_page(code: str) -> Page:
    """What an error's code means and what to do about it. Raises an error for a code that is none."""
    kind = {kind.code: kind for kind in KINDS}.get(code)
    if kind is None:
        raise ArrearsError(NOT_FOUND, "No error has this code.")
    return Page(_problem_html(kind), _HTML, _A_DAY | _ONLY_OURS)


def _problem_html(kind: ErrorKind) -> str:
    title, advice = html.escape(kind.title), html.escape(ADVICE[kind.code])
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{kind.code}</title></head>\n'
        f"<body><h1>{kind.code}</h1><p>{title} ({kind.status}).</p><p>{advice}</p>\n"
        '<p><a href="../docs">All endpoints</a></p></body></html>\n'
    )
