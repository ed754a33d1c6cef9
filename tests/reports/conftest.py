from collections.abc import Iterator

import pytest

from nervesys.queries.query_runner import QueryRunner
from tests.hour.prometheus import remembered


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryRunner]:
    """A Prometheus that remembers an hour."""
    with remembered(tmp_path_factory.mktemp("prometheus")) as live:
        yield live
