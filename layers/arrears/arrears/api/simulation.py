"""What is asked of a simulation: a policy to try, the day, and which page of the rows that would differ."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Any, NamedTuple

from arrears.api import dolfin
from arrears.api.errors import INVALID_ENVELOPE, INVALID_PARAMETER, INVALID_POLICY
from arrears.api.http import Body, Page, Request
from arrears.api.json_body import body_text, decoded
from arrears.api.known_at import KNOWN_AT
from arrears.api.listing import FORMAT, csv_page
from arrears.ledger.errors import ArrearsError
from arrears.ledger.ledger_side import Side
from arrears.ledger.money import EXPONENTS, read_amount, to_minor
from arrears.ledger.organisation import Organisation
from arrears.ledger.policy import Policy
from arrears.rendering.policy_preview import preview_body, preview_lines
from arrears.reports.policy_preview import PolicyPreview

_MOMENTS = ("asOf", KNOWN_AT)
"""Members of the body that mean what the parameters of these names mean elsewhere."""


class SimulationBody(NamedTuple):
    """What is asked for. changes: of the policy. asked: the request with the body's moments among its parameters."""

    changes: Mapping[str, Any]
    asked: Request

    @classmethod
    def read(cls, request: Request) -> "SimulationBody":
        """Reads query and body. Raises an error for what cannot be used."""
        dolfin.check_parameters(request, ("limit", "cursor", FORMAT))
        body = _members(decoded(body_text(request)))
        given = {name: [_text(body[name], name)] for name in _MOMENTS if body.get(name) is not None}
        return cls(body["policy"], replace(request, query={**request.query, **given}))


class SimulationQuery(NamedTuple):
    """report: the day and the page. proposed: the policy as of then, with what the body changes."""

    report: dolfin.ReportQuery
    proposed: Policy

    @classmethod
    def read(cls, body: SimulationBody, organisation: Organisation, today: int) -> "SimulationQuery":
        """What to work out. Raises an error for what cannot be used; a cursor goes on with its own policy only."""
        proposed = _proposed(body.changes, organisation.policy)
        report = dolfin.ReportQuery.read(body.asked, organisation, today, {"policy": _digest(proposed)})
        return cls(report, proposed)

    def answer(self, preview: PolicyPreview, side: Side) -> Body | Page:
        """The comparison with a page of its differences, in the format that was asked for."""
        page, next_cursor = self.report.page(preview.differences, attrgetter("reference.sort_key"))
        body = preview_body(preview, side, page, next_cursor)
        return csv_page(*preview_lines(body, side), next_cursor) if self.report.as_csv else body


def _members(body: Any) -> Mapping[str, Any]:
    """The body's members. Raises an error for others than it may have."""
    known = {"policy", *_MOMENTS}
    if not isinstance(body, dict) or not isinstance(body.get("policy"), dict) or not body.keys() <= known:
        raise ArrearsError(
            INVALID_ENVELOPE,
            "The body must be an object with the parts of the policy to try, asOf if the day is not today, knownAt if "
            'the moment is not now: {"policy": {"firm_from_days": 10}, "asOf": "2020-06-30"}, and nothing else.',
        )
    return body


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise ArrearsError(INVALID_PARAMETER, f"{name} is not a text such as 2020-06-30.", name)
    return value


def _proposed(changes: Mapping[str, Any], policy: Policy) -> Policy:
    """The policy with changes. Raises an error that names the part that cannot be used."""
    try:
        minimums = {"minimums": _minimums(changes["minimums"])} if "minimums" in changes else {}
        return policy.validated({**changes, **minimums})
    except ValueError as error:
        raise ArrearsError(INVALID_POLICY, f"The policy cannot be used: {error}.", "policy") from None


def _minimums(given: Any) -> Any:
    """Minor units of amounts in major units, by currency; what is no such thing stays for the policy to refuse."""
    if not isinstance(given, dict) or not given.keys() <= EXPONENTS.keys():
        return given
    return {currency: _minor(amount, currency) for currency, amount in given.items()}


def _minor(amount: Any, currency: str) -> int:
    """Raises ValueError for what is no amount of the currency."""
    try:
        minor = to_minor(read_amount(amount), currency)
    except ValueError as error:
        raise ValueError(f"minimums: {currency} {error}") from None
    if minor is None:
        raise ValueError(f"minimums: {currency} has at most {EXPONENTS[currency]} decimals")
    if minor < 0:
        raise ValueError(f"minimums: {currency} must not be below 0")
    return minor


def _digest(policy: Policy) -> str:
    """The same for policies that are the same."""
    return hashlib.sha256(json.dumps(policy.to_json(), sort_keys=True).encode()).hexdigest()[:16]
