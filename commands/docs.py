"""`nervesys docs`: generate the reference pages from the code."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from alerting.generate.runbooks import alerts_page
from alerting.model import read_alerts
from alerting.receiver.local import LocalFile
from commands import pictures
from commands.conditions import condition_compiler
from commands.families import tables
from commands.generated import report, write
from commands.local import environment
from commands.options import ArchiveUrl, BrainUrl, Home
from commands.reference import NOTICE, commands_page, configuration_page, metrics_page
from commands.root import COMMANDS, load_command
from nervesys.settings import FolderTree, load, shipped_root
from nervesys.stores.open_stores import load_configuration

app = typer.Typer()


@app.command()
def build(
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("docs/reference"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a page is out of date.")] = False,
) -> None:
    """Write alerts.md, metrics.md, configuration.md and commands.md."""
    report(Console(), write(out, pages(), check=check), check=check)


@app.command(name="pictures")
def draw_pictures(
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("docs/images"),
    since: Annotated[str, typer.Option(metavar="now-15m", help="Start of the dashboards' time range.")] = "now-15m",
    home: Home = None,
    brain: BrainUrl = None,
    archive: ArchiveUrl = None,
) -> None:
    """Draw the documentation's pictures of dashboards and reports from the running local stack."""
    base = load_configuration("report", environment(home), home=home, brain=brain, archive=archive)
    for path in pictures.write(out, base, since):
        typer.echo(path)


def pages() -> dict[str, str]:
    """The text of every reference page, by file name."""
    loaded = load()
    alerts = read_alerts(FolderTree(shipped_root()))[0]
    return {
        "alerts.md": NOTICE + alerts_page(condition_compiler(loaded), alerts),
        "metrics.md": metrics_page(tables()),
        "configuration.md": configuration_page(loaded, LocalFile()),
        "commands.md": commands_page({name: load_command(name) for name in COMMANDS}),
    }
