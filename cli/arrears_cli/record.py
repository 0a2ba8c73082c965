"""Records by hand: one command for each kind of record."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import typer
from typer.core import TyperGroup

from arrears_cli.book import Book, open_book
from arrears_cli.output import as_typed, money, option_of, put, say

if TYPE_CHECKING:
    from arrears.ledger.result import Result
    from arrears_cli.record_options import RecordField

_SENTENCES = {
    "created": "is recorded.",
    "updated": "replaces what was recorded under this id; what was not given is cleared.",
    "unchanged": "was recorded before; nothing has changed.",
    "stale": "is newer in the ledger; nothing has changed.",
    "pending": "is kept, and takes effect when what it names is recorded.",
    "deleted": "is taken back.",
}
_TAKEN_BACK_BEFORE = "was taken back before; nothing has changed."
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class _Records(TyperGroup):
    """The kinds of records. They are known when one of them is asked for: their models take a while to import."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every kind."""
        return list(_commands())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a kind; None where there is no such kind."""
        return _commands().get(cmd_name)


records = typer.Typer(
    cls=_Records,
    no_args_is_help=True,
    help="Record one thing by hand. A record replaces the one of its kind and id as a whole: give all that it says.",
)


@cache
def _commands() -> Mapping[str, Any]:
    from arrears_cli.record_options import fields_of, models, with_options

    app = typer.Typer()
    for kind, model in models().items():
        fields = fields_of(kind, model)

        def act(typed: Mapping[str, Any], kind: str = kind, fields: "Sequence[RecordField]" = fields) -> None:
            _record(kind, fields, typed)

        app.command(kind)(with_options(kind, fields, act))
    commands: Mapping[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return commands


def _record(kind: str, fields: "Sequence[RecordField]", typed: Mapping[str, Any]) -> None:
    given = {field.name: field.read(typed[field.parameter]) for field in fields if _is_given(typed[field.parameter])}
    _check(kind, fields, given, typed)
    book = open_book(typed["organisation_id"], typed["stack"], typed["url"])
    payload = _payload(kind, fields, given, typed, book)
    [result] = book.write([payload])
    _put(result, fields, typed)


def _is_given(value: Any) -> bool:
    return value is not None and value != []


def _check(kind: str, fields: "Sequence[RecordField]", given: Mapping[str, Any], typed: Mapping[str, Any]) -> None:
    """Raises BadParameter for options that cannot be used together, and for those that are missing."""
    if typed["delete"] is not None:
        if given or typed["id_"] is not None:
            raise typer.BadParameter("takes the id alone, and --updated-at", param_hint="--delete")
        return
    missing = [field.option for field in fields if field.required and field.name not in given]
    if missing:
        raise typer.BadParameter(f"A {kind} needs {', '.join(missing)}.")


def _payload(
    kind: str, fields: "Sequence[RecordField]", given: Mapping[str, Any], typed: Mapping[str, Any], book: Book
) -> dict[str, Any]:
    updated = {} if typed["updated_at"] is None else {"updated_at": typed["updated_at"]}
    if typed["delete"] is not None:
        return {"type": kind, "id": typed["delete"], "deleted": True, **updated}
    return {"type": kind, "id": typed["id_"] or str(uuid4()), **updated, **given, **_now(fields, given, book)}


def _now(fields: "Sequence[RecordField]", given: Mapping[str, Any], book: Book) -> dict[str, str]:
    """Days and moments that are the present where nobody says them; a moment of which only the day is said is noon."""
    from arrears.ledger.days import day_text, parse_day
    from arrears_cli.record_options import NOW, TODAY

    names = {field.name for field in fields}
    found = {name: day_text(book.today()) for name in TODAY if name in names and name not in given}
    if NOW in names:
        sent = given.get(NOW)
        try:
            day = parse_day(sent) if sent is not None and _DAY.fullmatch(sent) else None
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint=option_of(NOW)) from None
        if sent is None or day is not None:
            found[NOW] = book.moment(day)
    return found


def _put(result: "Result", fields: "Sequence[RecordField]", typed: Mapping[str, Any]) -> None:
    """Says what became of the record. A rejected one ends the command with exit code 1."""
    body = result.to_json()
    rejected = result.result == "rejected"
    if typed["as_json"]:
        put(body, True, "")
    elif rejected:
        say(_rejection(result, fields))
    else:
        put(body, False, f"{str(result.type).capitalize()} {result.id} {_outcome(result, typed['delete'] is not None)}")
    for warning in body.get("warnings", ()):
        say(f"Warning: {_warning(warning, fields)}")
    if rejected:
        raise typer.Exit(1)


def _outcome(result: "Result", deletion: bool) -> str:
    if deletion and result.result == "unchanged":
        return _TAKEN_BACK_BEFORE
    return _SENTENCES.get(result.result, result.result)


def _warning(warning: Mapping[str, Any], fields: "Sequence[RecordField]") -> str:
    """What looks wrong, as a sentence. A code that is not known here comes from a newer API: it has its inputs."""
    inputs = {name: value for name, value in warning.items() if name != "code"}
    match warning:
        case {"code": "over_applied", "currency": currency, "total": total, "applied": applied}:
            kind = "invoice" if "invoice_id" in warning else "bill"
            amounts = f"{money(applied, currency)} of {money(total, currency)} {currency}"
            return f"more is applied to {kind} {warning[f'{kind}_id']} than its total: {amounts}."
        case {"code": "possible_duplicate", "number": number, "currency": currency, "total": total}:
            said = f"{number}, {money(total, currency)} {currency}, {warning.get('issued_on') or 'no day'}"
            return f"the same party has another with this number, total and day of issue: {said}."
        case {"code": "unknown_invoices", "invoice_ids": ids}:
            return f"not known: {', '.join(ids)}. It counts for them when they are recorded."
        case {"code": "date_far_away", "field": field, "date": day}:
            return f"{_option(field, fields)} is {day}, before 1970 or more than ten years ahead."
    listed = ", ".join(f"{name} {value}" for name, value in inputs.items())
    return f"{warning['code'].replace('_', ' ')}{f' ({listed})' if listed else ''}."


def _option(name: str, fields: "Sequence[RecordField]") -> str:
    """The option of a field, or of what every record has."""
    return next((field.option for field in fields if field.name == name), option_of(name))


def _rejection(result: "Result", fields: "Sequence[RecordField]") -> str:
    """Why a record was rejected, with options in place of fields: of those, too, that the sentence begins with."""
    first, _, rest = (result.field or "").partition(".")
    word, _, behind = (result.reason or "").partition(" ")
    if not first and word in {field.name for field in fields}:
        first, rest, reason = word, "", behind
    else:
        reason = result.reason or ""
    where = " ".join(part for part in (_option(first, fields) if first else "", rest) if part)
    reason = as_typed(reason, _field_names())
    return f"The {result.type} was rejected: {f'{where} ' if where else ''}{reason}."


@cache
def _field_names() -> list[str]:
    """The fields of all records: what is wrong with one may be mended with another."""
    from arrears_cli.record_options import fields_of, models

    return [field.name for kind, model in models().items() for field in fields_of(kind, model)]
