"""The demo company shows everything that the overdue reports can say, on any day of any year."""

import json
import re
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from arrears import rendering
from arrears.ledger.dated_document import BILL_STATES
from arrears.ledger.ledger_side import Side
from arrears.ledger.money import EXPONENTS
from arrears.ledger.organisation import Organisation
from arrears.ledger.policy import Policy
from arrears.reports.tiers import TIERS, URGENCIES
from local_stack import demo_company
from support.books import answer
from support.memory_ledger import MemoryLedger

DAYS = ("2024-02-29", "2025-12-31", "2026-01-01", "2026-03-01", "2026-03-29", "2026-04-30", "2026-10-31", "2027-02-28")
"""A leap day, ends and beginnings of months and of a year, the days around a change of clocks."""

MINIMUMS = {currency: amount * 10 ** EXPONENTS[currency] for currency, amount in demo_company.MINIMUMS.items()}
ORGANISATION = Organisation(
    "0d0d0d0d-0000-4000-8000-000000000001",
    demo_company.NAME,
    demo_company.CURRENCY,
    demo_company.TIMEZONE,
    1,
    "00",
    policy=Policy(minimums=MINIMUMS),
)

RECEIVABLE_REASONS = {
    "days_overdue",
    "promise_broken",
    "below_minimum",
    "all_disputed",
    "some_disputed",
    "promise_ahead",
    "promise_partial",
    "covered_by_unapplied",
    "reminder_cooldown",
}
PAYABLE_REASONS = {"days_overdue", "payment_standing", "covered_by_unapplied"}


@cache
def ledger(day: str) -> MemoryLedger:
    """The company's book on a day, recorded on that day."""
    recorded = MemoryLedger(ORGANISATION)
    today = date.fromisoformat(day)
    results = recorded.record(demo_company.records(today), today.toordinal())
    assert {result.result for result in results} <= {"created", "updated"}, results
    return recorded


@cache
def report(day: str, side: Side) -> dict[str, Any]:
    today = date.fromisoformat(day)
    accounts = ledger(day).accounts(side, today.toordinal(), today.toordinal())
    return answer(accounts, side, today, ORGANISATION)


def reasons(rows: list[dict[str, Any]]) -> set[str]:
    return {reason["code"] for row in rows for reason in row["reasons"]}


@pytest.mark.parametrize("day", DAYS)
def test_customers_show_every_tier_action_and_reason_on_any_day(day: str) -> None:
    rows = report(day, Side.RECEIVABLE)["customers"]
    assert {row["tier"] for row in rows} == set(TIERS)
    assert {row["suggestedAction"] for row in rows} == {"send_reminder", "call_or_escalate", "wait"}
    assert reasons(rows) == RECEIVABLE_REASONS
    assert {row["currency"] for row in rows} == {"GBP", "EUR"}


@pytest.mark.parametrize("day", DAYS)
def test_suppliers_show_every_urgency_action_and_reason_on_any_day(day: str) -> None:
    rows = report(day, Side.PAYABLE)["suppliers"]
    assert {row["urgency"] for row in rows} == set(URGENCIES)
    assert {row["suggestedAction"] for row in rows} == {"schedule_payment", "confirm_or_reschedule", "wait"}
    assert reasons(rows) == PAYABLE_REASONS
    assert {row["currency"] for row in rows} == {"GBP", "EUR"}
    assert None in {row["supplierId"] for row in rows}, "a supplier known by name only"


@pytest.mark.parametrize("day", DAYS)
def test_on_any_day_the_book_differs_in_its_dates_only(day: str) -> None:
    def without_dates(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        dated = ("_on", "_at")
        return [{name: value for name, value in record.items() if not name.endswith(dated)} for record in records]

    shown, first = (demo_company.records(date.fromisoformat(each)) for each in (day, DAYS[0]))
    assert without_dates(shown) == without_dates(first)


def test_the_same_day_has_the_same_records() -> None:
    today = date(2026, 7, 1)
    assert json.dumps(demo_company.records(today)) == json.dumps(demo_company.records(today))


def test_every_record_is_plain_json_with_an_id_of_its_own() -> None:
    records = demo_company.records(date(2026, 7, 1))
    assert json.loads(json.dumps(records)) == records
    states_apart = {(r["type"], r["id"], r.get("state")) for r in records}
    assert len(states_apart) == len(records)


def test_promises_are_kept_broken_covering_and_partial() -> None:
    rows = {row["customerName"]: row for row in report(DAYS[0], Side.RECEIVABLE)["customers"]}
    assert "promise_ahead" in reasons([rows["Northgate Catering"]])
    assert "promise_broken" in reasons([rows["Kestrel Events"]])
    assert rows["Kestrel Events"]["tier"] == "final", "firm by its days, raised by the broken promise"
    kept, partial = rows["Ferry Road Bakery"], rows["Pemberton Delicatessen"]
    assert "promise_broken" not in reasons([kept])
    assert (partial["suggestedAction"], kept["suggestedAction"]) == ("send_reminder", "send_reminder")
    [of_part] = [r for r in demo_company.records(date(2026, 7, 1)) if r["type"] == "promise" and r["id"] == "P-3"]
    assert float(of_part["amount"]) < partial["totalOverdue"]


def test_the_reasons_looked_for_are_all_there_are() -> None:
    published = (Path(rendering.__file__).parent / "reasons.py").read_text()
    of_escalations = {"restated"}
    assert RECEIVABLE_REASONS | PAYABLE_REASONS | of_escalations == set(re.findall(r'"code": "(\w+)"', published))


def test_money_is_on_account_of_customers_and_suppliers_in_all_its_forms() -> None:
    customers = {row["customerName"]: row for row in report(DAYS[0], Side.RECEIVABLE)["customers"]}
    suppliers = {row["supplierName"]: row for row in report(DAYS[0], Side.PAYABLE)["suppliers"]}
    assert {name: row["unapplied"] for name, row in customers.items() if row["unapplied"]} == {
        "Lighthouse School": 396,
        "Orchard Lane Grocers": 120,
    }
    assert {name: row["unapplied"] for name, row in suppliers.items() if row["unapplied"]} == {
        "Copperleaf Ceramics": 186,
        "Cordillera Green Coffee": 500,
    }
    school, ceramics = customers["Lighthouse School"], suppliers["Copperleaf Ceramics"]
    assert (school["suggestedAction"], school["amountToChase"]) == ("wait", 0)
    assert ceramics["suggestedAction"] == "wait"
    # What nothing is overdue of is in the totals only: 1500 less 480 and 250 of an advance, and a deposit of 75.
    [pounds] = [
        one
        for one in report(DAYS[0], Side.RECEIVABLE)["totals"]["unappliedByCurrency"]
        if one["currency"] == demo_company.CURRENCY
    ]
    assert pounds["amount"] == 396 + 120 + 770 + 75


def test_disputes_hold_all_of_a_document_or_a_part_and_bills_too() -> None:
    disputes = [r for r in demo_company.records(date(2026, 7, 1)) if r["type"] == "dispute"]
    assert any("amount" in dispute and "reason" in dispute for dispute in disputes)
    assert any("bill_id" in dispute for dispute in disputes)


def test_customers_have_credit_limits_and_payments_a_method_and_reference() -> None:
    records = demo_company.records(date(2026, 7, 1))
    assert any("credit_limit" in record for record in records if record["type"] == "customer")
    assert any("method" in record and "reference" in record for record in records if record["type"] == "payment")


def test_disputes_are_open_won_and_lost() -> None:
    disputes = [r for r in demo_company.records(date(2026, 7, 1)) if r["type"] == "dispute"]
    assert {dispute.get("outcome") for dispute in disputes} == {None, "won", "lost"}


def test_bills_are_in_every_state() -> None:
    bills = [r for r in demo_company.records(date(2026, 7, 1)) if r["type"] == "bill"]
    assert {bill["state"] for bill in bills} == BILL_STATES


def test_reminders_are_recent_and_old() -> None:
    rows = report(DAYS[0], Side.RECEIVABLE)["customers"]
    ages = {row["daysSinceLastReminder"] for row in rows} - {None}
    assert min(ages) < ORGANISATION.policy.cooldown_days < max(ages)


def test_there_are_credit_notes_write_offs_and_reversals() -> None:
    records = demo_company.records(date(2026, 7, 1))
    assert {r["kind"] for r in records if r["type"] == "credit"} == {"credit_note", "write_off"}
    assert any(float(r["amount"]) < 0 for r in records if r["type"] == "payment")


def test_behaviour_and_timing_are_known_of_most_parties() -> None:
    customers = report(DAYS[0], Side.RECEIVABLE)["customers"]
    suppliers = report(DAYS[0], Side.PAYABLE)["suppliers"]
    assert sum(row["paymentBehaviour"] is not None for row in customers) > len(customers) / 2
    assert sum(row["paymentTiming"] is not None for row in suppliers) > len(suppliers) / 2


def test_documents_go_back_far_enough_for_twelve_closed_months() -> None:
    today = date(2026, 7, 31)
    first = min(date.fromisoformat(r["issued_on"]) for r in demo_company.records(today) if "issued_on" in r)
    # The longest year of closed months begins on the first of the month thirteen months back.
    assert first < today - timedelta(days=13 * 31)
