"""More than fits into memory as it is: kept compressed, and given back part by part."""

import pickle
import zlib
from collections.abc import Iterator
from itertools import chain

PARTS = 64
"""Parts that are given back one after another: of a million documents, each has some fifteen thousand."""
_TOGETHER = 100
"""Of a part, so many wait until they are compressed: fewer compress less well, more need memory in every part."""
_LEVEL = 1
"""Of compression: to a fourth, at a third of the time that the next levels take."""


class Compressed[T]:
    """Things of accounts. Parts with the same number, of whatever is kept so, are of the same accounts."""

    def __init__(self) -> None:
        self._waiting: list[list[T]] = [[] for _ in range(PARTS)]
        self._packed: list[list[bytes]] = [[] for _ in range(PARTS)]

    def add(self, account: str, thing: T) -> None:
        """Keeps something of an account."""
        part = zlib.crc32(account.encode()) % PARTS
        waiting = self._waiting[part]
        waiting.append(thing)
        if len(waiting) == _TOGETHER:
            self._packed[part].append(zlib.compress(pickle.dumps(waiting), level=_LEVEL))
            waiting.clear()

    def parts(self) -> Iterator[Iterator[T]]:
        """What was kept, in its order within each part. Each part is gone once it was given back."""
        for number in range(PARTS):
            packed, self._packed[number] = self._packed[number], []
            waiting, self._waiting[number] = self._waiting[number], []
            yield chain(chain.from_iterable(map(_unpacked, packed)), waiting)


def _unpacked[T](packed: bytes) -> list[T]:
    things: list[T] = pickle.loads(zlib.decompress(packed))  # noqa: S301 - packed by this process
    return things
