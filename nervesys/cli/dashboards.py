"""`nervesys dashboards`: write what Grafana is provisioned with, and check what its panels ask."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dashboards.build import FOLDER, datasource_seconds, files, pages
from dashboards.check import Finding, World, check_pages
from dashboards.reading import panels_of, questions_of
from nervesys.cli.generated import report, write
from nervesys.cli.options import BrainUrl, Home, opened
from nervesys.metrics import Family
from nervesys.metrics.periods import periods
from nervesys.promql import known
from nervesys.settings import Loaded

app = typer.Typer(no_args_is_help=True, help="Write the dashboards, and check them.")
WINGS = ("exporters", "alerting")
"""Whose families dashboards show."""


@app.callback()
def _group() -> None:
    """Write the dashboards, and check them."""


@app.command()
def build(
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("provisioning/grafana"),
    folder: Annotated[str, typer.Option(help="Where Grafana will find the dashboards.")] = FOLDER,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 where a file is stale.")] = False,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Write dashboards, data sources and providers for Grafana's file provisioning."""
    loaded = opened("dashboards", home=home, brain=brain).loaded
    report(Console(), write(out, files(loaded, folder), check=check), check=check)


@app.command()
def check(home: Home = None, brain: BrainUrl = None) -> None:
    """Check structure, queries, names of metrics and windows."""
    loaded = opened("dashboards", home=home, brain=brain).loaded
    _tell(Console(), loaded, check_pages(pages(loaded), world(loaded)))


def world(loaded: Loaded) -> World:
    """What the pages are checked against: the families of all wings."""
    families: list[Family] = [family for wing in WINGS for family in import_module(wing).FAMILIES]
    return World(known(families), periods(loaded), datasource_seconds(loaded))


def _tell(out: Console, loaded: Loaded, findings: list[Finding]) -> None:
    table = Table("dashboard", "panels", "queries", "findings", box=None, header_style="bold")
    for page in pages(loaded):
        wrong = sum(finding.where.split(" / ")[0] == page["uid"] for finding in findings)
        counts = len(panels_of(page)), len(list(questions_of(page)))
        table.add_row(page["title"], *map(str, counts), f"[red]{wrong}[/]" if wrong else "[green]none[/]")
    out.print(table)
    for finding in findings:
        out.print(f"[red]{finding.rule}[/] {finding.where}: {finding.problem}", soft_wrap=True)
    if findings:
        raise typer.Exit(1)
