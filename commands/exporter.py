"""`nervesys exporter`: sources as metrics."""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer

from commands.not_ready_app import serve_not_ready
from commands.options import ArchiveUrl, BrainUrl, Home, ListenAt, open_settings
from commands.waiting import wait_for_brain
from exporters.modules import import_source, source_names
from exporters.runner import ExporterGroup, MountedSource, Runner, Shard, open_source
from nervesys.clock import system_clock
from nervesys.errors import NervesysError
from nervesys.metrics.merged import merge_snapshots
from nervesys.metrics.pages import HttpProgram, application, serve
from nervesys.settings import Settings
from nervesys.settings.monitoring import EVERY_SOURCE, Monitoring
from nervesys.stores.open_stores import Configuration

app = typer.Typer()
log = logging.getLogger(__name__)


@app.command()
def exporter(
    source: Annotated[
        str,
        typer.Argument(
            metavar=f"{EVERY_SOURCE}|SOURCE[,SOURCE…]",
            help=f"Sources, of: {', '.join(source_names())}; or {EVERY_SOURCE}, for those of monitoring.yaml that are "
            "enabled and have no process of their own.",
        ),
    ],
    listen: ListenAt = None,
    once: Annotated[bool, typer.Option("--once", help="Read everything once, print the metrics, and exit.")] = False,
    shard: Annotated[
        str,
        typer.Option(
            metavar="NUMBER/COUNT",
            help="Read only this share of the fleet, such as 1/4, where several exporters divide it.",
        ),
    ] = "1/1",
    home: Home = None,
    brain: BrainUrl = None,
    archive: ArchiveUrl = None,
) -> None:
    """Serve the metrics of sources, until SIGTERM.

    One source is served at /metrics: `nervesys exporter store`. Several share a process: `nervesys exporter all` or
    `nervesys exporter store,brain`. Each has its page, such as /metrics/store, its threads and its state; one that
    cannot be opened or read costs no other. At /metrics all of them are joined.

    To see whether sources can be read, and what they give: `nervesys exporter store --once`. It prints the metrics and
    exits; with 1 if a source could not be read.
    """
    opening = SourceOpening(_shard(shard), once=once, shares_process=not _is_single(source))
    named = _named(source)

    def read() -> Configuration:
        program = "-".join([*named, "exporter"])
        return open_settings(program, home=home, brain=brain, archive=archive, or_earlier=not once)

    def address(table: Monitoring) -> str:
        if listen or opening.shares_process:
            return listen or table.listen.exporters
        if source not in table.sources:
            raise typer.BadParameter(f"monitoring.yaml has no address under sources.{source}; name one with --listen")
        return table.sources[source].listen

    start = read() if once else wait_for_brain(read, partial(serve_not_ready, address))
    monitoring = start.loaded.settings.monitoring
    chosen = named or _shared(start.loaded.settings)
    if once:
        _print(opening, start, chosen)
    elif opening.shares_process:
        group = ExporterGroup([MountedSource(name, partial(opening.open, name, start)) for name in chosen])
        _serve_group(group, address(monitoring), monitoring)
    else:
        with opening.open(source, start) as runner:
            _serve(runner, address(monitoring), monitoring)


@dataclass(frozen=True)
class SourceOpening:
    """How sources are opened.

    Attributes:
        shard: which part of the fleet is read.
        once: for a single reading.
        shares_process: whether several sources have this process.
    """

    shard: Shard
    once: bool
    shares_process: bool

    @contextmanager
    def open(self, name: str, start: Configuration) -> Iterator[Runner]:
        """Import and open a source."""
        with open_source(
            import_source(name),
            start.place,
            start.loaded,
            system_clock,
            once=self.once,
            shard=self.shard,
            shares_process=self.shares_process,
        ) as runner:
            yield runner


def _is_single(text: str) -> bool:
    return text != EVERY_SOURCE and "," not in text


def _named(text: str) -> tuple[str, ...]:
    """The sources that the argument names, each once; none for all."""
    if text == EVERY_SOURCE:
        return ()
    names = tuple(dict.fromkeys(filter(None, text.split(","))))
    known = source_names()
    unknown = next((name for name in names if name not in known), None)
    if unknown or not names:
        raise typer.BadParameter(f"no source is named {unknown or text!r}; there are: {', '.join(known)}")
    return names


def _shared(settings: Settings) -> Sequence[str]:
    if not settings.shared_sources:
        raise typer.BadParameter("by monitoring.yaml (own_process) no sources share a process; name one of them")
    return settings.shared_sources


def _shard(text: str) -> Shard:
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise typer.BadParameter(f"--shard is NUMBER/COUNT, such as 1/4, not {text!r}")
    return Shard(int(number), int(count))


def _print(opening: SourceOpening, start: Configuration, names: Sequence[str]) -> None:
    """Read each source once; one that cannot be opened or read costs no other."""
    parts, problems = [], []
    for name in names:
        try:
            with opening.open(name, start) as runner:
                if not runner.read_everything():
                    problems.append(f"{name}: {runner.problems()}")
                parts.append(runner.parts())
        except NervesysError as err:
            problems.append(f"{name}: {err}")
    sys.stdout.buffer.write(merge_snapshots(parts).plain)
    if problems:
        raise NervesysError("; ".join(problems))


def _serve(runner: Runner, address: str, monitoring: Monitoring) -> None:
    runner.start()
    try:
        _serve_pages(runner.program(), address, monitoring)
    finally:
        runner.stop()


def _serve_group(group: ExporterGroup, address: str, monitoring: Monitoring) -> None:
    group.start()
    try:
        _serve_pages(group.program(), address, monitoring)
    finally:
        if stuck := group.stop():
            log.error("still reading, and abandoned: %s", ", ".join(stuck))
            logging.shutdown()
            os._exit(0)  # the interpreter would wait for their threads


def _serve_pages(program: HttpProgram, address: str, monitoring: Monitoring) -> None:
    serve(application(program, monitoring.web), address, monitoring.web, monitoring.hosts)
