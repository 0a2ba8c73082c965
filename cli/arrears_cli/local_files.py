"""Files on this machine, as imports read them."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file on this machine."""

    path: Path

    @property
    def name(self) -> str:
        """Its name, by which its kind may show."""
        return self.path.name

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size

    def open(self) -> io.BufferedReader:
        """A new stream over it."""
        return io.BufferedReader(self.path.open("rb", buffering=0), 1 << 20)

    def beside(self, suffix: str) -> Path:
        """The file of the same name and one more suffix."""
        return self.path.with_name(self.path.name + suffix)

    def identity(self) -> dict[str, Any]:
        """Its identity: another file has another one, and so has this file once it has changed."""
        about = self.path.stat()
        with self.open() as stream:
            head = hashlib.sha256(stream.read(1 << 20)).hexdigest()
        return {"size": about.st_size, "modified_ns": about.st_mtime_ns, "head": head}


def siblings(sources: Sequence[LocalFile]) -> Iterator[LocalFile]:
    """Other CSV files in the same folders: tables of one export are looked up in each other."""
    from arrears.imports.file_rows import CSV_SUFFIXES

    given = {source.path.resolve() for source in sources}
    for folder in dict.fromkeys(path.parent for path in given):
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in CSV_SUFFIXES and path not in given and not path.name.endswith(".rejected.csv"):
                yield LocalFile(path)
