"""A blind exporter must not look like a dead fleet, and blindness must not hide a dead agent for ever."""

from alerting.conditions.freshness_guards import AGENTS
from exporters.store.metrics import ORIGIN as METRICS
from tests.alerting.generate.rules.agents import ALIVE, HEARTBEAT, down
from tests.alerting.generate.rules.kit import (
    HOUR,
    MINUTE,
    Case,
    Fires,
    exporter,
    gap,
    of,
    of_store,
    steady,
    step,
    until,
)

BACK = 25 * MINUTE
"""When the store comes back, cut off since the tenth minute: for three times the threshold."""


def cut_off(t: float) -> float:
    """The last success, with the store away in between."""
    return t if t < 600 or t >= BACK else 585


def frozen(t: float) -> float:
    """A heartbeat as a blind exporter serves it, and for one minute after, until the agent's back-off has ended."""
    return t if t < 600 or t >= BACK + MINUTE else 585


def read_slowly(t: float) -> float:
    """When the data was read that is served while each pass takes 99 s."""
    return (t // 99 - 1) * 99


SLOW = exporter(AGENTS, success=read_slowly, fresh=steady(60 + 3 * 99))
RECOVERED = exporter(AGENTS, success=cut_off, since=step(BACK, -1e6, BACK))
EVERY_MINUTE = tuple(range(600, int(BACK) + 10 * MINUTE, 60))

CASES = (
    Case(
        "AgentDown",
        "the store is cut off for longer than the threshold, and restored",
        ALIVE | RECOVERED | {HEARTBEAT: frozen},
        silent=EVERY_MINUTE,
    ),
    Case(
        "AgentDown",
        "one that died while the store was away is called down after the grace",
        ALIVE | RECOVERED | {HEARTBEAT: until(585)},
        silent=(*range(600, int(BACK) + 180, 60),),
        fires=(down(BACK + 195, "18m 30s"),),
    ),
    Case(
        "AgentDown",
        "a pass takes 99 s, so that data is read up to 198 s ago: a healthy agent is up",
        ALIVE | SLOW | {HEARTBEAT: read_slowly},
        silent=tuple(range(600, 2400, 60)),
    ),
    Case(
        "AgentDown",
        "a pass takes 99 s, and a dead agent is called down",
        ALIVE | SLOW | {HEARTBEAT: lambda t: min(read_slowly(t), 600)},
        silent=(900, 990),
        fires=(down(1185, "6m 30s"), down(1800, "18m 3s")),
    ),
    Case(
        "AgentDown",
        "one refresh in 24 fails, and an agent is dead",
        ALIVE
        | {HEARTBEAT: until(600)}
        | exporter(AGENTS, success=lambda t: t - 15 if t % 360 == 0 else t, up=lambda t: t % 360 != 0),
        fires=tuple(
            down(minute * 60, age)
            for minute, age in ((16, "6m 0s"), (18, "7m 45s"), (24, "13m 45s"), (30, "19m 45s"), (50, "40m 0s"))
        ),
    ),
    Case(
        "AgentDown",
        "the exporter was off for the night, and knows nothing of the time between",
        {
            **ALIVE,
            **{name: gap(story, 600, HOUR) for name, story in exporter(AGENTS, since=step(HOUR, -1e6, HOUR)).items()},
            HEARTBEAT: gap(lambda t: t if t < 600 or t >= HOUR + MINUTE else 600, 600, HOUR),
            of("store", "up"): lambda t: float(t < 600 or t >= HOUR),
        },
        silent=(900, HOUR - 60, HOUR, HOUR + 15, HOUR + 60, HOUR + 300),
    ),
    Case(
        "AgentDown",
        "the exporter restarts within its freshness and remembers, so that a dead agent stays down",
        {
            **ALIVE,
            **{name: gap(story, 1200, 1230) for name, story in exporter(AGENTS).items()},
            HEARTBEAT: gap(until(600), 1200, 1230),
        },
        fires=tuple(down(at, age) for at, age in ((1185, "9m 45s"), (1245, "10m 45s"), (1800, "20m 0s"))),
    ),
    Case(
        "AgentDown",
        "Prometheus was off: agents beat on, and one is dead",
        {name: gap(story, 600, 1200) for name, story in ALIVE.items()}
        | {
            HEARTBEAT: gap(until(500), 600, 1200),
            of_store("agent_heartbeat_timestamp_seconds", agent="gimai"): gap(lambda t: t, 600, 1200),
            of("brain", "nervesys_brain_agent_info", agent="gimai", role="r"): gap(steady(1), 600, 1200),
        },
        fires=(down(1215, "11m 55s"),),
    ),
    Case(
        "AgentDown",
        "the clocks of store and exporter disagree",
        ALIVE | {HEARTBEAT: until(600), of_store("store_clock_offset_seconds"): steady(45)},
        silent=(1200, HOUR),
    ),
    Case(
        "AgentDown",
        "the exporter's clock runs ahead of Prometheus' own",
        ALIVE | {HEARTBEAT: until(600)} | exporter(AGENTS, success=lambda t: t + 120),
        silent=(1200, HOUR),
    ),
    Case(
        "AgentDown",
        "a minute without data does not send resolved",
        ALIVE | {HEARTBEAT: until(600)} | exporter(AGENTS, success=lambda t: 1200 if 1200 <= t < 1320 else t),
        silent=(885,),
        fires=tuple(down(at, age) for at, age in ((1215, "10m 0s"), (1290, "10m 0s"), (1350, "12m 30s"))),
    ),
    Case(
        "AgentDown",
        "the brain's exporter is away for a while",
        ALIVE
        | {HEARTBEAT: until(600)}
        | {of("brain", "nervesys_brain_agent_info", agent="grok", role="research"): lambda t: 1 if t < 700 else None},
        fires=(down(1800, "20m 0s"),),
    ),
    Case(
        "HighCPU",
        "a dead agent's last words leave with it",
        ALIVE | {of_store("server_cpu_ratio", server="web-1"): lambda t: 0.95 if t < 900 else None},
        silent=(300, 900 + 10 * MINUTE),
        fires=tuple(
            Fires(890 // 15 * 15, "CPU of web-1 stays above 95%", severity, {"server": "web-1"})
            for severity in ("warning", "critical")
        ),
    ),
    Case(
        "HighCPU",
        "what a blind exporter serves is not the present",
        ALIVE | {of_store("server_cpu_ratio", server="web-1"): steady(0.95)} | exporter(METRICS, success=until(300)),
        silent=(200, 645, HOUR),
    ),
    Case(
        "AgentNeverSeen",
        "the store has been away since before the agent was named",
        {**ALIVE, **exporter(AGENTS, success=until(-600)), HEARTBEAT: lambda t: None},
        silent=(900, HOUR),
    ),
)
