"""The dunning policy of an organisation, and what another one would change."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arrears_cli.administration import refuse
from arrears_cli.book import read_known_at
from arrears_cli.connection import OrganisationId, Stack, connect, organisation_of
from arrears_cli.output import Csv, Json, as_typed, money, put, put_table, read_day
from arrears_cli.reports import AsOf, KnownAtDay, Limit, SideName, SideOption, put_answer

if TYPE_CHECKING:
    from arrears.ledger.policy import Policy

_MOST_DIGITS = 10
"""Of a number that is read as one: no policy takes longer ones."""

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


@policies.command("preview")
def preview_policy(
    organisation_id: OrganisationId,
    parts: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help="A part of the policy to try, named as for `arrears policy set`: firm-from-days=10, "
            "minimum=EUR=50.00, default-terms-days=none. May be given several times.",
        ),
    ],
    side: SideOption = SideName.RECEIVABLES,
    as_of: AsOf = None,
    known_at: KnownAtDay = None,
    limit: Limit = None,
    stack: Stack = None,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """Show which rows another policy would treat otherwise; nothing is written."""
    from arrears.rendering.policy_preview import preview_lines
    from arrears_cli.stored_reports import preview_body_of

    day = read_day(as_of, "--as-of")
    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    then = services.reading(organisation, read_known_at(known_at, organisation, services.clock()))
    try:
        proposed = then.organisation.policy.validated(_tried(parts, then.organisation.policy))
    except ValueError as error:
        refuse(error)
    body = preview_body_of(then, side.of_ledger, proposed, day, limit)
    if not put_answer(body, preview_lines(body, side.of_ledger), as_json, as_csv):
        _put_preview(body, side)


def _tried(parts: Sequence[str], policy: "Policy") -> dict[str, Any]:
    """What `--set` changes, by field. Raises BadParameter for what is no FIELD=VALUE."""
    changes: dict[str, Any] = {}
    minimums: list[str] = []
    for text in parts:
        name, separator, value = text.partition("=")
        field = name.strip().replace("-", "_").lower()
        if not separator or not value:
            raise typer.BadParameter(f"{text} is not FIELD=VALUE, such as firm-from-days=10", param_hint="--set")
        if field in ("minimum", "minimums"):
            minimums.append(value)
        else:
            changes[field] = _value(field, value)
    if minimums:
        changes["minimums"] = _minimums(minimums, policy, "--set")
    return changes


def _value(field: str, text: str) -> int | str | None:
    """The value of a field as a policy has it; what is no number of days stays text, for the policy to refuse."""
    if field == "default_terms_days" and text.casefold() == "none":
        return None
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else text


def _put_preview(body: Mapping[str, Any], side: SideName) -> None:
    from arrears.rendering.policy_preview import NAMES

    names = NAMES[side.of_ledger]
    columns = ("currency", names.level, "rows before", "overdue before", "rows after", "overdue after")
    sums = [
        (entry["currency"], level, *_sum_cells(entry, level, "before"), *_sum_cells(entry, level, "after"))
        for entry in body[names.lists]
        for level in names.levels
    ]
    if not sums:
        typer.echo("Nothing is overdue.")
        return
    put_table(f"{side.value.title()} as of {body['asOf']} by {names.level}", columns, sums, columns[2:])
    totals = body["totals"]
    typer.echo(f"{totals['differentCount']} of {totals['rowCount']} rows would differ.")
    rows = [_preview_cells(row, names.party, names.level) for row in body[names.parties]]
    if rows:
        row = (names.party, "reference", "currency", "overdue", "days")
        put_table("", (*row, names.level, "would be", "action", "would be"), rows, ("overdue", "days"))


def _sum_cells(entry: Mapping[str, Any], level: str, when: str) -> Sequence[str]:
    found = entry[when][level]
    return str(found["count"]), money(found["amount"], entry["currency"])


def _preview_cells(row: Mapping[str, Any], party: str, level: str) -> Sequence[str]:
    before, after = row["before"], row["after"]
    return (
        row[f"{party}Name"],
        row[f"{party}Reference"] or "",
        row["currency"],
        money(row["totalOverdue"], row["currency"]),
        str(row["daysOverdue"]),
        before[level],
        after[level],
        before["suggestedAction"].replace("_", " "),
        after["suggestedAction"].replace("_", " "),
    )


def _days_or_none(text: str) -> int | None:
    if text.casefold() == "none":
        return None
    if not text.isdecimal():
        raise typer.BadParameter("must be a whole number of days, or none", param_hint="--default-terms-days")
    return int(text)


def _minimums(given: Sequence[str], policy: "Policy", option: str = "--minimum") -> dict[str, int]:
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
            raise typer.BadParameter(f"{text} is not CURRENCY=AMOUNT, such as EUR=50.00", param_hint=option)
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
