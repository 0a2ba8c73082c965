"""Users of customers' accounts, and the integrator keys that they come with."""

import sys
from typing import Annotated, Any

import typer

from arrears_cli.administration import CreatedBefore, Every, cell, customer_id, moment, one_or_all, refuse
from arrears_cli.connection import OrganisationId, Stack, connect, organisation_of
from arrears_cli.output import Failed, Json, put, put_table, say

integrators = typer.Typer(help="Integrator keys, under which users prove who they are.", no_args_is_help=True)
users = typer.Typer(help="Users of a customer's account.", no_args_is_help=True)


@integrators.command("create")
def create_integrator_key(
    organisation_id: OrganisationId,
    existing_stdin: Annotated[
        bool,
        typer.Option("--existing-stdin", help="Read a key that was made before from stdin, to use it again."),
    ] = False,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Create an integrator key. It is shown this once."""
    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    existing = sys.stdin.readline().strip() if existing_stdin else None
    try:
        key = services.users().create_integrator_key(organisation.id, existing)
    except ValueError as error:
        refuse(error)
    say("Keep it: it is not shown again.")
    put({"integrator_key": key}, as_json, key)


@users.command("list")
def list_users(organisation_id: OrganisationId, stack: Stack = None, as_json: Json = False) -> None:
    """List the users of an organisation, without passwords and tokens."""
    services = connect(stack)
    found: list[dict[str, Any]] = [
        {
            "user_id": user.id,
            "username": user.username,
            "accounts": [{"account_id": account, "admin": admin} for account, admin in sorted(user.accounts.items())],
            "created_at": moment(user.created_at),
            "revoked_at": moment(user.revoked_at),
            "token_expires_at": moment(user.token_expires_at),
        }
        for user in services.users().all(organisation_of(services, organisation_id).id)
    ]
    if as_json:
        put(found, True, "")
        return
    rows = [
        (
            user["user_id"],
            user["username"],
            " ".join(account["account_id"] + " (admin)" * account["admin"] for account in user["accounts"]),
            cell(user["created_at"]),
            cell(user["revoked_at"]),
            cell(user["token_expires_at"]),
        )
        for user in found
    ]
    put_table("", ("user id", "username", "accounts", "created at", "revoked at", "token until"), rows)


@users.command("revoke")
def revoke_user(
    organisation_id: OrganisationId,
    user: Annotated[str | None, typer.Option(metavar="USER_ID", help="The user's id, as `user list` shows it.")] = None,
    account: Annotated[
        str | None, typer.Option(help="Take away this account alone, by its UUID as `user list` shows it.")
    ] = None,
    every: Every = False,
    created_before: CreatedBefore = None,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Revoke a user, one account of a user, or all users; they stop counting within a minute."""
    if account is not None:
        _revoke_account(organisation_id, user, account, stack, as_json)
        return
    chosen = one_or_all(user, every, created_before, "--user")
    services = connect(stack)
    administered, id_ = services.users(), organisation_of(services, organisation_id).id
    live = (each for each in administered.all(id_) if each.revoked_at is None)
    ids = [user] if user else [each.id for each in live if chosen(each.created_at)]
    try:
        for user_id in ids:
            administered.revoke(id_, user_id)
    except ValueError as error:
        refuse(error)
    put({"revoked": user or ids}, as_json, f"Revoked {user or f'{len(ids)} users'}.")


def _revoke_account(organisation_id: str, user: str | None, account: str, stack: str | None, as_json: bool) -> None:
    if user is None:
        raise typer.BadParameter("goes with --user, the user whose account it is", param_hint="--account")
    services = connect(stack)
    try:
        services.users().revoke_account(organisation_of(services, organisation_id).id, user, account)
    except ValueError as error:
        refuse(error)
    put({"user_id": user, "revoked_account": account}, as_json, f"Took account {account} away from {user}.")


@users.command("create")
def create_user(
    organisation_id: OrganisationId,
    account: Annotated[str, typer.Option(help="The customer: account number, your own id of it, or its UUID.")],
    username: Annotated[str, typer.Option()],
    integrator_key: Annotated[str, typer.Option(help="Made by `integrator create`, or a random UUID that is in use.")],
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
    admin: Annotated[bool, typer.Option("--admin", help="Administrator of the account: may see its bills.")] = False,
    token_days: Annotated[int, typer.Option(min=1, max=3_650, help="Days that the token counts.")] = 365,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Create a user of an account, and a token that replaces user and password."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _ask_password()
    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    try:
        token = services.users().create(
            organisation.id,
            customer_id(services, organisation, account),
            username,
            password,
            integrator_key,
            admin,
            token_days,
        )
    except ValueError as error:
        refuse(error)
    say("Keep the token: it is not shown again.")
    put({"user_token": token}, as_json, token)


def _ask_password() -> str:
    if not sys.stdin.isatty():
        raise Failed("There is nobody to ask for the password; give it with --password-stdin.")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password
