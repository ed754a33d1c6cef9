"""The whole source over a real S3 server that behaves like Storj: shuffled pages, refusals, bodies cut short.

Covers: exporters.store, exporters.store.counted_store.
"""

import gzip
import json
import logging
from dataclasses import replace
from uuid import uuid4

import pytest

from exporters.runner import Runner
from exporters.store import SOURCE, areas_of
from nervesys.clock import system_clock
from nervesys.stores.s3 import S3Store
from tests.exporters.kit import HandClock, context
from tests.exporters.store.test_golden import GOLDEN
from tests.servers.faulty import faulty
from tests.servers.s3 import SECRET_KEY, client, settings_of


def runner_over(endpoint: str, **changes: object) -> Runner:
    store = S3Store(settings_of(endpoint, **changes))
    opened = replace(context(HandClock(system_clock()), once=True), agents={})
    return Runner(replace(SOURCE, areas=lambda it: areas_of(store, it)), opened)


def test_a_store_with_storjs_habits_shows_what_a_folder_shows(rclone_storj_endpoint: str) -> None:
    store = S3Store(settings_of(rclone_storj_endpoint))
    fleet = GOLDEN / "fleet"
    for file in (path for path in (fleet / "in").rglob("*") if path.is_file()):
        key, body = file.relative_to(fleet / "in").as_posix(), file.read_bytes()
        store.put(*((f"{key}.gz", gzip.compress(body)) if key.endswith(".jsonl") else (key, body)))
    runner = runner_over(rclone_storj_endpoint)
    assert runner.read_everything(), runner.problems()
    assert counted(runner.snapshot().plain) == counted((fleet / "out.prom").read_bytes())


def counted(exposition: bytes) -> list[bytes]:
    """The lines that depend on what was read, not on when."""
    wanted = (
        b"nervesys_log_records",
        b"nervesys_log_action",
        b"nervesys_log_tokens",
        b"nervesys_agent_tasks",
        b"nervesys_agent_tokens",
        b"nervesys_agent_info",
        b"nervesys_store_objects",
    )
    return sorted(line for line in exposition.splitlines() if line.startswith(wanted))


def test_wrong_credentials_drop_up_and_log_no_secret(rclone_endpoint: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    runner = runner_over(rclone_endpoint, access_key=settings_of("").secret_key)
    assert not runner.read_everything()
    text = runner.snapshot().plain.decode()
    assert 'nervesys_exporter_up{area="agents",source="store"} 0.0' in text
    assert SECRET_KEY not in caplog.text + text + runner.problems()
    assert len(caplog.records) == len(set(caplog.messages)), "each area says it once"


def test_objects_that_are_refused_cost_themselves_alone(rclone_endpoint: str) -> None:
    bucket, now = f"b{uuid4().hex[:8]}", system_clock()
    client(rclone_endpoint).create_bucket(Bucket=bucket)
    writer = S3Store(settings_of(rclone_endpoint, bucket=bucket))
    names = [f"agent-{number}" for number in range(6)]
    for name in names:
        state = {"agent_id": name, "status": "running", "timestamp": now}
        writer.put(f"db/agents/{name}_state.json", json.dumps(state).encode())
        record = json.dumps({"timestamp": "2026-01-31T10:15:00Z", "agent_id": name}).encode()
        writer.put(f"db/active_logs/srv1/2026-01-31/101500_{name}_1.jsonl.gz", gzip.compress(record))
    with faulty(rclone_endpoint) as proxy:
        proxy.refused = "agent-0_state", "agent-1_1.jsonl"
        runner = runner_over(proxy.endpoint, bucket=bucket)
        assert runner.read_everything(), runner.problems()
    shown = runner.snapshot().plain.decode()
    running = [f'nervesys_agent_status{{agent="{name}",status="running"}} 1' in shown for name in names]
    counted_logs = [f'nervesys_log_records_total{{agent="{name}"' in shown for name in names]
    assert running == [False, True, True, True, True, True]
    assert counted_logs == [False, False, True, True, True, True], "agent-0 has no valid state, agent-1 no readable log"
    assert 'nervesys_exporter_rejected_objects_total{reason="unreadable",source="store"} 2.0' in shown
    assert 'nervesys_log_records_total{agent="other",category="activity",level="INFO"} 1' in shown
