"""Ids: the caller's own ids are unique in its organisation; UUIDs are published."""

import re
import uuid
from functools import lru_cache

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID in its hyphenated form, in any case."""
    return _UUID.fullmatch(text) is not None


@lru_cache(maxsize=4_096)
def outward_id(organisation_id: str, kind: str, caller_id: str) -> str:
    """The UUID under which the world sees a caller's id: itself, or the UUIDv5 (RFC 9562) of "kind:id"."""
    if is_uuid(caller_id):
        return caller_id.lower()
    return str(uuid.uuid5(uuid.UUID(organisation_id), f"{kind}:{caller_id}"))


def folded_name(name: str) -> str:
    """A name with case and spacing folded, which distinguishes parties without an id."""
    return " ".join(name.split()).casefold()


def name_only_id(organisation_id: str, name: str) -> str:
    """The UUID of the account of a supplier that is known by its name only."""
    return str(uuid.uuid5(uuid.UUID(organisation_id), f"supplier name:{folded_name(name)}"))
