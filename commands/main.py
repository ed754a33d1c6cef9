"""The entry point of the command line. Exit codes: 0 success, 1 failure, 2 wrong arguments or configuration."""

import sys

from nervesys import __version__


def main() -> None:
    """Run a command; print expected errors as messages, without a traceback."""
    if sys.argv[1:] == ["--version"]:  # importing Typer takes four times as long as printing the version
        sys.stdout.write(f"{__version__}\n")
        sys.exit(0)
    import typer

    from commands.root import app
    from commands.typed import as_typed
    from nervesys.errors import NervesysError, SettingsError
    from nervesys.plural import count

    def red(text: str) -> str:
        return typer.style(text, fg="red", bold=True)

    try:
        app(prog_name="nervesys")
    except SettingsError as err:
        heading = red("The configuration is invalid")
        typer.echo(f"{heading} ({count(len(err.mistakes), 'error')}):", err=True)
        for mistake in err.mistakes:
            typer.echo(f"  {as_typed(str(mistake))}", err=True)
        sys.exit(2)
    except (NervesysError, OSError) as err:
        typer.echo(f"{red('Failed:')} {as_typed(str(err))}", err=True)
        sys.exit(1)
