"""The parameter `knownAt`: the answer as it would have been given at a past moment."""

from datetime import datetime

from arrears.api.errors import INVALID_PARAMETER
from arrears.api.http import Request
from arrears.ledger.errors import ArrearsError
from arrears.ledger.known_at import NotKnownThen, instant_text, parse_known_at
from arrears.ledger.organisation import Organisation

KNOWN_AT = "knownAt"
HEADER = "X-Arrears-Known-At"


def read_known_at(
    request: Request, organisation: Organisation, now: datetime, text: str | None = None
) -> datetime | None:
    """The moment of which the answer is to be, None for the present; the answer has it in a header.

    text: what a body or a cursor asks for; None: what the query does. Raises an error for what cannot be used.
    """
    asked = request.last(KNOWN_AT) if text is None else text
    if asked is None:
        return None
    try:
        instant = parse_known_at(asked, organisation, now)
    except ValueError as error:
        first = error.first if isinstance(error, NotKnownThen) else None
        members = {} if first is None else {"firstMoment": instant_text(first)}
        raise ArrearsError(INVALID_PARAMETER, f"{KNOWN_AT} {error}.", KNOWN_AT, members=members) from None
    request.answer_headers[HEADER] = instant_text(instant)
    return instant


def known_moment(request: Request) -> str | None:
    """The moment that `read_known_at` has found in a request, as its answer names it; None: the present."""
    return request.answer_headers.get(HEADER)
