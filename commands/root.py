"""The root command `nervesys`. Each command is imported when it is called, so that one extra is enough to run it."""

import inspect
import logging
import re
import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from nervesys import __version__
from nervesys.errors import NervesysError
from nervesys.file_modes import make_private
from nervesys.settings.variables import STARTUP_VARIABLES, VARIABLES

COMMANDS: dict[str, str] = {
    "up": "Start the whole stack on this machine.",
    "down": "Stop the stack that `up` started.",
    "init": "Create a fleet of your own: its brain, its home, its keys.",
    "status": "Show the state of every service and agent.",
    "doctor": "Check everything that a fleet needs, and name the remedy for what is wrong.",
    "logs": "Print the logs of the stack's processes; serve the agents' logs to Grafana.",
    "demo": "Break something in the local stack on purpose, and watch it recover.",
    "exporter": "Serve one source (store, archive, brain, …) as Prometheus metrics.",
    "agent": "Run an agent, read its logs and tasks, or restore its databases.",
    "audit": "Print the audit trail: who did what to what, with which result.",
    "report": "Write the daily, weekly or monthly report.",
    "artifacts": "Run the artifact service; list, inspect and clean up artifacts.",
    "round": "Run the daily round: archive logs, apply retention, back up.",
    "history": "Backfill Prometheus from archived logs.",
    "backup": "Make a full backup of the whole installation.",
    "restore": "Bring a whole installation back from a full backup.",
    "sync": "Pull the configuration, and push the agents' last status to the brain, by hand.",
    "drill": "Rehearse disaster recovery: restore a backup, and verify it.",
    "secrets": "Replace the secrets of our own programs, with an overlap in which old ones are accepted.",
    "config": "Check the configuration, and show where each value comes from.",
    "receiver": "Run the webhook receiver: journal alerts, run actions, check that they helped.",
    "alerts": "Check config/alerts.yaml, and generate rules and routes from it.",
    "dashboards": "Generate, check, serve and draw the dashboards.",
    "mcp": "Answer a language model's questions about the fleet, by the Model Context Protocol.",
    "grafana": "Put dashboards and alerts into a Grafana by its API.",
    "units": "Write units of systemd for the monitoring side and for agents.",
    "kubernetes": "Write the manifests of Kubernetes from the settings.",
    "compose-init": "Create the example brain and the keys that Docker Compose needs.",
    "docs": "Generate the reference pages from the code.",
}
"""Every command and its line in the help; each is the module of that name in this package, `-` as `_`."""

EXTRAS = {
    "history": "exporters",
    "agent": "agent",
    "artifacts": "artifacts",
    "round": "agent",
    "backup": "agent",
    "restore": "agent",
    "sync": "agent",
    "drill": "agent",
    "exporter": "exporters",
    "doctor": "receiver",
    "receiver": "receiver",
    "dashboards": "reports",
    "logs": "exporters",
    "report": "reports",
    "mcp": "mcp",
    "secrets": "receiver",
    "audit": "exporters",
}
"""The extra that a command needs, named in the error when an import fails; `all` for the others."""

WRITES_FOR_OTHERS = {"alerts", "compose-init", "dashboards", "docs", "kubernetes", "pictures", "units"}
"""Commands that generate files for programs of other users; their new files have the modes of the caller's umask."""

COMPLETION = ("install_completion", "show_completion")
"""Parameters that Typer adds to every app; completion belongs to the program, not to one command."""

PANELS: dict[str, dict[str, str]] = {
    "First steps": {
        "nervesys up": "start the whole stack on this machine; no account needed",
        "nervesys status": "see the state and address of every service",
        "nervesys demo heal grok": "kill an agent, and watch the stack restart it",
        "nervesys down": "stop everything",
        "nervesys init fleet": "create a fleet of your own in the folder fleet",
    },
    "Environment (overrides files; flags override it)": STARTUP_VARIABLES,
    "Environment, one setting each (NAME_FILE names a file that holds the value)": {
        variable.name: variable.help for variable in VARIABLES
    },
    "Exit codes": {
        "0": "success",
        "1": "failure: something could not be reached, read or done; the message names it",
        "2": "wrong arguments or configuration; the message names what to fix, with file and line",
    },
}
"""Tables printed below the list of commands, by title."""


class LazyCommands(TyperGroup):
    """Lists the commands without importing them, so that `--help` is fast and needs no extra."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        # Placeholders with the help line only; Typer's suggestions for a mistyped name compare these keys.
        self.commands = {name: TyperCommand(name, help=line) for name, line in COMMANDS.items()}

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The description, the options and commands, then the panels. Drawn without Typer, whose help needs 0.2 s."""
        from rich.console import Console  # not at the top: an agent prints nothing in colours, and stays small
        from rich.panel import Panel
        from rich.table import Table

        out = Console(highlight=False)
        out.print(f"{ctx.get_usage()}\n\n{inspect.cleandoc(self.help or '')}\n", markup=False)
        options = {", ".join(option.opts): getattr(option, "help", "") for option in self.get_params(ctx)}
        for title, rows in {"Options": options, "Commands": COMMANDS, **PANELS}.items():
            table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
            table.add_column(style="bold cyan", no_wrap=True)
            for row in rows.items():
                table.add_row(*row)
            out.print(Panel(table, title=title, title_align="left", border_style="dim"))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself, imported only now."""
        name, placeholder, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name and placeholder else placeholder, rest


def load_command(name: str) -> Any:
    """Import a command.

    Raises:
        NervesysError: a package that it needs is not installed; names the extra to install.
    """
    try:
        module = import_module(f"commands.{name.replace('-', '_')}")
    except ModuleNotFoundError as err:
        extra = EXTRAS.get(name, "all")
        raise NervesysError(
            f"`nervesys {name}` needs the package {err.name}: pip install 'nervesys-observability[{extra}]'"
        ) from err
    command = typer.main.get_command(module.app)
    command.name = name
    command.params = [parameter for parameter in command.params if parameter.name not in COMPLETION]
    if hasattr(command, "commands"):
        command.help = COMMANDS[name]
    _reflow(command)
    return command


def _reflow(command: Any) -> None:
    """Join the lines of each help paragraph, so that it wraps at the terminal's width and not at the source's."""
    command.help = re.sub(r"(?<=\S)\n(?=\S)", " ", inspect.cleandoc(command.help or ""))
    for subcommand in getattr(command, "commands", {}).values():
        _reflow(subcommand)


ABOUT = (
    "Observability for fleets of AI agents that keep nothing locally.\n\n"
    "Agents leave state, metrics and logs in an S3-compatible store, old logs in an archive, and status in their "
    "brain, a Git repository. Exporters turn these into Prometheus metrics, alerts watch the metrics, and a receiver "
    "acts on the alerts (it restarts an agent, for example) and checks that the action helped."
)

app = typer.Typer(
    cls=LazyCommands,
    no_args_is_help=True,
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
    ctx: typer.Context,
    _: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Log at debug level."),
) -> None:
    if ctx.invoked_subcommand not in WRITES_FOR_OTHERS:
        make_private()
    from nervesys.settings.env_files import load_env_files  # `--help` needs no file

    load_env_files()
    level = logging.DEBUG if verbose else logging.INFO
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for chatty in ("alembic", "apscheduler", "botocore", "boto3", "urllib3", "googleapiclient", "github"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
