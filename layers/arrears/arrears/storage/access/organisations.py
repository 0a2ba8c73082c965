"""Organisations, their API keys, users and policies, and the audit of every change to them.

Everything of an organisation is in its own partition. Secrets are stored as hashes only; a key or token names its
organisation, so that one request reads the secret's record and the organisation together.
"""

import json
import logging
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from botocore.exceptions import BotoCoreError, ClientError

from arrears.ledger.caller import Caller, Scope, User
from arrears.ledger.days import day_of, day_text, parse_day
from arrears.ledger.errors import (
    INVALID_TOKEN,
    UNAUTHORISED,
    UNAVAILABLE,
    UNKNOWN_INTEGRATOR,
    UNKNOWN_USER,
    ArrearsError,
)
from arrears.ledger.ids import is_uuid
from arrears.ledger.money import EXPONENTS
from arrears.ledger.organisation import Organisation
from arrears.ledger.policy import Policy
from arrears.storage.access.passwords import check_password, digest, hash_password, same

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

logger = logging.getLogger(__name__)

CACHE_SECONDS = 60
CACHE_ENTRIES = 1_000
READ_ATTEMPTS = 4
GUESSES = 10
"""Wrong passwords for one user name in one window; from then on none is looked at until the window is over."""
GUESS_WINDOW_SECONDS = 300
MAX_NAME_LENGTH = 200
MAX_SHARDS = 64
FEATURES = frozenset({"analytics"})

_KEY = re.compile(r"ar_([0-9a-f]{32})_([0-9a-f]{12})_[0-9a-f]{48}", re.ASCII)
_TOKEN = re.compile(r"ut_([0-9a-f]{32})_([0-9a-f]{32})_[0-9a-f]{48}", re.ASCII)
_NO_DIGEST = "0" * 64
_ORGANISATIONS = "ORGANISATIONS"
_HEAD = "ORGANISATION"

_USED_BEFORE = "attribute_exists(pk) AND (attribute_not_exists(last_used_on) OR last_used_on < :today)"
_NOT_ENDED_BEFORE = "attribute_exists(pk) AND (attribute_not_exists(revoked_at) OR revoked_at >= :moment)"

type Item = dict[str, Any]
type Place = tuple[str, str]
"""Partition and sort key."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of an API key; never its secret. Moments are UTC, revoked_at and expires_at may lie ahead."""

    id: str
    organisation_id: str
    label: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_on: int | None


@dataclass(frozen=True, slots=True)
class Login:
    """What is known of a user; never the password or token. accounts: by customer UUID, whether it administers it."""

    id: str
    organisation_id: str
    username: str
    accounts: Mapping[str, bool]
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Act:
    """One administrative act: when, by whom, what, on what, and with which content."""

    at: datetime
    actor: str
    act: str
    subject: str
    content: Mapping[str, Any]


def _in_background(task: Callable[[], None]) -> None:
    Thread(target=task, daemon=True).start()


class AccessStore:
    """Reads and writes one access table. clock: aware moments. actor: who does what is recorded in the audit.

    What authentication has read is kept for a minute: a revoked key or a changed policy counts within that time.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        clock: Callable[[], datetime],
        actor: str = "system",
        monotonic: Callable[[], float] = time.monotonic,
        in_background: Callable[[Callable[[], None]], None] = _in_background,
    ) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._actor = actor
        self._cache = _Cache(monotonic)
        self._in_background = in_background

    # --- Who asks ---------------------------------------------------------------------------------------------------

    def authenticate(self, api_key: str) -> Caller:
        """The holder of an API key. Raises an `unauthorised` refusal, the same whatever is wrong with the key."""
        match = _KEY.fullmatch(api_key)
        if match is None:
            raise _unauthorised()
        organisation_id, key_id = str(UUID(match[1])), match[2]
        place = _organisation_place(organisation_id, f"KEY#{key_id}")
        key, organisation = self._with_organisation(place, organisation_id)
        genuine = same(digest(api_key), _NO_DIGEST if key is None else key["digest"])
        if key is None or organisation is None or not genuine or not self._counts(key):
            raise _unauthorised()
        self._note_use(place, key, organisation)
        return Caller(organisation, key_id, frozenset(key["scopes"]))

    def authenticate_user(self, integrator_key: str, username: str, password: str) -> User:
        """The user of an integrator key. Raises `unknown_integrator`, which is checked first, or `unknown_user`.

        Whether the user or the password is unknown, or too many wrong ones came before, shows neither in the refusal
        nor in the time that it takes. Guesses are counted by user name whether there is such a user or not.
        """
        proof = digest(json.dumps([integrator_key, username, password]))
        known: User | None = self._cache.get(proof)
        if known is not None:
            return known
        integrator = self._get(_integrator_place(integrator_key))
        if integrator is None:
            raise ArrearsError(UNKNOWN_INTEGRATOR, "The integrator key is not known.")
        organisation_id, user_id = integrator["organisation"], _user_id(integrator_key, username)
        place, head = (
            _organisation_place(organisation_id, f"USER#{user_id}"),
            _organisation_place(organisation_id, _HEAD),
        )
        window = int(self._clock().timestamp()) // GUESS_WINDOW_SECONDS
        guesses = _guesses_place(organisation_id, user_id, window)
        found = self._read([place, head, guesses])
        user = found.get(place)
        guessed = found.get(guesses, {}).get("guesses", 0) >= GUESSES
        genuine = check_password(password, None if user is None else user["password"])
        if genuine and not guessed and user is not None and head in found and self._counts(user):
            return self._cache.put(proof, _user(_organisation(found[head]), user))
        if not guessed:
            self._count_guess(guesses, (window + 1) * GUESS_WINDOW_SECONDS)
        raise ArrearsError(UNKNOWN_USER, "The user or the password is not known.")

    def _count_guess(self, place: Place, until_epoch: int) -> None:
        """Counted in the table, for all processes. Guesses of one moment may all be looked at before they count."""
        counted = self._client.update_item(
            TableName=self._table,
            Key=_key(place),
            UpdateExpression="SET expires_at_epoch = :until ADD guesses :one",
            ExpressionAttributeValues={":until": {"N": str(until_epoch)}, ":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )
        if int(counted["Attributes"]["guesses"]["N"]) == GUESSES:
            logger.warning("too many wrong passwords for one user; none is looked at for some minutes")

    def authenticate_token(self, token: str) -> User:
        """The user of a token. Raises an `invalid_token` refusal, the same whatever is wrong with the token."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise ArrearsError(INVALID_TOKEN, "The user token is not valid.")
        organisation_id = str(UUID(match[1]))
        place = _organisation_place(organisation_id, f"USER#{match[2]}")
        user, organisation = self._with_organisation(place, organisation_id)
        genuine = same(digest(token), _NO_DIGEST if user is None else user["token"])
        if user is None or organisation is None or not genuine or not self._counts(user):
            raise ArrearsError(INVALID_TOKEN, "The user token is not valid.")
        return _user(organisation, user)

    def _with_organisation(self, place: Place, organisation_id: str) -> tuple[Item | None, Organisation | None]:
        """A secret's record and its organisation. Only what exists is kept, so a new key works at once."""
        known: tuple[Item, Organisation] | None = self._cache.get(place)
        if known is not None:
            return known
        head = _organisation_place(organisation_id, _HEAD)
        found = self._read([place, head])
        if place not in found or head not in found:
            return None, None
        return self._cache.put(place, (found[place], _organisation(found[head])))

    def _counts(self, item: Item) -> bool:
        now = self._clock().astimezone(UTC).isoformat()
        expires_at, revoked_at = item.get("expires_at"), item.get("revoked_at")
        return (expires_at is None or now < expires_at) and (revoked_at is None or now < revoked_at)

    def _note_use(self, place: Place, key: Item, organisation: Organisation) -> None:
        today = day_text(organisation.today(self._clock()))
        if key.get("last_used_on", "") >= today:
            return
        key["last_used_on"] = today
        self._in_background(lambda: self._write_use(place, today))

    def _write_use(self, place: Place, today: str) -> None:
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(place),
                UpdateExpression="SET last_used_on = :today",
                ConditionExpression=_USED_BEFORE,
                ExpressionAttributeValues={":today": {"S": today}},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return  # Another process has noted it already.
        except (ClientError, BotoCoreError):
            logger.warning("the day an API key was last used could not be written", exc_info=True)

    # --- Organisations ----------------------------------------------------------------------------------------------

    def create_organisation(self, name: str, timezone: str, currency: str, id: str | None = None) -> Organisation:
        """A new organisation. id: a UUID of its own, made here if None. Raises ValueError for what cannot be used."""
        if id is not None and not is_uuid(id):
            raise ValueError("the id is not a UUID")
        if currency not in EXPONENTS:
            raise ValueError(f"{currency} is not a currency of ISO 4217, such as EUR")
        _check_name(name, "the name")
        organisation = Organisation(
            id=str(uuid4()) if id is None else id.lower(),
            name=name,
            currency=currency,
            timezone=timezone,
            created_on=day_of(self._clock(), _known_timezone(timezone)),
            cursor_secret=secrets.token_hex(32),
        )
        content = {"name": name, "timezone": timezone, "currency": currency}
        try:
            self._write(
                organisation.id,
                "create_organisation",
                organisation.id,
                content,
                _put(_organisation_place(organisation.id, _HEAD), _organisation_item(organisation), new=True),
                _put((_ORGANISATIONS, organisation.id), {"name": name}),
                _put(_policy_place(organisation.id, organisation.policy), _policy_item(organisation.policy)),
            )
        except self._client.exceptions.TransactionCanceledException as error:
            raise _or_value_error(error, f"there is an organisation {organisation.id} already") from error
        return organisation

    def organisation(self, id: str) -> Organisation:
        """The organisation as it is now. Raises ValueError if there is none."""
        head = self._get(_organisation_place(id.lower(), _HEAD))
        if head is None:
            raise ValueError(f"there is no organisation {id}")
        return _organisation(head)

    def organisations(self) -> Iterator[Organisation]:
        """All of them, by id."""
        for item in self._query(_ORGANISATIONS, ""):
            yield self.organisation(item["sk"])

    def set_policy(self, id: str, changes: Mapping[str, Any]) -> Policy:
        """The next version of the policy, with changes by field name. Raises ValueError for what cannot be used."""
        policy = self.organisation(id).policy.validated(changes)
        self._change(id, "set_policy", {"policy": json.dumps(policy.to_json())}, policy=policy)
        return policy

    def policies(self, id: str) -> list[Policy]:
        """Every version, oldest first."""
        return [_policy(item) for item in self._query(_organisation_place(id.lower(), "")[0], "POLICY#")]

    def set_features(self, id: str, features: Sequence[str]) -> None:
        """Switches exactly these features on. Raises ValueError for one that is not known."""
        if not FEATURES.issuperset(features):
            raise ValueError(f"the features are {', '.join(sorted(FEATURES))}")
        self._change(id, "set_features", {"features": sorted(set(features))})

    def set_shards(self, id: str, shards: int) -> None:
        """Spreads new accounts over so many index partitions; it only grows, as accounts keep theirs."""
        if not self.organisation(id).shards <= shards <= MAX_SHARDS:
            raise ValueError(f"shards only grow, up to {MAX_SHARDS}")
        self._change(id, "set_shards", {"shards": shards})

    def set_payments_over_api(self, id: str, allowed: bool) -> None:
        """Whether the organisation's customers may pay through the API."""
        self._change(id, "set_payments_over_api", {"payments_over_api": allowed})

    def _change(self, id: str, act: str, values: Item, policy: Policy | None = None) -> None:
        organisation = self.organisation(id)
        puts = [] if policy is None else [_put(_policy_place(organisation.id, policy), _policy_item(policy), new=True)]
        names = {f"#{place}": name for place, name in enumerate(values)}
        update = {
            "Key": _key(_organisation_place(organisation.id, _HEAD)),
            "UpdateExpression": "SET " + ", ".join(f"{short} = :{short[1:]}" for short in names),
            "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {f":{short[1:]}": _typed(values[name]) for short, name in names.items()},
        }
        try:
            self._write(organisation.id, act, organisation.id, values, {"Update": update}, *puts)
        except self._client.exceptions.TransactionCanceledException as error:
            raise _or_value_error(error, "somebody else changed it at the same moment; try again") from error

    # --- API keys ---------------------------------------------------------------------------------------------------

    def create_key(
        self,
        organisation_id: str,
        scopes: Sequence[str] = (),
        expires_at: datetime | None = None,
        label: str = "",
    ) -> str:
        """A new API key's text, which is shown this once. scopes: what it allows, everything if none is named."""
        organisation = self.organisation(organisation_id)
        unknown = set(scopes) - set(Scope)
        if unknown:
            raise ValueError(f"{', '.join(sorted(unknown))} is no scope; there are {', '.join(Scope)}")
        if expires_at is not None and expires_at <= self._clock():
            raise ValueError("the key would have expired already")
        key_id = secrets.token_hex(6)
        text = f"ar_{UUID(organisation.id).hex}_{key_id}_{secrets.token_hex(24)}"
        content = {"scopes": sorted(scopes or Scope), "label": label, "expires_at": _moment(expires_at)}
        item = {**content, "digest": digest(text), "created_at": self._clock().isoformat()}
        place = _organisation_place(organisation.id, f"KEY#{key_id}")
        self._write(organisation.id, "create_key", key_id, content, _put(place, item, new=True))
        return text

    def keys(self, organisation_id: str) -> list[ApiKey]:
        """The organisation's keys, revoked and expired ones too."""
        items = self._query(_organisation_place(organisation_id.lower(), "")[0], "KEY#")
        return [_api_key(organisation_id.lower(), item) for item in items]

    def revoke_key(self, organisation_id: str, key_id: str, at: datetime | None = None) -> None:
        """The key counts no more: from `at` on, or from now (within the minute that it is cached for)."""
        self._revoke(organisation_id, f"KEY#{key_id}", "revoke_key", key_id, at)

    def rotate_key(self, organisation_id: str, key_id: str, overlap: timedelta) -> str:
        """A new key that may do what another may, whose own time ends after the overlap; the new key's text.

        Raises ValueError for a key that counts no more.
        """
        old = next((key for key in self.keys(organisation_id) if key.id == key_id), None)
        now = self._clock()
        if old is None or any(end is not None and end <= now for end in (old.revoked_at, old.expires_at)):
            raise ValueError(f"the organisation has no {key_id} that still counts")
        text = self.create_key(organisation_id, sorted(old.scopes), old.expires_at, old.label)
        self.revoke_key(organisation_id, key_id, now + overlap)
        return text

    def _revoke(self, organisation_id: str, sk: str, act: str, subject: str, at: datetime | None) -> None:
        """Only ever brings the end nearer: what is revoked stays so."""
        moment = (at or self._clock()).astimezone(UTC).isoformat()
        place = _organisation_place(organisation_id.lower(), sk)
        stored = self._get(place)
        if stored is None:
            raise ValueError(f"the organisation has no {subject}")
        if stored.get("revoked_at", moment) < moment:
            return
        update = {
            "Key": _key(place),
            "UpdateExpression": "SET revoked_at = :moment",
            "ConditionExpression": _NOT_ENDED_BEFORE,
            "ExpressionAttributeValues": {":moment": {"S": moment}},
        }
        try:
            self._write(organisation_id.lower(), act, subject, {"revoked_at": moment}, {"Update": update})
        except self._client.exceptions.TransactionCanceledException as error:
            raise _or_value_error(error, f"somebody else changed {subject} at the same moment; try again") from error

    # --- Users ------------------------------------------------------------------------------------------------------

    def create_user(
        self,
        organisation_id: str,
        account: str,
        username: str,
        password: str,
        integrator_key: str,
        admin: bool = False,
    ) -> str:
        """A user of an account (the customer's UUID); its token, which is shown this once.

        A user who exists gets one more account, the new password and a new token. Raises ValueError when the
        integrator key belongs to another organisation, or for what cannot be used.
        """
        organisation = self.organisation(organisation_id)
        _check_login(account, username, password, integrator_key)
        user_id = _user_id(integrator_key, username)
        place = _organisation_place(organisation.id, f"USER#{user_id}")
        stored = self._get(place)
        token = f"ut_{UUID(organisation.id).hex}_{user_id}_{secrets.token_hex(24)}"
        content = {"username": username, "account": account.lower(), "admin": admin}
        item = {
            "username": username,
            "accounts": {**(stored["accounts"] if stored else {}), account.lower(): admin},
            "password": hash_password(password),
            "token": digest(token),
            "created_at": stored["created_at"] if stored else self._clock().isoformat(),
        }
        try:
            self._write(
                organisation.id,
                "create_user",
                user_id,
                content,
                _claim(integrator_key, organisation.id),
                _put(place, item, new=stored is None, replaces=stored),
            )
        except self._client.exceptions.TransactionCanceledException as error:
            message = "the integrator key belongs to another organisation, or the user was changed at the same moment"
            raise _or_value_error(error, message) from error
        return token

    def users(self, organisation_id: str) -> list[Login]:
        """The organisation's users, revoked ones too."""
        items = self._query(_organisation_place(organisation_id.lower(), "")[0], "USER#")
        return [_login(organisation_id.lower(), item) for item in items]

    def revoke_user(self, organisation_id: str, user_id: str) -> None:
        """The user's password and token count no more (within the minute that they are cached for)."""
        self._revoke(organisation_id, f"USER#{user_id}", "revoke_user", user_id, None)

    # --- Audit ------------------------------------------------------------------------------------------------------

    def audit(self, organisation_id: str) -> Iterator[Act]:
        """Every administrative act on the organisation, oldest first."""
        for item in self._query(_organisation_place(organisation_id.lower(), "")[0], "AUDIT#"):
            at = datetime.fromisoformat(item["at"])
            yield Act(at, item["actor"], item["act"], item["subject"], json.loads(item["content"]))

    # --- The table --------------------------------------------------------------------------------------------------

    def _write(self, organisation_id: str, act: str, subject: str, content: Item, *writes: Item) -> None:
        """Writes all or nothing, together with the record of the act."""
        at = self._clock().astimezone(UTC).isoformat(timespec="microseconds")
        record = {"at": at, "actor": self._actor, "act": act, "subject": subject, "content": json.dumps(content)}
        audit = _put(_organisation_place(organisation_id, f"AUDIT#{at}#{secrets.token_hex(4)}"), record, new=True)
        actions: list[Any] = [
            {kind: {"TableName": self._table, **action} for kind, action in write.items()} for write in (*writes, audit)
        ]
        self._client.transact_write_items(TransactItems=actions)

    def _get(self, place: Place) -> Item | None:
        return self._read([place]).get(place)

    def _read(self, places: Sequence[Place]) -> dict[Place, Item]:
        """The items that exist, read consistently: a key counts from the moment that it is made."""
        left: Sequence[Any] = [_key(place) for place in places]
        found: dict[Place, Item] = {}
        for _ in range(READ_ATTEMPTS):
            answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": left, "ConsistentRead": True}})
            for item in answer["Responses"].get(self._table, []):
                values = _values(item)
                found[values["pk"], values["sk"]] = values
            unread = answer.get("UnprocessedKeys") or {}
            left = unread[self._table]["Keys"] if self._table in unread else ()
            if not left:
                return found
        raise ArrearsError(UNAVAILABLE, "The ledger is busy; try again.", retry_after=1)

    def _query(self, partition: str, prefix: str) -> Iterator[Item]:
        names: Item = {":pk": {"S": partition}}
        condition = "pk = :pk"
        if prefix:
            condition, names[":prefix"] = "pk = :pk AND begins_with(sk, :prefix)", {"S": prefix}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=names,
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                yield _values(item)


class _Cache:
    """What was read in the last minute, the oldest given up first when there is too much of it."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._entries: OrderedDict[Any, tuple[float, Any]] = OrderedDict()

    def get(self, key: Any) -> Any:
        until, value = self._entries.get(key, (0.0, None))
        return value if self._monotonic() < until else None

    def put[Value](self, key: Any, value: Value) -> Value:
        self._entries[key] = (self._monotonic() + CACHE_SECONDS, value)
        self._entries.move_to_end(key)
        if len(self._entries) > CACHE_ENTRIES:
            self._entries.popitem(last=False)
        return value


def _unauthorised() -> ArrearsError:
    return ArrearsError(UNAUTHORISED, "The API key is missing, unknown, expired or revoked.")


def _or_value_error(error: ClientError, message: str) -> Exception:
    """A ValueError when a condition was not met; any other reason of the table stays what it is."""
    codes = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
    return ValueError(message) if "ConditionalCheckFailed" in codes else error


def _check_name(text: str, what: str) -> None:
    if not text.strip() or text != text.strip() or len(text) > MAX_NAME_LENGTH or not text.isprintable():
        raise ValueError(f"{what} must be 1 to {MAX_NAME_LENGTH} printable characters, without spaces around it")


def _check_login(account: str, username: str, password: str, integrator_key: str) -> None:
    if not is_uuid(account):
        raise ValueError("the account is not a customer's UUID")
    for text, what in ((username, "the username"), (password, "the password"), (integrator_key, "the integrator key")):
        _check_name(text, what)


def _known_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ValueError(f"{name} is not an IANA time zone, such as Europe/Berlin") from None
    return name


def _organisation_place(organisation_id: str, sk: str) -> Place:
    return f"O#{organisation_id}", sk


def _policy_place(organisation_id: str, policy: Policy) -> Place:
    return _organisation_place(organisation_id, f"POLICY#{policy.version:06d}")


def _integrator_place(integrator_key: str) -> Place:
    return f"I#{digest(integrator_key)}", "INTEGRATOR"


def _guesses_place(organisation_id: str, user_id: str, window: int) -> Place:
    return _organisation_place(organisation_id, f"GUESSES#{user_id}#{window}")


def _user_id(integrator_key: str, username: str) -> str:
    """One user per integrator key and username, found without a list of them."""
    return digest(json.dumps([integrator_key, username]))[:32]


def _key(place: Place) -> Item:
    return {"pk": {"S": place[0]}, "sk": {"S": place[1]}}


def _values(item: Item) -> Item:
    return {name: _plain(value) for name, value in item.items()}


def _typed(value: Any) -> Item:
    """A value as DynamoDB carries it. boto3 could tell, but importing it is a fifth of a cold start."""
    match value:
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case list():
            return {"L": [_typed(entry) for entry in value]}
        case dict():
            return {"M": {name: _typed(entry) for name, entry in value.items()}}
    raise TypeError(f"no attribute is a {type(value)}")


def _plain(typed: Item) -> Any:
    """The value that DynamoDB carries."""
    [(kind, value)] = typed.items()
    match kind:
        case "N":
            return int(value)
        case "L":
            return [_plain(entry) for entry in value]
        case "M":
            return {name: _plain(entry) for name, entry in value.items()}
    return value


def _put(place: Place, values: Item, new: bool = False, replaces: Item | None = None) -> Item:
    """A Put of a transaction; `replaces`: only if what is stored is still that."""
    item = {name: _typed(value) for name, value in values.items() if value is not None}
    put: Item = {"Item": {**_key(place), **item}}
    if replaces is not None:
        put["ConditionExpression"] = "#token = :token"
        put["ExpressionAttributeNames"] = {"#token": "token"}
        put["ExpressionAttributeValues"] = {":token": _typed(replaces["token"])}
    elif new:
        put["ConditionExpression"] = "attribute_not_exists(pk)"
    return {"Put": put}


def _claim(integrator_key: str, organisation_id: str) -> Item:
    """An integrator key is its organisation's from the first user on."""
    put = _put(_integrator_place(integrator_key), {"organisation": organisation_id})["Put"]
    put["ConditionExpression"] = "attribute_not_exists(pk) OR organisation = :organisation"
    put["ExpressionAttributeValues"] = {":organisation": {"S": organisation_id}}
    return {"Put": put}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _read_moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _organisation_item(organisation: Organisation) -> Item:
    return {
        "name": organisation.name,
        "currency": organisation.currency,
        "timezone": organisation.timezone,
        "created_on": day_text(organisation.created_on),
        "cursor_secret": organisation.cursor_secret,
        "features": sorted(organisation.features),
        "shards": organisation.shards,
        "payments_over_api": organisation.payments_over_api,
        "policy": json.dumps(organisation.policy.to_json()),
    }


def _organisation(item: Item) -> Organisation:
    return Organisation(
        id=item["pk"][2:],
        name=item["name"],
        currency=item["currency"],
        timezone=item["timezone"],
        created_on=parse_day(item["created_on"]),
        cursor_secret=item["cursor_secret"],
        features=frozenset(item["features"]),
        shards=item["shards"],
        payments_over_api=item["payments_over_api"],
        policy=_policy(item),
    )


def _policy_item(policy: Policy) -> Item:
    return {"policy": json.dumps(policy.to_json())}


def _policy(item: Item) -> Policy:
    return Policy(**json.loads(item["policy"]))


def _user(organisation: Organisation, item: Item) -> User:
    return User(organisation, item["sk"].partition("#")[2], item["accounts"])


def _api_key(organisation_id: str, item: Item) -> ApiKey:
    used = item.get("last_used_on")
    return ApiKey(
        id=item["sk"].partition("#")[2],
        organisation_id=organisation_id,
        label=item["label"],
        scopes=frozenset(item["scopes"]),
        created_at=datetime.fromisoformat(item["created_at"]),
        expires_at=_read_moment(item.get("expires_at")),
        revoked_at=_read_moment(item.get("revoked_at")),
        last_used_on=None if used is None else parse_day(used),
    )


def _login(organisation_id: str, item: Item) -> Login:
    return Login(
        id=item["sk"].partition("#")[2],
        organisation_id=organisation_id,
        username=item["username"],
        accounts=item["accounts"],
        created_at=datetime.fromisoformat(item["created_at"]),
        revoked_at=_read_moment(item.get("revoked_at")),
    )
