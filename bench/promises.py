"""What a promise costs by its age: the documents that closed since then are read, of its customer only.

Three promises in two books: one of 30 and one of 400 days ago in a book of many customers, and one of 400 days ago by
a customer who has every document of the book. Run: python -m bench.promises [closed documents] [customers] [large]
"""

import sys
from dataclasses import dataclass
from typing import Any

from arrears.ledger.days import day_text
from arrears.ledger.organisation import Organisation
from arrears.storage.ledger.recorder import Recorder
from bench import here
from bench.book import LEDGER, Bulk, _Direct, open_papers, organisation_of, party_id, settled_papers
from bench.table import Tables

RECENT_DAYS, OLD_DAYS = 30, 400
WRITE_PRICE = 5
"""A write unit costs as much as so many read units."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one promise took."""

    requests: int
    read_units: float
    write_units: float

    @property
    def price(self) -> float:
        """In read units."""
        return self.read_units + WRITE_PRICE * self.write_units


def book(closed: int, customers: int) -> tuple[Tables, Organisation, int]:
    """A book of closed invoices, spread over customers, each with five open ones beside them."""
    here.set_environment()
    table = Tables()
    organisation, _ = organisation_of(table)
    today = organisation.today(here.now())
    bulk = Bulk(table, organisation, "invoice", customers, today)
    bulk.add(open_papers("invoice", customers * 5, today))
    bulk.add(settled_papers("invoice", 0, closed, customers, today))
    return table, organisation, today


def promise(table: Tables, organisation: Organisation, today: int, age: int, customer: int = 1) -> Cost:
    """The cost of recording a promise made so many days ago."""
    client: Any = _Direct(table)
    recorder = Recorder(client, LEDGER)
    record = {
        "type": "promise",
        "id": f"{age} days ago",
        "customer_id": party_id("invoice", customer),
        "currency": "EUR",
        "made_on": day_text(today - age),
        "promised_on": day_text(today + 5),
    }
    table.reset()
    (result,) = recorder.record(organisation, [record], here.now())
    if result.result != "created":
        raise AssertionError(result)
    return Cost(table.requests.total(), table.read_units, table.write_units)


def main(closed: int = 100_000, customers: int = 5_000, large: int = 10_000) -> None:
    """Prints what each costs."""
    table, organisation, today = book(closed, customers)
    promise(table, organisation, today, 1)
    recent = promise(table, organisation, today, RECENT_DAYS)
    old = promise(table, organisation, today, OLD_DAYS)
    alone = promise(*book(large, 1), OLD_DAYS, 0)
    for name, cost in (
        (f"{RECENT_DAYS} days ago, {closed:,} closed documents of {customers:,} customers", recent),
        (f"{OLD_DAYS} days ago, the same book", old),
        (f"{OLD_DAYS} days ago, one customer with {large:,} closed documents", alone),
    ):
        print(f"{name}: {cost.requests} requests, {cost.read_units:g} read and {cost.write_units:g} write units")
    print(f"old to recent, a write unit priced as {WRITE_PRICE} read units: {old.price / recent.price:.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
