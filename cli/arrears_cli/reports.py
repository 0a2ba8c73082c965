"""Overdue receivables and payables, closed months and escalations; as JSON they are what the endpoints answer."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from arrears_cli.book import EscalationFilter, Order, open_book
from arrears_cli.connection import Address, OrganisationOfKey, Stack
from arrears_cli.output import Json, money, put, put_table, read_day, share

if TYPE_CHECKING:
    from arrears.ledger.ledger_side import Side

type SideName = Literal["receivables", "payables"]
OfSide = Annotated[SideName, typer.Option("--side", help="What is owed to the organisation, or what it owes.")]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="DAY", help="Day to look at, YYYY-MM-DD; today without.")]
Sort = Annotated[
    Order, typer.Option("--sort", help="Rows of a currency by most days overdue, or by the largest overdue amount.")
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Show so many rows; sums cover the whole book.")]

BUCKETS = {"current": "current", "d1To30": "1-30", "d31To60": "31-60", "d61To90": "61-90", "d90Plus": "over 90"}
"""Titles of the aging buckets, in order."""


def ledger_side(name: SideName) -> "Side":
    """The ledger side of a name as it is typed."""
    from arrears.ledger.ledger_side import Side

    return Side.RECEIVABLE if name == "receivables" else Side.PAYABLE


def receivables(
    organisation_id: OrganisationOfKey = None,
    as_of: AsOf = None,
    sort: Sort = "age",
    limit: Limit = None,
    stack: Stack = None,
    url: Address = None,
    as_json: Json = False,
) -> None:
    """Who owes the organisation, how late, and what to do next."""
    from arrears.ledger.ledger_side import Side

    body = _overdue(Side.RECEIVABLE, organisation_id, as_of, sort, limit, stack, url)
    if as_json:
        put(body, True, "")
        return
    columns = (
        *("customer", "reference", "currency", "overdue", "invoices", "oldest", "days"),
        *("tier", "action", "last reminder"),
    )
    _put_report("Receivables", body, columns, [_customer_cells(row) for row in body["customers"]])


def _customer_cells(row: Mapping[str, Any]) -> Sequence[str]:
    return (
        row["customerName"],
        row["customerReference"],
        row["currency"],
        money(row["totalOverdue"], row["currency"]),
        str(row["invoiceCount"]),
        row["oldestInvoice"]["invoiceNumber"] or "",
        str(row["oldestInvoice"]["daysOverdue"]),
        row["tier"],
        row["suggestedAction"].replace("_", " "),
        (row["lastReminderSentAt"] or "")[:10],
    )


def payables(
    organisation_id: OrganisationOfKey = None,
    as_of: AsOf = None,
    sort: Sort = "age",
    limit: Limit = None,
    stack: Stack = None,
    url: Address = None,
    as_json: Json = False,
) -> None:
    """Whom the organisation owes, how late, and what to do next."""
    from arrears.ledger.ledger_side import Side

    body = _overdue(Side.PAYABLE, organisation_id, as_of, sort, limit, stack, url)
    if as_json:
        put(body, True, "")
        return
    columns = (
        *("supplier", "reference", "currency", "overdue", "bills", "oldest", "days"),
        *("urgency", "action", "scheduled"),
    )
    _put_report("Payables", body, columns, [_supplier_cells(row) for row in body["suppliers"]])


def _supplier_cells(row: Mapping[str, Any]) -> Sequence[str]:
    return (
        row["supplierName"],
        row["supplierReference"] or "",
        row["currency"],
        money(row["totalOverdue"], row["currency"]),
        str(row["billCount"]),
        row["oldestBill"]["invoiceNumber"] or "",
        str(row["oldestBill"]["daysOverdue"]),
        row["urgency"],
        row["suggestedAction"].replace("_", " "),
        row["scheduledPaymentDate"] or "",
    )


def _overdue(
    side: "Side",
    organisation: str | None,
    as_of: str | None,
    sort: Order,
    limit: int | None,
    stack: str | None,
    url: str | None,
) -> dict[str, Any]:
    day = read_day(as_of, "--as-of")
    return open_book(organisation, stack, url).overdue(side, day, sort, limit)


def _put_report(title: str, body: Mapping[str, Any], columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    _put_aging(f"{title} as of {body['asOf']}", body["aging"])
    if rows:
        put_table("", columns, rows, (columns[3], columns[4], "days"))
    else:
        typer.echo("Nothing is overdue.")


def _put_aging(title: str, aging: Sequence[Mapping[str, Any]]) -> None:
    if not aging:
        return
    columns = ("open", *BUCKETS.values(), "overdue")
    put_table(title, columns, [_aging_cells(entry) for entry in aging], columns[1:])


def _aging_cells(entry: Mapping[str, Any]) -> Sequence[str]:
    from decimal import Decimal

    currency = entry["currency"]
    amounts = [Decimal(str(entry["buckets"][bucket]["amount"])) for bucket in BUCKETS]
    return (currency, *(money(amount, currency) for amount in (*amounts, sum(amounts[1:]))))


def history(
    organisation_id: OrganisationOfKey = None,
    side: OfSide = "receivables",
    months: Annotated[int, typer.Option(min=1, max=1_200, help="So many of the latest closed months.")] = 12,
    stack: Stack = None,
    url: Address = None,
    as_json: Json = False,
) -> None:
    """Closed months: what was overdue at each month's end, how it came about, and the control account."""
    body = open_book(organisation_id, stack, url).history(ledger_side(side), months)
    if as_json:
        put(body, True, "")
        return
    found = [(month["month"], entry) for month in body["months"] for entry in month["currencies"]]
    if not found:
        typer.echo("No month is closed yet.")
        return
    paid, rates = ("collected", ("DSO", "CEI")) if side == "receivables" else ("paid", ())
    titles = ("opening", "restated", "new", paid, "credited", "other", "closing", *rates)
    overdue = [(month, entry["currency"], *_overdue_cells(entry, paid)) for month, entry in found]
    put_table(f"Overdue {side} by month", ("month", "currency", *titles), overdue, titles)
    known = [(month, entry) for month, entry in found if entry["control"] is not None]
    if known:
        names = list(known[-1][1]["control"])
        control = [(month, entry["currency"], *_control_cells(entry)) for month, entry in known]
        put_table("Control account", ("month", "currency", *map(_words, names)), control, list(map(_words, names)))


def _overdue_cells(entry: Mapping[str, Any], paid: str) -> Sequence[str]:
    names = ("openingOverdue", "restated", "newlyOverdue", paid, "credited", "noLongerOverdue", "closingOverdue")
    amounts = [money(entry[name], entry["currency"]) for name in names]
    if "dso" not in entry:
        return amounts
    dso, cei = entry["dso"], entry["cei"]
    return (*amounts, "" if dso is None else f"{dso:.1f}", share(None if cei is None else cei / 100))


def _control_cells(entry: Mapping[str, Any]) -> Sequence[str]:
    return [money(amount, entry["currency"]) for amount in entry["control"].values()]


def _words(name: str) -> str:
    """A member's name in words: `closedByState` is "closed by state"."""
    return re.sub("(?=[A-Z])", " ", name).lower()


def escalations(
    organisation_id: OrganisationOfKey = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DAY|MOMENT", help="Recorded since, such as 2026-01-31 or 2026-01-31T09:30:00Z."),
    ] = None,
    tier: Annotated[str | None, typer.Option(help="Only moves to this tier.")] = None,
    customer: Annotated[str | None, typer.Option(help="Only this customer's: its UUID, or your own id of it.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many at most.")] = 100,
    stack: Stack = None,
    url: Address = None,
    as_json: Json = False,
) -> None:
    """Every tier that a customer has entered or left, the newest first."""
    from arrears.reports.tiers import TIERS

    if tier is not None and tier not in TIERS:
        raise typer.BadParameter(f"is not one of {', '.join(TIERS)}", param_hint="--tier")
    asked = EscalationFilter(_since(since), tier, customer, limit)
    body = open_book(organisation_id, stack, url).escalations(asked)
    if as_json:
        put(body, True, "")
        return
    rows = [_escalation_cells(one) for one in body["escalations"]]
    if not rows:
        typer.echo("No escalation is recorded.")
        return
    columns = ("crossed on", "customer", "currency", "from", "to", "days", "overdue", "recorded at")
    put_table("", columns, rows, ("days", "overdue"))


def _escalation_cells(one: Mapping[str, Any]) -> Sequence[str]:
    return (
        one["crossedOn"],
        one["customerId"],
        one["currency"],
        one["from"] or "",
        one["to"] or "",
        str(one["daysOverdue"]),
        money(one["totalOverdue"], one["currency"]),
        one["recordedAt"][:19] + "Z",
    )


def _since(text: str | None) -> str | None:
    """A day as it is; a moment in UTC, as records have it. Raises BadParameter for what is neither."""
    from arrears.ledger.days import day_text, parse_day

    if text is None:
        return None
    try:
        if len(text) == len("2026-01-31"):
            return day_text(parse_day(text))
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    except (ValueError, OverflowError):
        pass
    raise typer.BadParameter("is neither a date nor a moment with its offset", param_hint="--since")
