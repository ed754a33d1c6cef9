"""The cost of an idle agent: memory, CPU, and the time until its first heartbeat.

A real process with the shipped settings (a heartbeat a minute), a brain in Git and a store over S3. The baseline of its
memory is an interpreter that only holds the libraries that it stands on.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.measure import BenchmarkReport, seconds
from tests.brains import write
from tests.servers.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, rclone

AGENT = (sys.executable, "-m", "nervesys", "agent", "run", "grok")
LIBRARIES = "import boto3.session, psutil, pydantic, pygit2, typer, yaml"
MEGABYTES, START_MILLISECONDS, BUSY_MILLISECONDS = 80, 2000, 300
"""At most; of the processor that is half a per cent of a minute."""
STARTUP_SECONDS = 5.0
"""After which all that starting costs is over."""


def run(report: BenchmarkReport, *, large: bool, short: bool) -> None:  # noqa: ARG001  # every benchmark takes the same flags
    """Start one, let it live for a minute with nothing to do, and end it."""
    with tempfile.TemporaryDirectory() as name, rclone(Path(name) / "s3") as endpoint:
        folder = Path(name)
        variables = {
            "NERVESYS_HOME": str(folder / "home"),
            "NERVESYS_BRAIN": str(folder / "brain.git"),
            "STORJ_ENDPOINT": endpoint,
            "STORJ_ACCESS_KEY": ACCESS_KEY,
            "STORJ_SECRET_KEY": SECRET_KEY,
        }
        write(folder / "brain.git", {"config/agents/grok.yaml": b"agent: {name: grok}"})
        state = folder / "s3" / BUCKET / "db/agents/grok_state.json"
        began = time.monotonic()
        with running(AGENT, variables) as agent:
            until(state.exists)
            started, worked = time.monotonic() - began, sum(agent.cpu_times()[:4])
            time.sleep(1 if short else STARTUP_SECONDS)
            busy, memory = busy_seconds(agent, 2 if short else 60), agent.memory_info().rss
    with running((sys.executable, "-c", f"{LIBRARIES}; print(flush=True); input()"), {}) as bare:
        bare_memory = loaded(bare)
    report.limit(
        "from its start to its first heartbeat, clone of the brain included, ms",
        round(started * 1000),
        START_MILLISECONDS,
    )
    report.fact("of these its processor was busy", seconds(worked))
    report.limit("resident, MB", round(memory / 1e6), MEGABYTES)
    report.fact("of these by the libraries that it stands on", f"{bare_memory / 1e6:.0f} MB")
    report.limit("processor in a minute without work, ms", round(busy * 1000), BUSY_MILLISECONDS)


@contextmanager
def running(argv: tuple[str, ...], variables: dict[str, str]) -> Iterator[psutil.Popen]:
    """A process, until the block is left."""
    quiet = subprocess.DEVNULL
    process = psutil.Popen(
        argv, env=os.environ | variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=quiet
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def busy_seconds(process: psutil.Process, seconds: float) -> float:
    """Of the processor, that a process and what it starts use within so many seconds of a clock."""

    def used() -> float:
        return sum(process.cpu_times()[:4])

    before = used()
    time.sleep(seconds)
    return used() - before


def loaded(process: psutil.Popen) -> int:
    """Bytes resident, once the process has printed that it is ready."""
    process.stdout.readline()
    return int(process.memory_info().rss)


def until(condition: Callable[[], bool]) -> None:
    """Wait.

    Raises:
        TimeoutError: in vain.
    """
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise TimeoutError("the agent has written no heartbeat")
