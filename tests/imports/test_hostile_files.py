"""Files made to break the import: each ends with results, in a process that has half a gigabyte."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]


def results(asked: str) -> dict[str, dict[str, Any]]:
    command = [sys.executable, "-m", "support.hostile_files", asked]
    run = subprocess.run(command, check=False, cwd=TESTS, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, f"{run.returncode}: {run.stdout[-300:]} {run.stderr[-2000:]}"
    return dict(map(json.loads, run.stdout.splitlines()))


REFUSED = {
    "whole number of 4,301 digits": "has a number of 1,000 digits or more",
    "nested arrays": "is nested more than 64 deep",
    "nested objects": "is nested more than 64 deep",
    "a record of empty objects": "values",
    "a record of 40 MB": "values",
    "a header of 4 million columns": "The header has 4,194,305 columns",
    "a mapping's unknown zone": "'Mars/Base' is no time zone",
    "a mapping's zone outside": "is no time zone",
    "a field's date form D/D/M/YYYY": "'D/D/M/YYYY' is no date format",
    "mapping.json deep": "nested too deeply",
    "mapping.json odd": "mapping.json is not right",
    "mapping.json endless": "larger than 100 kB",
    "mapping.toml deep": "nested too deeply",
    "mapping.toml dotted": "nested too deeply",
}


def test_every_known_attack_ends_with_results() -> None:
    found = results("cases")
    assert {name: result for name, result in found.items() if result["status"] not in ("done", "refused")} == {}
    for name, reason in REFUSED.items():
        assert found[name]["status"] == "refused", name
        assert reason in found[name]["reason"], found[name]
    # A row of its own costs only itself, and what a stranger left as results is no reason to do nothing.
    assert found["whole number of 4,301 digits in a line"]["rejected_rows"] == 1
    assert found["lines of 8 MB"]["rejected_rows"] == 6
    for name, result in found.items():
        if name.startswith("results.json"):
            assert (result["status"], result["valid"]) == ("done", 1), name
        if name.startswith(("mapping.json", "mapping.toml", "a mapping's", "a field's")):
            assert result["status"] == "refused", name


@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_files_of_every_kind_end_with_results(seed: int) -> None:
    found = results(str(seed))
    assert {name: result for name, result in found.items() if result["status"] not in ("done", "refused")} == {}
    assert {result["status"] for result in found.values()} == {"done", "refused"}
