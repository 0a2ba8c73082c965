"""records.md: every record with its fields, the states of a bill, the scopes of a key; from the models."""

from collections.abc import Iterator
from typing import Any

from arrears.ledger import records
from arrears.ledger.caller import Scope
from arrears.ledger.dated_document import BILL_STATES, PAYABLE_STATES
from arrears_cli import record_texts
from generate.openapi import record_schemas

_HEAD = f"""# Records

The records that `POST /ledger/records` takes. The body is `{{"records": [...]}}`, or one record per line (NDJSON), with
at most {records.MAX_RECORDS} records. `arrears import` takes the same records from files. Results:
[contract.md](contract.md#writing).

- Decimals are text (`"1250.50"`) or JSON numbers, read exactly. Amounts are in major units; one with more
  decimals than its currency has is rejected.
- Days are `YYYY-MM-DD`, in the years {records.FIRST_YEAR} to {records.LAST_YEAR}. Moments are RFC 3339 with an offset.
- Every record has `type` and `id`; the id is your own. `updated_at` is optional: the moment at which your system last
  changed it. A record older than the stored one is `stale` and changes nothing.
- A record replaces the stored one as a whole: a field that is left out is cleared.
- `{{"type": "invoice", "id": "I1", "deleted": true}}`, with `updated_at` or without, takes a record of any type back:
  [contract.md](contract.md#deleting).
"""

_STATES = """
## States of a bill

Only payable bills are debts. A bill that waits for approval does not count.

| state | payable | |
|---|---|---|
"""

_SCOPES = """
## Scopes of a key

`arrears key create --scope NAME`; repeat the option for several scopes. `arrears key create --read-only` gives all
scopes that end with `:read`. A key without a scope may do everything in its organisation.

| scope | allows |
|---|---|
"""

_PLAIN_FORMS = {
    "array": "list of at most {maxItems}",
    "boolean": "true, false",
    "object": "object of currency and decimal",
    "string": "text of at most {maxLength}",
    "['string', 'number']": "decimal",
}


def text() -> str:
    """The page."""
    schemas = {schema["properties"]["type"]["const"]: schema for schema in _with_type()}
    sections = [_section(kind, schemas[kind]) for kind in record_texts.RECORDS]
    if schemas.keys() != record_texts.RECORDS.keys():
        raise ValueError("record_texts.RECORDS does not name every record")
    states = [
        f"| `{state}` | {'yes' if state in PAYABLE_STATES else 'no'} | {record_texts.BILL_STATES[state]} |\n"
        for state in sorted(BILL_STATES, key=list(record_texts.BILL_STATES).index)
    ]
    scopes = [f"| `{scope}` | {record_texts.SCOPES[scope]} |\n" for scope in Scope]
    return _HEAD + "".join(sections) + _STATES + "".join(states) + _SCOPES + "".join(scopes)


def _with_type() -> Iterator[dict[str, Any]]:
    return (schema for schema in record_schemas().values() if "type" in schema.get("properties", {}))


def _section(kind: str, schema: dict[str, Any]) -> str:
    lines = _table(kind, schema, skip=("type", "id", "updated_at"))
    text = f"\n## {kind}\n\n{record_texts.RECORDS[kind]}\n\n{lines}"
    if kind == "invoice":
        text += "\nEach of `lines`:\n\n" + _table("line", record_schemas()["LineRecord"])
    return text


def _table(kind: str, schema: dict[str, Any], skip: tuple[str, ...] = ()) -> str:
    rows = "| field | required | form | |\n|---|---|---|---|\n"
    for name, field in schema["properties"].items():
        if name not in skip:
            required = "yes" if name in schema.get("required", ()) else ""
            rows += f"| `{name}` | {required} | {_form(field)} | {record_texts.field_text(kind, name)} |\n"
    return rows


def _form(field: dict[str, Any]) -> str:
    """How a value is written, in a few words."""
    if "anyOf" in field:
        [field] = [one for one in field["anyOf"] if one.get("type") != "null"]
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "format" in field:
        return {"date": "day", "date-time": "moment"}[field["format"]]
    if "pattern" in field:
        return "currency"
    if field["type"] == "string" and "maxLength" not in field:
        return "one of the states below"
    return _PLAIN_FORMS[str(field["type"])].format_map(field)
