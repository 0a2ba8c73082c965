"""The moment of which an answer is given: what was known then."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from arrears.ledger.days import FIRST_DAY, LAST_DAY, parse_day
from arrears.ledger.organisation import Organisation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)

_NO_MOMENT = "is neither a moment (RFC 3339, such as 2026-06-30T18:00:00Z) nor a date"


class NotKnownThen(ValueError):
    """The change log does not go back to the moment. first: the first moment that can be asked for, if there is one."""

    def __init__(self, first: datetime | None) -> None:
        super().__init__(_before(first))
        self.first = first


def moment_of(instant: datetime) -> int:
    """An aware moment in microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(moment: int) -> datetime:
    """The same back, in UTC."""
    return _EPOCH + moment * _MICROSECOND


def instant_text(instant: datetime) -> str:
    """An aware moment as answers show it: RFC 3339 in UTC, with microseconds."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_instant(text: str) -> datetime | None:
    """The moment that a text of RFC 3339 means, in UTC; None for a text of another form, such as a date.

    Raises ValueError or OverflowError for one that is of the form and no moment.
    """
    return datetime.fromisoformat(text.upper()).astimezone(UTC) if _MOMENT.fullmatch(text) else None


def parse_known_at(text: str, organisation: Organisation, now: datetime) -> datetime:
    """The moment that a text means: one of RFC 3339, or a date: its end in the organisation's zone, today's `now`.

    Raises ValueError with a sentence on what is wrong: the form, a moment to come, or (NotKnownThen) one that is older
    than the change log.
    """
    instant = _read(text, organisation, now)
    if instant > now:
        raise ValueError("is in the future: nothing is known of it")
    first = organisation.known_from
    if first is None or moment_of(instant) < first:
        raise NotKnownThen(None if first is None else instant_of(first))
    return instant


def parse_bound(text: str, organisation: Organisation, end: bool) -> int:
    """The moment that a text means, in microseconds: one of RFC 3339, or the begin (or end) of a date in its zone.

    Raises ValueError with a sentence on what is wrong.
    """
    try:
        instant = parse_instant(text)
        return (
            moment_of(_midnight(parse_day(text) + end, organisation)) - end if instant is None else moment_of(instant)
        )
    except (ValueError, OverflowError):
        raise ValueError(_NO_MOMENT) from None


def _midnight(day: int, organisation: Organisation) -> datetime:
    return datetime.fromordinal(day).replace(tzinfo=ZoneInfo(organisation.timezone)).astimezone(UTC)


def _read(text: str, organisation: Organisation, now: datetime) -> datetime:
    try:
        instant = parse_instant(text)
        if instant is not None:
            return instant
        day = parse_day(text)
    except (ValueError, OverflowError):
        raise ValueError(_NO_MOMENT) from None
    if day == organisation.today(now):
        return now
    if not FIRST_DAY < day < LAST_DAY:
        raise ValueError("is too far away")
    return _midnight(day + 1, organisation) - _MICROSECOND


def _before(first: datetime | None) -> str:
    if first is None:
        return "cannot be answered: the changes of this book are not kept yet; upgrade the organisation"
    return f"is before the first moment that can be asked for, {instant_text(first)}"
