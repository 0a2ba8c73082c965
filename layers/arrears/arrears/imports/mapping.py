"""Mapping files: how the rows of another system's export become records.

A mapping has tables, one for each kind of export file. A table has records: what a row becomes. A record's fields are
templates such as "{invoice_id}", alone or with how to read their text. docs/mappings.md explains it.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from arrears.imports.dates import is_format, is_zone
from arrears.imports.encoding import encoding_name
from arrears.imports.errors import FileRefused
from arrears.ledger.records import Line, Record

SHIPPED = Path(__file__).parent.parent / "mappings"

FIELDS: dict[str, dict[str, bool]] = {
    get_args(model.model_fields["type"].annotation)[0]: {
        info.alias or name: info.is_required() for name, info in model.model_fields.items()
    }
    for model in get_args(Record)
}
"""Of each type of record its fields, and whether each is required."""

MAX_MAPPING_BYTES = 100_000
MAX_DECIMALS = 9
MAX_DOTS = 256
MAX_SKIPPED_LINES = 1_000
MAX_REASON_LENGTH = 200


def _readable(value: str | list[str]) -> str | list[str]:
    for text in [value] if isinstance(value, str) else value:
        if not is_format(text):
            raise ValueError(f"{text!r} is no date format; write one such as D/M/YYYY, MM/DD/YYYY or DD-MMM-YYYY")
    return value


def _known_zone(value: str) -> str:
    if not is_zone(value):
        raise ValueError(f"{value!r} is no time zone; write its IANA name, such as Europe/Vienna")
    return value


TEXTS = Annotated[list[str], Field(min_length=1)]
Dates = Annotated[str | list[str], AfterValidator(_readable)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Bound = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)


class Test(_Part):
    """What a value must be. Every word given must hold; text is compared without case."""

    any_of: TEXTS | None = None
    not_: TEXTS | None = Field(default=None, alias="not")
    empty: bool | None = None
    above: Bound | None = None
    below: Bound | None = None
    equals: Bound | None = None


type Condition = dict[str, str | TEXTS | Test]
"""By column: the value, the values it may be, or a test."""


class Value(_Part):
    """A template and how to read its text. when: for a field with several cases, the first that holds counts."""

    from_: str = Field(alias="from")
    when: Condition = {}
    map: dict[str, str] | None = None
    else_: str | None = Field(default=None, alias="else")
    dates: Dates | None = None
    zone: Zone | None = None
    decimal: Literal[".", ","] | None = None
    minor_units: bool | None = None
    negate: bool = False
    round: bool = False
    plus_days: int | str | None = None


type FieldRule = str | Value | list[Value]


class Lines(_Part):
    """A list in a JSON row that becomes the lines of an invoice."""

    model_config = ConfigDict(extra="allow", strict=True)

    each: str

    @property
    def fields(self) -> dict[str, FieldRule]:
        """The templates of a line's fields."""
        return {name: _value(rule) for name, rule in (self.model_extra or {}).items()}


class Rule(_Part):
    """One record that a row makes. each: a list in a JSON row, to make one record of each of its items."""

    model_config = ConfigDict(extra="allow", strict=True)

    type: str
    when: Condition = {}
    each: str | None = None

    @property
    def fields(self) -> "dict[str, FieldRule | Lines]":
        """The templates of the record's fields, `id` first."""
        return {
            name: Lines.model_validate(rule) if name == "lines" and isinstance(rule, dict) else _value(rule)
            for name, rule in (self.model_extra or {}).items()
        }

    @model_validator(mode="after")
    def _known(self) -> "Rule":
        known = FIELDS.get(self.type)
        if known is None:
            raise ValueError(f"{self.type!r} is no type of record")
        given = self.model_extra or {}
        for name in given:
            if name not in known:
                raise ValueError(f"{self.type} has no field {name!r}; it has {', '.join(sorted(known))}")
        missing = [name for name, required in known.items() if required and name not in given and name != "type"]
        if missing:
            raise ValueError(f"{self.type} needs {', '.join(missing)}")
        lines = self.fields.get("lines")
        for name in lines.fields if isinstance(lines, Lines) else ():
            if name not in Line.model_fields:
                raise ValueError(f"a line has no field {name!r}; it has {', '.join(Line.model_fields)}")
        return self


def _value(rule: Any) -> FieldRule:
    if isinstance(rule, list):
        return [Value.model_validate(case) for case in rule]
    return rule if isinstance(rule, str) else Value.model_validate(rule)


class Skip(_Part):
    """Rows that make no record, and why."""

    when: Condition = {}
    reason: Annotated[str, Field(max_length=MAX_REASON_LENGTH)]


class Lookup(_Part):
    """Another table whose row is needed beside this one: the one whose key is the value of `by`."""

    table: str
    by: str


class MappedTable(_Part):
    """One kind of file.

    columns: those by which it is known. optional: others that a CSV file may lack, although a template names them.
    at: where a JSON document or row keeps its rows.
    """

    name: str
    columns: TEXTS
    optional: list[str] = []
    at: list[str] = []
    key: str | None = None
    dates: Dates | None = None
    zone: Zone | None = None
    decimal: Literal[".", ","] | None = None
    minor_units: bool = False
    decimals: dict[str, Annotated[int, Field(ge=0, le=MAX_DECIMALS)]] = {}
    lookup: dict[str, Lookup] = {}
    skip: list[Skip] = []
    record: list[Rule] = []


class Mapping(_Part):
    """A whole mapping file."""

    title: str
    encoding: str | None = None
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    skip_lines: Annotated[int, Field(ge=0, le=MAX_SKIPPED_LINES)] = 0
    table: Annotated[list[MappedTable], Field(min_length=1)]
    name: str = ""
    digest: str = ""

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        try:
            return encoding_name(value) if value else None
        except FileRefused as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _lookups_exist(self) -> "Mapping":
        keys = {table.name: table.key for table in self.table}
        for table in self.table:
            for lookup in table.lookup.values():
                if keys.get(lookup.table) is None:
                    raise ValueError(f"{table.name} looks up {lookup.table!r}, which is no table with a key")
        return self

    def named(self, name: str) -> MappedTable:
        """The table of that name, which exists."""
        return next(table for table in self.table if table.name == name)


def shipped() -> Iterator[str]:
    """Names of the mappings that come with the product."""
    return iter(sorted(path.stem for path in SHIPPED.glob("*.toml")))


def load(name_or_file: str) -> Mapping:
    """A shipped mapping by name, or a mapping file. Raises FileRefused with what is wrong with it."""
    path = SHIPPED / f"{name_or_file}.toml"
    if name_or_file not in shipped():
        path = Path(name_or_file)
        if not path.is_file():
            known = ", ".join(shipped())
            raise FileRefused(f"There is no mapping {name_or_file!r}: it is neither a file nor one of {known}.")
    return parse(path.read_bytes(), path.name)


def parse(data: bytes, file_name: str) -> Mapping:
    """A mapping from the bytes of a TOML or JSON file. Raises FileRefused with what is wrong with it."""
    if len(data) > MAX_MAPPING_BYTES:
        raise FileRefused(f"The mapping {file_name} is larger than {MAX_MAPPING_BYTES // 1_000} kB.")
    try:
        text = data.decode("utf-8-sig")
        content = json.loads(text) if file_name.endswith(".json") else _toml(text)
        mapping = Mapping.model_validate(content)
    except ValidationError as error:
        raise FileRefused(f"The mapping {file_name} is not right: {_first(error)}") from None
    except RecursionError:
        raise FileRefused(f"The mapping {file_name} cannot be read: it is nested too deeply.") from None
    except ValueError as error:
        raise FileRefused(f"The mapping {file_name} cannot be read: {error}") from None
    return mapping.model_copy(
        update={"name": file_name.rsplit(".", 1)[0], "digest": hashlib.sha256(data).hexdigest()[:16]}
    )


def _toml(text: str) -> dict[str, Any]:
    """The content of a TOML file. A dotted key takes tomllib memory by the square of its length."""
    if max(line.count(".") for line in text.split("\n")) > MAX_DOTS:
        raise RecursionError
    return tomllib.loads(text)


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg'].removeprefix('Value error, ')}" if where else first["msg"]
