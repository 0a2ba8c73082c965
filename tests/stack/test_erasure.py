"""The rehearsal of docs/erasure.md on the deployed stack: a customer erased, then its organisation deleted."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from arrears.runtime import Services
from arrears_cli.deployment import Deployment, administrator
from stack.conftest import Tenant
from stack.test_recovery import Command
from support.http import Client

DAY = "2024-06-30"
LINES = [{"id": "1", "name": "Zane's knee", "quantity": "1", "unit_price": "100", "amount": "100"}]


def book() -> list[dict[str, Any]]:
    dates = {"issued_on": "2024-03-01", "due_on": "2024-03-31"}
    owed = {"type": "invoice", "currency": "GBP", "total": "100", **dates}
    return [
        {"type": "customer", "id": "C1", "name": "Zane Zuse", "account_number": "1001", "external_id": "zane@x.org"},
        {**owed, "id": "I1", "customer_id": "C1", "customer_name": "Zane Z.", "lines": LINES},
        {**owed, "id": "I2", "customer_id": "C2", "customer_name": "Eve"},
        {"type": "payment", "id": "P1", "invoice_id": "I1", "amount": "40", "paid_on": "2024-04-02"},
        {"type": "reminder", "id": "mail to Zane", "customer_id": "C1", "sent_at": "2024-05-01T09:00:00Z"},
    ]


def left_of(services: Services, organisation: str) -> str:
    """Every item of the tables that names the organisation, but for the operator's audit, as text."""
    tables = services.settings.ledger_table, services.settings.history_table, services.settings.access_table
    items = [
        item
        for table in tables
        for page in services.client.get_paginator("scan").paginate(TableName=table)
        for item in page["Items"]
        if item["pk"]["S"] != "O#operator"
    ]
    return "\n".join(text for text in map(str, items) if organisation in text)


def test_a_customer_is_erased_and_then_the_whole_organisation_deleted(
    stack: Deployment, services: Services, new_tenant: Callable[..., Tenant], tmp_path: Path
) -> None:
    client, arrears = Client(stack.base_url), Command(stack, tmp_path)
    mine, other = new_tenant(), new_tenant()
    for tenant in (mine, other):
        organisation = services.organisations().get(tenant.organisation_id)
        services.recorder().record(organisation, book(), services.clock())
        services.closing().close(organisation, services.clock())
    before = {tenant: client.dolfin(tenant.api_key, asOf=DAY).body for tenant in (mine, other)}
    of = ("--organisation", mine.organisation_id)

    assert json.loads(arrears("customer", "erase", *of, "--customer", "1001", "--yes", "--json"))["invoices"] == 1
    log = services.change_log(mine.organisation_id)
    assert "zane" not in str([entry.before for entry in log.entries()]).lower()
    after = client.dolfin(mine.api_key, asOf=DAY).body
    assert sorted(row["customerName"] for row in after["customers"]) == ["Eve", "erased"]
    assert after["totals"] == before[mine]["totals"]
    assert after["aging"] == before[mine]["aging"]
    assert "Zane" not in left_of(services, mine.organisation_id)
    assert "Everything adds up." in arrears("reconcile", *of)
    assert json.loads(arrears("org", "audit", *of, "--json"))[-1]["actor"].startswith("arn:aws:")

    s3 = administrator().client("s3", endpoint_url=stack.endpoint_url)
    key = f"imports/{mine.organisation_id}/mapping.toml"
    s3.put_object(Bucket=stack.import_bucket, Key=key, Body=b'title = "none"')
    # Revoked an hour ago, as far as the command can see: it need not wait for functions that know the key.
    hour_ago = services.clock() - timedelta(hours=1)
    services.api_keys().revoke(mine.organisation_id, mine.api_key.split("_")[2], hour_ago)
    done = arrears("org", "delete", *of, "--export", "kept.ndjson", given="Test\n")
    assert f"Deleted {mine.organisation_id}" in done
    assert "erased" in (tmp_path / "kept.ndjson").read_text()
    assert left_of(services, mine.organisation_id) == ""
    listed = s3.list_object_versions(Bucket=stack.import_bucket, Prefix=f"imports/{mine.organisation_id}/")
    assert not [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]
    outlived = json.loads(arrears("org", "audit", *of, "--json"))
    assert [act["act"] for act in outlived] == ["delete_organisation", "organisation_deleted"]
    assert client.dolfin(other.api_key, asOf=DAY).body == before[other]
