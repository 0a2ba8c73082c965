"""The built layer: complete, importable without the checkout, and compiled for the runtime."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local_stack.sam import BUILD, build, building

SOURCE_HASH_UNCHECKED = 0b01
"""Flags of a .pyc that is valid whatever its source's time stamp says (PEP 552)."""


@pytest.fixture(scope="session")
def layer() -> Path:
    """The layer's Python folder as `sam build` leaves it."""
    with building():
        build()
    return BUILD / "ArrearsLayer" / "python"


def test_every_module_has_one_valid_bytecode_file(layer: Path) -> None:
    sources = list(layer.rglob("*.py"))
    assert sources
    for source in sources:
        compiled = list((source.parent / "__pycache__").glob(f"{source.stem}.*.pyc"))
        assert compiled == [Path(importlib.util.cache_from_source(str(source)))], source
        head = compiled[0].read_bytes()[:16]
        assert head[:4] == importlib.util.MAGIC_NUMBER
        assert int.from_bytes(head[4:8], "little") == SOURCE_HASH_UNCHECKED
        assert head[8:16] == importlib.util.source_hash(source.read_bytes())


def test_bytecode_has_its_source(layer: Path) -> None:
    for compiled in layer.rglob("*.pyc"):
        assert Path(importlib.util.source_from_cache(str(compiled))).is_file()


def test_the_layer_has_the_package_without_the_command(layer: Path) -> None:
    assert (layer / "arrears" / "__init__.py").is_file()
    assert not (layer / "arrears" / "cli").exists()
    assert not list(layer.rglob("*.egg-info"))


def test_the_layer_leaves_room_below_lambdas_limit(layer: Path) -> None:
    size = sum(path.stat().st_size for path in layer.rglob("*") if path.is_file())
    assert size < 100_000_000, "functions and layers may have 250 MB unpacked; cold starts want far less"


def test_every_module_of_the_package_can_be_imported_from_the_layer_alone(layer: Path) -> None:
    """With an isolated interpreter: nothing of the checkout's environment stands in for what the layer lacks."""
    modules = [
        ".".join(path.relative_to(layer).with_suffix("").parts)
        for path in (layer / "arrears").rglob("*.py")
        if path.name != "__init__.py"
    ]
    assert modules
    code = (
        f"import sys, importlib; sys.path.insert(0, {str(layer)!r})\n"
        f"for name in {json.dumps(modules)}: importlib.import_module(name)"
    )
    base = Path(sys.base_prefix) / "bin" / "python3.13"
    run = subprocess.run(
        [base, "-I", "-S", "-c", code],
        env={"PATH": os.defpath, "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_the_layer_describes_every_service_that_the_package_calls(layer: Path) -> None:
    """It leaves out what botocore knows of all others."""
    sources = "".join(path.read_text() for path in (layer / "arrears").rglob("*.py"))
    called = set(re.findall(r'client\(\s*"(\w+)"', sources))
    assert "dynamodb" in called
    described = {path.name for path in (layer / "botocore" / "data").iterdir() if path.is_dir()}
    assert described == called
