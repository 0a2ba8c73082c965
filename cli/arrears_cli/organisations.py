"""Organisations: created, listed, changed, and what was done to them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from arrears_cli.administration import cell, moment, refuse
from arrears_cli.connection import OrganisationId, Stack, connect, organisation_id_of, organisation_of
from arrears_cli.output import Json, put, put_table, say
from arrears_cli.progress import counting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arrears.ledger.organisation import Organisation
    from arrears.runtime import Services
    from arrears.storage.access.audit import Act

organisations = typer.Typer(help="Organisations: one ledger each.", no_args_is_help=True)


@organisations.command("create")
def create_organisation(
    name: Annotated[str, typer.Option(help="What it is called.")],
    timezone: Annotated[str, typer.Option(help="IANA time zone, such as Europe/Berlin: its days turn there.")],
    currency: Annotated[str, typer.Option(help="Default currency, ISO 4217.")],
    id_: Annotated[str | None, typer.Option("--id", help="Its UUID, if it is not to be a new one.")] = None,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Create an organisation."""
    administered = connect(stack).organisations()
    try:
        created = administered.create(name, timezone, currency.upper(), id_)
    except ValueError as error:
        refuse(error)
    say(f"Created {name}.")
    put({"organisation_id": created.id}, as_json, created.id)


@organisations.command("list")
def list_organisations(stack: Stack = None, as_json: Json = False) -> None:
    """List all organisations."""
    found = list(connect(stack).organisations().all())
    if as_json:
        put([_organisation_body(organisation) for organisation in found], True, "")
        return
    rows = [(each.id, each.name, each.currency, each.timezone, _known_from(each) or "not kept yet") for each in found]
    put_table("", ("organisation", "name", "currency", "time zone", "past known from"), rows)


def _organisation_body(organisation: "Organisation") -> dict[str, Any]:
    from arrears.ledger.days import day_text

    return {
        "organisation_id": organisation.id,
        "name": organisation.name,
        "currency": organisation.currency,
        "timezone": organisation.timezone,
        "created_on": day_text(organisation.created_on),
        "features": sorted(organisation.features),
        "payments_over_api": organisation.payments_over_api,
        "paged": organisation.paged,
        "known_from": _known_from(organisation),
    }


def _known_from(organisation: "Organisation") -> str | None:
    """The first moment that --known-at takes; None while the changes of a book are not kept yet."""
    from arrears.ledger.known_at import instant_of, instant_text

    return None if organisation.known_from is None else instant_text(instant_of(organisation.known_from))


@organisations.command("set")
def set_organisation(
    organisation_id: OrganisationId,
    feature: Annotated[
        list[str] | None, typer.Option(metavar="NAME|none", help="Switch on exactly these features; none: no feature.")
    ] = None,
    payments_over_api: Annotated[
        bool | None, typer.Option(help="Whether its customers may pay through the API.")
    ] = None,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Set what an organisation may do; what is not named stays."""
    if feature is None and payments_over_api is None:
        raise typer.BadParameter("Name at least one thing to set.")
    services = connect(stack)
    id_ = organisation_of(services, organisation_id).id
    try:
        if feature is not None:
            services.organisations().set_features(id_, [name for name in feature if name != "none"])
        if payments_over_api is not None:
            services.organisations().set_payments_over_api(id_, payments_over_api)
    except ValueError as error:
        refuse(error)
    body = _organisation_body(services.organisations().get(id_))
    put(body, as_json, "\n".join(f"{name.replace('_', ' ')}: {cell(value)}" for name, value in body.items()))


@organisations.command("upgrade")
def upgrade_organisation(organisation_id: OrganisationId, stack: Stack = None, as_json: Json = False) -> None:
    """Store the open accounts of an older book so that pages of reports cost what they show, and keep every change.

    It may be stopped anywhere and run again, while others read and write; the version before must be gone. From the
    moment at which it is first run, the book can be read as it was known at any later one.
    """
    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    services.organisations().set_known_from(organisation.id)
    with counting("Upgrading accounts") as count:
        upgraded = services.upgrade().run(organisation, services.clock(), count, services.operator())
    services.organisations().set_paged(organisation.id)
    put({"upgraded": upgraded}, as_json, f"{upgraded} accounts upgraded; pages are read alone from now on.")


@organisations.command("audit")
def audit(
    organisation_id: Annotated[
        str | None,
        typer.Option("--organisation", metavar="NAME|ID", help="Its name or id; without it: every deletion of one."),
    ] = None,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Show every administrative act on an organisation, oldest first; of a deleted one, its deletion."""
    services = connect(stack)
    found = [
        {
            "at": moment(act.at),
            "actor": act.actor,
            "act": act.act,
            "subject": act.subject,
            "content": dict(act.content),
        }
        for act in _acts(services, organisation_id)
    ]
    if as_json:
        put(found, True, "")
        return
    rows = [[*(cell(act[name]) for name in ("at", "actor", "act", "subject")), _content(act)] for act in found]
    put_table("", ("at", "actor", "act", "subject", "content"), rows)


def _acts(services: "Services", organisation_id: str | None) -> "Iterator[Act]":
    """The acts on an organisation; where it is deleted, those that outlive it. None: these of all organisations."""
    from arrears.storage.access.audit import OPERATOR

    outliving = list(services.audit().acts(OPERATOR))
    if organisation_id is None:
        yield from outliving
        return
    id_ = organisation_id_of(services, organisation_id)
    deletions = [act for act in outliving if act.subject == id_]
    yield from deletions
    if not deletions:
        organisation_of(services, id_)
    yield from services.audit().acts(id_)


def _content(act: dict[str, Any]) -> str:
    return " ".join(f"{name}={cell(value)}" for name, value in act["content"].items() if value not in (None, ""))
