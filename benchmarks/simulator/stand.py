"""Runs the real programs against a simulated fleet: a brain in Git, the S3 server, and each program as a process."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from benchmarks.servers import process
from benchmarks.simulator.agents import HEARTBEAT, SimulatedAgents, name_of, server_of
from benchmarks.simulator.engine import EngineMode, RestartCall
from benchmarks.simulator.server import serve
from nervesys.clock import system_clock
from tests.brains import write
from tests.servers.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, free_port

SOURCES = ("store", "brain")
OTHERS = ("archive", "workspace", "artifacts", "traces", "vitality", "hygiene")
"""Sources whose cost does not follow the number of agents."""
LISTENERS = ("prometheus", "alertmanager", "receiver", "page", "logs")
START_SECONDS = 900
"""For reading a brain of ten thousand files on a busy machine."""
ENGINE_SECONDS = 20
"""For a restart: the process that simulates the engine lists the store, too."""


@dataclass
class Stand:
    """Everything that runs.

    Attributes:
        size: number of agents.
        folder: of homes, brain and logs.
        s3: address of the process that simulates the fleet, its store and its engine.
        addresses: of the exporters by source, and of the other programs by name.
        variables: with which our programs find brain and store.
        programs: the processes, by name.
    """

    size: int
    folder: Path
    s3: str
    addresses: Mapping[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    programs: dict[str, psutil.Popen] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The folder of our programs' data."""
        return self.folder / "home"

    def kill(self, numbers: Collection[int]) -> dict[int, float]:
        """End simulated agents at one instant; returns the last heartbeat of each, Unix seconds."""
        answer = httpx.post(f"{self.s3}/simulator/kill", json=list(numbers), timeout=60).raise_for_status()
        return {int(number): at for number, at in answer.json().items()}

    def set_engine(self, mode: EngineMode) -> None:
        """Set how restarts end from now on."""
        httpx.post(f"{self.s3}/simulator/engine/{mode}", timeout=60).raise_for_status()

    def calls(self, first: int = 0) -> list[RestartCall]:
        """The restarts that were called, from the one with this index on."""
        answer = httpx.get(f"{self.s3}/simulator/calls/{first}", timeout=60).raise_for_status()
        return [RestartCall(**{**call, "mode": EngineMode(call["mode"])}) for call in answer.json()]

    def requests(self) -> dict[str, int]:
        """What the store was asked for, by kind and area."""
        return dict(json.loads(httpx.get(f"{self.s3}/simulator/requests", timeout=60).content))

    def metrics(self, source: str) -> bytes:
        """The page of an exporter; empty where it does not answer in time."""
        try:
            return httpx.get(f"http://{self.addresses[source]}/metrics", timeout=10).content
        except httpx.HTTPError:
            return b""

    def run(self, name: str, *words: str) -> psutil.Popen:
        """Start one of our programs; it ends with the stand."""
        return self.start(name, [sys.executable, "-m", "nervesys", *words])

    def start(self, name: str, command: list[str], folder: Path | None = None) -> psutil.Popen:
        """Start a program in a folder; it ends with the stand."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self.programs[name] = psutil.Popen(
                command,
                env=os.environ | self.variables,
                cwd=folder,
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
        wanted = f'nervesys_exporter_up{{area="{FIRST_AREA[source]}"'.encode()
        return self._wait(source, lambda: wanted in self.metrics(source))

    def wait_until_ready(self, name: str) -> float:
        """Wait until a program answers `/-/ready`; returns the seconds of CPU time that it took.

        Raises:
            TimeoutError: in vain.
        """

        def is_ready() -> bool:
            try:
                return httpx.get(f"http://{self.addresses[name]}/-/ready", timeout=10).is_success
            except httpx.HTTPError:
                return False

        return self._wait(name, is_ready)

    def _wait(self, name: str, is_ready: Callable[[], bool]) -> float:
        program, end = self.programs[name], time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if program.poll() is not None:
                raise RuntimeError(f"{name} ended:\n{(self.folder / f'{name}.log').read_text()}")
            if is_ready():
                return sum(program.cpu_times()[:2])
            time.sleep(0.5)
        raise TimeoutError(f"{name} is not ready after {START_SECONDS} s")


FIRST_AREA = {"store": "agents", "brain": "brain"}


@contextmanager
def simulated_stand(
    size: int, folder: Path, settings: Mapping[str, Mapping[str, Any]] | None = None, every: float = HEARTBEAT
) -> Iterator[Stand]:
    """A store and a brain of so many agents, until the block is left; then every program that was started ends.

    Args:
        size: number of agents.
        folder: of everything that is written.
        settings: of the brain, by file of `config/`, and of `receiver`, the receiver's local file; what they leave out
            is as shipped.
        every: seconds between two heartbeats of an agent.
    """
    with ExitStack() as resources:
        served = resources.enter_context(process(serve, size, system_clock(), every))
        addresses = {name: f"127.0.0.1:{free_port()}" for name in (*SOURCES, *LISTENERS)}
        stand = Stand(size, folder, f"http://127.0.0.1:{served.port}", addresses)
        brain = folder / "brain.git"
        _write_brain(size, brain, addresses, settings or {})
        _write_home(stand.home, stand.s3, (settings or {}).get("receiver", {}))
        stand.variables = {
            "NERVESYS_HOME": str(stand.home),
            "NERVESYS_BRAIN": str(brain),
            "STORJ_ENDPOINT": stand.s3,
            "MALLOC_ARENA_MAX": "2",  # as in images and units
            "STORJ_BUCKET": BUCKET,
            "STORJ_ACCESS_KEY": ACCESS_KEY,
            "STORJ_SECRET_KEY": SECRET_KEY,
        }
        resources.callback(_end, stand.programs)
        yield stand


def _write_brain(
    size: int, repository: Path, addresses: Mapping[str, str], settings: Mapping[str, Mapping[str, Any]]
) -> None:
    """The configuration of all agents on `main`, and their last states on `state`."""
    given = dict(settings.get("monitoring", {}))
    refreshed: Mapping[str, Mapping[str, object]] = given.pop("sources", {})
    sources: dict[str, Mapping[str, object]] = {
        source: {**refreshed.get(source, {}), "listen": addresses[source]} for source in SOURCES
    }
    sources |= {source: {"enabled": False} for source in OTHERS}
    listen = {name: addresses[name] for name in LISTENERS}
    monitoring = {**given, "sources": sources, "own_process": list(SOURCES), "listen": listen}
    default = {"agent": {"restart": {"driver": "docker"}}}
    written = {"monitoring": monitoring, "thresholds": settings.get("thresholds", {}), "agents/default": default}
    files: dict[str, bytes | None] = {
        f"config/{name}.yaml": yaml.safe_dump(content).encode() for name, content in written.items()
    }
    agents, states = SimulatedAgents(size, system_clock(), days=0), dict[str, bytes | None]()
    for number in range(size):
        name = name_of(number)
        row = {"name": name, "server": server_of(number), "role": "code review", "model": f"model-{number % 5}"}
        files[f"config/agents/{name}.yaml"] = json.dumps({"agent": row}).encode()
        _, states[f"state/{name}_last_status.json"] = agents.state(f"db/agents/{name}_state.json", agents.began)
    write(repository, files)
    write(repository, states, branch="state")


def _write_home(home: Path, engine: str, settings: Mapping[str, Any]) -> None:
    """The receiver's local file, by which it calls the simulated engine, and its token."""
    (home / "secrets").mkdir(parents=True)
    (home / "secrets/receiver_token").write_text("a-token-for-a-simulated-fleet")
    docker = {"url": engine, "servers": ["*"], "timeout_seconds": ENGINE_SECONDS, "stop_seconds": 0}
    (home / "receiver.yaml").write_text(yaml.safe_dump({**settings, "drivers": {"docker": docker}}))


def _end(programs: Mapping[str, psutil.Popen]) -> None:
    for program in programs.values():
        program.terminate()
    for program in programs.values():
        try:
            program.wait(30)
        except psutil.TimeoutExpired:
            program.kill()
