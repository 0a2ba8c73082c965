"""What recording costs: processor time, requests and write units per record, singly and in batches of 500."""

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from bench import here
from bench.book import organisation_of
from bench.table import Tables

BATCH = 500
type Record = dict[str, Any]


class Mixed:
    """A trade's everyday records: 55 % invoices, 10 % part payments, 35 % payments that settle what is left."""

    def __init__(self, seed: int, customers: int) -> None:
        self._random = random.Random(seed)
        self._customers = customers
        self._open: list[tuple[str, int]] = []
        self._made = 0

    def batch(self, size: int) -> list[Record]:
        """The next records; payments are on invoices of any batch up to now."""
        return [self._record(self._random.random()) for _ in range(size)]

    def _record(self, chance: float) -> Record:
        self._made += 1
        if chance < 0.55 or not self._open:
            return self._invoice()
        place = self._random.randrange(len(self._open))
        invoice, left = self._open[place]
        if chance < 0.65 and left > 1:
            paid = left // 3 or 1
            self._open[place] = (invoice, left - paid)
        else:
            paid = left
            self._open[place] = self._open[-1]
            self._open.pop()
        day = here.now().date() - timedelta(days=self._random.randrange(3))
        return {"type": "payment", "id": self._id(), "invoice_id": invoice, "amount": paid / 100, "paid_on": str(day)}

    def _invoice(self) -> Record:
        issued = here.now().date() - timedelta(days=self._random.randrange(5, 60))
        total, id_ = self._random.randrange(1_000, 1_000_000), self._id()
        self._open.append((id_, total))
        customer = self._random.randrange(self._customers)
        return {
            "type": "invoice",
            "id": id_,
            "customer_id": f"CUST-{customer:05d}",
            "customer_name": f"Customer {customer} Trading Ltd",
            "number": f"INV-{self._made:07d}",
            "currency": "EUR",
            "total": total / 100,
            "issued_on": str(issued),
            "due_on": str(issued + timedelta(days=30)),
        }

    def _id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))


def batches(mixed: Mixed, size: int, records: int) -> Iterator[list[Record]]:
    """So many records in batches."""
    for _ in range(records // size):
        yield mixed.batch(size)


def measure(
    size: int,
    records: int,
    warm_up: int,
    customers: int,
    profiled: Callable[[Callable[[], None]], None] = lambda work: work(),
) -> dict[str, float]:
    """Sends batches of a size through the function into a table in this process; figures per record.

    Half an exact number's digits go through JSON, as a caller sends them. The table's own time is taken off.
    """
    from arrears.runtime import services

    here.set_environment()
    table, mixed = Tables(), Mixed(size, customers)
    _, key = organisation_of(table)
    handler = here.handler("ledger_records")
    table.attach(services().client)
    events = [here.event("/ledger/records", key, body={"records": b}) for b in batches(mixed, size, records + warm_up)]
    for event in events[: warm_up // size]:
        _send(handler, event)
    table.reset()
    started = time.process_time()

    def run() -> None:
        for event in events[warm_up // size :]:
            _send(handler, event)

    profiled(run)
    cpu = time.process_time() - started - table.spent
    return {
        "records_per_cpu_second": records / cpu,
        "requests_per_record": table.requests.total() / records,
        "write_units_per_record": table.write_units / records,
        "read_units_per_record": table.read_units / records,
    }


def _send(handler: here.Handler, event: dict[str, Any]) -> None:
    answer = handler(event, None)
    results = json.loads(answer["body"])["results"]
    bad = [result for result in results if result["result"] not in ("created", "pending")]
    if bad:
        raise AssertionError(bad[0])


if __name__ == "__main__":
    figures = measure(*map(int, sys.argv[1:5]))
    Path(sys.argv[5]).write_text(json.dumps(figures))
