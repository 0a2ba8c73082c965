"""The command put together, and how it ends: 0 done, 1 refused or some rows rejected, 2 not a usable command line."""

import sys

import typer

from arrears.cli import administration, bulk, reports, schedule
from arrears.cli.output import Failed, say

app = typer.Typer(
    help="Overdue receivables and payables of every organisation, from one ledger.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(administration.organisations, name="org")
app.add_typer(administration.keys, name="key")
app.add_typer(administration.users, name="user")
app.add_typer(administration.policies, name="policy")
app.add_typer(bulk.mappings, name="mapping")
app.add_typer(schedule.snapshots, name="snapshots")
app.command("import")(bulk.import_files)
app.command("export")(bulk.export)
app.command("receivables")(reports.receivables)
app.command("payables")(reports.payables)
app.command("close")(schedule.close)
app.command("reconcile")(schedule.reconcile)


def run() -> None:
    """Runs the command line. What a person can mend is one line on stderr, not a traceback."""
    try:
        app()
    except Exception as error:
        message = explanation(error)
        if message is None:
            raise
        say(message)
        sys.exit(1)


def explanation(error: Exception) -> str | None:
    """What to tell a person of an error; None for what is a fault of ours."""
    from arrears.bulk.text import FileRefused
    from arrears.ledger.refusal import Refusal
    from arrears.storage.client import as_refusal

    refusal = error if isinstance(error, Refusal) else as_refusal(error)
    if refusal is not None:
        return refusal.detail
    if isinstance(error, Failed | FileRefused):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if type(error).__module__.startswith("botocore."):
        return f"AWS: {error}"
    return None
