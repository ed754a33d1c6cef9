"""When an agent is called down, stuck, stopped, unseen, flapping or late."""

from alerting.conditions.freshness_guards import BRAIN
from alerting.conditions.push_conditions import PUSHES
from exporters.shared.records import ORIGIN as LOGS
from tests.alerting.generate.rules.kit import (
    DAY,
    HOUR,
    MINUTE,
    Case,
    Fires,
    Story,
    World,
    configured,
    exporter,
    from_,
    now,
    of,
    of_store,
    steady,
    step,
    until,
    watched,
)

GROK = {"agent": "grok"}
HEARTBEAT = of_store("agent_heartbeat_timestamp_seconds", agent="grok")


def status(name: str, story: Story) -> World:
    """One of the series of an agent's status."""
    return {of_store("agent_status", agent="grok", status=name): story}


ALIVE: World = {**watched(), **configured(), HEARTBEAT: now}
"""An agent that is configured, seen and well, watched by exporters that are well."""


def down(at: float, silence: str) -> Fires:
    return Fires(at, f"grok has been silent for {silence}", labels=GROK)


CASES = (
    Case(
        "AgentDown",
        "silent for longer than the threshold",
        ALIVE | {HEARTBEAT: until(600)},
        silent=(300, 885),
        fires=(down(915, "5m 15s"), down(1800, "20m 0s")),
        mended={HEARTBEAT: now},
    ),
    Case(
        "AgentDown",
        "a deliberate stop is no failure, however long",
        ALIVE | {HEARTBEAT: until(600)} | status("stopped", step(600, 0, 1)),
        silent=(915, 2 * HOUR),
    ),
    Case(
        "AgentDown",
        "taken out of the brain, it falls silent within the hour",
        ALIVE | {HEARTBEAT: until(600)} | configured(story=lambda t: 1 if t < 1200 else None),
        silent=(1200 + HOUR + 200 + MINUTE,),
        fires=(down(1800, "20m 0s"),),
    ),
    Case(
        "AgentStuckStopping",
        "beats on and does not end",
        ALIVE | status("stopping", step(600, 0, 1)),
        silent=(600, 870),
        fires=(Fires(915, "grok has been stopping for too long", labels=GROK),),
        mended=status("stopping", steady(0)),
    ),
    Case(
        "AgentStopped",
        "stopped for over a quarter of an hour",
        ALIVE | {HEARTBEAT: until(600)} | status("stopped", step(600, 0, 1)),
        silent=(600, 1485),
        fires=(Fires(1530, "grok was stopped 15m 30s ago and not started again", "warning", GROK),),
        mended={HEARTBEAT: now} | status("stopped", steady(0)),
    ),
    Case(
        "AgentDegraded",
        "its logs do not leave for a quarter of an hour",
        ALIVE | status("degraded", step(600, 0, 1)),
        silent=(600, 1485),
        fires=(Fires(1530, "grok has been degraded for a quarter of an hour", "warning", GROK),),
        mended=status("degraded", steady(0)),
    ),
    Case(
        "AgentDegraded",
        "it recovers now and then",
        ALIVE | status("degraded", lambda t: t % 600 >= 60),
        silent=(1530, HOUR),
    ),
    Case(
        "AgentWithoutBrain",
        "it goes by its last copy for an hour",
        ALIVE | {of_store("agent_brain_reachable", agent="grok"): step(600, 1, 0)},
        silent=(600, HOUR + 585),
        fires=(Fires(HOUR + 630, "grok has not reached the brain for an hour", "warning", GROK),),
        mended={of_store("agent_brain_reachable", agent="grok"): steady(1)},
    ),
    Case(
        "AgentNeverSeen",
        "configured, and nowhere in the store",
        watched() | configured(),
        silent=(405,),
        fires=(Fires(420, "grok is configured and has no heartbeat in the store", "warning", GROK),),
        mended={HEARTBEAT: now},
    ),
    Case("AgentNeverSeen", "seen once is seen", ALIVE | {HEARTBEAT: until(60)}, silent=(600, HOUR)),
    Case(
        "AgentNeverSeen",
        "an exporter that has yet to come back has not looked",
        watched(BRAIN) | configured(),
        silent=(600, HOUR),
    ),
    Case(
        "AgentFlapping",
        "four starts within an hour",
        ALIVE | {of_store("agent_start_timestamp_seconds", agent="grok"): lambda t: min(t // 600 * 600, 2400)},
        silent=(2385,),
        fires=(Fires(2415, "grok started 4 times within an hour", "warning", GROK),),
        mended={of_store("agent_start_timestamp_seconds", agent="grok"): steady(2400)},
        within=70 * MINUTE,
    ),
    Case(
        "DuplicateAgent",
        "two instances write in turn, each a minute after its last word",
        ALIVE | {of_store("agent_alternations_total", agent="grok"): lambda t: max(0, (t - 600) // 30)},
        silent=(600, 675),
        fires=(Fires(735, "Two instances of grok run at once", labels=GROK),),
        mended={of_store("agent_alternations_total", agent="grok"): steady(5)},
    ),
    Case(
        "DuplicateAgent",
        "a last word that was under way while the next instance began",
        ALIVE | {of_store("agent_alternations_total", agent="grok"): lambda t: min(max(0, (t - 600) // 60), 2)},
        silent=(615, 720, 900, 1500),
    ),
    Case(
        "UnknownAgents",
        "two have heartbeats that the brain does not name, one has long been silent",
        ALIVE
        | {
            of_store("agent_heartbeat_timestamp_seconds", agent="mallory"): from_(600, now),
            of_store("agent_heartbeat_timestamp_seconds", agent="trudy"): from_(600, now),
            of_store("agent_heartbeat_timestamp_seconds", agent="old"): steady(-5000),
        },
        silent=(585,),
        fires=(Fires(615, "2 agents write states and are not named in the brain", "info"),),
        mended=configured("mallory") | configured("trudy"),
    ),
    Case(
        "BufferFilling",
        "96 MB of 100 wait, then none",
        ALIVE
        | {
            of_store("agent_buffer_bytes", agent="grok"): step(600, 50e6, 96e6),
            of("brain", "nervesys_brain_agent_buffer_limit_bytes", agent="grok"): steady(100e6),
        },
        silent=(600, 1170),
        fires=(
            Fires(1215, "grok's log buffer is 96% full", "warning", GROK),
            Fires(1215, "grok's log buffer is 96% full", "critical", GROK),
        ),
        mended={of_store("agent_buffer_bytes", agent="grok"): steady(0)},
    ),
    Case(
        "AgentDroppingLogs",
        "a full buffer drops 100 of the lowest level a minute for ten minutes",
        ALIVE
        | {
            of_store("agent_dropped_records_total", agent="grok", level="DEBUG"): (
                lambda t: min(max(0, t - 600), 600) / 0.6
            ),
            of_store("agent_dropped_records_total", agent="grok", level="ERROR"): steady(0),
        },
        silent=(600, 1200 + HOUR + 5 * MINUTE),
        fires=(
            Fires(660, "grok has lost 100 log records within an hour", "warning", GROK),
            Fires(1500, "grok has lost 1k log records within an hour", "warning", GROK),
        ),
    ),
    Case(
        "LogsNotShipped",
        "alive, and no log for an hour",
        ALIVE
        | {
            of_store("agent_start_timestamp_seconds", agent="grok"): steady(-600),
            of_store("log_last_shipped_timestamp_seconds", agent="grok"): until(1200),
        },
        silent=(1200, 4770),
        fires=(Fires(4830, "grok is alive and ships no logs", "warning", GROK),),
        mended={of_store("log_last_shipped_timestamp_seconds", agent="grok"): now},
    ),
    Case(
        "LogsNotShipped",
        "the exporter starts for the first time, and has counted no log of those in the store",
        ALIVE
        | exporter(LOGS, since=steady(0))
        | {
            of_store("agent_start_timestamp_seconds", agent="grok"): steady(-DAY),
            of_store("log_records_total", agent="grok", category="errors", level="ERROR"): steady(0),
            of_store("log_last_shipped_timestamp_seconds", agent="grok"): steady(-500),
        },
        silent=(60, 300, 1800, 3090),
        fires=(Fires(3120, "grok is alive and ships no logs", "warning", GROK),),
    ),
    Case(
        "LogsNotShipped",
        "the store has no log of an agent that has run for an hour",
        ALIVE | {of_store("agent_start_timestamp_seconds", agent="grok"): steady(0)},
        silent=(3600,),
        fires=(Fires(3630, "grok is alive and ships no logs", "warning", GROK),),
    ),
    Case(
        "PushDelayed",
        "the log database takes nothing for an hour",
        watched(PUSHES["log"]) | {of_store("log_push_complete_timestamp_seconds"): until(1200)},
        silent=(1200, 4770),
        fires=(
            Fires(
                4830,
                "The oldest log object that is not pushed has waited 1h 0m 30s",
                "warning",
                {"signal": "log"},
            ),
        ),
        mended={of_store("log_push_complete_timestamp_seconds"): now},
    ),
    Case(
        "PushDelayed",
        "the collector takes no traces",
        watched(*PUSHES.values())
        | {of("traces", "nervesys_trace_push_complete_timestamp_seconds"): until(1200)}
        | {of_store("log_push_complete_timestamp_seconds"): now},
        silent=(1200, 4770),
        fires=(
            Fires(
                4830,
                "The oldest trace object that is not pushed has waited 1h 0m 30s",
                "warning",
                {"signal": "trace"},
            ),
        ),
    ),
    Case(
        "PushDelayed",
        "the exporter does not run",
        watched(PUSHES["log"])
        | exporter(PUSHES["log"], until(600))
        | {of_store("log_push_complete_timestamp_seconds"): until(600)},
        silent=(4830,),
    ),
    Case(
        "AgentClockSkew",
        "its clock is a minute behind",
        ALIVE | {of_store("agent_clock_skew_seconds", agent="grok"): step(600, -2, -60)},
        silent=(600, 810),
        fires=(Fires(855, "grok's clock is -1m 0s off", "warning", GROK),),
        mended={of_store("agent_clock_skew_seconds", agent="grok"): steady(-2)},
    ),
)
