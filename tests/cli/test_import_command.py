"""Files on the command line: what is said of those that cannot be taken."""

import sys
from pathlib import Path

import pytest

from arrears_cli import command
from support.hostile_files import MAPPING, ROWS

CASES = [
    ("a.json", '[{"id": ' + "9" * 4_301 + "}]", None, "has a number of 1,000 digits or more"),
    ("a.json", '{"a":' * 10_000, None, "nested more than 64 deep"),
    ("a.csv", "," * (4 << 20), None, "The header has 4,194,305 columns"),
    ("a.csv", ROWS, MAPPING.replace("Europe/Vienna", "Mars/Base"), "'Mars/Base' is no time zone"),
    ("a.csv", ROWS, MAPPING.replace("D.M.YYYY", "D/D/M/YYYY"), "'D/D/M/YYYY' is no date format"),
    ("a.csv", ROWS, "title = " + "[" * 40_000, "nested too deeply"),
]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    """The exit code of the command line."""
    monkeypatch.setattr(sys, "argv", ["arrears", *arguments])
    with pytest.raises(SystemExit) as ended:
        command.run()
    return ended.value.code


@pytest.mark.parametrize(("name", "content", "mapping", "reason"), CASES, ids=[case[3] for case in CASES])
def test_a_file_that_cannot_be_taken_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    name: str,
    content: str,
    mapping: str | None,
    reason: str,
) -> None:
    (tmp_path / name).write_text(content)
    (tmp_path / "own.toml").write_text(mapping or MAPPING)
    assert run(monkeypatch, "mapping", "check", str(tmp_path / "own.toml"), str(tmp_path / name)) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert reason in said.err


def test_an_unknown_time_zone_is_not_a_usable_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("id\n")
    assert run(monkeypatch, "mapping", "check", "xero", str(tmp_path / "a.csv"), "--timezone", "Mars/Base") == 2
    assert "Mars/Base is no time zone" in capsys.readouterr().err
