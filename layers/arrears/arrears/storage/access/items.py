"""The keys and stored forms of the access table: the one place where they are built and read.

Everything of an organisation is in its own partition. An API key or a user token names its organisation, so that one
request reads the secret's item and the organisation's item together.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from arrears.ledger.caller import User
from arrears.ledger.days import day_text, parse_day
from arrears.ledger.organisation import Organisation
from arrears.ledger.policy import Policy
from arrears.storage.access.passwords import digest

API_KEYS = "KEY#"
AUDIT = "AUDIT#"
INTEGRATORS = "INTEGRATOR#"
POLICIES = "POLICY#"
USERS = "USER#"
ORGANISATIONS = "ORGANISATIONS"
"""The partition that lists every organisation; each one's id is the sort key."""
_USER_ID_LENGTH = 32

type Item = dict[str, Any]


class ItemKey(NamedTuple):
    """Partition and sort key of an item."""

    partition: str
    sort: str


# --- Keys -----------------------------------------------------------------------------------------------------------


def partition_of(organisation_id: str) -> str:
    """The partition of everything that belongs to the organisation."""
    return f"O#{organisation_id}"


def organisation_key(organisation_id: str) -> ItemKey:
    """The organisation itself, with the policy that counts now."""
    return ItemKey(partition_of(organisation_id), "ORGANISATION")


def policy_key(organisation_id: str, version: int) -> ItemKey:
    """One version of the organisation's policy."""
    return ItemKey(partition_of(organisation_id), f"{POLICIES}{version:06d}")


def api_key_key(organisation_id: str, key_id: str) -> ItemKey:
    """One API key."""
    return ItemKey(partition_of(organisation_id), API_KEYS + key_id)


def user_key(organisation_id: str, user_id: str) -> ItemKey:
    """One user."""
    return ItemKey(partition_of(organisation_id), USERS + user_id)


def audit_key(organisation_id: str, at: str, nonce: str) -> ItemKey:
    """One audited act. nonce: keeps two acts of the same moment apart."""
    return ItemKey(partition_of(organisation_id), f"{AUDIT}{at}#{nonce}")


def integrator_key_key(integrator_key: str) -> ItemKey:
    """Whose an integrator key is."""
    return ItemKey(f"I#{digest(integrator_key)}", "INTEGRATOR")


def integrator_listing_key(organisation_id: str, integrator: ItemKey) -> ItemKey:
    """Lists an integrator key with its organisation: otherwise only who has the key would find it."""
    return ItemKey(partition_of(organisation_id), INTEGRATORS + integrator.partition)


def user_id_of(integrator_key: str, username: str) -> str:
    """One user per integrator key and username, found without a list of them."""
    return digest(json.dumps([integrator_key, username]))[:_USER_ID_LENGTH]


def id_of(item: Item) -> str:
    """The id of the API key or user that an item is about."""
    sort: str = item["sk"]
    return sort.partition("#")[2]


# --- Attributes -----------------------------------------------------------------------------------------------------


def key_attributes(key: ItemKey) -> Item:
    """The key as DynamoDB carries it."""
    return {"pk": {"S": key.partition}, "sk": {"S": key.sort}}


def plain_item(attributes: Mapping[str, Any]) -> Item:
    """The values of an item that DynamoDB carries."""
    return {name: _plain(value) for name, value in attributes.items()}


def typed(value: Any) -> Item:
    """A value as DynamoDB carries it. boto3 can do that too, but importing it is a fifth of a cold start."""
    match value:
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case list():
            return {"L": [typed(entry) for entry in value]}
        case dict():
            return {"M": {name: typed(entry) for name, entry in value.items()}}
    raise TypeError(f"no attribute is a {type(value)}")


def _plain(attribute: Item) -> Any:
    [(kind, value)] = attribute.items()
    match kind:
        case "N":
            return int(value)
        case "L":
            return [_plain(entry) for entry in value]
        case "M":
            return {name: _plain(entry) for name, entry in value.items()}
    return value


def put(key: ItemKey, values: Item, new: bool = False) -> Item:
    """A Put of a transaction; values that are None are left out. new: only where there is no such item."""
    attributes = {name: typed(value) for name, value in values.items() if value is not None}
    action: Item = {"Item": {**key_attributes(key), **attributes}}
    if new:
        action["ConditionExpression"] = "attribute_not_exists(pk)"
    return {"Put": action}


# --- Stored forms ---------------------------------------------------------------------------------------------------


def moment_text(at: datetime | None) -> str | None:
    """A moment as it is stored: ISO 8601 in UTC, so that text compares as time."""
    return None if at is None else at.astimezone(UTC).isoformat()


def read_moment(text: str | None) -> datetime | None:
    """A stored moment."""
    return None if text is None else datetime.fromisoformat(text)


def is_valid_at(item: Item, now: datetime) -> bool:
    """Whether an API key or user is neither expired nor revoked."""
    moment = now.astimezone(UTC).isoformat()
    expires_at, revoked_at = item.get("expires_at"), item.get("revoked_at")
    return (expires_at is None or moment < expires_at) and (revoked_at is None or moment < revoked_at)


def is_token_valid_at(user: Item, now: datetime) -> bool:
    """Whether a user's token is not expired. One that was made before tokens expired has no end and counts on."""
    expires_at = user.get("token_expires_at")
    return expires_at is None or now.astimezone(UTC).isoformat() < expires_at


def organisation_item(organisation: Organisation) -> Item:
    """The stored form of an organisation."""
    return {
        "name": organisation.name,
        "currency": organisation.currency,
        "timezone": organisation.timezone,
        "created_on": day_text(organisation.created_on),
        "cursor_secret": organisation.cursor_secret,
        "features": sorted(organisation.features),
        "shards": organisation.shards,
        "payments_over_api": organisation.payments_over_api,
        "paged": organisation.paged,
        **({} if organisation.known_from is None else {"known_from": organisation.known_from}),
        **policy_item(organisation.policy),
    }


def read_organisation(item: Item) -> Organisation:
    """A stored organisation."""
    return Organisation(
        id=item["pk"][len(partition_of("")) :],
        name=item["name"],
        currency=item["currency"],
        timezone=item["timezone"],
        created_on=parse_day(item["created_on"]),
        cursor_secret=item["cursor_secret"],
        features=frozenset(item["features"]),
        shards=item["shards"],
        payments_over_api=item["payments_over_api"],
        paged=item.get("paged", False),
        known_from=item.get("known_from"),
        policy=read_policy(item),
    )


def changing_settings(organisation: Organisation) -> Item:
    """Those settings of an organisation that may change, as plain values, for the change log."""
    return {
        "features": sorted(organisation.features),
        "payments_over_api": organisation.payments_over_api,
        "paged": organisation.paged,
        "policy": organisation.policy.to_json(),
    }


def with_settings(organisation: Organisation, settings: Mapping[str, Any]) -> Organisation:
    """The organisation as it was with these settings; credentials and features stay those of the present."""
    return replace(organisation, policy=Policy(**settings["policy"]), paged=settings["paged"])


def policy_item(policy: Policy) -> Item:
    """The stored form of a version of a policy."""
    return {"policy": json.dumps(policy.to_json())}


def read_policy(item: Item) -> Policy:
    """A stored version of a policy."""
    return Policy(**json.loads(item["policy"]))


def read_user(organisation: Organisation, item: Item) -> User:
    """A stored user, as one who asks."""
    return User(organisation, id_of(item), item["accounts"])
