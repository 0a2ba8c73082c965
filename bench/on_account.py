"""What money on account costs: a book in which every fifth customer has some, against the same book without any.

The answers take turns in one process; what is compared is processor time, read units, items and write units.
Run: python -m bench.on_account [open documents] [open items on account per customer]
"""

import sys
from collections.abc import Iterator
from statistics import mean
from typing import Any

from arrears.ledger.days import day_text
from arrears.storage.ledger.recorder import Recorder
from bench import here, warm
from bench.book import LEDGER, OPEN_PER_ACCOUNT, _Direct, party_id

EVERY = 5
"""One customer in so many has money on account."""
BATCH = 100
FUNCTIONS = ("receivables_overdue", "receivables_aging", "overdue_balance")

type Record = dict[str, Any]


def payments(customers: int, items: int, today: int) -> Iterator[Record]:
    """Payments on account of every fifth customer, one every ten days."""
    for customer in range(0, customers, EVERY):
        for item in range(items):
            yield {
                "type": "payment",
                "id": f"on-account-{customer}-{item}",
                "customer_id": party_id("invoice", customer),
                "currency": "EUR",
                "amount": "250.00",
                "paid_on": day_text(today - 5 - 10 * item),
            }


def put_on_account(book: warm.Book, items: int) -> tuple[float, float]:
    """Records the payments, a hundred in a batch; write units and requests per record."""
    recorder = Recorder(_Direct(book.table), LEDGER)  # type: ignore[arg-type]
    records = list(payments(book.open // OPEN_PER_ACCOUNT, items, book.today))
    book.table.reset()
    for start in range(0, len(records), BATCH):
        for result in recorder.record(book.organisation, records[start : start + BATCH], here.now()):
            if result.result != "created":
                raise AssertionError(result)
    return book.table.write_units / len(records), book.table.requests.total() / len(records)


def account_bytes(book: warm.Book) -> tuple[float, int]:
    """What the index has of accounts: the mean and the largest, in bytes."""
    shown = [partition[key]["p"]["S"] for partition in book.table.state.partitions.values() for key in partition]
    sizes = [len(packed.encode()) for packed in shown if packed.startswith('["c",')]
    return mean(sizes), max(sizes)


def main(size: int = 1_000, items: int = 3) -> None:
    """Prints what each answer costs, and what the money took to record."""
    here.set_environment()
    plain, book = warm.Book("invoice", size), warm.Book("invoice", size)
    units, requests = put_on_account(book, items)
    print(
        f"{size:,} open invoices of {size // OPEN_PER_ACCOUNT:,} customers, {items} payments on account of every fifth"
    )
    print(f"recorded in batches of {BATCH}: {units:.2f} write units and {requests:.2f} requests a record")
    for name, one in (("without", plain), ("with", book)):
        average, largest = account_bytes(one)
        print(f"an account in the index, {name}: {average:.0f} bytes, {largest} at most")
    for function in FUNCTIONS:
        without = plain.measure(function)
        measured = book.measure(function, against=plain.transcript(function))
        ratio = measured.cpu_ms / (measured.other_ms or measured.cpu_ms)
        print(
            f"{warm.FUNCTIONS[function][1]}: {measured.cpu_ms:.2f} ms CPU, {ratio:.2f} of that without; read units "
            f"{measured.read_units:g} ({without.read_units:g}), requests {measured.requests} ({without.requests}), "
            f"{measured.bytes:,} bytes ({without.bytes:,})"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
