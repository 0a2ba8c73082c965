"""The texts that describe each operation; everything else about it comes from the code."""

from dataclasses import dataclass
from typing import Any

from arrears.api import changes, dolfin_history, known_at, listing, parties, routes
from arrears.api.dolfin import MAX_LIMIT
from arrears.api.overdue_query import PAYABLES, RECEIVABLES, SideParameters
from arrears.ledger.changes import CHANGE_TYPES
from arrears.ledger.policy import MAX_CLOSE_AFTER_DAYS, MAX_DAYS, UNAPPLIED_COVERS
from arrears.rendering.aged_list import BY_DOCUMENT
from arrears.reports.row_selection import AGE, ORDERS
from arrears.reports.statements import ACTIVITY, KINDS
from arrears.reports.tiers import TIERS, URGENCIES


@dataclass(frozen=True)
class Operation:
    """An operation. body: the schema of its 200, None for a page. errors: the schema of its refusals.

    other_body: the schema of a 200 that one of its parameters asks for. media: the kinds of its 200, where they vary.
    csv: what a line of its 200 as CSV is, where it answers that too. asks: the schema of a body that it takes; records,
    where a POST has none of its own.
    """

    id: str
    tag: str
    summary: str
    description: str
    body: str | None = None
    errors: str = "Problem"
    security: tuple[str, ...] = ("apiKey", "bearer")
    parameters: tuple[dict[str, Any], ...] = ()
    scope: str | None = None
    media: str | None = None
    csv: str | None = None
    asks: dict[str, Any] | None = None
    other_body: str | None = None

    @property
    def takes_moment(self) -> bool:
        """Whether it answers as of a past moment, too: the query or the body names it."""
        members = (self.asks or {}).get("properties", {})
        return known_at.KNOWN_AT in {*members, *(parameter["name"] for parameter in self.parameters)}


def query(name: str, description: str, **schema: Any) -> dict[str, Any]:
    """A query parameter, never required."""
    return {"name": name, "in": "query", "description": description, "schema": schema}


def part(name: str, description: str, **schema: Any) -> dict[str, Any]:
    """A part of the path."""
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


ORGANISATION = {
    "name": "x-dolfin-organisation-id",
    "in": "header",
    "description": "If sent, it must be the key's organisation.",
    "schema": {"type": "string", "format": "uuid"},
}
AS_OF = query(
    "asOf", "The day of the report. Without it: today in the organisation's time zone.", type="string", format="date"
)
LIMIT = query("limit", "Rows in a page. Without it: all rows.", type="integer", minimum=1, maximum=MAX_LIMIT)
FORMAT = query(
    listing.FORMAT,
    "Goes before `Accept`, where `text/csv` asks for CSV. A column is named after the path of its member in a row, "
    "several values are joined with a space.",
    type="string",
    enum=list(listing.FORMATS),
    default=listing.FORMATS[0],
)
KNOWN_AT = query(
    known_at.KNOWN_AT,
    "The answer as it would have been given at this moment (RFC 3339), or at the end of this day in the organisation's "
    f"time zone; today's date means now. Without asOf: as of that day. The header {known_at.HEADER} names the moment.",
    type="string",
    example="2026-06-30T18:00:00Z",
)
CURSOR = query("cursor", "nextCursor of the previous page.", type="string")
CURRENCY = query("currency", "Only this currency. Lower case is accepted.", type="string", example="EUR")
MONTHS = query("months", "The latest months, the current one included. Without it: all.", type="integer", minimum=1)
CLOSED_MONTHS = query(
    "months",
    "How many of the latest closed months.",
    type="integer",
    minimum=1,
    maximum=dolfin_history.MAX_MONTHS,
    default=dolfin_history.DEFAULT_MONTHS,
)
EXPLAIN = query(
    dolfin_history.EXPLAIN,
    "Only this closed month: which changes since its close make the difference to the same month as known now. "
    "Of the other parameters only knownAt goes with it.",
    type="string",
    pattern="^[0-9]{4}-(0[1-9]|1[0-2])$",
    example="2026-06",
)


def _selection(side: SideParameters) -> tuple[dict[str, Any], ...]:
    """The parameters that choose and order the rows of a side."""
    return (
        query(side.party_parameter, f"Only this {side.party}, by UUID or by your own id.", type="string"),
        CURRENCY,
        query(side.level, f"Only rows with this {side.level}.", type="string", enum=list(side.levels)),
        query("action", "Only rows with this suggestedAction.", type="string", enum=list(side.actions)),
        query(
            "sort",
            "Order inside a currency: most days overdue first, or the largest amount.",
            type="string",
            enum=list(ORDERS),
            default=AGE,
        ),
        query("include", f"With the overdue {side.included} of each row.", type="string", enum=[side.included]),
    )


_PAGE_PARAMETERS = (
    AS_OF,
    query(
        "limit",
        "Open documents in a page.",
        type="integer",
        minimum=1,
        maximum=MAX_LIMIT,
        default=parties.DEFAULT_LIMIT,
    ),
    CURSOR,
    KNOWN_AT,
    FORMAT,
    ORGANISATION,
)
_STATEMENT_PARAMETERS = (
    query("from", "First day. Without it: the first of the month of `to`.", type="string", format="date"),
    query("to", "Last day. Without it: today in the organisation's time zone.", type="string", format="date"),
    query(
        "kind",
        "What moved the balance, or what is open and on account at the end of `to`.",
        type="string",
        enum=list(KINDS),
        default=ACTIVITY,
    ),
    CURRENCY,
    KNOWN_AT,
    FORMAT,
    ORGANISATION,
)
_SUPPLIER_ID = "The supplier: its UUID, your own id of it, or the name of a supplier without an id."
_PAGE = (
    "As of the end of a day: balances by currency, open documents in pages, money on account item by item, "
    "what was agreed and what is disputed."
)
_STATEMENT = (
    "A section per currency: opening + movements = closing, a running balance, and the aging of the last day at the "
    "foot. The closing balance is the net of the aged list."
)

_REPORT = (
    "Totals and aging cover the whole book, whatever the page. The answer is rebuilt from dated facts, "
    "so any past or future day can be asked for."
)
_FILTERED = "With a filter, totals and aging stay the same, and `filtered` has the totals of the rows that pass it."

_AGED_LIST = (
    "Everything open or on account, what is not due yet included. By default one row per {party} and currency, those "
    "with money on account only included; with by=document one row per open {document}. Buckets are of what is open; "
    f"net is that less the money on account. {_REPORT}"
)


_DAYS = {"type": "integer", "minimum": 0, "maximum": MAX_DAYS}
_SIMULATION = {
    "type": "object",
    "required": ["policy"],
    "additionalProperties": False,
    "properties": {
        "policy": {
            "type": "object",
            "description": "The parts to try; what is left out stays as it is stored.",
            "additionalProperties": False,
            "properties": {
                **{f"{level}_from_days": _DAYS for level in (*TIERS[1:], *URGENCIES[1:])},
                "cooldown_days": _DAYS,
                "grace_days": _DAYS,
                "minimums": {
                    "type": "object",
                    "description": "Overdue amounts below which a row is final at most, by currency: all of them.",
                    "additionalProperties": {"type": ["string", "number"], "description": "Major units, read exactly."},
                },
                "unapplied_covers": {"type": "string", "enum": list(UNAPPLIED_COVERS)},
                "default_terms_days": {**_DAYS, "type": ["integer", "null"], "description": "Changes no row."},
                "close_after_days": {**_DAYS, "maximum": MAX_CLOSE_AFTER_DAYS, "description": "Changes no row."},
            },
        },
        **{one["name"]: {**one["schema"], "description": one["description"]} for one in (AS_OF, KNOWN_AT)},
    },
}
_COMPARED = (
    "Each overdue row is judged by the stored policy and by the one in the body. The rows of which the {level} or the "
    "action would be another are listed, in the order of the overdue report; the sums by {level} cover the whole book, "
    "before and after. Nothing is written. The proposed policy has the version that it would get."
)


def _by(party: str) -> dict[str, Any]:
    return query("by", "What there is a row for.", type="string", enum=[party, BY_DOCUMENT], default=party)


OPERATIONS: dict[str, Operation] = {
    routes.RECEIVABLES_OVERDUE: Operation(
        "receivablesOverdue",
        "Overdue",
        "Who owes us, how late, and what to do next",
        f"One row per customer and currency with something overdue. {_REPORT} {_FILTERED}",
        "OverdueResponse",
        parameters=(AS_OF, *_selection(RECEIVABLES), LIMIT, CURSOR, KNOWN_AT, FORMAT, ORGANISATION),
        scope="receivables:read",
        csv="A line for each row; with `include`, for each invoice.",
    ),
    routes.PAYABLES_OVERDUE: Operation(
        "payablesOverdue",
        "Overdue",
        "Whom we owe, how urgent it is, and what to do without paying twice",
        f"One row per supplier and currency with something overdue. {_REPORT} {_FILTERED}",
        "OverduePayablesResponse",
        parameters=(AS_OF, *_selection(PAYABLES), LIMIT, CURSOR, KNOWN_AT, FORMAT, ORGANISATION),
        scope="payables:read",
        csv="A line for each row; with `include`, for each bill.",
    ),
    routes.RECEIVABLES_SIMULATION: Operation(
        "receivablesSimulation",
        "Overdue",
        "Which customers another policy would treat otherwise",
        _COMPARED.format(level="tier"),
        "PolicyPreview",
        parameters=(LIMIT, CURSOR, FORMAT, ORGANISATION),
        scope="receivables:read",
        csv="A line for each row that would differ.",
        asks=_SIMULATION,
    ),
    routes.PAYABLES_SIMULATION: Operation(
        "payablesSimulation",
        "Overdue",
        "Which suppliers another policy would treat otherwise",
        _COMPARED.format(level="urgency"),
        "PayablesPolicyPreview",
        parameters=(LIMIT, CURSOR, FORMAT, ORGANISATION),
        scope="payables:read",
        csv="A line for each row that would differ.",
        asks=_SIMULATION,
    ),
    routes.RECEIVABLES_AGING: Operation(
        "receivablesAging",
        "Aging",
        "Everything that customers have open or on account",
        _AGED_LIST.format(party="customer", document="invoice")
        + " creditLimit is the customer's limit in the row's currency, creditAvailable what net leaves of it.",
        "AgedReceivables",
        parameters=(_by("customer"), AS_OF, LIMIT, CURSOR, KNOWN_AT, FORMAT, ORGANISATION),
        scope="receivables:read",
        csv="A line for each row.",
    ),
    routes.PAYABLES_AGING: Operation(
        "payablesAging",
        "Aging",
        "Everything open or on account with suppliers",
        _AGED_LIST.format(party="supplier", document="bill")
        + " Bills that wait for approval are no debts: notPayable shows their totals apart.",
        "AgedPayables",
        parameters=(_by("supplier"), AS_OF, LIMIT, CURSOR, KNOWN_AT, FORMAT, ORGANISATION),
        scope="payables:read",
        csv="A line for each row.",
    ),
    routes.RECEIVABLES_HISTORY: Operation(
        "receivablesHistory",
        "History",
        "Closed months: what was overdue, and how it changed",
        "Each month as it was known at its close, oldest first. "
        "openingOverdue + restated + newlyOverdue - collected - credited - noLongerOverdue = closingOverdue. "
        "In control: opening + restated + invoiced - received - credited - voided + refunded = closing.",
        "History",
        parameters=(CLOSED_MONTHS, EXPLAIN, KNOWN_AT, FORMAT, ORGANISATION),
        scope="receivables:read",
        csv="A line for each currency of each month.",
        other_body="MonthExplanation",
    ),
    routes.PAYABLES_HISTORY: Operation(
        "payablesHistory",
        "History",
        "Closed months of bills: what was overdue, and the control account",
        "Each month as it was known at its close, oldest first. "
        "openingOverdue + restated + newlyOverdue - paid - credited - noLongerOverdue = closingOverdue. "
        "In control: opening + restated + invoiced - received - credited - voided + refunded - closedByState "
        "= closing.",
        "PayablesHistory",
        parameters=(CLOSED_MONTHS, EXPLAIN, KNOWN_AT, FORMAT, ORGANISATION),
        scope="payables:read",
        csv="A line for each currency of each month.",
        other_body="MonthExplanation",
    ),
    routes.ESCALATIONS: Operation(
        "escalations",
        "History",
        "Every tier that a customer's row has entered or left",
        "Newest first by recordedAt, then id. from is null on entering, to is null on clearing; else they are tiers.",
        "Escalations",
        parameters=(
            query("since", "Recorded at or after this moment (RFC 3339) or day.", type="string"),
            query("tier", "Only moves to this tier.", type="string", enum=list(TIERS)),
            query("customerId", "Only this customer.", type="string", format="uuid"),
            query(
                "limit",
                "Records in a page.",
                type="integer",
                minimum=1,
                maximum=dolfin_history.MAX_LIMIT,
                default=dolfin_history.DEFAULT_LIMIT,
            ),
            CURSOR,
            KNOWN_AT,
            FORMAT,
            ORGANISATION,
        ),
        scope="escalations:read",
        csv="A line for each escalation.",
    ),
    routes.CUSTOMER: Operation(
        "customer",
        "Parties",
        "All that is known of a customer",
        _PAGE,
        "CustomerPage",
        parameters=(part("id", "The customer: its UUID, or your own id of it.", type="string"), *_PAGE_PARAMETERS),
        scope="receivables:read",
        csv="A line for each open invoice.",
    ),
    routes.CUSTOMER_STATEMENT: Operation(
        "customerStatement",
        "Parties",
        "The statement of a customer",
        f"{_STATEMENT} What the customer owes is positive.",
        "CustomerStatement",
        parameters=(part("id", "The customer: its UUID, or your own id of it.", type="string"), *_STATEMENT_PARAMETERS),
        scope="receivables:read",
        csv="A line for each movement or open item, between the opening and the closing balance of its currency.",
    ),
    routes.SUPPLIER: Operation(
        "supplier",
        "Parties",
        "All that is known of a supplier",
        _PAGE,
        "SupplierPage",
        parameters=(part("id", _SUPPLIER_ID, type="string"), *_PAGE_PARAMETERS),
        scope="payables:read",
        csv="A line for each open bill.",
    ),
    routes.SUPPLIER_STATEMENT: Operation(
        "supplierStatement",
        "Parties",
        "The statement of a supplier",
        f"{_STATEMENT} What we owe the supplier is positive.",
        "SupplierStatement",
        parameters=(part("id", _SUPPLIER_ID, type="string"), *_STATEMENT_PARAMETERS),
        scope="payables:read",
        csv="A line for each movement or open item, between the opening and the closing balance of its currency.",
    ),
    routes.LEDGER_RECORDS: Operation(
        "recordLedger",
        "Ledger",
        "Write records into the ledger",
        "Each record replaces the stored one of its type and id; the order of arrival does not matter. "
        "One result per record, in order; a rejected record does not stop the others. "
        "NDJSON is taken with the content type application/x-ndjson.",
        "LedgerResults",
        parameters=(
            query("importId", "The import that the records belong to, so that it can be undone.", type="string"),
            ORGANISATION,
        ),
        scope="ledger:write",
    ),
    routes.LEDGER_CHANGES: Operation(
        "ledgerChanges",
        "Ledger",
        "What has changed in the ledger, when and by whom",
        "Newest first. Every change of a record, of the policy and of settings, with what was stored before and after. "
        "A page may have fewer changes than asked for, or none, and a nextCursor: it ends when it has read enough of "
        "the log.",
        "Changes",
        parameters=(
            query("since", "Recorded at or after this moment (RFC 3339) or day.", type="string"),
            query("until", "Recorded at or before this moment (RFC 3339) or on this day at the latest.", type="string"),
            query("type", "Only changes of this type.", type="string", enum=list(CHANGE_TYPES)),
            query("id", "Only of the record with this id: yours, or the UUID that answers have.", type="string"),
            query("customerId", "Only of what is about this customer, by UUID or by your own id.", type="string"),
            query("supplierId", "Only of what is about this supplier, by UUID or by your own id.", type="string"),
            query("importId", "Only what this import has changed.", type="string"),
            query(
                "limit",
                "Changes in a page.",
                type="integer",
                minimum=1,
                maximum=changes.MAX_LIMIT,
                default=changes.DEFAULT_LIMIT,
            ),
            CURSOR,
            FORMAT,
            ORGANISATION,
        ),
        scope="ledger:audit",
        csv="A line for each change; the records before and after are JSON.",
    ),
    routes.OVERDUE_BALANCE: Operation(
        "overdueBalance",
        "Lago",
        "Overdue amounts by due month",
        "Lago's contract: amounts are integers in minor units. Unknown parameters are ignored, as Lago does. Without "
        "page and per_page, the answer lists every overdue invoice; about 140,000 fit into one.",
        "OverdueBalances",
        "LagoError",
        ("bearer",),
        (
            CURRENCY,
            MONTHS,
            query("external_customer_id", "Only this customer, by its external id.", type="string"),
            query("page", "A page of the invoices. With per_page alone: the first.", type="integer", minimum=1),
            query("per_page", "Invoices of a page. With page alone: 100.", type="integer", minimum=1, maximum=100_000),
            KNOWN_AT,
        ),
        scope="analytics:read",
    ),
    routes.INVOICE_COLLECTION: Operation(
        "invoiceCollection",
        "Lago",
        "Invoiced amounts by issue month and payment status",
        "Lago's contract. Months without invoices appear once with zeros, unless currency is given.",
        "InvoiceCollections",
        "LagoError",
        ("bearer",),
        (CURRENCY, MONTHS, KNOWN_AT),
        scope="analytics:read",
    ),
    routes.BILLING_INVOICES_PAST_DUE: Operation(
        "billingInvoicesPastDue",
        "DocuSign",
        "The past-due invoices of a customer",
        "DocuSign's contract: every value is a string. The user must be an administrator of the account.",
        "PastDue",
        "DocusignError",
        ("docusignCredentials", "userToken"),
        (
            part("apiVersion", "Version of the API.", type="string", enum=["v2", "v2.1"]),
            part("accountId", "The customer, by UUID or account number.", type="string"),
            KNOWN_AT,
        ),
    ),
    routes.OPENAPI: Operation(
        "openapi", "Documentation", "This document", "OpenAPI 3.1, made from the code.", security=()
    ),
    routes.DOCS: Operation(
        "docs",
        "Documentation",
        "The page that shows this document",
        "Nothing is loaded from another host.",
        security=(),
    ),
    routes.DOCS_FILE: Operation(
        "docsFile",
        "Documentation",
        "A script or style of the page",
        "Swagger UI.",
        security=(),
        parameters=(part("name", "The file.", type="string", enum=["swagger-ui.js", "swagger-ui.css", "start.js"]),),
        media="text/*",
    ),
    routes.PROBLEM: Operation(
        "problem",
        "Documentation",
        "What an error code means, and what to do",
        "Every problem details answer links here (Link, rel=help).",
        security=(),
        parameters=(part("code", "The member code of the answer.", type="string"),),
    ),
}
for _path in (routes.OVERDUE_BALANCE, routes.INVOICE_COLLECTION):
    _own = OPERATIONS[_path]
    OPERATIONS[routes.LAGO_PREFIX + _path] = Operation(
        _own.id + "V1",
        _own.tag,
        _own.summary,
        "The same, at the path that Lago's own clients use.",
        _own.body,
        _own.errors,
        _own.security,
        _own.parameters,
        _own.scope,
    )

TAGS = {
    "Overdue": "Receivables and payables, row by row, as of any day.",
    "Aging": "Everything open or on account, by counterparty or by document, as of any day.",
    "Parties": "One customer or supplier: everything known as of a day, and statements.",
    "History": "Closed months, and changes of tier.",
    "Ledger": "Writing records.",
    "Lago": "Lago's analytics, for Lago's own clients.",
    "DocuSign": "DocuSign's past-due invoices, for DocuSign's own clients.",
    "Documentation": "The documentation of the API.",
}

SECURITY = {
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "x-dolfin-api-key",
        "description": "A key of the organisation.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same key."},
    "docusignCredentials": {
        "type": "apiKey",
        "in": "header",
        "name": "X-DocuSign-Authentication",
        "description": "Username, Password and IntegratorKey, as JSON or XML.",
    },
    "userToken": {"type": "http", "scheme": "bearer", "description": "A user token (arrears user create)."},
}

HEADERS = {
    "Allow": "The method that the address takes.",
    "Link": "Leads to what the code means (rel=help).",
    "Retry-After": "Seconds to wait before sending the request again.",
    "WWW-Authenticate": "How to send credentials.",
    "X-Correlation-Id": "The request's id, as it is in the log.",
    "X-DocuSign-TraceToken": "The request's id, as it is in the log.",
}
"""The headers that describe an answer; the others are the same on every answer."""
KNOWN_AT_TEXT = "The moment of which the answer is, where one was asked for."
NEXT_CURSOR_TEXT = "nextCursor of an answer in CSV; left out on the last page."

STATUSES = {
    200: "The answer",
    400: "A parameter, cursor or body that cannot be used",
    401: "Credentials missing or not valid",
    403: "The credentials do not allow this",
    404: "There is nothing at this address",
    413: "Too large: the body, or the answer without paging",
    422: "Readable, but not valid",
    429: "Too many requests",
    500: "An internal error, logged under the request's id",
    503: "Busy; send the request again",
}

_DAY, _IDS = {"type": "string", "format": "date"}, {"type": "array", "items": {"type": "string", "format": "uuid"}}
_AMOUNT = {"type": ["number", "string"]}
_REASONS = {
    "type": "array",
    "description": "Why the row has its tier and action: codes with the values that were compared.",
    "items": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}},
}
_CURSOR = {"type": ["string", "null"], "description": "Send it as cursor to get the next page; null on the last page."}


def _filtered(totals: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{totals}", "description": "With a filter: totals of the rows that pass it."}


def _documents(kind: str) -> dict[str, Any]:
    """The documents that a row includes."""
    members = {
        f"{kind}Id": {"type": "string", "format": "uuid"},
        f"{kind}Reference": {"type": ["string", "null"], "description": "The caller's own id."},
        "invoiceNumber": {"type": ["string", "null"]},
        "issuedOn": _DAY,
        "dueDate": _DAY,
        "totalAmount": _AMOUNT,
        "outstanding": _AMOUNT,
        "daysOverdue": {"type": "integer"},
        "disputed": {"type": "boolean"},
        "disputedAmount": _AMOUNT,
        "state": {"type": ["string", "null"], "description": "The state of a bill; null for an invoice."},
    }
    return {
        "type": "array",
        "description": f"With include={kind}s: the overdue ones, by due date, then id.",
        "items": {"type": "object", "required": list(members), "properties": members},
    }


OURS: dict[str, dict[str, Any]] = {
    "OverdueResponse": {"nextCursor": _CURSOR, "filtered": _filtered("OverdueTotals")},
    "OverduePayablesResponse": {"nextCursor": _CURSOR, "filtered": _filtered("OverduePayablesTotals")},
    "OverdueCustomerRow": {
        "customerReference": {"type": "string", "description": "The caller's own id."},
        "disputedInvoiceIds": _IDS,
        "invoices": _documents("invoice"),
        "reasons": _REASONS,
    },
    "OverdueSupplierRow": {
        "supplierReference": {"type": ["string", "null"], "description": "The caller's own id."},
        "confirmBillIds": {**_IDS, "description": "Scheduled for a day that is over, or failed: ask before paying."},
        "unscheduledBillIds": {**_IDS, "description": "Approved and not scheduled: what schedule_payment is about."},
        "bills": _documents("bill"),
        "reasons": _REASONS,
    },
    "BillSummary": {"outstanding": _AMOUNT},
}
"""Members that answers have beside those of the documents they follow."""
