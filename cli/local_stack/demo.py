"""The demo organisation of the local stack: the Xero book of the tests, and requests that show what is in it."""

import json
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arrears_cli.output import Failed, say
from local_stack.sam import ROOT

BOOK = ROOT / "tests" / "data" / "xero"
SHOWN_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Example:
    """A request worth trying: path and query under the base URL, and how the key is sent."""

    path: str
    header: str

    def curl(self, facts: dict[str, Any]) -> str:
        """The request as a line for a shell."""
        return f"curl -H '{self.header.format(**facts)}' '{facts['base_url']}{self.path.format(**facts)}'"

    def answer(self, facts: dict[str, Any]) -> tuple[int, str]:
        """Status and body of what the stack answers."""
        name, _, value = self.header.format(**facts).partition(": ")
        address = facts["base_url"] + self.path.format(**facts)
        request = urllib.request.Request(address, headers={name: value})  # noqa: S310 - our own
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


EXAMPLES = (
    Example("/receivables/overdue?asOf=2020-06-30", "x-dolfin-api-key: {api_key}"),
    Example("/analytics/overdue_balance?currency=GBP", "Authorization: Bearer {api_key}"),
    Example("/analytics/invoice_collection?currency=USD", "Authorization: Bearer {api_key}"),
    Example("/restapi/v2.1/accounts/{account}/billing_invoices_past_due", "Authorization: Bearer {user_token}"),
)


def fill(facts: dict[str, Any]) -> dict[str, Any]:
    """What the facts lack of the demo organisation, its key, an account and a user's token: nothing while they work."""
    if "user_token" in facts and EXAMPLES[0].answer(facts)[0] == 200:
        return {}
    say("Creating the demo organisation")
    created = _arrears("org", "create", "--name", "Demo", "--timezone", "Europe/London", "--currency", "GBP")
    organisation = ["--organisation", created["organisation_id"]]
    say("Importing the Xero book")
    _arrears("import", *map(str, sorted(BOOK.glob("*.csv"))), *organisation, "--mapping", "xero")
    made = created | _arrears("key", "create", *organisation)
    made["account"] = _first_customer(facts | made)
    integrator = _arrears("integrator", "create", *organisation)["integrator_key"]
    user = ["--account", made["account"], "--username", "demo", "--integrator-key", integrator]
    password = secrets.token_urlsafe()
    return made | _arrears("user", "create", *organisation, *user, "--admin", "--password-stdin", given=password)


def _first_customer(facts: dict[str, Any]) -> str:
    """Who has owed for longest."""
    status, body = EXAMPLES[0].answer(facts)
    if status != 200:
        raise Failed(f"The demo book cannot be read: {status} {body}")
    found: str = json.loads(body)["customers"][0]["customerId"]
    return found


def shown(facts: dict[str, Any]) -> str:
    """Where the stack answers, with which key, and the examples with their answers."""
    lines = [f"Base URL  {facts['base_url']}", f"API key   {facts['api_key']}"]
    for example in EXAMPLES:
        status, body = example.answer(facts)
        cut = body if len(body) <= SHOWN_CHARACTERS else body[:SHOWN_CHARACTERS] + " …"
        lines += ["", example.curl(facts), f"{status} {cut}"]
    return "\n".join(lines)


def _arrears(*arguments: str, given: str = "") -> dict[str, Any]:
    """Run the command as a person would; its one JSON value."""
    command = [str(Path(sys.executable).parent / "arrears"), *arguments, "--json"]
    run = subprocess.run(command, cwd=ROOT, input=given, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise Failed(f"arrears {arguments[0]} failed:\n{run.stdout}{run.stderr}")
    result: dict[str, Any] = json.loads(run.stdout)
    return result
