"""What each field of each record means, in one sentence: for documentation, OpenAPI document and `arrears record`."""

COMMON = {
    "type": "Which record this is.",
    "id": "Your own id. A record replaces the stored one of its type and id.",
    "updated_at": "When your system last changed it. A record older than the stored one is `stale`.",
    "voided_on": "The first day on which it no longer counts.",
    "customer_id": "Your id of the customer.",
    "invoice_id": "Your id of the invoice. Give this or `bill_id`.",
    "bill_id": "Your id of the bill. Give this or `invoice_id`.",
    "number": "The number printed on it.",
    "currency": "ISO 4217 code.",
    "deleted": "Takes the record back, as if it had never been sent.",
}

RECORDS = {
    "customer": "Somebody who owes us.",
    "supplier": "Somebody whom we owe.",
    "invoice": "What a customer owes, with its dates.",
    "bill": "What we owe a supplier, with its state in our approval and payment process.",
    "payment": "Money applied to one invoice or bill; with a party instead, money on account. Give one of the four.",
    "credit": "A credit note or write-off of one invoice or bill; with a party instead, a credit note on account.",
    "allocation": "What of a payment or credit on account is applied to an invoice or bill of its party and currency.",
    "reminder": "A reminder that was sent to a customer.",
    "promise": "A customer's promise to pay by a day.",
    "dispute": "A customer's dispute of an invoice, or ours of a bill.",
}

FIELDS = {
    "customer": {
        "name": "The name that answers show.",
        "external_id": "The customer's id in Lago's `external_customer_id`. Several customers may share one.",
        "account_number": "The account in DocuSign's address. Each number belongs to one customer.",
        "currency": "The currency of DocuSign's answer. Without one: the organisation's.",
        "payment_blocked": "True: DocuSign's `paymentAllowed` is false.",
        "email": "Where letters go.",
        "address": "The postal address, with its line breaks.",
        "language": "The language of letters, a tag such as `de` or `en-GB`.",
        "credit_limit": 'By currency, how much it may owe: `{"EUR": "5000"}`.',
    },
    "supplier": {"name": "The name that answers show."},
    "invoice": {
        "customer_name": "The customer's name. It counts until a customer record gives one.",
        "total": "Gross amount. Not negative: what lowers a debt is a credit, on account if on no document.",
        "issued_on": "The day from which it counts.",
        "due_on": "The last day on which it is not overdue. Without one it is never overdue, unless the policy has "
        "default payment terms.",
        "status": "`draft` never counts. `voided` counts until `voided_on`; without that day it never counts.",
        "payment_status": "`failed`: the last attempt to collect it failed. Lago's invoice collection shows it.",
        "taxable_amount": "The part of the total that is taxed. DocuSign's answer shows it.",
        "pdf_available": "Whether there is a PDF of it. DocuSign's answer shows it.",
        "lines": "What was invoiced. DocuSign's answer shows it.",
    },
    "line": {
        "id": "Your id of the line.",
        "name": "What was sold.",
        "quantity": "How many.",
        "unit_price": "Price of one, in major units.",
        "amount": "Amount of the line, without tax.",
        "tax_amount": "Tax on it.",
    },
    "bill": {
        "supplier_id": "Your id of the supplier. Without one, bills are grouped by `supplier_name`.",
        "supplier_name": "The supplier's name. It counts until a supplier record gives one.",
        "total": "Gross amount. Not negative: what lowers a debt is a credit, on account if on no document.",
        "issued_on": "The day from which it counts. Without one: the day it was recorded, or its due date if earlier.",
        "issued_on_inferred": "True: `issued_on` was inferred. `averageDaysToPay` then leaves the bill out.",
        "due_on": "The last day on which it is not overdue.",
        "state": "Its state; the table below says which are payable.",
        "state_on": "The day it entered the state. Without one: the day of issue. Every state received is kept.",
        "scheduled_payment_on": "The day its payment is scheduled for.",
    },
    "payment": {
        "invoice_id": "Your id of the invoice that is paid.",
        "bill_id": "Your id of the bill that is paid.",
        "customer_id": "Your id of the customer who has paid on account.",
        "supplier_id": "Your id of the supplier who was paid on account.",
        "currency": "ISO 4217 code; for money on account, and only there. A document has its own.",
        "amount": "Negative: a reversal; of money on account: a refund.",
        "paid_on": "The day it counts from.",
        "method": "How it was paid, such as `transfer`.",
        "reference": "What the payer wrote on it.",
    },
    "credit": {
        "invoice_id": "Your id of the invoice that is credited.",
        "bill_id": "Your id of the bill that is credited.",
        "customer_id": "Your id of the customer whose credit is on account.",
        "supplier_id": "Your id of the supplier whose credit is on account.",
        "currency": "ISO 4217 code; for a credit on account, and only there. A document has its own.",
        "amount": "Negative: a reversal.",
        "credited_on": "The day it counts from.",
        "kind": "`credit_note` (default) or `write_off`.",
    },
    "allocation": {
        "payment_id": "Your id of the payment on account. Give this or `credit_id`.",
        "credit_id": "Your id of the credit on account. Give this or `payment_id`.",
        "amount": "How much of it, above zero.",
        "applied_on": "The day it counts from, if the money is there by then; else the day of the money.",
        "voided_on": "The first day on which it no longer counts; nor does it once its payment or credit is void.",
    },
    "reminder": {
        "sent_at": "When it was sent. Its day is the one in the organisation's time zone.",
        "invoice_ids": "The invoices it was about. Without any: all of the customer's.",
    },
    "promise": {
        "amount": "How much is promised. Without one: everything.",
        "made_on": "The day it was made.",
        "promised_on": "The last day on which it can be kept.",
    },
    "dispute": {
        "opened_on": "The first day on which the document is disputed.",
        "amount": "The disputed part, above zero. Without one: all of the document.",
        "reason": "What is wrong with the document.",
        "resolved_on": "The first day on which it no longer is, unless the outcome is `lost`.",
        "outcome": "`won`: it is owed. `lost`: the invoice was wrong; it stays disputed and owed until credited.",
    },
}

BILL_STATES = {
    "Created": "Entered; not checked yet.",
    "OcrProcessing": "Being read by software.",
    "OcrFailed": "Could not be read.",
    "PendingReview": "Waits for a person to check it.",
    "NeedsApproval": "Checked; waits for approval.",
    "Rejected": "Refused by us.",
    "Approved": "To be paid; no payment is arranged yet.",
    "Scheduled": "Payment is arranged for a day.",
    "PaymentInProgress": "Payment is on its way.",
    "PaymentFailed": "Payment was tried and failed.",
    "Paid": "Paid in full, whatever was applied to it.",
    "Voided": "Does not count.",
}

SCOPES = {
    "ledger:write": "`POST /ledger/records`",
    "receivables:read": (
        "`/receivables/overdue`, its simulation and its history, `/receivables/aging`, customers, statements"
    ),
    "payables:read": (
        "`/payables/overdue` and its simulation, `/payables/history`, `/payables/aging`, suppliers, statements"
    ),
    "analytics:read": "Lago's endpoints",
    "escalations:read": "`GET /escalations`",
    "ledger:audit": "`GET /ledger/changes`",
}


def field_text(kind: str, name: str) -> str:
    """What a field means. Raises KeyError where that is not written down yet."""
    return FIELDS[kind].get(name) or COMMON[name]
