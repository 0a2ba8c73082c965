"""A limit of requests for each API key and each user, so that none takes what all share.

Every process counts by itself. Only when it sees several requests of one holder within a window of time does it add
them to a counter that all processes share, once a second at most. What stays unreported is less than `SEVERAL` requests
in each process and window.
"""

import logging
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from arrears.ledger.errors import RATE_LIMITED, ArrearsError
from arrears.storage.access.counters import Counters, requests_key

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 10
SEVERAL = 3
HOLDERS = 1_000
"""Holders that a process counts; the one not seen for longest is forgotten first."""


@dataclass(slots=True)
class _Seen:
    """What this process has seen of one holder in one window."""

    window: int
    unreported: int = 0
    reported_in: int = 0
    refused: bool = False


class RateLimit:
    """Admits or refuses requests. clock: aware moments. requests_per_second: of one holder, averaged over a window."""

    def __init__(self, counters: Counters, clock: Callable[[], datetime], requests_per_second: int) -> None:
        self._counters = counters
        self._clock = clock
        self._limit = requests_per_second * WINDOW_SECONDS
        self._holders: OrderedDict[str, _Seen] = OrderedDict()

    def admit(self, holder: str) -> None:
        """Counts one request of a holder. Raises a `rate_limited` refusal until the window ends, beyond the limit."""
        now = self._clock().timestamp()
        seen = self._seen(holder, int(now) // WINDOW_SECONDS)
        if not seen.refused:
            seen.unreported += 1
            if seen.unreported >= SEVERAL and seen.reported_in != int(now):
                self._report(holder, seen, int(now))
        if seen.refused:
            wait = max(1, math.ceil((seen.window + 1) * WINDOW_SECONDS - now))
            raise ArrearsError(
                RATE_LIMITED,
                "These credentials have sent too many requests; send them more slowly.",
                retry_after=wait,
            )

    def _seen(self, holder: str, window: int) -> _Seen:
        seen = self._holders.get(holder)
        if seen is None or seen.window != window:
            seen = self._holders[holder] = _Seen(window)
        self._holders.move_to_end(holder)
        if len(self._holders) > HOLDERS:
            self._holders.popitem(last=False)
        return seen

    def _report(self, holder: str, seen: _Seen, second: int) -> None:
        """A counter that cannot be written refuses nobody."""
        number, seen.unreported, seen.reported_in = seen.unreported, 0, second
        until = (seen.window + 2) * WINDOW_SECONDS
        try:
            counted = self._counters.add(requests_key(holder, seen.window), number, until)
        except (ClientError, BotoCoreError):
            logger.warning("the requests of a key could not be counted", exc_info=True)
            return
        seen.refused = counted > self._limit
