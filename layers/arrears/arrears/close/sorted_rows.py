"""Rows in order, more than fit into memory as they are."""

import gzip
import heapq
import json
from collections.abc import Iterable, Iterator
from io import BytesIO

from arrears.storage.ledger.codec import compact


class SortedRows:
    """Rows as JSON text, by their sort keys. They come in sorted runs, are kept compressed, and merged when read."""

    def __init__(self) -> None:
        self._runs: list[bytes] = []

    def add(self, rows: Iterable[tuple[tuple[object, ...], str]]) -> None:
        """Adds a run: sort keys and rows, in order."""
        # JSON has neither a tab nor a line break in it.
        run = "".join([f"{compact(sort_key)}\t{row}\n" for sort_key, row in rows])
        if run:
            self._runs.append(gzip.compress(run.encode(), compresslevel=1, mtime=0))

    def __iter__(self) -> Iterator[str]:
        """All rows, in order."""
        return (row for _, row in heapq.merge(*map(_read, self._runs)))


def _read(run: bytes) -> Iterator[tuple[list[object], str]]:
    """A run, of which little is in memory at a time."""
    with gzip.open(BytesIO(run), "rt", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            sort_key, _, row = line.rstrip("\n").partition("\t")
            yield json.loads(sort_key), row
