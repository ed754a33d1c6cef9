"""Of an exporter in shards, one that is not there is an alert, and makes no agent unseen or late with its logs."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from alerting.conditions.freshness_guards import AGENTS
from alerting.generate.rules import prometheus_rules
from alerting.model import read_alerts
from alerting.scrape_targets import jobs
from exporters.shared.records import ORIGIN as LOGS
from nervesys.settings import FolderTree, shipped_root
from tests.alerting.compilers import compiler_of, records_in, rules_in
from tests.alerting.generate.rules.kit import (
    GONE,
    HOUR,
    SETTINGS,
    Case,
    Fires,
    World,
    configured,
    exporter,
    gap,
    now,
    of_store,
    steady,
    watched,
)

DIVIDED = SETTINGS.model_copy(update={"monitoring": SETTINGS.monitoring.divide("store", 2)})
LOST, BACK = 1800, 2 * HOUR
"""When Prometheus no longer discovers the second shard, and when it does again."""


def shard(number: int, world: World) -> World:
    """What a shard serves: the same series at an address of its own."""
    return {name.replace('instance="store:1"', f'instance="store:{number}"'): story for name, story in world.items()}


def store() -> World:
    """One exporter of the store, whose areas are all well."""
    return {**exporter(AGENTS), **exporter(LOGS), 'up{job="store",instance="store:1"}': steady(1)}


def until_lost(world: World) -> World:
    return {name: gap(story, LOST, BACK) for name, story in world.items()}


OWN: World = {
    of_store("agent_heartbeat_timestamp_seconds", agent="grok"): now,
    of_store("agent_start_timestamp_seconds", agent="grok"): steady(-10 * HOUR),
}
"""An agent that the second shard sees, and whose server's logs the first one lists."""
SHIPPED = of_store("log_last_shipped_timestamp_seconds", agent="grok")
OTHERS: World = {
    name: story for name, story in watched().items() if 'source="store"' not in name and 'job="store"' not in name
} | {f'up{{job="{job}",instance="{job}:1"}}': steady(1) for job in jobs(DIVIDED) if job != "store"}


def world(shipped: int, seen: int) -> World:
    """The second shard is lost for a while.

    Args:
        shipped: number of the shard that lists the logs of the agent.
        seen: number of the shard that sees its state.
    """
    first, second = shard(1, store()), shard(2, store())
    logs: World = {SHIPPED: now}
    for number, part in ((shipped, logs), (seen, OWN)):
        (first if number == 1 else second).update(shard(number, part))
    return {**OTHERS, **configured(), **first, **until_lost(second)}


CASES = (
    Case(
        "TargetDown",
        "a shard is not discovered",
        world(1, 2),
        silent=(LOST - 15,),
        fires=(Fires(LOST + 600, "store cannot be scraped", labels={"job": "store"}),),
    ),
    Case("AgentNeverSeen", "the shard of its state is lost", world(1, 2), silent=(LOST + HOUR, BACK + 600)),
    Case("AgentDown", "the shard of its state is lost", world(1, 2), silent=(LOST + HOUR, BACK + 600)),
    Case("LogsNotShipped", "the shard of its server is lost", world(2, 1), silent=(LOST + HOUR, BACK + 600)),
    Case(
        "LogsNotShipped",
        "all shards are there, and no logs",
        {**world(1, 1), **shard(2, store()), shard(1, {SHIPPED: GONE}).popitem()[0]: steady(0)},
        fires=(Fires(2 * HOUR, "grok is alive and ships no logs", "warning", {"agent": "grok"}),),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_rule_of_shards(case: Case, program: Callable[[str], str], tmp_path: Path) -> None:
    content = prometheus_rules(compiler_of(DIVIDED), read_alerts(FolderTree(shipped_root()))[0])
    rules = [rule for rule in rules_in(content) if rule["alert"] == case.alert]
    rules = [rule | {"annotations": {"summary": rule["annotations"]["summary"]}} for rule in rules]
    rules = [*records_in(content, *rules), *rules]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "tested", "rules": rules}]}))
    (tmp_path / "test.yml").write_text(yaml.safe_dump(case.as_promtool("rules.yml")))
    command = [program("promtool"), "test", "rules", str(tmp_path / "test.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
