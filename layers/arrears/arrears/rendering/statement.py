"""A party's statement as JSON."""

from collections.abc import Iterable
from typing import Any

from arrears.ledger.days import day_text
from arrears.ledger.ids import outward_id
from arrears.ledger.ledger_side import Side
from arrears.ledger.money import major_number
from arrears.ledger.organisation import Organisation
from arrears.ledger.parties import Party
from arrears.rendering.party import bucket_amounts, party_body
from arrears.reports.statements import OPEN_ITEM, CurrencyStatement, Line


def statement_body(
    party: Party,
    organisation: Organisation,
    kind: str,
    first: int,
    last: int,
    statements: Iterable[CurrencyStatement],
) -> dict[str, Any]:
    """A statement: a section per currency, with the aging of the last day at its foot."""
    return {
        **party_body(party),
        "kind": kind,
        "from": None if kind == OPEN_ITEM else day_text(first),
        "to": day_text(last),
        "currencies": [_section(party, organisation, statement) for statement in statements],
    }


def _section(party: Party, organisation: Organisation, statement: CurrencyStatement) -> dict[str, Any]:
    currency = statement.currency
    return {
        "currency": currency,
        "opening": major_number(statement.opening, currency),
        "lines": [_line(party, organisation, line, currency) for line in statement.lines],
        "closing": major_number(statement.closing, currency),
        "buckets": bucket_amounts(statement.buckets, currency),
        "outstanding": major_number(statement.outstanding, currency),
        "unapplied": major_number(statement.unapplied, currency),
        "net": major_number(statement.outstanding - statement.unapplied, currency),
    }


def _line(party: Party, organisation: Organisation, line: Line, currency: str) -> dict[str, Any]:
    return {
        "date": day_text(line.day),
        "kind": line.kind,
        "detail": line.detail,
        "id": outward_id(organisation.id, _record_type(party, line), line.reference),
        "reference": line.reference,
        "number": line.number,
        "dueDate": None if line.due is None else day_text(line.due),
        "amount": major_number(line.amount, currency),
        "balance": major_number(line.balance, currency),
    }


def _record_type(party: Party, line: Line) -> str:
    for kind in ("payment", "credit"):
        if line.kind.startswith(kind):
            return kind
    return "invoice" if party.side is Side.RECEIVABLE else "bill"
