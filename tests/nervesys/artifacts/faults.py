"""Agents and the service are killed, disks are full, contents damaged: what was promised must be there afterwards.

`python -m tests.nervesys.artifacts.faults` is the long form: a hundred kills, and the table of what came of it.
"""

import argparse
import multiprocessing
import os
import random
import resource
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from rich.console import Console
from rich.table import Table

from nervesys.artifacts.api_client import ServiceUnavailable
from nervesys.artifacts.program import service
from nervesys.errors import NervesysError
from nervesys.metrics.pages import serve
from tests.nervesys.artifacts.world import AGENTS, World
from tests.nervesys.killed import words_of

APART = multiprocessing.get_context("forkserver")
APART.set_forkserver_preload([__name__])
WRITERS = AGENTS[:2]


@dataclass
class Outcome:
    """What came of a fault run.

    Attributes:
        what: was done.
        written: artifacts that `put` returned.
        kept: of these, can be listed and read, and are what was put.
        surplus: can be listed, though the writer was killed before it was told so.
    """

    what: str
    written: int
    kept: int
    surplus: int = 0

    @property
    def lost(self) -> int:
        return self.written - self.kept


def kills(folder: Path, count: int, *, agents: bool, serving: bool) -> Outcome:
    """Kill agents, or the service, or both, at random instants while they work."""
    dice, promised = random.Random(count), set[str]()
    world = World(folder)
    server = _serve(world)
    for _ in range(count):
        pipes = [APART.Pipe(duplex=False) for _ in WRITERS]
        writers = [
            APART.Process(target=_write, args=(folder, world.address, name, sender))
            for name, (_, sender) in zip(WRITERS, pipes, strict=True)
        ]
        for writer in writers:
            writer.start()
        for receiver, sender in pipes:
            sender.close()
            receiver.poll(10)  # until all are at work
        writers[0].join(dice.uniform(0.02, 0.3))
        if serving:
            server.kill()
            server.join()
            writers[0].join(dice.uniform(0, 0.02))  # while it is away, what they make waits
        if agents:
            for writer in writers:
                writer.kill()
        if serving:
            server = _serve(world)
        for writer in writers:
            writer.terminate()
            writer.join()
        promised |= {id_ for receiver, _ in pipes for id_ in words_of(receiver)}
    kept = _kept(world)
    server.kill()
    server.join()
    who = " and ".join(name for name, wanted in (("agents", agents), ("the service", serving)) if wanted)
    return Outcome(f"{count} kills of {who}", len(promised), len(promised & kept), len(kept - promised))


def _serve(world: World) -> multiprocessing.process.BaseProcess:
    server = APART.Process(target=_serving, args=(world.place.home, world.address))
    server.start()
    while True:
        with suppress(ServiceUnavailable):
            world.caller().ask("GET", "artifacts")
            return server


def _serving(home: Path, address: str) -> None:
    world = World(home)
    serve(service(world.place, world.settings), address, world.settings.monitoring.web)


def _write(home: Path, address: str, name: str, out: Connection) -> None:
    """Put artifacts, and at each tenth tell what waits, as a heartbeat does."""
    world = World(home)
    world.address = address
    delivery = world.delivery(name, pauses=())
    artifacts = world.artifacts(name, delivery)
    while True:
        for _ in range(10):
            made = artifacts.put(os.urandom(random.randrange(2000)), "note", trace=f"{name}-trace")
            os.write(out.fileno(), made.id.encode() + b"\n")
        with suppress(ServiceUnavailable):
            delivery.sync()


def _kept(world: World) -> set[str]:
    """What others can list and read once every agent has started anew and told what waited."""
    kept = set[str]()
    for name in WRITERS:
        delivery = world.delivery(name)
        delivery.sync()
        artifacts = world.artifacts(name, delivery)
        kept |= {made.id for made in artifacts.list() if len(artifacts.read(made.id)) == made.size_bytes}
    return kept


def full_disk(folder: Path, limit: int = 120_000) -> Outcome:
    """Put until the disk of service and agent takes no more, then give it room and go on."""
    with APART.Pool(1) as pool:
        return pool.apply(_fill, (folder, limit))


def _fill(folder: Path, limit: int) -> Outcome:
    promised, refused = set[str](), 0
    with World(folder) as world:
        delivery = world.delivery(pauses=())
        artifacts = world.artifacts("grok", delivery)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        while refused < 3:
            try:
                promised.add(artifacts.put(os.urandom(100), "note").id)
            except NervesysError:
                refused += 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        delivery.sync()
        promised.add(artifacts.put("room again", "note").id)
        kept = {made.id for made in artifacts.list() if artifacts.read(made.id)}
    return Outcome("a full disk", len(promised), len(promised & kept), len(kept - promised))


def corrupt(folder: Path) -> Outcome:
    """Damage one content, take another away: these are told, and the others are what was put."""
    with World(folder) as world:
        artifacts = world.artifacts()
        made = [artifacts.put(f"content {number}", "note") for number in range(10)]
        Path(made[3].uri.removeprefix("file://")).write_bytes(b"\0" * made[3].size_bytes)
        Path(made[5].uri.removeprefix("file://")).unlink()
        kept = set()
        for one in artifacts.list():
            with suppress(NervesysError):
                artifacts.read(one.id)
                kept.add(one.id)
    return Outcome("one of 10 contents zeroed, one deleted", len(made) - 2, len(kept))


FAULTS: tuple[Callable[[Path], Outcome], ...] = (full_disk, corrupt)


def main() -> int:
    """Run all of them; 1 where anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    said = parser.parse_args()
    table = Table("fault", "written", "kept", "lost", "unpromised", title="Artifacts: what was put is kept")
    with tempfile.TemporaryDirectory() as name:
        outcomes = [
            kills(Path(name) / f"{agents}-{serving}", said.kills, agents=agents, serving=serving)
            for agents, serving in ((True, False), (False, True), (True, True))
        ]
        outcomes += [fault(Path(name) / fault.__name__) for fault in FAULTS]
    for one in outcomes:
        table.add_row(one.what, *map(str, (one.written, one.kept, one.lost, one.surplus)))
    Console().print(table)
    return 1 if any(one.lost for one in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
