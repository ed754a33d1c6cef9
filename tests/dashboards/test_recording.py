"""What is recorded for the pages, by promtool's own test of rules."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.recording import ERRORS, HEARTBEAT, STATUS, TASKS, TOKENS, recorded, rules
from dashboards.style import SILENT, STATUS_CODES
from nervesys.contract.state import Status
from nervesys.metrics.periods import periods
from nervesys.settings import load

PERIODS = periods(load())
CONFIGURED = {"series": 'nervesys_brain_agent_configured{agent="grok",role="r"}', "values": "1x60"}
BEATING = {"series": 'nervesys_agent_heartbeat_timestamp_seconds{agent="grok"}', "values": "0+60x60"}


def said(status: Status, values: str) -> dict[str, str]:
    return {"series": f'nervesys_agent_status{{agent="grok",status="{status}"}}', "values": values}


@pytest.fixture
def records(program: Callable[[str], str], tmp_path: Path) -> Callable[..., None]:
    """A check that the rules make of series what is expected of them, after an hour of minutes."""

    def check(series: list[dict[str, str]], name: str, values: list[float]) -> None:
        expected = [{"labels": f'{name}{{agent="grok"}}', "value": value} for value in values]
        asked = {"expr": name, "eval_time": "1h", "exp_samples": expected}
        test: dict[str, Any] = {"interval": "1m", "input_series": series, "promql_expr_test": [asked]}
        (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules(PERIODS)))
        (tmp_path / "test.yml").write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "tests": [test]}))
        command = [program("promtool"), "test", "rules", str(tmp_path / "test.yml")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return check


@pytest.mark.parametrize(
    ("series", "codes"),
    [
        pytest.param(
            [CONFIGURED, BEATING, said(Status.RUNNING, "1x60"), said(Status.DEGRADED, "0x60")],
            [STATUS_CODES[Status.RUNNING]],
            id="what it says of itself",
        ),
        pytest.param(
            [CONFIGURED, BEATING, said(Status.RUNNING, "1 1 stale")], [SILENT], id="words too old to be served"
        ),
        pytest.param([BEATING, said(Status.RUNNING, "1x60")], [], id="taken out of the brain"),
        pytest.param(
            [CONFIGURED | {"values": "1x20 stale"}, BEATING, said(Status.IDLE, "1x60")],
            [STATUS_CODES[Status.IDLE]],
            id="a brain that cannot be read takes out none",
        ),
    ],
)
def test_the_status_of_an_agent(records: Callable[..., None], series: list[dict[str, str]], codes: list[float]) -> None:
    records(series, STATUS, codes)


@pytest.mark.parametrize(
    ("series", "moments"),
    [
        pytest.param([CONFIGURED, BEATING], [3600], id="when it last wrote"),
        pytest.param([CONFIGURED, BEATING | {"values": "0+60x10 600x60"}], [600], id="for as long as it is silent"),
        pytest.param([BEATING], [], id="taken out of the brain"),
    ],
)
def test_the_heartbeat_of_an_agent(
    records: Callable[..., None], series: list[dict[str, str]], moments: list[float]
) -> None:
    records(series, HEARTBEAT, moments)


def counted(family: str, labels: str, step: int) -> dict[str, str]:
    return {"series": f'nervesys_{family}{{agent="grok",{labels}}}', "values": f"0+{step}x60"}


DONE, FAILED = (counted("agent_tasks_total", f'outcome="{outcome}"', 30) for outcome in ("completed", "failed"))
USED = counted("agent_tokens_total", 'job="store"', 600)
WRONG, TOLD = (counted("log_records_total", f'category="activity",level="{level}"', 6) for level in ("ERROR", "INFO"))


@pytest.mark.parametrize(
    ("rate", "series", "a_second"),
    [
        pytest.param(TASKS, [DONE, FAILED], 1, id="tasks, however they end"),
        pytest.param(TOKENS, [USED], 10, id="tokens"),
        pytest.param(ERRORS, [WRONG, TOLD], 0.1, id="errors and nothing else that is logged"),
    ],
)
def test_the_rate_of_a_counter(
    records: Callable[..., None], rate: Any, series: list[dict[str, str]], a_second: float
) -> None:
    records(series, rate.series(PERIODS), [a_second])


def test_names_are_level_metric_operation_and_say_the_window() -> None:
    assert all(re.fullmatch(r"agent:nervesys_[a-z_]+:(code|max|rate\d+m)", name) for name in recorded(PERIODS))
    assert (TASKS.series(PERIODS), ERRORS.series(PERIODS)) == (
        "agent:nervesys_agent_tasks:rate4m",
        "agent:nervesys_log_errors:rate40m",
    )


def test_prometheus_of_compose_loads_them(program: Callable[[str], str]) -> None:
    config = Path(__file__).parents[2] / "provisioning/prometheus/prometheus.yml"
    command = [program("promtool"), "check", "config", str(config)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    count = sum(len(group["rules"]) for group in rules(PERIODS)["groups"])
    assert f"recording.yml\n  SUCCESS: {count} rules found" in said
