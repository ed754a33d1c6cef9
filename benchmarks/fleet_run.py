"""Kills simulated agents, one by one or many at once, and looks at everything until they are back."""

import os
import random
import time
from collections.abc import Callable

from rich.console import Console

from benchmarks.simulator.killed import KilledAgent
from benchmarks.simulator.observations import Observations

LOOK_SECONDS = 5
LINE_SECONDS = 30
"""Between two lines of progress."""
BACK_SECONDS = 300
"""For agents killed one by one, beyond the threshold."""


class FleetRun:
    """A fleet that runs, and is looked at.

    Args:
        seen: collects what is seen.
        console: gets a line of progress now and then.

    Attributes:
        loads: of the machine, at each look.
    """

    def __init__(self, seen: Observations, console: Console) -> None:
        self.seen, self._console = seen, console
        self.loads: list[float] = []
        self._began = time.monotonic()
        self._next_line: float = LINE_SECONDS

    def kill_one_by_one(self, seconds: float, every: float) -> None:
        """Kill a random living agent at an interval, for a while, and wait until all are back."""
        next_kill, end = time.monotonic(), time.monotonic() + seconds

        def kill_or_end() -> bool:
            nonlocal next_kill
            now = time.monotonic()
            if now >= next_kill and now < end:
                self.kill(1)
                next_kill += every
            return now >= end

        self.look_until(kill_or_end, seconds)
        self.look_until(lambda: not self.seen.killed, self.seen.silent_after + BACK_SECONDS)

    def kill(self, count: int) -> list[KilledAgent]:
        """Kill so many living agents at one instant."""
        alive = [number for number in range(self.seen.stand.size) if number not in self.seen.killed]
        return self.seen.kill(random.sample(alive, min(count, len(alive))))

    def look_until(self, is_over: Callable[[], bool], seconds: float) -> None:
        """Look again and again until it is over, at most for a while."""
        end = time.monotonic() + seconds
        while not is_over() and time.monotonic() < end:
            self.seen.look()
            self.loads.append(os.getloadavg()[0])
            elapsed = time.monotonic() - self._began
            if elapsed >= self._next_line:
                self._console.print(f"[dim]{self._progress(elapsed)}[/]")
                self._next_line = elapsed + LINE_SECONDS
            time.sleep(LOOK_SECONDS)

    def _progress(self, elapsed: float) -> str:
        seen = self.seen
        last = ", ".join(f"{area} {durations[-1]:.1f} s" for area, durations in sorted(seen.passes.items()))
        memory = ", ".join(f"{name} {size >> 20}" for name, size in seen.memory.items())
        counts = {
            step: sum(1 for agent in seen.killed.values() if getattr(agent, step))
            for step in ("named", "started", "proven")
        }
        return (
            f"{seen.stand.size:,} agents, {elapsed / 60:.1f} minutes: {len(seen.killed)} killed {counts}; "
            f"{len(seen.ended)} recovered, {len(seen.calls)} calls, {sum(call.double for call in seen.calls)} double, "
            f"{len(seen.wrong)} wrongly; last passes: {last}; alerts: {dict(seen.prometheus.alerts)}; MB: {memory}; "
            f"load {self.loads[-1]:.1f}"
        )
