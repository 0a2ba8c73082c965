"""The command as a person or a script runs it, in this process."""

import json
from typing import Any

from typer.testing import CliRunner, Result

from arrears_cli import command


def run(*arguments: str, input: str | None = None) -> Result:
    """Runs the command line; an error that the command explains is its last line on stderr."""
    result = CliRunner().invoke(command.app, list(arguments), input=input)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        explained = command.explanation(result.exception)  # type: ignore[arg-type]
        if explained is None:
            raise result.exception
        result.stderr_bytes += explained.encode()
    return result


def value(*arguments: str, input: str | None = None) -> Any:
    """The one JSON value that a command prints."""
    result = run(*arguments, "--json", input=input)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)
