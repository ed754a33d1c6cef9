"""What is seen of the Prometheus over a simulated fleet: alerts, groups of rules, series."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

DOWN = "AgentDown"
EXPECTED = (DOWN, "Watchdog")
"""Alerts that are to fire while agents are killed."""
EXPECTED_IN_STORM = (*EXPECTED, "ActionEscalated")
"""The incident of the fleet is one that people are to see."""
FIRING = 'ALERTS{alertstate="firing"}'
QUERY_SECONDS = 20
_GROUP = re.compile(r'^prometheus_rule_group_last_duration_seconds\{rule_group="[^"]*;([^"]*)"\} (\S+)$', re.MULTILINE)
_MISSED = re.compile(r"^prometheus_rule_group_iterations_missed_total\{.*\} (\S+)$", re.MULTILINE)
_SERIES = re.compile(r"^prometheus_tsdb_head_series (\S+)$", re.MULTILINE)


@dataclass
class WatchedPrometheus:
    """What is seen of a Prometheus.

    Attributes:
        address: where it listens.
        groups: the longest evaluation of each group of rules, seconds.
        missed: evaluations that were left out.
        series: the most in its head.
        alerts: the most alerts that fired at once, by name; those of killed agents, too.
    """

    address: str
    groups: dict[str, float] = field(default_factory=dict)
    missed: float = 0
    series: float = 0
    alerts: Counter[str] = field(default_factory=Counter)

    def firing(self) -> set[str] | None:
        """The agents that are named as down; None where it does not answer."""
        try:
            counted = self._query(f"count by (alertname) ({FIRING})")
            down = self._query(f'group by (agent) (ALERTS{{alertstate="firing",alertname="{DOWN}"}})')
            own = httpx.get(f"http://{self.address}/metrics", timeout=QUERY_SECONDS).text
        except (httpx.HTTPError, ValueError):  # it answers in plain text until it is ready
            return None
        self.alerts |= Counter({row["metric"]["alertname"]: int(row["value"][1]) for row in counted})
        for group, seconds in _GROUP.findall(own):
            self.groups[group] = max(self.groups.get(group, 0), float(seconds))
        self.missed = sum(map(float, _MISSED.findall(own)))
        self.series = max([self.series, *map(float, _SERIES.findall(own))])
        return {row["metric"]["agent"] for row in down}

    def _query(self, expr: str) -> list[dict[str, Any]]:
        answer = httpx.get(f"http://{self.address}/api/v1/query", params={"query": expr}, timeout=QUERY_SECONDS)
        rows: list[dict[str, Any]] = answer.json()["data"]["result"]
        return rows
