"""Overdue receivables and payables as tables in the terminal; as JSON they are what the endpoints answer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from arrears_cli.connection import OrganisationId, Stack, connect, organisation_of
from arrears_cli.output import Json, put, put_table

if TYPE_CHECKING:
    from arrears.ledger.ledger_side import Side
    from arrears.reports.aging import Report
    from arrears.reports.payables import SupplierRow
    from arrears.reports.receivables import CustomerRow

AsOf = Annotated[str | None, typer.Option("--as-of", metavar="DAY", help="Day to look at, YYYY-MM-DD; today without.")]

BUCKET_TITLES = ("current", "1-30", "31-60", "61-90", "over 90")


def receivables(
    organisation_id: OrganisationId, as_of: AsOf = None, stack: Stack = None, as_json: Json = False
) -> None:
    """Who owes the organisation, how late, and what to do next."""
    from arrears.ledger.ledger_side import Side
    from arrears.rendering.overdue import receivables_body
    from arrears.reports.receivables import customer_row

    report = _report(organisation_id, as_of, stack, Side.RECEIVABLE)
    rows = [customer_row(reference, report.day, report.policy) for reference in report.rows]
    if as_json:
        put(receivables_body(report, rows, None), True, "")
        return
    _put_aging("Receivables", report)
    columns = ("customer", "currency", "overdue", "invoices", "days", "tier", "action", "last reminder")
    _put_rows(columns, [_customer_cells(row) for row in rows], ("overdue", "invoices", "days"))


def _customer_cells(row: "CustomerRow") -> Sequence[str]:
    return (
        row.account.name,
        row.currency,
        _money(row.total_overdue, row.currency),
        str(len(row.invoice_ids)),
        str(row.oldest.days),
        row.tier,
        row.action.replace("_", " "),
        "" if row.last_reminder is None else row.last_reminder.sent_at[:10],
    )


def payables(organisation_id: OrganisationId, as_of: AsOf = None, stack: Stack = None, as_json: Json = False) -> None:
    """Whom the organisation owes, how late, and what to do next."""
    from arrears.ledger.ledger_side import Side
    from arrears.rendering.overdue import payables_body
    from arrears.reports.payables import supplier_row

    report = _report(organisation_id, as_of, stack, Side.PAYABLE)
    rows = [supplier_row(reference, report.day, report.policy) for reference in report.rows]
    if as_json:
        put(payables_body(report, rows, None), True, "")
        return
    _put_aging("Payables", report)
    columns = ("supplier", "currency", "overdue", "bills", "days", "urgency", "action", "scheduled")
    _put_rows(columns, [_supplier_cells(row) for row in rows], ("overdue", "bills", "days"))


def _supplier_cells(row: "SupplierRow") -> Sequence[str]:
    from arrears.ledger.days import day_text

    return (
        row.account.name,
        row.currency,
        _money(row.total_overdue, row.currency),
        str(len(row.bill_ids)),
        str(row.oldest.days),
        row.urgency,
        row.action.replace("_", " "),
        "" if row.scheduled is None else day_text(row.scheduled),
    )


def _report(organisation_id: str, as_of: str | None, stack: str | None, side: "Side") -> "Report":
    from arrears.reports.aging import overdue_report

    day = _day(as_of)
    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    today = organisation.today(services.clock())
    day = today if day is None else day
    return overdue_report(services.ledger.accounts(organisation, side, day, today), day, organisation)


def _day(text: str | None) -> int | None:
    from arrears.ledger.days import parse_day

    try:
        return None if text is None else parse_day(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--as-of") from None


def _money(minor: int, currency: str) -> str:
    """Minor units as a major amount with the currency's decimals and thousands marks."""
    from decimal import Decimal

    from arrears.ledger.money import major_text

    return f"{Decimal(major_text(minor, currency)):,f}"


def _put_aging(title: str, report: "Report") -> None:
    from arrears.ledger.days import day_text

    if not report.aging:
        return
    rows = [
        (entry.currency, *(_money(amount, entry.currency) for amount in (*entry.amounts, entry.overdue_amount)))
        for entry in report.aging
    ]
    columns = ("open", *BUCKET_TITLES, "overdue")
    put_table(f"{title} as of {day_text(report.day)}", columns, rows, columns[1:])


def _put_rows(columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[str]) -> None:
    if rows:
        put_table("", columns, rows, numeric)
    else:
        typer.echo("Nothing is overdue.")
