"""The commands, each loaded when it is called: an install with one extra needs nothing of the others.

Exit codes: 0 fine, 1 failed, 2 wrong use or configuration.
"""

import logging
import sys
from importlib import import_module
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup

from nervesys import __version__
from nervesys.errors import NervesysError, SettingsError

COMMANDS: dict[str, str] = {
    "up": "Start the whole stack on this machine.",
    "down": "Stop all of it.",
    "exporter": "Serve a source as Prometheus metrics: store, archive or brain.",
    "agent": "Run a lean agent: heartbeats, server metrics and logs.",
    "config": "Check the configuration, and see where each value comes from.",
    "receiver": "Take alerts, journal them, act, and look whether it helped.",
    "dashboards": "Write Grafana's dashboards from code, and check them.",
    "docs": "Write the reference pages from the code that they describe.",
}
"""Every command and its line in the help; each is the module of that name beside this file."""

EXTRAS = {"agent": "agent", "exporter": "exporters", "receiver": "receiver", "dashboards": "reports", "up": "stack"}
"""Which extra a command needs, where it needs one; named when an import fails."""


class LazyCommands(TyperGroup):
    """Lists commands without importing them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in with the command's line of help; what runs comes from `resolve_command`."""
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself, imported now."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name and stand_in else stand_in, rest


def load_command(name: str) -> Any:
    """The command of that name, imported now.

    Raises:
        NervesysError: a package that it needs is not installed; says which extra holds it.
    """
    try:
        module = import_module(f"nervesys.cli.{name}")
    except ModuleNotFoundError as err:
        extra = EXTRAS.get(name, "all")
        raise NervesysError(
            f"`nervesys {name}` needs the package {err.name}: pip install 'nervesys-observability[{extra}]'"
        ) from err
    command = typer.main.get_command(module.app)
    command.name = name
    return command


app = typer.Typer(
    cls=LazyCommands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Observability for fleets of AI agents that keep nothing locally.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    _: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Log details."),
) -> None:
    level = logging.DEBUG if verbose else logging.INFO
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for chatty in ("alembic", "apscheduler", "botocore", "boto3", "urllib3", "googleapiclient", "github"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def main() -> None:
    """Run a command; what goes wrong on purpose is told in words, not as a traceback."""
    errors = Console(stderr=True)
    try:
        app()
    except SettingsError as err:
        errors.print(f"[bold red]The configuration is wrong[/] ({len(err.mistakes)} to mend):")
        for mistake in err.mistakes:
            errors.print(f"  {mistake}", markup=False, soft_wrap=True)
        sys.exit(2)
    except NervesysError as err:
        errors.print(f"[bold red]Failed:[/] {err}", soft_wrap=True)
        sys.exit(1)
