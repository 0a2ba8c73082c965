"""Days are whole numbers: `date.toordinal()`. They compare and subtract as fast as any int."""

import calendar
import re
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

NEVER = 9_999_999
"""A day after every real one: "not yet, by all that is known"."""

FIRST_DAY = date.min.toordinal()
LAST_DAY = date.max.toordinal()

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def parse_day(text: str) -> int:
    """The day written as YYYY-MM-DD. Raises ValueError when it is not that form or no real date."""
    if not _ISO_DAY.fullmatch(text):
        raise ValueError("is not a date of the form YYYY-MM-DD")
    try:
        return date.fromisoformat(text).toordinal()
    except ValueError:
        raise ValueError("is not a real date") from None


def day_text(day: int) -> str:
    """The day as YYYY-MM-DD."""
    return date.fromordinal(day).isoformat()


def day_of(moment: datetime, timezone: str) -> int:
    """The calendar day of an aware moment in an IANA time zone."""
    return moment.astimezone(ZoneInfo(timezone)).date().toordinal()


@lru_cache(maxsize=16)
def year_before(day: int) -> int:
    """The same calendar date twelve months earlier, or the last day of that month where it has no such date."""
    then = date.fromordinal(day)
    if then.year == 1:
        return FIRST_DAY
    last = calendar.monthrange(then.year - 1, then.month)[1]
    return date(then.year - 1, then.month, min(then.day, last)).toordinal()


def month_of(day: int) -> str:
    """The day's month as YYYY-MM."""
    return date.fromordinal(day).isoformat()[:7]


def month_end(day: int) -> int:
    """The last day of a day's month."""
    then = date.fromordinal(day)
    return then.replace(day=calendar.monthrange(then.year, then.month)[1]).toordinal()


def month_ends(first: int, last: int) -> list[int]:
    """The month ends from `first` to `last`, both included."""
    ends = []
    end = month_end(first)
    while end <= last:
        ends.append(end)
        end = month_end(end + 1)
    return ends


def day_before_month(day: int) -> int:
    """The last day of the month before a day's; the day before FIRST_DAY for the first month of all."""
    return date.fromordinal(day).replace(day=1).toordinal() - 1
