"""What is seen while a simulated fleet runs: durations of passes, memory, and what happens to those who are killed."""

import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from benchmarks.simulator.agents import number_of
from benchmarks.simulator.engine import EngineMode, RestartCall
from benchmarks.simulator.killed import JournalReader, KilledAgent
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
        prometheus: that evaluates the rules.
        journal: the receiver's.
        killed: agents that are dead, or were and are still named as down or not proven to run.
        ended: the episodes of those that run again, by number, in the order of their ends.
        calls: restarts that were called.
        passes: the durations of all passes seen, by area.
        backlog: the last one of each area.
        wrong: agents that looked silent, or were named, and were alive.
        stale: looks at which an area was older than its freshness limit.
        breaks: looks at which an unbroken run of passes had begun anew.
        memory: the largest resident size of each program, bytes.
        series: of the store's exporter.
    """

    stand: Stand
    silent_after: float
    prometheus: WatchedPrometheus
    journal: JournalReader
    killed: dict[int, KilledAgent] = field(default_factory=dict)
    ended: list[tuple[int, KilledAgent]] = field(default_factory=list)
    calls: list[RestartCall] = field(default_factory=list)
    passes: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    backlog: dict[str, float] = field(default_factory=dict)
    wrong: set[int] = field(default_factory=set)
    stale: int = 0
    breaks: int = 0
    memory: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    series: int = 0
    _success: dict[str, float] = field(default_factory=dict)
    _unbroken: dict[str, float] = field(default_factory=dict)

    def kill(self, numbers: Collection[int]) -> list[KilledAgent]:
        """Kill agents at one instant."""
        new = {number: KilledAgent(at + self.silent_after) for number, at in self.stand.kill(numbers).items()}
        self.killed |= new
        return list(new.values())

    def look(self) -> None:
        """Look at everything once."""
        for name, program in self.stand.programs.items():
            self.memory[name] = max(self.memory[name], program.memory_info().rss)
        self._look_at_areas(self.stand.metrics("brain"))
        page = self.stand.metrics("store")
        self.series = page.count(b"\n") - page.count(b"\n#")
        areas = self._look_at_areas(page)
        self._look_at_restarts()
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
            self.breaks += self._unbroken.get(area, values[UNBROKEN]) != values[UNBROKEN]
            if values[SUCCESS] > values[UNBROKEN]:  # else it has just begun, as at each incomplete pass
                self._unbroken[area] = values[UNBROKEN]
        return areas

    def _look_at_restarts(self) -> None:
        """Which restarts were called since the last look, and which of them were proven."""
        new = self.stand.calls(len(self.calls))
        self.calls += new
        for call in new:
            if agent := self.killed.get(call.agent):
                agent.called = agent.called or call.at
                agent.started = agent.started or (call.at if call.mode is EngineMode.WORKS else None)
        for number, at in self.journal.proven():
            if agent := self.killed.get(number):
                agent.proven = at

    def _look_at_agents(self, page: bytes, read_at: float) -> None:
        """Who looks silent, as the alert counts it: from the heartbeat to when the store was read."""
        heartbeats = {int(digits): float(value) for digits, value in _HEARTBEAT.findall(page)}
        silent = {number for number, at in heartbeats.items() if at + self.silent_after < read_at}
        names = self.prometheus.firing()
        down = {number for name in names or () if (number := number_of(name)) is not None}
        self.wrong |= (silent | down) - self.killed.keys()
        now = system_clock()
        for number, agent in self.killed.items():
            agent.silent = agent.silent or (now if number in silent else None)
            agent.named = agent.named or (now if number in down else None)
        if names is not None:
            well = [number for number, agent in self.killed.items() if agent.proven and number not in silent | down]
            self.ended += [(number, self.killed.pop(number)) for number in well]
