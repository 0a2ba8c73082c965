"""Bodies of requests as JSON with exact numbers."""

import json
from typing import Any

from arrears.api.errors import MALFORMED_BODY
from arrears.api.http import Request
from arrears.ledger import exact_json
from arrears.ledger.errors import ArrearsError


def body_text(request: Request) -> str:
    """The body as text. Raises an error where it is not UTF-8 or too large."""
    try:
        return request.body().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ArrearsError(MALFORMED_BODY, "The body is not text in UTF-8.") from None


def decoded(text: str, what: str = "The body") -> Any:
    """The value of a JSON text: numbers are int or Decimal, nothing is rounded. Raises errors, about `what`."""
    try:
        return exact_json.loads(text)
    except RecursionError:
        raise ArrearsError(MALFORMED_BODY, f"{what} is nested too deeply.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ArrearsError(MALFORMED_BODY, f"{what} is not JSON: {error.msg} at {where}.") from None
    except ValueError as error:
        raise ArrearsError(MALFORMED_BODY, f"{what} is not JSON that can be read: {error}.") from None
