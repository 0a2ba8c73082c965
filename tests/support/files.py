"""What tests of imports share: files in memory, and reading one file by a mapping."""

import io
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arrears.imports.field import ReadingDefaults
from arrears.imports.file_reader import Outcome, Reader
from arrears.imports.file_rows import Layout
from arrears.imports.mapping import Mapping, load, parse

DATA = Path(__file__).parents[1] / "data"


@dataclass(frozen=True)
class MemoryFile:
    """A file that is bytes."""

    name: str
    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)

    def open(self) -> io.BufferedReader:
        return io.BufferedReader(io.BytesIO(self.content), 1 << 20)  # type: ignore[arg-type]


def text_file(text: str, name: str = "file.csv", encoding: str = "utf-8") -> MemoryFile:
    return MemoryFile(name, text.encode(encoding))


def sample(*parts: str) -> MemoryFile:
    path = DATA.joinpath(*parts)
    return MemoryFile(path.name, path.read_bytes())


def samples(folder: str) -> list[MemoryFile]:
    return [MemoryFile(path.name, path.read_bytes()) for path in sorted((DATA / folder).glob("*.csv"))]


def reader(mapping: str | Mapping | None = None, layout: Layout | None = None, **settings: Any) -> Reader:
    if isinstance(mapping, str):
        mapping = parse(mapping.encode(), "own.toml") if "\n" in mapping else load(mapping)
    return Reader(mapping, ReadingDefaults(**{"currency": "USD", **settings}), layout)


def outcomes(
    file: MemoryFile, mapping: str | Mapping | None = None, companions: Sequence[MemoryFile] = (), **options: Any
) -> list[Outcome]:
    made = reader(mapping, **options)
    with closing(made.with_companions(companions)):
        made.check_dates(file)
        with closing(made.open(file)) as opened:
            return list(opened.outcomes())


def records(file: MemoryFile, mapping: str | Mapping | None = None, **options: Any) -> list[dict[str, Any]]:
    """The records of a file none of whose rows may be rejected."""
    found = outcomes(file, mapping, **options)
    assert [outcome for outcome in found if outcome.rejected] == []
    return [made.record for outcome in found for made in outcome.made]
