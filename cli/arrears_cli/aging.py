"""Everything open or on account, as tables in the terminal; as JSON and CSV it is what the endpoints answer."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from arrears_cli.book import open_book
from arrears_cli.connection import Address, OrganisationOfKey, Stack
from arrears_cli.output import Csv, Json, money, put_table, read_day
from arrears_cli.reports import BUCKETS, AsOf, KnownAtDay, Limit, SideName, SideOption, as_of_text, put_answer

if TYPE_CHECKING:
    from arrears.ledger.ledger_side import Side
    from arrears.rendering.lines import Lines

By = Literal["customer", "supplier", "document"]

_TEXTS = {"customer", "supplier", "reference", "number", "currency", "issued", "due", "tier", "urgency", "state"}


def aging(
    organisation_id: OrganisationOfKey = None,
    side: SideOption = SideName.RECEIVABLES,
    by: Annotated[By | None, typer.Option(help="A row for each of these; without: customer or supplier.")] = None,
    as_of: AsOf = None,
    limit: Limit = None,
    known_at: KnownAtDay = None,
    stack: Stack = None,
    url: Address = None,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """Everything open or on account, what is not due yet included."""
    asked = side.of_ledger
    party, day = _party(asked, by), read_day(as_of, "--as-of")
    book = open_book(organisation_id, stack, url, known_at)
    body = book.aging(asked, by or party, day, limit)
    if not put_answer(body, _lines(body, asked, by or party), as_json, as_csv):
        _put_tables(f"{side.title()} {as_of_text(body['asOf'], book)}", body, party, by or party)


def _party(side: "Side", by: By | None) -> str:
    """Whom the side is about. Raises BadParameter for rows that it does not have."""
    from arrears.rendering.aged_list import BY_DOCUMENT, BY_PARTY

    party = BY_PARTY[side]
    if by not in (None, party, BY_DOCUMENT):
        raise typer.BadParameter(f"is not one of {party}, {BY_DOCUMENT} on this side", param_hint="--by")
    return party


def _lines(body: Mapping[str, Any], side: "Side", by: str) -> "Lines":
    from arrears.rendering import lines
    from arrears.rendering.aged_list import BY_DOCUMENT, BY_PARTY, DOCUMENTS

    party = BY_PARTY[side]
    return lines.aged_documents(body, DOCUMENTS[side], party) if by == BY_DOCUMENT else lines.aged_parties(body, party)


def _put_tables(title: str, body: Mapping[str, Any], party: str, by: str) -> None:
    rows = body[f"{by}s"]
    if not rows:
        typer.echo(" ".join(["Nothing is open or on account.", *_waiting(body["totals"])]))
        return
    balances = [_balance_cells(entry) for entry in body["aging"]]
    _put(title, balances)
    cells = [_document_cells(row, party) for row in rows] if by == "document" else [_cells(row, party) for row in rows]
    _put("", cells)


def put_documents_table(title: str, body: Mapping[str, Any], party: str) -> None:
    """A table of the rows of an aged list by document."""
    if not body["documents"]:
        typer.echo("Nothing is open.")
        return
    _put(title, [_document_cells(row, party) for row in body["documents"]])


def _waiting(totals: Mapping[str, Any]) -> list[str]:
    """What waits for approval, where nothing else is there to show it beside."""
    sums = totals.get("notPayableByCurrency")
    if not sums:
        return []
    amounts = [f"{_money(entry['amount'], entry['currency'])} {entry['currency']}" for entry in sums]
    return [f"{', '.join(amounts)} waits for approval."]


def _put(title: str, rows: Sequence[Mapping[str, str]]) -> None:
    """A table of rows by column; amounts and numbers are aligned right."""
    columns = list(rows[0])
    numeric = [column for column in columns if column not in _TEXTS]
    put_table(title, columns, [list(row.values()) for row in rows], numeric)


def _balance_cells(entry: Mapping[str, Any]) -> dict[str, str]:
    currency = entry["currency"]
    cells = {"currency": currency}
    cells |= {name: _money(entry["buckets"][bucket]["amount"], currency) for bucket, name in BUCKETS.items()}
    return {**cells, **_sums(entry, entry["unapplied"]["amount"]), **_not_payable(entry)}


def _cells(row: Mapping[str, Any], party: str) -> dict[str, str]:
    currency, level = row["currency"], "tier" if party == "customer" else "urgency"
    cells = {party: row[f"{party}Name"], "reference": row[f"{party}Reference"] or "", "currency": currency}
    cells |= {name: _money(row["buckets"][bucket], currency) for bucket, name in BUCKETS.items()}
    cells |= {**_sums(row, row["unapplied"]), "days": str(row["daysOverdue"] or ""), level: row[level] or ""}
    if party == "customer":
        return {**cells, "credit left": _money(row["creditAvailable"], currency)}
    return {**cells, **_not_payable(row)}


def _sums(row: Mapping[str, Any], unapplied: object) -> dict[str, str]:
    currency = row["currency"]
    return {
        "open": _money(row["outstanding"], currency),
        "on account": _money(unapplied, currency),
        "net": _money(row["net"], currency),
    }


def _not_payable(row: Mapping[str, Any]) -> dict[str, str]:
    if "notPayable" not in row:
        return {}
    return {"to approve": _money(row["notPayable"]["amount"], row["currency"])}


def _document_cells(row: Mapping[str, Any], party: str) -> dict[str, str]:
    currency, document = row["currency"], "invoice" if party == "customer" else "bill"
    cells = {
        "reference": row[f"{document}Reference"] or "",
        "number": row["invoiceNumber"] or "",
        party: row[f"{party}Name"],
        "currency": currency,
        "issued": row["issuedOn"],
        "due": row["dueDate"] or "",
        "total": _money(row["totalAmount"], currency),
        "open": _money(row["outstanding"], currency),
        "days": str(row["daysOverdue"]) if row["daysOverdue"] > 0 else "",
        "disputed": _money(row["disputedAmount"], currency) if row["disputed"] else "",
    }
    return {**cells, "state": row["state"]} if document == "bill" else cells


def _money(amount: object, currency: str) -> str:
    """An amount; nothing for none."""
    return "" if amount is None else money(amount, currency)
