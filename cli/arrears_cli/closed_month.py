"""A closed month as it was known at its close, and what has changed since."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arrears_cli.aging import put_documents_table
from arrears_cli.book import read_known_at
from arrears_cli.connection import OrganisationId, Stack, connect, organisation_of
from arrears_cli.output import Failed, Json, money, put, put_table
from arrears_cli.reports import KnownAt, SideName, SideOption

if TYPE_CHECKING:
    from arrears.ledger.ledger_side import Side
    from arrears.ledger.organisation import Organisation
    from arrears.runtime import Services
    from arrears.storage.history.snapshots import Snapshot

Month = Annotated[str, typer.Option(metavar="MONTH", help="The month, YYYY-MM.")]

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
_BALANCES = ("outstanding", "overdue", "unapplied", "net")
_TITLES = ("open", "overdue", "on account", "net")


def check_month(text: str) -> int:
    """The last day of a month. Raises BadParameter for what is none."""
    from arrears.ledger.days import month_end, parse_day

    if not _MONTH.fullmatch(text) or text.startswith("0000"):
        raise typer.BadParameter(f"{text} is not a month of the form YYYY-MM.")
    return month_end(parse_day(f"{text}-01"))


def explain(
    organisation_id: OrganisationId,
    month: Month,
    side: SideOption = SideName.RECEIVABLES,
    known_at: KnownAt = None,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Show which changes make the difference between a closed month and the same month as known now.

    With --known-at, now is that moment.
    """
    from arrears.rendering.explanation import explanation_body
    from arrears.reports.month_explanation import NotExplained

    check_month(month)
    services, of = connect(stack), side.of_ledger
    organisation = organisation_of(services, organisation_id)
    now = read_known_at(known_at, organisation, services.clock()) or services.clock()
    try:
        explanation = services.month_explanation().explain(organisation, month, of, now)
    except NotExplained as error:
        raise Failed(f"{error}.") from None
    body = explanation_body(explanation, of)
    if as_json:
        put(body, True, "")
        return
    _put_balances(body)
    _put_changes(body["changes"])


def _put_balances(body: Mapping[str, Any]) -> None:
    for entry in body["currencies"]:
        states = [("as closed", entry["closed"]), ("now", entry["now"]), ("difference", entry["difference"])]
        rows = [(name, *_amounts(values, entry["currency"])) for name, values in states]
        put_table(f"{body['month']} {entry['currency']}", ("", *_TITLES), rows, _TITLES)


def _put_changes(changes: Sequence[Mapping[str, Any]]) -> None:
    if not changes:
        typer.echo("No change since its close has an effect on it.")
        return
    rows = [
        (
            change["recordedAt"],
            " ".join(filter(None, (change["by"]["type"], change["by"]["id"], change["importId"]))),
            ", ".join(f"{record['type']} {record['id']}" for record in change["records"]),
            change["currency"],
            *_amounts(change, change["currency"]),
        )
        for change in changes
    ]
    put_table("Changes since", ("recorded", "by", "records", "currency", *_TITLES), rows, _TITLES)


def _amounts(values: Mapping[str, Any], currency: str) -> list[str]:
    return [money(values[name], currency) for name in _BALANCES]


def put_documents(
    services: "Services", organisation: "Organisation", snapshot: "Snapshot", side: "Side", as_json: bool
) -> None:
    """Prints the documents that were open at the end of a closed month, as known at its close."""
    from arrears.close.explanation import moment_of_close
    from arrears.rendering.aged_list import BY_DOCUMENT, BY_PARTY
    from arrears.reports.month_explanation import NotExplained
    from arrears_cli.stored_reports import aged_body

    try:
        then = services.reading(organisation, moment_of_close(organisation, snapshot))
    except NotExplained as error:
        raise Failed(f"{error}.") from None
    body = aged_body(then, side, BY_DOCUMENT, snapshot.end, None)
    if as_json:
        put(body, True, "")
    else:
        put_documents_table(f"Open on {body['asOf']}, as closed", body, BY_PARTY[side])
