"""Turns rows into records, as a mapping says.

Templates are parsed once; a row then costs a few dictionary look-ups. A row is imported whole or not at all: a value
that cannot be read rejects its row, naming the column, and no other row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from arrears.imports import mapping as spec
from arrears.imports.dates import is_iso
from arrears.imports.errors import FileRefused, RowRejected
from arrears.imports.field import DAYS, Field, ReadingDefaults, TableReading
from arrears.imports.file_rows import REJECTED_COLUMNS
from arrears.imports.template import Find, RowContext, Template, Values, items_at, value_at
from arrears.ledger.records import Rejection, read_record

MAX_FIELDS = 100
"""Each unknown field of a record is a complaint of its own: they take memory before the first is shown."""


class MadeRecord(NamedTuple):
    """A record made of a row, and for its fields the one column that each came from, where it is one."""

    record: dict[str, Any]
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that the mapping leaves out on purpose, and why."""

    reason: str


class _RecordRule:
    def __init__(self, rule: spec.Rule, reading: TableReading, currency: Field | None) -> None:
        self._type = rule.type
        self.each = rule.each
        self._when = reading.condition(rule.when)
        self.fields: list[Field] = []
        self._lines_at = ""
        self._line_fields: list[Field] = []
        for name, value in rule.fields.items():
            if isinstance(value, spec.Lines):
                self._lines_at = value.each
                self._line_fields = [Field(inner, given, reading) for inner, given in value.fields.items()]
            else:
                self.fields.append(Field(name, value, reading))
        self.fields.sort(key=lambda field: field.name != "currency")
        self._columns = {field.name: field.column for field in self.fields if field.column}
        self._currency = currency

    def make(self, context: RowContext) -> list[MadeRecord]:
        if self.each is None:
            return [self._record(context)] if self._when.holds(context) else []
        items = [context._replace(each=item) for item in items_at(context.row, self.each)]
        return [self._record(item) for item in items if self._when.holds(item)]

    def _record(self, context: RowContext) -> MadeRecord:
        record: dict[str, Any] = {"type": self._type}
        currency = self._currency.read(context, None) if self._currency else None
        for field in self.fields:
            value = field.read(context, record.get("currency", currency))
            if value is not None:
                record[field.name] = value
        if self._lines_at:
            record["lines"] = self._line_records(context, record.get("currency", currency))
        return MadeRecord(record, self._columns)

    def _line_records(self, context: RowContext, currency: str | None) -> list[dict[str, Any]]:
        lines = []
        for item in items_at(context.row, self._lines_at):
            inside = context._replace(each=item)
            values = {field.name: field.read(inside, currency) for field in self._line_fields}
            lines.append({name: value for name, value in values.items() if value is not None})
        return lines


class MapTable:
    """One table of a mapping, ready to make records of rows."""

    def __init__(self, table: spec.MappedTable, defaults: ReadingDefaults) -> None:
        self.spec = table
        self.currency = defaults.currency
        lookups = {alias: (lookup.table, Template(lookup.by, {})) for alias, lookup in table.lookup.items()}
        self._reading = reading = TableReading(table, defaults, lookups)
        reading.own_columns.extend(names for _, by in lookups.values() for names in by.own_columns)
        self._key = reading.template(table.key) if table.key else None
        self._skips = [(reading.condition(skip.when), skip.reason) for skip in table.skip]
        currency = _currency_field(table, reading)
        self._rules = [_RecordRule(rule, reading, currency) for rule in table.record]

    def fits(self, row: Values) -> bool:
        """Whether a JSON row has the columns that this table is known by."""
        return all(value_at(row, column) is not None or column in row for column in self.spec.columns)

    def lacks(self, columns: Sequence[str]) -> str | None:
        """A column that the table's templates name and a CSV file of these columns does not have."""
        known = {*columns, *self.spec.optional}
        return next((names[0] for names in self._reading.own_columns if known.isdisjoint(names)), None)

    def key(self, row: Values) -> str:
        """The key under which other tables find the row."""
        return self._key.fill(RowContext.of(row, self.currency)) if self._key else ""

    def make(self, row: Values, find: Find, line: int = 0) -> list[MadeRecord] | Skipped:
        """The records of a row, which starts on `line`. Raises RowRejected when it cannot be read or has no rule."""
        context = RowContext.of(row, self.currency, find, line)
        for condition, reason in self._skips:
            if condition.holds(context):
                return Skipped(reason)
        made = [record for rule in self._rules for record in rule.make(context)]
        if not made and any(rule.each and items_at(row, rule.each) for rule in self._rules):
            return Skipped(f"nothing in it is for the ledger ({self.spec.name})")
        if not made:
            raise RowRejected(None, f"is a row that the mapping has no rule for ({self.spec.name})")
        return made

    def open_dates(self, row: Values) -> list[tuple[str, str]]:
        """(column, text) of the row's dates that nobody has said how to read; the text is empty for ISO 8601."""
        context = RowContext.of(row, self.currency)
        found = []
        for case in (case for field in self.fields() for case in field.cases):
            if case.field in DAYS and case.column and not case.dates.stated:
                try:
                    text = case.template.fill(context) if case.when.holds(context) else ""
                except RowRejected:
                    continue
                if text:
                    found.append((case.column, "" if is_iso(text) else text))
        return found

    def fields(self) -> Sequence[Field]:
        """The fields of all its records."""
        return [field for rule in self._rules for field in rule.fields]


def _currency_field(table: spec.MappedTable, reading: TableReading) -> Field | None:
    """How the table's rows say their currency: by the first record that has one."""
    stated = (rule.fields.get("currency") for rule in table.record)
    found = next((rule for rule in stated if rule is not None and not isinstance(rule, spec.Lines)), None)
    return None if found is None else Field("currency", found, reading)


class RecordTable(MapTable):
    """The ledger's own records: JSON as the API takes them, CSV with a column for each field."""

    def __init__(self, columns: Sequence[str] | None, defaults: ReadingDefaults) -> None:
        super().__init__(spec.MappedTable(name="records", columns=["type"], at=["records"]), defaults)
        names = [name for name in columns or () if name and name not in REJECTED_COLUMNS]
        self._fields = [Field(name, "{" + name + "}", self._reading) for name in names]
        known = {name for fields in spec.FIELDS.values() for name in fields} | {"deleted"}
        unknown = next((name for name in names if name not in known), None)
        if unknown is not None:
            raise FileRefused(
                f"The column {unknown!r} is no field of any record. "
                "Rename it, remove it, or import the file with a mapping (--mapping)."
            )
        self._is_json = columns is None

    def fits(self, row: Values) -> bool:
        """Every row is taken for a record; what it lacks is said of the row."""
        return True

    def make(self, row: Values, find: Find, line: int = 0) -> list[MadeRecord] | Skipped:
        """The row as the record that it is."""
        if self._is_json:
            if len(row) > MAX_FIELDS:
                raise RowRejected(None, f"has {len(row):,} fields, which is more than any record has")
            return [MadeRecord(dict(row), {})]
        context = RowContext.of(row, self.currency, find, line)
        values = {field.name: field.read(context, None) for field in self._fields}
        return [MadeRecord({name: value for name, value in values.items() if value is not None}, {})]

    def fields(self) -> Sequence[Field]:
        """The columns of a CSV file."""
        return self._fields


def check(made: Sequence[MadeRecord]) -> RowRejected | None:
    """The first thing that the ledger would not take in these records, by column where it is one."""
    for record, columns in made:
        rejection = read_record(record)
        if isinstance(rejection, Rejection):
            field = rejection.field
            return RowRejected(columns.get(field, field) if field else None, _reason(field, columns, rejection.reason))
    return None


def _reason(field: str | None, columns: Mapping[str, str], reason: str) -> str:
    column = columns.get(field or "")
    return f"{field} {reason}" if column and column != field else reason
