"""The day on which an API key was last used. Best effort: a request neither waits for the note nor fails with it."""

import logging
from collections.abc import Callable
from threading import Thread

from botocore.exceptions import BotoCoreError, ClientError

from arrears.storage.access.counters import Counters, last_use_key

logger = logging.getLogger(__name__)

REMEMBERED = 1_000
"""Keys whose note this process remembers; beyond them it may write a note a second time."""


def in_background(task: Callable[[], None]) -> None:
    """Runs the task beside the request."""
    Thread(target=task, daemon=True).start()


class LastUse:
    """Notes uses, at most one a day of a key in each process."""

    def __init__(self, counters: Counters, run: Callable[[Callable[[], None]], None] = in_background) -> None:
        self._counters = counters
        self._run = run
        self._noted: dict[str, str] = {}

    def note(self, organisation_id: str, key_id: str, today: str) -> None:
        """Notes that the key was used on the day (YYYY-MM-DD)."""
        if self._noted.get(key_id) == today:
            return
        if len(self._noted) >= REMEMBERED:
            self._noted.clear()
        self._noted[key_id] = today
        self._run(lambda: self._write(organisation_id, key_id, today))

    def _write(self, organisation_id: str, key_id: str, today: str) -> None:
        try:
            self._counters.note_day(last_use_key(organisation_id, key_id), today)
        except (ClientError, BotoCoreError):
            logger.warning("the day an API key was last used could not be written", exc_info=True)
