"""What the command says: results on stdout, as text or as one JSON value; everything else on stderr."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]


class Failed(Exception):
    """Ends the command with exit code 1; the message is for the person who ran it."""


def say(line: str) -> None:
    """One line on stderr."""
    typer.echo(line, err=True)


def put(value: Any, as_json: bool, text: str) -> None:
    """The result: `value` for programs, `text` for people."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=str) if as_json else text)


def put_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], numeric: Iterable[str] = ()) -> None:
    """A table on stdout. numeric: the columns whose values stand right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    right = set(numeric)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    # Where nobody looks on, rows are not broken to the width of a terminal.
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 200, highlight=False)
    console.print(table)
