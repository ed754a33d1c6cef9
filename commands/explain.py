"""`nervesys alerts explain`: the PromQL of a condition, and its current value."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from alerting.conditions.compile import Compiled, compiled, reads_a_pair
from alerting.conditions.explain import rows
from alerting.conditions.language import Misread
from alerting.model import Severity
from commands.families import families
from commands.options import BrainUrl, Home, PrometheusUrl, opened
from nervesys.clients.prometheus import Prometheus, QueryFailed
from nervesys.clients.promql import known_series, problems, selections
from nervesys.metrics.periods import periods
from nervesys.settings import Loaded

SECONDS = 5
WRONG = 2


def explain(
    condition: Annotated[str, typer.Argument(help='Such as "cpu > 90% for 10 minutes".')],
    prometheus: PrometheusUrl = None,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Print the PromQL of a condition, and its current value for each agent or server.

    For example: `nervesys alerts explain "cpu > 90% for 10 minutes"`. A condition that uses a threshold with a warning
    and a critical value is explained for both. An error shows the place in the condition.
    """
    loaded = opened("alerts", home=home, brain=brain).loaded
    try:
        meant = _meanings(condition, loaded)
    except Misread as err:
        _refuse(condition, err)
    there = Prometheus(prometheus or loaded.settings.monitoring.prometheus_url, timeout_seconds=SECONDS)
    out = Console()
    for severity, one in meant.items():
        title = f"# {severity}\n" if severity else ""
        out.print(f"{title}{one.expr}\n", markup=False, highlight=False, soft_wrap=True)
        _warn(out, one, loaded)
        _tell(out, one, there)


def _meanings(condition: str, loaded: Loaded) -> dict[Severity | None, Compiled]:
    settings, own = loaded.settings, loaded.own_thresholds
    pair = (Severity.WARNING, Severity.CRITICAL)
    severities = pair if reads_a_pair(condition, settings) else (None,)
    return {severity: compiled(condition, settings, severity, own) for severity in severities}


def _refuse(condition: str, err: Misread) -> None:
    """Show where it breaks, and end."""
    lines = condition.split("\n")
    pointer = " " * (err.at.column - 1) + "^"
    shown = [*lines[: err.at.line], pointer, f"line {err.at.line}, column {err.at.column}: {err.problem}"]
    Console(stderr=True).print("\n".join(shown), markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(WRONG)


def _warn(out: Console, one: Compiled, loaded: Loaded) -> None:
    """What `alerts check` would refuse."""
    shown, pace = known_series(families()), periods(loaded)
    wrong = [problem for selection in selections(one.expr) for _, problem in problems(selection, shown, pace)]
    for problem in dict.fromkeys(wrong):
        out.print(f"[yellow]![/] {escape(problem)}", soft_wrap=True)


def _tell(out: Console, one: Compiled, there: Prometheus) -> None:
    """The table of what is the case, or why there is none."""
    try:
        found = rows(one, there)
    except QueryFailed as err:
        out.print(f"[yellow]![/] There are no current values: {escape(str(err))}", soft_wrap=True)
        return
    if not found:
        out.print("Nothing answers: there is no such series, or its source cannot be believed at the moment.")
        return
    table = Table(*one.by, *(value.words for value in one.values), "holds", box=None, header_style="bold")
    for row in found:
        cells = [escape(cell) for cell in (*row.who, *row.values)]
        table.add_row(*cells, "[red]yes[/]" if row.holds else "no")
    out.print(table)
