"""Conditions on a row: the `when` of mappings."""

from collections.abc import Callable
from decimal import Decimal

from arrears.imports import mapping as spec
from arrears.imports.errors import RowRejected
from arrears.imports.numbers import read_number
from arrears.imports.template import RowContext, Template

type TextTest = Callable[[str], bool]

_BOUNDS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "above": lambda value, limit: value > limit,
    "below": lambda value, limit: value < limit,
    "equals": lambda value, limit: value == limit,
}


class RowCondition:
    """A condition, ready to be tried on rows. template: makes those of its columns.

    decimal: the decimal mark of the numbers that it compares.
    """

    def __init__(self, condition: spec.Condition, template: Callable[[str], Template], decimal: str | None) -> None:
        self._tests = [(template("{" + name + "}"), _test(wanted, decimal)) for name, wanted in condition.items()]

    def holds(self, context: RowContext) -> bool:
        """Whether every test holds. Raises RowRejected."""
        for template, test in self._tests:
            try:
                if not test(template.fill(context)):
                    return False
            except ValueError as error:
                raise RowRejected(template.columns[0], str(error)) from None
        return True


def _test(wanted: str | list[str] | spec.Test, decimal: str | None) -> TextTest:
    if isinstance(wanted, str):
        wanted = [wanted]
    if isinstance(wanted, list):
        one_of = frozenset(text.casefold() for text in wanted)
        return lambda text: text.casefold() in one_of
    tests: list[TextTest] = []
    if wanted.any_of is not None:
        tests.append(_test(wanted.any_of, decimal))
    if wanted.not_ is not None:
        none_of = frozenset(text.casefold() for text in wanted.not_)
        tests.append(lambda text: text.casefold() not in none_of)
    if wanted.empty is not None:
        empty = wanted.empty
        tests.append(lambda text: (not text) == empty)
    for bound, compare in _BOUNDS.items():
        limit = getattr(wanted, bound)
        if limit is not None:
            tests.append(_bound(compare, Decimal(str(limit)), decimal))
    return lambda text: all(test(text) for test in tests)


def _bound(compare: Callable[[Decimal, Decimal], bool], limit: Decimal, decimal: str | None) -> TextTest:
    return lambda text: bool(text) and compare(read_number(text, decimal), limit)
