"""The demo company of the local stack: an organisation with a book, and requests that show what is in it."""

import json
import secrets
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from arrears_cli.connection import DESCRIPTION
from arrears_cli.output import Failed, say
from local_stack import demo_company

SHOWN_CHARACTERS = 400
DAY = "demo_day"
"""The name under which the description says on which day the demo company was loaded."""


@dataclass(frozen=True, slots=True)
class Example:
    """A request worth trying: path and query under the base URL, and how the key is sent."""

    about: str
    path: str
    header: str

    def curl(self, description: dict[str, Any]) -> str:
        """The request as a line for a shell."""
        header, path = self.header.format(**description), self.path.format(**description)
        return f"curl -H '{header}' '{description['base_url']}{path}'"

    def answer(self, description: dict[str, Any]) -> tuple[int, str]:
        """Status and body of what the stack answers."""
        name, _, value = self.header.format(**description).partition(": ")
        address = description["base_url"] + self.path.format(**description)
        request = urllib.request.Request(address, headers={name: value})  # noqa: S310 - our own
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


KEY = "x-dolfin-api-key: {api_key}"
BEARER = "Authorization: Bearer {api_key}"
USER = "Authorization: Bearer {user_token}"
EXAMPLES = (
    Example("Who owes the most overdue money, and what to do", "/receivables/overdue?limit=1", KEY),
    Example("Whom to pay first", "/payables/overdue?limit=1", KEY),
    Example("The latest closed month", "/receivables/overdue/history?months=1", KEY),
    Example("Who has reached the last dunning tier", "/escalations?tier=escalation&limit=1000", KEY),
    Example("Lago: overdue by month", "/analytics/overdue_balance?currency=GBP&months=3", BEARER),
    Example(
        "Lago: invoiced by month and payment status", "/analytics/invoice_collection?currency=EUR&months=3", BEARER
    ),
    Example("DocuSign: what an account owes", "/restapi/v2.1/accounts/{account}/billing_invoices_past_due", USER),
)


def fill(description: dict[str, Any]) -> dict[str, Any]:
    """What a stack's description lacks: a demo company, its key, an account, a user's token. Nothing while they work.

    One that was loaded on an earlier day is left as it is: people work with it, and with its key.
    """
    if DAY in description and EXAMPLES[0].answer(description)[0] == 200:
        return {}
    return load(description)


def load(description: dict[str, Any]) -> dict[str, Any]:
    """Load a new demo company with the book of today into the stack, and return what describes the company."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / DESCRIPTION).parent.mkdir()
        (folder / DESCRIPTION).write_text(json.dumps(description))
        return _load(folder, _today())


def _load(folder: Path, today: date) -> dict[str, Any]:
    """Creates the company by the commands that a person would use, in a folder with the stack's description."""
    say(f"Creating the demo company {demo_company.NAME}")
    home = ("--timezone", demo_company.TIMEZONE, "--currency", demo_company.CURRENCY)
    created = _arrears(folder, "org", "create", "--name", demo_company.NAME, *home)
    organisation = ("--organisation", created["organisation_id"])
    minimums = (f"{currency}={amount}" for currency, amount in demo_company.MINIMUMS.items())
    _arrears(folder, "policy", "set", *organisation, *(word for one in minimums for word in ("--minimum", one)))
    say("Importing its book")
    book = folder / "book.ndjson"
    book.write_text("".join(f"{json.dumps(record)}\n" for record in demo_company.records(today)))
    _arrears(folder, "import", str(book), *organisation)
    say("Closing its months")
    _arrears(folder, "close", *organisation)
    key = _arrears(folder, "key", "create", *organisation)
    account = ("--account", demo_company.ACCOUNT, "--username", "demo")
    integrator_key = _arrears(folder, "integrator", "create", *organisation)["integrator_key"]
    integrator = ("--integrator-key", integrator_key, "--admin", "--password-stdin")
    user = _arrears(folder, "user", "create", *organisation, *account, *integrator, given=secrets.token_urlsafe())
    return created | key | user | {"account": demo_company.ACCOUNT, DAY: today.isoformat()}


def _today() -> date:
    return datetime.now(ZoneInfo(demo_company.TIMEZONE)).date()


def shown(description: dict[str, Any]) -> str:
    """Where the stack answers, with which key, and the examples with their answers."""
    names = {"Base URL": "base_url", "API key": "api_key", "Organisation": "organisation_id"}
    lines = [f"{title:<13} {description[name]}" for title, name in names.items()]
    with ThreadPoolExecutor() as pool:
        answers = pool.map(lambda example: example.answer(description), EXAMPLES)
    for example, (status, body) in zip(EXAMPLES, answers, strict=True):
        cut = body if len(body) <= SHOWN_CHARACTERS else body[:SHOWN_CHARACTERS] + " …"
        lines += ["", f"# {example.about}", example.curl(description), f"{status} {cut}"]
    for report in ("receivables", "payables"):
        lines += ["", f".venv/bin/arrears {report} --organisation {description['organisation_id']}"]
    return "\n".join([*lines, *_age(description)])


def _age(description: dict[str, Any]) -> list[str]:
    """That the book is of an earlier day, if it is, and how to have one of today."""
    if description[DAY] == _today().isoformat():
        return []
    loaded = f"The demo company was loaded on {description[DAY]}, and its days are counted from then."
    return ["", f"{loaded} `make demo` loads a new one as of today, with a key of its own."]


def _arrears(folder: Path, *arguments: str, given: str = "") -> dict[str, Any]:
    """Run the command in a folder, as a person would; its one JSON value."""
    command = [str(Path(sys.executable).parent / "arrears"), *arguments, "--json"]
    run = subprocess.run(command, cwd=folder, input=given, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise Failed(f"arrears {arguments[0]} failed:\n{run.stdout}{run.stderr}")
    result: dict[str, Any] = json.loads(run.stdout)
    return result
