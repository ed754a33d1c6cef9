"""What is seen of the exporters while a simulated fleet runs: durations of passes, memory, and who looks silent."""

import re
from collections import defaultdict
from dataclasses import dataclass, field

from benchmarks.simulator.agents import number_of
from benchmarks.simulator.prometheus import WatchedPrometheus
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
        prometheus: that evaluates the rules; None where only the pages of the exporters are looked at.
        killed: agents that are dead, or were and are not seen well again yet.
        restarted: those of them that were started again.
        recovered: agents that were seen well again, and are not named as down any more.
        passes: the durations of all passes seen, by area.
        backlog: the last one of each area.
        noticed: seconds beyond the threshold at which each killed agent was seen silent.
        named: the same until it was named by an alert.
        wrong: agents that looked silent, or were named, and were alive.
        stale: looks at which an area was older than its freshness limit.
        breaks: looks at which an unbroken run of passes had begun anew.
        memory: the largest resident size of each program, bytes.
        series: of the store's exporter.
    """

    stand: Stand
    silent_after: float
    prometheus: WatchedPrometheus | None = None
    killed: set[int] = field(default_factory=set)
    restarted: set[int] = field(default_factory=set)
    recovered: set[int] = field(default_factory=set)
    passes: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    backlog: dict[str, float] = field(default_factory=dict)
    noticed: dict[int, float] = field(default_factory=dict)
    named: dict[int, float] = field(default_factory=dict)
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
        due = {int(digits): float(value) + self.silent_after for digits, value in _HEARTBEAT.findall(page)}
        silent = {number for number, at in due.items() if at < read_at}
        down = self._down()
        self.wrong |= silent.union(down or ()) - self.killed
        now = system_clock()
        for number in silent & self.killed:
            self.noticed.setdefault(number, now - due[number])
        for number in (down or set()) & self.killed & due.keys():
            self.named.setdefault(number, now - due[number])
        if down is not None:
            well = self.restarted - silent - down
            self.recovered |= well
            self.killed -= well
            self.restarted -= well

    def _down(self) -> set[int] | None:
        """The agents that are named; without a Prometheus nobody, None where it does not answer."""
        names = self.prometheus.firing() if self.prometheus else set[str]()
        return None if names is None else {number for name in names if (number := number_of(name)) is not None}

    def seen_dead(self) -> set[int]:
        """The killed agents that were found, and can be started again."""
        return (self.killed & (self.named if self.prometheus else self.noticed).keys()) - self.restarted
