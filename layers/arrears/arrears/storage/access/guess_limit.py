"""A limit of wrong passwords. Each attempt is counted before it is looked at, and taken back when it was right.

From an address at which a user has proven the password before, only that user's attempts from that address count:
nobody elsewhere can lock the user out there.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from arrears.ledger.errors import RATE_LIMITED, ArrearsError
from arrears.storage.access.counters import Counters, guesses_key, known_address_key
from arrears.storage.access.items import ItemKey

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 300
GUESSES = 10
"""Wrong passwords for one user from one address in one window."""
GUESSES_FOR_A_USER = 50
GUESSES_FROM_AN_ADDRESS = 100
GUESSES_WITH_AN_INTEGRATOR_KEY = 200
RETRY_AFTER_SECONDS = 5
"""Attempts that are being looked at count until they are found right, which takes less."""
DAY = 86_400
KNOWN_SECONDS = 30 * DAY
_OWN_NETWORK_BITS = 64
"""Of an IPv6 address: one customer of a provider has all addresses behind these."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that may be looked at. counted: the counters that hold it."""

    user_id: str
    address: str
    counted: tuple[ItemKey, ...]
    until_epoch: int
    known_until_epoch: int


class GuessLimit:
    """Counts attempts in the counters table, for all processes. clock: aware moments."""

    def __init__(self, counters: Counters, clock: Callable[[], datetime]) -> None:
        self._counters = counters
        self._clock = clock

    def begin(self, integrator_key: str, user_id: str, address: str) -> Attempt:
        """Counts one attempt, alike whether there is such a user or not. address: of the network, as text.

        Raises a `rate_limited` refusal where there were too many; what is refused is not looked at.
        """
        now, address = int(self._clock().timestamp()), _network(address)
        window = now // WINDOW_SECONDS
        until = (window + 1) * WINDOW_SECONDS
        known_until = self._counters.expiry(known_address_key(user_id, address))
        limits = {guesses_key("USER_AT_ADDRESS", f"{user_id} {address}", window): GUESSES}
        if known_until <= now:
            limits |= {
                guesses_key("USER", user_id, window): GUESSES_FOR_A_USER,
                guesses_key("ADDRESS", address, window): GUESSES_FROM_AN_ADDRESS,
                guesses_key("INTEGRATOR", integrator_key, window): GUESSES_WITH_AN_INTEGRATOR_KEY,
            }
        counted: list[ItemKey] = []
        for key, limit in limits.items():
            number = self._counters.add_below(key, limit, until)
            if number is None:
                self._take_back(counted, until)
                raise ArrearsError(
                    RATE_LIMITED,
                    "Too many attempts to prove who asks; try again later.",
                    retry_after=RETRY_AFTER_SECONDS,
                )
            if number == limit:
                logger.warning("too many wrong passwords; no more are looked at for some minutes")
            counted.append(key)
        return Attempt(user_id, address, tuple(counted), until, known_until)

    def succeeded(self, attempt: Attempt) -> None:
        """The password was right: the attempt counts no more, and the address is known for a month."""
        self._take_back(attempt.counted, attempt.until_epoch)
        known_until = int(self._clock().timestamp()) + KNOWN_SECONDS
        # Once a day is enough.
        if known_until - attempt.known_until_epoch >= DAY:
            self._counters.keep_until(known_address_key(attempt.user_id, attempt.address), known_until)

    def _take_back(self, counted: list[ItemKey] | tuple[ItemKey, ...], until_epoch: int) -> None:
        for key in counted:
            self._counters.add(key, -1, until_epoch)


def _network(address: str) -> str:
    """What one party of the network can choose among counts as one address."""
    # What few requests need is imported where they need it.
    from ipaddress import IPv6Address, ip_address

    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return parsed.exploded[: _OWN_NETWORK_BITS // 16 * 5]
    return str(parsed)
