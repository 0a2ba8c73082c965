"""What 500 more records of one customer or document cost, by how many of their kind it has already.

Run: python -m bench.growth
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from arrears.runtime import services
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


def measured(make: Callable[[int], Record], before: int) -> Cost:
    """The cost of a batch, one customer having so many of the same kind already."""
    here.set_environment()
    table = Tables()
    _, key = organisation_of(table)
    handler = here.handler("ledger_records")
    services.cache_clear()
    table.attach(services().client)

    def send(records: list[Record]) -> None:
        answer = handler(here.event("/ledger/records", key, body={"records": records}), None)
        bad = [one for one in json.loads(answer["body"])["results"] if one["result"] not in ("created", "pending")]
        if bad:
            raise AssertionError(bad[0])

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


def main(asked: list[str]) -> Iterator[str]:
    """A line for each kind of record that has one of the words asked for in its name."""
    for name, (make, befores) in KINDS.items():
        if not asked or any(word in name for word in asked):
            costs = {before: measured(make, before) for before in befores}
            for before, cost in costs.items():
                ratio = cost.cpu_ms / costs[0].cpu_ms
                spent = f"{cost.cpu_ms:.3f} ms CPU, {cost.requests:.3f} requests, {cost.write_units:.2f} write units"
                yield f"500 {name}, {before:,} there before: {spent} a record; CPU {ratio:.2f} times that of the first"


if __name__ == "__main__":
    for line in main(sys.argv[1:]):
        print(line, file=sys.stderr)
