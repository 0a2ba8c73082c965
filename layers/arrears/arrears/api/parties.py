"""The parameters of a party's page and statement."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from arrears.api import dolfin
from arrears.api.errors import ANSWER_TOO_LARGE, INVALID_PARAMETER, NOT_FOUND
from arrears.api.http import Request
from arrears.api.known_at import KNOWN_AT
from arrears.api.listing import FORMAT, wants_csv
from arrears.ledger.days import day_text, parse_day
from arrears.ledger.errors import ArrearsError
from arrears.ledger.ledger_side import Side
from arrears.ledger.money import EXPONENTS
from arrears.ledger.organisation import Organisation
from arrears.ledger.parties import Party
from arrears.reports.party_reading import PartyReader, StatementTooLarge, read_statement
from arrears.reports.statements import ACTIVITY, KINDS, CurrencyStatement, month_start

DEFAULT_LIMIT = 100
"""Open documents in a page where nobody says how many."""
MAX_STATEMENT = 20_000
"""Documents or lines of a statement that fit into an answer."""

type FindParty = Callable[[Organisation, Side, str], Party | None]


def found(find: FindParty, organisation: Organisation, side: Side, id: str) -> Party:
    """The party of an id. Raises an error when there is none."""
    party = find(organisation, side, id)
    if party is None:
        who = "customer" if side is Side.RECEIVABLE else "supplier"
        raise ArrearsError(NOT_FOUND, f"There is no {who} with this id.")
    return party


def read_page_query(request: Request, organisation: Organisation, today: int) -> dolfin.ReportQuery:
    """What is asked of a party's page. Raises an error for what cannot be used.

    The reference of each document is in its own item: so a page has some of them, also where no limit is asked for.
    """
    query = dolfin.ReportQuery.read(request, organisation, today)
    return query if query.limit else replace(query, limit=DEFAULT_LIMIT)


@dataclass(frozen=True, slots=True)
class StatementQuery:
    """What is asked of a statement: its kind, its days, and one currency or all, and its format."""

    kind: str
    first: int
    last: int
    currency: str | None
    as_csv: bool

    @classmethod
    def read(cls, request: Request, today: int) -> "StatementQuery":
        """Reads kind, from, to and currency. Raises an error for what cannot be used."""
        dolfin.check_parameters(request, ("from", "to", "kind", "currency", KNOWN_AT, FORMAT))
        kind, currency = request.last("kind") or ACTIVITY, request.last("currency")
        if kind not in KINDS:
            raise ArrearsError(INVALID_PARAMETER, f"kind is not one of {', '.join(KINDS)}.", "kind")
        if currency is not None and currency.upper() not in EXPONENTS:
            raise ArrearsError(INVALID_PARAMETER, "currency is not a currency of ISO 4217, such as EUR.", "currency")
        to = _day(request, "to")
        last = today if to is None else to
        start = _day(request, "from")
        first = month_start(last) if start is None else start
        if first > last:
            raise ArrearsError(INVALID_PARAMETER, f"from is after to, which is {day_text(last)}.", "from")
        return cls(kind, first, last, None if currency is None else currency.upper(), wants_csv(request))


def read_sections(
    reader: PartyReader, organisation: Organisation, party: Party, query: StatementQuery
) -> list[CurrencyStatement]:
    """The sections of the statement that is asked for. Raises an error for one that is too large for an answer."""
    first, last, currency = query.first, query.last, query.currency
    try:
        return read_statement(reader, organisation, party, query.kind, first, last, currency, MAX_STATEMENT)
    except StatementTooLarge:
        raise ArrearsError(
            ANSWER_TOO_LARGE,
            f"The statement has more than {MAX_STATEMENT:,} documents or lines; ask for fewer days, or use "
            "`arrears statement`, which has no limit.",
        ) from None


def _day(request: Request, name: str) -> int | None:
    text = request.last(name)
    try:
        return None if text is None else parse_day(text)
    except ValueError as error:
        raise ArrearsError(INVALID_PARAMETER, f"{name} {error}.", name) from None
