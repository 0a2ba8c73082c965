"""Organisations, their keys, users and policy."""

import sys
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any, NoReturn
from zoneinfo import ZoneInfo

import typer

from arrears_cli.connection import OrganisationId, Stack, connect, organisation_of
from arrears_cli.output import Failed, Json, put, put_table, say

if TYPE_CHECKING:
    from arrears.ledger.organisation import Organisation
    from arrears.ledger.policy import Policy
    from arrears.runtime import Services

organisations = typer.Typer(help="Organisations: one ledger each.", no_args_is_help=True)
keys = typer.Typer(help="API keys of an organisation.", no_args_is_help=True)
users = typer.Typer(help="Users of a customer's account.", no_args_is_help=True)
policies = typer.Typer(help="The dunning policy of an organisation.", no_args_is_help=True)


def _refuse(error: ValueError) -> NoReturn:
    text = str(error)
    raise Failed(f"{text[:1].upper()}{text[1:]}.") from None


@organisations.command("create")
def create_organisation(
    name: Annotated[str, typer.Option(help="What it is called.")],
    timezone: Annotated[str, typer.Option(help="IANA time zone, such as Europe/Berlin: its days turn there.")],
    currency: Annotated[str, typer.Option(help="Default currency, ISO 4217.")],
    id_: Annotated[str | None, typer.Option("--id", help="Its UUID, if it is not to be a new one.")] = None,
    shards: Annotated[int, typer.Option(min=1, max=64, help="Partitions that a very large book is spread over.")] = 1,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Create an organisation."""
    access = connect(stack).access
    try:
        created = access.create_organisation(name, timezone, currency.upper(), id_)
        if shards > 1:
            access.set_shards(created.id, shards)
    except ValueError as error:
        _refuse(error)
    say(f"Created {name}.")
    put({"organisation_id": created.id}, as_json, created.id)


@organisations.command("list")
def list_organisations(stack: Stack = None, as_json: Json = False) -> None:
    """List all organisations."""
    found = list(connect(stack).access.organisations())
    if as_json:
        put([_organisation_body(organisation) for organisation in found], True, "")
        return
    rows = [(each.id, each.name, each.currency, each.timezone, str(each.shards)) for each in found]
    put_table("", ("organisation", "name", "currency", "time zone", "shards"), rows, ("shards",))


def _organisation_body(organisation: "Organisation") -> dict[str, Any]:
    from arrears.ledger.days import day_text

    return {
        "organisation_id": organisation.id,
        "name": organisation.name,
        "currency": organisation.currency,
        "timezone": organisation.timezone,
        "created_on": day_text(organisation.created_on),
        "features": sorted(organisation.features),
        "shards": organisation.shards,
        "payments_over_api": organisation.payments_over_api,
    }


@organisations.command("set")
def set_organisation(
    organisation_id: OrganisationId,
    feature: Annotated[
        list[str] | None, typer.Option(metavar="NAME|none", help="Switch on exactly these features; none: no feature.")
    ] = None,
    payments_over_api: Annotated[
        bool | None, typer.Option(help="Whether its customers may pay through the API.")
    ] = None,
    shards: Annotated[int | None, typer.Option(help="Partitions for new accounts; it only grows.")] = None,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Set what an organisation may do, and how far its book is spread; what is not named stays."""
    if feature is None and payments_over_api is None and shards is None:
        raise typer.BadParameter("Name at least one thing to set.")
    services = connect(stack)
    id_ = organisation_of(services, organisation_id).id
    try:
        if shards is not None:
            services.access.set_shards(id_, shards)
        if feature is not None:
            services.access.set_features(id_, [name for name in feature if name != "none"])
        if payments_over_api is not None:
            services.access.set_payments_over_api(id_, payments_over_api)
    except ValueError as error:
        _refuse(error)
    body = _organisation_body(services.access.organisation(id_))
    put(body, as_json, "\n".join(f"{name.replace('_', ' ')}: {_cell(value)}" for name, value in body.items()))


@organisations.command("audit")
def audit(organisation_id: OrganisationId, stack: Stack = None, as_json: Json = False) -> None:
    """Show every administrative act on an organisation, oldest first."""
    services = connect(stack)
    found = [
        {
            "at": _moment(act.at),
            "actor": act.actor,
            "act": act.act,
            "subject": act.subject,
            "content": dict(act.content),
        }
        for act in services.access.audit(organisation_of(services, organisation_id).id)
    ]
    if as_json:
        put(found, True, "")
        return
    rows = [[*(_cell(act[name]) for name in ("at", "actor", "act", "subject")), _content(act)] for act in found]
    put_table("", ("at", "actor", "act", "subject", "content"), rows)


def _content(act: dict[str, Any]) -> str:
    return " ".join(f"{name}={_cell(value)}" for name, value in act["content"].items() if value not in (None, ""))


@keys.command("create")
def create_key(
    organisation_id: OrganisationId,
    scope: Annotated[list[str] | None, typer.Option(help="What it may do; everything without it.")] = None,
    expires_on: Annotated[str | None, typer.Option(metavar="DAY", help="Its last day, YYYY-MM-DD.")] = None,
    label: Annotated[str, typer.Option(help="A name to know it by.")] = "",
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Create an API key. It is shown this once."""
    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    try:
        expires_at = None if expires_on is None else _end_of(expires_on, organisation)
        key = services.access.create_key(organisation.id, scope or (), expires_at, label)
    except ValueError as error:
        _refuse(error)
    say("Keep it: it is not shown again.")
    put({"api_key": key}, as_json, key)


def _end_of(day: str, organisation: "Organisation") -> datetime:
    """The moment after the organisation's day."""
    from datetime import date

    from arrears.ledger.days import parse_day

    after = date.fromordinal(parse_day(day)) + timedelta(days=1)
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
            "created_at": _moment(key.created_at),
            "expires_at": _moment(key.expires_at),
            "revoked_at": _moment(key.revoked_at),
            "last_used_on": None if key.last_used_on is None else day_text(key.last_used_on),
        }
        for key in services.access.keys(organisation_of(services, organisation_id).id)
    ]
    if as_json:
        put(found, True, "")
        return
    columns = ("key_id", "label", "scopes", "created_at", "expires_at", "revoked_at", "last_used_on")
    put_table("", [column.replace("_", " ") for column in columns], [[_cell(key[c]) for c in columns] for key in found])


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _cell(value: object) -> str:
    if isinstance(value, list):
        return " ".join(value)
    return "" if value is None else str(value)


@keys.command("revoke")
def revoke_key(
    organisation_id: OrganisationId,
    key: Annotated[str, typer.Option(metavar="KEY_ID", help="The key's id, as `key list` shows it.")],
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Revoke a key; it stops counting within a minute."""
    services = connect(stack)
    try:
        services.access.revoke_key(organisation_of(services, organisation_id).id, key)
    except ValueError as error:
        _refuse(error)
    put({"revoked": key}, as_json, f"Revoked {key}.")


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
        new = services.access.rotate_key(organisation.id, key, overlap)
    except ValueError as error:
        _refuse(error)
    [revoked_at] = [_moment(old.revoked_at) for old in services.access.keys(organisation.id) if old.id == key]
    say(f"Keep it: it is not shown again. {key} counts until {revoked_at}.")
    put({"api_key": new, "replaces": key, "revoked_at": revoked_at}, as_json, new)


@users.command("list")
def list_users(organisation_id: OrganisationId, stack: Stack = None, as_json: Json = False) -> None:
    """List the users of an organisation, without passwords and tokens."""
    services = connect(stack)
    found: list[dict[str, Any]] = [
        {
            "user_id": user.id,
            "username": user.username,
            "accounts": [{"account_id": account, "admin": admin} for account, admin in sorted(user.accounts.items())],
            "created_at": _moment(user.created_at),
            "revoked_at": _moment(user.revoked_at),
        }
        for user in services.access.users(organisation_of(services, organisation_id).id)
    ]
    if as_json:
        put(found, True, "")
        return
    rows = [
        (
            user["user_id"],
            user["username"],
            " ".join(account["account_id"] + " (admin)" * account["admin"] for account in user["accounts"]),
            _cell(user["created_at"]),
            _cell(user["revoked_at"]),
        )
        for user in found
    ]
    put_table("", ("user id", "username", "accounts", "created at", "revoked at"), rows)


@users.command("revoke")
def revoke_user(
    organisation_id: OrganisationId,
    user: Annotated[str, typer.Option(metavar="USER_ID", help="The user's id, as `user list` shows it.")],
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Revoke a user: password and token stop counting within a minute."""
    services = connect(stack)
    try:
        services.access.revoke_user(organisation_of(services, organisation_id).id, user)
    except ValueError as error:
        _refuse(error)
    put({"revoked": user}, as_json, f"Revoked {user}.")


@users.command("create")
def create_user(
    organisation_id: OrganisationId,
    account: Annotated[str, typer.Option(help="The customer: account number, your own id of it, or its UUID.")],
    username: Annotated[str, typer.Option()],
    integrator_key: Annotated[str, typer.Option(help="Belongs to this organisation from its first use on.")],
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
    admin: Annotated[bool, typer.Option("--admin", help="Administrator of the account: may see its bills.")] = False,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Create a user of an account, and a token that stands for user and password."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _ask_password()
    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    try:
        token = services.access.create_user(
            organisation.id, _account_id(services, organisation, account), username, password, integrator_key, admin
        )
    except ValueError as error:
        _refuse(error)
    say("Keep the token: it is not shown again.")
    put({"user_token": token}, as_json, token)


def _ask_password() -> str:
    if not sys.stdin.isatty():
        raise Failed("There is nobody to ask for the password; give it with --password-stdin.")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password


def _account_id(services: "Services", organisation: "Organisation", account: str) -> str:
    """The customer's UUID, by account number, UUID or the caller's own id."""
    from arrears.ledger.ids import outward_id

    for name in (account, outward_id(organisation.id, "customer", account)):
        found = services.ledger.customer(organisation, name)
        if found is not None:
            return found.location.id
    raise Failed(f"The organisation has no customer {account}; write the customer, then its users.")


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
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Set parts of the policy; what is not named stays."""
    days = {
        "firm_from_days": firm_from_days,
        "final_from_days": final_from_days,
        "escalation_from_days": escalation_from_days,
        "medium_from_days": medium_from_days,
        "high_from_days": high_from_days,
        "critical_from_days": critical_from_days,
        "cooldown_days": cooldown_days,
        "grace_days": grace_days,
    }
    changes: dict[str, Any] = {name: value for name, value in days.items() if value is not None}
    if default_terms_days is not None:
        changes["default_terms_days"] = _days_or_none(default_terms_days)
    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    if minimum:
        changes["minimums"] = _minimums(minimum, organisation.policy)
    if not changes:
        raise typer.BadParameter("Name at least one part of the policy to set.")
    try:
        policy = services.access.set_policy(organisation.id, changes)
    except ValueError as error:
        _refuse(error)
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
