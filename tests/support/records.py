"""Records to start from: each function gives a valid one, its fields changed; None takes a field away."""

from typing import Any

from arrears.ledger.organisation import Organisation

ORGANISATION = Organisation("0a0a0a0a-0000-4000-8000-000000000001", "Test", "USD", "UTC", 1, "00")
OTHER = Organisation("0b0b0b0b-0000-4000-8000-000000000002", "Other", "USD", "UTC", 1, "00")

type Raw = dict[str, Any]


def _record(fields: Raw, changes: Raw) -> Raw:
    return {key: value for key, value in {**fields, **changes}.items() if value is not None}


def invoice(id: str = "I", **changes: Any) -> Raw:
    """100 USD owed by C since 2020-01-01, due on 2020-02-01."""
    dates = {"issued_on": "2020-01-01", "due_on": "2020-02-01"}
    fields = {"type": "invoice", "id": id, "customer_id": "C", "currency": "USD", "total": "100", **dates}
    return _record(fields, changes)


def bill(id: str = "B", **changes: Any) -> Raw:
    """100 USD owed to S since 2020-01-01, due on 2020-02-01, approved on its first day."""
    dates = {"issued_on": "2020-01-01", "due_on": "2020-02-01"}
    fields = {"type": "bill", "id": id, "supplier_id": "S", "currency": "USD", "total": "100", **dates}
    return _record({**fields, "state": "Approved"}, changes)


def payment(id: str = "P", **changes: Any) -> Raw:
    """40 paid on invoice I on 2020-03-01."""
    document = {} if "bill_id" in changes else {"invoice_id": "I"}
    return _record({"type": "payment", "id": id, **document, "amount": "40", "paid_on": "2020-03-01"}, changes)


def credit(id: str = "K", **changes: Any) -> Raw:
    """10 credited on invoice I on 2020-03-02."""
    document = {} if "bill_id" in changes else {"invoice_id": "I"}
    return _record({"type": "credit", "id": id, **document, "amount": "10", "credited_on": "2020-03-02"}, changes)


def payment_on_account(id: str = "A", **changes: Any) -> Raw:
    """100 USD that customer C paid on account on 2020-02-20."""
    party = {} if "supplier_id" in changes else {"customer_id": "C"}
    fields = {"type": "payment", "id": id, **party, "currency": "USD", "amount": "100", "paid_on": "2020-02-20"}
    return _record(fields, changes)


def credit_on_account(id: str = "B", **changes: Any) -> Raw:
    """A credit note of 30 USD for customer C of 2020-02-25, on account."""
    party = {} if "supplier_id" in changes else {"customer_id": "C"}
    fields = {"type": "credit", "id": id, **party, "currency": "USD", "amount": "30", "credited_on": "2020-02-25"}
    return _record(fields, changes)


def allocation(id: str = "L", **changes: Any) -> Raw:
    """25 of payment A, applied to invoice I on 2020-03-05."""
    source = {} if "credit_id" in changes and "payment_id" not in changes else {"payment_id": "A"}
    document = {} if "bill_id" in changes and "invoice_id" not in changes else {"invoice_id": "I"}
    fields = {"type": "allocation", "id": id, **source, **document, "amount": "25", "applied_on": "2020-03-05"}
    return _record(fields, changes)


def customer(id: str = "C", **changes: Any) -> Raw:
    """Customer C, named Ada."""
    return _record({"type": "customer", "id": id, "name": "Ada"}, changes)


def supplier(id: str = "S", **changes: Any) -> Raw:
    """Supplier S, named Bolt."""
    return _record({"type": "supplier", "id": id, "name": "Bolt"}, changes)


def reminder(id: str = "R", **changes: Any) -> Raw:
    """C reminded of everything at noon of 2020-06-20."""
    return _record({"type": "reminder", "id": id, "customer_id": "C", "sent_at": "2020-06-20T12:00:00Z"}, changes)


def promise(id: str = "M", **changes: Any) -> Raw:
    """C's promise of 2020-05-01 to pay all USD by 2020-05-31."""
    dates = {"made_on": "2020-05-01", "promised_on": "2020-05-31"}
    return _record({"type": "promise", "id": id, "customer_id": "C", "currency": "USD", **dates}, changes)


def dispute(id: str = "D", **changes: Any) -> Raw:
    """Invoice I disputed since 2020-04-01."""
    document = {} if "bill_id" in changes else {"invoice_id": "I"}
    return _record({"type": "dispute", "id": id, **document, "opened_on": "2020-04-01"}, changes)
