"""JSON with exact numbers and unique names: whole numbers are int, all others Decimal."""

import json
from decimal import Decimal
from typing import Any, NoReturn


def loads(text: str) -> Any:
    """The value of a JSON text.

    Raises JSONDecodeError where it is not JSON, RecursionError where it is nested too deeply, and ValueError with a
    sentence where it has NaN, an endless number, or an object with the same name twice.
    """
    return json.loads(text, parse_float=_exact, parse_constant=_no_number, object_pairs_hook=_unique)


def _exact(text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError:
        raise ValueError("a number has an exponent beyond all bounds") from None


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has the same name twice")
    return found
