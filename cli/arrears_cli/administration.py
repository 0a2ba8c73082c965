"""What the administrative commands share."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from arrears_cli.output import Failed

if TYPE_CHECKING:
    from arrears.ledger.organisation import Organisation
    from arrears.runtime import Services


Every = Annotated[bool, typer.Option("--all", help="All of them instead of one.")]
CreatedBefore = Annotated[
    str | None, typer.Option(metavar="MOMENT", help="With --all: only those made before, such as 2026-01-31T09:30:00Z.")
]


def one_or_all(one: str | None, every: bool, created_before: str | None, option: str) -> Callable[[datetime], bool]:
    """Checks that one thing or all are named; by when it was made, whether one of all is meant."""
    if (one is None) != every or (created_before is not None and not every):
        raise typer.BadParameter(f"Give either {option} or --all; --created-before goes with --all.")
    if created_before is None:
        return lambda _: True
    try:
        limit = datetime.fromisoformat(created_before)
    except ValueError:
        limit = None
    if limit is None or limit.tzinfo is None:
        raise typer.BadParameter("is not a moment with its offset", param_hint="--created-before")
    return lambda created_at: created_at < limit


def refuse(error: ValueError) -> NoReturn:
    """Ends the command with the error's message as a sentence."""
    text = str(error)
    raise Failed(f"{text[:1].upper()}{text[1:]}.") from None


def moment(at: datetime | None) -> str | None:
    """A moment in UTC to the second, such as 2026-06-30T12:00:00Z."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def cell(value: object) -> str:
    """A value as one cell of a table."""
    if isinstance(value, list):
        return " ".join(value)
    return "" if value is None else str(value)


def customer_id(services: "Services", organisation: "Organisation", customer: str) -> str:
    """A customer's UUID, by account number, UUID or the caller's own id. Raises Failed if there is none."""
    from arrears.ledger.ids import outward_id

    for name in (customer, outward_id(organisation.id, "customer", customer)):
        found = services.ledger.customer(organisation, name)
        if found is not None:
            return found.location.id
    raise Failed(f"The organisation has no customer {customer}.")
