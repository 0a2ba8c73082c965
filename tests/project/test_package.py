"""The command as a package: installed from a wheel, it needs nothing of the checkout."""

import os
import shutil
import subprocess
import sys
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

import pytest

from template import ROOT

NEEDED = ("pyproject.toml", "requirements", "layers/arrears/arrears", "cli")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built of a copy: building leaves files behind."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    uv = Path(sys.executable).parent / "uv"
    build = [str(uv), "build", "--quiet", "--wheel", "--no-build-isolation", "--out-dir", str(made), str(source)]
    subprocess.run(build, check=True, env=os.environ | {"VIRTUAL_ENV": sys.prefix})
    [found] = made.glob("*.whl")
    return found


def test_the_package_has_every_module_and_mapping(wheel: Path) -> None:
    with ZipFile(wheel) as package:
        held = set(package.namelist())
    for folder in (ROOT / "layers" / "arrears" / "arrears", ROOT / "cli" / "arrears_cli"):
        for path in folder.rglob("*"):
            if path.suffix in (".py", ".toml"):
                assert str(path.relative_to(folder.parent)) in held


def test_the_package_asks_for_what_the_command_imports(wheel: Path) -> None:
    with ZipFile(wheel) as package:
        [name] = [name for name in package.namelist() if name.endswith("/METADATA")]
        metadata = HeaderParser().parsestr(package.read(name).decode())
    asked = {line.partition("==")[0] for line in metadata.get_all("Requires-Dist", [])}
    assert {"boto3", "botocore", "ijson", "orjson", "pydantic", "rich", "typer", "tzdata"} <= asked


def test_the_installed_command_runs_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    with ZipFile(wheel) as package:
        package.extractall(tmp_path / "installed")
    code = "import arrears_cli, sys; print(arrears_cli.__file__, file=sys.stderr); arrears_cli.main()"
    run = subprocess.run(
        [sys.executable, "-c", code, "mapping", "list", "--json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stderr.startswith(str(tmp_path))
    assert "xero" in run.stdout
