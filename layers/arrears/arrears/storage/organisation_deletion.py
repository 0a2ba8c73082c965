"""Deleting an organisation: ledger, history, access, counters and dropped files. All is found by keys, nothing scanned.

The organisation's own item goes first, together with the entry in the operator's audit: from then on nobody is let in
and nothing is worked through, and a deletion that stopped is known from that entry.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from arrears.ledger.days import day_text
from arrears.ledger.organisation import Organisation
from arrears.storage.access.audit import OPERATOR, Audit
from arrears.storage.access.counters import Counters
from arrears.storage.access.items import (
    INTEGRATORS,
    ORGANISATIONS,
    Item,
    ItemKey,
    key_attributes,
    organisation_key,
    partition_of,
)
from arrears.storage.access.table import AccessTable
from arrears.storage.history.deletion import HistoryDeletion
from arrears.storage.import_folder import ImportFolders
from arrears.storage.ledger.deletion import LedgerDeletion

BEGUN = "delete_organisation"
FINISHED = "organisation_deleted"
_PAUSE_SECONDS = 1.0
"""Between the last two looks: the index lags by moments."""


class Begun(NamedTuple):
    """What has to be known of an organisation that is gone. first_month: YYYY-MM, None without figures."""

    shards: int
    first_month: str | None


@dataclass(frozen=True, slots=True)
class OrganisationDeletion:
    """Deletes in one deployment. clock: aware moments."""

    ledger: LedgerDeletion
    history: HistoryDeletion
    access: AccessTable
    counters: Counters
    files: ImportFolders
    audit: Audit
    clock: Callable[[], datetime]

    def begin(self, organisation: Organisation, export_digest: str | None) -> None:
        """Takes the organisation out of service for good. export_digest: SHA-256 of the export made before, if any.

        Raises ValueError when somebody else has done so at the same moment.
        """
        months = self.ledger.months(organisation.id)
        content = {
            "shards": organisation.shards,
            "first_month": months[0] if months else None,
            "export": export_digest,
        }
        head = _delete(organisation_key(organisation.id))
        head["Delete"]["ConditionExpression"] = "attribute_exists(pk)"
        listed = _delete(ItemKey(ORGANISATIONS, organisation.id))
        self.audit.write(OPERATOR, BEGUN, organisation.id, content, head, listed)

    def begun(self, organisation_id: str) -> Begun | None:
        """What is known of an organisation whose deletion has begun; None for all others."""
        found = [act.content for act in self.audit.acts(OPERATOR) if (act.act, act.subject) == (BEGUN, organisation_id)]
        if not found:
            return None
        months = [content["first_month"] for content in found if content["first_month"]]
        return Begun(max(content["shards"] for content in found), min(months, default=None))

    def finish(self, organisation_id: str, begun: Begun) -> int:
        """Deletes everything of an organisation whose deletion has begun; how many items and files it asked to delete.

        It may stop anywhere and run again. What somebody who was let in before still writes is deleted too, as long as
        this runs; what comes later is deleted by running it again.
        """
        months = list(_months(begun.first_month, day_text(self.clock().toordinal())[:7]))
        total, quiet = 0, False
        while not quiet:
            deleted = self._delete_once(organisation_id, begun.shards, months)
            if not deleted:
                time.sleep(_PAUSE_SECONDS)
                deleted = self._delete_once(organisation_id, begun.shards, months)
                quiet = not deleted
            total += deleted
        self.audit.write(OPERATOR, FINISHED, organisation_id, {"deleted": total})
        return total

    def _delete_once(self, organisation_id: str, shards: int, months: list[str]) -> int:
        return (
            self.files.delete(organisation_id)
            + self.history.delete(organisation_id, months)
            + self.ledger.delete(organisation_id, shards)
            + self.counters.forget(organisation_id)
            + self.access.delete(list(self._access_keys(organisation_id)))
        )

    def _access_keys(self, organisation_id: str) -> Iterator[ItemKey]:
        """Everything in the organisation's partition, each integrator key's own item before its entry here."""
        for item in self.access.query(partition_of(organisation_id)):
            if item["sk"].startswith(INTEGRATORS):
                integrator = ItemKey(item["sk"].removeprefix(INTEGRATORS), "INTEGRATOR")
                stored = self.access.get(integrator)
                if stored is not None and stored["organisation"] == organisation_id:
                    yield integrator
            yield ItemKey(item["pk"], item["sk"])


def _delete(key: ItemKey) -> Item:
    return {"Delete": {"Key": key_attributes(key)}}


def _months(first: str | None, last: str) -> Iterator[str]:
    """Every month (YYYY-MM) from the first to the last."""
    if first is None:
        return
    year, month = map(int, first.split("-"))
    while (text := f"{year:04d}-{month:02d}") <= last:
        yield text
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
