"""The body of POST /ledger/records: a JSON object with records, or one record per line (NDJSON)."""

from datetime import datetime
from io import StringIO
from itertools import islice
from typing import Any

from arrears.api.errors import INVALID_ENVELOPE, INVALID_PARAMETER, REQUEST_TOO_LARGE
from arrears.api.http import Request
from arrears.api.json_body import body_text, decoded
from arrears.ledger.errors import ArrearsError
from arrears.ledger.import_ids import CLOCKS_DIFFER, began_at
from arrears.ledger.records import MAX_RECORDS

IMPORT_ID = "importId"
_NDJSON = ("ndjson", "jsonl", "json-lines", "json-seq")


def read_batch(request: Request) -> list[Any]:
    """The records of a request, decoded: numbers are int or Decimal, nothing is rounded. Raises errors."""
    text = body_text(request)
    content_type = " ".join(request.header("content-type")).lower()
    return _lines(text) if any(name in content_type for name in _NDJSON) else _envelope(text)


def read_import_id(request: Request, now: datetime) -> str:
    """The import that the records belong to, as the caller names it; "" if it does not.

    Raises an error for no id, and for one of a moment to come: what an import changed is looked for since it began.
    """
    text = request.last(IMPORT_ID)
    if text is None:
        return ""
    try:
        if began_at(text) - CLOCKS_DIFFER > now:
            raise ValueError("is of an import that has not begun yet")
    except ValueError as error:
        raise ArrearsError(INVALID_PARAMETER, f"{IMPORT_ID} {error}.", IMPORT_ID) from None
    return text


def _lines(text: str) -> list[Any]:
    numbered = ((number, line) for number, line in enumerate(StringIO(text, newline="\n"), 1) if line.strip())
    lines = list(islice(numbered, MAX_RECORDS + 1))
    if len(lines) > MAX_RECORDS:
        raise ArrearsError(REQUEST_TOO_LARGE, f"A request may have at most {MAX_RECORDS} records; this one has more.")
    return [decoded(line, f"Line {number} of the body") for number, line in lines]


def _envelope(text: str) -> list[Any]:
    body = decoded(text)
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
