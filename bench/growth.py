"""What grows with one customer: the cost of 500 more records by how many there are, and of DocuSign's answer.

Run: python -m bench.growth [words of the names of what is to be measured]
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import batched
from typing import Any

from arrears.runtime import Services, services
from bench import here
from bench.book import organisation_of
from bench.table import Tables

BATCH = 500
BEFORE = (0, 500, 1_000)
"""How many of a kind there are before those that are measured."""

type Record = dict[str, Any]


def _day(ago: int) -> str:
    return str(here.now().date() - timedelta(days=ago))


def _invoice(number: int) -> Record:
    said = {"customer_id": "C", "currency": "EUR", "total": "1000000", "issued_on": _day(400), "due_on": _day(370)}
    return {"type": "invoice", "id": f"I{number}", **said}


def reminder(number: int) -> Record:
    """About all invoices, one every few hours."""
    sent = here.now() - timedelta(days=1, hours=number)
    return {"type": "reminder", "id": f"R{number}", "customer_id": "C", "sent_at": sent.isoformat()}


def reminder_of_one(number: int) -> Record:
    """About an invoice of its own, so that all of them stay live."""
    return {**reminder(number), "invoice_ids": [f"I{number}"]}


def payment(number: int) -> Record:
    """A part payment on the first invoice."""
    return {"type": "payment", "id": f"P{number}", "invoice_id": "I0", "amount": "1", "paid_on": _day(number % 365)}


def excess(number: int) -> Record:
    """A payment on an invoice that the first of them has paid: all others are money on account."""
    return {**payment(number), "amount": "1000000"}


def on_account(number: int) -> Record:
    """A payment on the customer's account."""
    paid = {"currency": "EUR", "amount": "10", "paid_on": _day(number % 365)}
    return {"type": "payment", "id": f"A{number}", "customer_id": "C", **paid}


def allocation(number: int) -> Record:
    """A part of one payment on account, on the first invoice."""
    applied = {"payment_id": "A0", "invoice_id": "I0", "amount": "0.01", "applied_on": _day(0)}
    return {"type": "allocation", "id": f"L{number}", **applied}


def invoice(number: int) -> Record:
    """An invoice of the one customer."""
    return _invoice(number + 1)


KINDS: dict[str, tuple[Callable[[int], Record], tuple[int, ...]]] = {
    "reminders of one customer": (reminder, BEFORE),
    "reminders of one customer, about an invoice each": (reminder_of_one, (0, 250, 500)),
    "payments on one invoice": (payment, (0, 250, 500)),
    "payments on one paid invoice": (excess, (0, 250, 500)),
    "allocations of one payment to one invoice": (allocation, (0, 250, 500)),
    "payments on one customer's account": (on_account, BEFORE),
    "invoices of one customer": (invoice, BEFORE),
}
"""By name, what makes a record of a number, and how many of them there are before. A document has at most 1,000."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a batch took, per record. cpu_ms: of this process, less the table's own."""

    cpu_ms: float
    requests: float
    write_units: float


def _empty() -> tuple[Tables, Services, str]:
    """An empty table, the services that the functions have over it, and an API key."""
    here.set_environment()
    table = Tables()
    _, key = organisation_of(table)
    services.cache_clear()
    table.attach(services().client)
    return table, services(), key


def _send(key: str, records: list[Record]) -> None:
    answer = here.handler("ledger_records")(here.event("/ledger/records", key, body={"records": records}), None)
    bad = [one for one in json.loads(answer["body"])["results"] if one["result"] not in ("created", "pending")]
    if bad:
        raise AssertionError(bad[0])


def measured(make: Callable[[int], Record], before: int) -> Cost:
    """The cost of a batch, one customer having so many of the same kind already."""
    table, _, key = _empty()

    def send(records: list[Record]) -> None:
        _send(key, records)

    send([{"type": "customer", "id": "C", "name": "Customer Ltd"}, _invoice(0)])
    if make is allocation:
        send([{**on_account(0), "amount": "1000000"}])
    for start in range(0, before, BATCH):
        send([make(number) for number in range(start, min(start + BATCH, before))])
    table.reset()
    started = time.process_time()
    send([make(number) for number in range(before, before + BATCH)])
    cpu = time.process_time() - started - table.spent
    return Cost(cpu * 1000 / BATCH, table.requests.total() / BATCH, table.write_units / BATCH)


@dataclass(frozen=True, slots=True)
class PastDue:
    """What DocuSign's answer about one customer took. cpu_ms: of this process, less the table's own."""

    status: int
    bytes: int
    cpu_ms: float
    requests: int
    read_units: float


def past_due(invoices: int, lines: int) -> PastDue:
    """The cost of DocuSign's answer for a customer with so many invoices past due, each with so many lines."""
    table, services_here, key = _empty()
    line = {"name": "Consulting", "quantity": 1, "unit_price": "500", "amount": "500", "tax_amount": "95"}
    records = [
        {**_invoice(number), "number": f"INV-{number:06d}", "taxable_amount": "800000"}
        | ({"lines": [{**line, "id": str(place)} for place in range(lines)]} if lines else {})
        for number in range(invoices)
    ]
    _send(key, [{"type": "customer", "id": "C", "name": "Customer Ltd", "account_number": "C"}])
    for some in batched(records, BATCH, strict=False):
        _send(key, list(some))
    customer = services_here.ledger.customer(services_here.organisations().get(here.ORGANISATION), "C")
    integrator = services_here.users().create_integrator_key(here.ORGANISATION)
    token = services_here.users().create(
        here.ORGANISATION, customer.location.id, "u", "a long enough one", integrator, True
    )
    event = here.event("/restapi/{apiVersion}/accounts/{accountId}/billing_invoices_past_due", token)
    event["pathParameters"] = {"apiVersion": "v2.1", "accountId": customer.location.id}
    handler = here.handler("billing_invoices_past_due")
    handler(event, None)
    table.reset()
    started = time.process_time()
    answer = handler(event, None)
    cpu = time.process_time() - started - table.spent
    return PastDue(answer["statusCode"], len(answer["body"]), cpu * 1000, table.requests.total(), table.read_units)


def main(asked: list[str]) -> Iterator[str]:
    """A line for everything that has one of the words asked for in its name."""
    for name, (make, befores) in KINDS.items():
        if not asked or any(word in name for word in asked):
            costs = {before: measured(make, before) for before in befores}
            for before, cost in costs.items():
                ratio = cost.cpu_ms / costs[0].cpu_ms
                spent = f"{cost.cpu_ms:.3f} ms CPU, {cost.requests:.3f} requests, {cost.write_units:.2f} write units"
                yield f"500 {name}, {before:,} there before: {spent} a record; CPU {ratio:.2f} times that of the first"
    for invoices, lines in ((1_000, 0), (1_000, 2), (10_000, 0), (10_000, 2), (20_000, 0)):
        name = f"DocuSign's answer, {invoices:,} invoices with {lines} lines each"
        if not asked or any(word in name for word in asked):
            yield f"{name}: {past_due(invoices, lines)}"


if __name__ == "__main__":
    for line in main(sys.argv[1:]):
        print(line, file=sys.stderr)
