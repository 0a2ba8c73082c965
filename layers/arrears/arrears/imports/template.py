"""Text with columns in it: "{payment}/{line}", or "{paid|updated}" for the first column that is not empty."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from arrears.imports.errors import RowRejected

ORGANISATION_CURRENCY = "organisation.currency"
"""What a template writes for the organisation's currency, where no column has one."""
ROW_LINE = "row.line"
"""What a template writes for the line on which the row starts; in JSON documents the number of the record."""
MAX_LIST_INDEX_DIGITS = 9

_COLUMN = re.compile(r"\{([^{}]+)\}")

type Values = Mapping[str, Any]
"""A row's values by column: text from CSV, any JSON value from JSON."""
type Find = Callable[[str, str], Values | None]
"""Finds a row of another table by (table, key); None when there is none."""


class RowContext(NamedTuple):
    """What templates are filled from. each: the list item at hand. found_rows: rows of other tables, by alias."""

    row: Values
    each: Values | None
    find: Find
    found_rows: dict[str, Values]
    currency: str
    line: int

    @classmethod
    def of(cls, row: Values, currency: str, find: Find = lambda table, key: None, line: int = 0) -> "RowContext":
        """The context of a whole row. currency: the organisation's."""
        return cls(row, None, find, {}, currency, line)


class Template:
    """A template taken apart once. columns: the first column of each of its gaps, as written.

    own_columns: of each gap that only the row's own columns can fill, these columns.
    lookups: by alias, the table in which a row is looked up and the template of its key.
    """

    def __init__(self, text: str, lookups: "Lookups") -> None:
        self._parts: list[str | list[Callable[[RowContext], str]]] = []
        self.columns: list[str] = []
        self.own_columns: list[list[str]] = []
        end = 0
        for gap in _COLUMN.finditer(text):
            self._parts.append(text[end : gap.start()])
            names = [name.strip() for name in gap[1].split("|")]
            self._parts.append([_getter(name, lookups) for name in names])
            self.columns.append(names[0])
            if all(_is_own(name, lookups) for name in names):
                self.own_columns.append(names)
            end = gap.end()
        self._parts.append(text[end:])

    def fill(self, context: RowContext) -> str:
        """The text for a row; empty when every gap in it is empty. Raises RowRejected."""
        text, has_value = "", not self.columns
        for part in self._parts:
            if isinstance(part, str):
                text += part
                continue
            for get in part:
                value = get(context)
                if value:
                    text, has_value = text + value, True
                    break
        return text.strip() if has_value else ""


type Lookups = Mapping[str, tuple[str, Template]]


def _is_own(name: str, lookups: Lookups) -> bool:
    head, _, inner = name.partition(".")
    return name not in (ORGANISATION_CURRENCY, ROW_LINE) and not (inner and (head == "each" or head in lookups))


def _getter(name: str, lookups: Lookups) -> Callable[[RowContext], str]:
    head, _, inner = name.partition(".")
    if name == ORGANISATION_CURRENCY:
        return lambda context: context.currency
    if name == ROW_LINE:
        return lambda context: str(context.line)
    if head == "each" and inner:
        return lambda context: _text(value_at(context.each or {}, inner), inner)
    if head in lookups and inner:
        table, by = lookups[head]
        return lambda context: _text(value_at(_found_row(context, head, table, by), inner), name)
    return lambda context: _text(value_at(context.row, name), name)


def _found_row(context: RowContext, alias: str, table: str, by: Template) -> Values:
    row = context.found_rows.get(alias)
    if row is None:
        key = by.fill(context)
        row = context.find(table, key)
        if row is None:
            column = by.columns[0] if by.columns else None
            raise RowRejected(column, f"names {key!r}, which is not in the {table}; import that file with this one")
        context.found_rows[alias] = row
    return row


def value_at(row: Any, path: str) -> Any:
    """The value of a column, or what a dotted path leads to in a JSON row (list items count from 0)."""
    if path in row:
        return row[path]
    value = row
    for name in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and _is_index(name) and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _is_index(name: str) -> bool:
    return name.isdecimal() and len(name) <= MAX_LIST_INDEX_DIGITS


def items_at(row: Values, path: str) -> list[Values]:
    """The objects of a list in a JSON row, none where it is absent. Raises RowRejected where it is something else."""
    found = value_at(row, path)
    if found is None or found == "":
        return []
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        raise RowRejected(path, "is not a list of objects")
    return found


def _text(value: Any, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    raise RowRejected(name, "is a list or an object, not a value")
