"""The change log as changes of records: played back, they lead from one export to the next."""

from random import Random
from typing import Any

import pytest

from arrears.storage.ledger.change_walk import ChangeWalk, Step
from arrears.storage.ledger.export import LedgerExport
from oracle.generate import as_it_happened, random_book
from support.books import arrivals, organisation_of, random_terms
from support.records import bill, invoice, payment
from support.stored_ledger import StoredLedger, Table

type Records = dict[tuple[str, str], dict[str, Any]]

LINE = {"id": "1", "name": "Paper", "quantity": "1", "unit_price": "100", "amount": "100"}


def walk(ledger: StoredLedger, first: int = 0, last: int | None = None) -> list[Step]:
    table = ledger.table
    return list(ChangeWalk(table.open, table.name, ledger.organisation.id).newest_first(first, last))


def exported(ledger: StoredLedger) -> Records:
    """Every record as it is; of a bill that was sent state by state the latest."""
    records = LedgerExport(ledger.table.open, ledger.table.name).records(ledger.organisation)
    return {(record["type"], record["id"]): record for record in records}


def played(ledger: StoredLedger, steps: list[Step], records: Records) -> Records:
    """Records with changes played forwards. Raises unless each says rightly what was before it."""
    found = {name: records[name] for name in records}
    for step in reversed(steps):
        for change in step.changes(ledger.organisation.id):
            name = change.type, change.id
            assert _plain(change.before) == found.pop(name, None)
            if change.after is not None:
                found[name] = _plain(change.after) or {}
    return found


def _plain(record: dict[str, Any] | None) -> dict[str, Any] | None:
    return record and {name: value for name, value in record.items() if name != "earlier_states"}


@pytest.mark.parametrize("seed", range(12))
def test_changes_played_back_lead_from_every_moment_to_every_other(table: Table, seed: int) -> None:
    """Late, changed, moved and deleted records, and what time alone has changed, in random books."""
    book, rng = random_book(seed, 6 + seed % 14), Random(seed)
    if seed % 2:
        book = as_it_happened(book, rng)
    organisation = organisation_of(book, random_terms(seed), shards=1 + seed % 2)
    ledger = table.ledger(organisation)
    thens: list[tuple[int, Records]] = [(0, {})]
    for moment, records in arrivals(book):
        ledger.record(records, organisation.today(moment))
        thens.append((max((step.entry.moment for step in walk(ledger)), default=0), exported(ledger)))
        if rng.random() < 0.1:
            ledger.close_documents(organisation.today(moment))
    thens.append((walk(ledger)[0].entry.moment, exported(ledger)))
    for _ in range(6):
        (first, before), (last, after) = sorted(rng.sample(thens, 2), key=lambda then: then[0])
        assert played(ledger, walk(ledger, first + 1, last), before) == after


def test_an_item_that_is_far_back_in_the_log_is_found_by_its_own_changes_alone(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([invoice(lines=[LINE])], 737500)
    [created] = walk(ledger)
    for number in range(10):
        ledger.record([invoice(f"X{number}")], 737501)
    for total in ("110", "120"):
        ledger.record([invoice(total=total, lines=[{**LINE, "amount": total}])], 737502)
    table.gate.operations()
    steps = list(ChangeWalk(table.client, table.name, ledger.organisation.id).newest_first(0, created.entry.moment))
    asked = table.gate.operations()
    [change] = steps[0].changes(ledger.organisation.id)
    assert (change.before, change.id) == (None, "I")
    assert change.after is not None
    assert (change.after["total"], change.after["lines"]) == ("100", [LINE])
    assert asked == ["Query", "BatchGetItem", "Query", "Query"]


def test_work_of_time_changes_no_record(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([invoice(), payment(amount="100", paid_on="2019-08-01")], 737000)
    assert ledger.close_documents(737900)
    assert walk(ledger)[0].changes(ledger.organisation.id) == []


def test_a_state_that_arrives_late_shows_in_the_states_before_the_latest(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([bill(state="Approved", state_on="2020-03-05", updated_at="2020-03-05T00:00:00Z")], 737500)
    ledger.record([bill(state="Created", state_on="2020-03-01", updated_at="2020-03-01T00:00:00Z")], 737500)
    [change] = walk(ledger)[0].changes(ledger.organisation.id)
    assert change.before is not None
    assert change.after is not None
    assert (change.before["state"], change.after["state"]) == ("Approved", "Approved")
    assert "earlier_states" not in change.before
    assert [entry["state"] for entry in change.after["earlier_states"]] == ["Created"]


def test_a_payment_that_moves_to_another_invoice_is_one_change(table: Table) -> None:
    ledger = table.ledger()
    ledger.record([invoice(), invoice("I2"), payment()], 737500)
    ledger.record([payment(invoice_id="I2")], 737500)
    [change] = walk(ledger)[0].changes(ledger.organisation.id)
    assert change.before is not None
    assert change.after is not None
    assert (change.before["invoice_id"], change.after["invoice_id"]) == ("I", "I2")
