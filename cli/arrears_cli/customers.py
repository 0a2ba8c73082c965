"""Customers of an organisation: what is personal of one is erased."""

from dataclasses import asdict
from typing import Annotated

import typer

from arrears_cli.administration import customer_id, refuse
from arrears_cli.connection import NamedOrganisation, Stack, connect, organisation_of
from arrears_cli.output import Failed, Json, put, say

customers = typer.Typer(help="Customers of an organisation.", no_args_is_help=True)

_WHAT_HAPPENS = """\
This erases what is personal of customer {customer}:
- its name, account number and external id, and the ids of its reminders
- its name and the texts of lines on all of its invoices
- the same in the change log: answers as known before say `erased`, too
- its name in the stored rows of closed months
- its users, unless they have other accounts
Amounts, days and the ids of customer, invoices, payments, credits, disputes and promises stay. It cannot be undone."""


@customers.command("erase")
def erase_customer(
    organisation_id: NamedOrganisation,
    customer: Annotated[str, typer.Option(help="The customer: account number, your own id of it, or its UUID.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Erase what is personal of a customer; amounts and dates stay. Run it again after an interruption."""
    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    id_ = customer_id(services, organisation, customer)
    if not yes:
        say(_WHAT_HAPPENS.format(customer=id_))
        if not typer.confirm("Erase it?", err=True):
            raise Failed("Nothing was erased.")
    try:
        erased = services.customer_erasure().erase(organisation, id_, services.clock())
    except ValueError as error:
        refuse(error)
    changed = f"{erased.invoices} invoices, {erased.months} closed months and {erased.users} users changed"
    put({"erased": id_, **asdict(erased)}, as_json, f"Erased {id_}: {changed}.")
