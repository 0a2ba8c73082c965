"""The demo company: a coffee roastery whose book is dated in days before today, so that it looks alive on any day.

The same day gives the same records. Between them, its customers and suppliers show every tier, urgency, suggested
action and reason that the overdue reports know, and money on account in all its forms. A year and more of paid
documents are there for behaviour and closed months.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, NamedTuple

NAME = "Larkfield Coffee Roasters"
TIMEZONE = "Europe/London"
CURRENCY = "GBP"
ACCOUNT = "1001"
"""The account number of the customer whom the examples ask DocuSign's endpoint about."""

MINIMUMS = {"GBP": 50, "EUR": 50}
"""Of the company's policy: below so many major units overdue a row is `final` at most."""

type Raw = dict[str, Any]
"""A record, or a part of one. Until it is written out, its days are numbers: so many before today, negative ahead."""

NO_FIELDS: Raw = {}


class Invoice(NamedTuple):
    """An invoice by the days since it fell due. parts: what was applied to it or disputed, without ids."""

    customer: str
    total: str
    due: int
    currency: str = CURRENCY
    terms: int = 30
    parts: tuple[Raw, ...] = ()
    fields: Raw = NO_FIELDS


class State(NamedTuple):
    """A state that a bill entered so many days ago. payment: for how many days ago it was scheduled."""

    state: str
    since: int
    payment: int | None = None


class Bill(NamedTuple):
    """A bill by the days since it fell due, with the states it went through. A supplier without id goes by its name."""

    supplier: str
    total: str
    due: int
    states: tuple[State, ...]
    currency: str = CURRENCY
    terms: int = 30
    parts: tuple[Raw, ...] = ()
    fields: Raw = NO_FIELDS


def paid(ago: int, amount: str) -> Raw:
    """A payment."""
    return {"type": "payment", "amount": amount, "paid_on": ago}


def credited(ago: int, amount: str, kind: str = "credit_note") -> Raw:
    """A credit note, or a write-off."""
    return {"type": "credit", "amount": amount, "credited_on": ago, "kind": kind}


def disputed(opened: int, resolved: int | None = None, outcome: str | None = None, **fields: str) -> Raw:
    """A dispute over all of the document, or over a part (amount); still open without an outcome."""
    closing = {} if resolved is None else {"resolved_on": resolved, "outcome": outcome}
    return {"type": "dispute", "opened_on": opened, **closing, **fields}


def allocated(ago: int, amount: str, source: Raw) -> Raw:
    """A part of a payment or credit on account, applied to the document. source: payment_id or credit_id."""
    return {"type": "allocation", "amount": amount, "applied_on": ago, **source}


# --- customers ------------------------------------------------------------------------------------------------------

CUSTOMERS: dict[str, Raw] = {
    "C-1001": {"name": "Blackwater Bistro", "account_number": ACCOUNT, "external_id": "crm-1001", "currency": "GBP"},
    "C-1002": {
        "name": "Harbour Street Café",
        "account_number": "1002",
        "external_id": "crm-1002",
        "currency": "GBP",
        "email": "accounts@harbourstreet.example",
        "credit_limit": {"GBP": "1000.00"},
    },
    "C-1003": {
        "name": "Mercer & Lowe Hotels",
        "account_number": "1003",
        "external_id": "crm-1003",
        "currency": "GBP",
        "email": "ledger@mercerlowe.example",
        "credit_limit": {"GBP": "7500.00", "EUR": "2000.00"},
    },
    "C-1004": {"name": "Orchard Lane Grocers", "account_number": "1004", "external_id": "crm-1004", "currency": "GBP"},
    "C-1005": {"name": "Northgate Catering", "account_number": "1005", "external_id": "crm-1005", "currency": "GBP"},
    "C-1006": {"name": "Kestrel Events", "account_number": "1006", "external_id": "crm-1006", "currency": "GBP"},
    "C-1007": {"name": "Pemberton Delicatessen", "account_number": "1007", "currency": "GBP"},
    "C-1008": {"name": "Ferry Road Bakery", "account_number": "1008", "currency": "GBP"},
    "C-1009": {"name": "The Tannery Kitchen", "account_number": "1009", "currency": "GBP"},
    "C-1010": {"name": "Bridgewater Offices", "account_number": "1010", "currency": "GBP"},
    "C-1011": {"name": "Saltmarsh Inn", "account_number": "1011", "currency": "GBP", "payment_blocked": True},
    "C-1012": {"name": "Millpond Tearoom", "account_number": "1012", "currency": "GBP"},
    "C-1013": {"name": "Cobalt Coworking", "account_number": "1013", "currency": "GBP"},
    "C-1014": {"name": "Quayside Theatre", "account_number": "1014", "currency": "GBP"},
    "C-1015": {"name": "Kaffeehaus Lindner", "account_number": "1015", "currency": "EUR"},
    "C-1016": {"name": "Atelier Rousseau", "account_number": "1016", "currency": "EUR"},
    "C-1017": {"name": "Wexford Weddings", "account_number": "1017", "currency": "GBP"},
    "C-1018": {"name": "Lighthouse School", "account_number": "1018", "currency": "GBP"},
    "C-1019": {"name": "Greenfield Allotments", "account_number": "1019", "currency": "GBP"},
    "C-1020": {"name": "Kiln Street Pizzeria", "account_number": "1020", "currency": "GBP"},
}


class Custom(NamedTuple):
    """A counterparty's regular business: one document a month, and how late each was paid, in turn."""

    party: str
    monthly: int
    days_late: tuple[int, ...]
    currency: str = CURRENCY
    terms: int = 30


REGULAR_CUSTOMERS = (
    Custom("C-1001", 1_180, (12, 25, 31, 18)),
    Custom("C-1002", 420, (2, -1, 5)),
    Custom("C-1003", 3_650, (9, 14, 16)),
    Custom("C-1004", 880, (-3, 6, 20, 33)),
    Custom("C-1005", 2_240, (4, 0, 17)),
    Custom("C-1006", 1_500, (21, 8)),
    Custom("C-1008", 360, (0, 1)),
    Custom("C-1010", 1_120, (-2, 3, 11)),
    Custom("C-1014", 640, (-6, -4, 0)),
    Custom("C-1015", 1_340, (5, 13, -1), "EUR", 14),
    Custom("C-1016", 910, (24, 37, 9), "EUR"),
)
MONTHS_PAID = range(3, 17)
"""Which documents of the regular business are paid: so many times thirty days ago they fell due."""

LINES = [
    {
        "id": "1",
        "name": "House blend, 1 kg",
        "quantity": "80",
        "unit_price": "12.50",
        "amount": "1000.00",
        "tax_amount": "200.00",
    },
    {"id": "2", "name": "Delivery", "quantity": "1", "unit_price": "40.00", "amount": "40.00", "tax_amount": "8.00"},
]

INVOICES = (
    # Escalation: call. A part was paid, and reminders did not help.
    Invoice(
        "C-1001",
        "1248.00",
        75,
        parts=(paid(50, "300.00"),),
        fields={"taxable_amount": "1040.00", "pdf_available": True, "lines": LINES},
    ),
    Invoice("C-1001", "936.00", 12),
    # Gentle, nobody has reminded them yet; one more is not due.
    Invoice("C-1002", "412.50", 6),
    Invoice("C-1002", "398.00", -20),
    # Firm, and reminded three days ago: wait.
    Invoice("C-1003", "3720.00", 22),
    Invoice("C-1003", "3655.40", -8),
    # Final; the last reminder is old.
    Invoice("C-1004", "905.20", 44, parts=(credited(30, "65.20"),)),
    Invoice("C-1004", "870.00", 3),
    # Promised in full: wait.
    Invoice("C-1005", "2310.00", 28),
    # A broken promise, kept in part: firm becomes final.
    Invoice("C-1006", "1560.00", 20, parts=(paid(7, "400.00"),)),
    # A promise of a part leaves the action as it is.
    Invoice("C-1007", "740.00", 17, fields={"payment_status": "failed"}),
    Invoice("C-1007", "515.00", 2),
    # A kept promise, and another invoice that has fallen due since.
    Invoice("C-1008", "366.00", 52, parts=(paid(36, "366.00"),)),
    Invoice("C-1008", "354.00", 4),
    # Everything disputed: wait.
    Invoice("C-1009", "1090.00", 35, parts=(disputed(30),)),
    # One of two disputed; an older dispute was won, and the invoice paid.
    Invoice("C-1010", "1150.00", 50, parts=(disputed(46),)),
    Invoice("C-1010", "1085.00", 18),
    Invoice("C-1010", "990.00", 140, parts=(disputed(135, 110, "won"), paid(98, "990.00"))),
    # A lost dispute stays held until it is credited.
    Invoice("C-1011", "2075.00", 66, parts=(disputed(60, 40, "lost"),)),
    # Long overdue, but below the policy's minimum.
    Invoice("C-1012", "38.40", 95),
    # In administration: written off but for the last invoice; one was issued in error.
    Invoice("C-1013", "1420.00", 210, parts=(paid(180, "220.00"), credited(90, "1200.00", "write_off"))),
    Invoice("C-1013", "610.00", 130),
    Invoice("C-1013", "610.00", 118, fields={"status": "voided", "voided_on": 112}),
    # Nothing overdue: due today, due later, and a draft.
    Invoice("C-1014", "655.00", 0),
    Invoice("C-1014", "640.00", -30, fields={"status": "draft"}),
    # Euros.
    Invoice("C-1015", "1410.00", 9, "EUR", 14),
    Invoice("C-1015", "1295.50", -5, "EUR", 14),
    Invoice("C-1016", "948.00", 82, "EUR", parts=(paid(60, "150.00"), paid(58, "-150.00"))),
    Invoice("C-1016", "875.00", 21, "EUR"),
    # Partly disputed: the short delivery only.
    Invoice("C-1020", "648.00", 11, parts=(disputed(9, amount="96.00", reason="Two sacks were missing"),)),
    # Paid for in advance: a part of the advance is applied, the rest is left.
    Invoice("C-1017", "480.00", 16, parts=(allocated(20, "480.00", {"payment_id": "ADV-1"}),)),
    # An overpayment: what is too much is on account, and covers what has fallen due since. Nothing to chase.
    Invoice("C-1018", "216.00", 40, parts=(paid(35, "612.00") | {"method": "cheque", "reference": "000417"},)),
    Invoice("C-1018", "340.00", 9),
    # Mercer & Lowe's hotel in Antwerp is invoiced in euros: a second row of one customer.
    Invoice("C-1003", "2180.00", 40, "EUR"),
)

ON_ACCOUNT: tuple[Raw, ...] = (
    # An advance for a season of weddings, applied in part; a part was paid back when a wedding was called off.
    {"type": "payment", "id": "ADV-1", "customer_id": "C-1017", "amount": "1500.00", "paid_on": 60}
    | {"method": "bank transfer", "reference": "Summer season"},
    {"type": "payment", "id": "ADV-1-REFUND", "customer_id": "C-1017", "amount": "-250.00", "paid_on": 6},
    # A credit note for returned grinders that nobody has applied yet; it is less than what is overdue.
    {"type": "credit", "id": "CN-301", "customer_id": "C-1004", "amount": "120.00", "credited_on": 12}
    | {"kind": "credit_note", "number": "CN-301"},
    # A deposit of somebody who has not been invoiced yet.
    {"type": "payment", "id": "DEP-1", "customer_id": "C-1019", "amount": "75.00", "paid_on": 3},
)

REMINDERS = (
    # Customer, and how many days ago.
    ("C-1001", 62),
    ("C-1001", 33),
    ("C-1001", 2),
    ("C-1003", 3),
    ("C-1004", 37),
    ("C-1004", 16),
    ("C-1007", 8),
    ("C-1016", 70),
)

PROMISES: tuple[tuple[str, str, str | None, int, int], ...] = (
    # Customer, currency, amount (None: all), made and promised so many days ago.
    ("C-1005", "GBP", None, 4, -5),
    ("C-1006", "GBP", "1560.00", 14, 5),
    ("C-1007", "GBP", "500.00", 3, -6),
    ("C-1008", "GBP", "366.00", 45, 35),
)

# --- suppliers ------------------------------------------------------------------------------------------------------

SUPPLIER_MONEY: tuple[Raw, ...] = (
    # Paid in advance for the next harvest, in euros; a part is applied.
    {"type": "payment", "id": "PRE-1", "supplier_id": "S-2001", "amount": "2000.00", "currency": "EUR", "paid_on": 50},
    # A credit note for a broken delivery that covers all that would have to be paid.
    {"type": "credit", "id": "SCN-11", "supplier_id": "S-2009", "amount": "180.00", "credited_on": 10}
    | {"kind": "credit_note", "number": "SCN-11"},
    # They have paid back what they were paid twice.
    {"type": "payment", "id": "TWICE-1", "supplier_id": "S-2006", "amount": "285.00", "paid_on": 45},
    {"type": "payment", "id": "TWICE-1-REFUND", "supplier_id": "S-2006", "amount": "-285.00", "paid_on": 20},
)

SUPPLIERS = {
    "S-2001": "Cordillera Green Coffee",
    "S-2002": "Thames Valley Freight",
    "S-2003": "Brightwater Packaging",
    "S-2004": "Union Street Properties",
    "S-2005": "Albion Energy",
    "S-2006": "Fernhill Dairy",
    "S-2007": "Hamburger Mühlenbau",
    "S-2008": "Ashdown Accountants",
    "S-2009": "Copperleaf Ceramics",
}
REGULAR_SUPPLIERS = (
    Custom("S-2001", 4_800, (3, 8, -2), "EUR"),
    Custom("S-2002", 720, (0, 4)),
    Custom("S-2003", 1_060, (-1, 6, 2)),
    Custom("S-2004", 2_500, (0,), terms=14),
    Custom("S-2005", 930, (1, -2), terms=14),
    Custom("S-2006", 285, (5, 9, 0)),
)
BILLS = (
    # Critical and approved: pay.
    Bill("S-2001", "5120.00", 70, (State("NeedsApproval", 98), State("Approved", 90)), "EUR"),
    Bill(
        "S-2001",
        "4875.00",
        -12,
        (State("Approved", 15),),
        "EUR",
        parts=(allocated(14, "1500.00", {"payment_id": "PRE-1"}),),
    ),
    # Their credit note is enough for it: nothing to pay.
    Bill("S-2009", "165.00", 7, (State("Approved", 30),)),
    # Disputed: wait. Another was paid too much.
    Bill("S-2009", "92.00", 30, (State("Approved", 55),), parts=(disputed(28, reason="Never delivered"),)),
    Bill("S-2009", "60.00", 62, (State("Approved", 85), State("Paid", 60)), parts=(paid(60, "66.00"),)),
    # Scheduled for a day to come: wait. Another is not due yet.
    Bill("S-2002", "712.00", -18, (State("Approved", 5),)),
    Bill("S-2002", "736.00", 3, (State("Approved", 20), State("Scheduled", 4, -2))),
    # Scheduled for a day that has passed: confirm.
    Bill("S-2003", "1088.40", 15, (State("Approved", 30), State("Scheduled", 10, 4))),
    # The payment failed: confirm.
    Bill("S-2004", "2500.00", 40, (State("Scheduled", 45, 40), State("PaymentFailed", 39)), terms=14),
    # Payment in progress: wait.
    Bill("S-2005", "948.20", 5, (State("Approved", 12), State("PaymentInProgress", 1)), terms=14),
    # One scheduled, one not: only the second is to pay.
    Bill("S-2006", "291.50", 24, (State("Scheduled", 6, -1),)),
    Bill("S-2006", "278.00", 10, (State("Approved", 30),), parts=(credited(8, "18.00"), paid(5, "100.00"))),
    Bill("S-2007", "12400.00", 33, (State("Scheduled", 5, -3),), "EUR"),
    # By name only: nobody gave the window cleaner a number.
    Bill("", "84.00", 2, (State("Approved", 14),), terms=14, fields={"supplier_name": "Clearview Window Cleaning"}),
    # Not payable: waiting for approval, being read, refused, void.
    Bill("S-2008", "1650.00", 9, (State("Created", 38), State("NeedsApproval", 36))),
    Bill("S-2003", "412.00", 1, (State("PendingReview", 6),)),
    Bill("S-2002", "158.00", -10, (State("OcrProcessing", 1),)),
    Bill("S-2005", "77.10", -9, (State("OcrFailed", 2),), terms=14),
    Bill("S-2006", "640.00", 28, (State("PendingReview", 55), State("Rejected", 50))),
    Bill("S-2008", "300.00", 60, (State("Approved", 85), State("Voided", 70)), fields={"voided_on": 70}),
)


def records(today: date) -> list[Raw]:
    """The company's book on a day, in the order in which it is recorded."""
    return list(_Writer(today).records())


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes days before today out as dates, and gives ids: documents are numbered as they were issued."""

    today: date

    def records(self) -> Iterator[Raw]:
        """Everything, parties first."""
        for id_, fields in CUSTOMERS.items():
            yield {"type": "customer", "id": id_, **fields}
        for id_, name in SUPPLIERS.items():
            yield {"type": "supplier", "id": id_, "name": name}
        for money in (*ON_ACCOUNT, *SUPPLIER_MONEY):
            yield self._dated({"currency": CURRENCY} | money)
        invoices = [*INVOICES, *map(_paid_invoice, _regular(REGULAR_CUSTOMERS))]
        for number, invoice in enumerate(sorted(invoices, key=_age, reverse=True), 10_001):
            yield from self._invoice(f"INV-{number}", invoice)
        bills = [*BILLS, *map(_paid_bill, _regular(REGULAR_SUPPLIERS))]
        for number, bill in enumerate(sorted(bills, key=_age, reverse=True), 20_001):
            yield from self._bill(f"BILL-{number}", bill)
        for number, (customer, ago) in enumerate(REMINDERS, 1):
            yield self._dated({"type": "reminder", "id": f"R-{number}", "customer_id": customer, "sent_at": ago})
        for number, (customer, currency, amount, made, promised) in enumerate(PROMISES, 1):
            promise = {"type": "promise", "id": f"P-{number}", "customer_id": customer, "currency": currency}
            terms = {} if amount is None else {"amount": amount}
            yield self._dated(promise | terms | {"made_on": made, "promised_on": promised})

    def _invoice(self, id_: str, invoice: Invoice) -> Iterator[Raw]:
        head = {"type": "invoice", "id": id_, "number": id_, "customer_id": invoice.customer}
        yield self._dated(head | _terms(invoice) | invoice.fields)
        yield from self._parts("invoice_id", id_, invoice.parts)

    def _bill(self, id_: str, bill: Bill) -> Iterator[Raw]:
        """The bill once for each of its states, so that past days know them."""
        supplier = {"supplier_id": bill.supplier} if bill.supplier else {}
        head = {"type": "bill", "id": id_, "number": id_, **supplier, **_terms(bill), **bill.fields}
        for state, since, payment in bill.states:
            scheduled = {} if payment is None else {"scheduled_payment_on": payment}
            yield self._dated(head | {"state": state, "state_on": since} | scheduled)
        yield from self._parts("bill_id", id_, bill.parts)

    def _parts(self, reference: str, id_: str, parts: tuple[Raw, ...]) -> Iterator[Raw]:
        numbers = count(1)
        for part in parts:
            yield self._dated({"type": part["type"], "id": f"{id_}-{next(numbers)}", reference: id_} | part)

    def _dated(self, record: Raw) -> Raw:
        return {name: self._date(name, value) for name, value in record.items()}

    def _date(self, name: str, value: Any) -> Any:
        if name.endswith("_on"):
            return (self.today - timedelta(days=value)).isoformat()
        if name == "sent_at":
            return f"{(self.today - timedelta(days=value)).isoformat()}T09:30:00Z"
        return value


def _age(document: Invoice | Bill) -> int:
    """How many days ago it was issued."""
    return document.due + document.terms


def _terms(document: Invoice | Bill) -> Raw:
    money = {"currency": document.currency, "total": document.total}
    return money | {"issued_on": _age(document), "due_on": document.due}


class _Paid(NamedTuple):
    """A document of the regular business, paid in full."""

    custom: Custom
    total: str
    due: int
    paid: int


def _regular(customs: tuple[Custom, ...]) -> Iterator[_Paid]:
    """Amounts vary with the months, by up to a tenth, and parties' days of the month differ."""
    for position, custom in enumerate(customs):
        for month in MONTHS_PAID:
            due = 30 * month + 2 * position
            total = Decimal(custom.monthly) * (90 + (7 * month + 5 * position) % 21) / 100
            late = custom.days_late[month % len(custom.days_late)]
            yield _Paid(custom, f"{total:.2f}", due, due - late)


def _paid_invoice(document: _Paid) -> Invoice:
    custom, total, due, paid_ago = document
    return Invoice(custom.party, total, due, custom.currency, custom.terms, (paid(paid_ago, total),))


def _paid_bill(document: _Paid) -> Bill:
    custom, total, due, paid_ago = document
    states = (State("Approved", due + custom.terms - 3), State("Paid", paid_ago))
    return Bill(custom.party, total, due, states, custom.currency, custom.terms, (paid(paid_ago, total),))
