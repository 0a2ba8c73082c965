"""A file dropped into the deployed stack's bucket."""

import json
import time
from typing import Any

import pytest

from arrears.ledger.days import parse_day
from arrears.ledger.ledger_side import Side
from arrears.rendering.overdue import overdue_bodies
from arrears.reports.aging import overdue_report
from arrears.runtime import Services
from arrears_cli.deployment import Deployment, administrator
from stack.conftest import Tenant
from support.files import sample

PATIENCE_SECONDS = 240


@pytest.fixture
def s3(stack: Deployment) -> Any:
    return administrator().client("s3", endpoint_url=stack.endpoint_url)


def results(s3: Any, bucket: str, key: str) -> dict[str, Any]:
    """The results, once they are there."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        found = s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])
        if found:
            body: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            return body
        time.sleep(0.5)
    raise AssertionError(f"{key} was not written within {PATIENCE_SECONDS} s")


def test_a_dropped_export_is_in_the_book(stack: Deployment, services: Services, tenant: Tenant, s3: Any) -> None:
    folder = f"imports/{tenant.organisation_id}/xero"
    content = sample("xero", "xero_invoice_data.csv").content.replace(b"PAID,ACCREC", b"PAYED,ACCREC", 1)
    s3.put_object(Bucket=stack.import_bucket, Key=f"{folder}/invoices.csv", Body=content)
    written = results(s3, stack.import_bucket, f"{folder}/results.json")
    assert (written["status"], written["rows"], written["rejected_rows"]) == ("done", 117, 1)
    rejected = s3.get_object(Bucket=stack.import_bucket, Key=f"{folder}/rejected.csv")["Body"].read().decode()
    assert "'PAYED' is not a value that the mapping knows" in rejected
    organisation = services.organisations().get(tenant.organisation_id)
    day = parse_day("2020-06-30")
    accounts = services.ledger.accounts(organisation, Side.RECEIVABLE, day, organisation.today(services.clock()))
    assert overdue_bodies(overdue_report(accounts, day, organisation).aging) == [
        {"currency": "GBP", "amount": 4500, "count": 2}
    ]
    # What was written beside the input has invoked the function again, and was no input.
    time.sleep(2)
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=stack.import_bucket, Prefix=folder)["Contents"]]
    assert sorted(key.removeprefix(f"{folder}/") for key in keys) == [
        "invoices.csv",
        "invoices.csv.rejected.csv",
        "invoices.csv.results.json",
        "rejected.csv",
        "results.json",
    ]
