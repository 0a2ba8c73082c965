"""Guards CSV cells that a spreadsheet would run as formulas, so that it shows them as text.

Such a cell gets a leading apostrophe. So does a cell that has leading apostrophes already: removing one then restores
every cell.
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
    """The cell before `guarded_cell` changed it."""
    return text[1:] if _GUARDED.match(text) else text
