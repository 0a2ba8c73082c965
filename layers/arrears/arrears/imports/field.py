"""One field of a record: the template that fills it, and how the text becomes a value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from arrears.imports import mapping as spec
from arrears.imports.condition import RowCondition
from arrears.imports.dates import DateReader
from arrears.imports.errors import RowRejected
from arrears.imports.json_rows import decode_json
from arrears.imports.numbers import read_number
from arrears.imports.template import Lookups, RowContext, Template
from arrears.ledger.money import EXPONENTS

DAYS = frozenset(name for fields in spec.FIELDS.values() for name in fields if name.endswith("_on"))
MOMENTS = frozenset({"updated_at", "sent_at"})
MONEY = frozenset({"total", "amount", "taxable_amount", "tax_amount"})
NUMBERS = MONEY | {"quantity", "unit_price"}
FLAGS = frozenset({"payment_blocked", "pdf_available", "issued_on_inferred", "deleted"})
STRUCTURES = frozenset({"invoice_ids", "lines", "credit_limit"})


@dataclass(frozen=True, slots=True)
class ReadingDefaults:
    """What a file is read with. timezone, currency: the organisation's (IANA name, ISO 4217 code).

    dates, decimal: what counts where the mapping is silent.
    """

    timezone: str = "UTC"
    currency: str = ""
    dates: tuple[str, ...] = ()
    decimal: str | None = None


@dataclass(frozen=True, slots=True)
class TableReading:
    """How the fields of one table are read where they do not say it themselves.

    own_columns: what its templates have named so far, of each gap the columns that can fill it.
    """

    table: spec.MappedTable
    defaults: ReadingDefaults
    lookups: Lookups
    own_columns: list[list[str]] = field(default_factory=list)

    @property
    def decimal(self) -> str | None:
        """The decimal mark of the table's numbers, None where nobody has said."""
        return self.table.decimal or self.defaults.decimal

    def condition(self, condition: spec.Condition) -> RowCondition:
        """A condition on the table's rows."""
        return RowCondition(condition, self.template, self.decimal)

    def template(self, text: str) -> Template:
        """A template over the table's rows."""
        made = Template(text, self.lookups)
        self.own_columns.extend(made.own_columns)
        return made

    def dates(self, value: spec.Value) -> DateReader:
        """The reader of a field's dates: as the field says, else the table, else the defaults."""
        stated = value.dates or self.table.dates or list(self.defaults.dates)
        formats = [stated] if isinstance(stated, str) else stated
        return DateReader(formats, value.zone or self.table.zone, self.defaults.timezone)


class Field:
    """A field of a record: the first of its cases that holds. column: the one column it comes from, if it is one."""

    def __init__(self, name: str, rule: spec.FieldRule, reading: TableReading) -> None:
        self.name = name
        self.cases = [FieldCase(name, case, reading) for case in (rule if isinstance(rule, list) else [rule])]
        columns = {case.column for case in self.cases}
        self.column = columns.pop() if len(columns) == 1 else None

    def read(self, context: RowContext, currency: str | None) -> Any:
        """The value, None when there is none. currency: of the record's amounts. Raises RowRejected."""
        for case in self.cases:
            if case.when.holds(context):
                return case.read(context, currency)
        return None


class FieldCase:
    """One case of a field: a template, how its text is read, and the condition under which it applies."""

    def __init__(self, name: str, rule: str | spec.Value, reading: TableReading) -> None:
        value = spec.Value.model_validate({"from": rule}) if isinstance(rule, str) else rule
        self.field = name
        self.when = reading.condition(value.when)
        self.template = reading.template(value.from_)
        self.column = self.template.columns[0] if len(self.template.columns) == 1 else None
        self.dates = reading.dates(value)
        self._map = None if value.map is None else {key.casefold(): found for key, found in value.map.items()}
        self._else = value.else_
        self._convert = self._converter(value, reading)
        self._plus_days = None if value.plus_days is None else reading.template(str(value.plus_days))

    def read(self, context: RowContext, currency: str | None) -> Any:
        """The value, None when there is none. Raises RowRejected."""
        try:
            text = self._mapped(self.template.fill(context))
            value = self._convert(text, currency) if text else None
            if value is None or self._plus_days is None:
                return value
            return _later(value, self._plus_days.fill(context))
        except ValueError as error:
            raise RowRejected(self.column or self.field, str(error)) from None

    def _mapped(self, text: str) -> str:
        if self._map is None:
            return text
        found = self._map.get(text.casefold(), self._else)
        if found is None:
            if not text:
                return ""
            raise ValueError(f"{text!r} is not a value that the mapping knows; it knows {', '.join(self._map)}")
        return found

    def _converter(self, value: spec.Value, reading: TableReading) -> Callable[[str, str | None], Any]:
        if self.field in NUMBERS:
            return _NumberReader(self.field, value, reading).read
        kinds: list[tuple[frozenset[str], Callable[[str], Any]]] = [
            (DAYS, self.dates.day),
            (MOMENTS, self.dates.moment),
            (FLAGS, _flag),
            (STRUCTURES, decode_json),
            (frozenset({"currency"}), str.upper),
        ]
        convert = next((convert for fields, convert in kinds if self.field in fields), str)
        return lambda text, currency: convert(text)


def _later(day: str, days: str) -> str:
    """The day, YYYY-MM-DD, so many days later; no text counts as no days."""
    try:
        return (date.fromisoformat(day) + timedelta(days=int(days or 0))).isoformat()
    except (ValueError, OverflowError):
        raise ValueError(f"{days[:20]!r} is not a number of days that can be added") from None


class _NumberReader:
    def __init__(self, field: str, value: spec.Value, reading: TableReading) -> None:
        minor_units = reading.table.minor_units if value.minor_units is None else value.minor_units
        self._is_minor = minor_units and field in MONEY
        self._negate = value.negate
        self._round = value.round
        self._decimal = value.decimal or reading.decimal
        self._decimals: Mapping[str, int] = {code.upper(): count for code, count in reading.table.decimals.items()}

    def read(self, text: str, currency: str | None) -> str:
        number = read_number(text, self._decimal)
        if self._is_minor:
            code = currency or ""
            number = number.scaleb(-self._decimals.get(code, EXPONENTS.get(code, 0)))
        if self._round:
            number = number.quantize(Decimal(1).scaleb(-EXPONENTS.get(currency or "", 0)), ROUND_HALF_UP)
        return format(number.copy_negate() if self._negate else number, "f")


def _flag(text: str) -> bool:
    flag = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}.get(text.casefold())
    if flag is None:
        raise ValueError(f"{text!r} is neither true nor false")
    return flag
