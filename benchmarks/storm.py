"""A storm: a large share of the fleet dies at one instant, and for a while no restart helps."""

import time
from dataclasses import dataclass

from benchmarks.fleet_run import FleetRun
from benchmarks.measure import BenchmarkReport
from benchmarks.simulator.engine import EngineMode
from benchmarks.simulator.killed import KilledAgent
from benchmarks.simulator.observations import Observations
from nervesys.clock import system_clock

BACK_MINUTES = 20
MARGIN_SECONDS = 180
"""That is looked on beyond the aim."""
SHARES = (0.5, 0.9, 1.0)


@dataclass(frozen=True)
class Storm:
    """What happens in a storm.

    Attributes:
        share: of the fleet that is killed.
        seconds: that restarts fail, from when the killed agents count as dead.
        cause: why restarts fail.
    """

    share: float
    seconds: float
    cause: EngineMode


@dataclass(frozen=True)
class StormSeen:
    """What was seen of a storm.

    Attributes:
        agents: that were killed.
        ended: when restarts helped again, Unix seconds.
        calls: restarts that were called before it.
    """

    agents: list[KilledAgent]
    ended: float
    calls: int

    def back_after(self, share: float) -> float | None:
        """Seconds from the end of the cause until a share of the agents was proven to run; None if never."""
        proven = sorted(agent.proven for agent in self.agents if agent.proven)
        needed = max(1, round(share * len(self.agents)))
        return proven[needed - 1] - self.ended if len(proven) >= needed else None


def run_storm(fleet: FleetRun, storm: Storm) -> StormSeen:
    """Kill a share of the fleet, end the cause after a while, and look on until all are back, or much too late."""
    seen = fleet.seen
    before = len(seen.calls)
    seen.stand.set_engine(storm.cause)
    agents = fleet.kill(round(storm.share * seen.stand.size))
    end = time.monotonic() + seen.silent_after + storm.seconds
    fleet.look_until(lambda: time.monotonic() >= end, end - time.monotonic())
    seen.stand.set_engine(EngineMode.WORKS)
    ended = system_clock()
    fleet.look_until(lambda: not seen.killed, BACK_MINUTES * 60 + MARGIN_SECONDS)
    return StormSeen(agents, ended, before)


def storm_rows(report: BenchmarkReport, seen: Observations, storm: StormSeen) -> None:
    """Add the rows of a storm to a report."""
    report.fact("storm: agents killed at one instant", f"{len(storm.agents):,}")
    for share in SHARES:
        what, after = f"storm: from the end of its cause until {share:.0%} are back", storm.back_after(share)
        if share < 1:
            report.fact(what, "never" if after is None else f"{after / 60:.1f} minutes")
        else:
            report.limit(what + ", minutes", float("inf") if after is None else round(after / 60, 1), BACK_MINUTES)
    started = sum(1 for agent in storm.agents if agent.started)
    proven = sum(1 for agent in storm.agents if agent.proven)
    report.fact("storm: agents restarted, and proven to run", f"{started:,} and {proven:,}")
    report.fact("storm: restarts called", f"{len(seen.calls) - storm.calls:,}")
