"""Users of customers' accounts: made, listed and revoked. Passwords and tokens are stored as hashes only."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from arrears.ledger.ids import is_uuid
from arrears.storage.access.audit import Audit
from arrears.storage.access.items import (
    USERS,
    Item,
    ItemKey,
    id_of,
    integrator_key_key,
    integrator_listing_key,
    key_attributes,
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

MIN_PASSWORD_LENGTH = 12
_SHOWN_DIGEST = 12
"""So much of an integrator key's digest names it in the audit."""
_CHANGING = ("token", "accounts", "revoked_at")
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

    def create_integrator_key(self, organisation_id: str, existing: str | None = None) -> str:
        """A new integrator key of the organisation, which is shown this once.

        Its digest alone is stored, which protects only what cannot be guessed: so it is a random UUID and never chosen.
        existing: such a key that was made before, of an organisation that is set up anew. Raises ValueError for a key
        of another form or one that is taken.
        """
        organisation = self._table.organisation(organisation_id)
        text = str(uuid4()) if existing is None else existing
        if not _is_random(text):
            raise ValueError("an integrator key is a random UUID (version 4)")
        self._audit.write(
            organisation.id,
            "create_integrator_key",
            digest(text)[:_SHOWN_DIGEST],
            {},
            _put_integrator_key(text, organisation.id),
            put(integrator_listing_key(organisation.id, integrator_key_key(text)), {}),
            unmet="the integrator key belongs to another organisation",
        )
        return text

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
        password and a new token; one who was revoked begins anew, with this account alone. Raises ValueError when the
        integrator key is not one of the organisation's, or for what cannot be used.
        """
        organisation = self._table.organisation(organisation_id)
        _check_login(account, username, password, integrator_key)
        user_id = user_id_of(integrator_key, username)
        key = user_key(organisation.id, user_id)
        stored = self._table.get(key)
        known = stored if stored is not None and "revoked_at" not in stored else None
        token = f"ut_{UUID(organisation.id).hex}_{user_id}_{secrets.token_hex(24)}"
        item = {
            "username": username,
            "accounts": {**(known["accounts"] if known else {}), account.lower(): admin},
            "password": hash_password(password),
            "token": digest(token),
            "token_expires_at": moment_text(self._clock() + timedelta(days=token_days)),
            "created_at": known["created_at"] if known else self._clock().isoformat(),
        }
        self._audit.write(
            organisation.id,
            "create_user",
            user_id,
            {"account": account.lower(), "admin": admin},
            _own_integrator_key(integrator_key, organisation.id),
            put(integrator_listing_key(organisation.id, integrator_key_key(integrator_key)), {}),
            _put_user(key, item, stored),
            unmet="the integrator key is not one of the organisation's, or the user was changed at the same moment",
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

    def revoke_account(self, organisation_id: str, user_id: str, account: str) -> None:
        """Takes one account away from a user, who keeps the others (within the minute that they are cached for).

        Raises ValueError if there is no such user, or the user has no such account.
        """
        organisation_id, account = organisation_id.lower(), account.lower()
        stored = self._table.get(user_key(organisation_id, user_id))
        if stored is None:
            raise ValueError(f"the organisation has no {user_id}")
        if account not in stored["accounts"]:
            raise ValueError(f"the user has no account {account}")
        update = {
            "Key": key_attributes(user_key(organisation_id, user_id)),
            "UpdateExpression": "REMOVE accounts.#account",
            "ConditionExpression": "attribute_exists(accounts.#account)",
            "ExpressionAttributeNames": {"#account": account},
        }
        self._audit.write(organisation_id, "revoke_account", user_id, {"account": account}, {"Update": update})


def _check_login(account: str, username: str, password: str, integrator_key: str) -> None:
    if not is_uuid(account):
        raise ValueError("the account is not a customer's UUID")
    for text, what in ((username, "the username"), (password, "the password"), (integrator_key, "the integrator key")):
        check_name(text, what)
    if len(password) < MIN_PASSWORD_LENGTH:
        raise ValueError(f"the password must have at least {MIN_PASSWORD_LENGTH} characters")


def _put_user(key: ItemKey, item: Item, stored: Item | None) -> Item:
    """Writes the user if what is stored is still what was read."""
    action = put(key, item, new=stored is None)
    if stored is not None:
        read = {name: stored[name] for name in _CHANGING if name in stored}
        conditions = [f"#{name} = :{name}" if name in read else f"attribute_not_exists(#{name})" for name in _CHANGING]
        action["Put"]["ConditionExpression"] = " AND ".join(conditions)
        action["Put"]["ExpressionAttributeNames"] = {f"#{name}": name for name in _CHANGING}
        action["Put"]["ExpressionAttributeValues"] = {f":{name}": typed(value) for name, value in read.items()}
    return action


def _put_integrator_key(integrator_key: str, organisation_id: str) -> Item:
    """An integrator key stays its organisation's."""
    action = put(integrator_key_key(integrator_key), {"organisation": organisation_id})
    action["Put"]["ConditionExpression"] = "attribute_not_exists(pk) OR organisation = :organisation"
    action["Put"]["ExpressionAttributeValues"] = {":organisation": {"S": organisation_id}}
    return action


def _is_random(integrator_key: str) -> bool:
    """Whether it is a random UUID, which nobody can guess."""
    return is_uuid(integrator_key) and UUID(integrator_key).version == 4


def _own_integrator_key(integrator_key: str, organisation_id: str) -> Item:
    """That the key is the organisation's: a random UUID becomes so with its first user, any other must be already."""
    if _is_random(integrator_key):
        return _put_integrator_key(integrator_key, organisation_id)
    return {
        "ConditionCheck": {
            "Key": key_attributes(integrator_key_key(integrator_key)),
            "ConditionExpression": "organisation = :organisation",
            "ExpressionAttributeValues": {":organisation": {"S": organisation_id}},
        }
    }


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
