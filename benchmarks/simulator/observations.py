"""What is seen of the exporters while a simulated fleet runs: durations of passes, memory, and who looks silent."""

import re
from collections import defaultdict
from dataclasses import dataclass, field

from benchmarks.simulator.stand import Stand
from nervesys.clock import system_clock

_AREA = re.compile(rb'^nervesys_exporter_(\w+)\{area="(\w+)",source="\w+"\} (\S+)$', re.MULTILINE)
_HEARTBEAT = re.compile(rb'^nervesys_agent_heartbeat_timestamp_seconds\{agent="agent-(\d+)"\} (\S+)$', re.MULTILINE)
SUCCESS, DURATION = "last_success_timestamp_seconds", "refresh_duration_seconds"
LIMIT, UNBROKEN = "fresh_limit_seconds", "unbroken_since_timestamp_seconds"


@dataclass
class Observations:
    """Collects what each look shows.

    Attributes:
        stand: what is looked at.
        silent_after: seconds without a heartbeat after which an agent counts as dead.
        killed: when each agent that is dead was killed, Unix seconds.
        passes: the durations of all passes seen, by area.
        backlog: the last one of each area.
        noticed: seconds beyond the threshold at which each killed agent was seen silent.
        wrong: agents that looked silent and were alive.
        stale: looks at which an area was older than its freshness limit.
        breaks: looks at which an unbroken run of passes had begun anew.
        memory: the largest resident size of each program, bytes.
        series: of the store's exporter.
    """

    stand: Stand
    silent_after: float
    killed: dict[int, float] = field(default_factory=dict)
    passes: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    backlog: dict[str, float] = field(default_factory=dict)
    noticed: dict[int, float] = field(default_factory=dict)
    wrong: set[int] = field(default_factory=set)
    stale: int = 0
    breaks: int = 0
    memory: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    series: int = 0
    _success: dict[str, float] = field(default_factory=dict)
    _unbroken: dict[str, float] = field(default_factory=dict)

    def look(self) -> None:
        """Look at all exporters once."""
        for name, program in self.stand.programs.items():
            self.memory[name] = max(self.memory[name], program.memory_info().rss)
        self._look_at_areas(self.stand.metrics("brain"))
        page = self.stand.metrics("store")
        self.series = page.count(b"\n") - page.count(b"\n#")
        areas = self._look_at_areas(page)
        if "agents" in areas:
            self._look_at_agents(page, areas["agents"][SUCCESS])

    def _look_at_areas(self, page: bytes) -> dict[str, dict[str, float]]:
        areas: dict[str, dict[str, float]] = defaultdict(dict)
        for name, area, value in _AREA.findall(page):
            areas[area.decode()][name.decode()] = float(value)
        for area, values in areas.items():
            if SUCCESS not in values:
                continue
            if self._success.get(area) != values[SUCCESS]:
                self._success[area] = values[SUCCESS]
                self.passes[area].append(values[DURATION])
            self.backlog[area] = values.get("backlog_objects", 0)
            self.stale += system_clock() - values[SUCCESS] > values[LIMIT]
            self.breaks += self._unbroken.setdefault(area, values[UNBROKEN]) != values[UNBROKEN]
            self._unbroken[area] = values[UNBROKEN]
        return areas

    def _look_at_agents(self, page: bytes, read_at: float) -> None:
        """Who looks silent, as the alert counts it: from the heartbeat to when the store was read."""
        for digits, value in _HEARTBEAT.findall(page):
            number, beyond = int(digits), read_at - float(value) - self.silent_after
            if beyond <= 0:
                continue
            if number not in self.killed:
                self.wrong.add(number)
            else:
                self.noticed.setdefault(number, system_clock() - float(value) - self.silent_after)
