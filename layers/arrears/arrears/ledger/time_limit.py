"""How long one answer may take to read: what takes longer is refused before the function's own time is over."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from arrears.ledger.errors import TOO_LARGE, ArrearsError

MAX_SECONDS = 20
"""A function has 28 seconds: what has been read still has to be sorted and written out."""


class TimeLimit:
    """The time that one answer has, from now on. clock: the present. command: what answers the same without a limit."""

    def __init__(self, clock: Callable[[], datetime], command: str) -> None:
        self._clock = clock
        self._command = command
        self._end = clock() + timedelta(seconds=MAX_SECONDS)

    def around[T](self, items: Iterable[T]) -> Iterator[T]:
        """The items as they are read. Raises ArrearsError (too_large) once the time is over."""
        for item in items:
            if self._clock() > self._end:
                raise ArrearsError(
                    TOO_LARGE,
                    f"The answer takes more than {MAX_SECONDS} seconds to work out; use the command `{self._command}`, "
                    "which has no limit.",
                )
            yield item
