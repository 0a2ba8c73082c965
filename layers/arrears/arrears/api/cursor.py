"""Cursors: the position at which the next page starts, signed for one organisation and endpoint."""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from arrears.api.errors import INVALID_CURSOR
from arrears.ledger.errors import ArrearsError
from arrears.ledger.organisation import Organisation

MAX_LENGTH = 8_000
_SEAL_BYTES = 16


def seal(organisation: Organisation, path: str, value: Any) -> str:
    """A cursor that holds a JSON value, for one organisation and endpoint."""
    text = json.dumps(value, ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(_seal(organisation, path, text) + text).decode().rstrip("=")


def unseal(organisation: Organisation, path: str, cursor: str) -> Any:
    """The value of a cursor. Raises an error for one of another organisation or endpoint, or no cursor at all."""
    foreign = ArrearsError(INVALID_CURSOR, "The cursor is not one of this endpoint and organisation.", "cursor")
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise foreign from None
    stamp, text = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
    if len(cursor) > MAX_LENGTH or not hmac.compare_digest(stamp, _seal(organisation, path, text)):
        raise foreign
    return json.loads(text)


def _seal(organisation: Organisation, path: str, text: bytes) -> bytes:
    """Ties a cursor to the organisation, whose secret it is, and to the endpoint (HMAC, RFC 2104)."""
    secret = bytes.fromhex(organisation.cursor_secret)
    return hmac.digest(secret, path.encode() + b"\0" + text, hashlib.sha256)[:_SEAL_BYTES]
