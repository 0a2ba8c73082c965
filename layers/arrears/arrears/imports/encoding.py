"""Lines of text from the bytes of a file in an unknown encoding.

The encoding is taken from the byte order mark, else from what the bytes can be: zero bytes mean UTF-16,
valid UTF-8 is UTF-8, and anything else is Windows-1252. One damaged line does not change how the others are read.
"""

import io
from collections.abc import Iterator

from arrears.imports.errors import FileRefused

SAMPLE_BYTES = 1 << 20
MAX_LINE_CHARACTERS = 8 << 20

_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_NAMES = {
    "utf8": "utf-8",
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    "utf16": "utf-16",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "windows-1252": "windows-1252",
    "cp1252": "windows-1252",
}
ENCODINGS = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "windows-1252")


def encoding_name(name: str) -> str:
    """The encoding under its one name here. Raises FileRefused for one that is not read."""
    known = _NAMES.get(name.strip().lower().replace("_", "-"))
    if known is None:
        raise FileRefused(f"The encoding {name!r} is not read; it is one of {', '.join(ENCODINGS)}.")
    return known


def guess_encoding(sample: bytes) -> str:
    """The encoding of text that starts with `sample`."""
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding
    even, odd = sample[0:4096:2].count(0), sample[1:4096:2].count(0)
    if max(even, odd) * 4 > min(len(sample), 4096):
        return "utf-16-be" if even > odd else "utf-16-le"
    valid = broken = 0
    for line in sample.split(b"\n")[:-1] or [sample]:
        if not line.isascii():
            try:
                line.decode()
                valid += 1
            except UnicodeDecodeError:
                broken += 1
    return "windows-1252" if broken > valid else "utf-8"


class TextLines:
    """The lines of a binary stream, each with its line end, as text.

    number: of the line given last, from 1. undecodable: number of the last line that holds bytes which are no
    text in the file's encoding (it is given with those bytes escaped). bytes_read: how far into the stream.
    """

    def __init__(self, stream: io.BufferedReader, encoding: str | None = None) -> None:
        self._stream = stream
        sample = stream.peek(SAMPLE_BYTES)[:SAMPLE_BYTES]
        self._decided = encoding is not None or not sample.isascii()
        self.encoding = encoding_name(encoding) if encoding else guess_encoding(sample)
        self.number = 0
        self.undecodable = 0
        self.bytes_read = 0
        self._text: io.TextIOWrapper | None = None
        if self.encoding.startswith("utf-16") or (b"\r" in sample and b"\n" not in sample):
            newline = "\n" if b"\n" in sample else ""
            self._text = io.TextIOWrapper(self._stream, self.encoding, errors="replace", newline=newline)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._line() if self._text is None else self._wide_line(self._text)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) >= MAX_LINE_CHARACTERS:
            raise FileRefused(f"Line {self.number} is longer than {MAX_LINE_CHARACTERS >> 20} MB; that is no row.")
        return line.removeprefix("\ufeff") if self.number == 1 else line

    def _wide_line(self, text: io.TextIOWrapper) -> str:
        line = text.readline(MAX_LINE_CHARACTERS)
        self.bytes_read += len(line.encode(self.encoding, "replace"))
        if "\ufffd" in line:
            self.undecodable = self.number + 1
        return line

    def _line(self) -> str:
        line = self._stream.readline(MAX_LINE_CHARACTERS)
        self.bytes_read += len(line)
        try:
            text = line.decode(self.encoding)
        except UnicodeDecodeError:
            return self._decide(line)
        self._decided = self._decided or not line.isascii()
        return text

    def _decide(self, line: bytes) -> str:
        """The first line beyond ASCII decides where the sample could not; after that a line is damaged."""
        if not self._decided:
            self._decided, self.encoding = True, "windows-1252"
        try:
            return line.decode(self.encoding)
        except UnicodeDecodeError:
            self.undecodable = self.number + 1
            return line.decode(self.encoding, "surrogateescape")
