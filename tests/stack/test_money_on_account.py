"""Money on account over HTTP: sent, allocated and taken back, and read in every answer that has it."""

import csv
import io
from datetime import UTC, datetime, timedelta

import docusign_esign

from arrears.ledger.ids import outward_id
from arrears.runtime import Services
from arrears_cli.deployment import Deployment
from stack.conftest import Tenant
from support.http import Client

TODAY = datetime.now(UTC).date()
EARLIER, LATELY = str(TODAY - timedelta(days=60)), str(TODAY - timedelta(days=5))
NUMBER = "1001"


def test_money_on_account_is_in_every_answer_until_it_is_taken_back(
    stack: Deployment, services: Services, tenant: Tenant
) -> None:
    client, key = Client(stack.base_url), tenant.api_key
    advance = {"type": "payment", "customer_id": "C1", "currency": "GBP", "paid_on": LATELY}
    sent = client.record(
        key,
        {"type": "customer", "id": "C1", "name": "Ann", "account_number": NUMBER},
        {"type": "invoice", "id": "I1", "customer_id": "C1", "currency": "GBP", "total": "100"}
        | {"issued_on": EARLIER, "due_on": EARLIER},
        {**advance, "id": "P1", "amount": "130"},
        {**advance, "id": "by mistake", "amount": "500"},
        {
            "type": "allocation",
            "id": "A1",
            "payment_id": "P1",
            "invoice_id": "I1",
            "amount": "60",
            "applied_on": LATELY,
        },
    )
    assert [result["result"] for result in sent.body["results"]] == ["created"] * 5
    [taken_back] = client.record(key, {"type": "payment", "id": "by mistake", "deleted": True}).body["results"]
    assert taken_back["result"] == "deleted"

    [row] = client.dolfin(key, "/receivables/aging").body["customers"]
    assert (row["outstanding"], row["unapplied"], row["net"]) == (40, 70, -30)
    [line] = csv.DictReader(io.StringIO(client.dolfin(key, "/receivables/aging", format="csv").text))
    assert (line["outstanding"], line["unapplied"], line["net"]) == ("40", "70", "-30")
    page = client.dolfin(key, "/receivables/customers/C1").body
    assert [balance["net"] for balance in page["balances"]] == [-30]
    assert [(money["reference"], money["amount"]) for money in page["onAccount"]] == [("P1", 70)]
    statement = client.dolfin(key, "/receivables/customers/C1/statement", **{"from": LATELY}).body
    [section] = statement["currencies"]
    assert (section["opening"], section["closing"]) == (100, -30)
    assert [(line["reference"], line["amount"]) for line in section["lines"]] == [("P1", -130)]

    uid = outward_id(tenant.organisation_id, "customer", "C1")
    integrator = services.users().create_integrator_key(tenant.organisation_id)
    token = services.users().create(tenant.organisation_id, uid, "ann", "a long password", integrator, True)
    official = docusign_esign.ApiClient(host=f"{stack.base_url}/restapi")
    official.set_default_header("Authorization", f"Bearer {token}")
    summary = docusign_esign.BillingApi(official).list_invoices_past_due(NUMBER)
    assert (summary.past_due_balance, summary.account_balance) == ("40.00", "-30.00")
