import copy
from collections.abc import Iterator

import pytest

from dashboards.build import pages
from dashboards.grafana_json import Json
from nervesys.queries.query_runner import QueryRunner
from nervesys.settings import Loaded, load
from tests.hour.prometheus import remembered

LOADED = load()
PAGES = pages(LOADED)


@pytest.fixture
def loaded() -> Loaded:
    return LOADED


@pytest.fixture
def made() -> list[Json]:
    """All pages, made for the shipped settings; free to be spoilt."""
    return copy.deepcopy(PAGES)


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryRunner]:
    """A Prometheus that remembers an hour."""
    with remembered(tmp_path_factory.mktemp("prometheus")) as live:
        yield live
