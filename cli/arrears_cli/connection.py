"""Which deployed Arrears the command works on, and which organisation: as a person names them.

A stack in AWS by name; the local stack; or, for commands that take `--url`, the API with a key (`arrears_cli.https`).
"""

import json
import os
import socket
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from arrears_cli.output import Failed

if TYPE_CHECKING:
    from arrears.ledger.organisation import Organisation
    from arrears.runtime import Services
    from arrears_cli.deployment import Deployment

Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        envvar="ARREARS_STACK",
        metavar="NAME[@REGION]",
        help="A stack in AWS, by the usual AWS settings. Without it: the local stack.",
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="ARREARS_URL",
        metavar="URL",
        help="The API's address, for work without access to AWS; ARREARS_API_KEY holds the key.",
    ),
]
_ORGANISATION = typer.Option(
    "--organisation", envvar="ARREARS_ORGANISATION", metavar="NAME|ID", help="The organisation, by name or id."
)
OrganisationId = Annotated[str, _ORGANISATION]
OrganisationOfKey = Annotated[
    str | None,
    typer.Option(
        "--organisation",
        envvar="ARREARS_ORGANISATION",
        metavar="NAME|ID",
        help="The organisation, by name or id. With --url the key says it.",
    ),
]
NamedOrganisation = Annotated[
    str, typer.Option("--organisation", metavar="NAME|ID", help="The organisation, by name or id.")
]
"""For what cannot be undone: only the command line names it, never the environment."""

DESCRIPTION = Path(".local") / "stack.json"
CHECKOUT = Path(__file__).parents[2]
_NOTHING_NAMED = """\
Nothing says which Arrears to work on. Give one of these:
- a stack in AWS: --stack NAME or ARREARS_STACK, with the usual AWS settings (AWS_PROFILE, AWS_REGION);
- the API without access to AWS, for reports, `record` and `import`: ARREARS_URL and ARREARS_API_KEY;
- the local stack: run `make up` in a checkout."""
_NEEDS_AWS = """\
This command works on the tables in AWS, and needs access to them: name the stack with --stack or ARREARS_STACK.
ARREARS_URL and ARREARS_API_KEY serve reports, `record` and `import` only."""
_CONNECT_SECONDS = 2


def connect(stack: str | None) -> "Services":
    """The services of a stack. The actor that its audit names is the AWS identity that runs the command.

    Raises Failed with what is missing where there is no such stack, or none is named and no local one runs.
    """
    from arrears.runtime import Settings, build
    from arrears_cli.identity import caller_arn

    os.environ.update(_deployment(stack).environment())
    return build(Settings.from_environment(os.environ), actor=cache(caller_arn))


def _deployment(stack: str | None) -> "Deployment":
    if stack:
        from arrears_cli import deployment

        name, _, region = stack.partition("@")
        return deployment.find(name, region or None)
    if os.environ.get("ARREARS_URL"):
        raise Failed(_NEEDS_AWS)
    return _local_stack()


def _local_stack() -> "Deployment":
    """The local stack of this folder or the nearest one above that has one, or of the checkout of this code."""
    from arrears_cli.deployment import Deployment

    here = Path.cwd()
    path = next(
        (found for folder in (here, *here.parents, CHECKOUT) if (found := folder / DESCRIPTION).is_file()), None
    )
    if path is None:
        raise Failed(_NOTHING_NAMED)
    names = {field.name for field in fields(Deployment)}
    try:
        description: dict[str, Any] = json.loads(path.read_text())
        deployment = Deployment(**{name: value for name, value in description.items() if name in names})
    except (ValueError, TypeError):
        raise Failed(f"{path} does not describe a stack; run `make up` again.") from None
    if deployment.endpoint_url is not None and not _answers(deployment.endpoint_url):
        raise Failed(f"The local stack of {path} does not run: start it with `make up`, or name a stack with --stack.")
    return deployment


def _answers(endpoint_url: str) -> bool:
    parts = urlsplit(endpoint_url)
    try:
        socket.create_connection((parts.hostname, parts.port), _CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def organisation_of(services: "Services", organisation: str) -> "Organisation":
    """The organisation of an id or a name. Raises Failed if there is none, or more than one of that name."""
    try:
        return services.organisations().get(organisation_id_of(services, organisation))
    except ValueError as error:
        raise Failed(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None


def organisation_id_of(services: "Services", organisation: str) -> str:
    """The id of an organisation by id or name; an id is not looked up. Raises Failed for a name of none or several."""
    from arrears.ledger.ids import is_uuid

    if is_uuid(organisation):
        return organisation.lower()
    ids = services.organisations().ids_of(organisation)
    if not ids:
        raise Failed(f"There is no organisation called {organisation}; `arrears org list` shows them.")
    if len(ids) > 1:
        raise Failed(f"{len(ids)} organisations are called {organisation}; name one by its id: {', '.join(ids)}.")
    return ids[0]
