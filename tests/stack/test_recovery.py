"""The rehearsal of docs/recovery.md: all that is stored of an organisation is gone, and comes back from an export."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from arrears.runtime import Services
from arrears_cli.deployment import Deployment
from oracle.book import Organisation as Home
from oracle.generate import random_book
from support.http import Client

HOME = Home("0c0c0c0c-0000-4000-8000-00000000c0c0", "Europe/Berlin", "EUR")
TODAY = datetime.now(UTC).date()
LOGIN = {"Username": "ann", "Password": "a long password", "IntegratorKey": "0e2a7d3c-51d5-4b7e-9a44-6c1f6f0f8d21"}
ACCOUNTS = {
    "type": "customer", "id": "recovery-1", "name": "Ann", "account_number": "recovery-1",
    "updated_at": "2020-01-01T00:00:00Z",
}  # fmt: skip
OWED = {
    "type": "invoice", "id": "recovery-1", "customer_id": "recovery-1", "currency": "EUR", "total": "99.95",
    "issued_on": str(TODAY - timedelta(days=70)), "due_on": str(TODAY - timedelta(days=40)), "taxable_amount": "80",
    "lines": [{"id": "1", "name": "Work", "quantity": "1.5", "unit_price": "66.6333", "amount": "99.95"}],
}  # fmt: skip


class Command:
    """The `arrears` command as an operator runs it beside the stack."""

    def __init__(self, stack: Deployment, folder: Path) -> None:
        (folder / ".local").mkdir()
        described = Path(os.environ["TEST_RUN"]) / "stack.json"
        (folder / ".local" / "stack.json").write_text(described.read_text())
        self.folder = folder

    def __call__(self, *arguments: str, given: str | None = None) -> str:
        command = [Path(sys.executable).parent / "arrears", *arguments]
        done = subprocess.run(command, cwd=self.folder, input=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def arrears(stack: Deployment, tmp_path: Path) -> Command:
    return Command(stack, tmp_path)


def set_up(services: Services) -> str:
    """The organisation as it was before, with a policy and a key; the key."""
    services.organisations().create("Recovery", HOME.timezone, HOME.currency, HOME.id)
    services.organisations().set_policy(HOME.id, {"firm_from_days": 10, "cooldown_days": 3})
    return services.api_keys().create(HOME.id)


def recovered(arrears: Command) -> str:
    """The steps of the documentation, with the ledger's export in book.ndjson; a new key."""
    org = ("--organisation", HOME.id)
    names = ("--name", "Recovery", "--timezone", HOME.timezone, "--currency", HOME.currency)
    arrears("org", "create", "--id", HOME.id, *names)
    arrears("policy", "set", *org, "--firm-from-days", "10", "--cooldown-days", "3")
    arrears("import", "book.ndjson", *org)
    user = ("--username", LOGIN["Username"], "--integrator-key", LOGIN["IntegratorKey"], "--account", "recovery-1")
    arrears("integrator", "create", *org, "--existing-stdin", given=LOGIN["IntegratorKey"])
    arrears("user", "create", *org, *user, "--admin", "--password-stdin", given=LOGIN["Password"])
    arrears("close", *org)
    assert "Everything adds up." in arrears("reconcile", *org)
    key: str = json.loads(arrears("key", "create", *org, "--json"))["api_key"]
    return key


def answers(client: Client, key: str) -> dict[str, Any]:
    """What every endpoint answers, for several days."""
    answered: dict[str, Any] = {}
    for path in ("/receivables/overdue", "/payables/overdue"):
        for days in (-400, -40, -1, 0, 30):
            day = str(TODAY + timedelta(days=days))
            answered[f"{path} {day}"] = client.dolfin(key, path, asOf=day)
    for name in ("overdue_balance", "invoice_collection"):
        answered[name] = client.lago(key, name)
    answered["history"] = client.dolfin(key, "/receivables/overdue/history", months="100")
    answered["past due"] = client.docusign("recovery-1", {"X-DocuSign-Authentication": json.dumps(LOGIN)})
    assert {name: answer.text for name, answer in answered.items() if answer.status != 200} == {}
    answered["escalations"] = client.dolfin(key, "/escalations", limit="1000")
    bodies = {name: answer.body for name, answer in answered.items()}
    records = bodies["escalations"]["escalations"]
    # When something was written down is the one thing that differs in a second writing.
    kept = [{name: value for name, value in record.items() if name != "recordedAt"} for record in records]
    bodies["escalations"] = sorted(kept, key=lambda record: record["id"])
    return bodies


def wipe(services: Services) -> int:
    """Deletes the contents of all tables, as far as they are the organisation's; how many items there were."""
    gone = 0
    for table in (services.settings.ledger_table, services.settings.history_table, services.settings.access_table):
        for page in services.client.get_paginator("scan").paginate(TableName=table, ProjectionExpression="pk, sk"):
            for item in page["Items"]:
                if HOME.id in item["pk"]["S"] + item["sk"]["S"]:
                    services.client.delete_item(TableName=table, Key=item)
                    gone += 1
    return gone


def test_an_export_brings_everything_back(
    stack: Deployment, services: Services, arrears: Command, tmp_path: Path
) -> None:
    client, key = Client(stack.base_url), set_up(services)
    organisation = services.organisations().get(HOME.id)
    book = random_book(7, 40, pivot=TODAY, organisation=HOME, recorded_on=TODAY)
    results = services.recorder().record(organisation, [*book.records, ACCOUNTS, OWED], services.clock())
    assert sum(result.result == "created" for result in results) > 40
    customer = services.ledger.customer(organisation, "recovery-1")
    assert customer is not None
    login = LOGIN["Username"], LOGIN["Password"], LOGIN["IntegratorKey"]
    services.users().create_integrator_key(HOME.id, LOGIN["IntegratorKey"])
    services.users().create(HOME.id, customer.location.id, *login, True)
    services.closing().close(organisation, services.clock())
    before = answers(client, key)
    assert before["escalations"]
    assert before["history"]["months"]

    exported = arrears("export", "--organisation", HOME.id)
    (tmp_path / "book.ndjson").write_text(exported)
    assert wipe(services) > 100
    with pytest.raises(ValueError, match="no organisation"):
        services.organisations().get(HOME.id)

    after = answers(client, recovered(arrears))
    for name, body in before.items():
        assert after[name] == body, name
    again = arrears("export", "--organisation", HOME.id)
    assert without_moments(again) == without_moments(exported)


def without_moments(exported: str) -> list[str]:
    """The records of an export, whatever their order."""
    return sorted(json.dumps(json.loads(line), sort_keys=True) for line in exported.splitlines())
