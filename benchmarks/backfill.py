"""Benchmark: backfill of the archive, against plain decompressing and parsing of the same files on the same cores.

Where others work on the machine at the same time, CPU seconds are more meaningful than wall time. Memory is
what each process holds, added up: pages that they share count for each, so that it is rather less.
"""

import gzip
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from random import Random
from threading import Event, Thread

import orjson
import psutil

from benchmarks.measure import BenchmarkReport, Cost
from exporters.history.blocks import Blocks
from exporters.history.plan import HistoryUnit, log_units, make_plan
from exporters.history.run import Outcome, carry_out
from nervesys.settings import load
from nervesys.settings.storage import Storage
from nervesys.stack.blocks import make_blocks
from nervesys.stack.programs import find
from nervesys.stores.archive import Catalogue
from nervesys.stores.archive_layout import ArchiveLayout
from nervesys.stores.folder import FolderArchive

FIRST = date(2026, 1, 1)
LATER = 1e12
AGENTS_A_SERVER = 5
LINES = 35_000
"""Which make a file of 1 MB."""
AIM, MEMORY_MEGABYTES = 1 / 0.6, 500
WATCHED_SECONDS = 0.2
MEGA = 1 << 20


def run(report: BenchmarkReport, *, large: bool, short: bool) -> None:
    """Measure one backfill, and the same files read plainly."""
    servers, days, lines = (2, 2, 500) if short else (20, 365 if large else 14, LINES)
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = _write_files(folder / "archive", servers, days, lines, cores)
        storage = _storage(folder / "archive")
        size = sum(path.stat().st_size for path in paths)
        outcome, peak = Outcome(), _Peak()
        with peak:
            measured = _measure_tree(partial(_backfill, folder, storage, cores, outcome))
        baseline = _measure_tree(partial(_plain, paths, cores))
        assert outcome.records == servers * days * lines
    report.fact(
        f"{len(paths)} files, {size / MEGA:,.0f} MB: records a second", f"{outcome.records / measured.wall:,.0f}"
    )
    what = f"backfill against gunzip and orjson, {cores} processes each"
    report.ratio(what, measured.wall, baseline.wall, at_most=AIM)
    report.ratio("the same, in seconds of a core", measured.cpu, baseline.cpu, at_most=AIM)
    report.limit("memory of all processes at its peak, MB", round(peak.bytes / MEGA), MEMORY_MEGABYTES)


def _measure_tree(run: Callable[[], object]) -> Cost:
    """What a run took, of all the processes that it started too."""
    before = os.times()
    run()
    after = os.times()
    return Cost(after.elapsed - before.elapsed, sum(after[:4]) - sum(before[:4]))


def _write_files(archive: Path, servers: int, days: int, lines: int, cores: int) -> list[Path]:
    """Files for some days; by other processes, for what this one holds is measured."""
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        written = pool.map(
            partial(_write_day, archive, servers, lines), [FIRST + timedelta(days=n) for n in range(days)]
        )
        return [path for paths in written for path in paths]


def _write_day(archive: Path, servers: int, lines: int, day: date) -> list[Path]:
    """The files of a day, which all servers have alike: what is measured does not notice."""
    body = gzip.compress(b"".join(_line(day, number, lines) for number in range(lines)), 6)
    first, *others = (archive / f"Archive/logs/{day:%Y/%m}/server-{n:02}_{day}.json.gz" for n in range(servers))
    first.parent.mkdir(parents=True, exist_ok=True)
    first.write_bytes(body)
    for other in others:
        other.hardlink_to(first)
    return [first, *others]


def _line(day: date, number: int, lines: int) -> bytes:
    dice = Random(number)
    seconds = number * 86_400 / lines
    clock = f"{int(seconds) // 3600:02}:{int(seconds) // 60 % 60:02}:{seconds % 60:06.3f}"
    failed = dice.random() < 0.05
    record = {
        "timestamp": f"{day}T{clock}Z",
        "agent_id": f"agent-{dice.randrange(AGENTS_A_SERVER)}",
        "level": "ERROR" if failed else "INFO",
        "category": "errors" if failed else dice.choice(("activity", "activity", "system")),
        "action": dice.choice(("code_review", "write_tests", "search_web")),
        "message": f"{'failed' if failed else 'done'}: {dice.getrandbits(40):010x}",
        "context": {"repository": f"repository-{dice.randrange(20)}", "duration_ms": dice.randrange(100, 90_000)},
        "metadata": {"model_version": f"model-{dice.randrange(2)}", "tokens_used": dice.randrange(10, 5000)},
    }
    return orjson.dumps(record) + b"\n"


def _storage(archive: Path) -> Storage:
    storage = load().settings.storage
    return storage.model_copy(update={"archive": storage.archive.model_copy(update={"url": archive.as_uri()})})


def _backfill(folder: Path, storage: Storage, cores: int, outcome: Outcome) -> None:
    catalogue = Catalogue("")
    catalogue.apply(FolderArchive(folder / "archive").list())
    units: list[HistoryUnit] = list(log_units(catalogue.files(), ArchiveLayout(storage), []))
    with closing(Blocks(folder / "data", partial(make_blocks, find("promtool")))) as target:
        plan = make_plan(units, target.progress.made(), date.min, date.max, date.min)
        carry_out(plan.jobs, storage.archive, target, LATER, cores, outcome.add)


def _plain(paths: list[Path], cores: int) -> None:
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        for _ in pool.map(_parse, paths):
            pass


def _parse(path: Path) -> None:
    for line in gzip.decompress(path.read_bytes()).splitlines():
        orjson.loads(line)


class _Peak:
    """The most memory that this process and all below it held at once."""

    bytes = 0

    def __enter__(self) -> None:
        self._over = Event()
        self._thread = Thread(target=self._watch)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._over.wait(WATCHED_SECONDS):
            held = 0
            for process in (me, *me.children(recursive=True)):
                try:
                    held += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.bytes = max(self.bytes, held)
