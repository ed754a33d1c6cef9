"""Benchmark: artifacts registered a second, each answered only once it is on disk; and what watching them costs.

The baseline of the first is bare inserts of the same rows, grouped into commits as the service grouped them; of the
second, a full read.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import insert
from starlette.applications import Starlette

from benchmarks.http_load import CONNECTIONS, send
from benchmarks.measure import BenchmarkReport, measure_best, measure_once
from benchmarks.servers import process
from benchmarks.servers import run as run_server
from exporters.artifacts import manifests as area
from exporters.runner import Health, Refresh
from nervesys.artifacts import metrics, registry, tables
from nervesys.artifacts.api import ROOT, Api
from nervesys.artifacts.manifest import ArtifactStatus, Manifest
from nervesys.artifacts.open_artifacts import open_content_storage
from nervesys.artifacts.tables import ManifestDatabase
from nervesys.artifacts.tokens import Tokens
from nervesys.clock import system_clock
from nervesys.contract.times import utc
from nervesys.contract.ulid import UlidGenerator, creation_time
from nervesys.database import ReadOnlyDatabase, Writer
from nervesys.metrics import Instruments
from nervesys.settings import load

TOKEN = "a-token-of-this-benchmark"  # noqa: S105  # of this benchmark only
A_SECOND = 1_000
FILE = "artifacts.sqlite3"


def run(report: BenchmarkReport, *, large: bool, short: bool) -> None:  # noqa: ARG001  # every benchmark takes the same flags
    """Measure registrations, then refreshes."""
    registrations, rows = (200, 2_000) if short else (5_000, 100_000)
    with tempfile.TemporaryDirectory() as name:
        _register(report, Path(name), registrations)
        _refresh(report, Path(name), rows)


def _register(report: BenchmarkReport, folder: Path, count: int) -> None:
    (folder / "tokens").mkdir()
    (folder / "tokens/grok").write_text(TOKEN)
    with process(_serve, folder) as served:
        send(served.port, [_request(manifest) for manifest in _make_manifests(folder, count // 10)])
        sent = send(served.port, [_request(manifest) for manifest in _make_manifests(folder, count)])
    rows = [registry.to_row(manifest) for manifest in _make_manifests(folder, count)]
    bare = measure_best(lambda: _insert(folder, rows))
    report.fact("registrations a second, each in a request of its own", f"{1 / sent.each:,.0f}")
    report.ratio(f"a registration against {A_SECOND:,} a second", sent.each, 1 / A_SECOND, at_most=1)
    report.ratio(f"registrations against bare inserts, {CONNECTIONS} a commit", sent.wall, bare.wall)


def _refresh(report: BenchmarkReport, folder: Path, count: int) -> None:
    """The exporter's passes over so many manifests, and the same again where one was registered."""
    url = f"sqlite:///{folder / 'many.sqlite3'}"
    many, out = ManifestDatabase.open(url), Refresh(area.FAMILIES, Health("artifacts", system_clock).reject)
    with many.alone() as connection:
        rows = [
            {**registry.to_row(manifest), "status": ArtifactStatus.COMPLETED, "registered": number, "change": number}
            for number, manifest in enumerate(_make_manifests(folder, count), 1)
        ]
        connection.execute(insert(tables.manifests), rows)
    watched, stamps = area.ManifestsArea(ReadOnlyDatabase(url, "the manifests")), iter(_make_manifests(folder, 100))

    def read() -> None:
        out.backlog = 1
        while out.backlog:
            watched.refresh(out)

    def add() -> None:
        with many.alone() as connection:
            number = count + next(added)
            row = {**registry.to_row(next(stamps)), "registered": number, "change": number}
            connection.execute(insert(tables.manifests).values(row))

    added = iter(range(1, 100))
    whole = measure_once(read)
    steady = min(_seconds_after(add, read) for _ in range(3))
    report.ratio(f"steady refresh of {count:,} manifests against a full read", steady, whole.wall, at_most=1 / 20)
    many.close()


def _seconds_after(add: Callable[[], None], read: Callable[[], None]) -> float:
    add()
    return measure_once(read).wall


def _make_manifests(folder: Path, count: int) -> Iterator[Manifest]:
    stamps, files = UlidGenerator(system_clock), open_content_storage(folder, load().settings)
    for _ in range(count):
        id_ = stamps.next().id
        yield Manifest(
            id=id_,
            trace_id="bench",
            step_id="one",
            created_by="grok",
            created_at=creation_time(id_),
            artifact_type="report",
            content_type="text/markdown",
            uri=f"{files.root}/{utc(creation_time(id_)).date()}/{id_}",
            size_bytes=1000,
            checksum="0" * 64,
            owner="grok",
        )


def _request(manifest: Manifest) -> bytes:
    body = manifest.model_dump_json()
    head = (
        f"POST {ROOT}artifacts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


def _serve(folder: Path, port: int) -> None:
    """The service's own pages on a database of its own."""
    settings = load().settings
    database = ManifestDatabase.open(f"sqlite:///{folder / FILE}")
    api = Api(
        database=database,
        writer=Writer(database),
        files=open_content_storage(folder, settings),
        tokens=Tokens(folder / "tokens", system_clock),
        instruments=Instruments("artifacts", metrics.FAMILIES),
        settings=settings.storage.artifacts,
        clock=system_clock,
    )
    run_server(Starlette(routes=api.routes()), port)


def _insert(folder: Path, rows: list[dict[str, object]]) -> None:
    """The rows alone, at the same durability, in groups as large as there were requests under way."""
    names = list(rows[0])
    with closing(sqlite3.connect(folder / "bare.sqlite3", isolation_level=None)) as connection:
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "DROP TABLE IF EXISTS manifests"):
            connection.execute(statement)
        connection.execute(f"CREATE TABLE manifests ({', '.join(names)})")
        places = ", ".join("?" * len(names))
        for first in range(0, len(rows), CONNECTIONS):
            connection.execute("BEGIN")
            group = [[row[name] for name in names] for row in rows[first : first + CONNECTIONS]]
            connection.executemany(f"INSERT INTO manifests VALUES ({places})", group)  # noqa: S608  # names of ours
            connection.execute("COMMIT")
