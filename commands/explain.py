"""`nervesys alerts explain`: the PromQL of a condition, and its current value."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from alerting.conditions.compile import CompiledCondition
from alerting.conditions.explain import evaluate_condition
from alerting.conditions.language import ConditionError, parse_condition
from alerting.model import AlertSeverity
from commands.conditions import condition_compiler
from commands.families import families
from commands.options import BrainUrl, Home, PrometheusUrl, open_settings
from nervesys.clients.prometheus import Prometheus, QueryFailed
from nervesys.clients.promql import known_series, problems, selections
from nervesys.logs.visible import visible
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
    loaded = open_settings("alerts", home=home, brain=brain).loaded
    try:
        conditions = _compile(condition, loaded)
    except ConditionError as err:
        _print_error(condition, err)
    client = Prometheus(prometheus or loaded.settings.monitoring.prometheus_url, timeout_seconds=SECONDS)
    out = Console()
    for severity, compiled_condition in conditions.items():
        title = f"# {severity}\n" if severity else ""
        out.print(f"{title}{compiled_condition.expr}\n", markup=False, highlight=False, soft_wrap=True)
        _warn(out, compiled_condition, loaded)
        _print_values(out, compiled_condition, client)


def _compile(condition: str, loaded: Loaded) -> dict[AlertSeverity | None, CompiledCondition]:
    compiler = condition_compiler(loaded)
    pair = (AlertSeverity.WARNING, AlertSeverity.CRITICAL)
    tree = parse_condition(condition)
    severities = pair if compiler.has_threshold_pair(tree) else (None,)
    return {severity: compiler.compile(tree, severity) for severity in severities}


def _print_error(condition: str, err: ConditionError) -> None:
    """Print the error below the place in the condition, and exit."""
    lines = condition.split("\n")
    pointer = " " * (err.at.column - 1) + "^"
    shown = [*lines[: err.at.line], pointer, f"line {err.at.line}, column {err.at.column}: {err.problem}"]
    Console(stderr=True).print("\n".join(shown), markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(WRONG)


def _warn(out: Console, compiled_condition: CompiledCondition, loaded: Loaded) -> None:
    """Print what `alerts check` would report as errors."""
    shown, pace = known_series(families()), periods(loaded)
    wrong = [
        problem for selection in selections(compiled_condition.expr) for _, problem in problems(selection, shown, pace)
    ]
    for problem in dict.fromkeys(wrong):
        out.print(f"[yellow]![/] {escape(problem)}", soft_wrap=True)


def _print_values(out: Console, compiled_condition: CompiledCondition, client: Prometheus) -> None:
    """Print a table of the current values, or the reason that it is missing."""
    try:
        found = evaluate_condition(compiled_condition, client)
    except QueryFailed as err:
        out.print(f"[yellow]![/] No current values: {escape(str(err))}", soft_wrap=True)
        return
    if not found:
        out.print("No result: the series does not exist, or its source is stale at the moment.")
        return
    table = Table(
        *compiled_condition.by,
        *(value.words for value in compiled_condition.values),
        "holds",
        box=None,
        header_style="bold",
    )
    for row in found:
        cells = [escape(visible(cell)) for cell in (*row.labels, *row.values)]
        table.add_row(*cells, "[red]yes[/]" if row.holds else "no")
    out.print(table)
