"""Ids of imports: the moment at which one began, and some characters that tell it from others of that second."""

import re
from datetime import UTC, datetime, timedelta

CLOCKS_DIFFER = timedelta(hours=1)
"""By how much the clock that named an import may be ahead of those of its writers."""
_FORM = "%Y%m%dT%H%M%SZ"
_ID = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{6}", re.ASCII)


def import_id(began: datetime, nonce: str) -> str:
    """The id of an import that began at an aware moment. nonce: six hexadecimal digits or more."""
    return f"{began.astimezone(UTC).strftime(_FORM)}-{nonce[:6]}"


def began_at(id: str) -> datetime:
    """When the import of an id began. Raises ValueError for what is no such id."""
    found = _ID.fullmatch(id)
    if found is None:
        raise ValueError("is not the id of an import, such as 20260630T120000Z-7f3a2b")
    return datetime.strptime(found[1], _FORM).replace(tzinfo=UTC)
