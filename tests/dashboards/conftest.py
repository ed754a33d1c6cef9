import copy

import pytest

from dashboards.build import pages
from dashboards.correct import Json
from nervesys.settings import Loaded, load

LOADED = load()
PAGES = pages(LOADED)


@pytest.fixture
def loaded() -> Loaded:
    return LOADED


@pytest.fixture
def made() -> list[Json]:
    """All pages, made for the shipped settings; free to be spoilt."""
    return copy.deepcopy(PAGES)
