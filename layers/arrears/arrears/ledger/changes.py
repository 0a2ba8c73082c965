"""Changes of the ledger as the change log tells them: what, when and by whom, before and after."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from arrears.ledger.ids import outward_id
from arrears.ledger.organisation import Organisation
from arrears.ledger.origin import Origin

RECORD_TYPES = (
    "customer",
    "supplier",
    "invoice",
    "bill",
    "payment",
    "credit",
    "allocation",
    "reminder",
    "promise",
    "dispute",
)
SETTINGS_TYPES = ("policy", "organisation")
"""Types of changes that are no records'."""
CHANGE_TYPES = (*RECORD_TYPES, *SETTINGS_TYPES)

type Content = Mapping[str, Any]


class RecordedChange(NamedTuple):
    """A change of a record, of the policy or of other settings.

    moment: microseconds since 1970. type: of the record, or one of SETTINGS_TYPES. id: the caller's; of settings the
    organisation's. party: account key (letter and UUID) of whom a record is about, None where nobody is known yet.
    before, after: None where there was nothing.
    """

    moment: int
    origin: Origin
    type: str
    id: str
    party: str | None
    before: Content | None
    after: Content | None

    @property
    def action(self) -> str:
        """What became of it: `created`, `changed` or `deleted`."""
        if self.before is None:
            return "created"
        return "deleted" if self.after is None else "changed"


class ChangeFilter(NamedTuple):
    """Which changes are asked for; None: all. id: the caller's, or the UUID it has outside. party: an account key."""

    type: str | None = None
    id: str | None = None
    party: str | None = None
    import_id: str | None = None

    def takes(self, change: RecordedChange, organisation: Organisation) -> bool:
        """Whether a change is asked for. One that moved a record between parties is asked for by either."""
        return (
            self.type in (None, change.type)
            and self.import_id in (None, change.origin.import_id)
            and (self.id is None or self.id in (change.id, outward_id(organisation.id, change.type, change.id)))
            and (self.party is None or self.party in _parties(change, organisation))
        )


def _parties(change: RecordedChange, organisation: Organisation) -> set[str | None]:
    """The account keys of whom a change is about, and of whom it was before."""
    found = {change.party}
    for content in (change.before or {}, change.after or {}):
        for kind in ("customer", "supplier"):
            if content.get(f"{kind}_id"):
                found.add(kind[0] + outward_id(organisation.id, kind, content[f"{kind}_id"]))
    return found
