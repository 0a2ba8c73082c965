"""What is installed is locked, what is shipped is listed, and no secret is in the checkout."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from pip_requirements_parser import InstallRequirement, RequirementsFile

from local_stack.sbom import bill_of, text_of
from template import ROOT

LAYER = ROOT / "layers" / "arrears" / "requirements.txt"
LOCKS = [LAYER, *sorted((ROOT / "requirements").glob("*.txt"))]
SECRETS = {
    "AWS access key": r"\b(AKIA|ASIA)[0-9A-Z]{16}\b",
    "AWS secret key": r"(?i)aws.{0,20}secret.{0,20}['\"=: ][0-9a-z/+]{40}\b",
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "API key of ours": r"\bar_(?!0{32})[0-9a-f]{32}_[0-9a-f]{12}_[0-9a-f]{48}\b",
    "user token of ours": r"\but_(?!0{32})[0-9a-f]{32}_[0-9a-f]{32}_[0-9a-f]{48}\b",
    "GitHub token": r"\b(gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{60,})",
    "Slack token": r"\bxox[abprs]-[0-9A-Za-z-]{20,}",
    "signed token": r"\beyJ[0-9A-Za-z_-]{20,}\.eyJ[0-9A-Za-z_-]{20,}\.",
    "password in an address": r"https?://[^/\s:@{}'\"]+:[^/\s:@{}'\"]+@",
}


def locked(path: Path) -> list[InstallRequirement]:
    return [entry for entry in RequirementsFile.from_file(str(path)).requirements if entry.name]


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.parent.name + "/" + path.name)
def test_everything_is_locked_to_a_version_and_its_hashes(path: Path) -> None:
    requirements = locked(path)
    assert requirements
    for requirement in requirements:
        assert requirement.is_pinned, requirement.name
        assert requirement.hash_options, requirement.name
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|git\+", path.read_text())


def test_what_is_shipped_is_what_is_tested() -> None:
    tested = {entry.name: entry.get_pinned_version for entry in locked(ROOT / "requirements" / "dev.txt")}
    for entry in locked(LAYER):
        assert tested[entry.name] == entry.get_pinned_version


def test_the_bill_of_materials_lists_what_is_installed(tmp_path: Path) -> None:
    about = tmp_path / "some_thing-1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.4\nName: some_thing\nVersion: 1.2\nLicense-Expression: MIT\n")
    text = text_of(bill_of(tmp_path))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    [component] = json.loads(text)["components"]
    assert (component["purl"], component["licenses"]) == ("pkg:pypi/some-thing@1.2", [{"expression": "MIT"}])


def test_no_secret_is_in_the_checkout() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        text = path.read_text(errors="replace") if path.is_file() else ""
        found += [(name, kind) for kind, pattern in SECRETS.items() if re.search(pattern, text)]
    assert found == []


def test_every_exception_from_the_template_linter_says_why() -> None:
    lines = (ROOT / "template.yaml").read_text().splitlines()
    exceptions = [place for place, line in enumerate(lines) if re.fullmatch(r"\s*- [EWI]\d{4}", line)]
    assert exceptions
    for place in exceptions:
        assert lines[place - 1].strip().startswith("#"), lines[place]
