"""A book behind the API, for people who have an API key and no access to AWS."""

import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, date, datetime
from datetime import time as clock_time
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener
from uuid import UUID

from arrears_cli.book import FROM_AFTER_TO, ChangesRequest, EscalationFilter, OverdueRequest, StatementRequest, nobody
from arrears_cli.output import Failed, option_of

if TYPE_CHECKING:
    from arrears.ledger.ledger_side import Side
    from arrears.ledger.result import Result

_KEY = re.compile(r"ar_([0-9a-f]{32})_[0-9a-f]{12}_[0-9a-f]{48}", re.ASCII)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
PAGE = 1_000
MAX_RECORDS = 500
MAX_BYTES = 1_800_000
"""Of the records in one request, a little below what the API takes."""
_TIMEOUT_SECONDS = 60
_BUSY = (429, 502, 503, 504)
_WAITS_SECONDS = (1, 2, 4)
_LONGEST_WAIT_SECONDS = 30
_ANSWER_TOO_LARGE, _NOT_FOUND = "answer_too_large", "not_found"
"""Codes of errors that the API answers."""
_KNOWN_AT = "X-Arrears-Known-At"
"""The header that names the moment of an answer."""
_STATEMENT_TOO_LARGE = """\
The statement is too large for the API.
Ask for fewer days, or for it from the tables, with --stack and access to AWS."""


class _NoRedirects(HTTPRedirectHandler):
    """A key goes to the address that it was given for, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = build_opener(_NoRedirects())


class _Exchanged(NamedTuple):
    """An answer: its status, and its body (None where it is no JSON).

    retry_after: seconds to wait, if it says so. known_at: the moment of which it is, if it names one.
    """

    status: int
    body: Any
    retry_after: int | None = None
    known_at: str | None = None


class RemoteBook:
    """The book of an API key's organisation.

    known_at: the moment of which it is read, None: the present. As it was typed, until an answer names it.
    """

    def __init__(self, url: str, key: str, organisation: str | None = None, known_at: str | None = None) -> None:
        self._url = _checked_address(url)
        self._key = key.strip()
        self.organisation_id = _organisation_of_key(self._key, organisation)
        self._asked_known_at = self.known_at = known_at

    @classmethod
    def of_environment(cls, url: str, organisation: str | None, known_at: str | None = None) -> "RemoteBook":
        """The book of the key in ARREARS_API_KEY. Raises Failed where there is none."""
        key = os.environ.get("ARREARS_API_KEY")
        if not key:
            raise Failed("ARREARS_API_KEY holds no API key; `arrears key create` makes one, with access to AWS.")
        return cls(url, key, organisation, known_at)

    @property
    def identity(self) -> list[str | None]:
        """Organisation and address."""
        return [self.organisation_id, self._url]

    def today(self) -> int:
        """The day on this machine: the API does not say in which time zone the organisation is."""
        return datetime.now(UTC).astimezone().date().toordinal()

    def moment(self, day: int | None) -> str:
        """A moment in the time zone of this machine."""
        now = datetime.now(UTC).astimezone()
        if day is None:
            return now.isoformat(timespec="seconds")
        return datetime.combine(date.fromordinal(day), clock_time(12)).astimezone().isoformat()

    def overdue(self, side: "Side", asked: OverdueRequest) -> dict[str, Any]:
        """An overdue report, put together from its pages."""
        from arrears.ledger.ledger_side import Side

        receivable = side is Side.RECEIVABLE
        query = {
            "asOf": _day(asked.day),
            "sort": None if asked.order == "age" else asked.order,
            "customerId" if receivable else "supplierId": asked.party,
            "currency": asked.currency,
            "tier" if receivable else "urgency": asked.level,
            "action": asked.action,
            "include": None if not asked.include else "invoices" if receivable else "bills",
        }
        path, rows = ("/receivables/overdue", "customers") if receivable else ("/payables/overdue", "suppliers")
        return self._paged(path, query, rows, asked.limit)

    def aging(self, side: "Side", by: str, day: int | None, limit: int | None) -> dict[str, Any]:
        """An aged list, put together from its pages."""
        from arrears.ledger.ledger_side import Side

        path = "/receivables/aging" if side is Side.RECEIVABLE else "/payables/aging"
        return self._paged(path, {"by": by, "asOf": _day(day)}, f"{by}s", limit)

    def party(self, side: "Side", id: str, day: int | None) -> dict[str, Any]:
        """The page of a customer or supplier, with all of its open documents."""
        from arrears.ledger.ledger_side import Side

        rows = "openInvoices" if side is Side.RECEIVABLE else "openBills"
        with _known(side, id):
            return self._paged(_party_path(side, id), {"asOf": _day(day)}, rows, None)

    def statement(self, side: "Side", id: str, asked: StatementRequest) -> dict[str, Any]:
        """A statement, as long as the API answers it."""
        from arrears.ledger.errors import ArrearsError

        query = {"kind": asked.kind, "from": _day(asked.first), "to": _day(asked.last), "currency": asked.currency}
        try:
            with _known(side, id):
                answer: dict[str, Any] = self.get(f"{_party_path(side, id)}/statement", query)
        except ArrearsError as error:
            if error.field == "from":
                raise Failed(FROM_AFTER_TO) from None
            if error.code == _ANSWER_TOO_LARGE:
                raise Failed(_STATEMENT_TOO_LARGE) from None
            raise
        return answer

    def history(self, side: "Side", months: int) -> dict[str, Any]:
        """Closed months as they were kept."""
        from arrears.ledger.ledger_side import Side

        path = "/receivables/overdue/history" if side is Side.RECEIVABLE else "/payables/history"
        answer: dict[str, Any] = self.get(path, {"months": months})
        return answer

    def escalations(self, asked: EscalationFilter) -> dict[str, Any]:
        """Escalation records as they were kept."""
        from arrears.ledger.ids import outward_id

        customer = asked.customer and outward_id(self.organisation_id, "customer", asked.customer)
        query = {"since": asked.since, "tier": asked.tier, "customerId": customer}
        return self._paged("/escalations", query, "escalations", asked.limit)

    def changes(self, asked: ChangesRequest) -> Iterator[dict[str, Any]]:
        """Changes, page by page."""
        query = {
            "since": asked.since,
            "until": asked.until,
            "type": asked.type,
            "id": asked.id,
            "customerId": asked.customer,
            "supplierId": asked.supplier,
            "importId": asked.import_id,
        }
        cursor, size = None, PAGE
        while True:
            answer, size = self._page("/ledger/changes", {**query, "cursor": cursor}, size)
            yield from answer["changes"]
            cursor = answer["nextCursor"]
            if cursor is None:
                return

    def write(self, records: Sequence[dict[str, Any]], import_id: str = "") -> "Sequence[Result]":
        """Writes records, in as many requests as their number and size ask for."""
        from arrears.ledger.result import Result

        path = f"/ledger/records?importId={import_id}" if import_id else "/ledger/records"
        names = [field.name for field in fields(Result)]
        return [
            Result(**{name: result[name] for name in names if name in result})
            for body in _bodies(records)
            for result in self._send("POST", path, body)["results"]
        ]

    def get(self, path: str, query: Mapping[str, Any]) -> Any:
        """The answer to a request; a parameter that is None is left out. Raises ArrearsError as the API explains it."""
        asked = {**query, "knownAt": self._asked_known_at}
        given = {name: value for name, value in asked.items() if value is not None}
        return self._send("GET", f"{path}?{urlencode(given)}" if given else path)

    def _paged(self, path: str, query: Mapping[str, Any], rows: str, limit: int | None) -> dict[str, Any]:
        """The first page, with the rows of the following ones behind its own, up to `limit` rows."""
        first, size = self._page(path, query, min(limit or PAGE, PAGE))
        cursor = first["nextCursor"]
        while cursor is not None and (limit is None or len(first[rows]) < limit):
            most = size if limit is None else min(limit - len(first[rows]), size)
            answer, size = self._page(path, {**query, "cursor": cursor}, most)
            first[rows] += answer[rows]
            cursor = answer["nextCursor"]
        return {**first, "nextCursor": None}

    def _page(self, path: str, query: Mapping[str, Any], size: int) -> tuple[dict[str, Any], int]:
        """A page, and its size: half of `size`, and again, while the API says that the answer would be too large."""
        from arrears.ledger.errors import ArrearsError

        while True:
            try:
                return self.get(path, {**query, "limit": size}), size
            except ArrearsError as error:
                if error.code != _ANSWER_TOO_LARGE or size == 1:
                    raise
                size //= 2

    def _send(self, method: str, path: str, body: bytes | None = None) -> Any:
        """One request, sent again while the API is busy: what is written twice changes nothing."""
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json", "User-Agent": "arrears"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = Request(self._url + path, body, headers, method=method)  # noqa: S310 - the address was checked
        for wait in _WAITS_SECONDS:
            answer = _exchanged(request)
            if answer.status not in _BUSY:
                break
            time.sleep(min(answer.retry_after or wait, _LONGEST_WAIT_SECONDS))
        else:
            answer = _exchanged(request)
        if answer.status != HTTPStatus.OK or not isinstance(answer.body, dict):
            raise self._error(answer.status, answer.body, answer.retry_after)
        self.known_at = answer.known_at or self.known_at
        return answer.body

    def _error(self, status: int, answer: Any, retry_after: int | None) -> Exception:
        from arrears.ledger.errors import ArrearsError

        if not isinstance(answer, dict) or "detail" not in answer or "code" not in answer:
            return Failed(f"{self._url} answered {status}, and not as Arrears does: is ARREARS_URL its address?")
        detail, parameter = str(answer["detail"]), answer.get("parameter")
        if parameter:
            detail = detail.replace(parameter, option_of(parameter))
        return ArrearsError(answer["code"], detail, parameter, retry_after)


def _day(day: int | None) -> str | None:
    return None if day is None else date.fromordinal(day).isoformat()


def _party_path(side: "Side", id: str) -> str:
    from arrears.ledger.ledger_side import Side

    return f"/{'receivables/customers' if side is Side.RECEIVABLE else 'payables/suppliers'}/{quote(id, safe='')}"


@contextmanager
def _known(side: "Side", id: str) -> Iterator[None]:
    """Says who is not known. An empty id has no address of its own."""
    from arrears.ledger.errors import ArrearsError

    if not id:
        raise nobody(side, id)
    try:
        yield
    except ArrearsError as error:
        if error.code == _NOT_FOUND:
            raise nobody(side, id) from None
        raise


def _checked_address(url: str) -> str:
    """The address without a slash at its end. Raises Failed for one that would carry the key in the clear."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url.rstrip("/")
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return url.rstrip("/")
    raise Failed(f"{url} is not an address that begins with https://; the key is sent to no other.")


def _organisation_of_key(key: str, organisation: str | None) -> str:
    """The id of the key's organisation. Raises Failed where the command line names another one."""
    found = _KEY.fullmatch(key)
    if found is None:
        raise Failed("ARREARS_API_KEY does not hold an API key of Arrears, which begins with ar_.")
    id_ = str(UUID(found[1]))
    if organisation is not None and organisation.lower() != id_:
        raise Failed(
            f"The API key belongs to the organisation {id_}, and --organisation (or ARREARS_ORGANISATION) says "
            f"{organisation}. With --url, leave it out or give the id."
        )
    return id_


def _bodies(records: Sequence[dict[str, Any]]) -> Iterator[bytes]:
    """Records as bodies of requests. Numbers that are no integers are sent as text, which is exact."""
    batch: list[bytes] = []
    size = 0
    for record in records:
        text = json.dumps(record, default=str).encode()
        if batch and (len(batch) == MAX_RECORDS or size + len(text) > MAX_BYTES):
            yield b'{"records":[' + b",".join(batch) + b"]}"
            batch, size = [], 0
        batch.append(text)
        size += len(text) + 1
    if batch:
        yield b'{"records":[' + b",".join(batch) + b"]}"


def _exchanged(request: Request) -> _Exchanged:
    try:
        with _opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
            return _Exchanged(response.status, _decoded(response.read()), known_at=response.headers.get(_KNOWN_AT))
    except HTTPError as error:
        with error:
            after = error.headers.get("Retry-After", "")
            return _Exchanged(error.code, _decoded(error.read()), int(after) if after.isdecimal() else None)
    except (URLError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise Failed(f"{urlsplit(request.full_url).netloc} cannot be reached: {reason}.") from None


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
