from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from nervesys.queries.query_runner import QueryRunner
from tests.hour.prometheus import remembered

if TYPE_CHECKING:
    from tests.reports.live_site import Watched


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryRunner]:
    """A Prometheus that remembers an hour."""
    with remembered(tmp_path_factory.mktemp("prometheus")) as live:
        yield live


@pytest.fixture
def site(live: QueryRunner) -> "Iterator[Watched]":
    """Pages that refresh each second; every page that is drawn is drawn a minute later than the one before."""
    from tests.reports.live_site import serving

    with serving(live) as site:
        yield site
