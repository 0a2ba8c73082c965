"""The page on mappings says what is so: its examples are read, its tables are complete."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from arrears.imports.dates import question
from arrears.imports.mapping import MappedTable, parse, shipped
from arrears_cli.command import app
from support.files import records, text_file

PAGE = (Path(__file__).parents[2] / "docs" / "mappings.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_reads_its_rows() -> None:
    made = records(text_file(blocks("csv")[0]), blocks("toml")[0])
    assert [(record["type"], record["id"]) for record in made] == [
        ("invoice", "0000000101"),
        ("payment", "0000000101/settled"),
        ("invoice", "0000000102"),
        ("payment", "0000000102/settled"),
        ("invoice", "0000000103"),
    ]
    assert made[0] == {
        "type": "invoice", "id": "0000000101", "customer_id": "0001-AAAAA", "number": "0000000101",
        "currency": "USD", "total": "55.94", "issued_on": "2013-01-02", "due_on": "2013-02-01",
    }  # fmt: skip


def test_the_example_of_a_report_reads_its_rows() -> None:
    made = records(text_file(blocks("csv")[1]), blocks("toml")[2])
    assert [(record["id"], record["total"], record["due_on"]) for record in made] == [
        ("north/4", "10.01", "2020-03-01"),
        ("south/5", "7.50", "2020-02-14"),
    ]


def test_the_second_example_is_a_mapping() -> None:
    mapping = parse(blocks("toml")[1].encode(), "example.toml")
    assert [rule.type for table in mapping.table for rule in table.record] == ["bill"]


def test_the_question_is_the_one_that_is_asked() -> None:
    asked = question("InvoiceDate", "1/2/2013")
    assert asked == " ".join(line.removeprefix("> ") for line in PAGE.splitlines() if line.startswith("> "))


def test_every_shipped_mapping_and_every_key_is_on_it() -> None:
    for name in shipped():
        assert f"| `{name}` |" in PAGE
    for key in MappedTable.model_fields:
        assert f"`{key}`" in PAGE or f"`{key} = " in PAGE or f"{key} =" in PAGE, key


@pytest.mark.parametrize("line", [line for block in blocks("sh") for line in block.splitlines()])
def test_its_commands_exist(line: str) -> None:
    words = line.partition(" > ")[0].split()[1:]
    command = words[:2] if words[0] == "mapping" else words[:1]
    shown = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    for option in (word for word in words if word.startswith("--")):
        assert option in re.sub(r"\x1b\[[0-9;]*m", "", shown.stdout)
