"""The Lago contract: bearer keys, the parameters of its analytics, its bodies and its errors."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from arrears.api import known_at
from arrears.api.errors import ANSWER_TOO_LARGE, FEATURE_UNAVAILABLE, LAGO_INVALID_VALUES, kind_of
from arrears.api.http import Endpoint, ErrorFormat, Request, bearer_tokens
from arrears.ledger.caller import Caller, Scope
from arrears.ledger.errors import UNAUTHORISED, ArrearsError
from arrears.ledger.organisation import Organisation

if TYPE_CHECKING:
    from arrears.reports.invoice_collection import MonthCollection
    from arrears.reports.overdue_balance import MonthBalance

FEATURE = "analytics"
_CURRENCIES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLF CLP "
    "CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR "
    "ILS INR ISK JMD JPY KES KGS KHR KMF KRW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRO MUR MVR MWK "
    "MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLL "
    "SOS SRD STD SZL THB TJS TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XOF XPF YER ZAR ZMW"
)
CURRENCIES = frozenset(_CURRENCIES.split())
"""What the contract lets `currency` be; answers show every currency of the book."""

_PHRASES = {413: "Payload Too Large", 422: "Unprocessable Entity"}
_MONTHS = re.compile(r"0*[1-9][0-9]*", re.ASCII)
_MORE_MONTHS_THAN_ANY_BOOK = 10**6
_PAGE = re.compile(r"0*[1-9][0-9]{0,8}", re.ASCII)
DEFAULT_PER_PAGE = 100
MAX_PER_PAGE = 100_000
"""Invoices: their ids take 4.1 MB of an answer's six."""


class InvalidValues(ArrearsError):
    """Query parameters that cannot be used, by name."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(LAGO_INVALID_VALUES, f"{' and '.join(names)} cannot be used.")
        self.names = names


def _error_body(narrowed_by: Sequence[str], error: ArrearsError, _: str) -> dict[str, Any]:
    status = kind_of(error).status
    body: dict[str, Any] = {"status": status, "error": _PHRASES.get(status) or HTTPStatus(status).phrase}
    if error.code != UNAUTHORISED:
        body["code"] = error.code
    if isinstance(error, InvalidValues):
        body["error_details"] = {name: ["value_is_invalid"] for name in error.names}
    elif error.code == ANSWER_TOO_LARGE:
        body["error_details"] = {name: ["makes_the_answer_smaller"] for name in narrowed_by}
    return body


ERROR_FORMAT = ErrorFormat(partial(_error_body, ()))


def endpoint(narrowed_by: Sequence[str]) -> Endpoint:
    """An endpoint whose errors are Lago's. narrowed_by: the parameters that make its answers smaller."""
    error_format = ErrorFormat(partial(_error_body, narrowed_by))
    return Endpoint(lambda _: error_format)


def read_caller(request: Request, authenticate: Callable[[str], Caller]) -> Caller:
    """Who asks, by `Authorization: Bearer`. Raises errors without a key, its scope or the analytics feature."""
    keys = set(bearer_tokens(request))
    if len(keys) != 1:
        raise ArrearsError(UNAUTHORISED, "Send one API key in Authorization, as Bearer.")
    caller = authenticate(keys.pop())
    caller.require(Scope.READ_ANALYTICS)
    if FEATURE not in caller.organisation.features:
        raise ArrearsError(FEATURE_UNAVAILABLE, f"The organisation does not have the feature {FEATURE}.")
    return caller


def read_known_at(request: Request, organisation: Organisation, now: datetime) -> datetime | None:
    """The moment of which the answer is to be, None: the present. Raises InvalidValues for one that cannot be used."""
    try:
        return known_at.read_known_at(request, organisation, now)
    except ArrearsError:
        raise InvalidValues([known_at.KNOWN_AT]) from None


class PageRequest(NamedTuple):
    """Which invoices are asked for: the page's number, from 1 on, and how many invoices a page has."""

    number: int
    size: int


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked of the analytics. currency: upper case. months: the current one and so many before. None: all."""

    currency: str | None
    months: int | None
    external_customer_id: str | None
    page: PageRequest | None = None

    @classmethod
    def read(cls, request: Request, paged: bool = False) -> "Filters":
        """Reads the parameters; like Lago, it passes over those it does not know. Raises InvalidValues.

        paged: whether `page` and `per_page` are known.
        """
        currency, months = request.last("currency"), request.last("months")
        page, per_page = (request.last(name) if paged else None for name in ("page", "per_page"))
        invalid = []
        if currency is not None and currency.upper() not in CURRENCIES:
            invalid.append("currency")
        if months is not None and not _MONTHS.fullmatch(months):
            invalid.append("months")
        if page is not None and not _PAGE.fullmatch(page):
            invalid.append("page")
        if per_page is not None and not (_PAGE.fullmatch(per_page) and int(per_page) <= MAX_PER_PAGE):
            invalid.append("per_page")
        if invalid:
            raise InvalidValues(invalid)
        return cls(
            None if currency is None else currency.upper(),
            None if months is None else _whole(months),
            request.last("external_customer_id"),
            None if page is per_page is None else PageRequest(int(page or 1), int(per_page or DEFAULT_PER_PAGE)),
        )


def _whole(digits: str) -> int:
    return _MORE_MONTHS_THAN_ANY_BOOK if len(digits) > 6 else int(digits)


def overdue_balances(rows: "Sequence[MonthBalance]") -> dict[str, Any]:
    """The body of GET /analytics/overdue_balance."""
    return {"overdue_balances": [_balance(row) for row in rows]}


def _balance(row: "MonthBalance") -> dict[str, Any]:
    return {
        "month": _month(row.month),
        "amount_cents": row.amount,
        "currency": row.currency,
        "lago_invoice_ids": row.invoice_ids,
    }


def page_meta(page: PageRequest, count: int) -> dict[str, Any]:
    """What a page of a list of so many has beside the list. One beyond the last has neither a next nor a previous."""
    pages = -(-count // page.size)
    return {
        "meta": {
            "current_page": page.number,
            "next_page": page.number + 1 if page.number < pages else None,
            "prev_page": page.number - 1 if 1 < page.number <= pages else None,
            "total_pages": pages,
            "total_count": count,
        }
    }


def invoice_collections(rows: "Sequence[MonthCollection]") -> dict[str, Any]:
    """The body of GET /analytics/invoice_collection; months without invoices have no status and no currency."""
    return {"invoice_collections": [_collection(row) for row in rows]}


def _collection(row: "MonthCollection") -> dict[str, Any]:
    body: dict[str, Any] = {"month": _month(row.month), "invoices_count": row.count, "amount_cents": row.amount}
    if row.status is not None:
        body |= {"payment_status": row.status, "currency": row.currency}
    return body


def _month(month: str) -> str:
    return f"{month}-01T00:00:00.000Z"
