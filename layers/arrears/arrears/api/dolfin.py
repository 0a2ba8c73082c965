"""The Dolfin contract: API keys, and the parameters and pages of the overdue reports."""

import bisect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from arrears.api import known_at, problem
from arrears.api.cursor import seal, unseal
from arrears.api.errors import INVALID_CURSOR, INVALID_PARAMETER, UNKNOWN_PARAMETER
from arrears.api.http import Endpoint, Request, bearer_tokens
from arrears.api.known_at import KNOWN_AT, known_moment
from arrears.api.listing import FORMAT, wants_csv
from arrears.ledger.caller import Caller, Scope
from arrears.ledger.days import day_text, parse_day
from arrears.ledger.errors import FORBIDDEN, UNAUTHORISED, ArrearsError
from arrears.ledger.organisation import Organisation
from arrears.reports.page_request import PageRequest

MAX_LIMIT = 1_000
_PARAMETERS = ("asOf", "limit", "cursor")
_NUMBER = re.compile(r"[0-9]{1,4}", re.ASCII)

type Position = list[Any]
"""The sort key of a row, as JSON carries it."""


def endpoint() -> Endpoint:
    """An endpoint whose errors are problem details."""
    return Endpoint(problem.error_format)


def read_caller(request: Request, authenticate: Callable[[str], Caller], scope: Scope) -> Caller:
    """Who asks, by `x-dolfin-api-key` or `Authorization: Bearer`.

    Raises errors for a missing key or scope, and when `x-dolfin-organisation-id` names another organisation.
    """
    keys = {key.strip() for key in request.header("x-dolfin-api-key")} | set(bearer_tokens(request))
    if not keys:
        raise ArrearsError(UNAUTHORISED, "Send an API key in x-dolfin-api-key, or in Authorization as Bearer.")
    if len(keys) > 1:
        raise ArrearsError(UNAUTHORISED, "The request carries two different API keys; send one.")
    caller = authenticate(keys.pop())
    for organisation in request.header("x-dolfin-organisation-id"):
        if organisation.strip().lower() != caller.organisation.id:
            raise ArrearsError(
                FORBIDDEN, "The API key does not belong to the organisation in x-dolfin-organisation-id."
            )
    caller.require(scope)
    return caller


def check_parameters(request: Request, known: Iterable[str]) -> None:
    """Raises an error for a query parameter that is not known, or that is given twice."""
    names = list(known)
    for name, values in request.query.items():
        if name not in names:
            takes = f"it takes {', '.join(names)}" if names else "it takes none"
            raise ArrearsError(
                UNKNOWN_PARAMETER, f"This endpoint has no parameter {name[:100]!r}; {takes}.", name[:100]
            )
        if len(values) > 1:
            raise ArrearsError(INVALID_PARAMETER, f"{name} is given {len(values)} times; give it once.", name)


def read_known_at(request: Request, organisation: Organisation, now: datetime) -> datetime | None:
    """The moment of which a page is to be: the one that is asked for, or that of the cursor; None: the present.

    A date goes with a cursor of any moment of that day: today's means another moment in every request. The cursor's
    reader compares everything else. Raises an error for what cannot be used.
    """
    cursor, asked = request.last("cursor"), request.last(KNOWN_AT)
    pinned = None if cursor is None else pinned_moment(unseal(organisation, request.path, cursor))
    if pinned is not None and asked in (None, day_text(organisation.today(datetime.fromisoformat(pinned)))):
        asked = pinned
    return known_at.read_known_at(request, organisation, now, asked)


def pinned_moment(cursor: list[Any]) -> str | None:
    """The moment of an answer that a cursor continues: in the object at its end, if it has one."""
    moment: str | None = cursor[-1].get(KNOWN_AT) if isinstance(cursor[-1], dict) else None
    return moment


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """What is asked of a report. day: the day it is about. limit: rows in a page, all if None. as_csv: its format.

    after: the sort key of the last row of the previous page, if there was one. pinned: the other parameters on which
    the rows and their order depend, by name, without those that were left out and have no default.
    """

    organisation: Organisation
    path: str
    day: int
    limit: int | None
    after: Position | None
    as_csv: bool = False
    pinned: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        request: Request,
        organisation: Organisation,
        today: int,
        options: Mapping[str, str | None] | None = None,
        defaults: Mapping[str, str] | None = None,
    ) -> "ReportQuery":
        """Reads asOf, limit, cursor and format. Raises an error for what cannot be used.

        options: the other parameters of the endpoint (filters, sort, what to include) and what was asked of each, in
        one form for each meaning; None if it was left out. defaults: what leaving out means, where it means something.
        A cursor goes on with the day, the options and the moment (see `read_known_at`) of its answer: they may be left
        out beside it, but not differ.
        """
        options = {**(options or {}), KNOWN_AT: known_moment(request)}
        check_parameters(request, (*_PARAMETERS, *options, FORMAT))
        pinned = {name: value for name, value in options.items() if value is not None}
        day, limit, as_csv = _as_of(request), read_number(request, "limit", MAX_LIMIT), wants_csv(request)
        after, cursor = None, request.last("cursor")
        if cursor is not None:
            of_cursor, after, pinned_by_cursor = _open_cursor(cursor, organisation, request.path)
            _check_continues(of_cursor, {**(defaults or {}), **pinned_by_cursor}, day, pinned)
            day, pinned = of_cursor, pinned_by_cursor
        pinned = {**(defaults or {}), **pinned}
        return cls(organisation, request.path, today if day is None else day, limit, after, as_csv, pinned)

    def first_rows(self) -> PageRequest | None:
        """The page of rows that is asked for, where rows are in the default order; None without a limit."""
        if self.limit is None:
            return None
        return PageRequest.at(self.after, self.limit)

    def page[Row](self, rows: list[Row], position: Callable[[Row], Iterable[Any]]) -> tuple[list[Row], str | None]:
        """The rows of this page, and the cursor of the next one if there is one.

        rows: all of the answer's, sorted by `position`, which differs for each row and is made of JSON's own types.
        """
        start = 0
        if self.after is not None:
            start = bisect.bisect_right(rows, self.after, key=lambda row: list(position(row)))
        end = len(rows) if self.limit is None else start + self.limit
        more = end < len(rows)
        return rows[start:end], self._cursor(list(position(rows[end - 1]))) if more else None

    def _cursor(self, after: Position) -> str:
        options = [dict(self.pinned)] if self.pinned else []
        return seal(self.organisation, self.path, [self.day, self.organisation.policy.version, after, *options])


def _check_continues(day: int, pinned: Mapping[str, str], asked_day: int | None, asked: Mapping[str, str]) -> None:
    """Raises an error where another day or other options are asked for than those of the cursor."""
    if asked_day not in (None, day):
        raise ArrearsError(INVALID_CURSOR, f"The cursor continues the answer as of {day_text(day)}.", "cursor")
    for name, value in asked.items():
        if pinned.get(name) != value:
            of_cursor = f"{name}={pinned[name]}" if name in pinned else f"a request without {name}"
            raise ArrearsError(INVALID_CURSOR, f"The cursor continues the answer to {of_cursor}.", "cursor")


def _as_of(request: Request) -> int | None:
    text = request.last("asOf")
    if text is None:
        return None
    try:
        return parse_day(text)
    except ValueError as error:
        raise ArrearsError(INVALID_PARAMETER, f"asOf {error}.", "asOf") from None


def read_number(request: Request, name: str, most: int) -> int | None:
    """A whole number from 1 to `most` in the query; None if it is not given."""
    text = request.last(name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise ArrearsError(INVALID_PARAMETER, f"{name} is not a whole number from 1 to {most}.", name)
    return int(text)


def read_choice(request: Request, name: str, choices: Sequence[str]) -> str | None:
    """One of several values in the query; None if it is not given."""
    text = request.last(name)
    if text is not None and text not in choices:
        raise ArrearsError(INVALID_PARAMETER, f"{name} is not one of {', '.join(choices)}.", name)
    return text


def _open_cursor(cursor: str, organisation: Organisation, path: str) -> tuple[int, Position, dict[str, str]]:
    day, policy_version, after, *options = unseal(organisation, path, cursor)
    if policy_version != organisation.policy.version:
        raise ArrearsError(INVALID_CURSOR, "The policy has changed since the cursor was made; start again.", "cursor")
    return day, after, options[0] if options else {}
