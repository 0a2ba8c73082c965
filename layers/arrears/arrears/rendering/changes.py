"""The published form of changes of the ledger."""

from typing import Any

from arrears.ledger.changes import RecordedChange
from arrears.ledger.known_at import instant_of, instant_text

_PARTY_MEMBERS = {"c": "customerId", "s": "supplierId"}


def change_body(change: RecordedChange) -> dict[str, Any]:
    """A change. Records are as they are sent, so that an earlier one can be sent again."""
    body: dict[str, Any] = {
        "recordedAt": instant_text(instant_of(change.moment)),
        "type": change.type,
        "id": change.id,
    }
    if change.party is not None and change.party[0] in _PARTY_MEMBERS:
        body[_PARTY_MEMBERS[change.party[0]]] = change.party[1:]
    origin = change.origin
    body |= {"action": change.action, "by": {"type": origin.kind, "id": origin.id or None}}
    body |= {"importId": origin.import_id} if origin.import_id else {}
    body |= {"undoOf": origin.undo_of} if origin.undo_of else {}
    return {**body, "before": change.before, "after": change.after}
