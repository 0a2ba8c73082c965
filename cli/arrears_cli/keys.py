"""API keys of an organisation."""

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from arrears.ledger.caller import Scope
from arrears_cli.administration import CreatedBefore, Every, cell, moment, one_or_all, refuse
from arrears_cli.connection import OrganisationId, Stack, connect, organisation_of
from arrears_cli.output import Json, put, put_table, read_day, say

if TYPE_CHECKING:
    from arrears.ledger.organisation import Organisation

keys = typer.Typer(help="API keys of an organisation.", no_args_is_help=True)


@keys.command("create")
def create_key(
    organisation_id: OrganisationId,
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"What it may do: {', '.join(Scope)}. Repeat it for several; without any: everything."),
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="All that is read, and nothing that writes.")] = False,
    expires_on: Annotated[str | None, typer.Option(metavar="DAY", help="Its last day, YYYY-MM-DD.")] = None,
    label: Annotated[str, typer.Option(help="A name to know it by.")] = "",
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Create an API key. It is shown this once."""
    last_day = read_day(expires_on, "--expires-on")
    if read_only and scope:
        raise typer.BadParameter("Give either --read-only or --scope.")
    scopes = [each for each in Scope if each.endswith(":read")] if read_only else scope or ()
    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    expires_at = None if last_day is None else _end_of(last_day, organisation)
    try:
        key = services.api_keys().create(organisation.id, scopes, expires_at, label)
    except ValueError as error:
        refuse(error)
    say("Keep it: it is not shown again.")
    put({"api_key": key}, as_json, key)


def _end_of(day: int, organisation: "Organisation") -> datetime:
    """The moment after the organisation's day."""
    after = date.fromordinal(day) + timedelta(days=1)
    return datetime.combine(after, time(), ZoneInfo(organisation.timezone)).astimezone(UTC)


@keys.command("list")
def list_keys(organisation_id: OrganisationId, stack: Stack = None, as_json: Json = False) -> None:
    """List the keys of an organisation, without their secrets."""
    from arrears.ledger.days import day_text

    services = connect(stack)
    found = [
        {
            "key_id": key.id,
            "label": key.label,
            "scopes": sorted(key.scopes),
            "created_at": moment(key.created_at),
            "expires_at": moment(key.expires_at),
            "revoked_at": moment(key.revoked_at),
            "last_used_on": None if key.last_used_on is None else day_text(key.last_used_on),
        }
        for key in services.api_keys().all(organisation_of(services, organisation_id).id)
    ]
    if as_json:
        put(found, True, "")
        return
    columns = ("key_id", "label", "scopes", "created_at", "expires_at", "revoked_at", "last_used_on")
    put_table("", [column.replace("_", " ") for column in columns], [[cell(key[c]) for c in columns] for key in found])


@keys.command("revoke")
def revoke_key(
    organisation_id: OrganisationId,
    key: Annotated[str | None, typer.Option(metavar="KEY_ID", help="The key's id, as `key list` shows it.")] = None,
    every: Every = False,
    created_before: CreatedBefore = None,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Revoke a key, or all of them; they stop counting within a minute."""
    chosen = one_or_all(key, every, created_before, "--key")
    services = connect(stack)
    administered, id_ = services.api_keys(), organisation_of(services, organisation_id).id
    now = services.clock()
    live = (each for each in administered.all(id_) if each.revoked_at is None or each.revoked_at > now)
    ids = [key] if key else [each.id for each in live if chosen(each.created_at)]
    try:
        for key_id in ids:
            administered.revoke(id_, key_id)
    except ValueError as error:
        refuse(error)
    put({"revoked": key or ids}, as_json, f"Revoked {key or f'{len(ids)} keys'}.")


@keys.command("rotate")
def rotate_key(
    organisation_id: OrganisationId,
    key: Annotated[str, typer.Option(metavar="KEY_ID", help="The key to replace, as `key list` shows it.")],
    overlap_hours: Annotated[int, typer.Option(min=0, max=8_760, help="Hours that the old key still counts.")] = 24,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Create a key that may do what an old one may; the old one stops counting after the overlap."""
    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    overlap = timedelta(hours=overlap_hours)
    try:
        new = services.api_keys().rotate(organisation.id, key, overlap)
    except ValueError as error:
        refuse(error)
    [revoked_at] = [moment(old.revoked_at) for old in services.api_keys().all(organisation.id) if old.id == key]
    say(f"Keep it: it is not shown again. {key} counts until {revoked_at}.")
    put({"api_key": new, "replaces": key, "revoked_at": revoked_at}, as_json, new)
