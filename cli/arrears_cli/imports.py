"""Files into the ledger and out of it."""

import hashlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arrears_cli.connection import OrganisationId, Stack, connect, organisation_of
from arrears_cli.output import Failed, Json, put, put_table, say

if TYPE_CHECKING:
    from arrears.imports.file_reader import OpenFile, Reader
    from arrears.imports.import_run import Progress, Write
    from arrears.ledger.organisation import Organisation
    from arrears.runtime import Services

mappings = typer.Typer(help="Mappings: how an export's rows become records.", no_args_is_help=True)

SHOWN_REJECTIONS = 5
CHECKED_ROWS = 5
CHECKED_SAMPLE_ROWS = 1_000

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


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file on this machine."""

    path: Path

    @property
    def name(self) -> str:
        """Its name, by which its kind may show."""
        return self.path.name

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size

    def open(self) -> io.BufferedReader:
        """A new stream over it."""
        return io.BufferedReader(self.path.open("rb", buffering=0), 1 << 20)

    def beside(self, suffix: str) -> Path:
        """The file of the same name and one more suffix."""
        return self.path.with_name(self.path.name + suffix)

    def identity(self) -> dict[str, Any]:
        """What tells it from other files, and from itself once it has changed."""
        about = self.path.stat()
        with self.open() as stream:
            head = hashlib.sha256(stream.read(1 << 20)).hexdigest()
        return {"size": about.st_size, "modified_ns": about.st_mtime_ns, "head": head}


def import_files(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV, JSON, NDJSON.")],
    organisation_id: OrganisationId,
    mapping: MappingName = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row and write nothing.")] = False,
    dates: Dates = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    separator: Separator = None,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Import files. What is rejected is written beside each file; run it again to go on after an interruption."""
    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    reader = _reader(mapping, dates, decimal, encoding, separator, organisation)
    sources = [LocalFile(path) for path in files]
    for source in sources:
        _explained(reader, source)
    companions = reader.with_companions([*_siblings(sources), *sources])
    try:
        write = _writer(services, organisation, dry_run)
        results = [
            _import_file(reader, source, write, _binding(source, reader, organisation, services), dry_run)
            for source in sources
        ]
    except KeyboardInterrupt:
        say("Stopped. Run the same command again to go on from here.")
        raise
    finally:
        companions.close()
    rejected = sum(result["rejected_rows"] for result in results)
    put({"files": results, "dry_run": dry_run, "rejected_rows": rejected}, as_json, "\n".join(map(_sentence, results)))
    if rejected:
        raise typer.Exit(1)


def _reader(
    mapping: str | None,
    dates: Sequence[str] | None,
    decimal: str | None,
    encoding: str | None,
    separator: str | None,
    organisation: "Organisation | None",
) -> "Reader":
    from arrears.imports.dates import is_format
    from arrears.imports.encoding import encoding_name
    from arrears.imports.file_reader import Reader
    from arrears.imports.file_rows import Layout
    from arrears.imports.mapped_table import Settings
    from arrears.imports.mapping import load

    for form in dates or ():
        if not is_format(form):
            raise typer.BadParameter(f"{form} is not a date format; write D/M/YYYY or the like", param_hint="--dates")
    if decimal not in (None, ".", ","):
        raise typer.BadParameter("is '.' or ','", param_hint="--decimal")
    separator = {"tab": "\t", "\\t": "\t"}.get(separator or "", separator)
    if separator is not None and len(separator) != 1:
        raise typer.BadParameter("is one character, or tab", param_hint="--separator")
    settings = Settings(
        timezone=organisation.timezone if organisation else "UTC",
        currency=organisation.currency if organisation else "",
        dates=tuple(dates or ()),
        decimal=decimal,
    )
    layout = Layout(encoding_name(encoding) if encoding else None, separator)
    return Reader(load(mapping) if mapping else None, settings, layout)


def _explained(reader: "Reader", source: LocalFile) -> None:
    from arrears.imports.encoding import FileRefused

    try:
        reader.explained(source)
    except FileRefused as refused:
        raise Failed(f"{source.path}: {refused}") from None


def _siblings(sources: Sequence[LocalFile]) -> Iterator[LocalFile]:
    """Other CSV files in the same folders: tables of one export are looked up in each other."""
    from arrears.imports.file_rows import CSV_SUFFIXES

    given = {source.path.resolve() for source in sources}
    for folder in dict.fromkeys(path.parent for path in given):
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in CSV_SUFFIXES and path not in given and not path.name.endswith(".rejected.csv"):
                yield LocalFile(path)


def _writer(services: "Services", organisation: "Organisation", dry_run: bool) -> "Write":
    from arrears.imports.import_run import patiently, validate_only

    if dry_run:
        return validate_only
    return patiently(services.writing(organisation), lambda why, seconds: say(f"{why} Waiting {seconds} s."))


def _binding(source: LocalFile, reader: "Reader", organisation: "Organisation", services: "Services") -> dict[str, Any]:
    """What a state is bound to: another file, mapping, reading, organisation or ledger starts anew."""
    return {
        "file": source.identity(),
        "mapping": reader.mapping.digest if reader.mapping else None,
        "reading": json.loads(json.dumps([asdict(reader.settings), asdict(reader.layout)])),
        "organisation": organisation.id,
        "ledger": [services.client.meta.endpoint_url, services.settings.ledger_table],
    }


STATE_SUFFIX = ".import-state.json"


def _import_file(
    reader: "Reader", source: LocalFile, write: "Write", binding: dict[str, Any], dry_run: bool
) -> dict[str, Any]:
    from arrears.imports.import_run import Progress, RejectedRows, run
    from arrears_cli.progress import Display

    state = _State(source, binding, dry_run)
    progress = state.resume() or Progress()
    if progress.rows:
        say(f"{source.name}: going on after {progress.rows:,} rows")
    opened = reader.open(source)
    rejected = RejectedRows(_rejected_path(source, dry_run), opened.table.columns, progress.rejected_bytes)
    try:
        with Display(source.name, source.size) as display:

            def after_batch(progress: Progress) -> bool:
                state.keep(progress)
                display.show(progress, opened.table.bytes_read())
                return True

            run(opened, progress, write, rejected, after_batch)
    finally:
        opened.close()
        rejected.close()
    state.forget()
    if dry_run:
        rejected.path.unlink(missing_ok=True)
    for line, about, reason in rejected.first[:SHOWN_REJECTIONS]:
        say(f"{source.name}:{line}: {about + ': ' if about else ''}{reason}")
    rejected_file = str(rejected.path) if progress.rejected_rows and not dry_run else None
    return _result(source, opened, progress, rejected_file, rejected.first)


def _result(
    source: LocalFile,
    opened: "OpenFile",
    progress: "Progress",
    rejected_file: str | None,
    first: Sequence[tuple[int, str | None, str]],
) -> dict[str, Any]:
    tables = [table.spec.name for table in opened.tables]
    return {
        "file": str(source.path),
        "table": tables[0] if len(tables) == 1 else None,
        **progress.summary(),
        "rejected_file": rejected_file,
        "first_rejections": [{"line": line, "field": about, "reason": reason} for line, about, reason in first],
    }


def _rejected_path(source: LocalFile, dry_run: bool) -> Path:
    """Where rejected rows go: beside the input, or here where that folder takes no files. A dry run keeps none."""
    if dry_run:
        handle, name = tempfile.mkstemp(".csv")
        os.close(handle)
        return Path(name)
    path = source.beside(".rejected.csv")
    return path if os.access(path.parent, os.W_OK) else Path.cwd() / path.name


class _State:
    """What is kept beside the input while it is imported, to go on from where it stopped."""

    def __init__(self, source: LocalFile, binding: dict[str, Any], dry_run: bool) -> None:
        self._path = source.beside(STATE_SUFFIX)
        self._binding = binding
        self._on = not dry_run and os.access(self._path.parent, os.W_OK)
        if not dry_run and not self._on:
            say(f"{self._path.parent} takes no files: after an interruption {source.name} starts again.")

    def resume(self) -> "Progress | None":
        """The progress of an interrupted import of the same file in the same way."""
        from arrears.imports.import_run import decode_state

        if not self._on or not self._path.exists():
            return None
        return decode_state(self._path.read_bytes(), self._binding)

    def keep(self, progress: "Progress") -> None:
        """Keeps it, in place of what was kept, whole or not at all."""
        from arrears.imports.import_run import encode_state

        if self._on:
            beside = self._path.with_name(self._path.name + ".new")
            beside.write_bytes(encode_state(self._binding, progress))
            beside.replace(self._path)

    def forget(self) -> None:
        """The import is over."""
        if self._on:
            self._path.unlink(missing_ok=True)


def _sentence(result: dict[str, Any]) -> str:
    """What became of a file, for a person."""
    from arrears.imports.import_run import RESULTS

    parts = [f"{result[name]:,} {name}" for name in RESULTS if result[name]]
    lines = [f"{result['file']}: {result['rows']:,} rows, {result['records']:,} records" + _list(parts)]
    lines += [f"  skipped {count:,}: {reason}" for reason, count in result["skipped"].items()]
    if result["rejected_rows"]:
        where = f", in {result['rejected_file']}" if result["rejected_file"] else ""
        lines.append(f"  rejected {result['rejected_rows']:,} rows{where}")
    return "\n".join(lines)


def _list(parts: list[str]) -> str:
    return f" ({', '.join(parts)})" if parts else ""


def export(organisation_id: OrganisationId, stack: Stack = None) -> None:
    """Write the whole ledger to stdout as NDJSON, in the form that `import` reads."""
    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    for record in services.export().records(organisation):
        sys.stdout.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()


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
    from itertools import islice

    reader = _reader(mapping, dates, decimal, encoding, separator, None).at(timezone, currency)
    source = LocalFile(sample)
    _explained(reader, source)
    companions = reader.with_companions([*_siblings([source]), source])
    opened = reader.open(source)
    try:
        outcomes = list(islice(opened.outcomes(), CHECKED_SAMPLE_ROWS))
    finally:
        opened.close()
        companions.close()
    rows = [
        {
            "line": outcome.line,
            "records": [made.record for made in outcome.made],
            "skipped": outcome.skipped,
            "rejected": None
            if outcome.rejected is None
            else dict(zip(("field", "reason"), outcome.rejected, strict=True)),
        }
        for place, outcome in enumerate(outcomes)
        if place < CHECKED_ROWS or outcome.rejected
    ]
    rejected = sum(outcome.rejected is not None for outcome in outcomes)
    table = opened.tables[0].spec.name if len(opened.tables) == 1 else None
    body = {"table": table, "rows_checked": len(outcomes), "rejected_rows": rejected, "rows": rows}
    put(body, as_json, _checked_text(body))
    if rejected:
        raise typer.Exit(1)


def _checked_text(body: dict[str, Any]) -> str:
    lines = [f"Read as: {body['table']}"] if body["table"] else []
    for row in body["rows"]:
        if row["rejected"]:
            about = row["rejected"]["field"]
            lines.append(f"line {row['line']}: rejected: {about + ': ' if about else ''}{row['rejected']['reason']}")
        elif row["skipped"]:
            lines.append(f"line {row['line']}: skipped: {row['skipped']}")
        else:
            lines += [f"line {row['line']}: {json.dumps(record, ensure_ascii=False)}" for record in row["records"]]
    lines.append(f"{body['rows_checked']:,} rows checked, {body['rejected_rows']:,} rejected.")
    return "\n".join(lines)
