"""API keys: made, listed, revoked and replaced. Their secrets are stored as digests only."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from arrears.ledger.caller import Scope
from arrears.ledger.days import parse_day
from arrears.storage.access.audit import Audit
from arrears.storage.access.counters import Counters
from arrears.storage.access.items import (
    API_KEYS,
    Item,
    api_key_key,
    id_of,
    moment_text,
    partition_of,
    put,
    read_moment,
)
from arrears.storage.access.passwords import digest
from arrears.storage.access.revocation import revoke
from arrears.storage.access.table import AccessTable


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of an API key; never its secret. Moments are UTC, revoked_at and expires_at may lie ahead.

    last_used_on: the day of the last use that could be noted.
    """

    id: str
    organisation_id: str
    label: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_on: int | None


class ApiKeys:
    """The API keys of the organisations of one access table. clock: aware moments."""

    def __init__(self, table: AccessTable, audit: Audit, clock: Callable[[], datetime], counters: Counters) -> None:
        self._table = table
        self._counters = counters
        self._audit = audit
        self._clock = clock

    def create(
        self,
        organisation_id: str,
        scopes: Sequence[str] = (),
        expires_at: datetime | None = None,
        label: str = "",
    ) -> str:
        """A new API key's text, which is shown this once. scopes: what it allows, everything if none is named."""
        organisation = self._table.organisation(organisation_id)
        unknown = set(scopes) - set(Scope)
        if unknown:
            raise ValueError(f"{', '.join(sorted(unknown))} is no scope; there are {', '.join(Scope)}")
        if expires_at is not None and expires_at <= self._clock():
            raise ValueError("the key would have expired already")
        key_id = secrets.token_hex(6)
        text = f"ar_{UUID(organisation.id).hex}_{key_id}_{secrets.token_hex(24)}"
        content = {"scopes": sorted(scopes or Scope), "expires_at": moment_text(expires_at)}
        item = {**content, "label": label, "digest": digest(text), "created_at": self._clock().isoformat()}
        key = api_key_key(organisation.id, key_id)
        self._audit.write(organisation.id, "create_key", key_id, content, put(key, item, new=True))
        return text

    def all(self, organisation_id: str) -> list[ApiKey]:
        """The organisation's keys, revoked and expired ones too."""
        organisation_id = organisation_id.lower()
        days = self._counters.days_of_use(organisation_id)
        items = self._table.query(partition_of(organisation_id), API_KEYS)
        return [_read_api_key(organisation_id, item, days.get(id_of(item), "")) for item in items]

    def revoke(self, organisation_id: str, key_id: str, at: datetime | None = None) -> None:
        """The key counts no more: from `at` on, or from now (within the minute that it is cached for)."""
        organisation_id = organisation_id.lower()
        key = api_key_key(organisation_id, key_id)
        revoke(self._table, self._audit, organisation_id, key, "revoke_key", key_id, at or self._clock())

    def rotate(self, organisation_id: str, key_id: str, overlap: timedelta) -> str:
        """A new key that may do what another may, whose own time ends after the overlap; the new key's text.

        Raises ValueError for a key that counts no more.
        """
        old = next((key for key in self.all(organisation_id) if key.id == key_id), None)
        now = self._clock()
        if old is None or any(end is not None and end <= now for end in (old.revoked_at, old.expires_at)):
            raise ValueError(f"the organisation has no {key_id} that still counts")
        text = self.create(organisation_id, sorted(old.scopes), old.expires_at, old.label)
        self.revoke(organisation_id, key_id, now + overlap)
        return text


def _read_api_key(organisation_id: str, item: Item, noted: str) -> ApiKey:
    # Until there was a counters table, the day was noted in the key's own item.
    used = max(noted, item.get("last_used_on", ""))
    return ApiKey(
        id=id_of(item),
        organisation_id=organisation_id,
        label=item["label"],
        scopes=frozenset(item["scopes"]),
        created_at=datetime.fromisoformat(item["created_at"]),
        expires_at=read_moment(item.get("expires_at")),
        revoked_at=read_moment(item.get("revoked_at")),
        last_used_on=parse_day(used) if used else None,
    )
