"""The body of POST /ledger/records: a JSON object with records, or one record per line (NDJSON)."""

import json
from io import StringIO
from itertools import islice
from typing import Any

from arrears.api.errors import INVALID_ENVELOPE, INVALID_PARAMETER, MALFORMED_BODY, REQUEST_TOO_LARGE
from arrears.api.http import Request
from arrears.ledger import exact_json
from arrears.ledger.errors import ArrearsError
from arrears.ledger.import_ids import began_at
from arrears.ledger.records import MAX_RECORDS

IMPORT_ID = "importId"
_NDJSON = ("ndjson", "jsonl", "json-lines", "json-seq")


def read_batch(request: Request) -> list[Any]:
    """The records of a request, decoded: numbers are int or Decimal, nothing is rounded. Raises errors."""
    try:
        text = request.body().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ArrearsError(MALFORMED_BODY, "The body is not text in UTF-8.") from None
    content_type = " ".join(request.header("content-type")).lower()
    return _lines(text) if any(name in content_type for name in _NDJSON) else _envelope(text)


def read_import_id(request: Request) -> str:
    """The import that the records belong to, as the caller names it; "" if it does not. Raises an error for no id."""
    text = request.last(IMPORT_ID)
    if text is None:
        return ""
    try:
        began_at(text)
    except ValueError as error:
        raise ArrearsError(INVALID_PARAMETER, f"{IMPORT_ID} {error}.", IMPORT_ID) from None
    return text


def _lines(text: str) -> list[Any]:
    numbered = ((number, line) for number, line in enumerate(StringIO(text, newline="\n"), 1) if line.strip())
    lines = list(islice(numbered, MAX_RECORDS + 1))
    if len(lines) > MAX_RECORDS:
        raise ArrearsError(REQUEST_TOO_LARGE, f"A request may have at most {MAX_RECORDS} records; this one has more.")
    return [_decoded(line, f"Line {number} of the body") for number, line in lines]


def _envelope(text: str) -> list[Any]:
    body = _decoded(text, "The body")
    if not isinstance(body, dict) or set(body) != {"records"} or not isinstance(body["records"], list):
        raise ArrearsError(
            INVALID_ENVELOPE, 'The body must be an object with a list: {"records": [...]}, and nothing else.'
        )
    records = body["records"]
    if len(records) > MAX_RECORDS:
        raise ArrearsError(
            REQUEST_TOO_LARGE, f"A request may have at most {MAX_RECORDS} records; this one has {len(records)}."
        )
    return records


def _decoded(text: str, what: str) -> Any:
    try:
        return exact_json.loads(text)
    except RecursionError:
        raise ArrearsError(MALFORMED_BODY, f"{what} is nested too deeply.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ArrearsError(MALFORMED_BODY, f"{what} is not JSON: {error.msg} at {where}.") from None
    except ValueError as error:
        raise ArrearsError(MALFORMED_BODY, f"{what} is not JSON that can be read: {error}.") from None
