"""What the local stack takes, and how long commands take, in figures that hardly depend on what else runs.

Memory is PSS: pages that processes share are divided among them. Commands are measured in seconds of CPU.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from benchmarks.measure import BenchmarkReport
from nervesys.stack import daemon
from tests.e2e.conftest import running

MEGABYTES, CORE_PERCENT, START_SECONDS = 750, 6, 45
COMMANDS: Mapping[str, tuple[tuple[str, ...], float]] = {
    "--version": (("--version",), 0.15),
    "--help": (("--help",), 0.35),
    "alerts explain": (("alerts", "explain", "cpu > 90% for 10 minutes"), 1.0),
}
"""Arguments, and at most so many seconds of CPU."""
SETTLE_SECONDS, IDLE_SECONDS = 60, 60


def run(report: BenchmarkReport, *, large: bool, short: bool) -> None:  # noqa: ARG001  # every benchmark takes the same flags
    """Measure the commands, then a stack that was just started; in short form the commands alone."""
    for name, (arguments, limit) in COMMANDS.items():
        best = min(_cpu_seconds(lambda words=arguments: _nervesys(words)) for _ in range(1 if short else 3))  # type: ignore[misc]  # bound now
        report.within(f"nervesys {name}, CPU", best, limit)
    if short:
        return
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        with running(Path(folder), {}) as stack:
            report.within(
                "nervesys up, until everything works; programs are there", time.monotonic() - began, START_SECONDS
            )
            time.sleep(SETTLE_SECONDS)
            _measure_processes(report, daemon.processes(stack.here.stack))


def _measure_processes(report: BenchmarkReport, processes: list[psutil.Process]) -> None:
    before = {process.pid: _used(process) for process in processes}
    time.sleep(IDLE_SECONDS)
    busy = sum(_used(process) - before[process.pid] for process in processes)
    memory = {f"{process.pid} {_name(process)}": process.memory_full_info().pss / 1e6 for process in processes}
    for name, megabytes in sorted(memory.items(), key=lambda row: -row[1]):
        report.fact(name.partition(" ")[2], f"{megabytes:.0f} MB")
    report.limit(f"PSS of all {len(memory)} processes, MB", round(sum(memory.values())), MEGABYTES)
    report.limit("of a core while idle, percent", round(100 * busy / IDLE_SECONDS, 1), CORE_PERCENT)


def _name(process: psutil.Process) -> str:
    words = [word for word in process.cmdline()[1:] if not word.startswith(("-", "/"))]
    return " ".join([process.name(), *words[:4]])[:60]


def _used(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:2]))


def _nervesys(words: tuple[str, ...]) -> None:
    subprocess.run([sys.executable, "-m", "nervesys", *words], stdout=subprocess.DEVNULL, check=True)


def _cpu_seconds(work: Callable[[], None]) -> float:
    """Of the children that the work starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
