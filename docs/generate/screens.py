"""The pictures of the README, from the real thing: what `make up` and the command print, and the API's page.

Run by `make screens`, with Chromium for the page.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from template import ROOT

IMAGES = ROOT / "docs" / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WINDOW = "1280,1500"
WIDTH = 118

# Rich's own format loads a font from another host.
_SVG = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: arial; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""


def stack() -> dict[str, Any]:
    """The description of the local stack that `make up` leaves."""
    description: dict[str, Any] = json.loads((ROOT / ".local" / "stack.json").read_text())
    return description


def picture(name: str, command: str, output: str) -> None:
    """A terminal with a command and what it printed, as SVG."""
    with tempfile.TemporaryFile("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        console.print(Text(f"$ {command}"))
        console.print(Text(output.rstrip()), soft_wrap=False)
        console.save_svg(str(IMAGES / f"{name}.svg"), title="arrears", code_format=_SVG, unique_id=name)


def printed(*command: str) -> str:
    """What a command prints on stdout."""
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout


def browser() -> str | None:
    """A browser of this machine that runs without a screen."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def browse(url: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Opens an address in the browser, which reaches no host but this one, and lets its scripts finish."""
    found = browser()
    if found is None:
        raise LookupError(f"none of {', '.join(BROWSERS)} is here")
    with tempfile.TemporaryDirectory() as profile:
        command = [found, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
        alone = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", f"--user-data-dir={profile}"]
        waiting = ["--virtual-time-budget=20000", "--timeout=60000", *options, url]
        return subprocess.run(
            [*command, *alone, *waiting], capture_output=True, text=True, check=True, timeout=120, errors="replace"
        )


def write() -> None:
    """Makes the pictures, of the stack that runs."""
    IMAGES.mkdir(exist_ok=True)
    description = stack()
    arrears = str(Path(sys.executable).parent / "arrears")
    asked = ["receivables", "--organisation", description["organisation_id"]]
    picture("receivables", "arrears receivables --organisation ID", printed(arrears, *asked))
    up = printed("make", "--no-print-directory", "up")
    up = up.replace(description["api_key"], "ar_…").replace(description["user_token"], "ut_…")
    picture("up", "make up", re.sub(r"/execute-api/\w+/", "/execute-api/…/", up))
    browse(f"{description['base_url']}/docs", f"--window-size={WINDOW}", f"--screenshot={IMAGES / 'docs.png'}")


if __name__ == "__main__":
    write()
