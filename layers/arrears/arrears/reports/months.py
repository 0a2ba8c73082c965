"""Months as YYYY-MM text, which sorts in the order of time."""

from collections.abc import Iterator


def window_start(current: str, months: int | None) -> str:
    """The first of the `months` that end with the current one; before every month if there is no limit."""
    if months is None:
        return ""
    index = _index(current) - min(months, _index(current)) + 1
    return _text(max(index, 0))


def months_between(first: str, last: str) -> Iterator[str]:
    """Every month from the first to the last, both included."""
    for index in range(_index(first), _index(last) + 1):
        yield _text(index)


def _index(month: str) -> int:
    year, number = month.split("-")
    return int(year) * 12 + int(number) - 1


def _text(index: int) -> str:
    return f"{index // 12:04d}-{index % 12 + 1:02d}"
