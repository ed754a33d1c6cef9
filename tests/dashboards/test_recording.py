"""What is recorded for the pages, by promtool's own test of rules."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.build import recording_rules
from dashboards.recording import (
    ACTIONS,
    HEARTBEAT,
    INCREASES,
    RECORDS,
    STATUS,
    TASKS,
    TOKENS,
    TOKENS_OF_MODELS,
    TROUBLE,
    recorded_series,
    rules,
)
from dashboards.style import SILENT_CODE, STATUS_CODES, duration
from nervesys.contract.state import Status
from nervesys.metrics.periods import periods
from nervesys.queries.variables import substitute, windows
from nervesys.settings import load

PERIODS = periods(load())
CONFIGURED = {"series": 'nervesys_brain_agent_info{agent="grok",role="r"}', "values": "1x60"}
BEATING = {"series": 'nervesys_agent_heartbeat_timestamp_seconds{agent="grok"}', "values": "0+60x60"}


def status_series(status: Status, values: str) -> dict[str, str]:
    return {"series": f'nervesys_agent_status{{agent="grok",status="{status}"}}', "values": values}


@pytest.fixture
def finds(program: Callable[[str], str], tmp_path: Path) -> Callable[..., None]:
    """A check of what a query finds after an hour, a sample a minute, in which the rules recorded once a window."""

    def check(
        series: list[dict[str, str]], expr: str, expected: dict[str, float], window: float = TOKENS.window(PERIODS)
    ) -> None:
        samples = [{"labels": labels, "value": value} for labels, value in expected.items()]
        asked = {"expr": expr, "eval_time": "1h", "exp_samples": samples}
        test: dict[str, Any] = {"interval": "1m", "input_series": series, "promql_expr_test": [asked]}
        (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules(PERIODS)))
        (tmp_path / "test.yml").write_text(
            yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": duration(window), "tests": [test]})
        )
        command = [program("promtool"), "test", "rules", str(tmp_path / "test.yml")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return check


@pytest.mark.parametrize(
    ("series", "codes"),
    [
        pytest.param(
            [CONFIGURED, BEATING, status_series(Status.RUNNING, "1x60"), status_series(Status.DEGRADED, "0x60")],
            [STATUS_CODES[Status.RUNNING]],
            id="as it reports",
        ),
        pytest.param(
            [CONFIGURED, BEATING, status_series(Status.RUNNING, "1 1 stale")],
            [SILENT_CODE],
            id="a state that is too old",
        ),
        pytest.param([BEATING, status_series(Status.RUNNING, "1x60")], [], id="taken out of the brain"),
        pytest.param(
            [CONFIGURED | {"values": "1x20 stale"}, BEATING, status_series(Status.IDLE, "1x60")],
            [STATUS_CODES[Status.IDLE]],
            id="a brain that cannot be read takes out none",
        ),
    ],
)
def test_the_status_of_an_agent(finds: Callable[..., None], series: list[dict[str, str]], codes: list[float]) -> None:
    finds(series, STATUS, {f'{STATUS}{{agent="grok"}}': code for code in codes})


@pytest.mark.parametrize(
    ("series", "codes"),
    [
        pytest.param([CONFIGURED, BEATING, status_series(Status.RUNNING, "1x60")], [], id="running"),
        pytest.param([CONFIGURED, BEATING, status_series(Status.IDLE, "1x60")], [], id="idle"),
        pytest.param(
            [CONFIGURED, BEATING, status_series(Status.DEGRADED, "1x60")],
            [STATUS_CODES[Status.DEGRADED]],
            id="degraded",
        ),
        pytest.param([CONFIGURED, BEATING, status_series(Status.RUNNING, "1 1 stale")], [SILENT_CODE], id="silent"),
    ],
)
def test_trouble_is_recorded_of_those_alone_who_are_not_running(
    finds: Callable[..., None], series: list[dict[str, str]], codes: list[float]
) -> None:
    finds(series, TROUBLE, {f'{TROUBLE}{{agent="grok"}}': code for code in codes})


@pytest.mark.parametrize(
    ("series", "moments"),
    [
        pytest.param([CONFIGURED, BEATING], [3600], id="when it last wrote"),
        pytest.param([CONFIGURED, BEATING | {"values": "0+60x10 600x60"}], [600], id="for as long as it is silent"),
        pytest.param([BEATING], [], id="taken out of the brain"),
    ],
)
def test_the_heartbeat_of_an_agent(
    finds: Callable[..., None], series: list[dict[str, str]], moments: list[float]
) -> None:
    finds(series, HEARTBEAT, {f'{HEARTBEAT}{{agent="grok"}}': moment for moment in moments})


@pytest.mark.parametrize(
    ("values", "total"),
    [
        pytest.param("0+30x60", 59 * 30, id="all that it grew by, up to the last scrape but one"),
        pytest.param("0x30 1x30", 1, id="a single step, wherever it falls"),
        pytest.param("7x60", 0, id="nothing, though it is far from 0"),
        pytest.param("0+10x10 stale _x40 500x10", 500, id="what it grew by in a gap"),
        pytest.param("_x21 0 3x38", 3, id="a counter that is new within a window"),
        pytest.param("0+10x31 0+10x29", 310 + 270, id="one that began anew"),
    ],
)
def test_windows_add_up(finds: Callable[..., None], values: str, total: float) -> None:
    series = [{"series": 'nervesys_agent_tokens_total{agent="grok"}', "values": values}]
    finds(series, TOKENS.total(PERIODS, "", "[1h]"), {'{agent="grok"}': total})


def test_a_graph_shows_what_is_done_a_minute(finds: Callable[..., None]) -> None:
    series = [
        {"series": f'nervesys_agent_tasks_total{{agent="grok",outcome="{outcome}"}}', "values": f"0+{step}x60"}
        for outcome, step in (("completed", 30), ("failed", 2))
    ]
    expr = substitute(TASKS.per_minute(PERIODS, 'agent="grok"', "agent"), windows(60, 60, 3600))
    finds(series, expr, {'{agent="grok"}': 32})


def test_levels_are_kept_and_categories_are_summed(finds: Callable[..., None]) -> None:
    series = [
        {
            "series": f'nervesys_log_records_total{{agent="grok",category="{category}",level="{level}"}}',
            "values": "0+1x60",
        }
        for category, level in (("activity", "ERROR"), ("metric", "ERROR"), ("activity", "INFO"))
    ]
    finds(
        series,
        RECORDS.total(PERIODS, "", "[1h]"),
        {'{agent="grok",level="ERROR"}': 118, '{agent="grok",level="INFO"}': 59},
    )


def test_months_are_what_was_recorded_and_what_was_backfilled(finds: Callable[..., None]) -> None:
    series = [
        {"series": f'nervesys_log_tokens_total{{agent="grok",model="grok-4",job="{job}"}}', "values": values}
        for job, values in (("history", "0x5 100x5 400x48"), ("store", "_x31 0x9 7x20"))
    ]
    total_with_history = TOKENS_OF_MODELS.total_with_history(PERIODS, 'agent="grok"', "[1h]")
    finds(series, f"sum by (model) ({total_with_history})", {'{model="grok-4"}': 407})


def test_what_rarely_happens_is_recorded_where_it_did(finds: Callable[..., None]) -> None:
    series = [
        {
            "series": f'nervesys_actions_total{{agent="{agent}",action="restart_agent",state="recovered"}}',
            "values": values,
        }
        for agent, values in (("grok", "0x56 1x3"), ("gimai", "5x60"))
    ]
    done = '{agent="grok",action="restart_agent",state="recovered"}'
    finds(series, ACTIONS.series(PERIODS), {}, ACTIONS.window(PERIODS))
    finds(series, ACTIONS.total(PERIODS, "", "[1h]"), {done: 1}, ACTIONS.window(PERIODS))


def test_names_are_level_metric_operation_and_say_the_window() -> None:
    assert all(
        re.fullmatch(r"[a-z_]+:nervesys_[a-z_]+:(code|max|increase4m|increase1m)", name)
        for name in recorded_series(PERIODS)
    )
    assert [increase.series(PERIODS) for increase in INCREASES] == [
        "agent_outcome:nervesys_agent_tasks:increase4m",
        "agent:nervesys_agent_tokens:increase4m",
        "agent_level:nervesys_log_records:increase4m",
        "agent_model:nervesys_log_tokens:increase4m",
        "agent_model:nervesys_agent_cost:increase4m",
        "agent_le:nervesys_log_action_duration_seconds_bucket:increase4m",
        "agent_le:nervesys_gen_ai_operation_duration_seconds_bucket:increase4m",
        "agent_action_state:nervesys_actions:increase1m",
        "outcome:nervesys_agent_tasks:increase4m",
        "category_level:nervesys_log_records:increase4m",
        "model:nervesys_log_tokens:increase4m",
    ]


def test_prometheus_of_compose_loads_them(program: Callable[[str], str]) -> None:
    config = Path(__file__).parents[2] / "provisioning/prometheus/prometheus.yml"
    command = [program("promtool"), "check", "config", str(config)]
    output = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    count = sum(len(group["rules"]) for group in recording_rules(load())["groups"])
    assert f"recording.yml\n  SUCCESS: {count} rules found" in output
