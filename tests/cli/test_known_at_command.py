"""`--known-at`: every report of the command as it was known at a past moment, in the tables and over HTTPS."""

from datetime import UTC, datetime

import pytest

from arrears.ledger.known_at import instant_text
from arrears.runtime import Services
from support import records
from support.command_line import run, value

BOOK = [
    records.customer("C1", name="Ada"),
    records.invoice("I1", customer_id="C1", number="2020-1", total="100", due_on="2020-06-20"),
    records.invoice("I2", customer_id="C2", total="500", due_on="2020-06-28"),
    records.bill("B1", supplier_id="S1", number="B-1", total="80", due_on="2020-06-20"),
]
CHANGES = [
    records.payment("P1", invoice_id="I1", amount="100"),
    records.invoice("I3", customer_id="C1", total="7", due_on="2020-03-01"),
    records.payment("P2", bill_id="B1", amount="30"),
    {"type": "invoice", "id": "I2", "deleted": True},
]
REPORTS = [
    ("receivables", "--as-of", "2020-06-30", "--include", "invoices"),
    ("receivables", "--limit", "1"),
    ("payables",),
    ("aging", "--by", "document"),
    ("aging", "--side", "payables"),
    ("customer", "C1"),
    ("supplier", "S1"),
    ("statement", "C1", "--from", "2020-01-01"),
    ("statement", "S1", "--side", "payables", "--kind", "open_item"),
    ("history",),
    ("history", "--side", "payables"),
    ("escalations",),
]


def record(services: Services, organisation: str, some: list[records.Raw]) -> None:
    found = services.organisations().get(organisation)
    results = services.recorder().record(found, some, datetime.now(UTC))
    assert {result.result for result in results} <= {"created", "deleted"}


@pytest.fixture
def moment(services: Services, organisation: str, where: str) -> str:
    """A moment after the book was recorded, and before it was changed and its months were closed."""
    record(services, organisation, BOOK)
    return instant_text(datetime.now(UTC))


def change(services: Services, organisation: str) -> None:
    record(services, organisation, CHANGES)
    services.closing().close(services.organisations().get(organisation), datetime.now(UTC))


def test_every_report_is_answered_as_it_was_known(services: Services, organisation: str, moment: str) -> None:
    then = [value(*report) for report in REPORTS]
    change(services, organisation)
    changed = [value(*report) for report in REPORTS]
    assert [value(*report, "--known-at", moment) for report in REPORTS] == then
    assert [one for one, other in zip(changed, then, strict=True) if one == other] == []


def test_the_moment_stands_where_the_day_does(services: Services, organisation: str, moment: str) -> None:
    change(services, organisation)
    closed = instant_text(datetime.now(UTC))
    for report in REPORTS:
        asked = closed if report[0] in ("history", "escalations") else moment
        shown = " ".join(run(*report, "--known-at", asked).stdout.split())
        assert f"as known at {asked}" in shown, report
        assert "as known at" not in run(*report).stdout
    empty = run("escalations", "--known-at", moment).stdout
    assert empty == f"No escalation is recorded, as known at {moment}.\n"


def test_a_snapshot_is_compared_with_what_was_known_at_the_moment(services: Services, organisation: str) -> None:
    record(services, organisation, BOOK)
    before = instant_text(datetime.now(UTC))
    services.closing().close(services.organisations().get(organisation), datetime.now(UTC))
    moment = instant_text(datetime.now(UTC))
    shown = ("snapshots", "show", "--organisation", organisation, "--month", "2020-06")
    then = value(*shown)
    record(services, organisation, CHANGES)
    assert value(*shown, "--known-at", moment) == then
    assert value(*shown) != then
    assert "2020-06 is not closed." in run(*shown, "--known-at", before).stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2099-01-01", "--known-at is in the future"),
        ("yesterday", "--known-at is neither a moment"),
        ("2020-01-01", "--known-at is before the first moment that can be asked for, 20"),
    ],
)
def test_a_moment_that_cannot_be_used_is_said_in_one_line(moment: str, text: str, said: str) -> None:
    result = run("aging", "--known-at", text)
    assert result.exit_code != 0
    assert result.stderr.startswith(said)
    assert len(result.stderr.splitlines()) == 1
