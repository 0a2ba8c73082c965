"""Who asks: the holder of an API key, or a user by password or token."""

import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from arrears.ledger.caller import Caller, User
from arrears.ledger.days import day_text
from arrears.ledger.errors import INVALID_TOKEN, UNAUTHORISED, UNKNOWN_INTEGRATOR, UNKNOWN_USER, ArrearsError
from arrears.ledger.organisation import Organisation
from arrears.storage.access.counters import Counters
from arrears.storage.access.guess_limit import GuessLimit
from arrears.storage.access.items import (
    Item,
    ItemKey,
    api_key_key,
    integrator_key_key,
    is_token_valid_at,
    is_valid_at,
    organisation_key,
    read_organisation,
    read_user,
    user_id_of,
    user_key,
)
from arrears.storage.access.last_use import LastUse, in_background
from arrears.storage.access.passwords import check_password, digest, same
from arrears.storage.access.rate_limit import RateLimit
from arrears.storage.access.table import AccessTable

CACHE_SECONDS = 60
CACHE_ENTRIES = 1_000
REQUESTS_PER_SECOND = 50

_KEY = re.compile(r"ar_([0-9a-f]{32})_([0-9a-f]{12})_[0-9a-f]{48}", re.ASCII)
_TOKEN = re.compile(r"ut_([0-9a-f]{32})_([0-9a-f]{32})_[0-9a-f]{48}", re.ASCII)
_NO_DIGEST = "0" * 64


class Authentication:
    """Finds out who asks. clock: aware moments. requests_per_second: of one API key or user, beyond which it refuses.

    What was read is kept for a minute: a revoked key or a changed policy counts within that time.
    """

    def __init__(
        self,
        table: AccessTable,
        counters: Counters,
        clock: Callable[[], datetime],
        requests_per_second: int = REQUESTS_PER_SECOND,
        monotonic: Callable[[], float] = time.monotonic,
        run_in_background: Callable[[Callable[[], None]], None] = in_background,
    ) -> None:
        self._table = table
        self._clock = clock
        self._cache = Cache(monotonic)
        self._last_use = LastUse(counters, run_in_background)
        self._guess_limit = GuessLimit(counters, clock)
        self._rate_limit = RateLimit(counters, clock, requests_per_second)

    def authenticate(self, api_key: str) -> Caller:
        """The holder of an API key.

        Raises an `unauthorised` refusal, the same whatever is wrong with the key, or `rate_limited`.
        """
        match = _KEY.fullmatch(api_key)
        if match is None:
            raise _unauthorised()
        organisation_id, key_id = str(UUID(match[1])), match[2]
        item_key = api_key_key(organisation_id, key_id)
        key, organisation = self._with_organisation(item_key, organisation_id)
        genuine = same(digest(api_key), _NO_DIGEST if key is None else key["digest"])
        if key is None or organisation is None or not genuine or not is_valid_at(key, self._clock()):
            raise _unauthorised()
        self._rate_limit.admit(f"KEY#{organisation_id}#{key_id}")
        self._last_use.note(organisation_id, key_id, day_text(organisation.today(self._clock())))
        return Caller(organisation, key_id, frozenset(key["scopes"]))

    def authenticate_user(self, integrator_key: str, username: str, password: str, address: str = "") -> User:
        """The user of an integrator key. address: of the network, where the request comes from.

        Raises `unknown_integrator`, which is checked first, `unknown_user`, or `rate_limited` after too many requests
        or wrong passwords. Whether the user or the password is unknown shows neither in the refusal nor in the time
        that it takes; an attempt too many is not looked at, and costs no hash.
        """
        proof = digest(json.dumps([integrator_key, username, password]))
        user: User | None = self._cache.get(proof)
        if user is None:
            user = self._cache.put(proof, self._proven_user(integrator_key, username, password, address))
        self._rate_limit.admit(f"USER#{user.organisation.id}#{user.id}")
        return user

    def _proven_user(self, integrator_key: str, username: str, password: str, address: str) -> User:
        integrator = self._table.get(integrator_key_key(integrator_key))
        if integrator is None:
            raise ArrearsError(UNKNOWN_INTEGRATOR, "The integrator key is not known.")
        organisation_id, user_id = integrator["organisation"], user_id_of(integrator_key, username)
        attempt = self._guess_limit.begin(integrator_key, user_id, address)
        item_key, head = user_key(organisation_id, user_id), organisation_key(organisation_id)
        found = self._table.read([item_key, head])
        user = found.get(item_key)
        genuine = check_password(password, None if user is None else user["password"])
        if not genuine or user is None or head not in found or not is_valid_at(user, self._clock()):
            raise ArrearsError(UNKNOWN_USER, "The user or the password is not known.")
        self._guess_limit.succeeded(attempt)
        return read_user(read_organisation(found[head]), user)

    def authenticate_token(self, token: str) -> User:
        """The user of a token.

        Raises an `invalid_token` refusal, the same whatever is wrong with the token, or `rate_limited`.
        """
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise ArrearsError(INVALID_TOKEN, "The user token is not valid.")
        organisation_id = str(UUID(match[1]))
        user, organisation = self._with_organisation(user_key(organisation_id, match[2]), organisation_id)
        genuine = same(digest(token), _NO_DIGEST if user is None else user["token"])
        now = self._clock()
        if user is None or organisation is None or not genuine or not is_valid_at(user, now):
            raise ArrearsError(INVALID_TOKEN, "The user token is not valid.")
        if not is_token_valid_at(user, now):
            raise ArrearsError(INVALID_TOKEN, "The user token is not valid.")
        self._rate_limit.admit(f"USER#{organisation_id}#{match[2]}")
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


def _unauthorised() -> ArrearsError:
    return ArrearsError(UNAUTHORISED, "The API key is missing, unknown, expired or revoked.")
