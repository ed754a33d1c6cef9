"""A whole stack of its own: real programs, free ports, periods so short that an agent is down after seconds."""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from commands.local import Local, local
from nervesys.stack import daemon, ready
from nervesys.stack.programs import find
from nervesys.stack.receiver import actions
from nervesys.stack.status import RESTART
from tests.conftest import FOREIGN, PROGRAMS

ROOT = Path(__file__).parents[2]
HEARTBEAT, DOWN_AFTER = 1, 8
"""Seconds."""
AGENTS = ("gimai", "grok")
PROFILE: dict[str, Any] = {
    "thresholds": {
        "heartbeat": {"interval_seconds": HEARTBEAT, "down_after_seconds": DOWN_AFTER, "stopped_after_seconds": 60},
    },
    "monitoring": {
        "prometheus": {"scrape_interval_seconds": 1, "evaluation_interval_seconds": 1},
        "alertmanager": {"group_interval_seconds": 2},
        "sources": {
            "store": {"refresh": {"agents": 1, "metrics": 1, "logs": 5, "sizes": 5}},
            "archive": {"refresh": {"archive": 5}},
            "brain": {"refresh": {"brain": 2}},
        },
    },
}


@dataclass
class RunningStack:
    """A running stack.

    Attributes:
        here: as the commands see it.
    """

    here: Local
    environ: dict[str, str] = field(repr=False)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `nervesys` with these words."""
        argv = [sys.executable, "-m", "nervesys", *words]
        return subprocess.run(argv, env=self.environ, capture_output=True, text=True, timeout=170, check=False)

    def status(self) -> dict[str, Any]:
        """The output of `nervesys status --json`."""
        return dict(json.loads(self.run("status", "--json").stdout))

    def works(self) -> bool:
        """Whether everything runs, and every target is up."""
        return ready.find_missing(self.here.stack, self.here.supervisor.processes(), self.here.prometheus) is None

    def pid(self, name: str) -> int:
        """The process of a service or agent; 0 where there is none."""
        return self.here.supervisor.process(name).pid

    def firing(self, agent: str) -> bool:
        """Whether AgentDown fires for an agent."""
        return any(
            alert["state"] == "firing"
            and alert["labels"]["alertname"] == "AgentDown"
            and alert["labels"]["agent"] == agent
            for alert in self.here.prometheus.alerts()
        )

    def restarts(self, agent: str) -> list[dict[str, Any]]:
        """The journal's restarts of an agent, newest first."""
        return actions(self.here.receiver, self.here.settings.monitoring.web, agent=agent, action=RESTART)


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The stack of these tests, up."""
    with running(tmp_path_factory.mktemp("stack"), PROFILE) as stack:
        yield stack


@contextmanager
def running(folder: Path, profile: Mapping[str, Any]) -> Iterator[RunningStack]:
    """A stack in a folder of its own, up; at the end it is down, and nothing of it is left.

    Args:
        profile: laid over the profile `local`.
    """
    find("prometheus", PROGRAMS)  # downloaded once for all tests, not for this home
    home = folder / "home"
    home.mkdir()
    (home / "programs").symlink_to(PROGRAMS)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)} | {
        "NERVESYS_HOME": str(home),
        "NERVESYS_BRAIN": str(make_brain(folder / "brain", profile)),
        "NERVESYS_PROFILE": "local,e2e",
        "PYTHONPATH": str(ROOT),
    }
    up = subprocess.run(
        [sys.executable, "-m", "nervesys", "up", "--demo", "--quick"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        yield RunningStack(local(str(home)), environ)
    finally:
        if (home / "stack.json").exists():
            stack = local(str(home)).stack
            subprocess.run([sys.executable, "-m", "nervesys", "down"], env=environ, timeout=120, check=True)
            assert daemon.processes(stack) == []


def make_brain(folder: Path, profile: Mapping[str, Any]) -> Path:
    """The example configuration with a small fleet, and a profile on free ports."""
    shutil.copytree(ROOT / "config", folder / "config")
    for file in (folder / "config/agents").iterdir():
        if file.stem not in {*AGENTS, "default"}:
            file.unlink()
    shipped = yaml.safe_load((ROOT / "config/monitoring.yaml").read_text())
    free = iter(free_addresses(len(shipped["listen"]) + len(shipped["sources"])))
    monitoring = profile.get("monitoring", {})
    refreshed = monitoring.get("sources", {})
    sources = {name: {**refreshed.get(name, {}), "listen": next(free)} for name in shipped["sources"]}
    listen = dict(zip(shipped["listen"], free, strict=True))
    laid = {**profile, "monitoring": {**monitoring, "sources": sources, "listen": listen}}
    (folder / "config/profiles/e2e.yaml").write_text(yaml.safe_dump(laid))
    return folder


def free_addresses(count: int) -> list[str]:
    """Free addresses of this machine, below the ephemeral ports."""
    found: list[str] = []
    for port in random.sample(range(18000, 32000), 1000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                found.append(f"127.0.0.1:{port}")
        if len(found) == count:
            break
    return found
