"""Deleting a whole organisation."""

import hashlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arrears_cli.administration import refuse
from arrears_cli.connection import NamedOrganisation, Stack, connect, organisation_id_of
from arrears_cli.imports import export_lines
from arrears_cli.output import Failed, Json, put, say

if TYPE_CHECKING:
    from arrears.ledger.organisation import Organisation
    from arrears.runtime import Services

_WHAT_HAPPENS = """\
This deletes {name} ({id}): its keys and users, its whole ledger, closed months, escalations, audit and dropped files.
It cannot be undone."""


def delete_organisation(
    organisation_id: NamedOrganisation,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the whole ledger there first, as `export` does.")
    ] = None,
    without_export: Annotated[bool, typer.Option("--without-export", help="Keep nothing of the ledger.")] = False,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Delete an organisation and everything that is kept of it. Run it again after an interruption."""
    from arrears.storage.import_folder import NotDeleted

    services = connect(stack)
    id_ = organisation_id_of(services, organisation_id)
    deletion = services.organisation_deletion()
    organisation = _existing(services, id_)
    if organisation is not None:
        if (export is None) != without_export:
            raise typer.BadParameter("Give either --export FILE or --without-export.")
        if export is not None and export.exists():
            raise Failed(f"{export} is there already; name a file that is not.")
        _confirm(organisation)
        _revoke_all(services, id_)
        digest = None if export is None else _write(services, organisation, export)
        try:
            deletion.begin(organisation, digest)
        except ValueError as error:
            refuse(error)
    begun = deletion.begun(id_)
    if begun is None:
        raise Failed(f"There is no organisation {id_}.")
    try:
        deleted = deletion.finish(id_, begun)
    except NotDeleted as error:
        raise Failed(f"{str(error).capitalize()}; run the command again.") from None
    put({"deleted": id_, "items": deleted}, as_json, f"Deleted {id_}: {deleted:,} items and files.")


def _existing(services: "Services", id: str) -> "Organisation | None":
    try:
        return services.organisations().get(id)
    except ValueError:
        return None


def _confirm(organisation: "Organisation") -> None:
    say(_WHAT_HAPPENS.format(name=organisation.name, id=organisation.id))
    if typer.prompt("Type the organisation's name to delete it", err=True) != organisation.name:
        raise Failed("That is not its name; nothing was deleted.")


def _revoke_all(services: "Services", id: str) -> None:
    """Nobody writes from a minute later on: so long, functions may still know a key that was revoked."""
    from arrears.storage.access.authentication import CACHE_SECONDS

    now = services.clock()
    keys = [key for key in services.api_keys().all(id) if key.revoked_at is None or key.revoked_at > now]
    users = [user for user in services.users().all(id) if user.revoked_at is None]
    for key in keys:
        services.api_keys().revoke(id, key.id)
    for user in users:
        services.users().revoke(id, user.id)
    if keys or users:
        say(f"Revoked {len(keys)} keys and {len(users)} users. Waiting {CACHE_SECONDS} s until they count no more.")
        time.sleep(CACHE_SECONDS)


def _write(services: "Services", organisation: "Organisation", path: Path) -> str:
    """Writes the ledger into a new file that only its owner reads; its SHA-256. Incomplete, it is called .part."""
    part, digest = path.with_name(path.name + ".part"), hashlib.sha256()
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        for line in export_lines(services, organisation):
            stream.write(line.encode())
            digest.update(line.encode())
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    return digest.hexdigest()
