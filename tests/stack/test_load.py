"""Readers and writers at once, for some seconds: no error, no write lost, and everything adds up afterwards."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from arrears.runtime import Services
from arrears_cli.deployment import Deployment
from stack.conftest import Tenant
from support.http import Answer, Client
from support.records import invoice, payment

SECONDS = 8
WRITERS = 2
READERS = 3
DATES = {"issued_on": "2024-03-01", "due_on": "2024-03-31"}


def written(client: Client, key: str, writer: int, until: float) -> tuple[list[Answer], int]:
    """Invoices of a customer that all writers share and one of the writer's own, each with a part payment."""
    answers, batches = [], 0
    while time.monotonic() < until:
        records = []
        for customer in ("shared", f"own {writer}"):
            id_ = f"{writer}/{batches}/{customer}"
            records += [
                invoice(id_, customer_id=customer, currency="GBP", total="10.00", **DATES),
                payment(id_, invoice_id=id_, amount="4.00", paid_on="2024-04-01"),
            ]
        answers.append(client.record(key, *records))
        batches += 1
    return answers, batches


def read(client: Client, key: str, until: float) -> list[Answer]:
    asks: list[Callable[[], Answer]] = [
        lambda: client.dolfin(key),
        lambda: client.dolfin(key, asOf="2024-06-30", limit="2"),
        lambda: client.dolfin(key, "/payables/overdue"),
        lambda: client.dolfin(key, "/escalations"),
        lambda: client.lago(key, "overdue_balance"),
        lambda: client.lago(key, "invoice_collection"),
    ]
    answers: list[Answer] = []
    while time.monotonic() < until:
        answers.append(asks[len(answers) % len(asks)]())
    return answers


def test_reads_and_writes_at_once_are_all_answered_and_counted(
    stack: Deployment, tenant: Tenant, services: Services
) -> None:
    client, key = Client(stack.base_url), tenant.api_key
    until = time.monotonic() + SECONDS
    with ThreadPoolExecutor(WRITERS + READERS) as pool:
        writing = [pool.submit(written, client, key, writer, until) for writer in range(WRITERS)]
        reading = [pool.submit(read, client, key, until) for _ in range(READERS)]
        wrote = [task.result() for task in writing]
        reads = [answer for task in reading for answer in task.result()]
    answers = [answer for answers, _ in wrote for answer in answers]
    assert {answer.status for answer in [*reads, *answers]} == {200}
    results = Counter(result["result"] for answer in answers for result in answer.body["results"])
    batches = sum(count for _, count in wrote)
    assert results == {"created": batches * 4}
    assert batches >= WRITERS
    assert len(reads) >= READERS
    rows = {row["customerName"]: row for row in client.dolfin(key).body["customers"]}
    expected = {f"own {writer}": count * 6 for writer, (_, count) in enumerate(wrote)} | {"shared": batches * 6}
    assert {name: row["totalOverdue"] for name, row in rows.items()} == expected
    counted = client.lago(key, "invoice_collection").body["invoice_collections"]
    assert sum(row["invoices_count"] for row in counted) == batches * 2
    organisation = services.organisations().get(tenant.organisation_id)
    assert list(services.reconciliation().run(organisation, services.clock())) == []
