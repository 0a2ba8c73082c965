"""SAM on this checkout: what is built, and whether that is still what the checkout holds."""

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from arrears_cli.output import Failed, say

ROOT = Path(__file__).parents[2]
"""The checkout: the folder of template.yaml."""

BUILD = ROOT / ".aws-sam" / "build"
"""Where `sam build` leaves the template and the folders it names."""


def building() -> FileLock:
    """Held by who builds, or reads what is built: there is one build of a checkout at a time.

    Whoever holds it may take it again.
    """
    BUILD.parent.mkdir(exist_ok=True)
    return FileLock(BUILD.parent / "lock", is_singleton=True)


def build(target: str | None = None) -> str:
    """Build, unless the last build was of the same inputs. Returns the digest of what is built. Hold `building`.

    target: the architecture to build for; without one `architecture`.
    """
    target = target or architecture()
    digest = _digest(target)
    mark = BUILD / ".digest"
    if not mark.exists() or mark.read_text() != digest:
        say("Building the functions and their layer")
        sam(["build", "--parameter-overrides", f"Architecture={target}"], {"ARCHITECTURE": target})
        mark.write_text(digest)
    return digest


def architecture() -> str:
    """The instruction set that is built for, `ARCHITECTURE` or this machine's, in Lambda's words."""
    machine = os.environ.get("ARCHITECTURE", platform.machine())
    return "arm64" if machine in ("aarch64", "arm64") else "x86_64"


def sam(arguments: list[str], environment: dict[str, str], given: str = "") -> subprocess.CompletedProcess[str]:
    """Run SAM in the checkout, with no AWS settings but those of `environment`. Raises Failed when it fails."""
    run = subprocess.run(
        _command(arguments),
        cwd=ROOT,
        env=_variables(environment),
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        raise Failed(f"sam {arguments[0]} failed:\n{run.stdout}{run.stderr}")
    return run


def started_sam(arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """SAM as `sam` runs it, but left running, with this process's output."""
    return subprocess.Popen(_command(arguments), cwd=ROOT, env=_variables(environment))


def _command(arguments: list[str]) -> list[str | Path]:
    return [Path(sys.executable).parent / "sam", *arguments]


def _variables(environment: dict[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # The layer's Makefile finds the environment's Python, and with it uv, by name.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return inherited | {"PATH": path, "SAM_CLI_TELEMETRY": "0"} | environment


def _digest(target: str) -> str:
    """A digest of all that a stack for that architecture is made of."""
    digest = hashlib.sha256(target.encode())
    for path in sorted(_inputs()):
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _inputs() -> Iterator[Path]:
    yield ROOT / "template.yaml"
    yield ROOT / "samconfig.toml"
    for folder in (ROOT / "functions", ROOT / "layers"):
        for path in folder.rglob("*"):
            generated = "__pycache__" in path.parts or ".egg-info" in str(path)
            if path.is_file() and not generated:
                yield path
