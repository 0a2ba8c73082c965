"""What is kept beside a file while it is imported, to go on from where it stopped."""

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from arrears_cli.local_files import LocalFile
from arrears_cli.output import say

if TYPE_CHECKING:
    from arrears.imports.file_reader import Reader
    from arrears.imports.import_run import Progress
    from arrears_cli.book import Book

STATE_SUFFIX = ".import-state.json"


def binding_of(source: LocalFile, reader: "Reader", book: "Book") -> dict[str, Any]:
    """What a state is bound to: another file, mapping, reading, organisation or ledger starts anew."""
    organisation, *ledger = book.identity
    return {
        "file": source.identity(),
        "mapping": reader.mapping.digest if reader.mapping else None,
        "reading": json.loads(json.dumps([asdict(reader.defaults), asdict(reader.layout)])),
        "organisation": organisation,
        "ledger": ledger,
    }


class ImportState:
    """What is kept beside the input while it is imported, to go on from where it stopped."""

    def __init__(self, source: LocalFile, binding: dict[str, Any], dry_run: bool) -> None:
        self._path = source.beside(STATE_SUFFIX)
        self._binding = binding
        self._on = not dry_run and os.access(self._path.parent, os.W_OK)
        if not dry_run and not self._on:
            say(f"{self._path.parent} takes no files: after an interruption {source.name} starts again.")

    def resume(self) -> "Progress | None":
        """The progress of an interrupted import of the same file with the same mapping and options."""
        from arrears.imports.import_run import decode_state

        if not self._on or not self._path.exists():
            return None
        return decode_state(self._path.read_bytes(), self._binding)

    def keep(self, progress: "Progress") -> None:
        """Replaces what was kept, whole or not at all."""
        from arrears.imports.import_run import encode_state

        if self._on:
            beside = self._path.with_name(self._path.name + ".new")
            beside.write_bytes(encode_state(self._binding, progress))
            beside.replace(self._path)

    def forget(self) -> None:
        """The import is over."""
        if self._on:
            self._path.unlink(missing_ok=True)
