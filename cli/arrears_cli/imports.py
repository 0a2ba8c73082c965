"""Files into the ledger and out of it."""

import os
import secrets
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arrears_cli.book import Book, StoredBook, open_book
from arrears_cli.connection import Address, OrganisationId, OrganisationOfKey, Stack, connect, organisation_of
from arrears_cli.import_state import ImportState, binding_of
from arrears_cli.import_undo import undo_import
from arrears_cli.local_files import LocalFile, siblings
from arrears_cli.output import Json, json_text, put, say
from arrears_cli.reading import Dates, Decimal, Encoding, MappingName, Separator, check_dates, reader_of

if TYPE_CHECKING:
    from arrears.imports.file_reader import OpenFile, Reader
    from arrears.imports.import_run import Progress, Write
    from arrears.imports.rejected_rows import RejectedRow
    from arrears.ledger.organisation import Organisation
    from arrears.runtime import Services

SHOWN_REJECTIONS = 5
SHOWN_REPEATED = 5


def import_files(
    files: Annotated[
        list[Path] | None, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV, JSON, NDJSON.")
    ] = None,
    organisation_id: OrganisationOfKey = None,
    mapping: MappingName = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row and write nothing.")] = False,
    dates: Dates = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    separator: Separator = None,
    timezone: Annotated[
        str | None, typer.Option(help="With --url and --mapping: the organisation's IANA time zone.")
    ] = None,
    currency: Annotated[str | None, typer.Option(help="With --url and --mapping: its default currency.")] = None,
    undo: Annotated[
        str | None, typer.Option(metavar="IMPORT_ID", help="Put back what this import changed; give no files.")
    ] = None,
    stack: Stack = None,
    url: Address = None,
    as_json: Json = False,
) -> None:
    """Import files. What is rejected is written beside each file; run it again to go on after an interruption.

    Each file's import has an id, which is printed: --undo takes it back.
    """
    if (undo is None) == (not files):
        raise typer.BadParameter("Give files to import, or --undo with the id of an import.")
    book = open_book(organisation_id, stack, url)
    if undo is not None:
        undo_import(book, undo, as_json)
        return
    reader = reader_of(mapping, dates, decimal, encoding, separator).at(*_defaults(book, mapping, timezone, currency))
    sources = [LocalFile(path) for path in files or ()]
    for source in sources:
        check_dates(reader, source)
    companions = reader.with_companions([*siblings(sources), *sources])
    if isinstance(book, StoredBook) and not dry_run:
        _audit_import(book, reader, sources)
    try:
        results = [_import_file(reader, source, book, dry_run) for source in sources]
    except KeyboardInterrupt:
        say("Stopped. Run the same command again to go on from here.")
        raise
    finally:
        companions.close()
    rejected = sum(result["rejected_rows"] for result in results)
    put({"files": results, "dry_run": dry_run, "rejected_rows": rejected}, as_json, "\n".join(map(_sentence, results)))
    if rejected:
        raise typer.Exit(1)


def _defaults(book: Book, mapping: str | None, timezone: str | None, currency: str | None) -> tuple[str, str]:
    """The organisation's time zone and currency, which mappings read with; the API does not say them."""
    from arrears.imports.dates import is_zone

    if isinstance(book, StoredBook):
        if timezone is not None or currency is not None:
            raise typer.BadParameter("--timezone and --currency go with --url; here the organisation has its own.")
        return book.organisation.timezone, book.organisation.currency
    if mapping is not None and (timezone is None or currency is None):
        raise typer.BadParameter("With --url a mapping needs --timezone and --currency of the organisation.")
    if timezone is not None and not is_zone(timezone):
        raise typer.BadParameter(f"{timezone} is no time zone; write its IANA name", param_hint="--timezone")
    return timezone or "UTC", (currency or "").upper()


def _audit_import(book: StoredBook, reader: "Reader", sources: Sequence[LocalFile]) -> None:
    """Records what is about to be imported: files by size and digest, as a name may be a person's."""
    files = [{"size": source.size, "head": source.identity()["head"]} for source in sources]
    mapping = reader.mapping.digest if reader.mapping else None
    id_ = book.organisation.id
    book.services.audit().write(id_, "import", id_, {"files": files, "mapping": mapping})


def _writer(book: Book, import_id: str) -> "Write":
    """What writes the records of an import; without an id it writes nothing."""
    from arrears.imports.import_run import patiently, validate_only

    if not import_id:
        return validate_only
    return patiently(partial(book.write, import_id=import_id), lambda why, wait: say(f"{why} Waiting {wait} s."))


def _new_id() -> str:
    from arrears.ledger.import_ids import import_id

    return import_id(datetime.now(UTC), secrets.token_hex(3))


def _import_file(reader: "Reader", source: LocalFile, book: Book, dry_run: bool) -> dict[str, Any]:
    from arrears.imports.import_run import Progress, run
    from arrears.imports.rejected_rows import RejectedRows
    from arrears_cli.progress import Display

    state = ImportState(source, binding_of(source, reader, book), dry_run)
    progress = state.resume() or Progress()
    if progress.rows:
        say(f"{source.name}: going on after {progress.rows:,} rows")
    opened = reader.open(source)
    if not dry_run and not progress.import_id:
        progress.import_id = _new_id()
        state.keep(progress)
    rejected = RejectedRows(_rejected_path(source, dry_run), opened.table.columns, progress.rejected_bytes)
    try:
        with Display(source.name, source.size) as display:

            def after_batch(progress: Progress) -> bool:
                state.keep(progress)
                display.show(progress, opened.table.bytes_read())
                return True

            run(opened, progress, _writer(book, progress.import_id), rejected, after_batch)
    finally:
        opened.close()
        rejected.close()
    state.forget()
    if dry_run:
        rejected.path.unlink(missing_ok=True)
    for row in rejected.first[:SHOWN_REJECTIONS]:
        say(f"{source.name}:{row.line}: {row.about + ': ' if row.about else ''}{row.reason}")
    rejected_file = str(rejected.path) if progress.rejected_rows and not dry_run else None
    return _result(source, opened, progress, rejected_file, rejected.first)


def _result(
    source: LocalFile,
    opened: "OpenFile",
    progress: "Progress",
    rejected_file: str | None,
    first: "Sequence[RejectedRow]",
) -> dict[str, Any]:
    tables = [table.spec.name for table in opened.tables]
    return {
        "file": str(source.path),
        "table": tables[0] if len(tables) == 1 else None,
        **progress.summary(),
        "rejected_file": rejected_file,
        "first_rejections": [row.to_json() for row in first],
    }


def _rejected_path(source: LocalFile, dry_run: bool) -> Path:
    """Where rejected rows go: beside the input, or here where that folder takes no files. A dry run keeps none."""
    if dry_run:
        handle, name = tempfile.mkstemp(".csv")
        os.close(handle)
        return Path(name)
    path = source.beside(".rejected.csv")
    return path if os.access(path.parent, os.W_OK) else Path.cwd() / path.name


def _sentence(result: dict[str, Any]) -> str:
    """What became of a file, for a person."""
    from arrears.imports.import_run import RESULTS

    parts = [f"{result[name]:,} {name}" for name in RESULTS if result[name]]
    lines = [f"{result['file']}: {result['rows']:,} rows, {result['records']:,} records" + _list(parts)]
    lines += [f"  import {result['import_id']}"] if result["import_id"] else []
    lines += [f"  skipped {count:,}: {reason}" for reason, count in result["skipped"].items()]
    if result["repeated_records"]:
        shown = ", ".join(
            f"{one['type']} {one['id']} in lines {one['first_line']} and {one['line']}"
            for one in result["first_repeated"][:SHOWN_REPEATED]
        )
        lines.append(f"  {result['repeated_records']:,} records have the type and id of an earlier row: {shown}")
    if result["warnings"]:
        lines.append("  warnings: " + ", ".join(f"{count:,} {code}" for code, count in result["warnings"].items()))
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
    for line in export_lines(services, organisation):
        sys.stdout.write(line)
    sys.stdout.flush()


def export_lines(services: "Services", organisation: "Organisation") -> Iterator[str]:
    """The whole ledger as lines of NDJSON. The audit says so first."""
    services.audit().write(organisation.id, "export", organisation.id, {})
    for record in services.export().records(organisation):
        yield json_text(record, compact=True) + "\n"
