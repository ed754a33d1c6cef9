"""The alerting of a simulated fleet: Prometheus, Alertmanager, the receiver and our pages, generated from its brain."""

from pathlib import Path

import psutil

from benchmarks.simulator.stand import Stand
from nervesys.stack.programs import find, root_of

PROGRAMS = Path(__file__).parents[2] / ".nervesys" / "programs"
SERVERS = {"receiver": ("receiver",), "page": ("dashboards", "serve"), "logs": ("logs", "serve")}
"""Commands of our programs that Prometheus scrapes beside the exporters."""


def start_alerting(stand: Stand) -> float:
    """Generate rules and routes, and start the programs, which end with the stand.

    Returns:
        CPU seconds in which rules and routes were generated.

    Raises:
        RuntimeError: they cannot be generated, or a program ends.
        TimeoutError: a program does not become ready.
    """
    generated = stand.folder / "generated"
    used = _generate(stand, generated)
    for name, words in SERVERS.items():
        stand.run(name, *words)
    for name in SERVERS:  # before those that call and scrape them, so that no failure is counted
        stand.wait_until_ready(name)
    _start(
        stand, "alertmanager", generated / "alertmanager/alertmanager.yml", "storage.path", "cluster.listen-address="
    )
    stand.wait_until_ready("alertmanager")
    _start(stand, "prometheus", generated / "prometheus/prometheus.yml", "storage.tsdb.path")
    stand.wait_until_ready("prometheus")
    return used


def _generate(stand: Stand, folder: Path) -> float:
    build = stand.run("build", "alerts", "build", "--out", str(folder))
    used = 0.0
    while build.poll() is None:
        with_children = [build, *build.children(recursive=True)]
        used = max(used, sum(sum(program.cpu_times()[:2]) for program in with_children if program.is_running()))
        try:
            build.wait(0.5)
        except psutil.TimeoutExpired:
            continue
    del stand.programs["build"]
    if build.returncode:
        raise RuntimeError((stand.folder / "build.log").read_text())
    return used


def _start(stand: Stand, name: str, config: Path, data: str, *options: str) -> None:
    program = find(name, PROGRAMS).absolute()
    words = {"config.file": config, data: stand.folder / name, "web.listen-address": stand.addresses[name]}
    command = [str(program), *(f"--{word}={value}" for word, value in words.items()), *(f"--{o}" for o in options)]
    stand.start(name, command, root_of(program))
