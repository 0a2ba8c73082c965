"""What the schedule must have written after some runs: snapshots of the months that ended, and escalations.

Every run reads the whole book anew as far as it had arrived, and goes through its days one after another. Amounts
inside are minor units by currency; what is shown has the shape of the answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from oracle.book import ONE_DAY, Book, Document, Ledger, Organisation, PartyKey, Policy, json_amount, read
from oracle.compare import differences
from oracle.control import changes
from oracle.figures import BUCKETS, aging, bucket_of
from oracle.on_account import accounts, net, unapplied
from oracle.receivables import TIERS, counting_promises, is_broken, receivables_overdue, tier_of

Place = tuple[PartyKey, str]
"""A customer and a currency: what one state machine is about."""

KINDS = ("customer", "supplier")
FLOWS = ("newlyOverdue", "collected", "credited", "noLongerOverdue")
RATES = ("dso", "cei")
CONTROL = ("opening", "restated", "invoiced", "received", "credited", "voided", "refunded", "closing", "unapplied")


@dataclass(frozen=True)
class Run:
    """One run of the schedule on the organisation's day ``on``; it may work through the days before that one.

    It knows the first ``arrived`` entries of the book; without a number, those recorded on days before ``on``, as a
    run just after midnight does. ``through`` ends it earlier, ``policy`` replaces the one of the whole replay.
    """

    on: date
    arrived: int | None = None
    through: date | None = None
    policy: Policy | None = None
    policy_version: int = 1


@dataclass(frozen=True)
class Snapshot:
    """One closed month: what the history shows of it, the whole live answer of its last day as known, the run."""

    month: str
    shown: dict[str, Any]
    answer: dict[str, Any]
    run: Run
    overdue: dict[str, int]
    outstanding: dict[str, int]
    payables: dict[str, Any] = field(default_factory=dict)
    nets: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Its customers' rows as they stood."""
        rows: list[dict[str, Any]] = self.answer["customers"]
        return rows


@dataclass(frozen=True)
class Escalation:
    """One record: its body without ``id``, ``recordedAt`` and ``reasons`` (but for ``restated``), and its run."""

    body: dict[str, Any]
    run: Run


@dataclass
class Replay:
    """All that was written, in the order it was, and the state that the next run starts from."""

    snapshots: list[Snapshot] = field(default_factory=list)
    escalations: list[Escalation] = field(default_factory=list)
    worked_through: date | None = None
    unclosed: list[date] = field(default_factory=list)
    tiers: dict[Place, int] = field(default_factory=dict)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The escalations' bodies."""
        return [escalation.body for escalation in self.escalations]


def replay(
    book: Book,
    runs: Iterable[Run | date | datetime],
    policy: Policy | None = None,
    created_on: date = date.min,
    first_from: tuple[str, ...] = ("invoice",),
) -> Replay:
    """What some runs, one after another, write about a book.

    A run given as a moment is on its day in the organisation's zone. ``first_from`` are the kinds of documents whose
    first day begins the first run.
    """
    done = Replay()
    for run in runs:
        _work(done, book, _as_run(run, book.organisation, policy or Policy()), created_on, first_from)
    return done


def history(snapshots: list[Snapshot], months: int = 12) -> dict[str, Any]:
    """What ``GET /receivables/overdue/history`` answers."""
    return {"months": [snapshot.shown for snapshot in snapshots[-months:]]}


def payables_history(snapshots: list[Snapshot], months: int = 12) -> dict[str, Any]:
    """What ``GET /payables/history`` answers."""
    return {"months": [snapshot.payables for snapshot in snapshots[-months:]]}


def known(book: Book, run: Run) -> Book:
    """The book as far as it had arrived when a run began."""
    if run.arrived is not None:
        entries = book.entries[: run.arrived]
    else:
        entries = [entry for entry in book.entries if entry.recorded_on < run.on]
    return replace(book, entries=entries)


def first_day(ledger: Ledger, kinds: tuple[str, ...] = ("invoice",)) -> date | None:
    """The issue day of the first document that ever existed."""
    return min((d.issued for d in ledger.documents if d.kind in kinds and d.exists(d.issued)), default=None)


def _as_run(run: Run | date | datetime, home: Organisation, policy: Policy) -> Run:
    if isinstance(run, Run):
        return replace(run, policy=run.policy or policy)
    if isinstance(run, datetime):
        run = run.astimezone(ZoneInfo(home.timezone)).date()
    return Run(run, policy=policy)


def _work(done: Replay, book: Book, run: Run, created_on: date, first_from: tuple[str, ...]) -> None:
    seen = known(book, run)
    ledger = read(seen)
    last = run.on - ONE_DAY
    if run.through is not None:
        last = min(last, run.through)
    if done.worked_through is not None:
        first: date | None = done.worked_through + ONE_DAY
    else:
        first = first_day(ledger, first_from)
    if first is None:
        return
    for today in _days(first, last):
        _escalate(done, ledger, run, today, found=today == first, created_on=created_on)
        if (today + ONE_DAY).day == 1:
            done.unclosed.append(today)
        done.worked_through = today
    _close_months(done, seen, ledger, run)


def _close_months(done: Replay, seen: Book, ledger: Ledger, run: Run) -> None:
    """Closes the months that were worked through and have had their days for late postings, or all when told to."""
    assert run.policy is not None
    wait = timedelta(days=1 + run.policy.close_after_days)
    while done.unclosed and (run.through is not None or run.on >= done.unclosed[0] + wait):
        done.snapshots.append(_close(done, seen, ledger, run, done.unclosed.pop(0)))


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += ONE_DAY


# --- escalations ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Standing:
    """A row at the end of a day: its place in :data:`TIERS`, most days overdue, amount; no tier without a row."""

    tier: int | None = None
    days: int = 0
    total: int = 0


def _standing(ledger: Ledger, place: Place, on: date, policy: Policy) -> _Standing:
    party, currency = place
    mine = [d for d in ledger.of_kind("invoice") if (d.party, d.currency) == place and d.overdue(on)]
    if not mine:
        return _Standing()
    promises = counting_promises(ledger, party, currency, on)
    raised = any(is_broken(ledger, party, promise, on) for promise in promises)
    return _Standing(
        tier_of(mine, on, policy, raised),
        max(invoice.days_overdue(on) for invoice in mine),
        sum(invoice.outstanding(on) for invoice in mine),
    )


def _escalate(done: Replay, ledger: Ledger, run: Run, today: date, *, found: bool, created_on: date) -> None:
    """Records every customer's moves of a day; ``found`` when it is the first day that the run works through."""
    assert run.policy is not None
    places = {(invoice.party, invoice.currency) for invoice in ledger.of_kind("invoice")} | done.tiers.keys()
    for place in sorted(places):
        recorded = done.tiers.get(place)
        standing = _standing(ledger, place, today, run.policy)
        restated = False
        if found and done.worked_through is not None:
            restated = _standing(ledger, place, done.worked_through, run.policy).tier != recorded
        for before, after in path(recorded, standing.tier):
            body = {
                "customerId": ledger.outward("customer", str(place[0].id)),
                "currency": place[1],
                "from": _name(before),
                "to": _name(after),
                "crossedOn": today.isoformat(),
                "historical": today < created_on,
                "daysOverdue": standing.days,
                "totalOverdue": json_amount(standing.total, place[1]),
                "policyVersion": run.policy_version,
                "restated": restated,
            }
            done.escalations.append(Escalation(body, run))
        done.tiers.pop(place, None)
        if standing.tier is not None:
            done.tiers[place] = standing.tier


def path(before: int | None, after: int | None) -> list[tuple[int | None, int | None]]:
    """The moves from one tier to another: each step up on its own, a way down or out in one."""
    if before == after:
        return []
    if after is None or (before is not None and after < before):
        return [(before, after)]
    steps: list[tuple[int | None, int | None]] = []
    for step in range(0 if before is None else before + 1, after + 1):
        steps.append((before, step))
        before = step
    return steps


def _name(tier: int | None) -> str | None:
    return None if tier is None else TIERS[tier]


# --- month close ---------------------------------------------------------------------------------------------------


def _close(done: Replay, seen: Book, ledger: Ledger, run: Run, on: date) -> Snapshot:
    previous = done.snapshots[-1] if done.snapshots else None
    invoices = ledger.of_kind("invoice")
    shown, overdue, outstanding = [], {}, {}
    control, payable = (_control(ledger, kind, previous, on) for kind in KINDS)
    for currency in sorted(_currencies(invoices, previous) | control.keys(), key=ledger.currency_order):
        inside = [invoice for invoice in invoices if invoice.currency == currency]
        overdue[currency] = sum(overdue_amount(invoice, on) for invoice in inside)
        outstanding[currency] = sum(open_amount(invoice, on) for invoice in inside)
        opening = previous.overdue.get(currency, 0) if previous else 0
        closed_outstanding = previous.outstanding.get(currency, 0) if previous else 0
        flows = roll_forward(inside, on)
        restated = sum(overdue_amount(invoice, _month_before(on)) for invoice in inside) - opening
        issued = sum(invoice.total for invoice in inside if _issued_in_month(invoice, on))
        moved = control.get(currency)
        moves = (outstanding[currency], opening, closed_outstanding, restated, issued, *flows.values())
        if not any(moves) and moved is None:
            continue
        opening_outstanding = sum(open_amount(invoice, _month_before(on)) for invoice in inside)
        amounts = {"openingOverdue": opening, "restated": restated, **flows, "closingOverdue": overdue[currency]}
        late = [invoice for invoice in inside if invoice.overdue(on)]
        shown.append(
            {
                "currency": currency,
                **{name: json_amount(amount, currency) for name, amount in amounts.items()},
                "customerCount": len({invoice.party for invoice in late}),
                "invoiceCount": len(late),
                "buckets": _buckets(ledger, inside, currency, on),
                "rollRates": {bucket: _roll_rate(inside, bucket, on) for bucket in BUCKETS[:-1]},
                "dso": _number(outstanding[currency] * on.day, issued),
                "cei": _number(
                    100 * (opening_outstanding + issued - outstanding[currency]),
                    opening_outstanding + issued - sum(open_amount(i, on) for i in inside if not i.overdue(on)),
                ),
                "control": moved or _no_control(currency),
            }
        )
    month = f"{on:%Y-%m}"
    return Snapshot(
        month=month,
        shown={
            "month": month,
            "asOf": on.isoformat(),
            "policyVersion": run.policy_version,
            "currencies": shown,
        },
        answer=receivables_overdue(seen, on, run.policy),
        run=run,
        overdue=overdue,
        outstanding=outstanding,
        payables={
            "month": month,
            "asOf": on.isoformat(),
            "policyVersion": run.policy_version,
            "currencies": [
                {"currency": currency, "control": payable[currency]}
                for currency in sorted(payable, key=ledger.currency_order)
            ],
        },
        nets=_nets(ledger, on),
    )


def _nets(ledger: Ledger, on: date) -> dict[tuple[str, str], int]:
    """The net of all customers and of all suppliers by currency, from open documents and money on account."""
    found: dict[tuple[str, str], int] = {}
    for kind in KINDS:
        for account in accounts(ledger, kind):
            found[kind, account[1]] = found.get((kind, account[1]), 0) + net(ledger, account, on)
    return found


def _control(ledger: Ledger, kind: str, previous: Snapshot | None, on: date) -> dict[str, dict[str, Any]]:
    """The roll-forward of the control account of one side in the month up to its last day, by currency.

    Opening and closing are nets of documents and money on account; what moved them comes from totals and money alone.
    """
    then, now = _nets(ledger, _month_before(on)), _nets(ledger, on)
    before = previous.nets if previous else {}
    found = {}
    for currency in sorted(code for of, code in {*now, *before} if of == kind):
        key = (kind, currency)
        opening = before.get(key, 0)
        moved = changes(ledger, lambda p, c, code=currency: (p.kind, c) == (kind, code), on.replace(day=1), on)
        if kind == "customer":
            del moved["closedByState"]
        money = sum(unapplied(ledger, account, on) for account in accounts(ledger, kind) if account[1] == currency)
        amounts = {"opening": opening, "restated": then.get(key, 0) - opening, **moved}
        amounts |= {"closing": now.get(key, 0), "unapplied": money}
        if any(amounts.values()):
            found[currency] = {name: json_amount(amount, currency) for name, amount in amounts.items()}
    return found


def _no_control(currency: str) -> dict[str, Any]:
    return dict.fromkeys(CONTROL, json_amount(0, currency))


def _currencies(invoices: list[Document], previous: Snapshot | None) -> set[str]:
    return {invoice.currency for invoice in invoices} | (previous.outstanding.keys() if previous else set())


def _month_before(on: date) -> date:
    """The last day of the month before a day's."""
    return on.replace(day=1) - ONE_DAY


def _issued_in_month(invoice: Document, on: date) -> bool:
    """Issued in the month of ``on`` and existing at its end."""
    return invoice.issued >= on.replace(day=1) and invoice.exists(on)


def open_amount(invoice: Document, on: date) -> int:
    """What is outstanding on an open invoice, 0 on others."""
    return invoice.outstanding(on) if invoice.open(on) else 0


def overdue_amount(invoice: Document, on: date) -> int:
    """What is outstanding on an overdue invoice, 0 on others."""
    return invoice.outstanding(on) if invoice.overdue(on) else 0


def roll_forward(invoices: Iterable[Document], on: date) -> dict[str, int]:
    """What became of the overdue amount of some invoices in the month up to its last day, in minor units."""
    flows = dict.fromkeys(FLOWS, 0)
    for invoice in invoices:
        for today in _days(on.replace(day=1), on):
            for name, amount in _change(invoice, today).items():
                flows[name] += amount
    return flows


def _change(invoice: Document, today: date) -> dict[str, int]:
    """Why an invoice's overdue amount is another than the day before."""
    before, after = overdue_amount(invoice, today - ONE_DAY), overdue_amount(invoice, today)
    if before == 0:
        return {"newlyOverdue": after}
    collected = min(_applied(invoice, today, payments=True), before)
    credited = min(_applied(invoice, today, payments=False), before - collected)
    return {
        "collected": collected,
        "credited": credited,
        "noLongerOverdue": before - collected - credited - after,
    }


def _applied(invoice: Document, today: date, *, payments: bool) -> int:
    """What payments, or credits and write-offs, took off an invoice on one day; negative when they were undone."""
    kind = [allocation for allocation in invoice.allocations if allocation.is_payment == payments]
    return sum(allocation.counted(today) - allocation.counted(today - ONE_DAY) for allocation in kind)


def _buckets(ledger: Ledger, invoices: list[Document], currency: str, on: date) -> dict[str, Any]:
    for entry in aging(ledger, [invoice for invoice in invoices if invoice.open(on)], on):
        if entry["currency"] == currency:
            buckets: dict[str, Any] = entry["buckets"]
            return buckets
    return {bucket: {"amount": 0, "count": 0} for bucket in BUCKETS}


def _roll_rate(invoices: list[Document], bucket: str, on: date) -> float | None:
    opening = _month_before(on)
    rolled = total = 0
    for invoice in invoices:
        if not invoice.open(opening) or bucket_of(invoice, opening) != bucket:
            continue
        total += invoice.outstanding(opening)
        if invoice.open(on) and BUCKETS.index(bucket_of(invoice, on)) > BUCKETS.index(bucket):
            rolled += min(invoice.outstanding(opening), invoice.outstanding(on))
    return _number(rolled, total)


def _number(above: int, below: int) -> float | None:
    return float(Fraction(above, below)) if below else None


# --- comparison ----------------------------------------------------------------------------------------------------


def history_differences(expected: dict[str, Any], actual: dict[str, Any]) -> list[str]:
    """Where an answered history is not the expected one: amounts to the cent, rates to six decimals."""
    found = differences(_without_rates(expected), actual)
    for left, right in zip(expected["months"], actual["months"], strict=False):
        for ours, theirs in zip(left["currencies"], right["currencies"], strict=False):
            at = f"{left['month']} {ours['currency']}"
            for name in RATES:
                found += _rate_differences(f"{at} {name}", ours[name], theirs.get(name, "missing"))
            for name, rate in ours["rollRates"].items():
                rates = theirs.get("rollRates", {})
                found += _rate_differences(f"{at} rollRates.{name}", rate, rates.get(name, "missing"))
    return found


def _without_rates(answer: dict[str, Any]) -> dict[str, Any]:
    def kept(entry: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in entry.items() if name not in {*RATES, "rollRates"}}

    months = [{**month, "currencies": [kept(entry) for entry in month["currencies"]]} for month in answer["months"]]
    return {**answer, "months": months}


def _rate_differences(at: str, expected: float | None, actual: Any) -> list[str]:
    if expected is None or actual is None or actual == "missing":
        same = actual == expected
    else:
        left, right = Fraction(str(expected)), Fraction(str(actual))
        same = abs(left - right) <= max(Fraction(1, 10**6), abs(left) / 10**12)
    return [] if same else [f"{at}: {expected!r} expected, {actual!r} found"]


def escalation_differences(expected: Iterable[dict[str, Any]], actual: Iterable[dict[str, Any]]) -> list[str]:
    """Where answered escalations, in any order, are not the expected ones.

    A customer's tiers of one currency change on one path a day, so that day and tier tell its records apart.
    """
    found = [{**record, "restated": _is_restated(record)} for record in actual]
    return differences(sorted(expected, key=_in_order), sorted(found, key=_in_order))


def _in_order(record: dict[str, Any]) -> tuple[str, str, str, int]:
    rank = TIERS.index(record["to"]) if record["to"] is not None else -1
    return (record["crossedOn"], record["customerId"], record["currency"], rank)


def _is_restated(record: dict[str, Any]) -> bool:
    reasons = record.get("reasons", [])
    return any((reason["code"] if isinstance(reason, dict) else reason) == "restated" for reason in reasons)
