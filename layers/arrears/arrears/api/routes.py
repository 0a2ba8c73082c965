"""The addresses of every endpoint and the methods they accept. `<name>` is a variable part of the path."""

RECEIVABLES_OVERDUE = "/receivables/overdue"
RECEIVABLES_SIMULATION = "/receivables/overdue/simulation"
RECEIVABLES_HISTORY = "/receivables/overdue/history"
RECEIVABLES_AGING = "/receivables/aging"
ESCALATIONS = "/escalations"
PAYABLES_OVERDUE = "/payables/overdue"
PAYABLES_SIMULATION = "/payables/overdue/simulation"
PAYABLES_HISTORY = "/payables/history"
PAYABLES_AGING = "/payables/aging"
CUSTOMER = "/receivables/customers/<id>"
CUSTOMER_STATEMENT = "/receivables/customers/<id>/statement"
SUPPLIER = "/payables/suppliers/<id>"
SUPPLIER_STATEMENT = "/payables/suppliers/<id>/statement"
LEDGER_RECORDS = "/ledger/records"
LEDGER_CHANGES = "/ledger/changes"
OVERDUE_BALANCE = "/analytics/overdue_balance"
INVOICE_COLLECTION = "/analytics/invoice_collection"
LAGO_PREFIX = "/api/v1"
"""Lago's own clients look for its endpoints under this prefix."""
BILLING_INVOICES_PAST_DUE = "/restapi/<api_version>/accounts/<account_id>/billing_invoices_past_due"
OPENAPI = "/openapi.json"
DOCS = "/docs"
DOCS_FILE = "/docs/<name>"
PROBLEM = "/problems/<code>"

METHODS = {
    RECEIVABLES_OVERDUE: "GET",
    RECEIVABLES_SIMULATION: "POST",
    RECEIVABLES_HISTORY: "GET",
    RECEIVABLES_AGING: "GET",
    ESCALATIONS: "GET",
    PAYABLES_OVERDUE: "GET",
    PAYABLES_SIMULATION: "POST",
    PAYABLES_HISTORY: "GET",
    PAYABLES_AGING: "GET",
    CUSTOMER: "GET",
    CUSTOMER_STATEMENT: "GET",
    SUPPLIER: "GET",
    SUPPLIER_STATEMENT: "GET",
    LEDGER_RECORDS: "POST",
    LEDGER_CHANGES: "GET",
    OVERDUE_BALANCE: "GET",
    INVOICE_COLLECTION: "GET",
    LAGO_PREFIX + OVERDUE_BALANCE: "GET",
    LAGO_PREFIX + INVOICE_COLLECTION: "GET",
    BILLING_INVOICES_PAST_DUE: "GET",
    OPENAPI: "GET",
    DOCS: "GET",
    DOCS_FILE: "GET",
    PROBLEM: "GET",
}
"""The method of every address."""
