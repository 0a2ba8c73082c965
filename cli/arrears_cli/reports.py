"""Overdue receivables and payables as tables in the terminal; as JSON they are what the endpoints answer."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arrears_cli.connection import OrganisationId, Stack, connect, organisation_of
from arrears_cli.output import Json, put, put_table

if TYPE_CHECKING:
    from arrears.ledger.organisation import Organisation
    from arrears.reports.aging import Accounts, Report

AsOf = Annotated[str | None, typer.Option("--as-of", metavar="DAY", help="Day to look at, YYYY-MM-DD; today without.")]

BUCKETS = {"current": "current", "d1To30": "1-30", "d31To60": "31-60", "d61To90": "61-90", "d90Plus": "over 90"}


def receivables(
    organisation_id: OrganisationId, as_of: AsOf = None, stack: Stack = None, as_json: Json = False
) -> None:
    """Who owes the organisation, how late, and what to do next."""
    from arrears.ledger.ledger_side import Side
    from arrears.reports.receivables import report

    body = _body(organisation_id, as_of, stack, Side.RECEIVABLE, report, "customers")
    if as_json:
        put(body, True, "")
        return
    _put_aging(f"Receivables as of {body['asOf']}", body)
    columns = ("customer", "currency", "overdue", "invoices", "days", "tier", "action", "last reminder")
    rows = [
        (
            row["customerName"],
            row["currency"],
            _money(row["totalOverdue"], row["currency"]),
            str(row["invoiceCount"]),
            str(row["oldestInvoice"]["daysOverdue"]),
            row["tier"],
            row["suggestedAction"].replace("_", " "),
            (row["lastReminderSentAt"] or "")[:10],
        )
        for row in body["customers"]
    ]
    _put_rows(columns, rows, "Nothing is overdue.", ("overdue", "invoices", "days"))


def payables(organisation_id: OrganisationId, as_of: AsOf = None, stack: Stack = None, as_json: Json = False) -> None:
    """Whom the organisation owes, how late, and what to do next."""
    from arrears.ledger.ledger_side import Side
    from arrears.reports.payables import report

    body = _body(organisation_id, as_of, stack, Side.PAYABLE, report, "suppliers")
    if as_json:
        put(body, True, "")
        return
    _put_aging(f"Payables as of {body['asOf']}", body)
    columns = ("supplier", "currency", "overdue", "bills", "days", "urgency", "action", "scheduled")
    rows = [
        (
            row["supplierName"],
            row["currency"],
            _money(row["totalOverdue"], row["currency"]),
            str(row["billCount"]),
            str(row["oldestBill"]["daysOverdue"]),
            row["urgency"],
            row["suggestedAction"].replace("_", " "),
            row["scheduledPaymentDate"] or "",
        )
        for row in body["suppliers"]
    ]
    _put_rows(columns, rows, "Nothing is overdue.", ("overdue", "bills", "days"))


def _body(
    organisation_id: str,
    as_of: str | None,
    stack: str | None,
    side: Any,
    report: "Callable[[Accounts, int, Organisation], Report]",
    rows_name: str,
) -> dict[str, Any]:
    from arrears.api.dolfin import ReportQuery

    day = _day(as_of)
    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    today = organisation.today(services.clock())
    day = today if day is None else day
    accounts = services.ledger.accounts(organisation, side, day, today)
    query = ReportQuery(organisation, "", day, None, None)
    return query.page(report(accounts, day, organisation), rows_name)


def _day(text: str | None) -> int | None:
    from arrears.ledger.days import parse_day

    try:
        return None if text is None else parse_day(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--as-of") from None


def _money(amount: object, currency: str) -> str:
    """A major amount with the currency's decimals and thousands marks."""
    from decimal import Decimal

    from arrears.ledger.money import EXPONENTS

    return f"{Decimal(str(amount)):,.{EXPONENTS[currency]}f}"


def _put_aging(title: str, body: dict[str, Any]) -> None:
    if not body["aging"]:
        return
    overdue = {total["currency"]: total["amount"] for total in body["totals"]["overdueByCurrency"]}
    rows = []
    for entry in body["aging"]:
        currency = entry["currency"]
        amounts = [_money(entry["buckets"][bucket]["amount"], currency) for bucket in BUCKETS]
        rows.append((currency, *amounts, _money(overdue.get(currency, 0), currency)))
    put_table(title, ("open", *BUCKETS.values(), "overdue"), rows, (*BUCKETS.values(), "overdue"))


def _put_rows(columns: Sequence[str], rows: Sequence[Sequence[str]], nothing: str, numeric: Sequence[str]) -> None:
    if rows:
        put_table("", columns, rows, numeric)
    else:
        typer.echo(nothing)
