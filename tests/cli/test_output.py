"""What the command prints: nothing that a terminal obeys."""

import json

import pytest

from arrears_cli.output import put, put_csv, put_table, say

NAME = "A\x1b]52;c;eA==\x07\x9b2J\u202e\ud800\r"
SHOWN = "A\ufffd]52;c;eA==\ufffd\ufffd2J\ufffd\ufffd\ufffd"


def test_what_a_terminal_would_obey_is_replaced_in_tables_and_messages(capsys: pytest.CaptureFixture[str]) -> None:
    put_table(f"Of {NAME}", ("name",), [(NAME,)])
    put({}, False, f"{NAME}\n\tsecond line")
    say(NAME)
    printed = capsys.readouterr()
    assert printed.out.count(SHOWN) == 3
    assert "\n\tsecond line" in printed.out
    assert printed.err == f"{SHOWN}\n"


def test_json_keeps_the_value_and_shows_an_escape(capsys: pytest.CaptureFixture[str]) -> None:
    put({"name": NAME, "other": "Zo\u00eb"}, True, "")
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"name": NAME, "other": "Zo\u00eb"}
    assert not set(printed[:-1]) & set("\x1b\x07\x9b\u202e\ud800\r\n")
    assert "Zo\u00eb" in printed


def test_csv_is_exact_in_a_file_and_harmless_on_a_terminal(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = NAME.replace("\ud800", "")
    put_csv(("name", "amount"), [{"name": name, "amount": 1.5}])
    assert capsysbinary.readouterr().out.decode() == f'name,amount\r\n"{name}",1.5\r\n'
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    put_csv(("name",), [{"name": name}])
    assert not set(capsysbinary.readouterr().out.decode()) & set("\x1b\x07\x9b\u202e\r")
