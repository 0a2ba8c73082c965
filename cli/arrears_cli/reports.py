"""Overdue receivables and payables, closed months and escalations; as JSON they are what the endpoints answer."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from arrears_cli.book import Book, EscalationFilter, Order, OverdueRequest, open_book
from arrears_cli.connection import Address, OrganisationOfKey, Stack
from arrears_cli.output import Csv, Json, money, put, put_csv, put_table, read_day, share

if TYPE_CHECKING:
    from arrears.ledger.ledger_side import Side
    from arrears.rendering.lines import Lines

AsOf = Annotated[str | None, typer.Option("--as-of", metavar="DAY", help="Day to look at, YYYY-MM-DD; today without.")]
_KNOWN_AT = "As it was known then: a moment such as 2026-06-30T18:00:00Z, or a day: its end."
KnownAt = Annotated[str | None, typer.Option("--known-at", metavar="MOMENT", help=_KNOWN_AT)]
KnownAtDay = Annotated[
    str | None,
    typer.Option("--known-at", metavar="MOMENT", help=f"{_KNOWN_AT} Without --as-of, as of that day."),
]
Sort = Annotated[
    Order, typer.Option("--sort", help="Rows of a currency by most days overdue, or by the largest overdue amount.")
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Show so many rows; sums cover the whole book.")]

Currency = Annotated[str | None, typer.Option(metavar="CODE", help="Only rows of this currency.")]
Tier = Literal["gentle", "firm", "final", "escalation"]
Urgency = Literal["low", "medium", "high", "critical"]
CustomerAction = Literal["wait", "send_reminder", "call_or_escalate"]
SupplierAction = Literal["wait", "schedule_payment", "confirm_or_reschedule"]

BUCKETS = {"current": "current", "d1To30": "1-30", "d31To60": "31-60", "d61To90": "61-90", "d90Plus": "over 90"}
"""Titles of the aging buckets, in order."""


class SideName(StrEnum):
    """A ledger side as it is typed."""

    RECEIVABLES = "receivables"
    PAYABLES = "payables"

    @property
    def of_ledger(self) -> "Side":
        """The side itself."""
        from arrears.ledger.ledger_side import Side

        return Side.PAYABLE if self is SideName.PAYABLES else Side.RECEIVABLE


SideOption = Annotated[SideName, typer.Option("--side", help="What is owed to the organisation, or what it owes.")]


def receivables(
    organisation_id: OrganisationOfKey = None,
    as_of: AsOf = None,
    customer: Annotated[str | None, typer.Option(help="Only this customer: its UUID, or your own id of it.")] = None,
    currency: Currency = None,
    tier: Annotated[Tier | None, typer.Option(help="Only rows of this tier.")] = None,
    action: Annotated[CustomerAction | None, typer.Option(help="Only rows with this action.")] = None,
    sort: Sort = "age",
    limit: Limit = None,
    include: Annotated[
        Literal["invoices"] | None, typer.Option(help="With each customer's overdue invoices; as CSV a line for each.")
    ] = None,
    known_at: KnownAtDay = None,
    stack: Stack = None,
    url: Address = None,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """Who owes the organisation, how late, and what to do next."""
    from arrears.ledger.ledger_side import Side
    from arrears.rendering.lines import overdue_customers

    day, included = read_day(as_of, "--as-of"), include is not None
    asked = OverdueRequest(
        day, sort, limit, read_id(customer, "--customer"), read_currency(currency), tier, action, included
    )
    book = open_book(organisation_id, stack, url, known_at)
    body = book.overdue(Side.RECEIVABLE, asked)
    if put_answer(body, overdue_customers(body, included), as_json, as_csv):
        return
    columns = (
        *("customer", "reference", "currency", "overdue", "to chase", "invoices", "oldest", "days"),
        *("tier", "action", "last reminder"),
    )
    _put_report(
        f"Receivables {as_of_text(body['asOf'], book)}",
        body,
        columns,
        [_customer_cells(row) for row in body["customers"]],
    )
    if included:
        _put_documents("customer", "invoice", body["customers"])


def _customer_cells(row: Mapping[str, Any]) -> Sequence[str]:
    return (
        row["customerName"],
        row["customerReference"],
        row["currency"],
        money(row["totalOverdue"], row["currency"]),
        money(row["amountToChase"], row["currency"]),
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
    supplier: Annotated[str | None, typer.Option(help="Only this supplier: its UUID, or your own id of it.")] = None,
    currency: Currency = None,
    urgency: Annotated[Urgency | None, typer.Option(help="Only rows of this urgency.")] = None,
    action: Annotated[SupplierAction | None, typer.Option(help="Only rows with this action.")] = None,
    sort: Sort = "age",
    limit: Limit = None,
    include: Annotated[
        Literal["bills"] | None, typer.Option(help="With each supplier's overdue bills; as CSV a line for each.")
    ] = None,
    known_at: KnownAtDay = None,
    stack: Stack = None,
    url: Address = None,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """Whom the organisation owes, how late, and what to do next."""
    from arrears.ledger.ledger_side import Side
    from arrears.rendering.lines import overdue_suppliers

    day, included = read_day(as_of, "--as-of"), include is not None
    asked = OverdueRequest(
        day, sort, limit, read_id(supplier, "--supplier"), read_currency(currency), urgency, action, included
    )
    book = open_book(organisation_id, stack, url, known_at)
    body = book.overdue(Side.PAYABLE, asked)
    if put_answer(body, overdue_suppliers(body, included), as_json, as_csv):
        return
    columns = (
        *("supplier", "reference", "currency", "overdue", "bills", "oldest", "days"),
        *("urgency", "action", "scheduled"),
    )
    _put_report(
        f"Payables {as_of_text(body['asOf'], book)}", body, columns, [_supplier_cells(row) for row in body["suppliers"]]
    )
    if included:
        _put_documents("supplier", "bill", body["suppliers"])


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


def read_currency(currency: str | None) -> str | None:
    """The code of a currency in capitals. Raises BadParameter for what is none."""
    from arrears.ledger.money import EXPONENTS

    if currency is not None and currency.upper() not in EXPONENTS:
        raise typer.BadParameter("is not a currency of ISO 4217, such as EUR", param_hint="--currency")
    return None if currency is None else currency.upper()


def read_id[Id: (str, str | None)](text: Id, option: str) -> Id:
    """An id as it is typed. Raises BadParameter for bytes that are no text."""
    try:
        (text or "").encode()
    except UnicodeEncodeError:
        raise typer.BadParameter("is not text in UTF-8", param_hint=option) from None
    return text


def as_of_text(day: str, book: Book) -> str:
    """Of which day a report is, and as known when, if not at present."""
    return f"as of {day}" + known_text(book)


def known_text(book: Book) -> str:
    """As known when a report is, to follow its title; nothing for the present."""
    return "" if book.known_at is None else f", as known at {book.known_at}"


def put_answer(body: Mapping[str, Any], lines: "Lines", as_json: bool, as_csv: bool) -> bool:
    """Prints an answer for programs; False where nothing is printed, as a person reads it."""
    if as_json and as_csv:
        raise typer.BadParameter("Give either --csv or --json.")
    if as_json:
        put(body, True, "")
    elif as_csv:
        put_csv(lines.columns, lines.rows)
    return as_json or as_csv


def _put_report(title: str, body: Mapping[str, Any], columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    _put_aging(title, body["aging"])
    if rows:
        put_table("", columns, rows, ("overdue", "to chase", "invoices", "bills", "days"))
        _put_filtered(body.get("filtered"), "invoices" if "invoices" in columns else "bills")
    else:
        typer.echo("Nothing is overdue." if "filtered" not in body else "Nothing that is overdue is like that.")


def _put_filtered(totals: Mapping[str, Any] | None, documents: str) -> None:
    """What all rows that pass the filters add up to, shown or not; nothing without a filter."""
    if totals is not None:
        sums = totals["overdueByCurrency"]
        rows = [(each["currency"], money(each["amount"], each["currency"]), str(each["count"])) for each in sums]
        put_table("What was asked for, in all", ("currency", "overdue", documents), rows, ("overdue", documents))


def _put_documents(party: str, kind: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """The overdue documents of each row."""
    columns = (party, kind, "reference", "issued on", "due on", "currency", "total", "outstanding", "disputed", "days")
    cells = [
        (
            row[f"{party}Name"],
            one["invoiceNumber"] or "",
            one[f"{kind}Reference"] or "",
            one["issuedOn"],
            one["dueDate"],
            row["currency"],
            *(money(one[name], row["currency"]) for name in ("totalAmount", "outstanding", "disputedAmount")),
            str(one["daysOverdue"]),
        )
        for row in rows
        for one in row[f"{kind}s"]
    ]
    if cells:
        put_table("", columns, cells, ("total", "outstanding", "disputed", "days"))


def _put_aging(title: str, aging: Sequence[Mapping[str, Any]]) -> None:
    if not aging:
        return
    columns = ("open", *BUCKETS.values(), "overdue", "on account", "net")
    put_table(title, columns, [_aging_cells(entry) for entry in aging], columns[1:])


def _aging_cells(entry: Mapping[str, Any]) -> Sequence[str]:
    from decimal import Decimal

    currency = entry["currency"]
    amounts = [Decimal(str(entry["buckets"][bucket]["amount"])) for bucket in BUCKETS]
    beside = (sum(amounts[1:]), entry["unapplied"]["amount"], entry["net"])
    return (currency, *(money(amount, currency) for amount in (*amounts, *beside)))


def history(
    organisation_id: OrganisationOfKey = None,
    side: SideOption = SideName.RECEIVABLES,
    months: Annotated[int, typer.Option(min=1, max=1_200, help="So many of the latest closed months.")] = 12,
    known_at: KnownAt = None,
    stack: Stack = None,
    url: Address = None,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """Closed months: what was overdue at each month's end and how it came about, and the control account."""
    from arrears.rendering.lines import closed_months, closed_payable_months

    book = open_book(organisation_id, stack, url, known_at)
    body = book.history(side.of_ledger, months)
    lines = closed_months(body) if side is SideName.RECEIVABLES else closed_payable_months(body)
    if put_answer(body, lines, as_json, as_csv):
        return
    entries = [(month["month"], entry) for month in body["months"] for entry in month["currencies"]]
    if not entries:
        typer.echo(f"No month is closed yet{known_text(book)}.")
        return
    paid = "collected" if side is SideName.RECEIVABLES else "paid"
    rates = ("DSO", "CEI") if side is SideName.RECEIVABLES else ()
    columns = ("month", "currency", "opening", "restated", "new", paid, "credited", "other", "closing", *rates)
    put_table(
        f"Overdue {side} by month{known_text(book)}",
        columns,
        [_month_cells(*entry, paid) for entry in entries],
        columns[2:],
    )
    _put_control(side, [(month, entry) for month, entry in entries if entry["control"] is not None])


def _month_cells(month: str, entry: Mapping[str, Any], paid: str) -> Sequence[str]:
    currency = entry["currency"]
    names = ("openingOverdue", "restated", "newlyOverdue", paid, "credited", "noLongerOverdue", "closingOverdue")
    return (month, currency, *(money(entry[name], currency) for name in names), *_rate_cells(entry))


def _rate_cells(entry: Mapping[str, Any]) -> Sequence[str]:
    """Days sales outstanding and collection effectiveness, which months of payables have not."""
    if "dso" not in entry:
        return ()
    dso, cei = entry["dso"], entry["cei"]
    return ("" if dso is None else f"{dso:.1f}", share(None if cei is None else cei / 100))


def _put_control(side: SideName, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """The roll-forward of the control account; months closed before it was kept have none."""
    if not entries:
        return
    names = tuple(entries[0][1]["control"])
    titles = [_words(name) for name in names]
    rows = [
        (month, entry["currency"], *(money(entry["control"][name], entry["currency"]) for name in names))
        for month, entry in entries
    ]
    put_table(f"Control account of {side} by month", ("month", "currency", *titles), rows, titles)


def _words(name: str) -> str:
    """A member's name in words; `unapplied` is money on account."""
    return "on account" if name == "unapplied" else re.sub("(?=[A-Z])", " ", name).lower()


def escalations(
    organisation_id: OrganisationOfKey = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DAY|MOMENT", help="Recorded since, such as 2026-01-31 or 2026-01-31T09:30:00Z."),
    ] = None,
    tier: Annotated[Tier | None, typer.Option(help="Only moves to this tier.")] = None,
    customer: Annotated[str | None, typer.Option(help="Only this customer's: its UUID, or your own id of it.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many at most.")] = 100,
    known_at: KnownAt = None,
    stack: Stack = None,
    url: Address = None,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """Every tier that a customer has entered or left, the newest first."""
    from arrears.rendering import lines

    asked = EscalationFilter(_since(since), tier, read_id(customer, "--customer"), limit)
    book = open_book(organisation_id, stack, url, known_at)
    body = book.escalations(asked)
    if put_answer(body, lines.escalations(body), as_json, as_csv):
        return
    rows = [_escalation_cells(one) for one in body["escalations"]]
    if not rows:
        typer.echo(f"No escalation is recorded{known_text(book)}.")
        return
    columns = ("crossed on", "customer", "currency", "from", "to", "days", "overdue", "recorded at")
    put_table("" if book.known_at is None else f"Escalations{known_text(book)}", columns, rows, ("days", "overdue"))


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
