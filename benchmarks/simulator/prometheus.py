"""A real Prometheus over the exporters of a simulated fleet, with the rules that are generated for it."""

import re
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import yaml

from benchmarks.simulator.stand import Stand
from nervesys.stack.programs import find

PROGRAMS = Path(__file__).parents[2] / ".nervesys" / "programs"
DOWN = "AgentDown"
_GROUP = re.compile(r'^prometheus_rule_group_last_duration_seconds\{rule_group="[^"]*;([^"]*)"\} (\S+)$', re.MULTILINE)
_MISSED = re.compile(r"^prometheus_rule_group_iterations_missed_total\{.*\} (\S+)$", re.MULTILINE)
_SERIES = re.compile(r"^prometheus_tsdb_head_series (\S+)$", re.MULTILINE)


@dataclass
class WatchedPrometheus:
    """What is seen of a Prometheus.

    Attributes:
        address: where it listens.
        build_seconds: CPU time in which the rules were generated.
        groups: the longest evaluation of each group of rules, seconds.
        missed: evaluations that were left out.
        series: the most in its head.
        alerts: the most alerts that fired at once, by name; those of killed agents, too.
    """

    address: str
    build_seconds: float
    groups: dict[str, float] = field(default_factory=dict)
    missed: float = 0
    series: float = 0
    alerts: Counter[str] = field(default_factory=Counter)

    def firing(self) -> set[str] | None:
        """The agents that are named as down; None where it does not answer."""
        try:
            alerts = httpx.get(f"http://{self.address}/api/v1/alerts", timeout=20).json()["data"]["alerts"]
            own = httpx.get(f"http://{self.address}/metrics", timeout=20).text
        except (httpx.HTTPError, ValueError):  # it answers in plain text until it is ready
            return None
        names = Counter(alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing")
        self.alerts |= names
        for group, seconds in _GROUP.findall(own):
            self.groups[group] = max(self.groups.get(group, 0), float(seconds))
        self.missed = sum(map(float, _MISSED.findall(own)))
        self.series = max([self.series, *map(float, _SERIES.findall(own))])
        down = (alert["labels"] for alert in alerts if alert["state"] == "firing")
        return {labels["agent"] for labels in down if labels["alertname"] == DOWN}


def start_prometheus(stand: Stand) -> WatchedPrometheus:
    """Generate the configuration from the brain, and start a Prometheus with it, which ends with the stand.

    Raises:
        RuntimeError: the configuration cannot be generated.
    """
    generated, log = stand.folder / "generated", stand.folder / "prometheus.log"
    build = stand.run("build", "alerts", "build", "--out", str(generated))
    used = 0.0
    while build.poll() is None:
        with_children = [build, *build.children(recursive=True)]
        used = max(used, sum(sum(program.cpu_times()[:2]) for program in with_children if program.is_running()))
        try:
            build.wait(0.5)
        except psutil.TimeoutExpired:
            continue
    del stand.programs["build"]
    if build.returncode:
        raise RuntimeError((stand.folder / "build.log").read_text())
    config = generated / "prometheus/prometheus.yml"
    settings = yaml.safe_load(config.read_text())
    settings.pop("alerting", None)  # at those addresses the Alertmanager of a stack on this machine may listen
    config.write_text(yaml.safe_dump(settings))
    options = {
        "config.file": config,
        "storage.tsdb.path": stand.folder / "tsdb",
        "web.listen-address": stand.prometheus,
    }
    with log.open("wb") as file:
        command = [str(find("prometheus", PROGRAMS)), *(f"--{name}={value}" for name, value in options.items())]
        stand.programs["prometheus"] = psutil.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    return WatchedPrometheus(stand.prometheus, used)
