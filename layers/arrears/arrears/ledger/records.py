"""The records that a caller writes, each validated by itself.

A record is the present state of one thing in the caller's books, under the caller's own id. Amounts are in major units
and read exactly. Days become ordinals and moments UTC text of fixed width, so that both compare as they are.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from arrears.ledger.dated_document import BILL_STATES
from arrears.ledger.days import parse_day
from arrears.ledger.money import EXPONENTS, read_amount, to_minor

MAX_RECORDS = 500
MAX_ID_LENGTH = 200
MAX_TEXT_LENGTH = 500
MAX_LINES = 500
MAX_LINES_BYTES = 300_000
"""What an invoice's lines may take together; they are kept in one item."""
MAX_INVOICE_IDS = 100
FIRST_YEAR, LAST_YEAR = 1900, 2200
"""Years of the days that records have: what is outside of them was mistyped, or stands for no date."""
FIRST_MOMENT_YEAR, LAST_MOMENT_YEAR = 2, 9998
"""Years of a moment that has a calendar day in every time zone."""

_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})",
    re.ASCII,
)

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def _sentence(message: str) -> PydanticCustomError:
    return PydanticCustomError("refused", "{message}", {"message": message})


def _day(value: object) -> int:
    if not isinstance(value, str):
        raise _sentence("must be a date of the form YYYY-MM-DD")
    try:
        day = parse_day(value)
    except ValueError as error:
        raise _sentence(str(error)) from None
    return _in_years(day, value[:4])


def _in_years[Value](value: Value, year: str) -> Value:
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        raise _sentence(f"is not in the years {FIRST_YEAR} to {LAST_YEAR}")
    return value


def _amount(value: object) -> Decimal:
    try:
        return read_amount(value)
    except ValueError as error:
        raise _sentence(str(error)) from None


def _moment(value: object) -> str:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise _sentence("must be a moment of RFC 3339 with its offset, such as 2026-01-31T09:30:00Z")
    try:
        moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _sentence("is not a real moment") from None
    if not FIRST_MOMENT_YEAR <= moment.year <= LAST_MOMENT_YEAR:
        raise _sentence(f"is not in the years {FIRST_MOMENT_YEAR} to {LAST_MOMENT_YEAR}")
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _id(value: str) -> str:
    if not value.isprintable() or not value.strip():
        raise _sentence("must have a visible character, and no control character")
    return value


def _text(value: str) -> str:
    """Tabs and line breaks are in addresses and in the lines of invoices; what else moves a terminal is in no book."""
    if _CONTROL.search(value):
        raise _sentence("has a control character; of those only tabs and line breaks are taken")
    return value


def _currency(value: object) -> str:
    if not isinstance(value, str) or value not in EXPONENTS:
        raise _sentence("is not a currency of ISO 4217, such as EUR")
    return value


def _language(value: str) -> str:
    if value and not _LANGUAGE.fullmatch(value):
        raise _sentence("is not a language tag of BCP 47, such as de or en-GB")
    return value


def _credit_limit(value: dict[str, Decimal]) -> dict[str, Decimal]:
    for currency, amount in value.items():
        if currency not in EXPONENTS:
            raise _sentence("has a name that is not a currency of ISO 4217, such as EUR")
        if amount < 0:
            raise _sentence(f"is below zero in {currency}")
        if to_minor(amount, currency) is None:
            raise _sentence(f"has more decimals than {currency} has ({EXPONENTS[currency]})")
    return value


def _state(value: str) -> str:
    if value not in BILL_STATES:
        raise _sentence("is not a bill state; it is one of " + ", ".join(sorted(BILL_STATES)))
    return value


Id = Annotated[str, Field(max_length=MAX_ID_LENGTH), AfterValidator(_id)]
Reference = Annotated[Id | None, BeforeValidator(lambda value: None if value == "" else value)]
Text = Annotated[str, Field(max_length=MAX_TEXT_LENGTH), AfterValidator(_text)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_LENGTH), AfterValidator(_text)]
Day = Annotated[int, BeforeValidator(_day)]
Amount = Annotated[Decimal, BeforeValidator(_amount)]
Moment = Annotated[str, BeforeValidator(_moment)]
Currency = Annotated[str, BeforeValidator(_currency)]
State = Annotated[str, AfterValidator(_state)]
Language = Annotated[str, Field(max_length=35), AfterValidator(_language)]
CreditLimit = Annotated[dict[str, Amount], AfterValidator(_credit_limit)]
SentAt = Annotated[Moment, AfterValidator(lambda value: _in_years(value, value[:4]))]


def _fits_currency(value: Decimal | None, info: ValidationInfo) -> Decimal | None:
    currency = info.data.get("currency")
    if value is not None and currency is not None and to_minor(value, currency) is None:
        raise _sentence(f"has more decimals than {currency} has ({EXPONENTS[currency]})")
    return value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Record(_Strict):
    type: str
    id: Id
    updated_at: Moment | None = None


class Customer(_Record):
    """A customer. account_number is unique in the organisation."""

    type: Literal["customer"]
    name: Name
    external_id: Text | None = None
    account_number: Text | None = None
    currency: Currency | None = None
    payment_blocked: bool | None = None
    email: Text | None = None
    address: Text | None = None
    language: Language | None = None
    credit_limit: CreditLimit | None = None


class Supplier(_Record):
    """A supplier."""

    type: Literal["supplier"]
    name: Name


class Line(_Strict):
    """One line of an invoice."""

    id: Id
    name: Text
    quantity: Amount
    unit_price: Amount
    amount: Amount
    tax_amount: Amount | None = None


class Invoice(_Record):
    """What a customer owes, with its dates."""

    type: Literal["invoice"]
    customer_id: Id
    customer_name: Text | None = None
    number: Text | None = None
    currency: Currency
    total: Annotated[Amount, AfterValidator(_fits_currency)]
    issued_on: Day
    due_on: Day | None = None
    status: Literal["draft", "finalized", "voided"] | None = None
    voided_on: Day | None = None
    payment_status: Literal["pending", "failed"] | None = None
    taxable_amount: Annotated[Amount | None, AfterValidator(_fits_currency)] = None
    pdf_available: bool | None = None
    lines: Annotated[list[Line], Field(max_length=MAX_LINES)] | None = None

    @field_validator("total")
    @classmethod
    def _owed(cls, value: Decimal) -> Decimal:
        return _not_negative(value)

    @field_validator("lines")
    @classmethod
    def _lines_fit(cls, value: list[Line] | None, info: ValidationInfo) -> list[Line] | None:
        for number, line in enumerate(value or (), start=1):
            for name in ("amount", "tax_amount"):
                amount = getattr(line, name)
                currency = info.data.get("currency")
                if amount is not None and currency is not None and to_minor(amount, currency) is None:
                    raise _sentence(f"line {number}: {name} has more decimals than {currency} has")
        if size_of([line_content(line) for line in value or ()]) > MAX_LINES_BYTES:
            raise _sentence(f"take more than {MAX_LINES_BYTES:,} bytes together")
        return value


class Bill(_Record):
    """What we owe a supplier, with the state it entered and when."""

    type: Literal["bill"]
    supplier_id: Reference = None
    supplier_name: Text | None = None
    number: Text | None = None
    currency: Currency
    total: Annotated[Amount, AfterValidator(_fits_currency)]
    issued_on: Day | None = None
    issued_on_inferred: bool | None = None
    due_on: Day | None = None
    state: State
    state_on: Day | None = None
    scheduled_payment_on: Day | None = None
    voided_on: Day | None = None

    @field_validator("total")
    @classmethod
    def _owed(cls, value: Decimal) -> Decimal:
        return _not_negative(value)


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise _sentence(
            "is below zero; what lowers a debt is a credit record, with customer_id or supplier_id if on no document"
        )
    return value


class _OnDocument(_Record):
    invoice_id: Reference = None
    bill_id: Reference = None


class _Money(_OnDocument):
    """Money on one document, or on account: then with its party and its currency."""

    customer_id: Reference = None
    supplier_id: Reference = None
    currency: Currency | None = None
    amount: Annotated[Amount, AfterValidator(_fits_currency)]
    voided_on: Day | None = None

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        targets = (self.invoice_id, self.bill_id, self.customer_id, self.supplier_id)
        if sum(target is not None for target in targets) != 1:
            raise _sentence(
                "give one of invoice_id, bill_id (what it is applied to), customer_id, supplier_id (money on account)"
            )
        if self.on_account and self.currency is None:
            raise _sentence("currency is required for money on account")
        if not self.on_account and self.currency is not None:
            raise _sentence("currency is for money on account; a document has its own")
        return self

    @property
    def on_account(self) -> bool:
        """Whether it stands on no document."""
        return self.customer_id is not None or self.supplier_id is not None


class Payment(_Money):
    """Money paid: applied to a document, or on account; below zero it is a reversal, on account a refund."""

    type: Literal["payment"]
    paid_on: Day
    method: Text | None = None
    reference: Text | None = None


class Credit(_Money):
    """A credit note, applied to a document or on account, or a write-off of a document; below zero a reversal."""

    type: Literal["credit"]
    credited_on: Day
    kind_of_credit: Literal["credit_note", "write_off"] | None = Field(default=None, alias="kind")
    number: Text | None = None

    @model_validator(mode="after")
    def _written_off(self) -> Self:
        if self.on_account and self.kind_of_credit == "write_off":
            raise _sentence("a write-off is of a document; give invoice_id or bill_id")
        return self


class AllocationRecord(_OnDocument):
    """What of a payment or credit on account is applied to a document of the same party and currency."""

    type: Literal["allocation"]
    payment_id: Reference = None
    credit_id: Reference = None
    amount: Amount
    applied_on: Day
    voided_on: Day | None = None

    @field_validator("amount")
    @classmethod
    def _above_zero(cls, value: Decimal) -> Decimal:
        if value <= 0:
            raise _sentence("must be above zero; void an allocation to take it back")
        return value

    @model_validator(mode="after")
    def _from_and_to(self) -> Self:
        if (self.payment_id is None) == (self.credit_id is None):
            raise _sentence("give either payment_id or credit_id, the money on account that it comes from")
        if (self.invoice_id is None) == (self.bill_id is None):
            raise _sentence("give either invoice_id or bill_id, the one document it is applied to")
        return self


class ReminderRecord(_Record):
    """A reminder sent to a customer, about some invoices or about all."""

    type: Literal["reminder"]
    customer_id: Id
    sent_at: SentAt
    invoice_ids: Annotated[list[Id], Field(max_length=MAX_INVOICE_IDS)] | None = None


class PromiseRecord(_Record):
    """A customer's promise to pay an amount, or all, by a day."""

    type: Literal["promise"]
    customer_id: Id
    currency: Currency
    amount: Annotated[Amount | None, AfterValidator(_fits_currency)] = None
    made_on: Day
    promised_on: Day

    @model_validator(mode="after")
    def _ahead(self) -> Self:
        if self.promised_on < self.made_on:
            raise _sentence("promised_on is before made_on")
        return self


class DisputeRecord(_Record):
    """A dispute over an invoice or bill, or a part of it; a lost one stays held."""

    type: Literal["dispute"]
    invoice_id: Reference = None
    bill_id: Reference = None
    opened_on: Day
    amount: Amount | None = None
    reason: Text | None = None
    resolved_on: Day | None = None
    outcome: Literal["won", "lost"] | None = None

    @field_validator("amount")
    @classmethod
    def _disputed(cls, value: Decimal | None) -> Decimal | None:
        if value is not None and value <= 0:
            raise _sentence("must be above zero; without an amount all of the document is disputed")
        return value

    @model_validator(mode="after")
    def _one_document(self) -> Self:
        if (self.invoice_id is None) == (self.bill_id is None):
            raise _sentence("give either invoice_id or bill_id, the one document it is about")
        return self

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.resolved_on is not None and self.resolved_on < self.opened_on:
            raise _sentence("resolved_on is before opened_on")
        return self


def _deleted(value: object) -> object:
    if value is not True:
        raise _sentence("must be true or false")
    return value


class Deletion(_Record):
    """Takes a record of any type back, as if it had never been sent."""

    deleted: Annotated[bool, BeforeValidator(_deleted)]


Record = (
    Customer
    | Supplier
    | Invoice
    | Bill
    | Payment
    | Credit
    | AllocationRecord
    | ReminderRecord
    | PromiseRecord
    | DisputeRecord
)


_MODELS: dict[str, type[_Record]] = {
    kind: model for model in get_args(Record) for kind in get_args(model.model_fields["type"].annotation)
}


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a record cannot be taken: the field it is about, if it is one, and what to change."""

    field: str | None
    reason: str


def read_record(raw: object) -> Record | Deletion | Rejection:
    """One record from decoded JSON (numbers exact: int or Decimal), or why it cannot be taken."""
    if not isinstance(raw, Mapping):
        return Rejection(None, "is not an object")
    kind = raw.get("type")
    model = _MODELS.get(kind) if isinstance(kind, str) else None
    if model is None:
        return Rejection("type", "must be one of " + ", ".join(_MODELS))
    deleted = raw.get("deleted")
    if deleted is not None and deleted is not False:
        model = Deletion
    elif "deleted" in raw:
        raw = {name: value for name, value in raw.items() if name != "deleted"}
    try:
        return model.model_validate(raw)  # type: ignore[return-value]
    except ValidationError as error:
        return _rejection(error)


def _rejection(error: ValidationError) -> Rejection:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or None
    reason = {
        "missing": "is required",
        "extra_forbidden": "is not a field of this record",
        "string_type": "must be text",
        "string_too_short": "must not be empty",
        "string_unicode": "has half a surrogate pair, which is no text",
        "bool_type": "must be true or false",
        "list_type": "must be a list",
        "dict_type": "must be an object of currencies and amounts",
    }.get(first["type"], first["msg"][:1].lower() + first["msg"][1:])
    return Rejection(where, reason)


def plain(amount: Decimal) -> str:
    """A decimal in its shortest plain form: 10.50 and 10.5 are the same content."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


_NAMES = {"kind_of_credit": "kind"}


def content(record: Record) -> dict[str, Any]:
    """What the record says, as plain JSON values without its type, id and moment: equal for the same content."""
    return {
        _NAMES.get(name, name): value if isinstance(value, str | int) else _plain_value(value)
        for name, value in record.__dict__.items()
        if value not in (None, "", {}) and name not in ("type", "id", "updated_at", "lines")
    }


def _plain_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, dict):
        return {name: _plain_value(value[name]) for name in sorted(value)}
    return value


def size_of(payload: Any) -> int:
    """The bytes that it takes where it is stored."""
    return len(json.dumps(payload, ensure_ascii=False).encode())


def line_content(line: Line) -> list[str | None]:
    """A line as it is stored: id, name, quantity, unit price, amount, tax amount."""
    tax = None if line.tax_amount is None else plain(line.tax_amount)
    return [line.id, line.name, plain(line.quantity), plain(line.unit_price), plain(line.amount), tax]
