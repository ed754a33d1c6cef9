"""Load of the server and usage of the agent's own processes, as measured on this machine."""

import subprocess
import time
from pathlib import Path

import psutil

from nervesys.agent.host import Host


def test_what_the_server_does_is_measured(tmp_path: Path) -> None:
    seen = Host("host-1", "grok", tmp_path).metrics(time.time(), 1_500_000)
    for value in (seen.cpu_percent, seen.load_1m, seen.load_5m, seen.load_15m, seen.uptime_seconds):
        assert value is not None
        assert value >= 0
    assert seen.memory_percent
    assert seen.disk_percent
    assert seen.network_io is not None
    assert seen.buffer_size_mb == 1.5


def test_what_the_agent_started_counts_as_its_own(tmp_path: Path) -> None:
    host = Host("host-1", "grok", tmp_path)
    with subprocess.Popen(["sh", "-c", "while :; do :; done"]) as busy:
        while psutil.Process(busy.pid).cpu_times().user < 0.2:
            time.sleep(0.05)
        before = psutil.Process().memory_info().rss
        usage = host.usage()
        busy.kill()
    assert usage.cpu_percent
    assert usage.memory_bytes is not None
    assert usage.memory_bytes > 0.9 * before
    after = host.usage()
    assert after.cpu_percent is not None, "what ended takes nothing away"
    assert after.cpu_percent >= 0
