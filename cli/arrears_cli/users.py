"""Users of customers' accounts."""

import sys
from typing import Annotated, Any

import typer

from arrears_cli.administration import CreatedBefore, Every, cell, customer_id, moment, one_or_all, refuse
from arrears_cli.connection import OrganisationId, Stack, connect, organisation_of
from arrears_cli.output import Failed, Json, put, put_table, say

users = typer.Typer(help="Users of a customer's account.", no_args_is_help=True)


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
    every: Every = False,
    created_before: CreatedBefore = None,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Revoke a user, or all of them: password and token stop counting within a minute."""
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


@users.command("create")
def create_user(
    organisation_id: OrganisationId,
    account: Annotated[str, typer.Option(help="The customer: account number, your own id of it, or its UUID.")],
    username: Annotated[str, typer.Option()],
    integrator_key: Annotated[str, typer.Option(help="Belongs to this organisation from its first use on.")],
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
    admin: Annotated[bool, typer.Option("--admin", help="Administrator of the account: may see its bills.")] = False,
    token_days: Annotated[int, typer.Option(min=1, max=3_650, help="Days that the token counts.")] = 365,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Create a user of an account, and a token that stands for user and password."""
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
