"""Money: read exactly, kept in minor units, answered exactly."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.ledger.money import EXPONENTS, major_number, major_text, read_amount, to_minor

currencies = st.sampled_from(sorted(EXPONENTS))
minors = st.integers(min_value=-(10**28), max_value=10**28)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1250.00", Decimal("1250.00")),
        (7, Decimal(7)),
        (Decimal("0.1"), Decimal("0.1")),
        ("-5", Decimal(-5)),
        ("1e3", Decimal(1000)),
        ("-0", Decimal(0)),
        (Decimal("0E-9999999"), Decimal(0)),
        ("9" * 24, Decimal("9" * 24)),
        ("0." + "0" * 27 + "1", Decimal("0." + "0" * 27 + "1")),
        ("9" * 24 + ".9999", Decimal("9" * 24 + ".9999")),
    ],
)
def test_amounts_are_read_exactly(written: Any, read: Decimal) -> None:
    assert read_amount(written) == read


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (True, "must be an amount"),
        (None, "must be an amount"),
        (0.1, "must be an amount"),
        ([], "must be an amount"),
        ("", "is not an amount"),
        ("ten", "is not an amount"),
        ("1,000", "is not an amount"),
        ("$5", "is not an amount"),
        (" 5", "is not an amount"),
        ("5\n", "is not an amount"),
        ("1_000", "is not an amount"),
        ("٣", "is not an amount"),
        ("NaN", "is not a finite"),
        (Decimal("sNaN"), "is not a finite"),
        ("-Infinity", "is not a finite"),
        ("1" + "0" * 24, "digits"),
        (10**24, "digits"),
        ("1e24", "digits"),
        ("1." + "1" * 28, "digits"),
        (Decimal("1E-29"), "digits"),
        (Decimal("1E-1000030"), "digits"),
        (Decimal("1E+999999999"), "digits"),
    ],
)
def test_what_is_no_amount_is_refused_with_a_sentence(written: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_amount(written)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("1234", "USD", 123400),
        ("0.01", "USD", 1),
        ("0.001", "USD", None),
        ("0.0010", "KWD", 1),
        ("1.0", "JPY", 1),
        ("0.5", "JPY", None),
        ("0.0001", "CLF", 1),
        ("-2.50", "EUR", -250),
        ("9" * 24 + ".9999", "CLF", int("9" * 28)),
    ],
)
def test_minor_units_are_exact_or_none(amount: str, currency: str, minor: int | None) -> None:
    assert to_minor(Decimal(amount), currency) == minor


@given(minor=minors, currency=currencies)
def test_minor_units_survive_their_text(minor: int, currency: str) -> None:
    text = major_text(minor, currency)
    assert len(text.partition(".")[2]) == EXPONENTS[currency]
    assert to_minor(Decimal(text), currency) == minor


@given(minor=minors, currency=currencies)
def test_an_answered_amount_is_exact_as_it_is_printed(minor: int, currency: str) -> None:
    printed = json.dumps(major_number(minor, currency))
    amount = Decimal(json.loads(printed)) if printed.startswith('"') else Decimal(printed)
    assert amount == Decimal(minor).scaleb(-EXPONENTS[currency])
    assert printed.startswith('"') == (abs(minor) >= 10**15)


@given(amount=st.decimals(allow_nan=True, allow_infinity=True), currency=currencies)
def test_any_decimal_is_refused_or_kept_exactly(amount: Decimal, currency: str) -> None:
    try:
        read = read_amount(amount)
    except ValueError:
        return
    minor = to_minor(read, currency)
    assert minor is None or Decimal(minor) == amount * 10 ** EXPONENTS[currency]
