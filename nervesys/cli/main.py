"""The commands, each loaded when it is called: an install with one extra needs nothing of the others.

Exit codes: 0 fine, 1 failed, 2 wrong use or configuration.
"""

import inspect
import logging
import re
import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from nervesys import __version__
from nervesys.errors import NervesysError, SettingsError
from nervesys.settings import PLACES, VARIABLES

COMMANDS: dict[str, str] = {
    "up": "Start the whole stack on this machine.",
    "down": "Stop all of it.",
    "status": "Show every service and every agent.",
    "logs": "Print what the processes of the stack say.",
    "demo": "Break something in the local stack, and watch what happens.",
    "exporter": "Serve a source as Prometheus metrics.",
    "agent": "Run a lean agent: heartbeats, server metrics and logs.",
    "report": "Make the report of a day, a week or a month.",
    "artifacts": "Serve what is known of artifacts, list them, and clean up.",
    "round": "Archive logs that are due, and delete what retention no longer keeps.",
    "history": "Make history of the archive, for dashboards that reach back for months.",
    "drill": "Try what would be done after a loss: restore a backup, and verify it.",
    "config": "Check the configuration, and see where each value comes from.",
    "receiver": "Take alerts, journal them, act, and look whether it helped.",
    "alerts": "Make rules and routes of config/alerts.yaml, and check it.",
    "dashboards": "Write Grafana's dashboards from code, and check them.",
    "init": "Make the example brain and the keys that docker compose needs.",
    "docs": "Write the reference pages from the code that they describe.",
}
"""Every command and its line in the help; each is the module of that name beside this file."""

EXTRAS = {
    "history": "exporters",
    "agent": "agent",
    "artifacts": "artifacts",
    "round": "agent",
    "drill": "agent",
    "exporter": "exporters",
    "receiver": "receiver",
    "dashboards": "reports",
    "report": "reports",
}
"""Which extra a command needs, where it needs one; named when an import fails."""


PANELS: dict[str, dict[str, str]] = {
    "First steps": {
        "nervesys up": "start all of it on this machine; no account needed",
        "nervesys status": "see every service, its state and its address",
        "nervesys demo kill grok": "kill an agent, and watch it being healed",
        "nervesys down": "stop everything",
    },
    "Environment (flags win over it, it wins over files)": PLACES,
    "Environment, one setting each (NAME_FILE names a file that holds the value)": {
        variable.name: variable.help for variable in VARIABLES
    },
    "Exit codes": {
        "0": "fine",
        "1": "failed: something could not be reached, read or done",
        "2": "wrong use or configuration: what to mend is printed, with file and line",
    },
}
"""What the help says below the commands, by title."""


class LazyCommands(TyperGroup):
    """Lists commands without importing them."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The usual help, then the panels."""
        from rich.console import Console  # the agent, which prints nothing in colours, is to stay small
        from rich.panel import Panel
        from rich.table import Table

        super().format_help(ctx, formatter)
        for title, rows in PANELS.items():
            table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
            table.add_column(style="bold cyan", no_wrap=True)
            for row in rows.items():
                table.add_row(*row)
            Console().print(Panel(table, title=title, title_align="left", border_style="dim"))

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
    _reflow(command)
    return command


def _reflow(command: Any) -> None:
    """Make each paragraph of the help one line, which is wrapped to the terminal instead of to the source."""
    command.help = re.sub(r"(?<=\S)\n(?=\S)", " ", inspect.cleandoc(command.help or ""))
    for below in getattr(command, "commands", {}).values():
        _reflow(below)


ABOUT = (
    "Observability for fleets of AI agents that keep nothing locally.\n\n"
    "Agents leave state, metrics and logs in an S3-compatible store, old logs in an archive, and status in their "
    "brain, a Git repository. Exporters turn these into Prometheus metrics, alerts watch them, and a receiver acts on "
    "alerts and looks whether it helped."
)

app = typer.Typer(
    cls=LazyCommands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help=ABOUT,
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
    try:
        app(prog_name="nervesys")
    except SettingsError as err:
        typer.echo(f"{_red('The configuration is wrong')} ({len(err.mistakes)} to mend):", err=True)
        for mistake in err.mistakes:
            typer.echo(f"  {mistake}", err=True)
        sys.exit(2)
    except (NervesysError, OSError) as err:
        typer.echo(f"{_red('Failed:')} {err}", err=True)
        sys.exit(1)


def _red(text: str) -> str:
    return typer.style(text, fg="red", bold=True)
