"""Rows of the files in which other files look something up."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from arrears.imports.template import Values


class Companions:
    """Rows of the files that others look up in, in a file of their own: memory does not grow with them."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE rows (name TEXT, key BLOB, row TEXT, PRIMARY KEY (name, key))")

    def add(self, rows: Iterable[tuple[str, str, Values]]) -> None:
        """Keeps (table, key, row); of several with one key the last."""
        self._database.executemany(
            "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)",
            ((name, _key(key), json.dumps(row, default=str)) for name, key, row in rows),
        )

    def find(self, table: str, key: str) -> Values | None:
        """The row of a table by its key, None when there is none."""
        found = self._database.execute("SELECT row FROM rows WHERE name = ? AND key = ?", (table, _key(key))).fetchone()
        row: dict[str, Any] | None = json.loads(found[0]) if found else None
        return row

    def close(self) -> None:
        """Deletes what was kept."""
        self._database.close()


def _key(key: str) -> bytes:
    """A key as SQLite takes it: a JSON escape may be half a surrogate pair."""
    return key.encode("utf-8", "surrogatepass")
