"""The audit: every administrative act on an organisation, written in the same transaction as what it changes."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from arrears.storage.access.items import AUDIT, Item, audit_key, partition_of, put
from arrears.storage.access.table import AccessTable

OPERATOR = "operator"
"""Stands for an organisation's id where the audit has to outlive the organisation: its own deletion."""


@dataclass(frozen=True, slots=True)
class Act:
    """One administrative act: when, by whom, what, on what, and with which content."""

    at: datetime
    actor: str
    act: str
    subject: str
    content: Mapping[str, Any]


def system() -> str:
    """The actor where no person works."""
    return "system"


class Audit:
    """Writes and reads the audit. clock: aware moments.

    actor: who is recorded as having done it, asked when something is recorded. What is recorded is kept and read by
    others, so it holds no secret and nothing personal: ids, versions, digests and counts.
    """

    def __init__(self, table: AccessTable, clock: Callable[[], datetime], actor: Callable[[], str] = system) -> None:
        self._table = table
        self._clock = clock
        self._actor = actor

    def actor(self) -> str:
        """Who is recorded as having done something now."""
        return self._actor()

    def write(
        self, organisation_id: str, act: str, subject: str, content: Item, *actions: Item, unmet: str = ""
    ) -> None:
        """Writes all or nothing, together with the record of the act; without actions, the record alone.

        Raises ValueError with the message `unmet` when a condition of the actions does not hold.
        """
        at = self._clock().astimezone(UTC).isoformat(timespec="microseconds")
        record = {"at": at, "actor": self._actor(), "act": act, "subject": subject, "content": json.dumps(content)}
        self._table.transact(
            [*actions, put(audit_key(organisation_id, at, secrets.token_hex(4)), record, new=True)],
            unmet or f"somebody else changed {subject} at the same moment; try again",
        )

    def acts(self, organisation_id: str) -> Iterator[Act]:
        """Every administrative act on the organisation, oldest first."""
        for item in self._table.query(partition_of(organisation_id.lower()), AUDIT):
            at = datetime.fromisoformat(item["at"])
            yield Act(at, item["actor"], item["act"], item["subject"], json.loads(item["content"]))
