"""The OpenAPI document: routes and records from the code, schemas that the tests hold answers to, and real answers."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, get_args

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from api.conftest import SCHEMAS
from arrears.api import known_at, routes
from arrears.api.listing import NEXT_CURSOR
from arrears.ledger import records
from arrears_cli import record_texts
from generate.answers import BATCH, BODIES, Answered, answers
from generate.operations import (
    CURSOR,
    HEADERS,
    KNOWN_AT_TEXT,
    NEXT_CURSOR_TEXT,
    OPERATIONS,
    OURS,
    SECURITY,
    STATUSES,
    TAGS,
    Operation,
)
from template import ROOT

PATH = ROOT / "functions" / "documentation" / "openapi.json"

_FILES = {
    "problem": "Problem",
    "lago_error": "LagoError",
    "docusign_error": "DocusignError",
    "dolfin_receivables_overdue": None,
    "dolfin_payables_overdue": None,
    "receivables_simulation": "PolicyPreview",
    "payables_simulation": "PayablesPolicyPreview",
    "receivables_aging": "AgedReceivables",
    "payables_aging": "AgedPayables",
    "receivables_history": "History",
    "payables_history": "PayablesHistory",
    "month_explanation": "MonthExplanation",
    "escalations": "Escalations",
    "changes": "Changes",
    "customer": "CustomerPage",
    "customer_statement": "CustomerStatement",
    "supplier": "SupplierPage",
    "supplier_statement": "SupplierStatement",
    "ledger_results": "LedgerResults",
    "lago_overdue_balance": "OverdueBalances",
    "lago_invoice_collection": "InvoiceCollections",
    "docusign_past_due": "PastDue",
}
"""The schemas of answers, and the name of each as a whole where it is not one of its own definitions."""

_RENAMED = {
    "item": "PastDueItem",
    "invoice": "PastDueInvoice",
    "month": "HistoryMonth",
    "currency": "HistoryCurrency",
    "control": "ControlAccount",
    "payables_month": "PayablesMonth",
    "payables_currency": "PayablesCurrency",
    "payables_control": "PayablesControlAccount",
    "amount": "HistoryAmount",
    "rate": "HistoryRate",
    "record": "Escalation",
    "tier": "EscalationTier",
    "change": "Change",
    "explained_currency": "ExplainedCurrency",
    "explained_change": "ExplainedChange",
    "month_balance": "MonthBalance",
}


def _reads(field: Any) -> Any:
    """The function that reads what a caller writes for such a field."""
    _, reader = get_args(field)
    return reader.func


_TEXTS: dict[Any, JsonSchemaValue] = {
    _reads(records.Day): {"type": "string", "format": "date"},
    _reads(records.Moment): {"type": "string", "format": "date-time"},
    _reads(records.Amount): {"type": ["string", "number"], "description": "Major units, read exactly."},
    _reads(records.Currency): {"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217."},
}
"""What a caller writes, where the record keeps something else."""


class _AsWritten(GenerateJsonSchema):
    """Records as callers write them."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        return _TEXTS.get(schema["function"]["function"]) or super().function_before_schema(schema)


def build() -> dict[str, Any]:
    """The document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Arrears",
            "version": "1.0.0",
            "summary": "Overdue receivables and payables, answered from one ledger.",
        },
        "servers": [{"url": ".", "description": "Where this document is."}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": _paths(answers()),
        "components": {"schemas": _schemas(), "securitySchemes": SECURITY},
    }


def text() -> str:
    """The document as it is checked in."""
    return json.dumps(build(), indent=1, ensure_ascii=False) + "\n"


def address(rule: str) -> str:
    """A route as OpenAPI writes it: <account_id> becomes {accountId}."""
    return re.sub(r"<(\w+)>", lambda match: "{" + _camel(match[1]) + "}", rule)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)


def _paths(answered: list[Answered]) -> dict[str, Any]:
    paths = {}
    for rule, method in routes.METHODS.items():
        own = [one for one in answered if one.path == rule]
        paths[address(rule)] = {method.lower(): _operation(rule, method, own)}
    return paths


def _operation(rule: str, method: str, answered: list[Answered]) -> dict[str, Any]:
    operation = OPERATIONS[rule]
    description = operation.description
    if operation.scope is not None:
        description += f" Scope of the key: `{operation.scope}`."
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": description,
        "security": [{name: []} for name in operation.security],
        "parameters": list(operation.parameters),
    }
    if method == "POST":
        described["requestBody"] = _request_body() if operation.asks is None else _own_body(operation, rule)
    described["responses"] = {str(one.status): _response(operation, one) for one in answered}
    return described


def _own_body(operation: Operation, rule: str) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": operation.asks, "example": BODIES[rule]}}}


def _request_body() -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["records"],
        "additionalProperties": False,
        "properties": {
            "records": {
                "type": "array",
                "maxItems": records.MAX_RECORDS,
                "items": {"anyOf": [{"$ref": _component("Record")}, {"$ref": _component("DeletionRecord")}]},
            }
        },
    }
    lines = "\n".join(json.dumps(record) for record in BATCH)
    return {
        "required": True,
        "content": {
            "application/json": {"schema": schema, "example": {"records": BATCH}},
            "application/x-ndjson": {
                "schema": {"type": "string", "description": "One record a line."},
                "example": lines,
            },
        },
    }


def _response(operation: Operation, one: Answered) -> dict[str, Any]:
    content_type = one.answer.headers["Content-Type"].split(";")[0]
    if one.status == HTTPStatus.OK and operation.media is not None:
        content_type = operation.media
    described = {
        name: {"description": text, "schema": {"type": "string"}}
        for name, text in HEADERS.items()
        if name in one.answer.headers
    }
    content: dict[str, Any] = {"schema": {"type": "string"}}
    schema = operation.body if one.status == HTTPStatus.OK else operation.errors
    if schema is not None:
        reference = {"$ref": _component(schema)}
        if one.status == HTTPStatus.OK and operation.other_body is not None:
            reference = {"oneOf": [reference, {"$ref": _component(operation.other_body)}]}
        content = {"schema": reference, "example": one.answer.body}
    elif content_type == "application/json":
        content = {"schema": {"type": "object"}}
    if one.status == HTTPStatus.OK and operation.takes_moment:
        described[known_at.HEADER] = {"description": KNOWN_AT_TEXT, "schema": {"type": "string", "format": "date-time"}}
    answered = {content_type: content}
    if one.status == HTTPStatus.OK and operation.csv is not None:
        answered["text/csv"] = {"schema": {"type": "string", "description": operation.csv}}
        if CURSOR in operation.parameters:
            described[NEXT_CURSOR] = {"description": NEXT_CURSOR_TEXT, "schema": {"type": "string"}}
    return {"description": STATUSES[one.status], "headers": described, "content": answered}


def _schemas() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for file, name in _FILES.items():
        schema = json.loads((SCHEMAS / f"{file}.json").read_text())
        schema.pop("$schema")
        own = {_RENAMED.get(part, part): value for part, value in schema.pop("$defs", {}).items()}
        if name is not None:
            own[name] = schema
        for part, value in _moved(own).items():
            if found.setdefault(part, value) != value:
                raise ValueError(f"two schemas called {part} differ")
    for name, members in OURS.items():
        found[name]["properties"] |= members
    return dict(sorted((found | record_schemas() | {"DeletionRecord": _deletion_schema()}).items()))


def _moved(value: Any, names: Mapping[str, str] = _RENAMED) -> Any:
    """Local references as references to components, under their names there."""
    if isinstance(value, list):
        return [_moved(part, names) for part in value]
    if not isinstance(value, dict):
        return value
    moved = {name: _moved(part, names) for name, part in value.items()}
    if isinstance(value.get("$ref"), str):
        name = value["$ref"].rsplit("/", 1)[-1]
        moved["$ref"] = _component(names.get(name, name))
    return moved


def _component(name: str) -> str:
    return f"#/components/schemas/{name}"


def record_schemas() -> dict[str, Any]:
    """Every record type, named after it: what POST /ledger/records takes."""
    adapter: TypeAdapter[Any] = TypeAdapter(records.Record)
    models = adapter.json_schema(schema_generator=_AsWritten)["$defs"]
    names = {model: model.removesuffix("Record") + "Record" for model in models}
    parts: dict[str, Any] = {names[model]: _moved(_described(part), names) for model, part in models.items()}
    kinds = {part["properties"]["type"]["const"]: name for name, part in parts.items() if name != "LineRecord"}
    parts["Record"] = {
        "oneOf": [{"$ref": _component(name)} for name in kinds.values()],
        "discriminator": {
            "propertyName": "type",
            "mapping": {kind: _component(name) for kind, name in kinds.items()},
        },
    }
    return parts


def _deletion_schema() -> dict[str, Any]:
    """What takes a record of any type back."""
    schema = records.Deletion.model_json_schema(schema_generator=_AsWritten)
    names = list(record_texts.RECORDS)
    schema["properties"]["type"]["enum"] = names
    schema["properties"]["deleted"] = {"const": True, "description": record_texts.COMMON["deleted"]}
    for name in ("type", "id", "updated_at"):
        schema["properties"][name]["description"] = record_texts.COMMON[name]
    return _without_titles(schema)


def _without_titles(schema: dict[str, Any]) -> dict[str, Any]:
    members = {
        name: {word: value for word, value in part.items() if word != "title"}
        for name, part in schema["properties"].items()
    }
    return {name: part for name, part in schema.items() if name != "title"} | {"properties": members}


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with the meaning of each field, and without the titles that only repeat the names."""
    members = schema["properties"]
    kind = members["type"]["const"] if "type" in members else "line"
    described = {
        name: {word: value for word, value in part.items() if word != "title"}
        | {"description": _sentences(part.get("description"), record_texts.field_text(kind, name))}
        for name, part in members.items()
    }
    return {name: part for name, part in schema.items() if name != "title"} | {"properties": described}


def _sentences(*texts: str | None) -> str:
    return " ".join(dict.fromkeys(text for text in texts if text))


def write() -> None:
    """Writes the document where the function serves it from."""
    PATH.touch()
    PATH.write_text(text())
