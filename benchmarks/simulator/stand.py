"""Runs the real programs against a simulated fleet: a brain in Git, the S3 server, and each exporter as a process."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import yaml

from benchmarks.servers import process
from benchmarks.simulator.agents import SimulatedAgents, name_of, server_of
from benchmarks.simulator.s3_server import serve
from nervesys.clock import system_clock
from tests.brains import write
from tests.servers.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, free_port

SOURCES = ("store", "brain")
OTHERS = ("archive", "workspace", "artifacts", "vitality", "hygiene")
"""Sources whose cost does not follow the number of agents."""
START_SECONDS = 900
"""For reading a brain of ten thousand files on a busy machine."""


@dataclass
class Stand:
    """Everything that runs.

    Attributes:
        size: number of agents.
        folder: of homes, brain and logs.
        s3: address of the simulated store.
        addresses: of the exporters, by source.
        prometheus: address at which a Prometheus is to listen.
        variables: with which our programs find brain and store.
        programs: the processes, by name.
    """

    size: int
    folder: Path
    s3: str
    addresses: Mapping[str, str]
    prometheus: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    programs: dict[str, psutil.Popen] = field(default_factory=dict)

    def kill(self, number: int) -> None:
        """End a simulated agent."""
        httpx.post(f"{self.s3}/simulator/kill/{name_of(number)}").raise_for_status()

    def start(self, number: int) -> None:
        """Start a simulated agent again."""
        httpx.post(f"{self.s3}/simulator/start/{name_of(number)}").raise_for_status()

    def requests(self) -> dict[str, int]:
        """What the store was asked for, by kind and area."""
        return dict(json.loads(httpx.get(f"{self.s3}/simulator/requests").content))

    def metrics(self, source: str) -> bytes:
        """The page of an exporter; empty where it does not answer in time."""
        try:
            return httpx.get(f"http://{self.addresses[source]}/metrics", timeout=10).content
        except httpx.HTTPError:
            return b""

    def run(self, name: str, *words: str) -> psutil.Popen:
        """Start one of our programs; it ends with the stand."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self.programs[name] = psutil.Popen(
                [sys.executable, "-m", "nervesys", *words],
                env=os.environ | self.variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self.programs[name]

    def wait_for(self, source: str) -> float:
        """Wait for the first snapshot of an exporter; returns the seconds of CPU time that it took.

        Raises:
            TimeoutError: in vain.
        """
        program, wanted = self.programs[source], f'nervesys_exporter_up{{area="{FIRST_AREA[source]}"'.encode()
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if program.poll() is not None:
                raise RuntimeError(f"the exporter of {source} ended:\n{(self.folder / f'{source}.log').read_text()}")
            if wanted in self.metrics(source):
                return sum(program.cpu_times()[:2])
            time.sleep(1)
        raise TimeoutError(f"the exporter of {source} has no snapshot after {START_SECONDS} s")


FIRST_AREA = {"store": "agents", "brain": "brain"}


@contextmanager
def simulated_stand(size: int, folder: Path) -> Iterator[Stand]:
    """A store and a brain of so many agents, until the block is left; then every program that was started ends."""
    with ExitStack() as resources:
        served = resources.enter_context(process(serve, size, system_clock()))
        addresses = {source: f"127.0.0.1:{free_port()}" for source in SOURCES}
        prometheus = f"127.0.0.1:{free_port()}"
        stand = Stand(size, folder, f"http://127.0.0.1:{served.port}", addresses, prometheus)
        stand.variables = {
            "NERVESYS_HOME": str(folder / "home"),
            "NERVESYS_BRAIN": str(_write_brain(size, folder / "brain.git", addresses, prometheus)),
            "STORJ_ENDPOINT": stand.s3,
            "STORJ_BUCKET": BUCKET,
            "STORJ_ACCESS_KEY": ACCESS_KEY,
            "STORJ_SECRET_KEY": SECRET_KEY,
        }
        resources.callback(_end, stand.programs)
        yield stand


def _write_brain(size: int, repository: Path, addresses: Mapping[str, str], prometheus: str) -> Path:
    """The configuration of all agents on `main`, and their last states on `state`."""
    sources: dict[str, dict[str, object]] = {source: {"listen": address} for source, address in addresses.items()}
    sources |= {source: {"enabled": False} for source in OTHERS}
    monitoring = {"sources": sources, "own_process": list(SOURCES), "listen": {"prometheus": prometheus}}
    files: dict[str, bytes | None] = {"config/monitoring.yaml": yaml.safe_dump(monitoring).encode()}
    agents, states = SimulatedAgents(size, system_clock(), days=0), dict[str, bytes | None]()
    for number in range(size):
        name = name_of(number)
        row = {"name": name, "server": server_of(number), "role": "code review", "model": f"model-{number % 5}"}
        files[f"config/agents/{name}.yaml"] = json.dumps({"agent": row}).encode()
        _, states[f"state/{name}_last_status.json"] = agents.state(f"db/agents/{name}_state.json", agents.began)
    write(repository, files)
    write(repository, states, branch="state")
    return repository


def _end(programs: Mapping[str, psutil.Popen]) -> None:
    for program in programs.values():
        program.terminate()
    for program in programs.values():
        try:
            program.wait(30)
        except psutil.TimeoutExpired:
            program.kill()
