"""An agent that logs while things break around it: what it logged must lie in the store afterwards, once.

`python -m tests.nervesys.agent.logs.faults` is the long form: a hundred kills, an hour without a
store, and a table of the results.
"""

import argparse
import io
import logging
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from nervesys.agent import Agent
from nervesys.agent.logs.handler import LoggedRecord
from nervesys.agent.logs.shipping import Shipper
from nervesys.errors import NervesysError
from nervesys.stores.lines import lines_of
from nervesys.stores.s3 import S3Store
from tests.servers import s3
from tests.servers.faulty import Mode, faulty
from tests.stores import FolderStore

EXCUSED_SECONDS = 1.0
"""That a kill may cost: commits begin twice a second, and last a while on a machine that has other work."""
SHIP_MINUTES = 0.005
ROUNDS = 10
"""Of shipping, after which nothing waits any more."""
APART = multiprocessing.get_context("forkserver")
APART.set_forkserver_preload([__name__])


@dataclass
class Outcome:
    """What came of a fault.

    Attributes:
        what: broke.
        written: records that were logged.
        shipped: of these, found in the store.
        recent: missing, logged within a second before a kill.
        dropped: missing, and counted as dropped by the agent itself.
        twice: records that lie in the store more than once.
    """

    what: str
    written: int
    shipped: int
    recent: int = 0
    dropped: int = 0
    twice: int = 0

    @property
    def lost(self) -> int:
        """Missing without an excuse."""
        return self.written - self.shipped - self.recent - self.dropped


@dataclass
class World:
    """An agent's home and brain, and its store as a folder.

    Attributes:
        folder: of all of it.
        endpoint: of the store's S3 server.
        secret: that the agent uses there.
    """

    folder: Path
    endpoint: str
    secret: str = s3.SECRET_KEY

    def __post_init__(self) -> None:
        config = self.folder / "brain/config"
        (config / "agents").mkdir(parents=True)
        buffer = f"{{flush_interval_minutes: {SHIP_MINUTES}, flush_on_size_mb: 1}}"
        (config / "agents/grok.yaml").write_text(f"agent: {{name: grok, buffer: {buffer}}}")
        (config / "thresholds.yaml").write_text("heartbeat: {interval_seconds: 3}")

    def agent(self) -> Agent:
        """The agent, as a new start."""
        environ = {"STORJ_ENDPOINT": self.endpoint, "STORJ_ACCESS_KEY": s3.ACCESS_KEY, "STORJ_SECRET_KEY": self.secret}
        home, brain = str(self.folder / "home"), str(self.folder / "brain")
        return Agent("grok", home=home, brain=brain, server="host-1", environ=environ)

    def shipped(self, bucket: Path) -> Counter[tuple[str, str]]:
        """The records in the store: message, and the id that identifies duplicates."""
        files = [(io.BytesIO(file.read_bytes()), file.name) for file in bucket.rglob("*_grok_*.jsonl.*")]
        records = [orjson.loads(line) for body, name in files for line in lines_of(body, name)]
        return Counter((line["message"], line["id"]) for line in records if line["message"].startswith("record "))


@contextmanager
def at_work(world: World, name: str = "") -> Iterator[tuple[ForkServerProcess, Connection]]:
    """The agent in a process that logs until it is stopped, and sends the time of each record."""
    receiver, sender = APART.Pipe(duplex=False)
    process = APART.Process(target=_log, args=(world, name, sender))
    process.start()
    sender.close()
    receiver.poll(30)  # until it runs
    try:
        yield process, receiver
    finally:
        process.kill()
        process.join()
        receiver.close()


def _log(world: World, name: str, out: Connection) -> None:
    number = 0
    with world.agent() as agent:
        while True:
            agent.log.info("record %s %d", name, number)
            os.write(out.fileno(), f"record {name} {number}\t{time.monotonic()}\n".encode())
            number += 1
            if number % 20 == 0:
                time.sleep(0.02)


def drained(receiver: Connection, into: list[bytes], seconds: float) -> None:
    """Read what a process says for so long: a pipe that is full would stop it."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if receiver.poll(left):
            into.append(os.read(receiver.fileno(), 1 << 16))


def _rows(output: list[bytes]) -> dict[str, float]:
    """The records that a process printed, with the instants at which they were logged."""
    rows = (row.split("\t") for row in b"".join(output).decode().split("\n")[:-1])
    return {text: float(at) for text, at in rows}


def run_for(world: World, name: str, seconds: float, end: signal.Signals) -> tuple[dict[str, float], float]:
    """Let it log for so long; returns what it logged, and when it was ended."""
    output: list[bytes] = []
    with at_work(world, name) as (process, receiver):
        drained(receiver, output, seconds)
        assert process.pid
        os.kill(process.pid, end)
        ended = time.monotonic()
        drained(receiver, output, 0.1) if end is signal.SIGKILL else process.join(12)
        process.kill()
        process.join()
        while block := os.read(receiver.fileno(), 1 << 16):
            output.append(block)
    return _rows(output), ended


def kills(folder: Path, count: int = 100) -> Outcome:
    """Kill it at random moments while it logs, commits and ships; a last one ships the rest."""
    dice, logged, recent = random.Random(count), dict[str, float](), set[str]()
    with s3.rclone(folder / "s3") as endpoint:
        world = World(folder, endpoint)
        for number in range(count):
            output, ended = run_for(world, f"run {number}", dice.uniform(0.1, 2.2), signal.SIGKILL)
            logged |= output
            recent |= {text for text, at in output.items() if ended - at < EXCUSED_SECONDS}
        ship_rest(world)
        return outcome(f"kill -9 at {count} random moments", world, folder / "s3", logged, recent)


def ship_rest(world: World) -> None:
    """Start once more and stop: what waits is shipped."""
    run_for(world, "last", 0.5, signal.SIGTERM)


def outcome(what: str, world: World, bucket: Path, logged: dict[str, float], recent: set[str] | None = None) -> Outcome:
    shipped = world.shipped(bucket)
    messages = {message for message, _ in shipped}
    missing = logged.keys() - messages
    return Outcome(
        what,
        len(logged),
        len(logged.keys() & messages),
        recent=len(missing & (recent or set())),
        twice=sum(times > 1 for times in shipped.values()),
    )


def troubled(folder: Path, seconds: float = 2.5) -> Outcome:
    """A store that answers 500, hangs up in the middle of a body or before its answer, or is too slow."""
    modes: tuple[Mode, ...] = ("well", "error", "half", "mute", "slow", "well")
    output: list[bytes] = []
    with s3.rclone(folder / "s3") as endpoint, faulty(endpoint) as proxy:
        world = World(folder, proxy.endpoint)
        with at_work(world) as (process, receiver):
            for mode in modes:
                proxy.mode = mode
                drained(receiver, output, seconds)
            process.terminate()
            process.join(12)
            while block := os.read(receiver.fileno(), 1 << 16):
                output.append(block)
        ship_rest(world)
        return outcome("a store of 500s, half bodies, no answers, slowness", world, folder / "s3", _rows(output))


def wrong_credentials(folder: Path) -> Outcome:
    """Refused by the store, until the credentials are right."""
    with s3.rclone(folder / "s3") as endpoint:
        world = World(folder, endpoint, secret="wrong")
        logged, _ = run_for(world, "refused", 2, signal.SIGTERM)
        assert not world.shipped(folder / "s3")
        world.secret = s3.SECRET_KEY
        ship_rest(world)
        return outcome("wrong credentials, then right ones", world, folder / "s3", logged)


def an_hour_away(folder: Path, minutes: int = 60) -> Outcome:
    """No store for an hour of its clock, a record a second; then it is back, on another port."""
    world = World(folder, f"http://127.0.0.1:{s3.free_port()}")
    with simulated(world, FolderStore(folder / "bucket")) as (shipper, _):
        near, shipper.store = shipper.store, S3Store(s3.settings_of(world.endpoint, timeout_seconds=0.5))
        shipper.me.config = shipper.me.config.model_copy(
            update={"buffer": shipper.me.config.buffer.model_copy(update={"flush_interval_minutes": 10})}
        )
        logged, due, attempts = dict[str, float](), 0.0, 0
        for second in range(60 * minutes + 601):
            if second == 60 * minutes:
                shipper.store = near
            logged[_say(shipper, f"record {second}")] = second
            shipper.buffer.commit()
            if second >= due:
                attempts += second < 60 * minutes
                with suppress(NervesysError):
                    shipper.ship()
                due = second + shipper.pause()
        shipper.ship()
    what = f"no store for {minutes} simulated minutes, {attempts} attempts"
    return outcome(what, world, folder / "bucket", logged)


def stepped_clock(folder: Path) -> Outcome:
    """The clock jumps an hour back and a day ahead between shipments; no object replaces another."""
    world = World(folder, "http://127.0.0.1:9")
    with simulated(world, FolderStore(folder / "bucket")) as (shipper, clock):
        logged: dict[str, float] = {}
        for number, step in enumerate((0, 0, -3600, 0, 86_400, -90_000, 3600, 0)):
            clock[0] += step
            logged[_say(shipper, f"record {number}")] = 0
            shipper.ship()
    return outcome("a clock that jumps back and ahead", world, folder / "bucket", logged)


@contextmanager
def simulated(world: World, store: FolderStore) -> Iterator[tuple[Shipper, list[float]]]:
    """The parts of an agent that keep and ship logs, by a clock that is turned by hand."""
    clock = [1_767_225_600.0]
    agent = world.agent()
    yield Shipper(store, agent._buffer, agent.me, lambda: clock[0]), clock
    agent._buffer.close()
    agent._lock.release()


def _say(shipper: Shipper, message: str) -> str:
    shipper.buffer.append(LoggedRecord(0, logging.INFO, "agents.grok", message))
    return message


def may_mount() -> bool:
    """Whether this machine lets us have a file system of our own."""
    return subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0


def full_disk(folder: Path) -> Outcome:
    """The buffer lies on a file system of 16 megabytes, and the store is away until that is full."""
    home = folder / "home"
    home.mkdir(parents=True)
    code = f"from tests.nervesys.agent.logs.faults import fill; fill({str(folder)!r})"
    command = f'mount -t tmpfs -o size=16m none "{home}" && exec "{sys.executable}" -c "{code}"'
    done = subprocess.run(["unshare", "-rm", "sh", "-c", command], capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return Outcome(**orjson.loads(done.stdout))


def fill(folder: str) -> None:
    """Log until the disk is full and beyond, then let the store come back; prints what came of it."""
    world = World(Path(folder), f"http://127.0.0.1:{s3.free_port()}")
    with simulated(world, FolderStore(Path(folder) / "bucket")) as (shipper, _):
        logged, refused = dict[str, float](), 0
        for number in range(15_000):
            logged[_say(shipper, f"record {number} {'x' * 2000}")] = 0
            if number % 300 == 0:
                try:
                    shipper.buffer.commit()
                except NervesysError:
                    refused += 1
        assert refused, "the disk never was full"
        for _ in range(ROUNDS):  # what memory holds has room on the disk once that is shipped
            with suppress(NervesysError):
                shipper.buffer.commit()
            shipper.ship()
        found = outcome("a full disk", world, Path(folder) / "bucket", logged)
        found.dropped = int(sum(shipper.buffer.state().dropped.values()))
    sys.stdout.buffer.write(orjson.dumps(found))


def main() -> int:
    """Run all of them; 1 where anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--minutes", type=int, default=60, help="Simulated, without a store.")
    arguments = parser.parse_args()
    runs: list[Callable[[Path], Outcome]] = [
        lambda folder: kills(folder, arguments.kills),
        lambda folder: an_hour_away(folder, arguments.minutes),
        troubled,
        wrong_credentials,
        full_disk,
        stepped_clock,
    ]
    table = Table(
        "fault", "written", "shipped", "missing: last second", "dropped and counted", "lost", "twice",
        title="Logs of an agent: what was logged lies in the store",
    )  # fmt: skip
    outcomes = []
    for number, fault in enumerate(runs):
        with tempfile.TemporaryDirectory() as name:
            result = fault(Path(name) / str(number))
        outcomes.append(result)
        counts = (result.written, result.shipped, result.recent, result.dropped, result.lost, result.twice)
        table.add_row(result.what, *map(str, counts))
    Console(width=None if sys.stdout.isatty() else 150).print(table)
    return 1 if any(result.lost for result in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
