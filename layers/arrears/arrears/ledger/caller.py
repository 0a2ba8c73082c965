"""The caller: an API key with its organisation and scopes, or a user with the accounts it belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from arrears.ledger.errors import FORBIDDEN, ArrearsError
from arrears.ledger.organisation import Organisation


class Scope(StrEnum):
    """What an API key may be limited to."""

    WRITE_LEDGER = "ledger:write"
    READ_RECEIVABLES = "receivables:read"
    READ_PAYABLES = "payables:read"
    READ_ANALYTICS = "analytics:read"
    READ_ESCALATIONS = "escalations:read"
    AUDIT_LEDGER = "ledger:audit"


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of an API key. scopes: what the key allows."""

    organisation: Organisation
    key_id: str
    scopes: frozenset[str]

    def require(self, scope: Scope) -> None:
        """Raises `forbidden` when the key lacks the scope."""
        if scope not in self.scopes:
            raise ArrearsError(FORBIDDEN, f"The API key lacks the scope {scope}.")


@dataclass(frozen=True, slots=True)
class User:
    """A person of some customers. accounts: by the customer's UUID, whether the user administers it."""

    organisation: Organisation
    id: str
    accounts: Mapping[str, bool]
