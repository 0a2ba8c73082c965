"""Who asks: the holder of an API key, or a user by password or token."""

import json
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from threading import Thread
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError

from arrears.ledger.caller import Caller, User
from arrears.ledger.days import day_text
from arrears.ledger.organisation import Organisation
from arrears.ledger.problems import INVALID_TOKEN, UNAUTHORISED, UNKNOWN_INTEGRATOR, UNKNOWN_USER, Refusal
from arrears.storage.access.items import (
    Item,
    ItemKey,
    api_key_key,
    integrator_key_key,
    is_token_valid_at,
    is_valid_at,
    key_attributes,
    organisation_key,
    partition_of,
    read_organisation,
    read_user,
    user_id_of,
    user_key,
)
from arrears.storage.access.passwords import check_password, digest, same
from arrears.storage.access.table import AccessTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

logger = logging.getLogger(__name__)

CACHE_SECONDS = 60
CACHE_ENTRIES = 1_000
GUESSES = 10
"""Wrong passwords for one user name in one window; from then on none is looked at until the window is over."""
GUESS_WINDOW_SECONDS = 300

_KEY = re.compile(r"ar_([0-9a-f]{32})_([0-9a-f]{12})_[0-9a-f]{48}", re.ASCII)
_TOKEN = re.compile(r"ut_([0-9a-f]{32})_([0-9a-f]{32})_[0-9a-f]{48}", re.ASCII)
_NO_DIGEST = "0" * 64
_USED_BEFORE = "attribute_exists(pk) AND (attribute_not_exists(last_used_on) OR last_used_on < :today)"


def _in_background(task: Callable[[], None]) -> None:
    Thread(target=task, daemon=True).start()


class Authentication:
    """Finds out who asks, by one access table. clock: aware moments.

    What was read is kept for a minute: a revoked key or a changed policy counts within that time.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        in_background: Callable[[Callable[[], None]], None] = _in_background,
    ) -> None:
        self._client = client
        self._name = table
        self._table = AccessTable(client, table)
        self._clock = clock
        self._cache = Cache(monotonic)
        self._in_background = in_background

    def authenticate(self, api_key: str) -> Caller:
        """The holder of an API key. Raises an `unauthorised` refusal, the same whatever is wrong with the key."""
        match = _KEY.fullmatch(api_key)
        if match is None:
            raise _unauthorised()
        organisation_id, key_id = str(UUID(match[1])), match[2]
        item_key = api_key_key(organisation_id, key_id)
        key, organisation = self._with_organisation(item_key, organisation_id)
        genuine = same(digest(api_key), _NO_DIGEST if key is None else key["digest"])
        if key is None or organisation is None or not genuine or not is_valid_at(key, self._clock()):
            raise _unauthorised()
        self._note_use(item_key, key, organisation)
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
        integrator = self._table.get(integrator_key_key(integrator_key))
        if integrator is None:
            raise Refusal(UNKNOWN_INTEGRATOR, "The integrator key is not known.")
        organisation_id, user_id = integrator["organisation"], user_id_of(integrator_key, username)
        item_key, head = user_key(organisation_id, user_id), organisation_key(organisation_id)
        window = int(self._clock().timestamp()) // GUESS_WINDOW_SECONDS
        guesses = ItemKey(partition_of(organisation_id), f"GUESSES#{user_id}#{window}")
        found = self._table.read([item_key, head, guesses])
        user = found.get(item_key)
        guessed = found.get(guesses, {}).get("guesses", 0) >= GUESSES
        genuine = check_password(password, None if user is None else user["password"])
        if genuine and not guessed and user is not None and head in found and is_valid_at(user, self._clock()):
            return self._cache.put(proof, read_user(read_organisation(found[head]), user))
        if not guessed:
            self._count_guess(guesses, (window + 1) * GUESS_WINDOW_SECONDS)
        raise Refusal(UNKNOWN_USER, "The user or the password is not known.")

    def _count_guess(self, key: ItemKey, until_epoch: int) -> None:
        """Counted in the table, for all processes. Guesses of one moment may all be looked at before they count."""
        counted = self._client.update_item(
            TableName=self._name,
            Key=key_attributes(key),
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
            raise Refusal(INVALID_TOKEN, "The user token is not valid.")
        organisation_id = str(UUID(match[1]))
        user, organisation = self._with_organisation(user_key(organisation_id, match[2]), organisation_id)
        genuine = same(digest(token), _NO_DIGEST if user is None else user["token"])
        now = self._clock()
        if user is None or organisation is None or not genuine or not is_valid_at(user, now):
            raise Refusal(INVALID_TOKEN, "The user token is not valid.")
        if not is_token_valid_at(user, now):
            raise Refusal(INVALID_TOKEN, "The user token is not valid.")
        return read_user(organisation, user)

    def _with_organisation(self, key: ItemKey, organisation_id: str) -> tuple[Item | None, Organisation | None]:
        """A secret's item and its organisation. Only what exists is kept, so a new key works at once."""
        known: tuple[Item, Organisation] | None = self._cache.get(key)
        if known is not None:
            return known
        head = organisation_key(organisation_id)
        found = self._table.read([key, head])
        if key not in found or head not in found:
            return None, None
        return self._cache.put(key, (found[key], read_organisation(found[head])))

    def _note_use(self, item_key: ItemKey, key: Item, organisation: Organisation) -> None:
        today = day_text(organisation.today(self._clock()))
        if key.get("last_used_on", "") >= today:
            return
        key["last_used_on"] = today
        self._in_background(lambda: self._write_use(item_key, today))

    def _write_use(self, item_key: ItemKey, today: str) -> None:
        try:
            self._client.update_item(
                TableName=self._name,
                Key=key_attributes(item_key),
                UpdateExpression="SET last_used_on = :today",
                ConditionExpression=_USED_BEFORE,
                ExpressionAttributeValues={":today": {"S": today}},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return  # Another process has noted it already.
        except (ClientError, BotoCoreError):
            logger.warning("the day an API key was last used could not be written", exc_info=True)


class Cache:
    """What was read in the last minute, the oldest given up first when there is too much of it."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._entries: OrderedDict[Any, tuple[float, Any]] = OrderedDict()

    def get(self, key: Any) -> Any:
        """The value; None if there is none or it is too old."""
        until, value = self._entries.get(key, (0.0, None))
        return value if self._monotonic() < until else None

    def put[Value](self, key: Any, value: Value) -> Value:
        """Keeps the value, and returns it."""
        self._entries[key] = (self._monotonic() + CACHE_SECONDS, value)
        self._entries.move_to_end(key)
        if len(self._entries) > CACHE_ENTRIES:
            self._entries.popitem(last=False)
        return value


def _unauthorised() -> Refusal:
    return Refusal(UNAUTHORISED, "The API key is missing, unknown, expired or revoked.")
