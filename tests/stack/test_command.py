"""The installed command, as somebody without access to AWS runs it: on the deployed API, with a key."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from arrears_cli import deployment
from arrears_cli.deployment import Deployment
from arrears_cli.output import Failed
from stack.conftest import Tenant


def printed(stack: Deployment, tenant: Tenant, folder: Path, *arguments: str) -> Any:
    """The JSON value that the command prints, in a folder and an environment that lead to no table."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("AWS_", "ARREARS_"))}
    run = subprocess.run(
        [Path(sys.executable).parent / "arrears", *arguments, "--json"],
        cwd=folder,
        env=environment | {"ARREARS_URL": stack.base_url, "ARREARS_API_KEY": tenant.api_key},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_a_key_and_an_address_are_enough_to_record_and_to_read(
    stack: Deployment, tenant: Tenant, tmp_path: Path
) -> None:
    invoice = ("--id", "I1", "--customer-id", "C1", "--customer-name", "Zoë", "--number", "2020-1", "--total", "100.50")
    dates = ("--currency", "GBP", "--issued-on", "2020-01-01", "--due-on", "2020-02-01")
    assert printed(stack, tenant, tmp_path, "record", "invoice", *invoice, *dates)["result"] == "created"
    (tmp_path / "paid.csv").write_text("type,id,invoice_id,amount,paid_on\npayment,P1,I1,40,2020-02-15\n")
    assert printed(stack, tenant, tmp_path, "import", "paid.csv")["files"][0]["created"] == 1
    [row] = printed(stack, tenant, tmp_path, "receivables", "--as-of", "2020-03-01")["customers"]
    assert (row["customerName"], row["totalOverdue"]) == ("Zoë", 60.5)
    assert printed(stack, tenant, tmp_path, "payables")["suppliers"] == []
    assert printed(stack, tenant, tmp_path, "history") == {"months": []}
    assert printed(stack, tenant, tmp_path, "history", "--side", "payables") == {"months": []}
    [aged] = printed(stack, tenant, tmp_path, "aging", "--as-of", "2020-03-01")["customers"]
    assert aged["net"] == 60.5
    assert printed(stack, tenant, tmp_path, "customer", "C1")["openInvoices"][0]["invoiceReference"] == "I1"
    [section] = printed(stack, tenant, tmp_path, "statement", "C1", "--from", "2020-01-01")["currencies"]
    assert section["closing"] == 60.5
    taken_back = printed(stack, tenant, tmp_path, "record", "payment", "--delete", "P1")
    assert taken_back["result"] == "deleted"
    assert printed(stack, tenant, tmp_path, "escalations")["escalations"] == []


def test_a_stack_is_found_by_its_name_and_region_alone(stack: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in stack.environment().items():
        monkeypatch.setenv(name, text)
    assert deployment.find("arrears", stack.region).ledger_table == stack.ledger_table
    with pytest.raises(Failed, match="There is no stack nowhere in us-east-1 of this AWS account"):
        deployment.find("nowhere", stack.region)
