"""Burn rates and error budgets, by promtool's test of rules: what is recorded, and which alerts fire.

An objective of 99 % of tasks: at a share of 1 % of failed tasks, the burn rate is 1.

Covers: dashboards.availability, dashboards.service_levels.
"""

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerting.generate.rules import prometheus_rules
from alerting.model import read_alerts
from commands.conditions import condition_compiler
from dashboards.build import recording_rules
from dashboards.recording import TASKS
from dashboards.service_levels import measured_since, not_yet_full
from dashboards.slo_rules import ATTAINED, BAD_EVENTS, EVENTS, REMAINING, slo_groups, slo_series
from dashboards.style import duration
from nervesys.metrics.periods import periods
from nervesys.settings import Loaded, load
from nervesys.settings.slos import Indicator, Slo, Slos
from nervesys.settings.tree import FolderTree, shipped_root

FIRING = 'count by (alertname) (ALERTS{alertstate="firing",alertname=~"ErrorBudget.*"})'
FAST, SLOW = "ErrorBudgetBurningFast", "ErrorBudgetBurningSlowly"
PER_MINUTE = 1000
"""Tasks."""

Find = Callable[..., None]


def with_objectives(**slos: Slo) -> Loaded:
    """The shipped settings with these objectives alone."""
    loaded = load()
    return replace(loaded, settings=loaded.settings.model_copy(update={"slos": Slos(objectives=slos)}))


TASKS_99 = with_objectives(tasks=Slo(indicator=Indicator.TASKS, percent=99, at_least=20))


@pytest.fixture
def finds(program: Callable[[str], str], tmp_path: Path) -> Find:
    """A check of what queries find, each at its time; samples a minute, rules once a window."""

    def check(loaded: Loaded, series: list[dict[str, str]], *expected: tuple[str, str, Mapping[str, float]]) -> None:
        asked = [
            {"expr": expr, "eval_time": at, "exp_samples": [{"labels": k, "value": v} for k, v in samples.items()]}
            for expr, at, samples in expected
        ]
        alerts, _ = read_alerts(FolderTree(shipped_root()))
        budgets = [each for each in alerts.alerts if "Error Budget" in each.name]
        of_budgets = prometheus_rules(condition_compiler(loaded), alerts.model_copy(update={"alerts": budgets}))
        (tmp_path / "rules.yml").write_text(yaml.safe_dump(recording_rules(loaded)))
        (tmp_path / "alerts.yml").write_text(yaml.safe_dump(of_budgets))
        test: dict[str, Any] = {"interval": "1m", "input_series": series, "promql_expr_test": asked}
        files = {"rule_files": ["rules.yml", "alerts.yml"], "tests": [test]}
        window = {"evaluation_interval": duration(TASKS.window(periods(loaded)))}
        (tmp_path / "test.yml").write_text(yaml.safe_dump(files | window))
        command = [program("promtool"), "test", "rules", str(tmp_path / "test.yml")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return check


def tasks(*phases: tuple[int, float]) -> list[dict[str, str]]:
    """Counters of an agent's tasks in phases: minutes, and the share that failed."""
    series = []
    for outcome in ("completed", "failed"):
        total, values = 0.0, []
        for minutes, share in phases:
            step = PER_MINUTE * (share if outcome == "failed" else 1 - share)
            values.append(f"{total:g}+{step:g}x{minutes - 1}")
            total += step * minutes
        labels = f'agent="grok",outcome="{outcome}"'
        series.append({"series": f"nervesys_agent_tasks_total{{{labels}}}", "values": " ".join(values)})
    return series


HOUR, DAY = 60, 24 * 60


@pytest.mark.parametrize(
    ("phases", "at", "alerts"),
    [
        pytest.param([(HOUR, 0), (HOUR + 10, 0.16)], "2h10m", {FAST}, id="16 times for an hour"),
        pytest.param([(HOUR, 0), (HOUR + 10, 0.05)], "2h10m", set(), id="5 times for an hour"),
        pytest.param([(DAY, 0), (6 * HOUR + 10, 0.07)], "30h10m", {FAST}, id="7 times for six hours"),
        pytest.param([(DAY, 0), (2 * HOUR, 0.07)], "26h", set(), id="7 times for two hours"),
        pytest.param([(10 * HOUR, 0), (DAY + 10, 0.035)], "34h10m", {SLOW}, id="3.5 times for a day"),
        pytest.param([(3 * DAY + 10, 0.012)], "72h10m", {SLOW}, id="1.2 times for three days"),
        pytest.param([(3 * DAY + 10, 0.009)], "72h10m", set(), id="0.9 times for three days"),
        pytest.param([(HOUR, 0), (HOUR + 10, 0.3), (25, 0)], "2h30m", set(), id="soon after the cause has ended"),
        pytest.param([(25, 0.5)], "24m", set(), id="the first minutes of a fleet"),
    ],
)
def test_each_pair_of_windows(finds: Find, phases: list[tuple[int, float]], at: str, alerts: set[str]) -> None:
    firing = {f'{{alertname="{name}"}}': 1.0 for name in alerts}
    finds(TASKS_99, tasks(*phases), (FIRING, at, firing))


def test_a_few_tasks_raise_no_alert(finds: Find) -> None:
    failed = [{"series": 'nervesys_agent_tasks_total{agent="grok",outcome="failed"}', "values": "0x60 9x60"}]
    finds(TASKS_99, failed, (FIRING, "1h20m", {}), (ATTAINED, "1h20m", {f'{ATTAINED}{{slo="tasks"}}': 0}))


def test_the_budget_that_remains(finds: Find) -> None:
    finds(TASKS_99, tasks((2 * HOUR, 0.005)), (f"round({REMAINING}, 0.01)", "2h", {'{slo="tasks"}': 0.5}))


def availability(**more: bool) -> Loaded:
    return with_objectives(up=Slo(indicator=Indicator.AVAILABILITY, percent=90, **more))


HEARTBEATS = [
    {"series": 'nervesys_brain_agent_info{agent="grok"}', "values": "1x60"},
    {"series": 'nervesys_brain_agent_info{agent="gimai"}', "values": "1x60"},
    {"series": 'nervesys_agent_heartbeat_timestamp_seconds{agent="grok"}', "values": "0+60x60"},
    {"series": 'nervesys_agent_heartbeat_timestamp_seconds{agent="gimai"}', "values": "0+60x30 1800x30"},
]
READ = 'nervesys_exporter_last_success_timestamp_seconds{source="store",area="agents"}'


def test_a_silent_agent_is_a_bad_event_of_the_fleet(finds: Find) -> None:
    series = [*HEARTBEATS, {"series": READ, "values": "0+60x60"}]
    up = 'slo="up"'
    finds(
        availability(),
        series,
        (f"last_over_time({EVENTS}[4m])", "1h", {f"{EVENTS}{{{up}}}": 2}),
        ("last_over_time(slo:bad_events:increase[4m])", "28m", {f"slo:bad_events:increase{{{up}}}": 0}),
        ("last_over_time(slo:bad_events:increase[4m])", "1h", {f"slo:bad_events:increase{{{up}}}": 1}),
    )


def test_an_objective_for_each_agent(finds: Find) -> None:
    series = [*HEARTBEATS, {"series": READ, "values": "0+60x60"}]
    both = {f'slo:bad_events:increase{{agent="{agent}",slo="up"}}': bad for agent, bad in (("gimai", 1), ("grok", 0))}
    finds(availability(per_agent=True), series, ("last_over_time(slo:bad_events:increase[4m])", "1h", both))


def test_a_window_that_is_not_yet_full_is_counted_and_dated(finds: Find) -> None:
    slo = {"indicator": Indicator.TASKS, "percent": 99}
    loaded = with_objectives(short=Slo(days=1, **slo), long=Slo(days=3, **slo), all=Slo(days=1, per_agent=True, **slo))
    grok = tasks((2 * DAY, 0))
    gimai = [
        {key: text.replace("grok", "gimai").replace("0+", f"_x{DAY} 0+") for key, text in row.items()} for row in grok
    ]
    matcher = '{slo="long"}'
    not_full, since = not_yet_full([1, 3]), f"round({measured_since(matcher, 3)}, 3600)"
    finds(
        loaded,
        grok + gimai,
        (not_full, "20h", {"{}": 3}),
        (not_full, "30h", {"{}": 2}),
        (not_full, "47h30m", {"{}": 1}),
        (since, "30h", {matcher: 3600}),
    )


def test_a_blind_exporter_makes_no_events(finds: Find) -> None:
    series = [*HEARTBEATS, {"series": READ, "values": "0+60x20 1200x40"}]
    finds(availability(), series, (f"last_over_time({EVENTS}[4m])", "1h", {}))


@pytest.mark.parametrize(
    ("indicator", "histogram", "bound", "label"),
    [
        (Indicator.ACTIONS, "nervesys_log_action_duration_seconds", 10, "10"),
        (Indicator.ACTIONS, "nervesys_log_action_duration_seconds", 10, "10.0"),  # as Prometheus 3 stores it
        (Indicator.CALLS, "nervesys_gen_ai_operation_duration_seconds", 10.24, "10.24"),
    ],
)
def test_what_takes_too_long_is_a_bad_event(
    finds: Find, indicator: Indicator, histogram: str, bound: float, label: str
) -> None:
    series = [
        {"series": f'{histogram}_bucket{{agent="grok",le="{le}"}}', "values": f"0+{step}x60"}
        for le, step in ((label, 6), ("+Inf", 10))
    ]
    loaded = with_objectives(fast=Slo(indicator=indicator, percent=95, below_seconds=bound))
    fast = '{slo="fast"}'
    finds(
        loaded,
        series,
        (f"last_over_time({EVENTS}[4m])", "1h", {f"{EVENTS}{fast}": 40}),
        (f"last_over_time({BAD_EVENTS}[4m])", "1h", {f"{BAD_EVENTS}{fast}": 16}),
    )


def test_without_objectives_there_are_no_rules() -> None:
    assert slo_groups(with_objectives(), periods(load())) == []


def test_every_recorded_series_is_known() -> None:
    loaded = load()
    recorded = {rule["record"] for group in slo_groups(loaded, periods(loaded)) for rule in group["rules"]}
    assert recorded == set(slo_series())
