"""Dates as files write them, by a format that the mapping states and never by guessing.

A format is written with YYYY, YY (20YY), MM, M, DD, D, MMM (Jan) and MMMM (January); other characters are
taken literally. "epoch" is seconds since 1970, "/Date(ms)/" milliseconds as some JSON writes them. A time of day behind
the date is allowed, and moves the day only where the mapping names the time zone that it is in.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ISO = "YYYY-MM-DD"
EPOCH = "epoch"
JSON_DATE = "/Date(ms)/"

_TOKENS = {
    "YYYY": r"(?P<year>\d{4})",
    "YY": r"(?P<short>\d{2})",
    "MMMM": r"(?P<name>[^\W\d_]+)\.?",
    "MMM": r"(?P<name>[^\W\d_]+)\.?",
    "MM": r"(?P<month>\d{2})",
    "M": r"(?P<month>\d{1,2})",
    "DD": r"(?P<day>\d{2})",
    "D": r"(?P<day>\d{1,2})",
}
_TOKEN = re.compile("|".join(sorted(_TOKENS, key=len, reverse=True)))
_TIME = (
    r"(?:(?:[T ]|, ?)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"(?: ?(?P<half>[AaPp][Mm]))?(?: ?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}))?)?"
)
_MONTHS = {
    name: number
    for number, full in enumerate(
        [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ],
        1,
    )
    for name in (full, full[:3])
} | {"sept": 9}
_SECONDS = re.compile(r"-?\d{1,11}(\.\d+)?", re.ASCII)
_MILLISECONDS = re.compile(r"/Date\((-?\d{1,14})([+-]\d{4})?\)/", re.ASCII)
_LOOKS_LIKE = re.compile(r"(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})(?!\d)")


class DateFormat:
    """One form of dates."""

    def __init__(self, text: str) -> None:
        self.text = text
        pattern, end, found, doubled = "", 0, set(), False
        for token in _TOKEN.finditer(text):
            pattern += re.escape(text[end : token.start()]) + _TOKENS[token[0]]
            doubled = doubled or token[0][0] in found
            found.add(token[0][0])
            end = token.end()
        if found != {"Y", "M", "D"} or doubled:
            raise ValueError(f"{text!r} is no date format; write one such as D/M/YYYY, MM/DD/YYYY or DD-MMM-YYYY")
        self._pattern = re.compile(pattern + re.escape(text[end:]) + _TIME, re.ASCII)

    def read(self, text: str) -> tuple[date, time | None, timedelta | None] | None:
        """The date, the time of day behind it and its offset, where given; None when it is not of this format."""
        match = self._pattern.fullmatch(text)
        if match is None:
            return None
        part = match.groupdict()
        month = _MONTHS.get(part["name"].casefold(), 0) if part.get("name") else int(part["month"])
        year = int(part["year"]) if part.get("year") else 2000 + int(part["short"])
        try:
            return date(year, month, int(part["day"])), _time(part), _offset(part["zone"])
        except ValueError:
            return None


def _time(part: dict[str, str | None]) -> time | None:
    if part["hour"] is None or part["minute"] is None:
        return None
    hour = int(part["hour"])
    if part["half"]:
        hour = hour % 12 + (12 if part["half"].lower() == "pm" else 0)
    return time(hour, int(part["minute"]), int(part["second"] or 0))


def _offset(zone: str | None) -> timedelta | None:
    if zone is None:
        return None
    if zone in ("Z", "UTC", "GMT"):
        return timedelta()
    minutes = int(zone[1:3]) * 60 + int(zone[-2:])
    return timedelta(minutes=-minutes if zone[0] == "-" else minutes)


_ISO_FORMAT = DateFormat(ISO)


class DateReader:
    """Reads the dates of one table.

    formats: as the mapping states them; dates of ISO 8601 are always understood. zone: the time zone that times
    of day are in (IANA name), None to take the date as it is written. home: the organisation's time zone.
    """

    def __init__(self, formats: Sequence[str], zone: str | None, home: str) -> None:
        self.stated = bool(formats)
        self._epoch = EPOCH in formats
        self._json = JSON_DATE in formats
        self._formats = [DateFormat(text) for text in formats if text not in (ISO, EPOCH, JSON_DATE)]
        self._formats.append(_ISO_FORMAT)
        self._zone = ZoneInfo(zone) if zone else None
        self._home = ZoneInfo(home)
        self._names = [text for text in formats if text != ISO] or [ISO]

    def day(self, text: str) -> str:
        """The day as YYYY-MM-DD. Raises ValueError with a sentence when it is no date of the formats."""
        try:
            return self._day(text).isoformat()
        except OverflowError:
            raise ValueError(f"{text!r} is beyond the years 1 to 9999") from None

    def _day(self, text: str) -> date:
        moment = self._since_epoch(text)
        if moment is not None:
            return moment.astimezone(self._home if self._zone else UTC).date()
        day, at, offset = self._read(text)
        if self._zone is None or at is None:
            return day
        return self._moment(day, at, offset).astimezone(self._home).date()

    def moment(self, text: str) -> str:
        """The moment in RFC 3339, UTC; without a time zone anywhere it is taken for UTC, a date for its start."""
        try:
            moment = self._since_epoch(text)
            if moment is None:
                day, at, offset = self._read(text)
                moment = self._moment(day, at or time(), offset).astimezone(UTC)
        except OverflowError:
            raise ValueError(f"{text!r} is beyond the years 1 to 9999") from None
        whole = moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
        fraction = re.search(r":\d{2}(\.\d{1,6})", text)
        return whole + (fraction[1] if fraction else "") + "Z"

    def _since_epoch(self, text: str) -> datetime | None:
        milliseconds = 0
        if self._epoch and _SECONDS.fullmatch(text):
            milliseconds = round(float(text) * 1000)
        elif self._json and (match := _MILLISECONDS.fullmatch(text)):
            milliseconds = int(match[1])
        else:
            return None
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)

    def _read(self, text: str) -> tuple[date, time | None, timedelta | None]:
        for form in self._formats:
            found = form.read(text)
            if found is not None:
                return found
        raise ValueError(f"{text!r} is not a real date of the form {' or '.join(self._names)}")

    def _moment(self, day: date, at: time, offset: timedelta | None) -> datetime:
        moment = datetime.combine(day, at)
        if offset is None:
            return moment.replace(tzinfo=self._zone or UTC)
        return (moment - offset).replace(tzinfo=UTC)


def is_format(text: str) -> bool:
    """Whether the text is a form of dates that is understood here."""
    if text in (EPOCH, JSON_DATE):
        return True
    try:
        DateFormat(text)
    except ValueError:
        return False
    return True


def is_zone(name: str) -> bool:
    """Whether the text is the IANA name of a time zone, such as Europe/Vienna."""
    try:
        ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        return False
    return True


def is_iso(text: str) -> bool:
    """Whether the text is a real date of ISO 8601, with or without a time of day."""
    return _ISO_FORMAT.read(text) is not None


def question(column: str, text: str, others: Iterable[str] = ()) -> str | None:
    """What to ask about a column whose dates are not of ISO 8601, shown by one of them; None if it is no such date.

    others: more texts of the column; a form that does not fit all of them is not proposed if another does.
    """
    match = _LOOKS_LIKE.match(text)
    if match is None or is_iso(text):
        return None
    candidates = _candidates(match)
    fitting = [DateFormat(form) for form in candidates]
    for other in others:
        fitting = [form for form in fitting if form.read(other) or is_iso(other)] or fitting
    proposed = [form.text for form in fitting]
    readings = []
    for form in proposed:
        found = DateFormat(form).read(match[0])
        if found is not None:
            readings.append(f"{found[0]:%-d %B %Y} ({form})")
    return (
        f'The column "{column}" has dates such as {text!r}. Is that {" or ".join(readings) or "a date"}? '
        f'Say it in the mapping (dates = "{proposed[0]}") or with --dates {proposed[0]}.'
    )


def _candidates(match: re.Match[str]) -> list[str]:
    text = match[0]
    mark = text[len(match[1])]
    if len(match[1]) == 4:
        return [f"YYYY{mark}M{mark}D", f"YYYY{mark}D{mark}M"]
    year = "YYYY" if len(match[3]) == 4 else "YY"
    return [f"D{mark}M{mark}{year}", f"M{mark}D{mark}{year}"]
