"""Makes records of rows, as a mapping says.

Templates are taken apart once; a row then costs a few dictionary look-ups. A row is taken whole or not at all: a
value that cannot be read stops its row, with the column it stands in, and no other.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from arrears.imports import mapping as spec
from arrears.imports.dates import DateReader, is_iso
from arrears.imports.encoding import FileRefused
from arrears.imports.file_rows import REJECTED_COLUMNS, decode_json
from arrears.ledger.money import EXPONENTS, read_amount
from arrears.ledger.records import Rejection, read_record

DAYS = frozenset(name for fields in spec.FIELDS.values() for name in fields if name.endswith("_on"))
MOMENTS = frozenset({"updated_at", "sent_at"})
MONEY = frozenset({"total", "amount", "taxable_amount", "tax_amount"})
NUMBERS = MONEY | {"quantity", "unit_price"}
FLAGS = frozenset({"payment_blocked", "pdf_available", "issued_on_inferred"})
LISTS = frozenset({"invoice_ids", "lines"})

_PLACE = re.compile(r"\{([^{}]+)\}")
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
_GROUPED = {
    ".": re.compile(r"[+-]?\d{1,3}(?P<mark>[,'\u2019\u00a0\u202f ])(\d{2,3}(?P=mark))*\d{3}(\.\d*)?", re.ASCII),
    ",": re.compile(r"[+-]?\d{1,3}(?P<mark>[.'\u2019\u00a0\u202f ])(\d{2,3}(?P=mark))*\d{3}(,\d*)?", re.ASCII),
}
_COMMA = re.compile(r"[+-]?(\d+,?\d*|,\d+)", re.ASCII)

ORGANISATION_CURRENCY = "organisation.currency"
"""A place in templates for what no column says."""

type Row = Mapping[str, Any]
type Find = Callable[[str, str], Row | None]
"""Finds a row of another table by (table, key)."""


class Problem(Exception):
    """What is wrong with a row: a column or field, and a sentence."""

    def __init__(self, about: str | None, reason: str) -> None:
        super().__init__(reason)
        self.about = about
        self.reason = reason


class Made(NamedTuple):
    """A record made of a row, and for its fields the one column that each came from, where it is one."""

    record: dict[str, Any]
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that the mapping leaves out on purpose, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What a mapping is read with. timezone, currency: the organisation's.

    dates, decimal: what counts where the mapping is silent.
    """

    timezone: str = "UTC"
    currency: str = ""
    dates: tuple[str, ...] = ()
    decimal: str | None = None


class _Context(NamedTuple):
    row: Row
    each: Row | None
    find: Find
    looked_up: dict[str, Row]
    currency: str


class Template:
    """Text with places for columns: "{payment}/{line}", or "{paid|updated}" for the first that is not empty."""

    def __init__(self, text: str, lookups: Mapping[str, tuple[str, "Template"]]) -> None:
        self._parts: list[str | list[Callable[[_Context], str]]] = []
        self.columns: list[str] = []
        self.text = text
        place = 0
        for found in _PLACE.finditer(text):
            self._parts.append(text[place : found.start()])
            names = [name.strip() for name in found[1].split("|")]
            self._parts.append([_getter(name, lookups) for name in names])
            self.columns.append(names[0])
            place = found.end()
        self._parts.append(text[place:])

    def fill(self, context: _Context) -> str:
        """The text for a row; empty when every place in it is empty."""
        found, any_place = "", not self.columns
        for part in self._parts:
            if isinstance(part, str):
                found += part
                continue
            for get in part:
                value = get(context)
                if value:
                    found, any_place = found + value, True
                    break
        return found.strip() if any_place else ""


def _getter(name: str, lookups: Mapping[str, tuple[str, Template]]) -> Callable[[_Context], str]:
    head, _, rest = name.partition(".")
    if name == ORGANISATION_CURRENCY:
        return lambda context: context.currency
    if head == "each" and rest:
        return lambda context: _text(_at(context.each or {}, rest), rest)
    if head in lookups and rest:
        table, by = lookups[head]
        return lambda context: _text(_at(_looked_up(context, head, table, by), rest), name)
    return lambda context: _text(_at(context.row, name), name)


def _looked_up(context: _Context, alias: str, table: str, by: Template) -> Row:
    row = context.looked_up.get(alias)
    if row is None:
        key = by.fill(context)
        row = context.find(table, key)
        if row is None:
            column = by.columns[0] if by.columns else None
            raise Problem(column, f"names {key!r}, which is not in the {table}; import that file with this one")
        context.looked_up[alias] = row
    return row


def _at(row: Any, path: str) -> Any:
    """The value of a column, or what a dotted path leads to in a JSON row (list places count from 0)."""
    if path in row:
        return row[path]
    value = row
    for step in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _text(value: Any, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    raise Problem(name, "is a list or an object, not a value")


def read_number(text: str, decimal: str | None) -> Decimal:
    """The number that a file writes; decimal: its decimal mark, None where nobody has said.

    Thousands marks are understood only where the decimal mark is known, as one of them may be the other.
    """
    sign = ""
    if text.startswith("(") and text.endswith(")"):
        sign, text = "-", text[1:-1]
    elif text.endswith("-"):
        sign, text = "-", text[:-1]
    if decimal != "," and _PLAIN.fullmatch(text):
        return read_amount(sign + text)
    if decimal is not None:
        grouped = _GROUPED[decimal].fullmatch(text)
        if grouped:
            text = text.replace(grouped["mark"], "")
        if grouped or (decimal == "," and _COMMA.fullmatch(text)):
            return read_amount(sign + text.replace(",", "."))
    elif re.fullmatch(r"[+-]?[\d.,'\u2019\u00a0\u202f ]+", text):
        raise ValueError(
            f'{text!r} has marks that may be decimal or thousands; say decimal = "," or "." in the mapping'
        )
    raise ValueError(f"{text!r} is not a number")


class _Case:
    """One way to read a field: a template, how its text is read, and when."""

    def __init__(self, field: str, rule: str | spec.Value, table: "MapTable") -> None:
        value = spec.Value.model_validate({"from": rule}) if isinstance(rule, str) else rule
        self.field = field
        self.when = _Check(value.when, table)
        self.template = Template(value.from_, table.lookups)
        self.column = self.template.columns[0] if len(self.template.columns) == 1 else None
        self._map = None if value.map is None else {key.casefold(): found for key, found in value.map.items()}
        self._else = value.else_
        self._negate = value.negate
        self._decimal = value.decimal or table.spec.decimal or table.settings.decimal
        self._minor = table.spec.minor_units if value.minor_units is None else value.minor_units
        self._decimals = {code.upper(): places for code, places in table.spec.decimals.items()}
        self.dates = table.dates(value)
        self._convert = self._converter()

    def read(self, context: _Context, currency: str | None) -> Any:
        """The field's value, None when there is none. Raises Problem."""
        try:
            return self._read(self._mapped(self.template.fill(context)), currency)
        except ValueError as error:
            raise Problem(self.column or self.field, str(error)) from None

    def _mapped(self, text: str) -> str:
        if self._map is None:
            return text
        found = self._map.get(text.casefold(), self._else)
        if found is None:
            if not text:
                return ""
            raise ValueError(f"{text!r} is not a value that the mapping knows; it knows {', '.join(self._map)}")
        return found

    def _read(self, text: str, currency: str | None) -> Any:
        if not text:
            return None
        if self.field in NUMBERS:
            return self._number(text, currency)
        return self._convert(text)

    def _converter(self) -> Callable[[str], Any]:
        kinds: list[tuple[frozenset[str], Callable[[str], Any]]] = [
            (DAYS, self.dates.day),
            (MOMENTS, self.dates.moment),
            (FLAGS, _flag),
            (LISTS, decode_json),
            (frozenset({"currency"}), str.upper),
        ]
        return next((convert for fields, convert in kinds if self.field in fields), str)

    def _number(self, text: str, currency: str | None) -> str:
        number = read_number(text, self._decimal)
        if self._minor and self.field in MONEY:
            code = currency or ""
            number = number.scaleb(-self._decimals.get(code, EXPONENTS.get(code, 0)))
        return format(number.copy_negate() if self._negate else number, "f")


def _flag(text: str) -> bool:
    flag = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}.get(text.casefold())
    if flag is None:
        raise ValueError(f"{text!r} is neither true nor false")
    return flag


class _Cell:
    """One field: the first of its cases that holds."""

    def __init__(self, field: str, rule: "str | spec.Value | list[spec.Value]", table: "MapTable") -> None:
        self.field = field
        self.cases = [_Case(field, case, table) for case in (rule if isinstance(rule, list) else [rule])]
        columns = {case.column for case in self.cases}
        self.column = columns.pop() if len(columns) == 1 else None

    def read(self, context: "_Context", currency: str | None) -> Any:
        """The field's value, None when there is none. Raises Problem."""
        for case in self.cases:
            if case.when.holds(context):
                return case.read(context, currency)
        return None


class _Check:
    """A condition on a row."""

    def __init__(self, condition: spec.Condition, table: "MapTable") -> None:
        self._tests = [
            (Template("{" + name + "}", table.lookups), self._test(wanted, table)) for name, wanted in condition.items()
        ]

    def _test(self, wanted: str | list[str] | spec.Test, table: "MapTable") -> Callable[[str], bool]:
        if isinstance(wanted, str):
            wanted = [wanted]
        if isinstance(wanted, list):
            one_of = frozenset(text.casefold() for text in wanted)
            return lambda text: text.casefold() in one_of
        tests: list[Callable[[str], bool]] = []
        if wanted.any_of is not None:
            tests.append(self._test(wanted.any_of, table))
        if wanted.not_ is not None:
            none_of = frozenset(text.casefold() for text in wanted.not_)
            tests.append(lambda text: text.casefold() not in none_of)
        if wanted.empty is not None:
            empty = wanted.empty
            tests.append(lambda text: (not text) == empty)
        decimal = table.spec.decimal or table.settings.decimal
        for bound, compare in _BOUNDS.items():
            limit = getattr(wanted, bound)
            if limit is not None:
                tests.append(_bound(compare, Decimal(str(limit)), decimal))
        return lambda text: all(test(text) for test in tests)

    def holds(self, context: _Context) -> bool:
        """Whether every test holds."""
        for template, test in self._tests:
            try:
                if not test(template.fill(context)):
                    return False
            except ValueError as error:
                raise Problem(template.columns[0], str(error)) from None
        return True


def _bound(compare: Callable[[Decimal, Decimal], bool], limit: Decimal, decimal: str | None) -> Callable[[str], bool]:
    return lambda text: bool(text) and compare(read_number(text, decimal), limit)


_BOUNDS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "above": lambda value, limit: value > limit,
    "below": lambda value, limit: value < limit,
    "equals": lambda value, limit: value == limit,
}


class _RecordRule:
    def __init__(self, rule: spec.Rule, table: "MapTable") -> None:
        self._type = rule.type
        self.each = rule.each
        self._when = _Check(rule.when, table)
        self.cells: list[_Cell] = []
        self._lines_at = ""
        self._line_cells: list[_Cell] = []
        for name, value in rule.fields.items():
            if isinstance(value, spec.Lines):
                self._lines_at = value.each
                self._line_cells = [_Cell(field, given, table) for field, given in value.fields.items()]
            else:
                self.cells.append(_Cell(name, value, table))
        self.cells.sort(key=lambda cell: cell.field != "currency")
        self._columns = {cell.field: cell.column for cell in self.cells if cell.column}
        self._money_of = table.currency

    def make(self, context: _Context) -> list[Made]:
        if self.each is None:
            return [self._record(context)] if self._when.holds(context) else []
        items = [context._replace(each=item) for item in _items(context.row, self.each)]
        return [self._record(item) for item in items if self._when.holds(item)]

    def _record(self, context: _Context) -> Made:
        record: dict[str, Any] = {"type": self._type}
        currency = self._money_of.read(context, None) if self._money_of else None
        for cell in self.cells:
            value = cell.read(context, record.get("currency", currency))
            if value is not None:
                record[cell.field] = value
        if self._lines_at:
            record["lines"] = self._line_records(context, record.get("currency", currency))
        return Made(record, self._columns)

    def _line_records(self, context: _Context, currency: str | None) -> list[dict[str, Any]]:
        lines = []
        for item in _items(context.row, self._lines_at):
            inside = context._replace(each=item)
            read = {cell.field: cell.read(inside, currency) for cell in self._line_cells}
            lines.append({field: value for field, value in read.items() if value is not None})
        return lines


def _items(row: Row, path: str) -> list[Row]:
    found = _at(row, path)
    if found is None or found == "":
        return []
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        raise Problem(path, "is not a list of objects")
    return found


class MapTable:
    """One table of a mapping, ready to make records of rows."""

    def __init__(self, table: spec.MappedTable, settings: Settings) -> None:
        self.spec = table
        self.settings = settings
        self.lookups = {alias: (lookup.table, Template(lookup.by, {})) for alias, lookup in table.lookup.items()}
        stated = (rule.fields.get("currency") for rule in table.record)
        found = next((rule for rule in stated if rule is not None and not isinstance(rule, spec.Lines)), None)
        self.currency = None if found is None else _Cell("currency", found, self)
        self._key = Template(table.key, {}) if table.key else None
        self._skips = [(_Check(skip.when, self), skip.reason) for skip in table.skip]
        self._rules = [_RecordRule(rule, self) for rule in table.record]

    def dates(self, value: spec.Value) -> DateReader:
        """The reader of a field's dates: its own words, else the table's, else the settings'."""
        stated = value.dates or self.spec.dates or list(self.settings.dates)
        formats = [stated] if isinstance(stated, str) else stated
        return DateReader(formats, value.zone or self.spec.zone, self.settings.timezone)

    def fits(self, row: Row) -> bool:
        """Whether a JSON row has the columns that this table is known by."""
        return all(_at(row, column) is not None or column in row for column in self.spec.columns)

    def key(self, row: Row) -> str:
        """The key under which other tables find the row."""
        return self._key.fill(_Context(row, None, _nothing, {}, self.settings.currency)) if self._key else ""

    def make(self, row: Row, find: Find) -> list[Made] | Skipped:
        """The records of a row. Raises Problem when it cannot be read or no rule is about it."""
        context = _Context(row, None, find, {}, self.settings.currency)
        for check, reason in self._skips:
            if check.holds(context):
                return Skipped(reason)
        made = [record for rule in self._rules for record in rule.make(context)]
        if not made and any(rule.each and _items(row, rule.each) for rule in self._rules):
            return Skipped(f"nothing in it is for the ledger ({self.spec.name})")
        if not made:
            raise Problem(None, f"is a row that the mapping has no rule for ({self.spec.name})")
        return made

    def open_dates(self, row: Row) -> list[tuple[str, str]]:
        """(column, text) of the row's dates that nobody has said how to read: not of ISO 8601, without a format."""
        context = _Context(row, None, _nothing, {}, self.settings.currency)
        found = []
        for case in (case for cell in self.cells() for case in cell.cases):
            if case.field in DAYS and case.column and not case.dates.stated:
                try:
                    text = case.template.fill(context) if case.when.holds(context) else ""
                except Problem:
                    continue
                if text:
                    found.append((case.column, "" if is_iso(text) else text))
        return found

    def cells(self) -> Sequence[_Cell]:
        """The fields of all its records."""
        return [cell for rule in self._rules for cell in rule.cells]


class RecordTable(MapTable):
    """The ledger's own records: JSON as the API takes them, CSV with a column for each field."""

    def __init__(self, columns: Sequence[str] | None, settings: Settings) -> None:
        super().__init__(spec.MappedTable(name="records", columns=["type"], at=["records"]), settings)
        self._cells = [_Cell(name, "{" + name + "}", self) for name in columns or () if name not in REJECTED_COLUMNS]
        known = {name for fields in spec.FIELDS.values() for name in fields}
        for cell in self._cells:
            if cell.field and cell.field not in known:
                raise FileRefused(
                    f"The column {cell.field!r} is no field of any record. "
                    "Rename it, remove it, or import the file with a mapping (--mapping)."
                )
        self._is_json = columns is None

    def fits(self, row: Row) -> bool:
        """Every row is taken for a record; what it lacks is said of the row."""
        return True

    def make(self, row: Row, find: Find) -> list[Made] | Skipped:
        """The row as the record that it is."""
        if self._is_json:
            return [Made(dict(row), {})]
        context = _Context(row, None, find, {}, self.settings.currency)
        read = {cell.field: cell.read(context, None) for cell in self._cells if cell.field}
        return [Made({field: value for field, value in read.items() if value is not None}, {})]

    def cells(self) -> Sequence[_Cell]:
        """The columns of a CSV file."""
        return self._cells


def _nothing(table: str, key: str) -> Row | None:
    return None


def check(made: Sequence[Made]) -> Problem | None:
    """The first thing that the ledger would not take in these records, by column where it is one."""
    for record, columns in made:
        rejection = read_record(record)
        if isinstance(rejection, Rejection):
            field = rejection.field
            return Problem(columns.get(field, field) if field else None, _about(field, columns, rejection.reason))
    return None


def _about(field: str | None, columns: Mapping[str, str], reason: str) -> str:
    column = columns.get(field or "")
    return f"{field} {reason}" if column and column != field else reason
