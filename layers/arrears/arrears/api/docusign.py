"""The DocuSign contract: credentials in either of two headers, bodies in which every value is a string, and errors."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn, Protocol
from urllib.parse import quote
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from arrears.api.errors import ANSWER_TOO_LARGE, FOREIGN_ACCOUNT, INVALID_PARAMETER, NO_ADMINISTRATOR, NOT_FOUND
from arrears.api.http import MAX_ANSWER_BYTES, Endpoint, ErrorFormat, Request, bearer_tokens
from arrears.ledger.caller import User
from arrears.ledger.customers import CustomerProfile, InvoiceDetail, InvoiceLine
from arrears.ledger.days import day_text
from arrears.ledger.errors import INVALID_TOKEN, UNKNOWN_INTEGRATOR, UNKNOWN_USER, ArrearsError
from arrears.ledger.money import major_text, to_minor

if TYPE_CHECKING:
    from arrears.reports.aging import Overdue
    from arrears.reports.past_due import Balance, PastDue

VERSIONS = ("v2", "v2.1")
MAX_CREDENTIALS_LENGTH = 8_000
LEAST_INVOICE_BYTES = 320
LEAST_ITEM_BYTES = 105
"""What an invoice without items, and one of its items, take of an answer at least."""
_CREDENTIALS = "DocuSignCredentials"
_PARTS = ("Username", "Password", "IntegratorKey")

CODES = {
    UNKNOWN_INTEGRATOR: "PARTNER_AUTHENTICATION_FAILED",
    UNKNOWN_USER: "USER_AUTHENTICATION_FAILED",
    INVALID_TOKEN: "AUTHORIZATION_INVALID_TOKEN",
    NO_ADMINISTRATOR: "USER_LACKS_PERMISSIONS",
    FOREIGN_ACCOUNT: "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT",
    INVALID_PARAMETER: "INVALID_REQUEST_PARAMETER",
}


def _error_body(error: ArrearsError, _: str) -> dict[str, Any]:
    return {"errorCode": CODES.get(error.code, error.code.upper()), "message": error.detail}


TOO_LARGE = (
    "The answer has more than 6 MB, and DocuSign's call has no pages; "
    "GET /receivables/customers/{id} has the same invoices in pages."
)
ERROR_FORMAT = ErrorFormat(_error_body, trace_header="X-DocuSign-TraceToken", too_large=TOO_LARGE)


def endpoint() -> Endpoint:
    """An endpoint whose errors are DocuSign's."""
    return Endpoint(lambda _: ERROR_FORMAT)


def check_version(version: str) -> None:
    """Raises an error for a version of the API that is not served."""
    if version not in VERSIONS:
        raise ArrearsError(NOT_FOUND, f"There is no version {version[:20]} here; there are {' and '.join(VERSIONS)}.")


# --- Who asks -------------------------------------------------------------------------------------------------------


class Users(Protocol):
    """What knows users by their credentials."""

    def authenticate_user(self, integrator_key: str, username: str, password: str, address: str = "") -> User:
        """By integrator key, username and password, sent from an address; raises refusals."""
        ...

    def authenticate_token(self, token: str) -> User:
        """By user token; raises an error."""
        ...


def read_user(request: Request, users: Users) -> User:
    """The user whose credentials the request carries, in one of the two headers. Raises errors."""
    credentials, authorization = request.header("x-docusign-authentication"), request.header("authorization")
    if len(credentials) + len(authorization) != 1:
        raise ArrearsError(UNKNOWN_USER, "Send X-DocuSign-Authentication or Authorization, one of them and once.")
    if credentials:
        return users.authenticate_user(*read_credentials(credentials[0]), request.address)
    tokens = bearer_tokens(request)
    if not tokens:
        raise ArrearsError(UNKNOWN_USER, "Authorization is not of the form Bearer, then a user token.")
    return users.authenticate_token(tokens[0])


def read_credentials(text: str) -> tuple[str, str, str]:
    """Integrator key, username and password from XML or JSON. Raises errors for what cannot be read."""
    if len(text) > MAX_CREDENTIALS_LENGTH:
        _unreadable(f"have more than {MAX_CREDENTIALS_LENGTH} characters")
    text = text.strip()
    parts = _read_xml(text) if text.startswith("<") else _read_json(text)
    for name, value in parts:
        if name not in _PARTS:
            _unreadable(f"have a part {name[:40]!r}; there are {', '.join(_PARTS)}")
        if not value.isprintable():
            _unreadable(f"have a {name} with characters that cannot be in it")
    values = dict(parts)
    if len(values) < len(parts):
        _unreadable("name a part twice")
    if not values.get("IntegratorKey"):
        raise ArrearsError(UNKNOWN_INTEGRATOR, "The integrator key is not known: none was sent.")
    if not values.get("Username") or not values.get("Password"):
        _unreadable("lack the Username or the Password")
    return values["IntegratorKey"], values["Username"], values["Password"]


def _unreadable(what: str) -> NoReturn:
    raise ArrearsError(UNKNOWN_USER, f"The credentials in X-DocuSign-Authentication {what}.")


def _read_xml(text: str) -> list[tuple[str, str]]:
    # A "<!" begins a document type, a comment or a CDATA section, and nothing that credentials need.
    if "<!" in text:
        _unreadable("have a document type, a comment or a CDATA section")
    try:
        root: Element = fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        _unreadable("are not well-formed XML")
    children = list(root)
    if root.tag != _CREDENTIALS or any(list(child) or child.attrib for child in children):
        _unreadable(f"are not a {_CREDENTIALS} element with only text inside its parts")
    return [(child.tag, (child.text or "").strip()) for child in children]


def _read_json(text: str) -> list[tuple[str, str]]:
    try:
        pairs = json.loads(text, object_pairs_hook=lambda pairs: pairs)
    except (ValueError, RecursionError):
        _unreadable("are neither XML nor JSON")
    # Both an object and a list come as a list here: only an object's has pairs with text in front.
    if not text.startswith("{") or not all(isinstance(value, str) for _, value in pairs):
        _unreadable("are not a JSON object of texts")
    return [(name, value.strip()) for name, value in pairs]


def administered(user: User, customer: CustomerProfile | None) -> CustomerProfile:
    """The customer, if the user administers it; errors otherwise, the same for foreign and unknown accounts."""
    if customer is None or customer.location.id not in user.accounts:
        raise ArrearsError(FOREIGN_ACCOUNT, "The user does not belong to the account.")
    if not user.accounts[customer.location.id]:
        raise ArrearsError(NO_ADMINISTRATOR, "The user is not an administrator of the account.")
    return customer


# --- Body -----------------------------------------------------------------------------------------------------------


def fitting(past_due: "PastDue", details: Iterable[tuple[str, InvoiceDetail]]) -> dict[str, InvoiceDetail]:
    """The details of the listed invoices, by id. Reads no more of them than an answer can have.

    Raises ArrearsError (answer_too_large) when the answer will have more than 6 MB at least.
    """
    found: dict[str, InvoiceDetail] = {}
    size = len(past_due.invoices) * LEAST_INVOICE_BYTES
    _check_size(size)
    for id_, detail in details:
        found[id_] = detail
        size += len(detail.lines) * LEAST_ITEM_BYTES
        _check_size(size)
    return found


def _check_size(size: int) -> None:
    if size > MAX_ANSWER_BYTES:
        raise ArrearsError(ANSWER_TOO_LARGE, TOO_LARGE)


def past_due_body(account: str, past_due: "PastDue", details: Mapping[str, InvoiceDetail]) -> dict[str, Any]:
    """What a customer owes. account: the customer as it was addressed. details: of the listed invoices, by id."""
    return {
        **_balance(past_due.own),
        "paymentAllowed": _boolean(past_due.payment_allowed),
        "billingInvoices": [_invoice(account, overdue, details.get(overdue.id)) for overdue in past_due.invoices],
        "otherCurrencies": [_balance(other) for other in past_due.others],
    }


def _balance(balance: "Balance") -> dict[str, str]:
    return {
        "currencyCode": balance.currency,
        "pastDueBalance": major_text(balance.past_due, balance.currency),
        "accountBalance": major_text(balance.net, balance.currency),
    }


def _invoice(account: str, overdue: "Overdue", detail: InvoiceDetail | None) -> dict[str, Any]:
    invoice = overdue.document
    currency = invoice.currency
    taxable = (detail.taxable_amount if detail is not None else None) or 0
    return {
        "amount": major_text(invoice.total, currency),
        "balance": major_text(overdue.owed, currency),
        "taxableAmount": major_text(taxable, currency),
        "nonTaxableAmount": major_text(invoice.total - taxable, currency),
        "dueDate": day_text(overdue.due),
        "invoiceId": overdue.id,
        "invoiceNumber": invoice.number or "",
        "pdfAvailable": _boolean(detail is not None and detail.pdf_available),
        "invoiceUri": f"/accounts/{quote(account, safe='')}/billing_invoices/{invoice.id}",
        "invoiceItems": [_item(line, currency) for line in (detail.lines if detail is not None else ())],
    }


def _item(line: InvoiceLine, currency: str) -> dict[str, str]:
    item = {
        "chargeAmount": major_text(line.amount, currency),
        "chargeName": line.name,
        "invoiceItemId": line.id,
        "quantity": line.quantity,
        "unitPrice": _price(line.unit_price, currency),
    }
    if line.tax_amount is not None:
        item["taxAmount"] = major_text(line.tax_amount, currency)
    return item


def _price(price: str, currency: str) -> str:
    """A price with all the decimals of its currency, and more where it is that fine."""
    minor = to_minor(Decimal(price), currency)
    return price if minor is None else major_text(minor, currency)


def _boolean(value: bool) -> str:
    return "true" if value else "false"
