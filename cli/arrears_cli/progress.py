"""How far an import has come, on stderr: a bar for people who watch, a line now and then for logs."""

import sys
import time
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from arrears_cli.output import say, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from arrears.imports.import_run import Progress

LINE_EVERY_SECONDS = 10


class Display:
    """Shows one file's import. size: its bytes."""

    def __init__(self, name: str, size: int) -> None:
        self._name = visible(name)
        self._size = max(size, 1)
        self._bar: Any = None
        self._task: Any = None
        self._started = self._shown = time.monotonic()
        self._first_row: int | None = None
        self._first_byte = 0

    def __enter__(self) -> "Display":
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f}%  {task.fields[rate]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(self._name, total=self._size, rate="")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, progress: "Progress", bytes_read: int) -> None:
        """Shows how far it has come."""
        now = time.monotonic()
        if self._first_row is None:
            # A resumed import passes over what it has: that is no measure of what is to come.
            self._first_row, self._first_byte, self._started = progress.rows, bytes_read, now
        rate = (progress.rows - self._first_row) / max(now - self._started, 0.001)
        if self._bar is not None:
            shown = f"{progress.rows:,} rows  {rate:,.0f}/s  {progress.rejected_rows:,} rejected"
            self._bar.update(self._task, completed=bytes_read, rate=shown)
        elif now - self._shown >= LINE_EVERY_SECONDS:
            self._shown = now
            pace = (bytes_read - self._first_byte) / max(now - self._started, 0.001)
            left = f", about {(self._size - bytes_read) / pace:,.0f} s left" if pace > 0 else ""
            say(f"{self._name}: {progress.rows:,} rows, {rate:,.0f} a second{left}")


@contextmanager
def counting(what: str) -> "Iterator[Callable[[int], None]]":
    """Shows on stderr how many there were so far, to people who watch. Gives what to call with each further number."""
    from rich.console import Console

    done = 0
    with Console(stderr=True).status(what) as status:

        def count(more: int) -> None:
            nonlocal done
            done += more
            status.update(f"{what}: {done:,}")

        yield count
