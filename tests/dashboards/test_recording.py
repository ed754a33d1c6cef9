"""What is recorded for the pages, by promtool's own test of rules."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from dashboards.recording import STATUS, rules
from dashboards.style import SILENT, STATUS_CODES
from nervesys.contract.state import Status

CONFIGURED = {"series": 'nervesys_brain_agent_configured{agent="grok",role="r"}', "values": "1x30"}
HEARTBEAT = {"series": 'nervesys_agent_heartbeat_timestamp_seconds{agent="grok"}', "values": "0x30"}


def said(status: Status, values: str) -> dict[str, str]:
    return {"series": f'nervesys_agent_status{{agent="grok",status="{status}"}}', "values": values}


@pytest.mark.parametrize(
    ("series", "codes"),
    [
        pytest.param(
            [CONFIGURED, HEARTBEAT, said(Status.RUNNING, "1x30"), said(Status.DEGRADED, "0x30")],
            [STATUS_CODES[Status.RUNNING]],
            id="what it says of itself",
        ),
        pytest.param(
            [CONFIGURED, HEARTBEAT, said(Status.RUNNING, "1 1 stale")], [SILENT], id="words too old to be served"
        ),
        pytest.param([HEARTBEAT, said(Status.RUNNING, "1x30")], [], id="taken out of the brain"),
        pytest.param(
            [CONFIGURED | {"values": "1x20 stale"}, HEARTBEAT, said(Status.IDLE, "1x30")],
            [STATUS_CODES[Status.IDLE]],
            id="a brain that cannot be read takes out none",
        ),
    ],
)
def test_the_status_of_an_agent(
    program: Callable[[str], str], tmp_path: Path, series: list[dict[str, str]], codes: list[int]
) -> None:
    expected = [{"labels": f'{STATUS}{{agent="grok"}}', "value": code} for code in codes]
    asked = {"expr": STATUS, "eval_time": "30m", "exp_samples": expected}
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [asked]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules()))
    (tmp_path / "test.yml").write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "tests": [test]}))
    command = [program("promtool"), "test", "rules", str(tmp_path / "test.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
