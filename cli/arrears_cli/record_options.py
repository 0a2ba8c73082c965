"""The options of `arrears record`, made from the models of the records: a new field or record has them by itself."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import typer

from arrears_cli import record_texts
from arrears_cli.connection import Address, OrganisationOfKey, Stack
from arrears_cli.output import Json, as_typed, option_of

if TYPE_CHECKING:
    from pydantic import BaseModel

_OWN = ("type", "id", "updated_at", "issued_on_inferred")
"""What has an option of its own, or none: only exports write it."""
TODAY = ("paid_on", "credited_on", "applied_on", "made_on", "opened_on")
NOW = "sent_at"

type Read = Callable[[Any], Any]
"""Makes of what was typed the value in the record. Raises BadParameter."""


@dataclass(frozen=True, slots=True)
class RecordField:
    """A field of a record. name: as records have it. option: as it is typed. required: it has no default at all."""

    name: str
    option: str
    required: bool
    annotation: Any
    read: Read

    @property
    def parameter(self) -> str:
        """The name of the command's parameter, apart from those that every command has."""
        return f"field_{self.name}"


def models() -> "dict[str, type[BaseModel]]":
    """The model of each kind of record."""
    from arrears.ledger.records import Record

    return {kind: model for model in get_args(Record) for kind in get_args(model.model_fields["type"].annotation)}


def fields_of(kind: str, model: "type[BaseModel]") -> list[RecordField]:
    """The fields of a kind of record that people type."""
    names = [field.alias or name for name, field in model.model_fields.items()]
    found = []
    for name, field in model.model_fields.items():
        written = field.alias or name
        if name not in _OWN:
            required = field.is_required() and written not in (*TODAY, NOW)
            found.append(_field(kind, written, _plain(field.annotation), required, names))
    return found


def _plain(annotation: Any) -> Any:
    """The type itself: without what is checked of it, and whether it may be left out."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, UnionType):
            annotation = next(each for each in get_args(annotation) if each is not type(None))
        else:
            return annotation


def _field(kind: str, name: str, form: Any, required: bool, names: Iterable[str]) -> RecordField:
    option, help_ = option_of(name), _help(kind, name, required, names)
    if get_origin(form) is list:
        option = option.removesuffix("s")
        [item] = map(_plain, get_args(form))
        metavar, read = ("ID", list) if item is str else ("JSON", _objects(option))
        several = typer.Option(option, metavar=metavar, help=f"{help_} Repeat it for several.")
        return RecordField(name, option, required, Annotated[list[str] | None, several], read)
    if get_origin(form) is dict:
        several = typer.Option(option, metavar="CURRENCY=AMOUNT", help=f"{help_} Repeat it for several.")
        return RecordField(name, option, required, Annotated[list[str] | None, several], _by_currency(option))
    if form is bool:
        flag = typer.Option(f"{option}/--no-{option[2:]}", help=help_, show_default=False)
        return RecordField(name, option, required, Annotated[bool | None, flag], _same)
    if get_origin(form) is Literal:
        return RecordField(name, option, required, Annotated[form | None, typer.Option(option, help=help_)], _same)
    read_ = str.upper if name == "currency" else _same
    one = typer.Option(option, metavar=_metavar(name, form), help=help_)
    return RecordField(name, option, required, Annotated[str | None, one], read_)


def _help(kind: str, name: str, required: bool, names: Iterable[str]) -> str:
    """What a field means, in options; whether it is required, and what it is without its option."""
    try:
        text = record_texts.field_text(kind, name).replace("`", "")
    except KeyError:
        text = ""
    if name == "state":
        text = f"One of {', '.join(record_texts.BILL_STATES)}."
    default = {NOW: "Without it: now."} | dict.fromkeys(TODAY, "Without it: today.")
    text = as_typed(text, [each for each in names if "_" in each])
    return " ".join(part for part in ("Required." * required, text, default.get(name, "")) if part)


def _metavar(name: str, form: Any) -> str:
    if form is Decimal:
        return "AMOUNT"
    if form is int:
        return "DAY"
    if name.endswith("_at"):
        return "DAY|MOMENT"
    return "ID" if name.endswith("_id") else "CODE" if name == "currency" else "TEXT"


def _same(value: Any) -> Any:
    return value


def _objects(option: str) -> Read:
    from arrears.ledger import exact_json

    def read(texts: list[str]) -> list[Any]:
        try:
            return [exact_json.loads(text) for text in texts]
        except ValueError as error:
            raise typer.BadParameter(f"is not a JSON object: {error}", param_hint=option) from None

    return read


def _by_currency(option: str) -> Read:
    def read(texts: list[str]) -> dict[str, str]:
        pairs = [text.partition("=") for text in texts]
        if not all(mark and amount for _, mark, amount in pairs):
            raise typer.BadParameter("is CURRENCY=AMOUNT, such as EUR=5000", param_hint=option)
        return {currency.strip().upper(): amount.strip() for currency, _, amount in pairs}

    return read


def with_options(kind: str, fields: Iterable[RecordField], act: Callable[[Mapping[str, Any]], None]) -> Any:
    """A function for typer: the options of every record and those of the fields; `act` gets what was typed, by name."""
    made = f"Your own id of the {kind}. Without it one is made, and printed."
    parameters: dict[str, Any] = {
        **{field.parameter: field.annotation for field in fields},
        "id_": Annotated[str | None, typer.Option("--id", metavar="ID", help=made)],
        "updated_at": Annotated[
            str | None,
            typer.Option("--updated-at", metavar="MOMENT", help="When your system last changed it. Older: stale."),
        ],
        "delete": Annotated[
            str | None,
            typer.Option("--delete", metavar="ID", help=f"Take the {kind} of this id back, as if it was never sent."),
        ],
        "organisation_id": OrganisationOfKey,
        "stack": Stack,
        "url": Address,
        "as_json": Json,
    }

    def command(**typed: Any) -> None:
        act(typed)

    keyword, defaults = inspect.Parameter.KEYWORD_ONLY, {"as_json": False}
    signature = [
        inspect.Parameter(name, keyword, default=defaults.get(name), annotation=annotation)
        for name, annotation in parameters.items()
    ]
    command.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]
    command.__annotations__ = parameters
    command.__doc__ = record_texts.RECORDS.get(kind, "")
    return command
