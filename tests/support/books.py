"""The oracle's random books in the product's words, and what both answer for them."""

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from itertools import groupby
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from arrears.ledger.ledger_side import Side
from arrears.ledger.money import to_minor
from arrears.ledger.organisation import Organisation
from arrears.ledger.policy import Policy
from arrears.rendering.overdue import payables_body, receivables_body
from arrears.reports.aging import Accounts, Report, overdue_report
from arrears.reports.payables import supplier_row
from arrears.reports.receivables import customer_row
from oracle import Book, differences, payables_overdue, receivables_overdue
from oracle import Policy as OraclePolicy
from oracle.generate import random_policy
from support.memory_ledger import MemoryLedger

ORACLES = {Side.RECEIVABLE: receivables_overdue, Side.PAYABLE: payables_overdue}


def random_terms(seed: int) -> OraclePolicy:
    """A policy by a seed."""
    return random_policy(Random(seed))


def organisation_of(book: Book, policy: OraclePolicy | None = None, shards: int = 1) -> Organisation:
    """The organisation of an oracle's book, with a policy."""
    home = book.organisation
    return Organisation(
        home.id, "Books", home.currency, home.timezone, 1, "00", shards=shards, policy=_policy(policy or OraclePolicy())
    )


def _policy(policy: OraclePolicy) -> Policy:
    return Policy(
        firm_from_days=policy.firm_from,
        final_from_days=policy.final_from,
        escalation_from_days=policy.escalation_from,
        medium_from_days=policy.medium_from,
        high_from_days=policy.high_from,
        critical_from_days=policy.critical_from,
        cooldown_days=policy.cooldown_days,
        grace_days=policy.grace_days,
        minimums={c: to_minor(Decimal(amount), c) or 0 for c, amount in policy.minimums.items()},
        close_after_days=policy.close_after_days,
        unapplied_covers=policy.unapplied_covers,
    )


def arrivals(book: Book) -> Iterator[tuple[datetime, list[dict[str, Any]]]]:
    """The records by the day they arrived on, at noon of the organisation."""
    for day, entries in groupby(book.entries, key=lambda entry: entry.recorded_on):
        yield noon(day, book.organisation.timezone), [entry.record for entry in entries]


def noon(day: date, timezone: str = "UTC") -> datetime:
    """Noon of a day in a time zone."""
    return datetime.combine(day, time(12), ZoneInfo(timezone))


def last_day(book: Book) -> date:
    """The day of the last arrival."""
    return max((entry.recorded_on for entry in book.entries), default=book.pivot)


def in_memory(book: Book, organisation: Organisation) -> MemoryLedger:
    """A memory ledger with the book's records."""
    ledger = MemoryLedger(organisation)
    for moment, records in arrivals(book):
        ledger.record(records, organisation.today(moment))
    return ledger


def body_of(report: Report, side: Side) -> dict[str, Any]:
    """A whole overdue report as it is published."""
    if side is Side.RECEIVABLE:
        rows = (customer_row(reference, report.day, report.policy) for reference in report.rows)
        return receivables_body(report, rows, None)
    return payables_body(report, (supplier_row(one, report.day, report.policy) for one in report.rows), None)


def answer(accounts: Accounts, side: Side, day: date, organisation: Organisation) -> dict[str, Any]:
    """The overdue report of a side as it is answered in one page."""
    body = body_of(overdue_report(accounts, day.toordinal(), organisation), side)
    return {name: value for name, value in body.items() if name != "nextCursor"}


def disagreements(
    book: Book, policy: OraclePolicy | None, accounts: Accounts, side: Side, day: date, organisation: Organisation
) -> list[str]:
    """Where the answer of some accounts is not the oracle's."""
    return differences(ORACLES[side](book, day, policy), answer(accounts, side, day, organisation))
