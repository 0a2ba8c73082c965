"""The change log on the command line, from the tables and over HTTPS; and imports that are undone."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from arrears.runtime import Services
from support.command_line import run, value
from support.records import invoice, payment

pytestmark = pytest.mark.usefixtures("s3_and_sts")


def file_of(tmp_path: Path, *records: dict[str, Any], name: str = "book.ndjson") -> str:
    (tmp_path / name).write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(tmp_path / name)


def imported(tmp_path: Path, *records: dict[str, Any], name: str = "book.ndjson") -> str:
    """Imports records; the id of the import."""
    [result] = value("import", file_of(tmp_path, *records, name=name))["files"]
    id_: str = result["import_id"]
    return id_


def test_the_log_says_what_changed_and_who_did_it(where: str, services: Services, tmp_path: Path) -> None:
    imported(tmp_path, invoice(), payment())
    id_ = imported(tmp_path, invoice(total="120"), payment())
    assert [one["id"] for one in value("changes", "--type", "payment")["changes"]] == ["P"]
    newest, *others = value("changes")["changes"]
    assert (newest["action"], newest["before"]["total"], newest["after"]["total"]) == ("changed", "100", "120")
    assert (newest["importId"], len(others)) == (id_, 2)
    assert newest["by"]["type"] in ("operator", "key")
    assert value("changes", "--import", id_)["changes"] == [newest]
    assert value("changes", "--customer", "C", "--limit", "1")["changes"] == [newest]
    assert value("changes", "--until", "2020-01-01")["changes"] == []
    shown = run("changes", "--id", "I").stdout
    assert "total: 100 → 120" in " ".join(shown.split())
    assert "amount: " in run("changes", "--type", "payment").stdout
    lines = run("changes", "--output", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [newest, *others]
    rows = list(csv.DictReader(io.StringIO(run("changes", "--csv").stdout)))
    assert [row["id"] for row in rows] == [one["id"] for one in [newest, *others]]


def test_what_cannot_be_asked_for_is_said(where: str) -> None:
    assert run("changes", "--type", "note").exit_code == 2
    assert "--since" in run("changes", "--since", "yesterday").stderr
    assert run("changes", "--customer", "C", "--supplier", "S").exit_code == 2


@pytest.fixture
def book(organisation: str, services: Services, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ARREARS_ORGANISATION", organisation)
    return organisation


def test_an_import_is_undone_by_its_id(book: str, tmp_path: Path) -> None:
    imported(tmp_path, invoice())
    before = run("export").stdout
    id_ = imported(tmp_path, invoice(total="120"), payment(), invoice("J"), name="second.ndjson")
    assert run("export").stdout != before
    assert value("import", "--undo", id_) == {"import_id": id_, "changes": 3, "put_back": 3, "kept": []}
    assert run("export").stdout == before
    assert value("import", "--undo", id_)["kept"] == []
    undone = value("changes", "--id", "I", "--limit", "1")["changes"][0]
    assert (undone["undoOf"], undone["after"]["total"]) == (id_, "100")
    acts = [act["act"] for act in value("org", "audit", "--organisation", book)]
    assert acts.count("undo_import") == 2


def test_what_was_changed_again_since_is_kept_and_listed(book: str, tmp_path: Path) -> None:
    id_ = imported(tmp_path, invoice(), invoice("J"))
    imported(tmp_path, invoice(number="A-1"), name="later.ndjson")
    result = run("import", "--undo", id_, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["kept"] == [{"type": "invoice", "id": "I"}]
    assert "invoice I" in result.stderr
    assert [json.loads(line)["id"] for line in run("export").stdout.splitlines()] == ["I"]


def test_an_import_that_goes_on_keeps_its_id(book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arrears.imports.import_run.BATCH_RECORDS", 2)
    path = file_of(tmp_path, *(invoice(f"I{number}") for number in range(6)))
    batches = []

    def stop(*_: Any) -> None:
        batches.append(1)
        if len(batches) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("arrears_cli.progress.Display.show", stop)
        assert run("import", path).exit_code != 0
    [result] = value("import", path)["files"]
    assert result["rows"] == 6
    changes = value("changes")["changes"]
    assert {one["importId"] for one in changes} == {result["import_id"]}
    value("import", "--undo", result["import_id"])
    assert run("export").stdout == ""


def test_an_undo_that_cannot_be_is_said(book: str, tmp_path: Path) -> None:
    assert run("import", "--undo", "last").exit_code == 2
    assert run("import").exit_code == 2
    assert run("import", file_of(tmp_path, invoice()), "--undo", "20200630T120000Z-7f3a2b").exit_code == 2
    result = run("import", "--undo", "20990630T120000Z-7f3a2b")
    assert (result.exit_code, "no change of the import" in result.stderr) == (1, True)
    result = run("import", "--undo", "20200630T120000Z-7f3a2b")
    assert (result.exit_code, "is before the first moment that can be asked for" in result.stderr) == (1, True)


def test_a_dry_run_has_no_id(book: str, tmp_path: Path) -> None:
    [result] = value("import", file_of(tmp_path, invoice()), "--dry-run")["files"]
    assert result["import_id"] is None
