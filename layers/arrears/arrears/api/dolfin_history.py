"""The Dolfin contract for closed months and escalations: their parameters, pages and bodies."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from arrears.api import dolfin
from arrears.api.cursor import seal, unseal
from arrears.api.errors import INVALID_CURSOR, INVALID_PARAMETER
from arrears.api.http import Request
from arrears.api.known_at import KNOWN_AT, known_moment
from arrears.api.listing import FORMAT
from arrears.ledger.days import day_text, parse_day
from arrears.ledger.errors import ArrearsError
from arrears.ledger.ids import is_uuid
from arrears.ledger.known_at import instant_text, parse_instant
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.reports.tiers import TIERS

if TYPE_CHECKING:
    from arrears.reports.month_explanation import Explanation

MAX_MONTHS = 1_200
DEFAULT_MONTHS = 12
MAX_LIMIT = 1_000
DEFAULT_LIMIT = 100
EXPLAIN = "explain"
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)


def read_months(request: Request) -> int:
    """How many months are asked for. Raises an error for what cannot be used."""
    dolfin.check_parameters(request, ("months", EXPLAIN, KNOWN_AT, FORMAT))
    return dolfin.read_number(request, "months", MAX_MONTHS) or DEFAULT_MONTHS


def read_explained(request: Request) -> str | None:
    """The month (YYYY-MM) that is to be explained, if one is. Raises an error for what cannot be used."""
    if EXPLAIN not in request.query:
        return None
    dolfin.check_parameters(request, (EXPLAIN, KNOWN_AT))
    month = request.last(EXPLAIN) or ""
    if not _MONTH.fullmatch(month):
        raise ArrearsError(INVALID_PARAMETER, f"{EXPLAIN} is not a month of the form YYYY-MM.", EXPLAIN)
    return month


def explanation(
    explain: "Callable[[Organisation, str, Side, datetime], Explanation]",
    organisation: Organisation,
    month: str,
    side: Side,
    now: datetime,
) -> dict[str, Any]:
    """The answer that explains a month, as known at `now`. explain: works it out.

    Raises an error for a month that cannot be explained.
    """
    from arrears.rendering.explanation import explanation_body
    from arrears.reports.month_explanation import NotExplained

    try:
        return explanation_body(explain(organisation, month, side, now), side)
    except NotExplained as error:
        members = {} if error.first is None else {"firstMoment": instant_text(error.first)}
        raise ArrearsError(INVALID_PARAMETER, f"{error}.", EXPLAIN, members=members) from None


@dataclass(frozen=True, slots=True)
class EscalationQuery:
    """What escalations are asked for. since, known_at: on recordedAt, as it is stored, the first and the last moment.

    after: where the page before ended.
    """

    organisation: Organisation
    path: str
    since: str
    tier: str | None
    customer: str | None
    limit: int
    known_at: str | None
    after: str | None

    @classmethod
    def read(cls, request: Request, organisation: Organisation) -> "EscalationQuery":
        """Reads since, tier, customerId, limit and cursor; see dolfin.read_known_at for the moment.

        Raises an error for what cannot be used.
        """
        dolfin.check_parameters(request, ("since", "tier", "customerId", "limit", "cursor", KNOWN_AT, FORMAT))
        since, tier, customer = _since(request), dolfin.read_choice(request, "tier", TIERS), _customer(request)
        limit = dolfin.read_number(request, "limit", MAX_LIMIT) or DEFAULT_LIMIT
        query = cls(organisation, request.path, since, tier, customer, limit, known_moment(request), None)
        sealed = request.last("cursor")
        if sealed is None:
            return query
        cursor = unseal(organisation, request.path, sealed)
        *filters, after = cursor[:4]
        if [*filters, dolfin.pinned_moment(cursor)] != [since, tier, customer, query.known_at]:
            raise ArrearsError(INVALID_CURSOR, "The cursor continues an answer to other filters.", "cursor")
        return replace(query, after=after)

    def answer(self, records: list[dict[str, Any]], after: str | None) -> dict[str, Any]:
        """A page of records, and where to go on."""
        more = None
        if after is not None:
            position = [self.since, self.tier, self.customer, after]
            pinned = [] if self.known_at is None else [{KNOWN_AT: self.known_at}]
            more = seal(self.organisation, self.path, [*position, *pinned])
        return {"escalations": records, "nextCursor": more}


def _since(request: Request) -> str:
    text = request.last("since")
    if text is None:
        return ""
    try:
        instant = parse_instant(text)
        return day_text(parse_day(text)) if instant is None else instant_text(instant)
    except (ValueError, OverflowError):
        raise ArrearsError(INVALID_PARAMETER, "since is neither a moment (RFC 3339) nor a date.", "since") from None


def _customer(request: Request) -> str | None:
    customer = request.last("customerId")
    if customer is not None and not is_uuid(customer):
        raise ArrearsError(INVALID_PARAMETER, "customerId is not a UUID.", "customerId")
    return None if customer is None else customer.lower()
