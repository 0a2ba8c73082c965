"""Users of customers' accounts: made, listed and revoked. Passwords and tokens are stored as hashes only."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from arrears.ledger.ids import is_uuid
from arrears.storage.access.audit import Audit
from arrears.storage.access.items import (
    USERS,
    Item,
    ItemKey,
    id_of,
    integrator_key_key,
    integrator_listing_key,
    moment_text,
    partition_of,
    put,
    read_moment,
    typed,
    user_id_of,
    user_key,
)
from arrears.storage.access.names import check_name
from arrears.storage.access.passwords import digest, hash_password
from arrears.storage.access.revocation import revoke
from arrears.storage.access.table import AccessTable

TOKEN_DAYS = 365
"""How long a user's token counts unless somebody says otherwise."""


@dataclass(frozen=True, slots=True)
class Login:
    """What is known of a user; never the password or token. accounts: by customer UUID, whether it administers it.

    token_expires_at: None for a token that was made before tokens expired.
    """

    id: str
    organisation_id: str
    username: str
    accounts: Mapping[str, bool]
    created_at: datetime
    revoked_at: datetime | None
    token_expires_at: datetime | None


class Users:
    """The users of the organisations of one access table. clock: aware moments."""

    def __init__(self, table: AccessTable, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._audit = audit
        self._clock = clock

    def create(
        self,
        organisation_id: str,
        account: str,
        username: str,
        password: str,
        integrator_key: str,
        admin: bool = False,
        token_days: int = TOKEN_DAYS,
    ) -> str:
        """A user of an account (the customer's UUID); its token, which is shown this once.

        token_days: how long the token counts; the password has no end. A user who exists gets one more account, the new
        password and a new token. Raises ValueError when the integrator key belongs to another organisation, or for what
        cannot be used.
        """
        organisation = self._table.organisation(organisation_id)
        _check_login(account, username, password, integrator_key)
        user_id = user_id_of(integrator_key, username)
        key = user_key(organisation.id, user_id)
        stored = self._table.get(key)
        token = f"ut_{UUID(organisation.id).hex}_{user_id}_{secrets.token_hex(24)}"
        item = {
            "username": username,
            "accounts": {**(stored["accounts"] if stored else {}), account.lower(): admin},
            "password": hash_password(password),
            "token": digest(token),
            "token_expires_at": moment_text(self._clock() + timedelta(days=token_days)),
            "created_at": stored["created_at"] if stored else self._clock().isoformat(),
        }
        self._audit.write(
            organisation.id,
            "create_user",
            user_id,
            {"account": account.lower(), "admin": admin},
            _take_integrator_key(integrator_key, organisation.id),
            put(integrator_listing_key(organisation.id, integrator_key_key(integrator_key)), {}),
            _put_user(key, item, stored),
            unmet="the integrator key belongs to another organisation, or the user was changed at the same moment",
        )
        return token

    def all(self, organisation_id: str) -> list[Login]:
        """The organisation's users, revoked ones too."""
        items = self._table.query(partition_of(organisation_id.lower()), USERS)
        return [_read_login(organisation_id.lower(), item) for item in items]

    def revoke(self, organisation_id: str, user_id: str) -> None:
        """The user's password and token count no more (within the minute that they are cached for)."""
        organisation_id = organisation_id.lower()
        key = user_key(organisation_id, user_id)
        revoke(self._table, self._audit, organisation_id, key, "revoke_user", user_id, self._clock())


def _check_login(account: str, username: str, password: str, integrator_key: str) -> None:
    if not is_uuid(account):
        raise ValueError("the account is not a customer's UUID")
    for text, what in ((username, "the username"), (password, "the password"), (integrator_key, "the integrator key")):
        check_name(text, what)


def _put_user(key: ItemKey, item: Item, stored: Item | None) -> Item:
    """Writes the user if what is stored is still what was read."""
    action = put(key, item, new=stored is None)
    if stored is not None:
        action["Put"]["ConditionExpression"] = "#token = :token"
        action["Put"]["ExpressionAttributeNames"] = {"#token": "token"}
        action["Put"]["ExpressionAttributeValues"] = {":token": typed(stored["token"])}
    return action


def _take_integrator_key(integrator_key: str, organisation_id: str) -> Item:
    """An integrator key is its organisation's from the first user on."""
    action = put(integrator_key_key(integrator_key), {"organisation": organisation_id})
    action["Put"]["ConditionExpression"] = "attribute_not_exists(pk) OR organisation = :organisation"
    action["Put"]["ExpressionAttributeValues"] = {":organisation": {"S": organisation_id}}
    return action


def _read_login(organisation_id: str, item: Item) -> Login:
    return Login(
        id=id_of(item),
        organisation_id=organisation_id,
        username=item["username"],
        accounts=item["accounts"],
        created_at=datetime.fromisoformat(item["created_at"]),
        revoked_at=read_moment(item.get("revoked_at")),
        token_expires_at=read_moment(item.get("token_expires_at")),
    )
