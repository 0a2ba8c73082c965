"""Undoing an import."""

import typer

from arrears.ledger.known_at import NotKnownThen
from arrears_cli.book import Book, StoredBook
from arrears_cli.output import Failed, put, say
from arrears_cli.progress import counting

_SHOWN = 20


def undo_import(book: Book, import_id: str, as_json: bool) -> None:
    """Puts back what an import changed. It may be stopped anywhere and run again.

    Ends with exit code 1 where records were left as they are, since others have changed them.
    """
    if not isinstance(book, StoredBook):
        raise Failed("An import is undone in the tables, with --stack and access to AWS.")
    _check(import_id)
    services, organisation = book.services, book.organisation
    services.audit().write(organisation.id, "undo_import", organisation.id, {"import_id": import_id})
    try:
        with counting("Putting back changes") as count:
            undone = services.import_undo().run(organisation, import_id, services.clock(), services.operator(), count)
    except NotKnownThen as error:
        raise Failed(f"The import {import_id} cannot be undone: it {error}.") from None
    if not undone.found:
        raise Failed(f"The change log has no change of the import {import_id}.")
    kept = [{"type": type_, "id": id_} for type_, id_ in undone.kept]
    body = {"import_id": import_id, "changes": undone.found, "put_back": undone.put_back, "kept": kept}
    before = "; the others were put back before" if undone.put_back < undone.found and not kept else ""
    put(body, as_json, f"{undone.put_back:,} of {undone.found:,} changes put back{before}.")
    if not kept:
        return
    shown = ", ".join(f"{one['type']} {one['id']}" for one in kept[:_SHOWN])
    more = f" and {len(kept) - _SHOWN:,} more" if len(kept) > _SHOWN else ""
    say(f"{len(kept):,} records were changed again since, and stay as they are: {shown}{more}.")
    raise typer.Exit(1)


def _check(import_id: str) -> None:
    from arrears.ledger.import_ids import began_at

    try:
        began_at(import_id)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--undo") from None
