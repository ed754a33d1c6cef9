"""Agents and the service are killed, disks are full, contents damaged: what was promised must exist afterwards.

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
from tests.nervesys.artifacts.service_setup import AGENTS, ServiceSetup
from tests.nervesys.killed import words_of

FORKSERVER = multiprocessing.get_context("forkserver")
FORKSERVER.set_forkserver_preload([__name__])
WRITERS = AGENTS[:2]


@dataclass
class Outcome:
    """What came of a fault run.

    Attributes:
        what: was done.
        written: artifacts that `put` returned.
        kept: of these, can be listed and read, and are what was put.
        surplus: can be listed, though the writer was killed before `put` returned.
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
    setup = ServiceSetup(folder)
    server = _serve(setup)
    for _ in range(count):
        pipes = [FORKSERVER.Pipe(duplex=False) for _ in WRITERS]
        writers = [
            FORKSERVER.Process(target=_write, args=(folder, setup.address, name, sender))
            for name, (_, sender) in zip(WRITERS, pipes, strict=True)
        ]
        for writer in writers:
            writer.start()
        for receiver, sender in pipes:
            sender.close()
            receiver.poll(10)  # until all are running
        writers[0].join(dice.uniform(0.02, 0.3))
        if serving:
            server.kill()
            server.join()
            writers[0].join(dice.uniform(0, 0.02))  # while it is away, what they make waits
        if agents:
            for writer in writers:
                writer.kill()
        if serving:
            server = _serve(setup)
        for writer in writers:
            writer.terminate()
            writer.join()
        promised |= {id_ for receiver, _ in pipes for id_ in words_of(receiver)}
    kept = _kept(setup)
    server.kill()
    server.join()
    who = " and ".join(name for name, wanted in (("agents", agents), ("the service", serving)) if wanted)
    return Outcome(f"{count} kills of {who}", len(promised), len(promised & kept), len(kept - promised))


def _serve(setup: ServiceSetup) -> multiprocessing.process.BaseProcess:
    server = FORKSERVER.Process(target=_serving, args=(setup.place.home, setup.address))
    server.start()
    while True:
        with suppress(ServiceUnavailable):
            setup.caller().send("GET", "artifacts")
            return server


def _serving(home: Path, address: str) -> None:
    setup = ServiceSetup(home)
    serve(service(setup.place, setup.settings), address, setup.settings.monitoring.web)


def _write(home: Path, address: str, name: str, out: Connection) -> None:
    """Put artifacts; after every tenth, send what the outbox holds, as a heartbeat does."""
    setup = ServiceSetup(home)
    setup.address = address
    delivery = setup.delivery(name, pauses=())
    artifacts = setup.artifacts(name, delivery)
    while True:
        for _ in range(10):
            made = artifacts.put(os.urandom(random.randrange(2000)), "note", trace=f"{name}-trace")
            os.write(out.fileno(), made.id.encode() + b"\n")
        with suppress(ServiceUnavailable):
            delivery.sync()


def _kept(setup: ServiceSetup) -> set[str]:
    """What others can list and read after every agent has restarted and sent its outbox."""
    kept = set[str]()
    for name in WRITERS:
        delivery = setup.delivery(name)
        delivery.sync()
        artifacts = setup.artifacts(name, delivery)
        kept |= {made.id for made in artifacts.list() if len(artifacts.read(made.id)) == made.size_bytes}
    return kept


def full_disk(folder: Path, limit: int = 120_000) -> Outcome:
    """Put until the disk of service and agent takes no more, then give it room and go on."""
    with FORKSERVER.Pool(1) as pool:
        return pool.apply(_fill, (folder, limit))


def _fill(folder: Path, limit: int) -> Outcome:
    promised, refused = set[str](), 0
    with ServiceSetup(folder) as setup:
        delivery = setup.delivery(pauses=())
        artifacts = setup.artifacts("grok", delivery)
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
    """Damage one content and delete another: reading these fails, and the others are what was put."""
    with ServiceSetup(folder) as setup:
        artifacts = setup.artifacts()
        made = [artifacts.put(f"content {number}", "note") for number in range(10)]
        Path(made[3].uri.removeprefix("file://")).write_bytes(b"\0" * made[3].size_bytes)
        Path(made[5].uri.removeprefix("file://")).unlink()
        kept = set()
        for artifact in artifacts.list():
            with suppress(NervesysError):
                artifacts.read(artifact.id)
                kept.add(artifact.id)
    return Outcome("one of 10 contents zeroed, one deleted", len(made) - 2, len(kept))


FAULTS: tuple[Callable[[Path], Outcome], ...] = (full_disk, corrupt)


def main() -> int:
    """Run all of them; 1 where anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    options = parser.parse_args()
    table = Table("fault", "written", "kept", "lost", "unpromised", title="Artifacts: what was put is kept")
    with tempfile.TemporaryDirectory() as name:
        outcomes = [
            kills(Path(name) / f"{agents}-{serving}", options.kills, agents=agents, serving=serving)
            for agents, serving in ((True, False), (False, True), (True, True))
        ]
        outcomes += [fault(Path(name) / fault.__name__) for fault in FAULTS]
    for outcome in outcomes:
        table.add_row(outcome.what, *map(str, (outcome.written, outcome.kept, outcome.lost, outcome.surplus)))
    Console().print(table)
    return 1 if any(outcome.lost for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
