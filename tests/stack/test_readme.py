"""The README followed word for word, and the API's page in a real browser."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from arrears.runtime import Services
from arrears_cli.deployment import Deployment
from generate.screens import browse, browser
from stack.conftest import Tenant
from template import ROOT

README = (ROOT / "README.md").read_text()
XERO = ROOT / "tests" / "data" / "xero"


def blocks(language: str, heading: str) -> list[str]:
    """The code of a section, by language."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


@pytest.fixture
def run(stack: Deployment, tmp_path: Path) -> Callable[..., str]:
    """Runs a line of the README in a folder with the stack's description and two exports; what it prints."""
    (tmp_path / ".local").mkdir()
    shutil.copy(Path(os.environ["TEST_RUN"]) / "stack.json", tmp_path / ".local")
    shutil.copy(XERO / "xero_invoice_data.csv", tmp_path / "invoices.csv")
    shutil.copy(XERO / "xero_contact_data.csv", tmp_path / "contacts.csv")

    def shell(line: str, given: str = "", **variables: str) -> str:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euc", line],
            cwd=tmp_path,
            input=given,
            env=os.environ | {"PATH": path} | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return shell


def test_the_readme_s_commands_get_data_in(stack: Deployment, run: Callable[..., str]) -> None:
    commands, curl = blocks("sh", "Getting data in")
    create, import_, key, receivables, changes, aging, statement = commands.splitlines()
    printed = run(create)
    found = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", printed)
    assert found is not None, printed
    run(import_.replace("ID", found[0]))
    api_key = re.search(r"ar_\w+", run(key.replace("ID", found[0])))
    assert api_key is not None
    table = run(receivables.replace("ID", found[0]))
    assert "4,500.00" in table
    assert "escalation" in table
    assert "created" in run(changes.replace("ID", found[0]))
    assert run(aging.replace("ID", found[0])).startswith("asOf,billId,")
    with (XERO / "xero_invoice_data.csv").open(newline="") as lines:
        customer = next(row["contact_id"] for row in csv.DictReader(lines) if row["type"] == "ACCREC")
    assert "closing" in run(statement.replace("ID", found[0]).replace("CUSTOMER", customer))
    answer = run(curl, API_KEY=api_key[0], BASE_URL=stack.base_url)
    assert '"result":"created"' in answer


def test_the_readme_s_official_clients_are_answered(
    stack: Deployment,
    services: Services,
    tenant: Tenant,
    run: Callable[..., str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    organisation = services.organisations().get(tenant.organisation_id)
    late: dict[str, Any] = {"issued_on": "2020-01-01", "due_on": "2020-02-01", "currency": "GBP", "customer_id": "C1"}
    records = [
        {"type": "customer", "id": "C1", "name": "Ann", "account_number": "1001"},
        {"type": "invoice", "id": "I1", **late, "total": "120.50"},
    ]
    services.recorder().record(organisation, records, services.clock())
    [create] = blocks("sh", "With the official clients")
    create = create.replace("ID", organisation.id).replace(
        "KEY", services.users().create_integrator_key(organisation.id)
    )
    token = re.search(r"ut_\w+", run(create, "a long password"))
    assert token is not None
    known = {"API_KEY": tenant.api_key, "BASE_URL": stack.base_url, "USER_TOKEN": token[0]}
    for code in blocks("python", "With the official clients"):
        exec(code, dict(known))
    assert capsys.readouterr().out == "2020-02-01T00:00:00.000Z 12050\n120.50\n"


# --- the API's page


@pytest.fixture
def a_browser() -> None:
    if browser() is None:
        pytest.skip("no Chromium is installed (apt install chromium), and the page is tested in a real browser")


@pytest.mark.usefixtures("a_browser")
def test_the_page_shows_every_operation_without_any_other_host(stack: Deployment) -> None:
    page = browse(f"{stack.base_url}/docs", "--dump-dom").stdout
    for operation in ("receivablesOverdue", "escalations", "recordLedger", "billingInvoicesPastDue"):
        assert f"-{operation}" in page
    described = json.loads((ROOT / "functions" / "documentation" / "openapi.json").read_text())["paths"]
    assert page.count('class="opblock ') == sum(len(operations) for operations in described.values())
    assert "Failed to load" not in page
    assert "Unable to render" not in page


@pytest.mark.usefixtures("a_browser")
def test_a_link_into_the_page_opens_its_operation(stack: Deployment) -> None:
    page = browse(f"{stack.base_url}/docs#/Overdue/receivablesOverdue", "--dump-dom").stdout
    assert "asOf" in page
    assert "Northwind Traders" in page
    assert "Errors" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
