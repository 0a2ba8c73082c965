"""Cells of CSV that a spreadsheet shows as text, although it would run them as formulas.

Such a cell gets an apostrophe in front. So does one that has apostrophes in front already: then taking one off gives
every cell back as it was.
"""

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?\d[\d.,]*", re.ASCII)


def guarded_cell(text: str) -> str:
    """The cell as it may be opened in a spreadsheet. Plain numbers stay as they are, negative ones too."""
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def original_cell(text: str) -> str:
    """What `guarded_cell` was given."""
    return text[1:] if _GUARDED.match(text) else text
