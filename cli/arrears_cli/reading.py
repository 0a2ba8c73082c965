"""How files are read: the options that say it, and the reader that they make."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from arrears_cli.local_files import LocalFile
from arrears_cli.output import Failed

if TYPE_CHECKING:
    from arrears.imports.file_reader import Reader

MappingName = Annotated[
    str | None,
    typer.Option("--mapping", metavar="NAME|FILE", help="Whose export it is; `arrears mapping list` shows the names."),
]
Dates = Annotated[
    list[str] | None,
    typer.Option("--dates", metavar="FORMAT", help="How dates are written, such as D/M/YYYY, where nobody says it."),
]
Decimal = Annotated[
    str | None, typer.Option("--decimal", metavar=".|,", help="The decimal mark, where nobody says it.")
]
Encoding = Annotated[str | None, typer.Option("--encoding", help="utf-8, utf-16 or windows-1252, if it does not show.")]
Separator = Annotated[str | None, typer.Option("--separator", help="Between values of CSV, if it does not show.")]


def reader_of(
    mapping: str | None,
    dates: Sequence[str] | None,
    decimal: str | None,
    encoding: str | None,
    separator: str | None,
) -> "Reader":
    """The reader that the options ask for, for no organisation in particular: `at` names time zone and currency.

    Raises BadParameter, or FileRefused when the mapping cannot be used.
    """
    from arrears.imports.dates import is_format
    from arrears.imports.encoding import encoding_name
    from arrears.imports.field import ReadingDefaults
    from arrears.imports.file_reader import Reader
    from arrears.imports.file_rows import Layout
    from arrears.imports.mapping import load

    for form in dates or ():
        if not is_format(form):
            raise typer.BadParameter(f"{form} is not a date format; write D/M/YYYY or the like", param_hint="--dates")
    if decimal not in (None, ".", ","):
        raise typer.BadParameter("is '.' or ','", param_hint="--decimal")
    separator = {"tab": "\t", "\\t": "\t"}.get(separator or "", separator)
    if separator is not None and len(separator) != 1:
        raise typer.BadParameter("is one character, or tab", param_hint="--separator")
    defaults = ReadingDefaults(dates=tuple(dates or ()), decimal=decimal)
    layout = Layout(encoding_name(encoding) if encoding else None, separator)
    return Reader(load(mapping) if mapping else None, defaults, layout)


def check_dates(reader: "Reader", source: LocalFile) -> None:
    """Asks about date columns before anything is written. Raises Failed with the question, and the file's name."""
    from arrears.imports.errors import FileRefused

    try:
        reader.check_dates(source)
    except FileRefused as refused:
        raise Failed(f"{source.path}: {refused}") from None
