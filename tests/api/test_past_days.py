"""What the functions read for a past day: the index for all rows, items of accounts for those that are shown."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from api.conftest import Api, invoice
from support import records

YESTERDAY = "2020-06-29"


class Asked(list[tuple[str, int]]):
    """The requests to the ledger table, each with how many keys it names."""

    def __call__(self, params: Any, model: Any, **_: Any) -> None:
        body = json.loads(params["body"])
        if "LedgerTable" in body.get("RequestItems", {}):
            self.append((model.name, len(body["RequestItems"]["LedgerTable"]["Keys"])))
        elif body.get("TableName") == "LedgerTable":
            self.append((model.name, 0))


@pytest.fixture
def asked(api: Api) -> Iterator[Asked]:
    asked, events = Asked(), api.services.client.meta.events
    events.register("before-call.dynamodb", asked)
    yield asked
    events.unregister("before-call.dynamodb", asked)


@pytest.fixture
def book(api: Api) -> Api:
    """Sixty customers, each with an invoice that is overdue and one that was paid."""
    for n in range(60):
        own = {"customer_id": f"C{n}", "due_on": f"2020-05-{n % 28 + 1:02d}"}
        paid = records.payment(f"P{n}", invoice_id=f"S{n}", amount="100", paid_on="2020-06-03")
        api.stored(invoice(f"I{n}", **own), invoice(f"S{n}", **own), paid)
    return api


def test_a_page_of_a_past_day_reads_the_histories_of_its_rows_only(book: Api, asked: Asked) -> None:
    answer = book.dolfin(asOf=YESTERDAY, limit="5")
    assert asked == [("Query", 0), ("Query", 0), ("BatchGetItem", 5), ("BatchGetItem", 5)]
    assert [row["paymentBehaviour"]["totalInvoicesPaid"] for row in answer.body["customers"]] == [1] * 5
    asked.clear()
    book.dolfin(asOf=YESTERDAY, tier=answer.body["customers"][0]["tier"], limit="2")
    assert asked == [("Query", 0), ("Query", 0), ("BatchGetItem", 2), ("BatchGetItem", 2)]
    asked.clear()
    assert book.dolfin("/receivables/aging", asOf=YESTERDAY).status == 200
    assert asked == [("Query", 0), ("Query", 0)]


def test_a_filter_judges_promises_by_all_money_that_came_for_them(book: Api, asked: Asked) -> None:
    """Ten payments on account have kept it; the index shows only what they have come to."""
    book.stored(
        invoice("late", customer_id="D", due_on="2020-06-01"),
        records.promise(
            "M", customer_id="D", currency="EUR", amount="90", made_on="2020-06-02", promised_on="2020-06-20"
        ),
        records.promise(
            "N", customer_id="C1", currency="EUR", amount="9", made_on="2020-06-02", promised_on="2020-06-20"
        ),
        *(
            records.payment_on_account(f"A{n}", customer_id="D", currency="EUR", amount="9", paid_on=f"2020-06-{n:02d}")
            for n in range(3, 13)
        ),
    )
    for day in (None, YESTERDAY, "2020-06-21"):
        query = {} if day is None else {"asOf": day}
        every = {row["customerId"]: row["tier"] for row in book.dolfin(**query).body["customers"]}
        for tier in set(every.values()):
            asked.clear()
            found = [row["customerId"] for row in book.dolfin(tier=tier, limit="1", **query).body["customers"]]
            assert found
            assert all(every[one] == tier for one in found)
            assert sum(count for _, count in asked) <= 2 + 2 * 2
        filtered = {
            row["customerId"]: row["tier"]
            for tier in {*every.values()}
            for row in book.dolfin(tier=tier, **query).body["customers"]
        }
        assert filtered == every
