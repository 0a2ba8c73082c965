"""Takes turns: at most a few dropped files of one organisation are imported at once; the others wait in the queue."""

import random
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Protocol

from arrears.imports.dropped_files import Job

FIRST_DELAY_SECONDS = 20
LONGEST_DELAY_SECONDS = 900
"""SQS delays a message no longer."""


class Slots[Slot](Protocol):
    """The slots of every organisation."""

    def take(self, organisation: str) -> Slot | None:
        """A free slot of the organisation; None while all are held."""
        ...

    def release(self, slot: Slot) -> None:
        """Frees a slot."""
        ...


class Queue(Protocol):
    """Where files wait."""

    def hand_over(self, message: dict[str, Any], delay_seconds: int = 0) -> None:
        """Queues a message, to be seen after so many seconds."""
        ...


def in_turn[Slot](job: Job, waits: int, slots: Slots[Slot], queue: Queue, work: Callable[[], None]) -> int | None:
    """Does the work in a slot of the job's organisation, or queues the job again and answers the delay in seconds.

    waits: how often it was queued again already. Each time it waits longer, so that ten thousand files of one
    organisation leave the function to the others.
    """
    slot = slots.take(job.organisation_id)
    if slot is None:
        longest = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2**waits)
        delay = random.randint(longest // 2, longest)  # noqa: S311
        queue.hand_over({"job": asdict(job), "waits": waits + 1}, delay)
        return delay
    try:
        work()
    finally:
        slots.release(slot)
    return None
