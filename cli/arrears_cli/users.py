"""Users of customers' accounts, and the integrator keys that they come with."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arrears_cli.administration import cell, moment, refuse
from arrears_cli.connection import OrganisationId, Stack, connect, organisation_of
from arrears_cli.output import Failed, Json, put, put_table, say

if TYPE_CHECKING:
    from arrears.ledger.organisation import Organisation
    from arrears.runtime import Services

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
        )
        for user in found
    ]
    put_table("", ("user id", "username", "accounts", "created at", "revoked at"), rows)


@users.command("revoke")
def revoke_user(
    organisation_id: OrganisationId,
    user: Annotated[str, typer.Option(metavar="USER_ID", help="The user's id, as `user list` shows it.")],
    account: Annotated[
        str | None, typer.Option(help="Take away this account alone, by its UUID as `user list` shows it.")
    ] = None,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Revoke a user, or one account of a user; it stops counting within a minute."""
    services = connect(stack)
    id_ = organisation_of(services, organisation_id).id
    try:
        if account is None:
            services.users().revoke(id_, user)
        else:
            services.users().revoke_account(id_, user, account)
    except ValueError as error:
        refuse(error)
    if account is None:
        put({"revoked": user}, as_json, f"Revoked {user}.")
    else:
        put({"user_id": user, "revoked_account": account}, as_json, f"Took account {account} away from {user}.")


@users.command("create")
def create_user(
    organisation_id: OrganisationId,
    account: Annotated[str, typer.Option(help="The customer: account number, your own id of it, or its UUID.")],
    username: Annotated[str, typer.Option()],
    integrator_key: Annotated[str, typer.Option(help="Made by `integrator create`.")],
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
    admin: Annotated[bool, typer.Option("--admin", help="Administrator of the account: may see its bills.")] = False,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Create a user of an account, and a token that replaces user and password."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _ask_password()
    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    try:
        token = services.users().create(
            organisation.id, _account_id(services, organisation, account), username, password, integrator_key, admin
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


def _account_id(services: "Services", organisation: "Organisation", account: str) -> str:
    """The customer's UUID, by account number, UUID or the caller's own id."""
    from arrears.ledger.ids import outward_id

    for name in (account, outward_id(organisation.id, "customer", account)):
        found = services.ledger.customer(organisation, name)
        if found is not None:
            return found.location.id
    raise Failed(f"The organisation has no customer {account}; write the customer, then its users.")
