"""The language beyond the shipped alerts, each sentence inactive and firing; time begins on a Thursday."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from alerting.conditions.freshness_guards import AGENTS
from alerting.conditions.language import parse_condition
from exporters.store.metrics import ORIGIN as METRICS
from nervesys.settings.agents import ThresholdOverrides
from tests.alerting.compilers import compiler_of
from tests.alerting.generate.rules.agents import ALIVE
from tests.alerting.generate.rules.kit import (
    HOUR,
    SETTINGS,
    Case,
    Fires,
    Story,
    World,
    configured,
    from_,
    of,
    of_store,
    steady,
    step,
    until,
    watched,
)

GROK, WEB = {"agent": "grok"}, {"server": "web-1"}
LIST = {"source": "store", "operation": "list"}
DAY = 24 * HOUR


def cpu(story: Story) -> World:
    return watched() | {of_store("server_cpu_ratio", **WEB): story}


def growing(slow: float, at: float, fast: float) -> Story:
    """A counter that grows by so much a second, and from an instant on by more."""
    return lambda t: t * slow + max(0, t - at) * fast


OWN = {"gimai": ThresholdOverrides.model_validate({"heartbeat": {"down_after_seconds": 900}})}
"""Patience with one agent."""

CASES = (
    Case(
        "no heartbeat > threshold",
        "two fall silent at once, and one may be silent for longer",
        ALIVE
        | configured("gimai")
        | {of_store("agent_heartbeat_timestamp_seconds", agent=name): until(600) for name in ("grok", "gimai")},
        silent=(885,),
        fires=(
            Fires(1485, "", labels=GROK),
            Fires(1515, "", labels=GROK),
            Fires(1515, "", labels={"agent": "gimai"}),
        ),
    ),
    Case(
        "tokens > 600 per minute in 10 minutes",
        "5 a second, then 15",
        ALIVE | {of_store("agent_tokens_total", **GROK): growing(5, HOUR, 10)},
        silent=(HOUR - 15, HOUR + 240),
        fires=(Fires(HOUR + 420, "", labels=GROK), Fires(2 * HOUR, "", labels=GROK)),
    ),
    Case(
        "failed tasks > completed tasks in 1 hour",
        "more and more fail",
        ALIVE
        | {
            of_store("agent_tasks_total", **GROK, outcome="completed"): growing(0.01, 0, 0),
            of_store("agent_tasks_total", **GROK, outcome="failed"): growing(0, HOUR, 0.04),
        },
        silent=(HOUR, HOUR + 840),
        fires=(Fires(HOUR + 960, "", labels=GROK),),
    ),
    Case(
        "memory > cpu for 10 minutes",
        "a server that stores more than it works",
        cpu(steady(0.5)) | {of_store("server_memory_ratio", **WEB): step(HOUR, 0.4, 0.6)},
        silent=(HOUR, HOUR + 570),
        fires=(Fires(HOUR + 630, "", labels=WEB),),
    ),
    Case(
        "cpu > 50% between 01:30 and 02:30",
        "busy day and night",
        cpu(steady(0.9)),
        silent=(HOUR, 1.5 * HOUR - 15, 2.5 * HOUR, 4 * HOUR),
        fires=(Fires(1.5 * HOUR, "", labels=WEB), Fires(2.5 * HOUR - 15, "", labels=WEB)),
    ),
    Case(
        "cpu > 50% between 23:00 and 01:00",
        "past midnight",
        cpu(steady(0.9)),
        silent=(HOUR, 2 * HOUR),
        fires=(Fires(HOUR - 15, "", labels=WEB),),
    ),
    Case("cpu > 50% on weekends", "a Thursday", cpu(steady(0.9)), silent=(HOUR,)),
    Case("cpu > 50% on weekdays", "a Thursday", cpu(steady(0.9)), fires=(Fires(HOUR, "", labels=WEB),)),
    Case(
        "cpu > 50% on weekends",
        "from Friday to Monday",
        watched(AGENTS, METRICS) | {of_store("server_cpu_ratio", **WEB): from_(DAY, steady(0.9))},
        silent=(2 * DAY - 300, 4 * DAY + 300),
        fires=(Fires(2 * DAY + 300, "", labels=WEB), Fires(4 * DAY - 300, "", labels=WEB)),
    ),
    Case(
        "cpu > 50% on weekdays",
        "from Friday to Monday",
        watched(AGENTS, METRICS) | {of_store("server_cpu_ratio", **WEB): from_(DAY, steady(0.9))},
        silent=(2 * DAY + 300, 4 * DAY - 300),
        fires=(Fires(2 * DAY - 300, "", labels=WEB), Fires(4 * DAY + 300, "", labels=WEB)),
    ),
    Case(
        "log duration > 5 s in 1 hour",
        "actions grow slow: 2 seconds each, then 20",
        ALIVE
        | {
            of_store("log_action_duration_seconds_count", **GROK): growing(0.1, 0, 0),
            of_store("log_action_duration_seconds_sum", **GROK): growing(0.2, HOUR, 1.8),
        },
        silent=(HOUR, HOUR + 540),
        fires=(Fires(HOUR + 660, "", labels=GROK),),
    ),
    Case(
        "archive quota > 90%",
        "it fills up",
        watched()
        | {
            of("archive", "nervesys_archive_quota_bytes", kind="limit"): steady(100e9),
            of("archive", "nervesys_archive_quota_bytes", kind="used"): step(HOUR, 80e9, 95e9),
        },
        silent=(HOUR, HOUR + 2370),
        fires=(Fires(HOUR + 2430, ""),),
    ),
    Case(
        "no commit > 2 hours",
        "nobody pushes",
        watched() | {of("brain", "nervesys_brain_last_commit_timestamp_seconds"): until(HOUR)},
        silent=(3 * HOUR,),
        fires=(Fires(3 * HOUR + 15, ""),),
    ),
    Case(
        "failed requests > 10 in 30 minutes",
        "one in a while, then all",
        {of("store", "nervesys_exporter_requests_total", outcome="failed", **LIST): growing(0.001, HOUR, 0.1)},
        silent=(HOUR,),
        fires=(Fires(HOUR + 180, "", labels=LIST),),
    ),
    Case(
        "no server metrics > 10 minutes",
        "its last sample grows old",
        watched() | {of_store("server_metrics_timestamp_seconds", **WEB): lambda t: min(t, HOUR)},
        silent=(HOUR, HOUR + 600),
        fires=(Fires(HOUR + 615, "", labels=WEB),),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_sentence(case: Case, program: Callable[[str], str], tmp_path: Path) -> None:
    expr = compiler_of(SETTINGS, OWN).compile(parse_condition(case.alert), None).expr
    rule = {"alert": case.alert, "expr": expr, "labels": {"severity": "critical"}, "annotations": {"summary": ""}}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "tested", "rules": [rule]}]}))
    (tmp_path / "test.yml").write_text(yaml.safe_dump(case.as_promtool("rules.yml")))
    command = [program("promtool"), "test", "rules", str(tmp_path / "test.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
