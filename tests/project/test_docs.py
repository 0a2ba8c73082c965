"""The documentation: what is made from the code is current, links lead somewhere, commands exist."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main

from arrears_cli.command import app
from arrears_cli.parties import ShowByDefault
from generate import bruno, tables
from template import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "llms.txt", *(ROOT / "docs").glob("*.md")])
MADE = {**{path: text() for path, text in tables.FILES.items()}, **bruno.files()}
LOCAL_OPTIONS = {"--help"}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MADE, ids=relative)
def test_what_is_made_from_the_code_is_current(path: Path) -> None:
    assert path.read_text() == MADE[path], "run `make docs`"


def test_the_collection_has_no_other_requests() -> None:
    assert {path for path in (ROOT / "bruno").rglob("*") if path.is_file()} == bruno.files().keys()


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made on GitHub."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


LINKS = [
    (page, link)
    for page in PAGES
    for link in re.findall(r"\]\((.*?)\)", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL))
]


@pytest.mark.parametrize(("page", "link"), LINKS, ids=[f"{relative(page)}-{link}" for page, link in LINKS])
def test_a_link_leads_to_a_file_and_a_heading(page: Path, link: str) -> None:
    assert not link.startswith("http"), "the documentation stands alone"
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    assert target.exists()
    assert not anchor or anchor in anchors(target)


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_a_test_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    files = re.findall(r"`(tests/[\w/]+(?:\.py)?)`", text)
    assert [name for name in files if not (ROOT / name).exists()] == []
    code = "".join((ROOT / name).read_text() for name in set(files) if name.endswith(".py"))
    assert [name for name in re.findall(r"`(test_\w+)`", text) if f"def {name}(" not in code] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    found, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        found.add(page)
        for own, link in LINKS:
            target = (own.parent / link.partition("#")[0]).resolve()
            if own == page and target.suffix == ".md" and target not in found:
                ahead.append(target)
    assert {page for page in PAGES if page.suffix == ".md"} <= found


TOPS = (ROOT, ROOT / "layers" / "arrears" / "arrears")
FILE = re.compile(r"`([\w./-]+/[\w-]+\.(?:py|md|yaml)|test_\w+\.py)`")
"""A path from the root of the checkout or of the package; of a test the name may do."""

NAMED_FILES = sorted({(relative(page), name) for page in PAGES for name in FILE.findall(page.read_text())})


@pytest.mark.parametrize(("page", "name"), NAMED_FILES)
def test_a_file_that_a_page_names_is_there(page: str, name: str) -> None:
    assert any((top / name).is_file() for top in TOPS) or ("/" not in name and any((ROOT / "tests").rglob(name)))


@pytest.mark.parametrize("walk", ["One GET", "One POST"])
def test_a_walk_through_the_code_names_each_file_once(walk: str) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text().partition(f"## {walk}")[2].partition("\n## ")[0]
    named = FILE.findall(text)
    assert len(named) > 5
    assert len(set(named)) == len(named)


def test_the_contract_explains_every_reason() -> None:
    codes = set(re.findall(r'"code": "(\w+)"', (TOPS[1] / "rendering" / "reasons.py").read_text()))
    explained = (ROOT / "docs" / "contract.md").read_text()
    assert codes
    assert not {code for code in codes if f"`{code}`" not in explained}


def commands() -> list[tuple[str, str]]:
    """Every command line of the documentation: fenced, indented or between backticks, continued lines put together."""
    found = []
    for page in PAGES:
        text = page.read_text().replace("\\\n", " ")
        lines = re.findall(r"^ *((?:arrears|make) .*)$", text, re.MULTILINE)
        lines += re.findall(r"`((?:arrears|make) [^`]*)`", text.replace("\n", " "))
        found += [(relative(page), line) for line in dict.fromkeys(lines)]
    return found


COMMANDS = commands()
TARGETS = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=[f"{page}-{line[:40]}" for page, line in COMMANDS])
def test_a_command_exists_with_its_options(page: str, line: str) -> None:
    words = shlex.split(re.sub(r"\s#.*", "", line).replace("…", ""))
    for end in (">", "|", "&&"):
        if end in words:
            words = words[: words.index(end)]
    if words[0] == "make":
        assert {word for word in words[1:] if "=" not in word and word.isidentifier()} <= TARGETS
        return
    command: Any = typer.main.get_command(app)
    left = words[1:]
    while left and hasattr(command, "get_command"):
        name = left.pop(0).split("|")[0]
        if isinstance(command, ShowByDefault) and name not in command.commands:
            name, left = "show", [name, *left]
        command = command.get_command(typer.Context(command), name)
        assert command is not None, line
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word.split("=")[0] for word in left if word.startswith("--")} <= known | LOCAL_OPTIONS


def test_every_target_of_the_readme_is_explained_by_make_help() -> None:
    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"make {target} " in printed for target in TARGETS)


@pytest.mark.parametrize("target", ["deploy", "destroy"])
def test_a_deployment_is_one_command(target: str) -> None:
    planned = subprocess.run(["make", "-n", target, "STAGE=prod"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f'local_stack.cloud {target} "prod"' in planned.stdout


def test_nothing_of_the_machine_it_was_written_on_is_named() -> None:
    for page in PAGES:
        assert not re.search(r"/(work|root|home|tmp|opt)/", page.read_text())
