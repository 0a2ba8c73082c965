"""What a cold start pays for: each function imports what it uses, and nothing else.

The lists are exact: a module more is a decision to be made here, a module less is to be struck out.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))

CLIENT = {"botocore", "dateutil", "jmespath", "six", "urllib3"}
"""A DynamoDB client; boto3 over it would be a fifth of a cold start more."""
ANSWERING = {"aws_lambda_powertools", "botocore", "jmespath", "orjson"}
READING = CLIENT | ANSWERING
PYDANTIC = {"annotated_types", "pydantic", "pydantic_core", "typing_inspection"}
IGNORED = {
    *(
        "arrears",
        "__editable___arrears_0_1_0_finder",
        "typing_extensions",
        "_distutils_hack",
        "_sysconfigdata__linux_x86_64-linux-gnu",
    ),
    *("OpenSSL", "_awscrt", "_cffi_backend", "_openssl", "awscrt", "certifi", "cryptography"),
}
"""What others take if it is there: the development environment has it, the layer has not."""

CONNECTED = {
    *(
        "ledger.caller",
        "ledger.customers",
        "ledger.days",
        "ledger.dated_document",
        "ledger.ids",
        "ledger.known_at",
        "ledger.money",
        "metrics",
    ),
    *("ledger.figures", "ledger.on_account", "ledger.open_book"),
    *("ledger.organisation", "ledger.policy", "ledger.errors", "ledger.reminders", "ledger.ledger_side", "runtime"),
    *(
        "storage.access.authentication",
        "storage.access.counters",
        "storage.access.guess_limit",
        "storage.access.items",
        "storage.access.last_use",
        "storage.client",
        "storage.transactions",
        "storage.dynamodb",
        "storage.ledger.keys",
        "storage.ledger.month_figures",
        "storage.ledger.open_accounts",
        "storage.ledger.reader",
        "storage.ledger.codec",
        "storage.access.passwords",
        "storage.access.rate_limit",
        "storage.access.table",
    ),
}
"""What every function has that asks the tables anything."""
DOLFIN = CONNECTED | {
    "api.cursor",
    "api.dolfin",
    "api.errors",
    "api.http",
    "api.known_at",
    "api.listing",
    "api.problem",
    "api.routes",
    "reports.page_request",
}
LAGO = CONNECTED | {"reports.months", "api.errors", "api.http", "api.known_at", "api.lago", "api.routes"}
RENDERING = {"rendering.overdue", "rendering.reasons", "reports.reasons"}
LINES = {"rendering.lines", "reports.aging"}
PAGES = {"reports.book_reading", "reports.paging"}
REPORT = (
    DOLFIN
    | RENDERING
    | LINES
    | PAGES
    | {"reports.overdue_page"}
    | {"api.overdue_query", "ledger.time_limit", "rendering.overdue_documents"}
    | {"reports.payment_behaviour", "reports.row_selection", "reports.tiers"}
)
SIMULATION = (
    DOLFIN
    | LINES
    | {"api.json_body", "api.simulation", "ledger.exact_json", "ledger.time_limit", "reports.book_reading"}
    | {"rendering.policy_preview", "rendering.reasons", "reports.policy_preview", "reports.reasons"}
    | {"reports.payment_behaviour", "reports.tiers"}
)
AGED_LIST = (
    DOLFIN
    | RENDERING
    | LINES
    | PAGES
    | {"reports.aged_page"}
    | {"api.aged_list", "ledger.time_limit", "rendering.aged_list", "reports.aged_list"}
    | {"reports.tiers"}
)
PARTY = (
    DOLFIN
    | RENDERING
    | LINES
    | {
        "api.parties",
        "ledger.parties",
        "ledger.time_limit",
        "rendering.party",
        "rendering.statement",
        "reports.money_items",
        "reports.party",
        "reports.party_reading",
        "reports.payment_behaviour",
        "reports.statements",
        "reports.tiers",
    }
)
IMPORTS = {
    f"imports.{name}"
    for name in (
        "companions",
        "condition",
        "csv_rows",
        "dates",
        "dropped_files",
        "encoding",
        "errors",
        "field",
        "file_kind",
        "file_reader",
        "file_rows",
        "import_run",
        "json_limits",
        "json_rows",
        "mapped_table",
        "mapping",
        "numbers",
        "rejected_rows",
        "repeated_records",
        "template",
        "turns",
    )
} | {"spreadsheet"}
RECORDS = {"ledger.exact_json", "ledger.records"}
RECORDING = {
    f"ledger.{name}"
    for name in (
        "accounts",
        "payment_status",
        "documents",
        "duplicates",
        "on_account",
        "on_account_records",
        "promises",
        "record_warnings",
        "recording",
        "recording_counterparties",
        "recording_documents",
        "recording_money",
        "result",
        "unit_of_work",
    )
}
HISTORY = (
    DOLFIN
    | RENDERING
    | LINES
    | {"api.dolfin_history", "api.known_at", "ledger.time_limit", "rendering.history"}
    | {f"reports.{name}" for name in ("control_account", "month_close", "tiers")}
)
ANSWERING_ERRORS = {"ledger.errors", "metrics", "api.errors", "api.http", "api.problem", "api.routes"}

BUDGET: dict[str, tuple[set[str], set[str]]] = {
    "billing_invoices_past_due": (
        CONNECTED
        | {"api.docusign", "api.errors", "api.http", "api.known_at", "api.routes"}
        | {"ledger.on_account", "ledger.time_limit", "reports.aging", "reports.past_due"},
        READING | {"defusedxml"},
    ),
    "close_worker": (
        CONNECTED
        | RENDERING
        | {"ledger.on_account", "ledger.promises"}
        | {"close.escalation_writer", "rendering.history", "storage.history.escalations", "storage.history.table"}
        | {f"reports.{name}" for name in ("aging", "escalations", "payment_behaviour", "receivables", "tiers")},
        READING,
    ),
    "customers": (
        PARTY | {"ledger.promises", "rendering.customer_page", "reports.promises", "reports.receivables"},
        READING,
    ),
    "daily_run": (CONNECTED | {"close.due_organisations"}, READING),
    "documentation": (ANSWERING_ERRORS | {"api.documentation"}, ANSWERING),
    "escalations": (DOLFIN | LINES | {"api.dolfin_history", "reports.tiers"}, READING),
    "fallback": (
        ANSWERING_ERRORS
        | {"api.docusign", "api.fallback", "api.known_at", "api.lago"}
        | {f"ledger.{name}" for name in ("caller", "customers", "days", "known_at", "money", "organisation", "policy")},
        ANSWERING | {"defusedxml"},
    ),
    "import_drop": (
        CONNECTED
        | IMPORTS
        | RECORDS
        | {"ledger.documents", "ledger.import_ids", "ledger.origin", "ledger.record_warnings", "ledger.result"},
        READING | PYDANTIC,
    ),
    "invoice_collection": (LAGO | {"reports.invoice_collection"}, READING),
    "ledger_changes": (
        DOLFIN | LINES | {"api.changes", "ledger.changes", "ledger.origin", "rendering.changes"},
        READING,
    ),
    "ledger_records": (
        DOLFIN | RECORDS | {"api.json_body", "api.record_batch", "ledger.import_ids", "ledger.origin"},
        READING | PYDANTIC,
    ),
    "overdue_balance": (LAGO | {"ledger.on_account", "reports.overdue_balance", "reports.aging"}, READING),
    "payables_history": (HISTORY, READING),
    "payables_overdue": (REPORT | {"reports.payables"}, READING),
    "payables_simulation": (SIMULATION | {"reports.payables"}, READING),
    "receivables_history": (HISTORY, READING),
    "payables_aging": (AGED_LIST | {"reports.aged_suppliers"}, READING),
    "receivables_aging": (
        AGED_LIST
        | {"ledger.promises"}
        | {"reports.aged_customers", "reports.receivables", "reports.payment_behaviour", "reports.reasons"},
        READING,
    ),
    "receivables_overdue": (REPORT | {"ledger.promises", "reports.receivables"}, READING),
    "receivables_simulation": (SIMULATION | {"ledger.promises", "reports.receivables"}, READING),
    "suppliers": (PARTY | {"rendering.supplier_page", "reports.payables"}, READING),
}
"""Modules of the package, and packages of others, by function."""

LOOK = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("app", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
own = [name for name, found in sys.modules.items() if name.startswith("arrears.") and not hasattr(found, "__path__")]
others = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names - {"__main__", "__mp_main__"}
print(json.dumps([own, sorted(others)]))
"""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_imports_what_it_uses_and_nothing_else(function: str) -> None:
    own, others = imported_by(function)
    assert own == BUDGET[function][0]
    assert others - IGNORED == BUDGET[function][1]


def imported_by(function: str) -> tuple[set[str], set[str]]:
    """Modules of the package and packages of others that are there when the function can answer."""
    environment = {"ACCESS_TABLE": "a", "LEDGER_TABLE": "l", "AWS_DEFAULT_REGION": "us-east-1"}
    command = [sys.executable, "-c", LOOK, ROOT / "functions" / function / "app.py"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    own, others = json.loads(run.stdout)
    return {name.removeprefix("arrears.") for name in own}, set(others)
