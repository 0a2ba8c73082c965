"""The sample events of events/: one per function, and each is answered."""

import json
from string import Template
from typing import Any

import pytest

from api.conftest import Api, check, invoice, load_function
from local_stack.containers import with_values
from template import ROOT, resources

SHAPES = {
    "receivables_overdue": (200, "dolfin_receivables_overdue"),
    "payables_overdue": (200, "dolfin_payables_overdue"),
    "receivables_simulation": (200, "receivables_simulation"),
    "payables_simulation": (200, "payables_simulation"),
    "receivables_aging": (200, "receivables_aging"),
    "payables_aging": (200, "payables_aging"),
    "overdue_balance": (200, "lago_overdue_balance"),
    "invoice_collection": (200, "lago_invoice_collection"),
    "billing_invoices_past_due": (200, "docusign_past_due"),
    "ledger_records": (200, "ledger_results"),
    "ledger_changes": (200, "changes"),
    "receivables_history": (200, "receivables_history"),
    "payables_history": (200, "payables_history"),
    "escalations": (200, "escalations"),
    "customers": (200, "customer"),
    "suppliers": (200, "supplier"),
    "documentation": (200, None),
    "fallback": (404, "problem"),
}


def folder(function: dict[str, Any]) -> str:
    return str(function["CodeUri"]).rstrip("/").split("/")[-1]


@pytest.mark.parametrize("name", SHAPES)
def test_a_sample_event_is_answered(api: Api, name: str) -> None:
    api.stored({"type": "customer", "id": "C1", "name": "A", "account_number": "1001"}, invoice("I1"))
    api.stored({"type": "customer", "id": "C-1001", "name": "A"}, {"type": "supplier", "id": "S-2001", "name": "B"})
    customer = api.services.ledger.customer(api.organisation, "1001")
    assert customer is not None
    users = api.services.users()
    token = users.create(api.organisation.id, customer.location.id, "ann", "a long password", api.integrator, True)
    values = {"api_key": api.key, "user_token": token, "account": "1001"}
    text = with_values((ROOT / "events" / f"{name}.json").read_text(), values)
    answer = load_function(f"functions/{name}").handler(json.loads(text), None)
    status, shape = SHAPES[name]
    assert answer["statusCode"] == status, answer["body"]
    if shape is not None:
        check(shape, json.loads(answer["body"]))


def test_the_events_leave_open_only_what_the_stack_knows() -> None:
    open_names = set()
    for path in (ROOT / "events").glob("*.json"):
        open_names |= set(Template(path.read_text()).get_identifiers())
    assert open_names == {"api_key", "user_token", "account", "organisation_id", "import_bucket"}


@pytest.mark.parametrize("name", SHAPES)
def test_a_sample_event_asks_for_today_when_the_demo_company_has_something_to_show(name: str) -> None:
    asked = json.loads((ROOT / "events" / f"{name}.json").read_text())
    assert not {"asOf", "as_of"} & (asked["queryStringParameters"] or {}).keys()


def test_every_function_of_the_api_has_a_sample_event() -> None:
    functions = resources("AWS::Serverless::Function").values()
    behind_the_api = {
        folder(function)
        for function in functions
        if any(event["Type"] == "Api" for event in function.get("Events", {}).values())
    }
    assert behind_the_api <= {path.stem for path in (ROOT / "events").glob("*.json")}
