"""Mappings: what there is, and what one makes of a file."""

import json
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arrears_cli.local_files import LocalFile, siblings
from arrears_cli.output import Json, put, put_table
from arrears_cli.reading import Dates, Decimal, Encoding, Separator, check_dates, reader_of

if TYPE_CHECKING:
    from arrears.imports.file_reader import OpenFile, Outcome

mappings = typer.Typer(help="Mappings: how an export's rows become records.", no_args_is_help=True)

CHECKED_ROWS = 5
CHECKED_SAMPLE_ROWS = 1_000


@mappings.command("list")
def list_mappings(as_json: Json = False) -> None:
    """List the mappings that come with Arrears."""
    from arrears.imports.mapping import load, shipped

    found = [(name, load(name).title) for name in shipped()]
    if as_json:
        put([{"name": name, "title": title} for name, title in found], True, "")
        return
    put_table("", ("mapping", "for"), found)


@mappings.command("check")
def check_mapping(
    mapping: Annotated[str, typer.Argument(metavar="NAME|FILE", help="The mapping.")],
    sample: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A file to read with it.")],
    dates: Dates = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    separator: Separator = None,
    timezone: Annotated[str, typer.Option(help="The organisation's time zone.")] = "UTC",
    currency: Annotated[str, typer.Option(help="The organisation's currency.")] = "USD",
    as_json: Json = False,
) -> None:
    """Show what the first rows of a file would become, and what of its first thousand would be rejected."""
    from arrears.imports.dates import is_zone

    if not is_zone(timezone):
        raise typer.BadParameter(f"{timezone} is no time zone; write its IANA name", param_hint="--timezone")
    reader = reader_of(mapping, dates, decimal, encoding, separator).at(timezone, currency)
    source = LocalFile(sample)
    check_dates(reader, source)
    with closing(reader.with_companions([*siblings([source]), source])), closing(reader.open(source)) as opened:
        body = _checked(opened)
    put(body, as_json, _checked_text(body))
    if body["rejected_rows"]:
        raise typer.Exit(1)


def _checked(opened: "OpenFile") -> dict[str, Any]:
    """What became of the first rows; of those behind the first few only what is rejected is kept."""
    rows = []
    checked = rejected = 0
    for outcome in islice(opened.outcomes(), CHECKED_SAMPLE_ROWS):
        rejected += outcome.rejected is not None
        if checked < CHECKED_ROWS or outcome.rejected:
            rows.append(_row_body(outcome))
        checked += 1
    table = opened.tables[0].spec.name if len(opened.tables) == 1 else None
    return {"table": table, "rows_checked": checked, "rejected_rows": rejected, "rows": rows}


def _row_body(outcome: "Outcome") -> dict[str, Any]:
    rejected = outcome.rejected
    return {
        "line": outcome.line,
        "records": [made.record for made in outcome.made],
        "skipped": outcome.skipped,
        "rejected": None if rejected is None else dict(zip(("field", "reason"), rejected, strict=True)),
    }


def _checked_text(body: dict[str, Any]) -> str:
    lines = [f"Read as: {body['table']}"] if body["table"] else []
    for row in body["rows"]:
        if row["rejected"]:
            about = row["rejected"]["field"]
            lines.append(f"line {row['line']}: rejected: {about + ': ' if about else ''}{row['rejected']['reason']}")
        elif row["skipped"]:
            lines.append(f"line {row['line']}: skipped: {row['skipped']}")
        else:
            lines += [
                f"line {row['line']}: {json.dumps(record, ensure_ascii=False, default=str)}"
                for record in row["records"]
            ]
    lines.append(f"{body['rows_checked']:,} rows checked, {body['rejected_rows']:,} rejected.")
    return "\n".join(lines)
