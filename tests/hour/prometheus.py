"""A real Prometheus that remembers an hour of every family, and scrapes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commands.dashboards import world
from dashboards.build import datasource_seconds
from nervesys.clients.prometheus import Prometheus
from nervesys.queries.query_runner import QueryRunner
from nervesys.settings import load
from tests.hour.history import HOUR_SECONDS, openmetrics
from tests.servers.prometheus import make_blocks, prometheus

LOCAL = load(profile="local")
START = 1_750_000_000


@contextmanager
def remembered(folder: Path) -> Iterator[QueryRunner]:
    """A Prometheus over blocks made of the hour; it scrapes nothing."""
    with remembering(folder, openmetrics(dict(world(LOCAL).known), START)) as url:
        yield QueryRunner(Prometheus(url), datasource_seconds(LOCAL), START + HOUR_SECONDS)


@contextmanager
def remembering(folder: Path, text: str) -> Iterator[str]:
    """A Prometheus over blocks made of OpenMetrics text; it scrapes nothing. Yields its URL."""
    make_blocks(text, folder)
    with prometheus(folder, folder / "data") as url:
        yield url
