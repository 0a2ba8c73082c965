"""The command `arrears aging`: tables for people, JSON and CSV for programs, from tables in this process."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from arrears.runtime import Services
from arrears_cli import command
from support import records

MOMENT = datetime(2020, 6, 30, 12, tzinfo=UTC)
BOOK = [
    records.customer(name="Ada \u202e"),
    records.invoice(number="2020-1", due_on="2020-05-31", total="1250.5"),
    records.invoice("I2", due_on="2020-07-31", currency="JPY", total="7000"),
    records.dispute(),
    records.bill(number="B-1", state="Scheduled"),
    records.bill("B2", supplier_id=None, supplier_name="Corner Shop", due_on=None),
    records.bill("B3", state="NeedsApproval", total="9"),
]


@pytest.fixture
def book(services: Services, organisation: str) -> str:
    found = services.organisations().get(organisation)
    results = services.recorder().record(found, BOOK, MOMENT)
    assert {result.result for result in results} == {"created"}
    return organisation


def run(organisation: str, *arguments: str) -> Result:
    return CliRunner().invoke(command.app, ["aging", "--organisation", organisation, *arguments])


def printed(organisation: str, *arguments: str) -> str:
    result = run(organisation, "--as-of", "2020-06-30", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_receivables_are_listed_by_customer(book: str) -> None:
    shown = printed(book)
    assert "Receivables as of 2020-06-30" in shown
    [title] = [line.split() for line in shown.splitlines() if line.split()[:1] == ["customer"]]
    assert title[-5:] == ["net", "days", "tier", "credit", "left"]
    usd, jpy = [line.split() for line in shown.splitlines() if "Ada" in line]
    assert usd[-10:] == ["0.00", "1,250.50", "0.00", "0.00", "0.00", "1,250.50", "0.00", "1,250.50", "30", "firm"]
    assert jpy[-4:] == ["0", "7,000", "0", "7,000"]
    assert "\u202e" not in shown


def test_payables_show_what_waits_for_approval(book: str) -> None:
    shown = printed(book, "--side", "payables")
    assert "Payables as of 2020-06-30" in shown
    [row] = [line.split() for line in shown.splitlines() if line.split()[:2] == ["S", "S"]]
    assert row[-3:] == ["150", "critical", "9.00"]


def test_documents_are_listed_with_their_numbers(book: str) -> None:
    lines = printed(book, "--by", "document").splitlines()
    [first] = [line.split() for line in lines if "2020-1" in line]
    assert first[:2] == ["I", "2020-1"]
    assert first[-7:] == ["USD", "2020-01-01", "2020-05-31", "1,250.50", "1,250.50", "30", "1,250.50"]
    bills = printed(book, "--by", "document", "--side", "payables")
    assert [line.split()[-1] for line in bills.splitlines() if "USD" in line][-2:] == ["Scheduled", "Approved"]


@pytest.mark.parametrize("by", [(), ("--by", "document")])
@pytest.mark.parametrize("side", ["receivables", "payables"])
def test_json_and_csv_have_the_rows_of_the_answer(book: str, side: str, by: tuple[str, ...]) -> None:
    body: Any = json.loads(printed(book, "--side", side, *by, "--json"))
    rows = body["documents"] if by else body["customers" if side == "receivables" else "suppliers"]
    lines = list(csv.DictReader(io.StringIO(printed(book, "--side", side, *by, "--csv"), newline="")))
    assert [line["outstanding"] for line in lines] == [str(row["outstanding"]) for row in rows]
    assert len(rows) == 2
    assert body["nextCursor"] is None
    limited = json.loads(printed(book, "--side", side, *by, "--json", "--limit", "1"))
    assert (limited["totals"], limited["aging"]) == (body["totals"], body["aging"])
    assert next(value for name, value in limited.items() if name.endswith("s") and name in body and value == rows[:1])


def test_a_book_with_nothing_open_says_so(services: Services, organisation: str) -> None:
    assert printed(organisation) == "Nothing is open or on account.\n"
    found = services.organisations().get(organisation)
    services.recorder().record(found, [records.bill(state="NeedsApproval")], MOMENT)
    shown = printed(organisation, "--side", "payables")
    assert shown == "Nothing is open or on account. 100.00 USD waits for approval.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--by", "supplier"), "--by"),
        (("--side", "payables", "--by", "customer"), "--by"),
        (("--by", "invoice"), "--by"),
        (("--side", "both"), "--side"),
        (("--as-of", "2020-02-30"), "--as-of"),
        (("--limit", "0"), "--limit"),
        (("--csv", "--json"), "--csv"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_option(book: str, arguments: tuple[str, ...], said: str) -> None:
    result = run(book, *arguments)
    assert result.exit_code == 2
    assert said in result.output
