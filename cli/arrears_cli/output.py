"""What the command says: results on stdout, as text or as one JSON value; everything else on stderr."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV: a header line, and a line for each row.")]


class Failed(Exception):
    """Ends the command with exit code 1; the message is for the person who ran it."""


_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal obeys instead of showing it: control characters, marks of writing direction, no text at all."""


def visible(text: str) -> str:
    """The text with a replacement character for what a terminal would obey; tabs and line feeds stay."""
    return _UNSAFE.sub("\ufffd", text)


def json_text(value: Any, compact: bool = False) -> str:
    """One line of JSON, exact, with an escape for what a terminal would obey."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":") if compact else None, default=str)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def option_of(name: str) -> str:
    """The option that a field or parameter is typed as: `paid_on` is --paid-on, `asOf` is --as-of."""
    return "--" + re.sub(r"_|(?=[A-Z])", "-", name).lower()


def as_typed(text: str, names: Iterable[str]) -> str:
    """The text with options in place of the names of their fields, of which those of one word stay as they are."""
    fields = {name for name in names if "_" in name}
    return re.sub(r"(?<!-)\b\w+\b", lambda word: option_of(word[0]) if word[0] in fields else word[0], text)


def read_day(text: str | None, option: str) -> int | None:
    """The day that an option names. Raises BadParameter for what is none."""
    from arrears.ledger.days import parse_day

    try:
        return None if text is None else parse_day(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def money(amount: object, currency: str) -> str:
    """An amount in major units, as answers have it, with the currency's decimals and thousands marks."""
    from decimal import Decimal

    from arrears.ledger.money import EXPONENTS

    return f"{Decimal(str(amount)):,.{EXPONENTS[currency]}f}"


def share(rate: float | None) -> str:
    """A share of one as a percentage with one decimal; nothing for none."""
    return "" if rate is None else f"{rate * 100:.1f} %"


def say(line: str) -> None:
    """One line on stderr."""
    typer.echo(visible(line), err=True)


def put(value: Any, as_json: bool, text: str) -> None:
    """The result: `value` for programs, `text` for people."""
    typer.echo(json_text(value) if as_json else visible(text))


def put_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows as CSV on stdout, byte for byte; on a terminal without what it would obey."""
    from arrears.rendering.csv_table import csv_text

    text = csv_text(columns, rows)
    if sys.stdout.isatty():
        text = visible(text.replace("\r\n", "\n"))
    typer.echo(text.encode(), nl=False)


def put_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], numeric: Iterable[str] = ()) -> None:
    """A table on stdout. numeric: the columns that are aligned right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(visible(title)) if title else None, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold"
    )
    right = set(numeric)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    # Where nobody looks on, rows are not broken to the width of a terminal.
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 200, highlight=False)
    console.print(table)


def run_or_explain(app: Callable[[], object]) -> None:
    """Run a command; what a person can correct is one message, not a traceback."""
    try:
        app()
    except Failed as error:
        say(str(error))
        sys.exit(1)
