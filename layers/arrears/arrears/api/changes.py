"""The parameters and pages of the change log."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from arrears.api import dolfin
from arrears.api.cursor import seal, unseal
from arrears.api.errors import INVALID_CURSOR, INVALID_PARAMETER
from arrears.api.http import Request
from arrears.api.listing import FORMAT
from arrears.ledger.changes import CHANGE_TYPES, ChangeFilter
from arrears.ledger.errors import ArrearsError
from arrears.ledger.ids import outward_id
from arrears.ledger.known_at import parse_bound
from arrears.ledger.organisation import Organisation

MAX_LIMIT = 1_000
DEFAULT_LIMIT = 100
_PARAMETERS = ("since", "until", "type", "id", "customerId", "supplierId", "importId", "limit", "cursor", FORMAT)


@dataclass(frozen=True, slots=True)
class ChangesQuery:
    """Which changes are asked for. first, last: moments, both included. after: where the page before ended."""

    organisation: Organisation
    path: str
    filter: ChangeFilter
    first: int
    last: int | None
    limit: int
    after: list[Any] | None

    @classmethod
    def read(cls, request: Request, organisation: Organisation) -> "ChangesQuery":
        """Reads the parameters. Raises an error for what cannot be used."""
        dolfin.check_parameters(request, _PARAMETERS)
        first = _moment(request, organisation, "since", end=False) or 0
        last = _moment(request, organisation, "until", end=True)
        kind = dolfin.read_choice(request, "type", CHANGE_TYPES)
        asked = ChangeFilter(kind, request.last("id"), _party(request, organisation), request.last("importId"))
        limit = dolfin.read_number(request, "limit", MAX_LIMIT) or DEFAULT_LIMIT
        after, cursor = None, request.last("cursor")
        if cursor is not None:
            *filters, after = unseal(organisation, request.path, cursor)
            if filters != [first, last, *asked]:
                raise ArrearsError(INVALID_CURSOR, "The cursor continues an answer to other filters.", "cursor")
        return cls(organisation, request.path, asked, first, last, limit, after)

    def answer(self, changes: Iterable[Mapping[str, Any]], after: Iterable[Any] | None) -> dict[str, Any]:
        """A page of changes, and where to go on."""
        cursor = None
        if after is not None:
            cursor = seal(self.organisation, self.path, [self.first, self.last, *self.filter, list(after)])
        return {"changes": list(changes), "nextCursor": cursor}


def _moment(request: Request, organisation: Organisation, name: str, end: bool) -> int | None:
    text = request.last(name)
    if text is None:
        return None
    try:
        return parse_bound(text, organisation, end)
    except ValueError as error:
        raise ArrearsError(INVALID_PARAMETER, f"{name} {error}.", name) from None


def _party(request: Request, organisation: Organisation) -> str | None:
    """The account key of the customer or supplier that is asked for."""
    customer, supplier = request.last("customerId"), request.last("supplierId")
    if customer is not None and supplier is not None:
        raise ArrearsError(INVALID_PARAMETER, "customerId and supplierId are both given; give one.", "supplierId")
    if customer is not None:
        return "c" + outward_id(organisation.id, "customer", customer)
    return None if supplier is None else "s" + outward_id(organisation.id, "supplier", supplier)
