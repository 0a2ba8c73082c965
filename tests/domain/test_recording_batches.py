"""Any batch of any records: nothing raises, and what was added up by difference is what the documents give."""

import pickle
from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.ledger.dated_document import BILL_STATES, DatedDocument, closed_from
from arrears.ledger.documents import Document, Parts
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.ledger.promises import kept_changes, merged
from support.books import answer
from support.figures import recomputed
from support.memory_ledger import MemoryLedger
from support.records import ORGANISATION, bill, invoice, reminder

UPPER = "ABCDEF00-0000-4000-8000-000000000001"
FIRST, FINAL = date.min.toordinal(), date.max.toordinal()
TODAY = date(2020, 6, 30).toordinal()

ids = st.sampled_from(["1", "2", "3", UPPER, UPPER.lower(), "é" * 5])
near = st.integers(TODAY - 5, TODAY + 5).map(lambda day: date.fromordinal(day).isoformat())
days = near | st.sampled_from(["0001-01-01", "9999-12-31", "2019-06-30", "2019-05-01", "2020-02-29"])
moments = st.sampled_from(["2020-06-29T10:00:00Z", "2020-06-30T23:30:00-08:00", "2020-07-01T00:00:00.5+14:00"])
amounts = st.sampled_from(["0", "1", "2", "100", "-1", "-100", "0.5", "0.005", "9" * 24, "1e3", "0.0001"])
owed = st.sampled_from(["0", "1", "100", "0.5", "9" * 24])
currencies = st.sampled_from(["USD", "JPY", "CLF"])
names = st.sampled_from(["", "Ada", " ada ", "Bea"])


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def record(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    every = {"type": st.just(kind), "id": ids, "updated_at": optional(moments), **fields}
    return st.fixed_dictionaries(every).map(
        lambda payload: {key: value for key, value in payload.items() if value is not None}
    )


document = {"currency": currencies, "total": owed, "due_on": optional(days), "voided_on": optional(days)}
on_document = st.one_of(ids.map(lambda id_: {"invoice_id": id_}), ids.map(lambda id_: {"bill_id": id_}))
records = st.one_of(
    record("customer", name=names.filter(bool), account_number=optional(names), external_id=optional(names)),
    record("supplier", name=names.filter(bool)),
    record(
        "invoice",
        customer_id=ids,
        customer_name=optional(names),
        issued_on=days,
        status=optional(st.sampled_from(["draft", "finalized", "voided"])),
        payment_status=optional(st.sampled_from(["pending", "failed"])),
        **document,
    ),
    record(
        "bill",
        supplier_id=optional(ids),
        supplier_name=optional(names),
        issued_on=optional(days),
        issued_on_inferred=optional(st.booleans()),
        state=st.sampled_from(sorted(BILL_STATES)),
        state_on=optional(days),
        scheduled_payment_on=optional(days),
        **document,
    ),
    st.tuples(record("payment", amount=amounts, paid_on=days, voided_on=optional(days)), on_document).map(
        lambda both: both[0] | both[1]
    ),
    st.tuples(record("credit", amount=amounts, credited_on=days), on_document).map(lambda both: both[0] | both[1]),
    record("reminder", customer_id=ids, sent_at=moments, invoice_ids=optional(st.lists(ids, max_size=2))),
    record("promise", customer_id=ids, currency=currencies, amount=optional(amounts), made_on=days, promised_on=days),
    record(
        "dispute",
        invoice_id=ids,
        opened_on=days,
        resolved_on=optional(days),
        outcome=optional(st.sampled_from(["won", "lost"])),
    ),
)
FIRST_OF_ALL = [invoice("1", customer_id="1"), bill("1", supplier_id="1"), reminder("0", customer_id="1")]
"""What many of the records are about."""

zones = st.sampled_from(["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])


@settings(max_examples=150)
@given(payloads=st.lists(records, max_size=25), zone=zones, steps=st.lists(st.integers(0, 3), min_size=25, max_size=25))
def test_any_records_on_any_days_keep_the_sums_of_their_documents(
    payloads: list[dict[str, Any]], zone: str, steps: list[int]
) -> None:
    ledger = MemoryLedger(Organisation("0a0a0a0a-0000-4000-8000-000000000001", "Any", "USD", zone, 1, "00"))
    today = TODAY - 20
    for raw, step in zip(payloads, steps, strict=False):
        today += step
        (result,) = ledger.record([raw], today)
        assert result.result in ("created", "updated", "unchanged", "stale", "pending", "rejected")
        again = ledger.record([raw], today)[0].result
        assert (result.result == "rejected") == (again == "rejected") or again in ("unchanged", "stale")
    _check_sums(ledger, today)
    _check_readers(ledger, today)
    ledger.close_documents(today + 10)
    _check_sums(ledger, today + 10)


@settings(max_examples=150)
@given(payloads=st.lists(records, max_size=25))
def test_records_in_one_transaction_store_what_they_store_one_by_one(payloads: list[dict[str, Any]]) -> None:
    one_by_one, at_once = MemoryLedger(ORGANISATION), MemoryLedger(ORGANISATION)
    results = one_by_one.record([*FIRST_OF_ALL, *payloads], TODAY)
    assert at_once.record_at_once([*FIRST_OF_ALL, *payloads], TODAY) == results
    assert _stored(at_once) == _stored(one_by_one)
    assert all(document.dated == _anew(document) for document in at_once.documents() if document.head is not None)


def _stored(ledger: MemoryLedger) -> dict[tuple[str, str], Any]:
    return {key: pickle.loads(kept) for key, kept in ledger.kept.items()}


def _anew(document: Document) -> DatedDocument:
    """Its dated document, built from all its parts."""
    anew = replace(document, parts=Parts(document.parts))
    anew.refresh(TODAY)
    return anew.dated


def _check_sums(ledger: MemoryLedger, today: int) -> None:
    documents = ledger.documents()
    for later in (0, 1, 3, 30, FINAL - today):
        assert ledger.collection(today + later) == recomputed(documents, today + later)
    for account in ledger.account_states():
        mine = [document for document in documents if document.account == account.key]
        closed = [document.dated for document in mine if document.closed]
        assert (account.documents, account.open) == (len(mine), len(mine) - len(closed))
        assert sum(account.closed_by_day.values()) == sum(
            closed_from(dated) > account.closed_counts_after for dated in closed
        )
        for promise in account.promises:
            assert promise.kept == merged(change for dated in closed for change in kept_changes(promise, dated))


def _check_readers(ledger: MemoryLedger, today: int) -> None:
    for side in Side:
        for day in (FIRST, today - 400, today - 3, today, today + 4, today + 400, FINAL):
            on = date.fromordinal(day)
            expected = answer(ledger.full_accounts(side), side, on, ledger.organisation)
            assert answer(ledger.accounts(side, day, today), side, on, ledger.organisation) == expected
