"""`nervesys exporter`: one source as metrics."""

import sys
from functools import partial
from typing import Annotated

import typer

from commands.not_ready_app import serve_not_ready
from commands.options import ArchiveUrl, BrainUrl, Home, ListenAt, open_settings
from commands.waiting import wait_for_brain
from exporters import sources
from exporters.runner import Runner, Shard, open_source
from nervesys.clock import system_clock
from nervesys.errors import NervesysError
from nervesys.metrics.pages import application, serve
from nervesys.settings.monitoring import Monitoring
from nervesys.stores.open_stores import Configuration

SOURCES = {source.name: source for source in sources.SOURCES}

app = typer.Typer()


@app.command()
def exporter(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=f"One of: {', '.join(SOURCES)}.")],
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
    """Serve the metrics of one source at /metrics, until SIGTERM.

    To see whether a source can be read, and what it gives: `nervesys exporter store --once`. It prints the metrics and
    exits; with 1 if the source could not be read.
    """
    share = _shard(shard)
    if source not in SOURCES:
        raise typer.BadParameter(f"no source is named {source!r}; there are: {', '.join(SOURCES)}")

    def read() -> Configuration:
        return open_settings(f"{source}-exporter", home=home, brain=brain, archive=archive)

    def address(table: Monitoring) -> str:
        if not listen and source not in table.sources:
            raise typer.BadParameter(f"monitoring.yaml has no address under sources.{source}; name one with --listen")
        return listen or table.sources[source].listen

    start = read() if once else wait_for_brain(read, partial(serve_not_ready, address))
    monitoring = start.loaded.settings.monitoring
    with open_source(SOURCES[source], start.place, start.loaded, system_clock, once=once, shard=share) as runner:
        if once:
            _print(runner)
        else:
            _serve(runner, address(monitoring), monitoring)


def _shard(text: str) -> Shard:
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise typer.BadParameter(f"--shard is NUMBER/COUNT, such as 1/4, not {text!r}")
    return Shard(int(number), int(count))


def _print(runner: Runner) -> None:
    complete = runner.read_everything()
    sys.stdout.buffer.write(runner.snapshot().plain)
    if not complete:
        raise NervesysError(runner.problems())


def _serve(runner: Runner, address: str, monitoring: Monitoring) -> None:
    runner.start()
    try:
        serve(application(runner.program(), monitoring.web), address, monitoring.web, monitoring.hosts)
    finally:
        runner.stop()
