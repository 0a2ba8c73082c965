"""The dunning policy of an organisation."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from arrears_cli.administration import refuse
from arrears_cli.connection import OrganisationId, Stack, connect, organisation_of
from arrears_cli.output import Json, as_typed, put, put_table

if TYPE_CHECKING:
    from arrears.ledger.policy import Policy

policies = typer.Typer(help="The dunning policy of an organisation.", no_args_is_help=True)


@policies.command("show")
def show_policy(organisation_id: OrganisationId, stack: Stack = None, as_json: Json = False) -> None:
    """Show the policy that counts now."""
    services = connect(stack)
    _put_policy(organisation_of(services, organisation_id).policy, as_json)


@policies.command("set")
def set_policy(
    organisation_id: OrganisationId,
    firm_from_days: Annotated[int | None, typer.Option(help="First day overdue of the tier firm.")] = None,
    final_from_days: Annotated[int | None, typer.Option(help="First day overdue of the tier final.")] = None,
    escalation_from_days: Annotated[int | None, typer.Option(help="First day overdue of escalation.")] = None,
    medium_from_days: Annotated[int | None, typer.Option(help="First day overdue of the urgency medium.")] = None,
    high_from_days: Annotated[int | None, typer.Option(help="First day overdue of the urgency high.")] = None,
    critical_from_days: Annotated[int | None, typer.Option(help="First day overdue of the urgency critical.")] = None,
    cooldown_days: Annotated[int | None, typer.Option(help="Days after a reminder without the next.")] = None,
    grace_days: Annotated[int | None, typer.Option(help="Days taken off for tier and urgency.")] = None,
    default_terms_days: Annotated[
        str | None, typer.Option(metavar="DAYS|none", help="Fills a missing due date when a document is recorded.")
    ] = None,
    minimum: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CURRENCY=AMOUNT|none",
            help="Overdue amount (major units) below which a row is final at most; none takes all away.",
        ),
    ] = None,
    close_after_days: Annotated[
        int | None, typer.Option(help="Days for late postings before a month is closed, 0 to 28.")
    ] = None,
    unapplied_covers: Annotated[
        str | None,
        typer.Option(
            metavar="oldest_first|none",
            help="Whether a row is left alone when money on account covers it, or money on account changes no action.",
        ),
    ] = None,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Set parts of the policy; what is not named stays."""
    given = {
        "firm_from_days": firm_from_days,
        "final_from_days": final_from_days,
        "escalation_from_days": escalation_from_days,
        "medium_from_days": medium_from_days,
        "high_from_days": high_from_days,
        "critical_from_days": critical_from_days,
        "cooldown_days": cooldown_days,
        "grace_days": grace_days,
        "close_after_days": close_after_days,
        "unapplied_covers": unapplied_covers,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if default_terms_days is not None:
        changes["default_terms_days"] = _days_or_none(default_terms_days)
    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    if minimum:
        changes["minimums"] = _minimums(minimum, organisation.policy)
    if not changes:
        raise typer.BadParameter("Name at least one part of the policy to set.")
    try:
        policy = services.organisations().set_policy(organisation.id, changes)
    except ValueError as error:
        refuse(ValueError(as_typed(str(error), [name for name in organisation.policy.to_json() if "_" in name])))
    _put_policy(policy, as_json)


def _days_or_none(text: str) -> int | None:
    if text.casefold() == "none":
        return None
    if not text.isdecimal():
        raise typer.BadParameter("must be a whole number of days, or none", param_hint="--default-terms-days")
    return int(text)


def _minimums(given: list[str], policy: "Policy") -> dict[str, int]:
    from arrears.ledger.money import EXPONENTS, read_amount, to_minor

    minimums = dict(policy.minimums)
    for text in given:
        if text.casefold() == "none":
            minimums = {}
            continue
        currency, _, amount = text.partition("=")
        currency = currency.upper()
        try:
            minor = to_minor(read_amount(amount), currency) if currency in EXPONENTS else None
        except ValueError:
            minor = None
        if minor is None:
            raise typer.BadParameter(f"{text} is not CURRENCY=AMOUNT, such as EUR=50.00", param_hint="--minimum")
        minimums[currency] = minor
    return minimums


def _put_policy(policy: "Policy", as_json: bool) -> None:
    from arrears.ledger.money import major_text

    if as_json:
        put(policy.to_json(), True, "")
        return
    values = {**policy.to_json(), "minimums": " ".join(f"{c} {major_text(m, c)}" for c, m in policy.minimums.items())}
    rows = [(name.replace("_", " "), "none" if value in (None, "") else str(value)) for name, value in values.items()]
    put_table("", ("policy", "value"), rows, ("value",))
