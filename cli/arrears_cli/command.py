"""The command put together, and how it ends: 0 done, 1 refused or some rows rejected, 2 not a usable command line."""

import sys

import typer

from arrears_cli import (
    aging,
    changes,
    closed_month,
    customers,
    imports,
    keys,
    mappings,
    month_close,
    organisation_deletion,
    organisations,
    parties,
    policy,
    record,
    reports,
    users,
)
from arrears_cli.output import Failed, say

app = typer.Typer(
    help="Overdue receivables and payables of every organisation, from one ledger.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
organisations.organisations.command("delete")(organisation_deletion.delete_organisation)
app.add_typer(organisations.organisations, name="org")
customers.customers.command("show")(parties.customer)
app.add_typer(customers.customers, name="customer", cls=parties.ShowByDefault)
app.add_typer(keys.keys, name="key")
app.add_typer(users.integrators, name="integrator")
app.add_typer(users.users, name="user")
app.add_typer(policy.policies, name="policy")
app.add_typer(mappings.mappings, name="mapping")
app.add_typer(month_close.snapshots, name="snapshots")
app.add_typer(record.records, name="record")
app.command("import")(imports.import_files)
app.command("export")(imports.export)
app.command("receivables")(reports.receivables)
app.command("payables")(reports.payables)
app.command("history")(reports.history)
app.command("escalations")(reports.escalations)
app.command("changes")(changes.changes)
app.command("aging")(aging.aging)
app.command("supplier")(parties.supplier)
app.command("statement")(parties.statement)
app.command("close")(month_close.close)
app.command("explain")(closed_month.explain)
app.command("reconcile")(month_close.reconcile)


def run() -> None:
    """Runs the command line. What a person can correct is one line on stderr, not a traceback."""
    try:
        app()
    except Exception as error:
        message = explanation(error)
        if message is None:
            raise
        say(message)
        sys.exit(1)


def explanation(error: Exception) -> str | None:
    """The message that a person sees of an error; None for a fault of ours."""
    from arrears.imports.errors import FileRefused
    from arrears.ledger.errors import ArrearsError
    from arrears.storage.client import as_error

    refusal = error if isinstance(error, ArrearsError) else as_error(error)
    if refusal is not None:
        return refusal.detail
    if isinstance(error, Failed | FileRefused):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if type(error).__module__.startswith("botocore."):
        return f"AWS: {error}"
    return None
