"""Reads files as records: which table of the mapping a file is, what its rows become, which other files it needs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from itertools import islice
from typing import NamedTuple

from arrears.imports.companions import Companions
from arrears.imports.dates import question
from arrears.imports.errors import FileRefused, RowRejected
from arrears.imports.field import ReadingDefaults
from arrears.imports.file_kind import open_table
from arrears.imports.file_rows import BadRow, Layout, Source, Table
from arrears.imports.mapped_table import MadeRecord, MapTable, RecordTable, Skipped, check
from arrears.imports.mapping import Mapping
from arrears.imports.repeated_records import RepeatedRecord
from arrears.imports.template import Find, Values, value_at

SAMPLE_ROWS = 1_000


class Outcome(NamedTuple):
    """What a row became: records, or why it was skipped or rejected (column, sentence).

    cells: the row as it was in its file. repeated: those of its records that an earlier row had too.
    """

    line: int
    cells: Sequence[str]
    made: Sequence[MadeRecord] = ()
    skipped: str | None = None
    rejected: tuple[str | None, str] | None = None
    repeated: Sequence[RepeatedRecord] = ()


class Reader:
    """Reads files by one mapping, or the ledger's own records without any."""

    def __init__(self, mapping: Mapping | None, defaults: ReadingDefaults, layout: Layout | None = None) -> None:
        self.mapping = mapping
        self.defaults = defaults
        layout = layout or Layout()
        if mapping is not None:
            layout = Layout(
                layout.encoding or mapping.encoding, layout.separator or mapping.separator, mapping.skip_lines
            )
        self.layout = layout
        self._tables = [MapTable(table, defaults) for table in mapping.table] if mapping else []
        self._companions: Companions | None = None

    def at(self, timezone: str, currency: str) -> "Reader":
        """The same reader for an organisation of that time zone and currency."""
        return Reader(self.mapping, replace(self.defaults, timezone=timezone, currency=currency), self.layout)

    def open(self, source: Source) -> "OpenFile":
        """Opens a file. Raises FileRefused when it fits no table, or has a date column that nobody has explained."""
        tables = self._tables or [RecordTable(None, self.defaults)]
        table = open_table(source, [path for each in tables for path in each.spec.at], self.layout)
        if table.columns is not None:
            try:
                tables = [self._recognise(table.columns)]
            except FileRefused:
                table.close()
                raise
        return OpenFile(table, tables, self._find)

    def check_dates(self, source: Source) -> None:
        """Asks about date columns before anything is written. Raises FileRefused with the question."""
        opened = self.open(source)
        try:
            asked = _asked(opened)
        finally:
            opened.close()
        if asked is not None:
            column, text = asked
            raise FileRefused(question(column, text, self._dates_of(source, column)) or "")

    def _dates_of(self, source: Source, column: str) -> Iterator[str]:
        """The dates of one column in all rows: one of them may rule out what the first could be."""
        opened = self.open(source)
        try:
            for table, row in opened.mapped_rows():
                yield from (text for name, text in table.open_dates(row) if name == column and text)
        finally:
            opened.close()

    def _recognise(self, columns: Sequence[str]) -> MapTable:
        if self.mapping is None:
            if "type" not in columns:
                raise FileRefused(
                    "The file has no column 'type', so its rows are not the ledger's own records. "
                    "Say whose export it is with --mapping."
                )
            return RecordTable(columns, self.defaults)
        lacking = []
        for table in self._tables:
            missing = [column for column in table.spec.columns if column not in columns]
            if not missing:
                self._check_names(table, columns)
                return table
            lacking.append((len(missing), f"{table.spec.name}: {', '.join(missing)}"))
        closest = min(lacking)[1]
        raise FileRefused(f"The file fits no table of the mapping {self.mapping.name!r}. Missing for {closest}.")

    def _check_names(self, table: MapTable, columns: Sequence[str]) -> None:
        """A misspelt column would be empty in every row: a due date that is never read makes nothing overdue."""
        lacking = table.lacks(columns)
        if lacking is not None:
            similar = get_close_matches(lacking, columns, 1)
            hint = f" Is it {similar[0]!r}?" if similar else ""
            raise FileRefused(
                f"The mapping names the column {lacking!r} ({table.spec.name}), which the file does not have.{hint} "
                "Correct it, or list it in the table's `optional` columns."
            )

    def with_companions(self, sources: Iterable[Source]) -> "Companions":
        """Indexes those of the files that tables look up in. Close it when the import is over."""
        wanted = {lookup.table for table in self._tables for lookup in table.spec.lookup.values()}
        self._companions = Companions()
        for source in sources if wanted else ():
            self._index(source, wanted, self._companions)
        return self._companions

    def _index(self, source: Source, wanted: set[str], companions: "Companions") -> None:
        try:
            opened = self.open(source)
        except (FileRefused, OSError):
            return
        try:
            if opened.tables[0].spec.name in wanted or opened.table.columns is None:
                companions.add(_keyed(opened.mapped_rows(), wanted))
        except (FileRefused, FileNotFoundError):
            # What was read of it counts; rows that need more say so.
            return
        finally:
            opened.close()

    def _find(self, table: str, key: str) -> Values | None:
        return None if self._companions is None else self._companions.find(table, key)


class OpenFile:
    """A file and the tables that its rows may be of (of CSV exactly one)."""

    def __init__(self, table: Table, tables: Sequence[MapTable], find: Find) -> None:
        self.table = table
        self.tables = tables
        self._find = find

    def outcomes(self, skip_rows: int = 0) -> Iterator[Outcome]:
        """What each row becomes, in order, after the first `skip_rows`."""
        for row in islice(self.table.rows(), skip_rows, None):
            if isinstance(row, BadRow):
                yield Outcome(row.line, row.cells, rejected=(None, row.reason))
            else:
                yield self._outcome(row.line, row.values, row.cells)

    def _outcome(self, line: int, values: Values, cells: Sequence[str]) -> Outcome:
        made: list[MadeRecord] = []
        skipped = None
        try:
            for table, part in self._parts(values):
                found = table.make(part, self._find, line)
                if isinstance(found, Skipped):
                    skipped = found.reason
                else:
                    made += found
            problem = check(made)
        except RowRejected as error:
            problem = error
        if problem is not None:
            return Outcome(line, cells, rejected=(problem.about, problem.reason))
        return Outcome(line, cells, made, None if made else skipped)

    def _parts(self, values: Values) -> Iterator[tuple[MapTable, Values]]:
        """The rows inside a row: itself, or what a JSON document keeps at one of the known places."""
        if self.table.columns is not None:
            yield self.tables[0], values
            return
        for table in self.tables:
            for path in table.spec.at:
                inner = value_at(values, path)
                rows = inner if isinstance(inner, list) else [inner]
                if inner is not None and all(isinstance(row, dict) and table.fits(row) for row in rows):
                    yield from ((table, row) for row in rows)
                    return
        for table in self.tables:
            if table.fits(values):
                yield table, values
                return
        raise RowRejected(None, "is a record that the mapping does not know")

    def mapped_rows(self) -> Iterator[tuple[MapTable, Values]]:
        """The rows that can be read, each with its table."""
        for row in self.table.rows():
            if not isinstance(row, BadRow):
                try:
                    yield from self._parts(row.values)
                except RowRejected:
                    continue

    def close(self) -> None:
        """Closes the file."""
        self.table.close()


def _keyed(rows: Iterable[tuple[MapTable, Values]], wanted: set[str]) -> Iterator[tuple[str, str, Values]]:
    """The rows of the wanted tables, each as (table, key, row)."""
    for table, row in rows:
        if table.spec.name in wanted:
            try:
                yield table.spec.name, table.key(row), row
            except RowRejected:
                continue


def _asked(opened: OpenFile) -> tuple[str, str] | None:
    """(column, date) to ask about: a column most of whose dates are of no stated form, in the first rows.

    A lone one among ISO dates is a bad row.
    """
    known: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    shown: dict[str, str] = {}
    for table, row in islice(opened.mapped_rows(), SAMPLE_ROWS):
        for column, text in table.open_dates(row):
            if text and question(column, text):
                unknown[column] += 1
                shown.setdefault(column, text)
            else:
                known[column] += 1
    own = isinstance(opened.tables[0], RecordTable)
    for column, text in shown.items():
        # The ledger's own records have one form of dates: what differs is a bad row, unless all of the file does.
        if unknown[column] >= known[column] and not (own and known.total()):
            return column, text
    return None
