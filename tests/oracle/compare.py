"""Tells an answer from the oracle's."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

MEANS = frozenset({"averageDaysLate", "onTimeRate", "averageDaysToPay", "onTermsRate"})
TOLERANCE = Decimal("0.000001")


def differences(expected: Any, actual: Any, at: str = "$") -> list[str]:
    """Every place where an answer is not the expected one, as readable lines; empty when they agree.

    Fields that the expected answer does not have are overlooked, except in ``paymentBehaviour`` where leaving
    a mean out says something. Numbers agree by value (never with their text form), means to six decimals.
    """
    return list(_differences(expected, actual, at, ""))


def _differences(expected: Any, actual: Any, at: str, name: str) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        yield from _of_objects(expected, actual, at, name)
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            yield f"{at}: {len(expected)} entries expected, {len(actual)} found"
        for index, (left, right) in enumerate(zip(expected, actual, strict=False)):
            yield from _differences(left, right, f"{at}[{index}]", name)
    elif not _same(expected, actual, name):
        yield f"{at}: {expected!r} expected, {actual!r} found"


def _of_objects(expected: dict[str, Any], actual: dict[str, Any], at: str, name: str) -> Iterator[str]:
    for key, value in expected.items():
        if key not in actual:
            yield f"{at}.{key}: missing, {value!r} expected"
        else:
            yield from _differences(value, actual[key], f"{at}.{key}", key)
    if name == "paymentBehaviour":
        for key in MEANS & (actual.keys() - expected.keys()):
            yield f"{at}.{key}: {actual[key]!r} found where nothing is expected"


def _same(expected: Any, actual: Any, name: str) -> bool:
    numbers = (int, float, Decimal)
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if not (isinstance(expected, numbers) and isinstance(actual, numbers)):
        return bool(expected == actual)
    gap = abs(Decimal(str(expected)) - Decimal(str(actual)))
    return gap <= TOLERANCE if name in MEANS else gap == 0
