"""docs/architecture.md follows two requests through the code: it names files that they meet, in their order."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from api.conftest import Answer, Api
from support import records
from template import ROOT

TEXT = (ROOT / "docs" / "architecture.md").read_text()
PACKAGE = ROOT / "layers" / "arrears" / "arrears"


def walk(heading: str) -> list[str]:
    """The files of a walk, from the checkout's root."""
    section = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    named = re.findall(r"^\d+\. `(.*?)`", section, re.MULTILINE)
    return [str((ROOT if name.startswith("functions/") else PACKAGE) / name) for name in named]


def files_met(request: Callable[[], Answer]) -> list[str]:
    """Every file of which a function ran, in the order of each one's first."""
    met: dict[str, None] = {}

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_name != "<module>":
            met.setdefault(frame.f_code.co_filename)

    sys.setprofile(note)
    try:
        answer = request()
    finally:
        sys.setprofile(None)
    assert answer.status == 200, answer.body
    return list(met)


def new_headers(api: Api) -> dict[str, str]:
    """A key that no cache has."""
    return {"x-dolfin-api-key": api.services.api_keys().create(api.organisation.id)}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/receivables/overdue", None),
        ("POST", "/ledger/records", json.dumps({"records": [records.payment(amount="60")]})),
    ],
)
def test_a_request_meets_the_files_of_its_walk_in_their_order(
    api: Api, method: str, path: str, body: str | None
) -> None:
    api.record(records.invoice())
    # Once before, so that everything is imported.
    api.call(method, path, new_headers(api), {}, body and body.replace('"60"', '"40"').replace('"P"', '"P1"'))
    expected = walk(f"One {method}: `{path}`")
    headers = new_headers(api)
    met = files_met(lambda: api.call(method, path, headers, {}, body))
    assert expected
    assert all(Path(name).is_file() for name in expected)
    assert [name for name in met if name in expected] == expected
