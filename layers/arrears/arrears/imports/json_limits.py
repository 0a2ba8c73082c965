"""Limits on JSON from untrusted files, checked before a parser sees it.

ijson's C backend crashes on whole numbers of more than 4,300 digits and remembers the path to every open bracket,
which takes memory with the square of the depth. Any parser makes hundreds of bytes of a value of two bytes.
"""

import re
from itertools import accumulate

MAX_DEPTH = 64
MAX_NUMBER_DIGITS = 1_000
MAX_ROW_VALUES = 200_000
MAX_ROW_BYTES = 8 << 20

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+("?)', re.DOTALL)
_LONG_NUMBER = re.compile(rb"\d{%d}" % MAX_NUMBER_DIGITS)
_LAST_DIGITS = re.compile(rb"\d*\Z")
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_OTHERS = bytes(byte for byte in range(256) if byte not in _STEPS)


class JsonTooLarge(ValueError):
    """JSON beyond a limit; the message says which, as the end of a sentence."""


class JsonLimits:
    """Watches the bytes of a JSON text (UTF-8), in pieces of any size."""

    def __init__(self) -> None:
        self._open_string = b""
        self._last_digits = b""
        self._depth = 0
        self._bytes = self._values = 0

    def watch(self, data: bytes) -> None:
        """Takes the next piece in. Raises JsonTooLarge where it goes beyond a limit."""
        outside, strings = _STRING.subn(rb"\1", self._open_string + data)
        # Of a string that is closed its last quotation mark is left, of one that goes on in the next piece nothing.
        is_open = strings > outside.count(b'"')
        self._open_string = b"" if not is_open else b'"\\' if outside.endswith(b"\\") else b'"'
        self._check_numbers(outside)
        brackets = outside.translate(None, _OTHERS)
        self._check_depth(brackets)
        self._bytes += len(data)
        self._values += outside.count(b",") + len(brackets)
        if self._bytes > MAX_ROW_BYTES:
            raise JsonTooLarge(f"is longer than {MAX_ROW_BYTES >> 20} MB")
        if self._values > MAX_ROW_VALUES:
            raise JsonTooLarge(f"has more than {MAX_ROW_VALUES:,} values")

    def _check_numbers(self, outside: bytes) -> None:
        if _LONG_NUMBER.search(self._last_digits + outside):
            raise JsonTooLarge(f"has a number of {MAX_NUMBER_DIGITS:,} digits or more")
        last = _LAST_DIGITS.search(self._last_digits + outside)
        self._last_digits = last[0] if last else b""

    def _check_depth(self, brackets: bytes) -> None:
        depths = list(accumulate(map(_STEPS.__getitem__, brackets), initial=self._depth))
        self._depth = depths[-1]
        if max(depths) > MAX_DEPTH:
            raise JsonTooLarge(f"is nested more than {MAX_DEPTH} deep")

    def end_row(self) -> None:
        """A row is complete: size and values count for the next."""
        self._bytes = self._values = 0
