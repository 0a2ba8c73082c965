"""Numbers as files write them."""

import re
from decimal import Decimal

from arrears.ledger.money import read_amount

_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
_GROUPED = {
    ".": re.compile(r"[+-]?\d{1,3}(?P<mark>[,'\u2019\u00a0\u202f ])(\d{2,3}(?P=mark))*\d{3}(\.\d*)?", re.ASCII),
    ",": re.compile(r"[+-]?\d{1,3}(?P<mark>[.'\u2019\u00a0\u202f ])(\d{2,3}(?P=mark))*\d{3}(,\d*)?", re.ASCII),
}
_COMMA = re.compile(r"[+-]?(\d+,?\d*|,\d+)", re.ASCII)
_TWO_MEANINGS = re.compile(r"[+-]?[\d.,'\u2019\u00a0\u202f ]+")


def read_number(text: str, decimal: str | None) -> Decimal:
    """The number that a file writes; decimal: its decimal mark, None where nobody has said.

    Thousands marks are understood only where the decimal mark is known, as one of them may be the other.
    Raises ValueError with a sentence.
    """
    sign = ""
    if text.startswith("(") and text.endswith(")"):
        sign, text = "-", text[1:-1]
    elif text.endswith("-"):
        sign, text = "-", text[:-1]
    if decimal != "," and _PLAIN.fullmatch(text):
        return read_amount(sign + text)
    if decimal is not None:
        grouped = _GROUPED[decimal].fullmatch(text)
        if grouped:
            text = text.replace(grouped["mark"], "")
        if grouped or (decimal == "," and _COMMA.fullmatch(text)):
            return read_amount(sign + text.replace(",", "."))
    elif _TWO_MEANINGS.fullmatch(text):
        raise ValueError(
            f'{text!r} has marks that may be decimal or thousands; say decimal = "," or "." in the mapping'
        )
    raise ValueError(f"{text!r} is not a number")
