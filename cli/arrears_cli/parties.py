"""One customer or supplier in the terminal: its page and its statement; as JSON they are what the endpoints answer."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, override

import typer
from typer.core import TyperGroup

from arrears_cli.book import StatementRequest, open_book
from arrears_cli.connection import Address, OrganisationOfKey, Stack
from arrears_cli.output import Csv, Json, money, put_table, read_day, say
from arrears_cli.reports import (
    BUCKETS,
    AsOf,
    KnownAt,
    KnownAtDay,
    SideName,
    SideOption,
    as_of_text,
    known_text,
    put_answer,
    read_currency,
    read_id,
)


class Kind(StrEnum):
    """The kinds of a statement as they are typed."""

    ACTIVITY = "activity"
    OPEN_ITEM = "open_item"


class ShowByDefault(TyperGroup):
    """A group whose command `show` needs no name: `arrears customer C-17` is `arrears customer show C-17`."""

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = not args or args[0] in self.commands or args[0] in ctx.help_option_names
        return super().parse_args(ctx, args if named else ["show", *args])


CustomerId = Annotated[str, typer.Argument(metavar="ID", help="The customer: your own id of it, or its UUID.")]
SupplierId = Annotated[
    str, typer.Argument(metavar="ID", help="The supplier: your own id of it, its UUID, or its name if it has no id.")
]
PartyId = Annotated[str, typer.Argument(metavar="ID", help="The customer or supplier: your own id of it, or its UUID.")]


def customer(
    customer_id: CustomerId,
    organisation_id: OrganisationOfKey = None,
    as_of: AsOf = None,
    known_at: KnownAtDay = None,
    stack: Stack = None,
    url: Address = None,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """Everything known of a customer: balances, open invoices, money on account, promises, disputes, reminders."""
    from arrears.ledger.ledger_side import Side
    from arrears.rendering import lines

    day = read_day(as_of, "--as-of")
    book = open_book(organisation_id, stack, url, known_at)
    body = book.party(Side.RECEIVABLE, read_id(customer_id, "ID"), day)
    if put_answer(body, lines.open_invoices(body), as_json, as_csv):
        return
    _put_balances(
        body,
        f"{body['customerName']} {as_of_text(body['asOf'], book)}",
        ("tier", "suggestedAction", "creditLimit", "creditAvailable"),
    )
    _put_documents(body["openInvoices"], "invoice")
    _put_on_account(body["onAccount"])
    _put_promises(body["promises"])
    _put_disputes(body["disputes"], "invoice")
    reminders = [
        (one["reminderId"], one["sentAt"], ", ".join(one["invoiceReferences"] or ["all invoices"]))
        for one in body["reminders"]
    ]
    _put_if_any("Reminders", ("id", "sent", "about"), reminders)
    _say_truncated(body)


def supplier(
    supplier_id: SupplierId,
    organisation_id: OrganisationOfKey = None,
    as_of: AsOf = None,
    known_at: KnownAtDay = None,
    stack: Stack = None,
    url: Address = None,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """Everything known of a supplier: balances, open bills, money on account, disputes."""
    from arrears.ledger.ledger_side import Side
    from arrears.rendering import lines

    day = read_day(as_of, "--as-of")
    book = open_book(organisation_id, stack, url, known_at)
    body = book.party(Side.PAYABLE, read_id(supplier_id, "ID"), day)
    if put_answer(body, lines.open_bills(body), as_json, as_csv):
        return
    _put_balances(
        body,
        f"{body['supplierName']} {as_of_text(body['asOf'], book)}",
        ("urgency", "suggestedAction", "scheduledPaymentDate"),
    )
    _put_documents(body["openBills"], "bill")
    _put_on_account(body["onAccount"])
    _put_disputes(body["disputes"], "bill")
    _say_truncated(body)


def statement(
    party_id: PartyId,
    organisation_id: OrganisationOfKey = None,
    side: SideOption = SideName.RECEIVABLES,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="First day; the first of the month of --to without.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day; today without.")] = None,
    kind: Annotated[Kind, typer.Option(help="What moved the balance, or what is open at the end.")] = Kind.ACTIVITY,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="Only this currency.")] = None,
    known_at: KnownAt = None,
    stack: Stack = None,
    url: Address = None,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """The statement of a customer or supplier: opening balance, movements, closing balance and aging."""
    from arrears.ledger.days import day_text
    from arrears.rendering import lines

    first, last = read_day(since, "--from"), read_day(to, "--to")
    if first is not None and last is not None and first > last:
        raise typer.BadParameter(f"is after --to, which is {day_text(last)}", param_hint="--from")
    asked = StatementRequest(kind, first, last, read_currency(currency))
    book = open_book(organisation_id, stack, url, known_at)
    body = book.statement(side.of_ledger, read_id(party_id, "ID"), asked)
    if put_answer(body, lines.statement(body), as_json, as_csv):
        return
    name = body["customerName" if side is SideName.RECEIVABLES else "supplierName"]
    for section in body["currencies"]:
        _put_section(name, f"{_days_text(body)}{known_text(book)}", body, section)
    if not body["currencies"]:
        typer.echo("There is no balance and no movement.")


def _say_truncated(body: Mapping[str, Any]) -> None:
    from arrears.reports.party_reading import MAX_LISTED

    for name in body["truncated"]:
        say(f"`{name}` has more than the {MAX_LISTED:,} entries that are shown.")


def _put_if_any(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[str] = ()) -> None:
    if rows:
        put_table(title, columns, rows, numeric)


def _put_balances(body: Mapping[str, Any], title: str, members: Sequence[str]) -> None:
    amounts = ("outstanding", "unapplied", "net", "creditLimit", "creditAvailable")
    titles = {"suggestedAction": "action", "scheduledPaymentDate": "scheduled"}
    titles |= {"creditLimit": "limit", "creditAvailable": "available"}

    def cell(balance: Mapping[str, Any], member: str) -> str:
        value = balance[member]
        if value is None:
            return ""
        return money(value, balance["currency"]) if member in amounts else str(value).replace("_", " ")

    columns = ("currency", *BUCKETS.values(), "outstanding", "on account", "net", "days")
    rows = [
        (
            balance["currency"],
            *(money(balance["buckets"][bucket], balance["currency"]) for bucket in BUCKETS),
            *(money(balance[member], balance["currency"]) for member in amounts[:3]),
            str(balance["daysOverdue"] or ""),
            *(cell(balance, member) for member in members),
        )
        for balance in body["balances"]
    ]
    extra = tuple(titles.get(member, member) for member in members)
    if rows:
        put_table(title, (*columns, *extra), rows, (*columns[1:], "limit", "available"))
    else:
        typer.echo(f"{title}: nothing is open or on account.")


def _put_documents(documents: Sequence[Mapping[str, Any]], kind: str) -> None:
    columns = (kind, "number", "issued", "due", "currency", "total", "applied", "outstanding", "days", "disputed")
    rows = [
        (
            one[f"{kind}Reference"],
            one["invoiceNumber"] or "",
            one["issuedOn"],
            one["dueDate"] or "",
            one["currency"],
            *(money(one[member], one["currency"]) for member in ("totalAmount", "applied", "outstanding")),
            str(one["daysOverdue"]),
            money(one["disputedAmount"], one["currency"]) if one["disputedAmount"] else "",
        )
        for one in documents
    ]
    _put_if_any(f"Open {kind}s", columns, rows, ("total", "applied", "outstanding", "days", "disputed"))


def _put_on_account(items: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        (
            one["kind"].replace("_", " "),
            one["reference"],
            one["number"] or "",
            one["date"] or "",
            one["currency"],
            money(one["amount"], one["currency"]),
        )
        for one in items
    ]
    _put_if_any("On account", ("kind", "id", "number", "day", "currency", "amount"), rows, ("amount",))


def _put_promises(promises: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        (
            one["promiseId"],
            one["madeOn"],
            one["promisedOn"],
            one["currency"],
            "all" if one["amount"] is None else money(one["amount"], one["currency"]),
            money(one["lacking"], one["currency"]),
            one["status"],
        )
        for one in promises
    ]
    columns = ("id", "made", "for", "currency", "amount", "lacking", "status")
    _put_if_any("Promises", columns, rows, ("amount", "lacking"))


def _put_disputes(disputes: Sequence[Mapping[str, Any]], kind: str) -> None:
    rows = [
        (
            one["disputeId"],
            one[f"{kind}Reference"],
            one["openedOn"],
            one["resolvedOn"] or "",
            one["outcome"] or "",
            "all" if one["amount"] is None else money(one["amount"], one["currency"]),
            one["reason"] or "",
        )
        for one in disputes
    ]
    columns = ("id", kind, "opened", "resolved", "outcome", "amount", "reason")
    _put_if_any("Disputes", columns, rows, ("amount",))


def _days_text(body: Mapping[str, Any]) -> str:
    return f"as of {body['to']}" if body["from"] is None else f"from {body['from']} to {body['to']}"


def _put_section(name: str, days: str, body: Mapping[str, Any], section: Mapping[str, Any]) -> None:
    currency = section["currency"]
    rows = [
        (
            line["date"],
            " ".join(filter(None, (line["kind"], line["detail"]))).replace("_", " "),
            line["reference"],
            line["number"] or "",
            money(line["amount"], currency),
            money(line["balance"], currency),
        )
        for line in section["lines"]
    ]
    if body["from"] is not None:
        rows.insert(0, (body["from"], "opening", "", "", "", money(section["opening"], currency)))
    rows.append((body["to"], "closing", "", "", "", money(section["closing"], currency)))
    put_table(
        f"{name}: {currency}, {days}", ("day", "kind", "id", "number", "amount", "balance"), rows, ("amount", "balance")
    )
    amounts = [*(section["buckets"][bucket] for bucket in BUCKETS), section["unapplied"], section["net"]]
    columns = (*BUCKETS.values(), "on account", "net")
    put_table("", columns, [[money(amount, currency) for amount in amounts]], columns)
