"""What writing costs: requests, and write units by AWS's rules, for a usual batch and for single records."""

from datetime import date
from random import Random
from typing import Any

import pytest

from support.records import customer, invoice, payment, reminder
from support.stored_ledger import Table

NOW = date(2020, 6, 30).toordinal()


def mixed_batch(size: int, customers: int) -> tuple[list[Any], list[Any]]:
    """What is in the book, and a batch of 55 % new invoices, 10 % part payments and 35 % that settle one."""
    rng = Random(7)

    def new(name: str) -> dict[str, Any]:
        on = f"2020-0{rng.randint(3, 5)}-{rng.randint(1, 28):02}"
        return invoice(
            name, customer_id=f"customer-{rng.randrange(customers)}", number=name, issued_on=on, total="1234.50"
        )

    previous = [new(f"old-{n}") for n in range(size * 45 // 100)]
    paid = [
        payment(f"pay-{n}", invoice_id=old["id"], amount="1234.50" if n % 9 > 1 else "100", paid_on="2020-06-29")
        for n, old in enumerate(previous)
    ]
    batch = [new(f"new-{n}") for n in range(size - len(paid))] + paid
    rng.shuffle(batch)
    names = [customer(f"customer-{n}", name=f"Customer {n} Ltd") for n in range(customers)]
    return [*names, *previous], batch


def test_a_mixed_batch_takes_few_write_units_and_requests(table: Table) -> None:
    """Measured on 200; a batch of 500 shares more."""
    previous, batch = mixed_batch(200, 40)
    ledger = table.ledger()
    ledger.record(previous, NOW)
    table.gate.operations()
    table.gate.units.clear()
    assert {result.result for result in ledger.record(batch, NOW)} == {"created"}
    units = table.gate.units
    asked = table.gate.operations()
    assert (units["table"] + units["index"]) / len(batch) < 6.5
    assert asked.count("TransactWriteItems") <= len(batch) / 20
    assert asked.count("BatchGetItem") <= 8


@pytest.mark.parametrize(
    ("payloads", "most_units", "requests"),
    [
        ([invoice("new")], 9, ["BatchGetItem", "TransactWriteItems"]),
        ([payment("part")], 11, ["BatchGetItem", "BatchGetItem", "TransactWriteItems"]),
        ([payment("all", amount="100")], 14, ["BatchGetItem", "BatchGetItem", "TransactWriteItems"]),
        ([invoice()], 0, ["BatchGetItem"]),
    ],
    ids=["invoice", "part payment", "payment that closes", "unchanged"],
)
def test_a_single_record_takes_few_write_units_and_requests(
    table: Table, payloads: list[Any], most_units: int, requests: list[str]
) -> None:
    ledger = table.ledger()
    ledger.record([customer(), invoice(), invoice("J")], NOW)
    table.gate.operations()
    table.gate.units.clear()
    ledger.record(payloads, NOW)
    assert table.gate.operations() == requests
    assert table.gate.units["table"] + table.gate.units["index"] <= most_units


def test_what_is_warned_of_takes_no_request_and_no_item_of_its_own(table: Table) -> None:
    """Duplicates are known by the account, which is written anyway; invoices of reminders are read with it.

    Each takes an entry in the change log beside its items.
    """
    ledger = table.ledger()
    ledger.record([customer(), invoice(number="7")], NOW)
    for record, code, items in (
        (invoice("J", number="7"), "possible_duplicate", 3),
        (payment(amount="101"), "over_applied", 4),
        (reminder(invoice_ids=["I", "typo"]), "unknown_invoices", 4),
    ):
        table.gate.operations()
        [result] = ledger.record([record], NOW)
        assert [warning["code"] for warning in result.warnings] == [code]
        written = table.gate.calls[-1][1]["TransactItems"]
        assert sum("Put" in action for action in written) == items
        assert set(table.gate.operations()) == {"BatchGetItem", "TransactWriteItems"}
