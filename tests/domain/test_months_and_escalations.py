"""Escalations and months by hand: small books whose figures can be read off."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from arrears.close.due_organisations import Due, due_organisations
from arrears.ledger.dated_document import Account, AllocationChange, DatedDocument, MoneyChange, Promise
from arrears.ledger.days import month_end, month_ends
from arrears.ledger.ledger_side import Side
from arrears.ledger.on_account import unapplied_at
from arrears.ledger.organisation import Organisation
from arrears.ledger.policy import Policy
from arrears.reports.control_account import Control
from arrears.reports.escalations import Move, TierHistory, moves, path
from arrears.reports.month_close import CurrencyMonth, DatedAccount, MonthFigures, from_stored, to_stored
from arrears.reports.reasons import Restated, TierByDays
from arrears.storage.history.table import Run

ANN = Account("a", "a", "C1", "Ann")
CREATED = date(2020, 1, 1).toordinal()


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def invoice(due: str | None, *applied: AllocationChange, total: int = 100, **more: Any) -> DatedDocument:
    id_ = more.pop("id", "i")
    issued = day(more.pop("issued", "2020-01-01"))
    return DatedDocument(id_, None, "EUR", total, issued, None if due is None else day(due), applied=applied, **more)


def paid(on: str, amount: int = 100) -> AllocationChange:
    return AllocationChange(day(on), amount, 0, 1)


def credited(on: str, amount: int) -> AllocationChange:
    return AllocationChange(day(on), 0, amount, 0)


def walk(
    account: Account, *documents: DatedDocument, policy: Policy | None = None, last: str = "2020-12-31"
) -> list[Any]:
    row = TierHistory(account, documents, "EUR")
    changes = row.tier_changes(policy or Policy(), day("2019-12-31"), day(last))
    return [(date.fromordinal(on).isoformat(), tier) for on, tier in changes][1:]


# Escalations


def test_an_unpaid_invoice_climbs() -> None:
    assert walk(ANN, invoice("2020-02-01")) == [
        ("2020-02-02", "gentle"),
        ("2020-02-16", "firm"),
        ("2020-03-03", "final"),
        ("2020-04-02", "escalation"),
    ]


@pytest.mark.parametrize(
    "documents",
    [
        [invoice(None)],
        [invoice("2020-02-01", paid("2020-02-01"))],
        [invoice("2020-02-01", voided=day("2020-02-02"))],
        [invoice("2021-01-01")],
        [],
    ],
)
def test_what_is_never_overdue_reaches_no_tier(documents: list[DatedDocument]) -> None:
    assert walk(ANN, *documents) == []


def test_paying_the_oldest_steps_down_and_paying_all_clears() -> None:
    old = invoice("2020-02-01", paid("2020-03-10"), id="old")
    young = invoice("2020-03-01", paid("2020-03-20"), id="young")
    assert walk(ANN, old, young) == [
        ("2020-02-02", "gentle"),
        ("2020-02-16", "firm"),
        ("2020-03-03", "final"),
        ("2020-03-10", "gentle"),
        ("2020-03-16", "firm"),
        ("2020-03-20", None),
    ]


def test_a_reversal_reopens_at_the_tier_of_its_age() -> None:
    one = invoice("2020-02-01", paid("2020-02-10"), AllocationChange(day("2020-06-01"), -100, 0, -1))
    assert walk(ANN, one) == [("2020-02-02", "gentle"), ("2020-02-10", None), ("2020-06-01", "escalation")]


def test_grace_delays_tiers_and_a_minimum_caps_them() -> None:
    policy = Policy(grace_days=10, minimums={"EUR": 101})
    assert walk(ANN, invoice("2020-02-01"), policy=policy) == [
        ("2020-02-02", "gentle"),
        ("2020-02-26", "firm"),
        ("2020-03-13", "final"),
    ]


def test_a_broken_promise_raises_the_tier_until_it_is_kept() -> None:
    promised = Promise("p", "EUR", 100, day("2020-02-03"), day("2020-02-05"))
    one = invoice("2020-02-01", paid("2020-02-09", 40), paid("2020-02-12", 60))
    assert walk(ANN._replace(promises=[promised]), one) == [
        ("2020-02-02", "gentle"),
        ("2020-02-06", "firm"),
        ("2020-02-12", None),
    ]


@pytest.mark.parametrize(
    ("before", "after", "steps"),
    [
        (None, None, []),
        ("firm", "firm", []),
        (None, "gentle", [(None, "gentle")]),
        (None, "final", [(None, "gentle"), ("gentle", "firm"), ("firm", "final")]),
        ("firm", "escalation", [("firm", "final"), ("final", "escalation")]),
        ("escalation", "gentle", [("escalation", "gentle")]),
        ("final", None, [("final", None)]),
    ],
)
def test_a_path_goes_up_by_every_tier_and_down_in_one(before: str | None, after: str | None, steps: list[Any]) -> None:
    assert path(before, after) == steps


def test_moves_go_on_from_what_is_recorded() -> None:
    assert list(moves("gentle", 10, [(10, "gentle"), (14, "firm"), (20, None)])) == [
        Move(14, "gentle", "firm", restated=False),
        Move(20, "firm", None, restated=False),
    ]
    assert list(moves(None, 10, [])) == []


def test_a_correction_is_one_path_on_the_first_day_after() -> None:
    assert list(moves("gentle", 10, [(10, None)])) == [Move(11, "gentle", None, restated=True)]
    # The correction and that day's own change are one path.
    assert list(moves("gentle", 10, [(10, None), (11, "firm")])) == [Move(11, "gentle", "firm", restated=True)]
    # Where that ends where the record stands, nothing is said.
    assert list(moves("gentle", 10, [(10, None), (11, "gentle"), (15, "firm")])) == [
        Move(15, "gentle", "firm", restated=False)
    ]


def test_an_escalation_has_the_row_of_its_day() -> None:
    history = TierHistory(ANN, [invoice("2020-02-01", paid("2020-02-10", 30))], "EUR")
    move = Move(day("2020-02-16"), None, "firm", restated=True)
    [first, second] = history.escalations(move, Policy(version=3), CREATED)
    assert (first.before, first.after, second.before, second.after) == (None, "gentle", "gentle", "firm")
    assert (second.days_overdue, second.total_overdue, second.historical) == (15, 70, False)
    assert second.policy_version == 3
    assert [type(reason) for reason in second.reasons] == [Restated, TierByDays]
    [cleared] = history.escalations(Move(day("2019-12-31"), "firm", None, restated=False), Policy(), CREATED)
    assert (cleared.days_overdue, cleared.total_overdue, cleared.historical) == (0, 0, True)


# Months


def june(*documents: DatedDocument, previous: CurrencyMonth | None = None) -> CurrencyMonth:
    end, figures = day("2020-06-30"), MonthFigures([day("2020-06-30")])
    figures.add(DatedAccount(ANN, documents))
    own = figures.month(end, {} if previous is None else {"EUR": previous})["EUR"]
    left = own.opening + own.restated + own.newly_overdue - own.collected - own.credited - own.no_longer_overdue
    assert left == own.closing
    assert own.control is not None
    assert adds_up(own.control)
    return own


def adds_up(control: Control) -> bool:
    moved = control.invoiced - control.received - control.credited - control.voided + control.refunded
    return control.opening + control.restated + moved - control.closed_by_state == control.closing


def test_month_ends_are_the_last_days_of_months_in_the_window_ends_included() -> None:
    assert [date.fromordinal(end).isoformat() for end in month_ends(day("2020-01-31"), day("2020-03-30"))] == [
        "2020-01-31",
        "2020-02-29",
    ]
    assert month_ends(day("2020-02-01"), day("2020-02-28")) == []
    assert month_end(day("2019-02-03")) == day("2019-02-28")


def test_what_falls_overdue_and_is_paid_within_the_month() -> None:
    own = june(invoice("2020-06-10", paid("2020-06-20", 60)))
    assert (own.newly_overdue, own.collected, own.closing) == (100, 60, 40)


def test_paid_on_the_day_it_would_fall_overdue_never_was() -> None:
    own = june(invoice("2020-06-10", paid("2020-06-11"), issued="2020-06-01"))
    assert (own.newly_overdue, own.collected, own.closing, own.issued) == (0, 0, 0, 100)


def test_payments_come_before_credits_and_both_up_to_what_was_overdue() -> None:
    previous = CurrencyMonth(amounts=[0, 100, 0, 0, 0])
    both = AllocationChange(day("2020-06-15"), 70, 50, 1)
    own = june(invoice("2020-05-20", both), previous=previous)
    assert (own.opening, own.restated, own.collected, own.credited, own.closing) == (100, 0, 70, 30, 0)


def test_a_void_is_no_longer_overdue() -> None:
    own = june(invoice("2020-05-20", voided=day("2020-06-03")), previous=CurrencyMonth(amounts=[0, 100, 0, 0, 0]))
    assert (own.no_longer_overdue, own.closing) == (100, 0)


def test_a_reversal_of_what_was_closed_is_newly_overdue_and_of_what_was_open_is_less_collected() -> None:
    closed = invoice("2020-05-20", paid("2020-05-25"), AllocationChange(day("2020-06-05"), -100, 0, -1))
    still_open = invoice("2020-05-20", paid("2020-05-25", 60), AllocationChange(day("2020-06-05"), -60, 0, -1))
    assert (june(closed).newly_overdue, june(closed).collected) == (100, 0)
    own = june(still_open, previous=CurrencyMonth(amounts=[0, 40, 0, 0, 0]))
    assert (own.newly_overdue, own.collected, own.closing) == (0, -60, 100)


def test_what_was_recorded_late_is_restated() -> None:
    own = june(invoice("2020-05-20"), previous=CurrencyMonth(amounts=[0, 30, 0, 0, 0]))
    assert (own.opening, own.restated, own.closing) == (30, 70, 100)


def test_cei_takes_what_was_open_at_the_start_as_known_at_this_close() -> None:
    """100 of May was open at its close; 40 of it turns out to have been paid in May; June brings 60, due at once."""
    previous = CurrencyMonth(amounts=[0, 100, 0, 0, 0])
    old = invoice("2020-05-02", paid("2020-05-20", 40), paid("2020-06-20", 30), id="old")
    new = invoice("2020-06-02", issued="2020-06-01", total=60, id="new")
    assert june(old, new, previous=previous).collection_effectiveness() == 25  # (60 + 60 - 90) / (60 + 60 - 0)


def test_the_control_account_opens_at_zero_after_a_month_that_had_none() -> None:
    before = CurrencyMonth(amounts=[0, 100, 0, 0, 0])
    control = june(invoice("2020-05-20"), previous=before).control
    assert control == Control(restated=100, closing=100)
    before.control = Control(closing=30)
    assert june(invoice("2020-05-20"), previous=before).control == Control(opening=30, restated=70, closing=100)


def test_a_currency_with_nothing_but_money_on_account_is_in_the_month() -> None:
    advance = MoneyChange(day("2020-06-10"), "USD", day("2020-06-10"), "Pp", received=50)
    refund = MoneyChange(day("2020-06-20"), "USD", day("2020-06-20"), "Pq", refunded=20)
    figures = MonthFigures([day("2020-06-30")])
    figures.add(DatedAccount(ANN._replace(money=[advance, refund]), ()))
    assert figures.month(day("2020-06-30"), {})["USD"].control == Control(
        received=50, refunded=20, closing=-30, unapplied=30
    )


def test_a_report_of_a_past_day_has_the_money_beside_documents_that_it_leaves_out() -> None:
    """One was overpaid long ago, one is paid before it is issued: neither is in hand, what they have too much of is."""
    old = invoice("2018-02-01", paid("2018-03-01", 130), issued="2018-01-01", id="old")
    later = invoice("2020-09-01", paid("2020-06-20", 20), issued="2020-08-01", id="later")
    account, found = DatedAccount(ANN, [old, later]).as_of(day("2020-06-30"))
    assert found == []
    assert unapplied_at(account, found, day("2020-06-30")) == {"EUR": 50}


def test_a_rate_without_a_denominator_is_none() -> None:
    previous = CurrencyMonth(amounts=[100, 0, 0, 0, 0])
    documents = [
        invoice("2020-06-10", id="rolled"),
        invoice("2020-07-10", issued="2020-06-05", total=300, id="new"),
    ]
    own = june(*documents, previous=previous)
    end = day("2020-06-30")
    assert own.roll_rates() == [1.0, None, None, None]
    assert own.days_sales_outstanding(end) == 400 / 300 * 30
    assert own.collection_effectiveness() == 0.0
    assert CurrencyMonth().collection_effectiveness() is None
    assert CurrencyMonth().days_sales_outstanding(end) is None


def test_what_a_snapshot_keeps_of_a_month_is_read_and_written_byte_for_byte() -> None:
    """As snapshots closed by every earlier version have it."""
    stored = (
        '{"EUR":{"opening":1,"opening_outstanding":2,"restated":3,"newly_overdue":4,"collected":5,"credited":6,'
        '"no_longer_overdue":7,"issued":8,"customers":9,"amounts":[1,2,3,4,5],"counts":[1,1,1,1,1],'
        '"bucket_opening":[4,3,2,1],"rolled":[1,2,3,4]}}'
    )
    months = from_stored(json.loads(stored))
    assert (months["EUR"].closing, months["EUR"].customers, months["EUR"].control) == (14, 9, None)
    assert json.dumps(to_stored(months), separators=(",", ":")) == stored


def test_what_a_snapshot_keeps_of_the_control_account_is_read_and_written_byte_for_byte() -> None:
    kept = to_stored({"EUR": CurrencyMonth(control=Control(*range(1, 11)))})
    stored = json.dumps(kept["EUR"]["control"], separators=(",", ":"))
    assert stored == (
        '{"opening":7,"restated":8,"invoiced":1,"received":2,"credited":3,"voided":4,"refunded":5,"closed_by_state":6,'
        '"closing":9,"unapplied":10}'
    )
    assert from_stored(kept)["EUR"].control == Control(*range(1, 11))


def test_a_report_of_a_past_day_takes_only_what_closed_within_a_year_before() -> None:
    old = invoice("2018-02-01", paid("2018-03-01"), issued="2018-01-01", id="old")
    recent = invoice("2019-09-01", paid("2019-10-01"), issued="2019-08-01", id="recent")
    later = invoice("2020-09-01", issued="2020-08-01", id="later")
    _, found = DatedAccount(ANN, [old, recent, later]).as_of(day("2020-06-30"))
    assert [document.id for document in found] == ["recent"]
    promised = ANN._replace(promises=[Promise("p", "EUR", 1, day("2018-01-05"), day("2018-02-05"))])
    _, found = DatedAccount(promised, [old, recent, later]).as_of(day("2020-06-30"))
    assert len(found) == 3


# Fan-out


class Runs:
    """How far organisations have come."""

    def __init__(self, runs: dict[str, Run]) -> None:
        self.all = runs
        self.asked: list[int] = []

    def runs(self, organisations: Iterator[str]) -> dict[str, Run]:
        wanted = list(organisations)
        self.asked.append(len(wanted))
        return {id_: self.all[id_] for id_ in wanted if id_ in self.all}


def organisation(zone: str, number: int = 1) -> Organisation:
    return Organisation(str(UUID(int=number)), "X", "EUR", zone, CREATED, "00")


def due(zone: str, through: str | None, moment: str) -> bool:
    one = organisation(zone)
    runs = Runs({} if through is None else {one.id: Run(day(through), 1, {Side.RECEIVABLE: day(through)})})
    return bool(list(due_organisations([one], runs, datetime.fromisoformat(moment))))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("zone", "turns"),
    [
        ("UTC", "2020-03-01T00:00:00+00:00"),
        ("Pacific/Kiritimati", "2020-02-29T10:00:00+00:00"),
        ("America/Los_Angeles", "2020-03-01T08:00:00+00:00"),
        ("Asia/Kathmandu", "2020-02-29T18:15:00+00:00"),
    ],
)
def test_an_organisation_is_due_once_its_own_day_has_turned(zone: str, turns: str) -> None:
    before = (datetime.fromisoformat(turns) - timedelta(seconds=1)).isoformat()
    assert not due(zone, "2020-02-28", before)
    assert due(zone, "2020-02-28", turns)
    assert not due(zone, "2020-02-29", turns)
    assert due(zone, None, before)


@pytest.mark.parametrize(
    ("zone", "turns", "through"),
    [
        # Clocks go forward on 8 March and back on 1 November 2020; the day before is over at midnight as ever.
        ("America/Los_Angeles", "2020-03-08T08:00:00+00:00", "2020-03-06"),
        ("America/Los_Angeles", "2020-03-09T07:00:00+00:00", "2020-03-07"),
        ("America/Los_Angeles", "2020-11-01T07:00:00+00:00", "2020-10-30"),
        ("America/Los_Angeles", "2020-11-02T08:00:00+00:00", "2020-10-31"),
        # In Cairo midnight itself is skipped when clocks go forward.
        ("Africa/Cairo", "2024-04-25T22:00:00+00:00", "2024-04-24"),
    ],
)
def test_days_of_23_and_25_hours_end_at_local_midnight(zone: str, turns: str, through: str) -> None:
    moment = datetime.fromisoformat(turns)
    following = (date.fromisoformat(through) + timedelta(days=1)).isoformat()
    assert not due(zone, through, (moment - timedelta(seconds=1)).isoformat())
    assert due(zone, through, moment.isoformat())
    assert not due(zone, following, moment.isoformat())


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(("wait", "turns"), [(0, "2020-03-01"), (3, "2020-03-04"), (28, "2020-03-29")])
def test_an_organisation_is_due_once_the_wait_of_a_month_is_over_in_its_zone(side: Side, wait: int, turns: str) -> None:
    one = replace(organisation("Asia/Kathmandu"), policy=Policy(close_after_days=wait))
    turn = datetime.fromisoformat(turns).replace(tzinfo=ZoneInfo(one.timezone))
    # Every day is worked through, of February only the month is left; the other side has closed it.
    closed = {**dict.fromkeys(Side, day("2020-02-29")), side: day("2020-01-31")}
    come = Runs({one.id: Run(turn.toordinal() - 1, 9, closed)})
    assert list(due_organisations([one], come, turn - timedelta(seconds=1))) == []  # type: ignore[arg-type]
    assert list(due_organisations([one], come, turn)) == [Due(one.id, 1)]  # type: ignore[arg-type]
    done = Runs({one.id: Run(turn.toordinal() - 1, 9, dict.fromkeys(Side, day("2020-02-29")))})
    assert list(due_organisations([one], done, turn)) == []  # type: ignore[arg-type]


def test_a_thousand_organisations_are_asked_for_a_hundred_at_a_time() -> None:
    every = [organisation("UTC", number) for number in range(1, 1_001)]
    come = Run(day("2020-05-01"), 1, {Side.RECEIVABLE: day("2020-04-30"), Side.PAYABLE: day("2020-04-30")})
    runs = Runs({one.id: come for one in every[::2]})
    now = datetime(2020, 5, 2, 0, 5, tzinfo=UTC)
    assert len(list(due_organisations(every, runs, now))) == 500  # type: ignore[arg-type]
    assert runs.asked == [100] * 10
