"""What another policy would change: against the whole report under each policy, worked out apart from each other."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.ledger.ledger_side import Side
from arrears.ledger.policy import Policy
from arrears.rendering.policy_preview import NAMES, preview_body
from arrears.reports.aging import overdue_report
from arrears.reports.payables import supplier_row
from arrears.reports.policy_preview import PolicyPreview, preview_policy
from arrears.reports.receivables import customer_row
from oracle import Policy as OraclePolicy
from oracle.generate import books_and_days, policies
from support.books import ORACLES, answer, in_memory, last_day, organisation_of
from support.memory_ledger import MemoryLedger
from support.records import ORGANISATION, bill, customer, invoice, payment_on_account, promise, reminder

TODAY = date(2020, 6, 30)


def compared(ledger: MemoryLedger, side: Side, day: date, today: date, proposed: Policy) -> PolicyPreview:
    accounts = ledger.accounts(side, day.toordinal(), today.toordinal())
    report = overdue_report(accounts, day.toordinal(), ledger.organisation)
    if side is Side.RECEIVABLE:
        return preview_policy(report, report.rows, proposed, customer_row, lambda row: row.tier)
    return preview_policy(report, report.rows, proposed, supplier_row, lambda row: row.urgency)


def preview(*records: Any, side: Side = Side.RECEIVABLE, policy: Policy | None = None, **changes: Any) -> Any:
    """What changes of a policy would make of a book, as it is answered."""
    stored = policy or Policy()
    ledger = MemoryLedger(replace(ORGANISATION, policy=stored))
    assert "rejected" not in {result.result for result in ledger.record(records, TODAY.toordinal())}
    found = compared(ledger, side, TODAY, TODAY, stored.validated(changes))
    return preview_body(found, side, found.differences, None)


# --- Against the two reports ----------------------------------------------------------------------------------------


def judged(row: dict[str, Any], level: str) -> tuple[str, str]:
    return row[level], row["suggestedAction"]


def key(row: dict[str, Any], party: str) -> tuple[str | None, str, str]:
    return row[f"{party}Id"], row[f"{party}Name"], row["currency"]


def sums(rows: list[dict[str, Any]], level: str) -> dict[tuple[str, str], tuple[int, Decimal]]:
    """How many rows each currency has of each level, and what they owe overdue."""
    found: dict[tuple[str, str], tuple[int, Decimal]] = {}
    for row in rows:
        count, amount = found.get((row["currency"], row[level]), (0, Decimal(0)))
        found[row["currency"], row[level]] = count + 1, amount + Decimal(str(row["totalOverdue"]))
    return found


@settings(max_examples=60)
@given(of=books_and_days(), stored=policies(), proposed=policies(), side=st.sampled_from(Side))
def test_the_rows_that_differ_are_those_of_which_the_two_reports_do(
    of: tuple[Any, date], stored: OraclePolicy, proposed: OraclePolicy, side: Side
) -> None:
    """Levels and actions are the oracle's, reasons those of a report under each policy."""
    book, day = of
    party, level, lists, levels = NAMES[side]
    organisation, other = organisation_of(book, stored), organisation_of(book, proposed)
    other = replace(other, policy=replace(other.policy, version=2))
    ledger = in_memory(book, organisation)
    accounts = list(ledger.accounts(side, day.toordinal(), last_day(book).toordinal()))
    [before, after] = [ORACLES[side](book, day, policy)[f"{party}s"] for policy in (stored, proposed)]
    expected = [
        (key(old, party), judged(old, level), judged(new, level))
        for old, new in zip(before, after, strict=True)
        if judged(old, level) != judged(new, level)
    ]
    found = compared(ledger, side, day, last_day(book), other.policy)
    body = preview_body(found, side, found.differences, None)
    rows = body[f"{party}s"]
    assert [(key(row, party), *(judged(row[when], level) for when in ("before", "after"))) for row in rows] == expected
    assert body["totals"] == {"rowCount": len(before), "differentCount": len(expected)}
    for when, of_report in (("before", before), ("after", after)):
        shown = {
            (entry["currency"], one): (entry[when][one]["count"], Decimal(str(entry[when][one]["amount"])))
            for entry in body[lists]
            for one in levels
            if entry[when][one]["count"]
        }
        assert shown == sums(of_report, level)
    for when, home in (("before", organisation), ("after", other)):
        reported = {key(row, party): row["reasons"] for row in answer(accounts, side, day, home)[f"{party}s"]}
        assert {key(row, party): row[when]["reasons"] for row in rows}.items() <= reported.items()


@settings(max_examples=20)
@given(of=books_and_days(), policy=policies(), side=st.sampled_from(Side))
def test_the_stored_policy_itself_changes_nothing(of: tuple[Any, date], policy: OraclePolicy, side: Side) -> None:
    book, day = of
    organisation = organisation_of(book, policy)
    found = compared(in_memory(book, organisation), side, day, last_day(book), organisation.policy.validated({}))
    assert found.differences == []
    assert [one.before for one in found.currencies] == [one.after for one in found.currencies]


# --- One part of the policy at a time -------------------------------------------------------------------------------


LATE = invoice(due_on="2020-06-18")
"""Twelve days late: gentle, and to be reminded of."""
REMINDED = reminder(sent_at="2020-06-20T08:00:00Z")
BROKEN = promise(made_on="2020-06-20", promised_on="2020-06-25")


@pytest.mark.parametrize(
    ("beside", "changes", "before", "after"),
    [
        ([], {"firm_from_days": 12}, ("gentle", "send_reminder"), ("firm", "send_reminder")),
        (
            [],
            {"firm_from_days": 3, "final_from_days": 6, "escalation_from_days": 12},
            ("gentle", "send_reminder"),
            ("escalation", "call_or_escalate"),
        ),
        (
            [BROKEN],
            {"final_from_days": 40, "firm_from_days": 12},
            ("firm", "send_reminder"),
            ("final", "send_reminder"),
        ),
        ([REMINDED], {"cooldown_days": 11}, ("gentle", "send_reminder"), ("gentle", "wait")),
        ([payment_on_account()], {"unapplied_covers": "none"}, ("gentle", "wait"), ("gentle", "send_reminder")),
    ],
)
def test_a_part_of_the_policy_moves_the_rows_that_it_is_about(
    beside: list[Any], changes: dict[str, Any], before: tuple[str, str], after: tuple[str, str]
) -> None:
    [row] = preview(customer(), LATE, *beside, **changes)["customers"]
    assert (judged(row["before"], "tier"), judged(row["after"], "tier")) == (before, after)
    assert (row["customerReference"], row["totalOverdue"], row["daysOverdue"]) == ("C", 100, 12)


def test_days_of_grace_that_leave_a_row_the_lowest_tier_do_not_list_it() -> None:
    body = preview(LATE, grace_days=30)
    assert body["customers"] == []
    assert body["tiers"][0]["before"]["gentle"] == body["tiers"][0]["after"]["gentle"] == {"amount": 100, "count": 1}


def test_a_minimum_keeps_small_rows_final_and_the_reason_says_so() -> None:
    body = preview(invoice(due_on="2020-01-31", total="40.50"), minimums={"USD": 5000})
    [row] = body["customers"]
    assert (row["before"]["tier"], row["after"]["tier"]) == ("escalation", "final")
    assert {"code": "below_minimum", "minimum": 50, "tier": "final"} in row["after"]["reasons"]
    assert [one["policyVersion"] for when in ("before", "after") for one in row[when]["reasons"][:1]] == [1, 2]
    [sums] = body["tiers"]
    assert sums["before"]["escalation"] == sums["after"]["final"] == {"amount": 40.5, "count": 1}
    assert sums["after"]["escalation"] == sums["before"]["gentle"] == {"amount": 0, "count": 0}


def test_the_urgency_of_a_supplier_moves_and_one_without_an_id_has_its_name_only() -> None:
    by_name = bill("B2", supplier_id=None, supplier_name="Corner Shop", due_on="2020-06-25")
    body = preview(bill(due_on="2020-06-29"), by_name, side=Side.PAYABLE, medium_from_days=5)
    [row] = body["suppliers"]
    assert (row["supplierId"], row["supplierReference"], row["supplierName"]) == (None, None, "Corner Shop")
    assert (judged(row["before"], "urgency"), judged(row["after"], "urgency")) == (
        ("low", "schedule_payment"),
        ("medium", "schedule_payment"),
    )
    assert body["urgencies"][0]["after"]["medium"] == {"amount": 100, "count": 1}


@pytest.mark.parametrize("changes", [{"default_terms_days": 10}, {"close_after_days": 0}])
@pytest.mark.parametrize("side", Side)
def test_what_works_at_recording_or_at_the_close_changes_no_row(side: Side, changes: dict[str, int]) -> None:
    records = (LATE, invoice("I2", due_on=None), bill(due_on="2020-06-18"), bill("B2", due_on=None))
    body = preview(*records, side=side, **changes)
    assert body["totals"] == {"rowCount": 1, "differentCount": 0}
