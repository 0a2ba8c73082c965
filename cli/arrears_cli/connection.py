"""Which deployed Arrears the command works on: the local stack of the checkout, or a stack in AWS by name."""

import json
import os
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
        help="Name of a stack in AWS, by the usual AWS settings. Without it: the local stack.",
    ),
]
OrganisationId = Annotated[str, typer.Option("--organisation", metavar="ID", help="The organisation's id.")]

DESCRIPTION = Path(".local") / "stack.json"


def connect(stack: str | None) -> "Services":
    """The services of a stack. The actor that its audit names is the AWS identity that runs the command."""
    from arrears.runtime import Settings, build
    from arrears_cli.identity import caller_arn

    os.environ.update(_deployment(stack).environment())
    return build(Settings.from_environment(os.environ), actor=cache(caller_arn))


def _deployment(stack: str | None) -> "Deployment":
    from arrears_cli.deployment import Deployment, deployed

    if stack is not None:
        return deployed(stack)
    description = _local_stack()
    names = {field.name for field in fields(Deployment)}
    try:
        return Deployment(**{name: value for name, value in description.items() if name in names})
    except TypeError:
        raise Failed(f"{DESCRIPTION} does not describe a stack; run `make up` again.") from None


def _local_stack() -> dict[str, Any]:
    """The description of the local stack in this folder or the nearest one above that has it."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        path = folder / DESCRIPTION
        if path.is_file():
            try:
                description: dict[str, Any] = json.loads(path.read_text())
            except ValueError:
                raise Failed(f"{path} cannot be read; run `make up` again.") from None
            return description
    raise Failed("There is no local stack in this folder or above it: run `make up`, or name one in AWS with --stack.")


def organisation_of(services: "Services", organisation_id: str) -> "Organisation":
    """The organisation. Raises Failed if there is none."""
    try:
        return services.organisations().get(organisation_id)
    except ValueError as error:
        raise Failed(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
