"""What has changed in the ledger, when and by whom; as JSON it is what the endpoint answers."""

import sys
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Annotated, Any, Literal

import typer

from arrears_cli.book import ChangesRequest, open_book
from arrears_cli.connection import Address, OrganisationOfKey, Stack
from arrears_cli.output import Csv, Json, json_text, put, put_csv, put_table
from arrears_cli.reports import read_id

_SHOWN = 100
_ABOUT = ("name", "customer_id", "supplier_id", "invoice_id", "bill_id", "currency", "total", "amount")
"""Fields that are shown of a record that was created or deleted: whose it is, and how much."""
ImportId = Annotated[str | None, typer.Option("--import", metavar="ID", help="Only what this import has changed.")]


def changes(
    organisation_id: OrganisationOfKey = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DAY|MOMENT", help="Recorded since, such as 2026-01-31 or 2026-01-31T09:30:00Z."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DAY|MOMENT", help="Recorded at the latest on this day or at this moment.")
    ] = None,
    type_: Annotated[
        str | None, typer.Option("--type", help="Only records of this type, or policy, or organisation.")
    ] = None,
    id_: Annotated[str | None, typer.Option("--id", help="Only the record with this id: yours, or its UUID.")] = None,
    customer: Annotated[
        str | None, typer.Option(help="Only what is about this customer: its UUID, or your id.")
    ] = None,
    supplier: Annotated[
        str | None, typer.Option(help="Only what is about this supplier: its UUID, or your id.")
    ] = None,
    import_id: ImportId = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="So many at most. Without it: 100, with --output jsonl all.")
    ] = None,
    output: Annotated[
        Literal["jsonl"] | None, typer.Option("--output", help="A line of JSON for each change, as they are read.")
    ] = None,
    stack: Stack = None,
    url: Address = None,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """Every change of the ledger, the newest first: what was stored before and after, when, and who made it."""
    from arrears.ledger.changes import CHANGE_TYPES
    from arrears.rendering import lines

    if type_ is not None and type_ not in CHANGE_TYPES:
        raise typer.BadParameter(f"is not one of {', '.join(CHANGE_TYPES)}", param_hint="--type")
    if customer is not None and supplier is not None:
        raise typer.BadParameter("goes without --customer", param_hint="--supplier")
    ids = read_id(customer, "--customer"), read_id(supplier, "--supplier")
    asked = ChangesRequest(since, until, type_, read_id(id_, "--id"), *ids, import_id)
    found = open_book(organisation_id, stack, url).changes(asked)
    if output == "jsonl":
        for change in islice(found, limit):
            sys.stdout.write(json_text(change, compact=True) + "\n")
        sys.stdout.flush()
        return
    body = {"changes": list(islice(found, limit or _SHOWN)), "nextCursor": None}
    if as_json:
        put(body, True, "")
    elif as_csv:
        put_csv(*lines.changes(body))
    elif body["changes"]:
        columns = ("recorded at", "what", "id", "action", "by", "fields")
        put_table("", columns, map(_cells, body["changes"]))
    else:
        typer.echo("No change is recorded.")


def _cells(change: Mapping[str, Any]) -> Sequence[str]:
    by = " ".join(filter(None, (change["by"]["type"], change["by"]["id"], change.get("importId"))))
    recorded = change["recordedAt"][:19] + "Z"
    return recorded, change["type"], change["id"], change["action"], by, _fields(change)


def _fields(change: Mapping[str, Any]) -> str:
    """The fields that differ; of a record that came or went, what it is about."""
    before, after = change["before"], change["after"]
    if before is None or after is None:
        only = before or after or {}
        return ", ".join(f"{name}: {only[name]}" for name in _ABOUT if only.get(name) is not None)
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return ", ".join(f"{name}: {_short(before.get(name))} → {_short(after.get(name))}" for name in names)


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"[{len(value)}]"
    return "none" if value is None else str(value)
