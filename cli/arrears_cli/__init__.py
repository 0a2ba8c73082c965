"""The `arrears` command, for people and scripts. It is not shipped with the functions."""


def main() -> None:
    """Runs the command."""
    from arrears_cli.command import run

    run()
