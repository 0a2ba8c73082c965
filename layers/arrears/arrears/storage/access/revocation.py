"""Revoking what authenticates."""

from datetime import UTC, datetime

from arrears.storage.access.audit import Audit
from arrears.storage.access.items import ItemKey, key_attributes
from arrears.storage.access.table import AccessTable

_NOT_ENDED_BEFORE = "attribute_exists(pk) AND (attribute_not_exists(revoked_at) OR revoked_at >= :moment)"


def revoke(
    table: AccessTable, audit: Audit, organisation_id: str, key: ItemKey, act: str, subject: str, at: datetime
) -> None:
    """Ends an API key or user at a moment. It only ever brings the end nearer: what is revoked stays so.

    Raises ValueError if there is no such item.
    """
    moment = at.astimezone(UTC).isoformat()
    stored = table.get(key)
    if stored is None:
        raise ValueError(f"the organisation has no {subject}")
    if stored.get("revoked_at", moment) < moment:
        return
    update = {
        "Key": key_attributes(key),
        "UpdateExpression": "SET revoked_at = :moment",
        "ConditionExpression": _NOT_ENDED_BEFORE,
        "ExpressionAttributeValues": {":moment": {"S": moment}},
    }
    audit.write(organisation_id, act, subject, {"revoked_at": moment}, {"Update": update})
