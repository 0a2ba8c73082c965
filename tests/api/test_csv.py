"""The lists as CSV: the values of the JSON answer, line by line."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from api.conftest import Answer, Api, invoice
from arrears import runtime
from arrears.close.run import Closing
from support import records

BOOK = [
    records.customer("C1", name='=HYPERLINK("http://x")'),
    invoice("I1", number="2020-1", total="1234567.89", due_on="2020-03-31"),
    invoice("I2", number="-12", due_on="2020-05-31"),
    invoice("I3", customer_id="C2", customer_name='Zoë, "Z"\nLtd', currency="CLF", total="0.0001"),
    invoice("I4", customer_id="C3", customer_name="Big", currency="USD", total="123456789012345678901234.56"),
    invoice("I5", due_on="2020-06-10"),
    records.payment("P1", invoice_id="I5", amount="100", paid_on="2020-06-11"),
    records.dispute("D1", invoice_id="I2", opened_on="2020-06-01"),
    records.reminder("R1", customer_id="C1", sent_at="2020-06-28T08:00:00Z"),
    records.bill("B1", supplier_id="S1", currency="EUR", total="7.10", issued_on="2020-05-01", due_on="2020-05-31"),
    records.bill(
        "B2",
        supplier_id=None,
        supplier_name="+Shop",
        currency="JPY",
        total=5,
        issued_on="2020-05-01",
        due_on="2020-06-01",
    ),
]
LISTS = {
    "/receivables/overdue": "customers",
    "/payables/overdue": "suppliers",
    "/receivables/aging": "customers",
    "/payables/aging": "suppliers",
    "/receivables/overdue/history": "months",
    "/escalations": "escalations",
}


def lines(answer: Answer) -> list[dict[str, str]]:
    assert answer.status == 200, answer.text
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))


def close(api: Api) -> None:
    services = runtime.services()
    Closing(services.ledger, services.history(), services.recorder(), None).close(api.organisation, api.clock())


def rows_of(path: str, body: Any) -> list[dict[str, Any]]:
    """The rows of a JSON answer that are lines of the CSV."""
    if path.endswith("history"):
        return [
            {**{name: value for name, value in month.items() if name != "currencies"}, **currency}
            for month in body["months"]
            for currency in month["currencies"]
        ]
    day = {"asOf": body["asOf"]} if "asOf" in body else {}
    return [{**day, **row} for row in body[LISTS[path]]]


def flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every cell that a row of JSON has, and its column; of reasons only the codes are cells."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from flat(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        codes = path == "reasons"
        yield f"{path}.code" if codes else path, " ".join(one["code"] if codes else one for one in value)
    elif value is not None:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        yield path, format(Decimal(repr(value)), "f") if isinstance(value, float) else text


@pytest.mark.parametrize("path", LISTS)
def test_csv_has_every_value_of_the_json_answer(api: Api, path: str) -> None:
    api.stored(*BOOK)
    close(api)
    expected = [dict(flat(row)) for row in rows_of(path, api.dolfin(path).body)]
    found = lines(api.dolfin(path, format="csv"))
    assert len(found) > 1
    for line, row in zip(found, expected, strict=True):
        cells = {column: cell for column, cell in line.items() if cell}
        guarded = {column: cell for column, cell in row.items() if cell.startswith(("=", "+"))}
        assert cells == {
            **{c: cell for c, cell in row.items() if cell},
            **{c: "'" + cell for c, cell in guarded.items()},
        }


@pytest.mark.parametrize("path", LISTS)
def test_an_empty_list_is_its_header_line(api: Api, path: str) -> None:
    text = api.dolfin(path, format="csv").text
    assert text.endswith("\r\n")
    assert text.count("\r\n") == 1
    assert "currency" in text.split(",")


@pytest.mark.parametrize("path", LISTS)
def test_the_accept_header_asks_for_csv_too(api: Api, path: str) -> None:
    api.stored(*BOOK)
    headers = {"x-dolfin-api-key": api.key, "Accept": "text/csv"}
    assert api.call("GET", path, headers).text == api.dolfin(path, format="csv").text
    assert api.call("GET", path, headers, {"format": "json"}).body == api.dolfin(path).body


def test_a_text_that_a_spreadsheet_would_run_has_an_apostrophe_before_it(api: Api) -> None:
    api.stored(*BOOK)
    names = {line["customerName"] for line in lines(api.dolfin(format="csv"))}
    assert names == {'\'=HYPERLINK("http://x")', 'Zoë, "Z"\nLtd', "Big"}


def test_amounts_are_plain_decimals_however_large_or_small(api: Api) -> None:
    api.stored(*BOOK)
    found = {line["currency"]: line["totalOverdue"] for line in lines(api.dolfin(format="csv"))}
    assert found == {"EUR": "1234667.89", "CLF": "0.0001", "USD": "123456789012345678901234.56"}


@pytest.mark.parametrize("path", ["/receivables/overdue", "/escalations"])
def test_pages_of_csv_go_on_with_the_cursor_of_the_header(api: Api, path: str) -> None:
    api.stored(*BOOK)
    close(api)
    whole = lines(api.dolfin(path, format="csv"))
    found: list[dict[str, str]] = []
    more: dict[str, str] = {}
    while True:
        answer = api.dolfin(path, format="csv", limit="1", **more)
        found += lines(answer)
        if "X-Next-Cursor" not in answer.headers:
            break
        more = {"cursor": answer.headers["X-Next-Cursor"]}
    assert found == whole
    assert len(whole) > 1


@pytest.mark.parametrize("path", LISTS)
def test_errors_stay_problem_details(api: Api, path: str) -> None:
    for query in ({"format": "xml"}, {"format": "csv", "colour": "red"}, {"format": ["csv", "csv"]}):
        answer = api.dolfin(path, **query)
        assert answer.status == 400
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert api.call("GET", path, {"Accept": "text/csv"}).headers["Content-Type"] == "application/problem+json"
