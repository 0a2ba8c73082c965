"""Worked cases of money that stands on no document, with the figures that a controller writes down by hand.

Each is answered on both sides: what a customer does to us, we do to a supplier. Documents are of party "A", in USD.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from api.conftest import Api

DAY, NEXT = "2020-06-30", "2020-07-01"
NAMES = {"customer_id": "supplier_id", "customer_name": "supplier_name", "invoice_id": "bill_id"}

type Record = dict[str, Any]
type Row = tuple[str, str, str, str]
"""Of party "A": currency, outstanding, unapplied and net."""


def due(id: str = "I1", total: str = "100", due_on: str = DAY, **more: Any) -> Record:
    """An invoice issued in May."""
    fields = {"customer_id": "A", "currency": "USD", "issued_on": "2020-05-01"}
    return {"type": "invoice", "id": id, **fields, "total": total, "due_on": due_on, **more}


def paid(amount: str, id: str = "P1", on: str = DAY, **more: Any) -> Record:
    """A payment of I1."""
    return {"type": "payment", "id": id, "invoice_id": "I1", "amount": amount, "paid_on": on, **more}


def noted(amount: str, id: str = "K1", on: str = DAY, **more: Any) -> Record:
    """A credit note on I1."""
    return {"type": "credit", "id": id, "invoice_id": "I1", "amount": amount, "credited_on": on, **more}


def on_account(record: Record, **more: Any) -> Record:
    """The payment or credit on no invoice, but of A."""
    kept = {name: value for name, value in record.items() if name != "invoice_id"}
    return {**kept, "customer_id": "A", "currency": "USD", **more}


def moved(amount: str, to: str = "I1", source: str = "P1", id: str = "M1", on: str = DAY) -> Record:
    """An allocation of a payment or credit on account."""
    kind = "payment_id" if source.startswith("P") else "credit_id"
    return {"type": "allocation", "id": id, kind: source, "invoice_id": to, "amount": amount, "applied_on": on}


class Case(NamedTuple):
    """Records, and the rows that A has on each day."""

    name: str
    records: list[Record]
    rows: Mapping[str, list[Row]]


def today(*rows: Row) -> Mapping[str, list[Row]]:
    return {DAY: list(rows)}


CASES = [
    Case("an advance without an invoice", [on_account(paid("1000"))], today(("USD", "0", "1000", "-1000"))),
    Case(
        "an advance larger than its invoices",
        [due(total="100"), due("I2", "150"), on_account(paid("500")), moved("100"), moved("150", "I2", id="M2")],
        today(("USD", "0", "250", "-250")),
    ),
    Case(
        "an advance beside an open invoice",
        [due(total="200"), on_account(paid("50"))],
        today(("USD", "200", "50", "150")),
    ),
    Case(
        "an advance beside an invoice paid in part",
        [due(total="200"), on_account(paid("50")), paid("125", "P2")],
        today(("USD", "75", "50", "25")),
    ),
    Case(
        "an advance allocated to a part of the invoice",
        [due(), on_account(paid("50")), moved("50")],
        today(("USD", "50", "0", "50")),
    ),
    Case("a credit note on an unpaid invoice", [due(), noted("100")], today()),
    Case(
        "a credit note after a part payment",
        [due(total="200"), paid("40"), noted("100")],
        today(("USD", "60", "0", "60")),
    ),
    Case(
        "a credit note that is not applied",
        [due(), paid("40"), on_account(noted("100"))],
        today(("USD", "60", "100", "-40")),
    ),
    Case("a credit that stands alone", [on_account(noted("100"))], today(("USD", "0", "100", "-100"))),
    Case("a return of half an invoice", [due(total="200"), noted("100")], today(("USD", "100", "0", "100"))),
    Case(
        "a credit note on a paid invoice covers another one, before it is moved",
        [due(), paid("100"), noted("100"), due("I2")],
        today(("USD", "100", "100", "0")),
    ),
    Case(
        "a credit moved from a paid invoice to another one",
        [due(), paid("100"), on_account(noted("100")), due("I2"), moved("100", "I2", "K1")],
        today(),
    ),
    Case(
        "a credit moved on again when its allocation is void",
        [
            due(),
            due("I2"),
            on_account(noted("100", on="2020-06-01")),
            moved("100", "I1", "K1", on="2020-06-02") | {"voided_on": DAY},
            moved("100", "I2", "K1", id="M2"),
        ],
        {"2020-06-29": [("USD", "100", "0", "100")], DAY: [("USD", "100", "0", "100")]},
    ),
    Case("one cent", [due(), paid("99.99")], today(("USD", "0.01", "0", "0.01"))),
    Case("one cent too much", [due(), paid("100.01")], today(("USD", "0", "0.01", "-0.01"))),
    Case("an invoice paid twice", [due(), paid("100"), paid("100", "P2")], today(("USD", "0", "100", "-100"))),
    Case(
        "an invoice paid twice and the second payment returned",
        [due(), paid("100"), paid("100", "P2"), on_account(paid("-100", "P3", NEXT))],
        {DAY: [("USD", "0", "100", "-100")], NEXT: []},
    ),
    Case(
        "a second payment that turns out to be void",
        [due(), paid("100"), paid("100", "P2", voided_on=NEXT)],
        {DAY: [("USD", "0", "100", "-100")], NEXT: []},
    ),
    Case(
        "an advance refunded in part",
        [on_account(paid("500", on="2020-06-01")), on_account(paid("-200", "P2"))],
        {"2020-06-29": [("USD", "0", "500", "-500")], DAY: [("USD", "0", "300", "-300")]},
    ),
    Case(
        "more refunded than there was",
        [on_account(paid("500")), on_account(paid("-600", "P2"))],
        today(("USD", "0", "-100", "100")),
    ),
    Case(
        "a payment of the next day with a credit moved on it",
        [due(), on_account(noted("10")), paid("80", on=NEXT), moved("10", source="K1", on=NEXT)],
        {DAY: [("USD", "100", "10", "90")], NEXT: [("USD", "10", "0", "10")]},
    ),
    Case(
        "the excess of a payment of the next day",
        [due(), paid("110", on=NEXT)],
        {DAY: [("USD", "100", "0", "100")], NEXT: [("USD", "0", "10", "-10")]},
    ),
    Case(
        "one payment of the next day for two invoices",
        [
            due(total="50"),
            due("I2", "50"),
            on_account(paid("100", on=NEXT)),
            moved("50", on=NEXT),
            moved("50", "I2", id="M2", on=NEXT),
        ],
        {DAY: [("USD", "100", "0", "100")], NEXT: []},
    ),
    Case(
        "an allocation dated before its money counts from the money's day",
        [due(), on_account(paid("100", on=NEXT)), moved("100", on="2020-06-01")],
        {DAY: [("USD", "100", "0", "100")], NEXT: []},
    ),
    Case(
        "two currencies are two rows and never added",
        [
            due(currency="EUR"),
            due("I2"),
            on_account(paid("30"), currency="EUR"),
            on_account(paid("7", "P2"), currency="JPY"),
        ],
        today(("EUR", "100", "30", "70"), ("JPY", "0", "7", "-7"), ("USD", "100", "0", "100")),
    ),
    Case(
        "money in another currency than the invoice is not allocated to it",
        [due(), on_account(paid("100"), currency="EUR"), moved("100")],
        today(("EUR", "0", "100", "-100"), ("USD", "100", "0", "100")),
    ),
    Case(
        "what was paid on an invoice that is void",
        [due(voided_on=NEXT), paid("40")],
        {DAY: [("USD", "60", "0", "60")], NEXT: [("USD", "0", "40", "-40")]},
    ),
    Case(
        "an invoice paid before it is issued",
        [due(issued_on=NEXT, due_on="2020-07-31"), paid("100")],
        {DAY: [("USD", "0", "100", "-100")], NEXT: []},
    ),
    Case("an invoice paid in its own moment", [due(issued_on=DAY), paid("50")], today(("USD", "50", "0", "50"))),
    Case("two invoices of one party", [due(), due("I2", "85")], today(("USD", "185", "0", "185"))),
]


def mirrored(record: Record) -> Record:
    """The same of a supplier."""
    kept = {NAMES.get(name, name): value for name, value in record.items()}
    return {**kept, "type": "bill", "state": "Approved"} if record["type"] == "invoice" else kept


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_worked_case_has_the_figures_written_down_on_both_sides(api: Api, case: Case) -> None:
    own = {"type": "customer", "id": "A", "name": "Ada"}
    other = {"type": "supplier", "id": "A", "name": "Ada"}
    api.stored(
        own, *case.records, other, *({**mirrored(one), "id": f"S{one['id']}"} | ids(one) for one in case.records)
    )
    for day, expected in case.rows.items():
        for kind, side in (("customer", "receivables"), ("supplier", "payables")):
            body = api.dolfin(f"/{side}/aging", asOf=day).body
            names = ("outstanding", "unapplied", "net")
            rows = [(row["currency"], *(str(exact(row[name])) for name in names)) for row in body[f"{kind}s"]]
            assert sorted(rows) == expected, (kind, day)
            statement = api.dolfin(f"/{side}/{kind}s/A/statement", to=day).body["currencies"]
            closing = {one["currency"]: str(exact(one["closing"])) for one in statement}
            assert {code: net for code, net in closing.items() if net != "0"} == {
                code: net for code, _, _, net in expected if net != "0"
            }, (kind, day)


def exact(value: Any) -> Decimal:
    return Decimal(str(value))


def ids(record: Record) -> Record:
    """What a mirrored record names, by the mirrored ids."""
    named = {name: f"S{record[name]}" for name in ("payment_id", "credit_id") if name in record}
    return named | ({"bill_id": f"S{record['invoice_id']}"} if "invoice_id" in record else {})


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        *[(-1, "current"), (0, "current"), (1, "d1To30"), (29, "d1To30"), (30, "d1To30"), (31, "d31To60")],
        *[(59, "d31To60"), (60, "d31To60"), (61, "d61To90"), (89, "d61To90"), (90, "d61To90"), (91, "d90Plus")],
    ],
)
def test_a_document_is_in_the_bucket_of_its_days_overdue(api: Api, days: int, bucket: str) -> None:
    due_on = date.fromisoformat(DAY) - timedelta(days=days)
    api.stored(due(due_on=due_on.isoformat(), issued_on="2020-01-01"))
    [row] = api.dolfin("/receivables/aging").body["customers"]
    assert {name: amount for name, amount in row["buckets"].items() if amount} == {bucket: 100}
    [document] = api.dolfin("/receivables/aging", by="document").body["documents"]
    assert (document["bucket"], document["daysOverdue"]) == (bucket, days)
    overdue = api.dolfin().body
    assert [entry["amount"] for entry in overdue["totals"]["overdueByCurrency"]] == ([100] if days > 0 else [])


def test_only_what_is_past_due_is_overdue_of_two_invoices(api: Api) -> None:
    api.stored(due(total="500", due_on="2020-06-25"), due("I2", "1000", "2020-07-30"))
    assert api.dolfin().body["totals"]["overdueByCurrency"] == [{"currency": "USD", "amount": 500, "count": 1}]
