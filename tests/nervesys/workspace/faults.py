"""Writers that are killed, and disks that are full: what was promised must be there afterwards.

`python -m tests.nervesys.workspace.faults` is the long form: a hundred kills, and the table of what came of it.
"""

import argparse
import multiprocessing
import os
import random
import resource
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from rich.console import Console
from rich.table import Table

from nervesys.errors import NervesysError
from nervesys.workspace import Files, History, Version
from tests.nervesys.killed import words_of

SEGMENT_BYTES = 4000
"""So small that many kills meet a rotation."""
FORKSERVER = multiprocessing.get_context("forkserver")
FORKSERVER.set_forkserver_preload([__name__])


@dataclass
class Outcome:
    """What came of a fault run.

    Attributes:
        what: was done.
        written: promised to be kept.
        kept: found afterwards.
        surplus: found, though the writer was killed before it could be promised.
        torn: set aside.
    """

    what: str
    written: int
    kept: int
    surplus: int = 0
    torn: int = 0

    @property
    def lost(self) -> int:
        return self.written - self.kept


@dataclass(frozen=True)
class Work:
    """What writers do until they are killed.

    Attributes:
        name: of it.
        write: promises ids of what it has written.
        kept: the ids that are there afterwards.
    """

    name: str
    write: Callable[[Path, Connection], None]
    kept: Callable[[Path], set[str]]


def kills(folder: Path, count: int, work: Work, writers: int = 3) -> Outcome:
    """Kill writers of one workspace at random instants, each time with others running."""
    dice, promised = random.Random(count), set[str]()
    with FORKSERVER.Pool(1) as pool:
        for _ in range(count):
            promised |= _killed(folder, work, writers, dice.uniform(0.005, 0.05))
        kept = pool.apply(work.kept, (folder,))
    torn = sum(len(file.read_bytes().splitlines()) for file in folder.glob("**/*.torn"))
    what = f"{count} kills of {writers} writers: {work.name}"
    return Outcome(what, len(promised), len(promised & kept), len(kept - promised), torn)


def _killed(folder: Path, work: Work, writers: int, after: float) -> set[str]:
    pipes = [FORKSERVER.Pipe(duplex=False) for _ in range(writers)]
    processes = [FORKSERVER.Process(target=work.write, args=(folder, sender)) for _, sender in pipes]
    for process in processes:
        process.start()
    for _, sender in pipes:
        sender.close()
    for receiver, _ in pipes:
        receiver.poll(10)  # until all are running
    processes[0].join(after)
    for process in processes:
        process.kill()
        process.join()
    return {id_ for receiver, _ in pipes for id_ in words_of(receiver)}


def _append(folder: Path, out: Connection) -> None:
    history = History(folder, segment_bytes=SEGMENT_BYTES)
    while True:
        id_ = history.append("work", {"text": "x" * random.randrange(400)})
        os.write(out.fileno(), id_.encode() + b"\n")


def _appended(folder: Path) -> set[str]:
    with History(folder) as history:
        return {event["id"] for event in history.replay()}


def _write(folder: Path, out: Connection) -> None:
    files = Files(folder, author=str(os.getpid()))
    while True:
        path = f"folder/{random.randrange(5)}.txt"
        version = files.write(path, f"{random.random()}") if random.random() < 0.9 else _deleted(files, path)
        os.write(out.fileno(), version.id.encode() + b"\n")


def _deleted(files: Files, path: str) -> Version:
    try:
        return files.delete(path)
    except NervesysError:  # it is not there
        return files.write(path, "anew")


def _written(folder: Path) -> set[str]:
    """The versions that can be read, of files that show the newest of them."""
    files, found = Files(folder, author="tests"), set[str]()
    for path in [f"folder/{number}.txt" for number in range(5)]:
        versions = files.history(path)
        shown = (files.root / path).read_bytes() if (files.root / path).exists() else None
        assert shown == (files.read(path) if versions[-1].hash else None), path
        assert [version.prev for version in versions] == [None, *(version.id for version in versions[:-1])]
        found |= {version.id for version in versions if version.hash is None or files.read(path, version.id)}
    files.close()
    return found


EVENTS = Work("events", _append, _appended)
FILES = Work("versions of files", _write, _written)


def full_disk(folder: Path, limit: int = 50_000) -> Outcome:
    """Append until the disk takes no more, then give it room and go on."""
    with FORKSERVER.Pool(1) as pool:
        return pool.apply(_fill, (folder, limit))


def _fill(folder: Path, limit: int) -> Outcome:
    promised, refused = set[str](), 0
    with History(folder) as history:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        while refused < 3:
            try:
                promised.add(history.append("work", {"text": "x" * 333}))
            except NervesysError:
                refused += 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        promised.add(history.append("work"))
        kept = {event["id"] for event in history.replay()}
    return Outcome("a full disk", len(promised), len(promised & kept), len(kept - promised))


def corrupt(folder: Path) -> Outcome:
    """Damage a line in the middle, and leave the last one unfinished."""
    with FORKSERVER.Pool(1) as pool:
        written = pool.apply(_some, (folder, 10))
        live = folder / "history.log"
        lines = live.read_bytes().splitlines(keepends=True)
        lines[4] = b"\0" * (len(lines[4]) - 1) + b"\n"
        live.write_bytes(b"".join(lines) + b'{"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","type":"wo')
        kept = pool.apply(_appended, (folder,))
    return Outcome("one of 10 lines zeroed, one torn", written - 1, len(kept), torn=1)


def _some(folder: Path, count: int) -> int:
    with History(folder) as history:
        return sum(bool(history.append("work")) for _ in range(count))


FAULTS: tuple[Callable[[Path], Outcome], ...] = (full_disk, corrupt)


def main() -> int:
    """Run all of them; 1 where anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    options = parser.parse_args()
    table = Table("fault", "written", "kept", "lost", "unpromised", "torn", title="Workspace: what was written is kept")
    with tempfile.TemporaryDirectory() as name:
        outcomes = [kills(Path(name) / work.name, options.kills, work) for work in (EVENTS, FILES)]
        outcomes += [fault(Path(name) / fault.__name__) for fault in FAULTS]
    for outcome in outcomes:
        table.add_row(
            outcome.what, *map(str, (outcome.written, outcome.kept, outcome.lost, outcome.surplus, outcome.torn))
        )
    Console().print(table)
    return 1 if any(outcome.lost for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
