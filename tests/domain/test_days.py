"""Days: real dates only, a year back, time zones."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.ledger import days

ordinals = st.integers(min_value=days.FIRST_DAY, max_value=days.LAST_DAY)


@given(ordinals)
def test_days_survive_their_text(day: int) -> None:
    assert days.parse_day(days.day_text(day)) == day
    assert days.day_text(day).startswith(days.month_of(day))
    assert day < days.NEVER


@pytest.mark.parametrize(
    "text",
    [
        *("", "today", "2026-02-30", "2025-02-29", "2026-13-01", "0000-01-01"),
        *("2026-1-1", "20260101", "2026-W01-1", "2026-01-01T00:00:00", " 2026-01-01", "2026-01-01\n"),
        "\u0662\u0660\u0662\u0666-01-01",
    ],
)
def test_only_real_dates_are_days(text: str) -> None:
    with pytest.raises(ValueError, match="date"):
        days.parse_day(text)


@pytest.mark.parametrize(
    ("day", "before"),
    [
        ("2020-02-29", "2019-02-28"),
        ("2021-02-28", "2020-02-28"),
        ("2020-06-30", "2019-06-30"),
        ("0001-05-05", "0001-01-01"),
    ],
)
def test_a_year_before_a_day_is_the_day_a_year_earlier(day: str, before: str) -> None:
    assert days.day_text(days.year_before(days.parse_day(day))) == before


def test_a_moment_has_the_day_of_its_zone() -> None:
    moment = datetime(2020, 6, 30, 10, 30, tzinfo=UTC)
    zones = {"Pacific/Kiritimati": date(2020, 7, 1), "America/Los_Angeles": date(2020, 6, 30), "UTC": date(2020, 6, 30)}
    for zone, day in zones.items():
        assert days.day_of(moment, zone) == day.toordinal()
