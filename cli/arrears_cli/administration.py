"""What the administrative commands share."""

from datetime import UTC, datetime
from typing import NoReturn

from arrears_cli.output import Failed


def refuse(error: ValueError) -> NoReturn:
    """Ends the command with the error's message as a sentence."""
    text = str(error)
    raise Failed(f"{text[:1].upper()}{text[1:]}.") from None


def moment(at: datetime | None) -> str | None:
    """A moment in UTC to the second, such as 2026-06-30T12:00:00Z."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def cell(value: object) -> str:
    """A value as one cell of a table."""
    if isinstance(value, list):
        return " ".join(value)
    return "" if value is None else str(value)
