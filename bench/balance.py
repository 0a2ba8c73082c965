"""Processor time of Lago's overdue balance per overdue invoice, at 10,000 and 100,000 open ones, five for a customer.

Pages are replayed, as bench.answer does it. Run: python -m bench.balance [open invoices ...]
With another checkout, in turns: python -m bench.against CHECKOUT 3 balance
"""

import json
import sys
from collections.abc import Iterator

from bench import here
from bench.warm import FUNCTIONS, Book, answered_by

FUNCTION = "overdue_balance"
SIZES = 10_000, 100_000


def overdue_in(book: Book) -> int:
    """How many invoices the answer lists."""
    handler, _ = answered_by(book.table, FUNCTION)
    answer = handler(here.event(FUNCTIONS[FUNCTION][1], book.key), None)
    return sum(len(row["lago_invoice_ids"]) for row in json.loads(answer["body"])["overdue_balances"])


def main(sizes: list[int]) -> Iterator[str]:
    """A line for each size."""
    here.set_environment()
    for size in sizes:
        book = Book("invoice", size)
        overdue = overdue_in(book)
        one = book.measure(FUNCTION)
        each, floor = one.cpu_ms * 1000 / overdue, one.floor_ms * 1000 / overdue
        cost = f"{one.requests} requests, {one.read_units:,.0f} read units, {one.peak_mb:.0f} MB"
        yield f"{size:,} open, {overdue:,} overdue: {each:.2f} µs of CPU for each (floor {floor:.2f}); {cost}"


if __name__ == "__main__":
    for line in main([int(size) for size in sys.argv[1:]] or list(SIZES)):
        print(line, file=sys.stderr)
